//! Where records end up: streams, files, the system's log.
//!
//! Nothing that goes wrong here stops the program or is lost sight of: the records are lost, which is said once, and
//! writing goes on as soon as it can.

mod file;
mod roll;
mod syslog;

use std::io::{self, Write};
use std::sync::OnceLock;

use super::config::{Destination, Problem};
use super::record::Record;

/// Takes finished records.
pub(super) trait Sink: Send + Sync {
    /// Takes the bytes of a record, whole; what there is to say about how that went.
    fn take(&self, bytes: &[u8], record: &Record<'_>) -> Vec<Problem>;
}

/// Opens a destination, and says what is wrong with it.
pub(super) fn open(destination: &Destination) -> (Box<dyn Sink>, Vec<Problem>) {
    match destination {
        Destination::Null => (Box::new(Null), Vec::new()),
        Destination::Stdout => (Box::new(Stdout), Vec::new()),
        Destination::Stderr => (Box::new(Stderr), Vec::new()),
        Destination::File(file) => {
            let (file, problems) = file::File::open(file);
            (Box::new(file), problems)
        }
        Destination::Syslog { socket, ident, facility } => {
            (Box::new(syslog::Syslog::new(socket.clone(), ident.clone(), *facility)), Vec::new())
        }
    }
}

struct Null;
struct Stdout;
struct Stderr;

impl Sink for Null {
    fn take(&self, _: &[u8], _: &Record<'_>) -> Vec<Problem> {
        Vec::new()
    }
}

impl Sink for Stdout {
    fn take(&self, bytes: &[u8], _: &Record<'_>) -> Vec<Problem> {
        let mut stdout = io::stdout().lock();
        // Nothing can be done about a record that nobody takes.
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
        Vec::new()
    }
}

impl Sink for Stderr {
    fn take(&self, bytes: &[u8], _: &Record<'_>) -> Vec<Problem> {
        to_stderr(bytes);
        Vec::new()
    }
}

/// What is done around each record on stderr.
type Around = dyn Fn(&mut dyn FnMut()) + Send + Sync;

/// Something that shares the terminal with the log and has to make room for it.
static AROUND: OnceLock<Box<Around>> = OnceLock::new();

/// From now on each record on stderr is written by calling what `around` is given. For a progress bar, which must go away
/// meanwhile. A second call changes nothing.
pub fn around_stderr(around: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) {
    let _ = AROUND.set(Box::new(around));
}

/// The whole record in one write; nothing can be done, or said, about one that fails.
pub(super) fn to_stderr(record: &[u8]) {
    let mut write = || {
        let _ = io::stderr().lock().write_all(record);
    };
    match AROUND.get() {
        None => write(),
        Some(around) => around(&mut write),
    }
}
