//! C-STORE, the user's side (PS3.7 9.1.1): a stored data set goes out as a request, and its answer is waited for.

use std::io::{self, IoSlice};
use std::time::Duration;

use crate::association::{AgreedContext, Association, AssociationError, Outgoing};
use crate::dataset::{Append, Error as DataSetError, Prepared, Source};
use crate::dimse::command::{self, CStoreRq, Request, Response, field};
use crate::dimse::{self, DimseError};
use crate::names::{EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};

/// Why an object was not sent, or its answer did not come.
#[derive(Debug)]
pub enum SendError {
    /// The message could not be exchanged.
    Dimse(DimseError),
    /// Our side: the file is no longer what it was when it was read first, or cannot be read. Part of the data set may have
    /// been sent, so nothing else can follow on this association.
    DataSet(DataSetError),
}

impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dimse(e) => e.fmt(f),
            Self::DataSet(e) => write!(f, "0006:020e DIMSE Failed to send message\n{e}"),
        }
    }
}

impl std::error::Error for SendError {}

impl From<DimseError> for SendError {
    fn from(e: DimseError) -> Self {
        Self::Dimse(e)
    }
}

/// The accepted context that objects of a class in a transfer syntax are sent on: the first one for exactly that syntax,
/// else one with explicit VR, else implicit VR, else any. Among equals the peer's order decides.
// DCMTK: the order is that of the acceptance, not of the proposal; a file that cannot be converted is found out later.
pub fn context_for<'a>(association: &'a Association, class: &str, syntax: &str) -> Option<&'a AgreedContext> {
    let rank = |context: &&AgreedContext| match &*context.transfer_syntax {
        uid if uid == syntax => 0,
        EXPLICIT_LITTLE | EXPLICIT_BIG => 1,
        IMPLICIT_LITTLE => 2,
        _ => 3,
    };
    association.answered_contexts().filter(|context| context.abstract_syntax == class).min_by_key(rank)
}

/// Sends one object and waits for its answer: so long, or for ever. `progress` hears how many presentation data values of
/// the data set have gone out in all, each time that there are more.
///
/// # Errors
/// As [`SendError`] says. After [`DimseError::NoAnswer`] and [`DimseError::NotThisAnswer`] the association stands.
pub fn send(
    association: &mut Association,
    context: u8,
    store: &CStoreRq,
    data_set: Prepared<'_>,
    source: &impl Source,
    limit: Option<Duration>,
    progress: impl FnMut(usize),
) -> Result<Response, SendError> {
    request(association, context, store, data_set, source, progress)?;
    answer(association, store, limit)
}

/// The first half of [`send`]: the object goes out.
///
/// # Errors
/// As [`SendError`] says; nothing more can be sent then.
pub fn request(
    association: &mut Association,
    context: u8,
    store: &CStoreRq,
    data_set: Prepared<'_>,
    source: &impl Source,
    mut progress: impl FnMut(usize),
) -> Result<(), SendError> {
    let mut bytes = Vec::with_capacity(256);
    command::write_request(&Request::Store(store.clone()), true, &mut bytes);
    association.queue_command(context, &bytes).map_err(DimseError::Association)?;
    let outgoing = association.send_data_set(context, data_set.len()).map_err(DimseError::Association)?;
    let mut pipe = Pipe { outgoing, progress: &mut progress, broken: None };
    let sent = data_set.send(source, &mut pipe);
    let Pipe { outgoing, broken, .. } = pipe;
    if let Some(e) = broken {
        return Err(DimseError::DataSet(e).into());
    }
    sent.map_err(SendError::DataSet)?;
    let pdvs = outgoing.finish().map_err(DimseError::DataSet)?;
    progress(pdvs);
    Ok(())
}

/// The second half of [`send`]: its answer comes.
///
/// # Errors
/// As [`send`].
pub fn answer(association: &mut Association, store: &CStoreRq, limit: Option<Duration>) -> Result<Response, SendError> {
    let (response, _) = dimse::answer_to(association, field::C_STORE_RSP, store.message_id, limit)?;
    association.rest();
    Ok(response)
}

/// Leads a data set into the association.
struct Pipe<'a, 'p> {
    outgoing: Outgoing<'a>,
    progress: &'p mut dyn FnMut(usize),
    /// What broke, which an `io::Error` cannot say.
    broken: Option<AssociationError>,
}

impl Append for Pipe<'_, '_> {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        self.outgoing.write(slices).map_err(|e| {
            self.broken = Some(e);
            io::Error::from(io::ErrorKind::BrokenPipe)
        })?;
        (self.progress)(self.outgoing.pdvs());
        Ok(())
    }
}
