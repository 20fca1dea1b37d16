//! The system's log, at its local socket, in the form that the C library uses (RFC 3164).

use std::fmt::Write;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Sink;
use crate::log::config::Problem;
use crate::log::layout::TimeFormat;
use crate::log::record::Record;
use crate::log::{Level, reason};

/// The system's log. A record that it does not take at once is lost, rather than waited for.
pub(super) struct Syslog {
    socket: PathBuf,
    ident: String,
    facility: u8,
    time: TimeFormat,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<UnixDatagram>,
    /// When a connection is tried again.
    retry: Option<Instant>,
    failing: bool,
}

/// How long nothing is tried after the log could not be reached.
const DELAY: Duration = Duration::from_secs(1);

impl Syslog {
    pub(super) fn new(socket: PathBuf, ident: String, facility: u8) -> Self {
        let time = TimeFormat::new("%b %e %H:%M:%S", true);
        Self { socket, ident, facility, time, state: Mutex::default() }
    }

    fn send(&self, state: &mut State, message: &[u8]) -> io::Result<()> {
        if let Some(open) = &state.open {
            match open.send(message) {
                Err(e) if e.kind() != io::ErrorKind::WouldBlock => state.open = None,
                Err(e) => return Err(e),
                Ok(_) => return Ok(()),
            }
        }
        if state.retry.is_some_and(|retry| retry > Instant::now()) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        state.retry = Some(Instant::now() + DELAY);
        let open = UnixDatagram::unbound()?;
        open.connect(&self.socket)?;
        open.set_nonblocking(true)?;
        open.send(message)?;
        state.open = Some(open);
        state.retry = None;
        Ok(())
    }
}

impl Sink for Syslog {
    fn take(&self, bytes: &[u8], record: &Record<'_>) -> Vec<Problem> {
        let mut message = format!("<{}>", self.facility << 3 | severity(record.level));
        self.time.write(record.time, &mut message);
        // Writing to a string cannot fail.
        let _ = write!(message, " {}: {}", self.ident, String::from_utf8_lossy(bytes).trim_end_matches('\n'));
        // Nothing panics while the lock is held; if it does, the next record connects anew.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.send(&mut state, message.as_bytes()) {
            Ok(()) => state.failing = false,
            Err(_) if state.failing => {}
            Err(e) => {
                state.failing = true;
                let socket = self.socket.display();
                return vec![Problem::error(format!("SysLogAppender: cannot log to {socket}: {}", reason(&e)))];
            }
        }
        Vec::new()
    }
}

/// RFC 5424 table 2.
fn severity(level: Level) -> u8 {
    match level {
        Level::Off | Level::Fatal => 2,
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace | Level::All => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn record(level: Level, text: &str) -> (Record<'_>, &[u8]) {
        (Record::of_root(level, text), text.as_bytes())
    }

    /// A message without its date.
    fn received(log: &UnixDatagram) -> String {
        let mut bytes = [0; 1000];
        let count = log.recv(&mut bytes).unwrap();
        let text = String::from_utf8(bytes[..count].to_vec()).unwrap();
        let (priority, rest) = text.split_once('>').unwrap();
        assert_eq!(rest.as_bytes()[15], b' ', "{text}");
        format!("{priority}>{}", &rest[16..])
    }

    #[test]
    fn messages_have_the_form_of_the_c_library() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("log");
        let log = UnixDatagram::bind(&path).unwrap();
        let syslog = Syslog::new(path, "storescp".to_owned(), 19);
        for (level, priority) in [
            (Level::Trace, 159),
            (Level::Debug, 159),
            (Level::Info, 158),
            (Level::Warn, 156),
            (Level::Error, 155),
            (Level::Fatal, 154),
        ] {
            let (record, bytes) = record(level, "a\nb\n");
            assert_eq!(syslog.take(bytes, &record), []);
            assert_eq!(received(&log), format!("<{priority}>storescp: a\nb"));
        }
        let time = "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap();
        let mut date = String::new();
        TimeFormat::new("%b %e %H:%M:%S", false).write(time, &mut date);
        assert_eq!(date, "Jan  2 03:04:05");
    }

    #[test]
    fn a_log_that_is_away_is_said_once_and_found_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("log");
        let syslog = Syslog::new(path.clone(), "x".to_owned(), 1);
        let (record, bytes) = record(Level::Info, "1");
        let problems = syslog.take(bytes, &record);
        let wanted =
            format!("log4cplus:ERROR SysLogAppender: cannot log to {}: No such file or directory", path.display());
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [wanted]);
        assert_eq!(syslog.take(bytes, &record), []);
        let log = UnixDatagram::bind(&path).unwrap();
        syslog.state.lock().unwrap().retry = None;
        assert_eq!(syslog.take(bytes, &record), []);
        assert_eq!(received(&log), "<14>x: 1");
        // Restarted: the next record goes to the new one.
        drop(log);
        std::fs::remove_file(&path).unwrap();
        let log = UnixDatagram::bind(&path).unwrap();
        assert_eq!(syslog.take(bytes, &record), []);
        assert_eq!(received(&log), "<14>x: 1");
        // One that does not listen is not waited for.
        let mut said = 0;
        for _ in 0..5000 {
            said += syslog.take(bytes, &record).len();
        }
        assert_eq!(said, 1);
    }
}
