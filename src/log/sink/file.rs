//! Files that records are appended to, each in one write, so that other programs' records may stand between but not
//! within them.

use std::fs::{self, OpenOptions};
use std::io::{self, Seek, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::Sink;
use super::roll::Roll;
use crate::log::config::{LogFile, Problem};
use crate::log::reason;
use crate::log::record::Record;

/// A log file.
pub(super) struct File {
    config: LogFile,
    state: Mutex<State>,
}

struct State {
    /// None while it cannot be opened.
    open: Option<Open>,
    roll: Roll,
    /// The file ends within a record.
    torn: bool,
    /// While records are being lost: when the file is opened again.
    retry: Option<Instant>,
    /// Records lost since it was last said how many.
    lost: u64,
    complaint: Complaint,
}

/// What has been said of lost records. On a disk that is almost full, short records still get there: that is not spoken of
/// each time.
#[derive(Default)]
struct Complaint {
    /// When it was last said that records are lost.
    last: Option<Instant>,
    /// That they are not any more has yet to be said.
    open: bool,
}

struct Open {
    file: fs::File,
    /// Where it ends; none for what is no regular file and has no size.
    size: Option<u64>,
    /// Files of this process may not grow beyond this.
    limit: Option<u64>,
}

/// The least time between two complaints about the same file.
const PATIENCE: Duration = Duration::from_secs(60);

impl File {
    /// Opens the file; if that fails it is tried again later.
    pub(super) fn open(config: &LogFile) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let roll = Roll::new(config.rolling, Timestamp::now());
        let mut state = State { open: None, roll, torn: false, retry: None, lost: 0, complaint: Complaint::default() };
        let opened = Open::new(config);
        match if config.append { opened } else { opened.and_then(Open::emptied) } {
            Ok(open) => state.open = Some(open),
            Err(e) => problems.extend(state.fail(config, "Unable to open file", &e)),
        }
        (Self { config: config.clone(), state: Mutex::new(state) }, problems)
    }
}

impl Sink for File {
    fn take(&self, bytes: &[u8], record: &Record<'_>) -> Vec<Problem> {
        // Nothing panics while the lock is held; if it does, the file is as good as before.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut problems = Vec::new();
        if state.roll.is_due(record.time) {
            state.roll(&self.config, record.time, &mut problems);
        }
        state.reopen(&self.config);
        match state.write(bytes) {
            Ok(()) => problems.extend(state.recover(&self.config)),
            Err(e) => {
                state.lost += 1;
                problems.extend(state.fail(&self.config, "file is not open", &e));
            }
        }
        let size = state.open.as_ref().and_then(|open| open.size).unwrap_or(0);
        if state.roll.is_full(size) {
            state.roll(&self.config, record.time, &mut problems);
        }
        problems
    }
}

impl State {
    fn roll(&mut self, config: &LogFile, now: Timestamp, problems: &mut Vec<Problem>) {
        let size = self.open.as_ref().and_then(|open| open.size).unwrap_or(0);
        match self.roll.roll(&config.path, now, size) {
            Ok(()) => {
                self.torn = false;
                match Open::new(config) {
                    Ok(open) => self.open = Some(open),
                    Err(e) => {
                        self.open = None;
                        problems.extend(self.fail(config, "Failed to open file", &e));
                    }
                }
            }
            // The file goes on as it is: what it holds is not thrown away.
            Err(problem) => problems.push(problem),
        }
    }

    /// After a failure the file may be gone or replaced, its file system mounted again.
    fn reopen(&mut self, config: &LogFile) {
        if self.retry.is_some_and(|retry| retry <= Instant::now()) {
            self.retry = Some(Instant::now() + config.reopen_delay);
            self.open = Open::new(config).ok();
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let open = self.open.as_mut().ok_or(io::ErrorKind::NotFound)?;
        if self.torn { open.write(&[b"\n", bytes].concat(), &mut self.torn) } else { open.write(bytes, &mut self.torn) }
    }

    fn fail(&mut self, config: &LogFile, what: &str, e: &io::Error) -> Option<Problem> {
        let now = Instant::now();
        self.retry.get_or_insert(now + config.reopen_delay);
        if self.complaint.open || self.complaint.last.is_some_and(|last| now < last + PATIENCE) {
            return None;
        }
        self.complaint = Complaint { last: Some(now), open: true };
        Some(Problem::error(format!("{what}: {}: {}", config.path.display(), reason(e))))
    }

    fn recover(&mut self, config: &LogFile) -> Option<Problem> {
        self.retry.take()?;
        if !std::mem::take(&mut self.complaint.open) {
            return None;
        }
        let (path, lost) = (config.path.display(), std::mem::take(&mut self.lost));
        Some(Problem::warning(format!("file is open again: {path}: records lost meanwhile: {lost}")))
    }
}

impl Open {
    fn new(config: &LogFile) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(&config.path)?;
        let metadata = file.metadata()?;
        let size = metadata.is_file().then_some(metadata.len());
        Ok(Self { file, size, limit: getrlimit(Resource::Fsize).current })
    }

    fn emptied(mut self) -> io::Result<Self> {
        if let Some(size) = &mut self.size {
            self.file.set_len(0)?;
            *size = 0;
        }
        Ok(self)
    }

    /// Appends the bytes; `torn` says whether a part of them got there at most.
    fn write(&mut self, bytes: &[u8], torn: &mut bool) -> io::Result<()> {
        // The kernel would end the process with SIGXFSZ where this is an error.
        let end = self.size.map(|size| size.saturating_add(bytes.len() as u64));
        if end.zip(self.limit).is_some_and(|(end, limit)| end > limit) {
            return Err(Errno::FBIG.into());
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    *torn = true;
                    rest = rest.get(count..).unwrap_or_default();
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        *torn = false;
        if self.size.is_some() {
            // Where the write ended, whatever others have done to the file since.
            self.size = self.file.stream_position().ok();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
