//! From the receive buffer into the staged file: as the bytes come, or in another form.

use std::io::{self, IoSlice};

use tracing::warn;

use super::{Content, Destination, ForcedAbort, Incoming, Received, StoreError, Target, Trouble, pause};
use crate::dataset::meta::Meta;
use crate::dataset::vr::Vr;
use crate::dataset::{
    Append, Consequence, Error, Form, Found, OutputSyntax, Refusal, Rewriter, Rewritten, Sink, Tag, Warnings,
};
use crate::dimse::Call;
use crate::disk::Staged;
use crate::uid;

/// Slices of one write: the file meta header and what a batch holds.
const SLICES: usize = 65;

/// What a file says its class is when its data set does not. DCMTK's own UID for that, which readers may know.
const NO_SOP_CLASS: &str = "1.2.276.0.7230010.3.1.0.1";

/// Reads the data set into the target.
///
/// # Errors
/// When the association must end.
pub(super) fn receive<D: Destination>(
    call: &mut Call<'_>,
    incoming: &Incoming<'_>,
    trouble: &Trouble,
    target: Target,
    destination: &D,
    object: &mut D::Object,
) -> Result<Received, StoreError> {
    let mut keeper = Keeper::new(target, incoming);
    let mut told = false;
    let one_by_one = !trouble.sleep_during.is_zero() || trouble.abort == Some(ForcedAbort::During);
    let pdvs = if one_by_one { 1 } else { usize::MAX };
    pause(trouble.sleep_during);
    while let Some(batch) = call.next_batch(pdvs)? {
        keeper.take(call)?;
        if !told && let Some(study) = keeper.study() {
            told = true;
            destination.learned(object, study);
        }
        if batch.pdvs > 0 {
            if trouble.abort == Some(ForcedAbort::During) {
                return Err(StoreError::Forced(ForcedAbort::During));
            }
            destination.progress(object, batch.pdvs);
            pause(trouble.sleep_during);
        }
    }
    pause(trouble.sleep_during);
    if trouble.abort == Some(ForcedAbort::After) {
        return Err(StoreError::Forced(ForcedAbort::After));
    }
    keeper.finish(incoming, destination)
}

/// What becomes of the bytes as they come. After a failure the rest of the data set is read all the same: only then can the
/// peer be told.
enum Keeper {
    Dropping,
    Failed(io::Error),
    Refused(Refusal),
    Copying(Headed),
    Rewriting { rewriter: Box<Rewriter<'static>>, out: Out, meta: bool, form: Form },
}

/// Where rewritten bytes go: into a file, or nowhere.
enum Out {
    File(Headed),
    Nowhere { position: u64 },
}

/// A file that gets its head together with the first bytes behind it, in one system call.
struct Headed {
    file: Staged,
    head: Vec<u8>,
}

impl Keeper {
    fn new(target: Target, incoming: &Incoming<'_>) -> Self {
        match target {
            Target::Nowhere => Self::Dropping,
            Target::Failed(e) => Self::Failed(e),
            Target::Kept { file, meta } => {
                let syntax = incoming.transfer_syntax;
                Self::Copying(Headed { file, head: if meta { requested_head(incoming, syntax) } else { Vec::new() } })
            }
            Target::Rewritten { file, meta, form, context } => {
                let syntax = form.syntax.uid(incoming.transfer_syntax);
                let head = if meta { requested_head(incoming, syntax) } else { Vec::new() };
                let out = match file {
                    Some(file) => Out::File(Headed { file, head }),
                    None => Out::Nowhere { position: 0 },
                };
                match Rewriter::new(incoming.transfer_syntax, &form, context) {
                    Ok(rewriter) => Self::Rewriting { rewriter: Box::new(rewriter), out, meta, form },
                    Err(refusal) => Self::Refused(refusal),
                }
            }
        }
    }

    /// Takes the last batch.
    fn take(&mut self, call: &Call<'_>) -> Result<(), StoreError> {
        let failed = match self {
            Self::Dropping | Self::Failed(_) | Self::Refused(_) => return Ok(()),
            Self::Copying(out) => {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let n = fill(&mut slices, call.payload().map(IoSlice::new));
                out.append(&slices[..n]).map_err(Error::Io)
            }
            Self::Rewriting { rewriter, out, .. } => {
                let mut slices = [&[][..]; SLICES];
                let n = fill(&mut slices, call.payload());
                rewriter.push(&slices[..n], out)
            }
        };
        // A staged file is dropped with this and leaves nothing.
        failed.or_else(|e| self.fail(e))
    }

    /// The Study Instance UID, once it has passed.
    fn study(&self) -> Option<&Found> {
        match self {
            Self::Rewriting { rewriter, .. } => rewriter.seen(Tag::STUDY_INSTANCE),
            Self::Dropping | Self::Failed(_) | Self::Refused(_) | Self::Copying(_) => None,
        }
    }

    fn fail(&mut self, error: Error) -> Result<(), StoreError> {
        *self = match error {
            Error::Refused(refusal) if refusal.consequence() == Consequence::Abort => {
                return Err(StoreError::Refused(refusal));
            }
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Io(e) => Self::Failed(e),
            Error::SourceChanged => Self::Failed(io::ErrorKind::InvalidData.into()),
        };
        Ok(())
    }

    fn finish<D: Destination>(mut self, incoming: &Incoming<'_>, destination: &D) -> Result<Received, StoreError> {
        let (rewriter, mut out, meta, form) = match self {
            Self::Dropping => return Ok(Received::Dropped(Content::Unread)),
            Self::Failed(e) => return Ok(Received::Failed(e)),
            Self::Refused(refusal) => return Ok(Received::Refused(refusal)),
            Self::Copying(mut out) => {
                // An empty data set: the head is still to be written.
                return Ok(match out.append(&[]) {
                    Ok(()) => Received::File(out.file, Content::Unread),
                    Err(e) => Received::Failed(e),
                });
            }
            Self::Rewriting { rewriter, out, meta, form } => (rewriter, out, meta, form),
        };
        let done = rewriter.finish(&mut out).and_then(|rewritten| match out {
            Out::File(first) => place(rewritten, first, meta, form, incoming, destination),
            Out::Nowhere { .. } => {
                let outcome = rewritten.into_outcome();
                say(&outcome.warnings);
                Ok(Received::Dropped(Content::Read(outcome.found)))
            }
        });
        match done {
            Ok(received) => Ok(received),
            Err(e) => {
                self = Self::Dropping;
                self.fail(e)?;
                self.finish(incoming, destination)
            }
        }
    }
}

/// Gives a rewritten data set its last shape: the head names what the data set says it is, and what could not be put in its
/// place while it came is put there in a second file.
fn place<D: Destination>(
    rewritten: Rewritten<'static>,
    mut first: Headed,
    meta: bool,
    form: Form,
    incoming: &Incoming<'_>,
    destination: &D,
) -> Result<Received, Error> {
    first.append(&[])?;
    let head = if meta { found_head(&rewritten.found(), form.syntax, incoming) } else { Vec::new() };
    let before = head.len() as u64;
    let (file, outcome) = if rewritten.needs_second_pass(before) {
        let mut second = destination.spare()?;
        second.write_all(&head)?;
        let outcome = rewritten.second_pass(&first.file, before, &mut second)?;
        (second, outcome)
    } else {
        if meta && head != requested_head(incoming, form.syntax.uid(incoming.transfer_syntax)) {
            first.file.write_all_at(&head, 0)?;
        }
        (first.file, rewritten.into_outcome())
    };
    say(&outcome.warnings);
    Ok(Received::File(file, Content::Read(outcome.found)))
}

/// What was repaired, as DCMTK says it.
fn say(warnings: &Warnings) {
    for warning in warnings.first() {
        warn!(target: "dcmtk.dcmdata", "{warning}");
    }
    let more = warnings.count().saturating_sub(warnings.first().len() as u64);
    if more > 0 {
        warn!(target: "dcmtk.dcmdata", "DcmItem: {more} more such warnings about this data set");
    }
}

/// The file meta header as the request tells it.
fn requested_head(incoming: &Incoming<'_>, transfer_syntax: &str) -> Vec<u8> {
    let mut head = Vec::new();
    Meta {
        sop_class: &incoming.request.sop_class,
        sop_instance: &incoming.request.sop_instance,
        transfer_syntax,
        source_title: &incoming.parties.calling.text(),
    }
    .write(&mut head);
    head
}

/// The file meta header as the data set tells it (PS3.10 table 7.1-1).
fn found_head(found: &[Found], syntax: OutputSyntax, incoming: &Incoming<'_>) -> Vec<u8> {
    let text = |tag| {
        let found = found.iter().find(|found| found.tag == tag && found.vr == Vr::UI)?;
        // DCMTK: a value ends at its first NUL.
        let end = found.value.iter().position(|&b| b == 0).unwrap_or(found.value.len());
        Some(found.value[..end].iter().map(|&b| char::from(b)).collect::<String>())
    };
    let mut head = Vec::new();
    Meta {
        sop_class: &text(Tag::SOP_CLASS).unwrap_or_else(|| NO_SOP_CLASS.to_owned()),
        sop_instance: &text(Tag::SOP_INSTANCE).unwrap_or_else(uid::new),
        transfer_syntax: syntax.uid(incoming.transfer_syntax),
        source_title: &incoming.parties.calling.text(),
    }
    .write(&mut head);
    head
}

/// Fills an array from its start; how many there are. There are never more than it takes: a batch has fewer.
fn fill<T>(array: &mut [T], items: impl Iterator<Item = T>) -> usize {
    let mut n = 0;
    for (slot, item) in array.iter_mut().zip(items) {
        *slot = item;
        n += 1;
    }
    n
}

impl Append for Headed {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        if self.head.is_empty() {
            return self.file.write_all_vectored(slices);
        }
        if slices.len() < SLICES {
            let mut all = [IoSlice::new(&[]); SLICES];
            all[0] = IoSlice::new(&self.head);
            let n = 1 + fill(&mut all[1..], slices.iter().map(|slice| IoSlice::new(slice)));
            self.file.write_all_vectored(&all[..n])?;
        } else {
            self.file.write_all(&self.head)?;
            self.file.write_all_vectored(slices)?;
        }
        self.head = Vec::new();
        Ok(())
    }
}

impl Sink for Headed {
    fn patch(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn position(&self) -> u64 {
        self.file.len() + self.head.len() as u64
    }
}

impl Append for Out {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        match self {
            Self::File(file) => file.append(slices),
            Self::Nowhere { position } => {
                *position += slices.iter().map(|slice| slice.len() as u64).sum::<u64>();
                Ok(())
            }
        }
    }
}

impl Sink for Out {
    fn patch(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.patch(bytes, offset),
            Self::Nowhere { .. } => Ok(()),
        }
    }

    fn position(&self) -> u64 {
        match self {
            Self::File(file) => file.position(),
            Self::Nowhere { position } => *position,
        }
    }
}
