//! A received data set on its way to a file: read as it arrives, written in the wanted form.

use super::arrange::{Arranged, Task};
use super::deflate::{Deflater, Inflater};
use super::emit::{Emitter, Output, Pass, Replacement, Stirred};
use super::form::{Form, OutputSyntax, Syntax};
use super::plan::Lengths;
use super::refusal::{Error, Reason, Refusal, Warnings};
use super::storage::{Append, ScratchMaker, Sink, Source, read_exact_at};
use super::tag::Tag;
use super::vr::Dictionary;
use super::walk::{Reading, Walker};
use super::watch::{Found, Wanted, Watch};
use std::io::IoSlice;
use std::sync::Arc;

/// How far a data set may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sequences within each other, encapsulated pixel data counting as one.
    pub depth: usize,
    /// Bytes to which a deflated data set may inflate.
    pub inflated: u64,
    /// Bytes of memory for lists that grow with the object, before they move to scratch files.
    pub memory: usize,
}

impl Default for Limits {
    /// 64 sequences, 4 GiB, 16 MiB.
    fn default() -> Limits {
        Limits { depth: 64, inflated: 4 << 30, memory: 16 << 20 }
    }
}

/// What rewriting needs besides bytes.
#[derive(Debug, Clone)]
pub struct Context<'d> {
    /// Gives VRs to elements whose header has none.
    pub dictionary: &'d Dictionary,
    /// How far a data set may go.
    pub limits: Limits,
    /// Makes scratch files for unusually large objects.
    pub scratch: ScratchMaker,
    /// Elements to look out for.
    pub wanted: &'d [Wanted],
}

impl Context<'static> {
    /// With the built-in dictionary, the default limits, and what a receiver wants to know.
    pub fn new(scratch: ScratchMaker) -> Context<'static> {
        let dictionary = Dictionary::builtin();
        Context { dictionary, limits: Limits::default(), scratch, wanted: Wanted::BY_RECEIVER }
    }
}

/// Rewrites one data set while it arrives.
///
/// Elements go out in the wanted form and in the order in which they come; lengths are corrected in the sink as they become
/// known. If elements are out of order, or the output is deflated, [`Rewritten::needs_second_pass`] says so at the end.
///
/// Memory: some hundred KiB, whatever the object; lists of large irregular objects up to [`Limits::memory`].
pub struct Rewriter<'d> {
    walker: Walker<'d>,
    emitter: Emitter,
    inflater: Option<Inflater>,
    form: Form,
    context: Context<'d>,
    deflates: bool,
    /// Bytes received.
    received: u64,
    begun: bool,
}

/// The output of a form for input of a syntax, and how to read that.
pub(crate) struct Conversion {
    pub(crate) input: Syntax,
    pub(crate) output: Syntax,
    pub(crate) reading: Reading,
    pub(crate) writing: Output,
}

impl Conversion {
    pub(crate) fn new(input_syntax: &str, form: &Form, limits: &Limits) -> Result<Conversion, Refusal> {
        let unsupported = Refusal::at(Reason::UnsupportedSyntax, 0);
        let input = Syntax::of(input_syntax).ok_or(unsupported)?;
        let output = Syntax::of(form.syntax.uid(input_syntax)).ok_or(unsupported)?;
        let reading = Reading {
            explicit: input.encoding.is_explicit(),
            big: input.encoding.is_big(),
            encapsulated: input.encapsulated,
            convert_un: form.convert_un,
            depth: limits.depth,
        };
        let fragments = input.encapsulated && form.syntax == OutputSyntax::Same;
        Ok(Conversion { input, output, reading, writing: Output::new(form, output.encoding, fragments) })
    }
}

impl<'d> Rewriter<'d> {
    /// A rewriter for one data set in the transfer syntax of that UID.
    ///
    /// # Errors
    ///
    /// [`Reason::UnsupportedSyntax`].
    pub fn new(input_syntax: &str, form: &Form, context: Context<'d>) -> Result<Rewriter<'d>, Refusal> {
        let limits = context.limits;
        let Conversion { input, output, reading, writing } = Conversion::new(input_syntax, form, &limits)?;
        let watch = Watch::new(context.wanted);
        let scratch = context.scratch.clone();
        Ok(Rewriter {
            walker: Walker::new(reading, context.dictionary),
            emitter: Emitter::new(writing, Lengths::Guessed, watch, limits.memory, scratch),
            inflater: input.deflated.then(|| Inflater::new(limits.inflated)),
            form: *form,
            context,
            deflates: output.deflated,
            received: 0,
            begun: false,
        })
    }

    /// Other values for some of the elements at the top, to be called before the first byte.
    pub(crate) fn replace(&mut self, replace: &Arc<[Replacement]>) {
        self.emitter.replace = Arc::clone(replace);
    }

    /// Takes the next bytes of the data set, cut anywhere. What the sink held before the first call is what will stand before
    /// the data set in its file: the padding of a file counts it.
    ///
    /// Large values go to the sink as slices of the input, in one append for each call if it is worth it; small calls are
    /// gathered.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`]: the data set is at fault, and the sink is to be dropped. [`Error::Io`]: the sink failed.
    pub fn push(&mut self, slices: &[&[u8]], sink: &mut impl Sink) -> Result<(), Error> {
        if !std::mem::replace(&mut self.begun, true) {
            self.emitter.pending.base = sink.position();
        }
        self.received += slices.iter().map(|slice| slice.len() as u64).sum::<u64>();
        let Self { walker, emitter, inflater, .. } = self;
        match inflater {
            None => walk(walker, emitter, slices, sink),
            Some(inflater) => {
                slices.iter().try_for_each(|slice| inflater.feed(slice, |bytes| walk(walker, emitter, &[bytes], sink)))
            }
        }
    }

    /// A wanted element at the top of the data set, once it has passed. In a data set that has it twice it may turn out not to
    /// be the one that stays.
    pub fn seen(&self, tag: Tag) -> Option<&Found> {
        self.emitter.watch.seen(tag)
    }

    /// Ends the data set: all of it has been pushed.
    ///
    /// # Errors
    ///
    /// As [`Rewriter::push`].
    pub fn finish(mut self, sink: &mut impl Sink) -> Result<Rewritten<'d>, Error> {
        if !self.begun {
            self.emitter.pending.base = sink.position();
        }
        if self.received == 0 {
            return Err(Refusal::at(Reason::Empty, 0).into());
        }
        if let Some(inflater) = &self.inflater {
            inflater.finish()?;
        }
        let mut pass = Pass { emitter: &mut self.emitter, slices: &[], sink };
        self.walker.finish(&mut pass)?;
        pass.finish()?;
        let Rewriter { emitter, form, context, deflates, .. } = self;
        Ok(Rewritten { emitter, form, context, deflates })
    }
}

pub(crate) fn walk(
    walker: &mut Walker<'_>,
    emitter: &mut Emitter,
    slices: &[&[u8]],
    sink: &mut impl Sink,
) -> Result<(), Error> {
    let mut pass = Pass { emitter, slices, sink };
    for (number, slice) in (0u32..).zip(slices) {
        walker.feed(slice, number, &mut pass)?;
    }
    Ok(emitter.pending.end_of_call(slices, sink)?)
}

/// A data set that has been read and written: complete, unless it needs a second pass.
pub struct Rewritten<'d> {
    emitter: Emitter,
    form: Form,
    context: Context<'d>,
    deflates: bool,
}

/// What became known of a data set.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The wanted elements that are there.
    pub found: Vec<Found>,
    /// Whether the output may differ from the input. Not counted: that it is compressed anew.
    pub changed: bool,
    /// What was repaired or is odd.
    pub warnings: Warnings,
}

impl Outcome {
    /// The element of that tag, if it was wanted and is there.
    pub fn found(&self, tag: Tag) -> Option<&Found> {
        self.found.iter().find(|found| found.tag == tag)
    }
}

impl Rewritten<'_> {
    /// Whether what the sink holds is not yet what was asked for: then [`Rewritten::second_pass`] writes that.
    ///
    /// `before` is how many bytes shall stand before the data set in its file: other than what the sink held if the file meta
    /// header is no longer the same.
    pub fn needs_second_pass(&self, before: u64) -> bool {
        let pending = &self.emitter.pending;
        self.deflates || self.emitter.is_stirred() || before != pending.base || pending.surplus() > 0
    }

    /// Whether the padding at the end of the file is another behind another header.
    fn pads_anew(&self, before: u64) -> bool {
        let output = &self.emitter.output;
        let base = self.emitter.pending.base;
        let multiple = u64::from(output.file_padding);
        multiple != 0 && !output.hands_off && before % multiple != base % multiple
    }

    /// The wanted elements as far as they are known before a second pass. Only one with duplicate sequences can change them.
    pub fn found(&self) -> Vec<Found> {
        self.emitter.watch.found()
    }

    /// The state of the writing, and the memory for lists.
    pub(crate) fn into_parts(self) -> (Emitter, usize) {
        (self.emitter, self.context.limits.memory)
    }

    /// Where the first pass is all that was needed: what became known.
    pub fn into_outcome(self) -> Outcome {
        let Emitter { watch, changed, warnings, .. } = self.emitter;
        Outcome { found: watch.found(), changed, warnings }
    }

    /// Writes the data set from the sink of the first pass, which is `staged` now, to its final place: in order, compressed if
    /// that is the form, behind the `before` bytes that `out` has been given already.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: reading or writing failed.
    pub fn second_pass(mut self, staged: &impl Source, before: u64, out: &mut impl Append) -> Result<Outcome, Error> {
        if self.deflates {
            let mut deflater = Deflater::new(self.form.compression, out);
            self.copy_or_arrange(staged, before, &mut deflater)?;
            deflater.finish()?;
        } else {
            self.copy_or_arrange(staged, before, out)?;
        }
        Ok(self.into_outcome())
    }

    fn copy_or_arrange(&mut self, staged: &impl Source, before: u64, out: &mut dyn Append) -> Result<(), Error> {
        if !self.emitter.is_stirred() {
            if !self.pads_anew(before) {
                let pending = &self.emitter.pending;
                return copy(staged, pending.base, pending.position(), out);
            }
            let end = self.emitter.pending.position();
            self.emitter.stirred.push(Stirred::data_set(end).to_bytes())?;
        }
        let emitter = &mut self.emitter;
        emitter.changed = true;
        let task = Task {
            output: emitter.output,
            base: emitter.pending.base,
            before,
            memory: self.context.limits.memory,
            scratch: self.context.scratch.clone(),
            warnings: &mut emitter.warnings,
            watch: &mut emitter.watch,
            doubts: &mut emitter.doubts,
        };
        Arranged::measure(staged, &mut emitter.stirred, task)?.write(staged, out)
    }
}

/// Copies `len` bytes from `from` on.
pub(crate) fn copy(source: &impl Source, from: u64, len: u64, out: &mut dyn Append) -> Result<(), Error> {
    let mut buffer = vec![0; usize::try_from(len).unwrap_or(usize::MAX).min(256 * 1024)];
    let mut done = 0;
    while done < len {
        let now = buffer.len().min(usize::try_from(len - done).unwrap_or(usize::MAX));
        read_exact_at(source, &mut buffer[..now], from + done)?;
        out.append(&[IoSlice::new(&buffer[..now])])?;
        done += now as u64;
    }
    Ok(())
}
