//! A file that is being written and has no visible name yet.

use super::folder::Handle;
use super::sys;
use rustix::io::{Errno, Result};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A file being written that has no visible name yet: see [`Folder::stage`](super::Folder::stage).
///
/// [`Folder::publish`](super::Folder::publish) gives it one; dropped before, it leaves nothing behind. Writing is appending;
/// [`write_all_at`](Self::write_all_at) patches what is already written. Writes are not buffered: hand over large pieces,
/// or several small ones in one [`write_all_vectored`](Self::write_all_vectored).
///
/// Every write fails with the system's error: `ENOSPC` and `EDQUOT` for a full disk, `EFBIG` beyond the file-size limit.
/// What was written by then is counted in [`len`](Self::len).
#[derive(Debug)]
pub struct Staged {
    file: OwnedFd,
    end: u64,
    limit: u64,
    late: bool,
    hidden: Option<Hidden>,
    /// It was nameless and got its name by a link.
    linked: bool,
}

/// The hidden name a staged file bears where it cannot be nameless, or on its way to replacing another.
#[derive(Debug)]
struct Hidden {
    dir: Arc<Handle>,
    name: String,
}

impl Staged {
    /// Number of bytes written so far.
    pub fn len(&self) -> u64 {
        self.end
    }

    /// Whether nothing has been written yet.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Appends all bytes.
    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.room(self.end, bytes.len())?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = written(sys::write_at(&self.file, rest, self.end)?)?;
            self.end += count as u64;
            rest = rest.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Appends all bytes of all slices, in one system call unless the system takes less; nothing is copied.
    pub fn write_all_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        let total = slices.iter().map(|slice| slice.len()).fold(0, usize::saturating_add);
        self.room(self.end, total)?;
        let mut rest = slices;
        loop {
            // Nothing to write is skipped, for a call that writes nothing cannot be told from one that can't go on.
            while let Some((first, others)) = rest.split_first()
                && first.is_empty()
            {
                rest = others;
            }
            if rest.is_empty() {
                return Ok(());
            }
            let mut count = written(sys::write_slices_at(&self.file, rest, self.end)?)?;
            self.end += count as u64;
            while let Some((first, others)) = rest.split_first()
                && count > 0
            {
                if count < first.len() {
                    self.write_all(first.get(count..).unwrap_or_default())?;
                    count = first.len();
                }
                count -= first.len();
                rest = others;
            }
        }
    }

    /// Writes over bytes that were written before, at `offset` from the start of the file.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if that would reach beyond [`len`](Self::len).
    pub fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if offset.checked_add(bytes.len() as u64).is_none_or(|end| end > self.end) {
            return Err(Errno::INVAL.into());
        }
        let (mut rest, mut at) = (bytes, offset);
        while !rest.is_empty() {
            let count = written(sys::write_at(&self.file, rest, at)?)?;
            at += count as u64;
            rest = rest.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Reads back what was written, from `offset` on, at most a buffer full. 0 at the end.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(sys::read_at(&self.file, buffer, offset)?)
    }

    /// Returns once the file's bytes are on the disk itself. For the name, see [`Folder::sync`](super::Folder::sync).
    pub fn sync(&self) -> io::Result<()> {
        Ok(sys::sync(&self.file)?)
    }

    pub(super) fn create(dir: &Arc<Handle>) -> Result<Self> {
        if dir.nameless.load(Relaxed) {
            match sys::open_nameless(&dir.fd) {
                Ok(file) => return Ok(Self::new(file, None, dir)),
                // What kernels and file systems without nameless files answer.
                Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL | Errno::NOSYS) => {}
                Err(error) => return Err(error),
            }
            let named = Self::create_named(dir)?;
            dir.nameless.store(false, Relaxed);
            return Ok(named);
        }
        Self::create_named(dir)
    }

    fn create_named(dir: &Arc<Handle>) -> Result<Self> {
        for attempt in 0..ATTEMPTS {
            let name = hidden_name();
            let file = match sys::open_named(&dir.fd, &name) {
                Err(Errno::EXIST) => continue,
                other => other?,
            };
            let staged = Self::new(file, Some(Hidden { dir: Arc::clone(dir), name }), dir);
            // Between creation and lock the file looked abandoned, and another receiver's sweep may have taken it.
            if staged.lock()? && staged.is_at_home()? {
                return Ok(staged);
            }
            // A sweep is short, but on a busy machine it can win again and again.
            std::thread::sleep(Duration::from_millis(u64::from(attempt)));
        }
        Err(Errno::AGAIN)
    }

    fn new(file: OwnedFd, hidden: Option<Hidden>, dir: &Handle) -> Self {
        Self { file, end: 0, limit: dir.limit, late: dir.late, hidden, linked: false }
    }

    /// Takes the lock that keeps sweeps away. False: a sweep has it.
    fn lock(&self) -> Result<bool> {
        match sys::lock(&self.file) {
            // Without locks nobody's sweep can take one either, and leaves the file alone.
            Ok(_) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is_at_home(&self) -> Result<bool> {
        self.hidden.as_ref().map_or(Ok(true), |at| sys::names(&at.dir.fd, Path::new(&at.name), &self.file))
    }

    /// Makes sure that no write can fail any more, where the file system would report that only on close.
    pub(super) fn settle(&self) -> Result<()> {
        if self.late { sys::sync(&self.file) } else { Ok(()) }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Folder and name under which the file is hidden; none while it is nameless.
    pub(super) fn hiding_place(&self) -> Option<(&Handle, &Path)> {
        self.hidden.as_ref().map(|at| (&*at.dir, Path::new(&at.name)))
    }

    /// Gives a nameless file a hidden name, locked before it can be seen.
    pub(super) fn hide(&mut self, dir: &Arc<Handle>, link: impl Fn(BorrowedFd<'_>, &Path) -> Result<()>) -> Result<()> {
        self.lock()?;
        for _ in 0..ATTEMPTS {
            let name = hidden_name();
            match link(self.fd(), Path::new(&name)) {
                Err(Errno::EXIST) => continue,
                other => other?,
            }
            self.hidden = Some(Hidden { dir: Arc::clone(dir), name });
            return Ok(());
        }
        Err(Errno::EXIST)
    }

    /// The hidden name is no more: it became the final one.
    /// It has got its name by a link.
    pub(super) fn linked(&mut self) {
        self.linked = true;
    }

    pub(super) fn is_linked(&self) -> bool {
        self.linked
    }

    /// Like [`sync`](Self::sync), and with the bytes all that was done to the file.
    pub(super) fn sync_all(&self) -> io::Result<()> {
        Ok(sys::sync_all(&self.file)?)
    }

    pub(super) fn arrived(&mut self) {
        self.hidden = None;
    }

    /// The same bytes staged once more, in another folder.
    pub(super) fn copy_into(&self, dir: &Arc<Handle>) -> io::Result<Self> {
        let mut copy = Self::create(dir)?;
        let mut buffer = vec![0; 256 * 1024];
        while copy.end < self.end {
            let count = self.read_at(&mut buffer, copy.end)?;
            copy.write_all(buffer.get(..written(count)?).unwrap_or_default())?;
        }
        copy.settle()?;
        Ok(copy)
    }

    /// The kernel would end the process with SIGXFSZ where we return the error.
    fn room(&self, offset: u64, count: usize) -> io::Result<()> {
        match offset.checked_add(count as u64) {
            Some(end) if end <= self.limit => Ok(()),
            _ => Err(Errno::FBIG.into()),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(at) = &self.hidden {
            // A name that cannot be removed now is the next sweep's.
            let _ = sys::unlink(&at.dir.fd, Path::new(&at.name));
        }
    }
}

impl io::Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Staged::write_all(self, bytes)?;
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_all_vectored(slices)?;
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How often a hidden name is tried. Names do not clash; what costs attempts is another receiver's sweep.
const ATTEMPTS: u32 = 32;

const PREFIX: &str = ".pacs-";
const SUFFIX: &str = ".part";

fn hidden_name() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{PREFIX}{random:016x}{SUFFIX}")
}

/// Whether this is a name that [`hidden_name`] makes.
pub(super) fn is_hidden_name(name: &[u8]) -> bool {
    let digits = name.strip_prefix(PREFIX.as_bytes()).and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
    digits.is_some_and(|digits| digits.len() == 16 && digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// A call that moved nothing although there was something to move will not do better next time.
fn written(count: usize) -> io::Result<usize> {
    if count == 0 { Err(Errno::IO.into()) } else { Ok(count) }
}
