//! `--resume`: a journal of the files that the receiver has acknowledged, so that none of them is sent again.
//!
//! One line for each, written when the answer has come and before the next file goes out on that association: its length and
//! time of modification, and its absolute path. A file that has changed since is another one. The first line says for which
//! receiver the journal is. A program killed within a line leaves a piece of one, which counts as nothing.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pacs_tools::{fatal, log};
use rustix::fs::{FlockOperation, flock};
use tracing::info;

use crate::options::Config;
use crate::{Failed, TARGET};

/// How the first line begins.
const TITLE: &str = "storescu journal 1";

/// How often lines are forced to the disk, where they outlive a power failure.
const SYNC: Duration = Duration::from_secs(1);

/// Longest line that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// What tells one state of a file from another: length, and time of modification in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    time: i128,
}

/// The journal.
#[derive(Debug)]
pub(crate) struct Journal {
    sent: HashMap<PathBuf, Stamp>,
    file: Mutex<(File, Instant)>,
}

impl Journal {
    /// Opens the journal that `--resume` names and reads it; it is made if there is none.
    ///
    /// # Errors
    /// When it cannot be used; the log has it.
    pub(crate) fn open(config: &Config) -> Result<Option<Self>, Failed> {
        let Some(path) = &config.beyond.resume else { return Ok(None) };
        let title = format!("{TITLE} {} {} {}", config.peer, config.port, config.called);
        match Self::read(path, &title) {
            Ok(journal) => Ok(Some(journal)),
            Err(e) => {
                fatal!(target: TARGET, "cannot use the journal {} of --resume: {}.", path.display(), log::reason(&e));
                Err(Failed)
            }
        }
    }

    fn read(path: &Path, title: &str) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(io::Error::other("another program writes it"));
        }
        let (mut sent, mut whole, mut first) = (HashMap::new(), 0, true);
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = io::Read::take(&mut reader, LONGEST as u64).read_until(b'\n', &mut line)?;
            if line.pop_if(|last| *last == b'\n').is_none() {
                break;
            }
            if first && line != title.as_bytes() {
                let is_one = line.starts_with(TITLE.as_bytes());
                return Err(io::Error::other(if is_one { "it is for another receiver" } else { "it is no journal" }));
            }
            if !first && let Some((name, stamp)) = parse(&line) {
                sent.insert(name, stamp);
            }
            first = false;
            whole += count as u64;
        }
        if first && file.metadata()?.len() > 0 && !title.as_bytes().starts_with(&line) {
            return Err(io::Error::other("it is no journal"));
        }
        // What is left of a line that was not finished goes.
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        if first {
            file.write_all(format!("{title}\n").as_bytes())?;
        }
        Ok(Self { sent, file: Mutex::new((file, Instant::now())) })
    }

    /// Leaves files out that have been sent before; `sent_before` hears of each. What is no longer there counts as it was.
    pub(crate) fn leave_out(&self, files: &mut Vec<PathBuf>, mut sent_before: impl FnMut(&Path)) {
        let before = files.len();
        files.retain(|path| {
            let known = absolute(path).ok().and_then(|path| self.sent.get(&path));
            let same = known.is_some_and(|known| stamp(path).is_none_or(|now| now == *known));
            if same {
                sent_before(path);
            }
            !same
        });
        let left_out = before - files.len();
        if left_out > 0 {
            info!(target: TARGET, "{left_out} files have been sent before, as the journal of --resume says.");
        }
    }

    /// A file has been acknowledged. When this returns, its line is with the system.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn stored(&self, path: &Path) -> io::Result<()> {
        let stamp = self.stamp_sent(path);
        let line = format(&absolute(path)?, stamp);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.0.write_all(&line)?;
        if file.1.elapsed() >= SYNC {
            file.0.sync_data()?;
            file.1 = Instant::now();
        }
        Ok(())
    }

    /// The file's stamp; under its new name if it was renamed.
    fn stamp_sent(&self, path: &Path) -> Stamp {
        let mut renamed = path.as_os_str().to_owned();
        renamed.push(".done");
        stamp(path).or_else(|| stamp(Path::new(&renamed))).unwrap_or(Stamp { length: 0, time: 0 })
    }

    /// Everything written is on the disk when this returns.
    pub(crate) fn finish(&self) {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // It is with the system, which is what matters for all but a power failure.
        _ = file.0.sync_all();
    }
}

fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    let time = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    Some(Stamp { length: metadata.len(), time })
}

/// A line: length, time, path, in which a line break is `\n` and a backslash is `\\`.
fn format(path: &Path, Stamp { length, time }: Stamp) -> Vec<u8> {
    let mut line = format!("{length} {time} ").into_bytes();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'\n' => line.extend(b"\\n"),
            b'\\' => line.extend(b"\\\\"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\n');
    line
}

fn parse(line: &[u8]) -> Option<(PathBuf, Stamp)> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let mut number = || std::str::from_utf8(parts.next()?).ok();
    let (length, time) = (number()?.parse().ok()?, number()?.parse().ok()?);
    let (mut path, mut escaped) = (Vec::new(), false);
    for byte in parts.next()? {
        match (escaped, byte) {
            (false, b'\\') => escaped = true,
            (true, b'n') => (escaped, _) = (false, path.push(b'\n')),
            (_, byte) => (escaped, _) = (false, path.push(*byte)),
        }
    }
    Some((OsString::from_vec(path).into(), Stamp { length, time }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_written() {
        for name in ["/a/b.dcm", "/with blank/and\nline\\break", "/\u{e4}"] {
            let stamp = Stamp { length: 5, time: -1 };
            let line = format(Path::new(name), stamp);
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            assert_eq!(parse(&line[..line.len() - 1]), Some((PathBuf::from(name), stamp)));
        }
        for wrong in ["", "5", "5 x /a", "x 5 /a", "5 5"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_was_sent_is_left_out_unless_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a", "b", "c"] {
            fs::write(at(name), name).unwrap();
        }
        let journal = Journal::read(&at("journal"), TITLE).unwrap();
        journal.stored(&at("a")).unwrap();
        journal.stored(&at("b")).unwrap();
        assert!(Journal::read(&at("journal"), TITLE).is_err(), "it is in use");
        drop(journal);
        // A program that was killed within a line.
        let mut file = OpenOptions::new().append(true).open(at("journal")).unwrap();
        file.write_all(&format(&at("c"), stamp(&at("c")).unwrap())[..20]).unwrap();
        drop(file);
        fs::write(at("b"), "changed").unwrap();
        fs::remove_file(at("a")).unwrap();
        let journal = Journal::read(&at("journal"), TITLE).unwrap();
        let (mut files, mut skipped) = (vec![at("a"), at("b"), at("c")], Vec::new());
        journal.leave_out(&mut files, |path| skipped.push(path.to_owned()));
        assert_eq!((files, skipped), (vec![at("b"), at("c")], vec![at("a")]));
        journal.stored(&at("c")).unwrap();
        drop(journal);
        let journal = Journal::read(&at("journal"), TITLE).unwrap();
        assert_eq!(journal.sent.len(), 3, "no line was damaged by what was left of another");
        drop(journal);
        assert_eq!(
            Journal::read(&at("journal"), "storescu journal 1 x").unwrap_err().to_string(),
            "it is for another receiver"
        );
        assert_eq!(Journal::read(&at("b"), TITLE).unwrap_err().to_string(), "it is no journal");
    }
}
