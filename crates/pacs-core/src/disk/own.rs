//! One process owns a folder: a file with its number and a lock tell the others.

use super::folder::{Folder, checked};
use super::sys;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;

/// Bytes of a number and a line feed; nobody writes more into the file.
const LONGEST: usize = 24;

/// The lock on a folder; it ends with this, and with the process whatever becomes of it.
#[derive(Debug)]
pub struct Owned {
    _file: OwnedFd,
}

/// Why a folder cannot be owned.
#[derive(Debug)]
pub enum OwnError {
    /// Another process owns it, with this number if it can be told.
    Taken(Option<u32>),
    /// This file system has no locks: who owns the folder could not be told.
    NoLocks,
    /// The system's error.
    Io(io::Error),
}

impl From<Errno> for OwnError {
    fn from(e: Errno) -> Self {
        Self::Io(e.into())
    }
}

impl Folder {
    /// Makes this process the owner of the folder, by a lock on a file of this name in it. The file stays; it says who the
    /// last owner was.
    ///
    /// # Errors
    /// See [`OwnError`].
    pub fn own(&self, name: impl AsRef<OsStr>) -> Result<Owned, OwnError> {
        let name = checked(name.as_ref())?;
        let file = self.attempt(|dir| sys::open_or_make(&dir.fd, name))?;
        match sys::lock(&file) {
            Ok(true) => {}
            Ok(false) => return Err(OwnError::NoLocks),
            Err(Errno::WOULDBLOCK) => return Err(OwnError::Taken(number_in(&file))),
            Err(e) => return Err(e.into()),
        }
        let text = format!("{}\n", std::process::id());
        sys::truncate(&file)?;
        sys::write_at(&file, text.as_bytes(), 0)?;
        Ok(Owned { _file: file })
    }

    /// Locks a file that is there already, as its other users lock it; none if it is not there or is no file. Fails with
    /// `WouldBlock` while one of them holds it.
    ///
    /// # Errors
    /// As the system says.
    pub fn lock_existing(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Owned>> {
        let name = checked(name.as_ref())?;
        let text = name.to_str().ok_or(Errno::INVAL)?;
        match self.attempt(|dir| sys::open_existing(&dir.fd, text)) {
            Ok(file) if sys::is_file(&sys::stat_fd(&file)?) => {
                sys::lock(&file)?;
                Ok(Some(Owned { _file: file }))
            }
            Ok(_) | Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ISDIR) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

fn number_in(file: &OwnedFd) -> Option<u32> {
    let mut bytes = [0; LONGEST];
    let n = sys::read_at(file, &mut bytes, 0).ok()?;
    std::str::from_utf8(bytes.get(..n)?).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (Folder::open(dir.path()).unwrap(), Folder::open(dir.path()).unwrap());
        let owned = one.own(".owner").unwrap();
        match two.own(".owner") {
            Err(OwnError::Taken(Some(pid))) => assert_eq!(pid, std::process::id()),
            other => panic!("{other:?}"),
        }
        drop(owned);
        drop(two.own(".owner").unwrap());
        assert_eq!(std::fs::read_to_string(dir.path().join(".owner")).unwrap(), format!("{}\n", std::process::id()));
    }

    #[test]
    fn only_what_is_there_is_locked() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert!(folder.lock_existing("index.dat").unwrap().is_none());
        std::fs::write(dir.path().join("index.dat"), "x").unwrap();
        let held = folder.lock_existing("index.dat").unwrap();
        assert!(held.is_some());
        assert_eq!(folder.lock_existing("index.dat").unwrap_err().kind(), io::ErrorKind::WouldBlock);
        std::fs::create_dir(dir.path().join("d")).unwrap();
        assert!(folder.lock_existing("d").unwrap().is_none());
    }
}
