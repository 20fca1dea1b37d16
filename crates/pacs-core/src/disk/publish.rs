//! How a staged file gets its final name: in one step, and knowingly.

use super::folder::{Folder, Handle, checked};
use super::staged::Staged;
use super::sys;
use rustix::io::{Errno, Result};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// What became of [`Folder::publish`].
#[derive(Debug)]
#[must_use]
pub enum Published {
    /// The file bears its name.
    New,
    /// Something bears the name already. The file is as it was: choose another name, [`Folder::replace`], or drop it.
    Exists(Staged),
}

/// What became of [`Folder::publish_synced`].
#[derive(Debug)]
#[must_use]
pub enum Synced {
    /// The file bears its name, and both last.
    New,
    /// Something bears the name already; see [`Published::Exists`].
    Exists(Staged),
    /// The file bears its name, but this error came while it was waited for that both last.
    Unsure(io::Error),
}

impl Folder {
    /// Gives the file its name, all at once. Nothing is ever replaced.
    ///
    /// The file may have been staged in another folder, too; on another file system it is copied first.
    ///
    /// # Errors
    ///
    /// The file is given up and leaves nothing.
    pub fn publish(&self, mut staged: Staged, name: impl AsRef<OsStr>) -> io::Result<Published> {
        let name = checked(name.as_ref())?;
        match self.put(&mut staged, |staged, dir| staged.take_free_name(dir, name)) {
            Ok(()) => Ok(Published::New),
            Err(error) if error.raw_os_error() == Some(Errno::EXIST.raw_os_error()) => Ok(Published::Exists(staged)),
            Err(error) => Err(error),
        }
    }

    /// As [`publish`](Self::publish); when this returns, the file's bytes and its name are on the disk itself. That takes one
    /// wait for the disk where a file and its name go there together, else two.
    ///
    /// # Errors
    ///
    /// The file is given up and leaves nothing. Only where it got its name and that could not be made to last, it is there:
    /// [`Synced::Unsure`].
    pub fn publish_synced(&self, mut staged: Staged, name: impl AsRef<OsStr>) -> io::Result<Synced> {
        let name = checked(name.as_ref())?;
        let together = staged.hiding_place().is_none() && self.handle().syncs_names;
        if !together {
            staged.sync()?;
        }
        match self.put(&mut staged, |staged, dir| staged.take_free_name(dir, name)) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(Errno::EXIST.raw_os_error()) => {
                return Ok(Synced::Exists(staged));
            }
            Err(error) => return Err(error),
        }
        // On its way it may have become a copy with a name of its own.
        let synced =
            if together && staged.is_linked() { staged.sync_all() } else { staged.sync().and_then(|()| self.sync()) };
        Ok(synced.map_or_else(Synced::Unsure, |()| Synced::New))
    }

    /// Gives the file its name in place of whatever file or link bears it: at any moment the one or the other is there, whole.
    ///
    /// Who has the old file open keeps reading the old bytes. A link is replaced, what it leads to stays as it is.
    ///
    /// # Errors
    ///
    /// `IsADirectory` if a folder bears the name. The file is given up and leaves nothing; the old one stays.
    pub fn replace(&self, mut staged: Staged, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = checked(name.as_ref())?;
        self.put(&mut staged, |staged, dir| staged.take_any_name(dir, name))
    }

    fn put(&self, staged: &mut Staged, take: impl Fn(&mut Staged, &Arc<Handle>) -> Result<()>) -> io::Result<()> {
        staged.settle()?;
        let error = match self.attempt(|dir| take(staged, dir)) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let dir = self.handle();
        match error {
            // Another file system; or the hidden name was removed together with its folder, but its bytes are still ours.
            Errno::XDEV => {}
            Errno::NOENT if staged.hiding_place().is_some() => {}
            // Made without a name, but none can be given to it: no /proc, or a file system that promised too much.
            Errno::NOENT | Errno::OPNOTSUPP | Errno::PERM | Errno::INVAL | Errno::NOSYS
                if staged.hiding_place().is_none() =>
            {
                dir.nameless.store(false, Relaxed);
            }
            other => return Err(other.into()),
        }
        *staged = staged.copy_into(&dir)?;
        Ok(self.attempt(|dir| take(staged, dir))?)
    }
}

impl Staged {
    fn take_free_name(&mut self, dir: &Arc<Handle>, name: &Path) -> Result<()> {
        match self.hiding_place() {
            None => {
                link_nameless(self.fd(), &dir.fd, name)?;
                self.linked();
                Ok(())
            }
            Some((home, hidden)) => {
                dir.move_new(&home.fd, hidden, name)?;
                self.arrived();
                Ok(())
            }
        }
    }

    fn take_any_name(&mut self, dir: &Arc<Handle>, name: &Path) -> Result<()> {
        if self.hiding_place().is_none() {
            self.hide(dir, |file, hidden| link_nameless(file, &dir.fd, hidden))?;
        }
        if let Some((home, hidden)) = self.hiding_place() {
            sys::rename(&home.fd, hidden, &dir.fd, name)?;
            self.arrived();
        }
        Ok(())
    }
}

/// Naming a file by its descriptor alone was refused while the way through `/proc` worked: ask no more.
static BY_PROC: AtomicBool = AtomicBool::new(false);

fn link_nameless(file: BorrowedFd<'_>, dir: impl AsFd, name: &Path) -> Result<()> {
    if BY_PROC.load(Relaxed) {
        return sys::link_by_proc(file, dir, name);
    }
    match sys::link_by_descriptor(file, &dir, name) {
        // Refused, or the folder is gone: the other way tells.
        Err(Errno::NOENT | Errno::PERM | Errno::INVAL) => {}
        other => return other,
    }
    let outcome = sys::link_by_proc(file, dir, name);
    if matches!(outcome, Ok(()) | Err(Errno::EXIST)) {
        BY_PROC.store(true, Relaxed);
    }
    outcome
}

/// Ways to rename without replacing, best first; a folder remembers the first that works.
const RENAME: u8 = 0;
const LINK: u8 = 1;
// Any other value: look, then rename.

impl Handle {
    /// Moves a file into this folder, under a name that must be free.
    pub(super) fn move_new(&self, from: impl AsFd, old: &Path, new: &Path) -> Result<()> {
        let mut way = self.way.load(Relaxed);
        loop {
            let outcome = match way {
                RENAME => sys::rename_new(&from, old, &self.fd, new),
                LINK => self.link_new(&from, old, new),
                _ => return self.look_and_rename(from, old, new),
            };
            match outcome {
                // What a file system answers that lacks this call.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM | Errno::MLINK) => way += 1,
                other => {
                    self.way.store(way, Relaxed);
                    return other;
                }
            }
        }
    }

    fn link_new(&self, from: impl AsFd, old: &Path, new: &Path) -> Result<()> {
        match sys::link_by_name(&from, old, &self.fd, new) {
            // A network file system that repeated its own request may find the name that the lost first answer made.
            Err(Errno::EXIST) => {
                let there = sys::stat_name(&self.fd, new)?;
                if !sys::same_file(&there, &sys::stat_name(&from, old)?) {
                    return Err(Errno::EXIST);
                }
            }
            other => other?,
        }
        // The file has its name; the old one is only litter, which a sweep can remove.
        let _ = sys::unlink(from, old);
        Ok(())
    }

    /// Without both calls another process can slip in between looking and renaming; it is the best there is.
    fn look_and_rename(&self, from: impl AsFd, old: &Path, new: &Path) -> Result<()> {
        match sys::stat_name(&self.fd, new) {
            Ok(_) => Err(Errno::EXIST),
            Err(Errno::NOENT) => sys::rename(from, old, &self.fd, new),
            Err(error) => Err(error),
        }
    }
}
