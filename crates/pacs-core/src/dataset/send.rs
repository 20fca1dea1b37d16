//! A stored data set on its way to the network: nothing that was sent can be corrected, so the source is read twice.

use super::arrange::{Arranged, Task};
use super::deflate::{Deflater, Inflater};
use super::emit::{Emitter, Pass, Replacement};
use super::form::{Form, TrailingPadding};
use super::plan::{Lengths, Plan};
use super::refusal::{Error, Reason, Refusal};
use super::rewrite::{Context, Conversion, Outcome, Rewriter, copy};
use super::storage::{Append, Scratch, Sink, Source};
use super::walk::Walker;
use super::watch::Watch;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// Bytes read from a source at once.
const BUFFER: usize = 256 * 1024;

/// Bytes read at first: small objects, of which there are many, need no more, and a large buffer is not made for nothing.
const FIRST: usize = 8 * 1024;

/// A data set that has been read once: what it will be in the wanted form is known, to its length.
///
/// Ordered data sets, which nearly all are, are read a second time when they are [sent](Prepared::send). One that is out of
/// order is written to a scratch file in between.
pub struct Prepared<'d> {
    conversion: Conversion,
    form: Form,
    context: Context<'d>,
    outcome: Outcome,
    from: u64,
    len: u64,
    way: Way,
    replace: Arc<[Replacement]>,
}

enum Way {
    /// Bytes of the source as they are, so many.
    Copy(u64),
    Recode(Plan),
    Arrange {
        scratch: Box<dyn Scratch>,
        arranged: Box<Arranged>,
    },
}

impl<'d> Prepared<'d> {
    /// Reads the data set that starts at byte `from` of `source`, in the transfer syntax of that UID, and plans to write it in
    /// `form`, but without the padding of a file.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if the data set is at fault or cannot be had in that form, [`Error::Io`].
    pub fn new(
        source: &impl Source,
        from: u64,
        input_syntax: &str,
        form: &Form,
        context: Context<'d>,
    ) -> Result<Prepared<'d>, Error> {
        Self::replacing(source, from, input_syntax, form, context, Arc::default())
    }

    /// As [`Prepared::new`], with other values for some of the elements at the top.
    ///
    /// # Errors
    ///
    /// As [`Prepared::new`].
    pub fn replacing(
        source: &impl Source,
        from: u64,
        input_syntax: &str,
        form: &Form,
        context: Context<'d>,
        replace: Arc<[Replacement]>,
    ) -> Result<Prepared<'d>, Error> {
        let limits = context.limits;
        // A file's padding is nothing for the network.
        let form = &Form { padding: TrailingPadding { file: 0, ..form.padding }, ..*form };
        let conversion = Conversion::new(input_syntax, form, &limits)?;
        let plan = Plan::new(limits.memory, context.scratch.clone());
        let watch = Watch::new(context.wanted);
        let mut reading = Recoding::new(&conversion, Lengths::Noted(plan), watch, &context, &replace);
        reading.run(source, from, &mut Nowhere)?;
        let Recoding { emitter, inflater, read, .. } = reading;
        let stirred = emitter.is_stirred();
        let Emitter { pending, lengths, changed, warnings, watch, .. } = emitter;
        let mut outcome = Outcome { found: watch.found(), changed, warnings };
        let mut len = pending.position();
        let way = if stirred {
            let (scratch, mut arranged, all) = spool(source, from, input_syntax, form, &context, &replace)?;
            outcome = all;
            len = arranged.len()?;
            Way::Arrange { scratch, arranged: Box::new(arranged) }
        } else if !changed && conversion.input.deflated == conversion.output.deflated {
            Way::Copy(inflater.map_or(read, |inflater| inflater.read()))
        } else {
            match lengths {
                Lengths::Noted(plan) => Way::Recode(plan),
                _ => return Err(Error::SourceChanged),
            }
        };
        Ok(Prepared { conversion, form: *form, context, outcome, from, len, way, replace })
    }

    /// What became known of the data set.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Bytes to be sent, where they are known: not if they are yet to be compressed.
    pub fn len(&self) -> Option<u64> {
        let len = match &self.way {
            Way::Copy(len) => *len,
            _ if self.conversion.output.deflated => return None,
            _ => self.len,
        };
        Some(len + (len & 1))
    }

    /// Whether it is certain that there are no bytes to be sent.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Writes the data set to `out`, and one NUL more if its length is odd. Returns how many bytes that were.
    ///
    /// # Errors
    ///
    /// [`Error::SourceChanged`] if `source` gives other bytes than before, [`Error::Io`].
    pub fn send(self, source: &impl Source, out: &mut impl Append) -> Result<u64, Error> {
        let Prepared { conversion, form, context, from, len, way, replace, .. } = self;
        let settings = Settings { conversion: &conversion, context: &context, replace: &replace };
        let mut counted = Counted { out, count: 0 };
        if let Way::Copy(len) = way {
            copy_all(source, from, len, &mut counted)?;
        } else if conversion.output.deflated {
            let mut deflater = Deflater::new(form.compression, &mut counted);
            write(way, settings, source, from, len, &mut deflater)?;
            deflater.finish()?;
        } else {
            write(way, settings, source, from, len, &mut counted)?;
        }
        if counted.count & 1 == 1 {
            counted.append(&[IoSlice::new(&[0])])?;
        }
        Ok(counted.count)
    }
}

/// How a data set is read a second time.
struct Settings<'p, 'd> {
    conversion: &'p Conversion,
    context: &'p Context<'d>,
    replace: &'p Arc<[Replacement]>,
}

fn write(
    way: Way,
    settings: Settings<'_, '_>,
    source: &impl Source,
    from: u64,
    len: u64,
    out: &mut dyn Append,
) -> Result<(), Error> {
    match way {
        Way::Copy(len) => copy_all(source, from, len, out),
        Way::Arrange { scratch, mut arranged } => arranged.write(&scratch, out),
        Way::Recode(plan) => {
            let lengths = Lengths::Known { plan, next: 0 };
            let Settings { conversion, context, replace } = settings;
            let mut writing = Recoding::new(conversion, lengths, Watch::default(), context, replace);
            writing.run(source, from, &mut Forward { out, written: 0 })?;
            if writing.emitter.pending.position() != len { Err(Error::SourceChanged) } else { Ok(()) }
        }
    }
}

/// Writes bytes of the source as they are.
fn copy_all(source: &impl Source, from: u64, len: u64, out: &mut dyn Append) -> Result<(), Error> {
    let Some(bytes) = source.in_memory(from) else { return copy(source, from, len, out) };
    let bytes = usize::try_from(len).ok().and_then(|len| bytes.get(..len)).ok_or(Error::SourceChanged)?;
    Ok(out.append(&[IoSlice::new(bytes)])?)
}

/// Writes a data set that is out of order to a scratch file, in order of arrival.
fn spool(
    source: &impl Source,
    from: u64,
    input_syntax: &str,
    form: &Form,
    context: &Context<'_>,
    replace: &Arc<[Replacement]>,
) -> Result<(Box<dyn Scratch>, Arranged, Outcome), Error> {
    let mut scratch = context.scratch.make()?;
    let mut rewriter = Rewriter::new(input_syntax, form, context.clone())?;
    rewriter.replace(replace);
    let mut at = from;
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = source.read_at(&mut buffer, at)?;
        if count == 0 {
            break;
        }
        rewriter.push(&[&buffer[..count]], &mut scratch)?;
        at += count as u64;
    }
    let (mut emitter, memory) = rewriter.finish(&mut scratch)?.into_parts();
    if !emitter.is_stirred() {
        return Err(Error::SourceChanged);
    }
    let task = Task {
        output: emitter.output,
        base: 0,
        before: 0,
        memory,
        scratch: context.scratch.clone(),
        warnings: &mut emitter.warnings,
        watch: &mut emitter.watch,
        doubts: &mut emitter.doubts,
    };
    let arranged = Arranged::measure(&scratch, &mut emitter.stirred, task)?;
    let outcome = Outcome { found: emitter.watch.found(), changed: true, warnings: emitter.warnings };
    Ok((scratch, arranged, outcome))
}

/// One reading of a source from the first byte to the last.
struct Recoding<'d> {
    walker: Walker<'d>,
    emitter: Emitter,
    inflater: Option<Inflater>,
    read: u64,
}

impl<'d> Recoding<'d> {
    fn new(
        conversion: &Conversion,
        lengths: Lengths,
        watch: Watch,
        context: &Context<'d>,
        replace: &Arc<[Replacement]>,
    ) -> Recoding<'d> {
        let Context { limits, dictionary, scratch, .. } = context;
        let mut emitter = Emitter::new(conversion.writing, lengths, watch, limits.memory, scratch.clone());
        emitter.replace = Arc::clone(replace);
        Recoding {
            walker: Walker::new(conversion.reading, dictionary),
            emitter,
            inflater: conversion.input.deflated.then(|| Inflater::new(limits.inflated)),
            read: 0,
        }
    }

    fn run(&mut self, source: &impl Source, from: u64, sink: &mut impl Sink) -> Result<(), Error> {
        match source.in_memory(from) {
            Some(bytes) => self.take(bytes, sink)?,
            None => self.read(source, from, sink)?,
        }
        if self.read == 0 {
            return Err(Refusal::at(Reason::Empty, 0).into());
        }
        let Self { walker, emitter, inflater, .. } = self;
        if let Some(inflater) = inflater {
            inflater.finish()?;
        }
        let mut pass = Pass { emitter, slices: &[], sink };
        walker.finish(&mut pass)?;
        pass.finish()
    }

    fn read(&mut self, source: &impl Source, from: u64, sink: &mut impl Sink) -> Result<(), Error> {
        let mut buffer = vec![0; FIRST];
        loop {
            if buffer.len() < BUFFER && self.read >= FIRST as u64 {
                buffer = vec![0; BUFFER];
            }
            let count = source.read_at(&mut buffer, from + self.read)?;
            if count == 0 {
                return Ok(());
            }
            self.take(&buffer[..count], sink)?;
        }
    }

    /// Takes the next bytes.
    fn take(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Error> {
        let Self { walker, emitter, inflater, read } = self;
        *read += bytes.len() as u64;
        match inflater {
            None => super::rewrite::walk(walker, emitter, &[bytes], sink),
            Some(inflater) => inflater.feed(bytes, |bytes| super::rewrite::walk(walker, emitter, &[bytes], sink)),
        }
    }
}

/// Where the first reading writes to.
struct Nowhere;

impl Append for Nowhere {
    fn append(&mut self, _: &[IoSlice<'_>]) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Nowhere {
    fn patch(&mut self, _: &[u8], _: u64) -> io::Result<()> {
        Ok(())
    }

    fn position(&self) -> u64 {
        0
    }
}

/// Where the second reading writes to: there is no way back.
struct Forward<'o> {
    out: &'o mut dyn Append,
    written: u64,
}

impl Append for Forward<'_> {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        self.written += slices.iter().map(|slice| slice.len() as u64).sum::<u64>();
        self.out.append(slices)
    }
}

impl Sink for Forward<'_> {
    fn patch(&mut self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn position(&self) -> u64 {
        self.written
    }
}

struct Counted<'o> {
    out: &'o mut dyn Append,
    count: u64,
}

impl Append for Counted<'_> {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        self.count += slices.iter().map(|slice| slice.len() as u64).sum::<u64>();
        self.out.append(slices)
    }
}
