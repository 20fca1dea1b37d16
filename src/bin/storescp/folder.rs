//! Where received files go: the output folder, the folders of studies below it, and the names.

mod name;
mod study;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pacs_core::dataset::ScratchMaker;
use pacs_core::disk::{Folder, Published, Staged};

pub(crate) use name::{FileName, sanitized};
pub(crate) use study::{Patient, StudyName};

/// A folder that files are put into, and how it is called in the log.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: Folder,
    shown: PathBuf,
    /// Serial numbers are given out one at a time, so that each is tried once.
    serial: Mutex<()>,
}

/// How an object got its name.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Under a free name.
    New(OsString),
    /// In place of another file, once [`Shelf::replace`] has been called.
    Replacing(OsString, Staged),
}

/// The output folder and what is below it.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    top: Arc<Shelf>,
    /// Folders that are made are on the disk before they are used.
    sync: bool,
}

impl Output {
    /// The folder, shown under the path that was given. With `sync`, folders made in it are on the disk before they are used.
    pub(crate) fn new(folder: Folder, shown: PathBuf, sync: bool) -> Self {
        Self { top: Arc::new(Shelf::new(folder, without_slashes(shown))), sync }
    }

    /// The output folder itself.
    pub(crate) fn top(&self) -> &Arc<Shelf> {
        &self.top
    }

    /// Goes over to the folder that stands at the path by now, if somebody has moved this one away and made another.
    pub(crate) fn refresh(&self) {
        // Where there is none, the one that was moved is still good: what it gets is not lost.
        let _ = self.top.folder.refresh();
    }

    /// A file for an object that is on its way.
    pub(crate) fn stage(&self) -> io::Result<Staged> {
        self.top.folder.stage()
    }

    /// Makes files for a while, for objects that need more room than memory is given.
    pub(crate) fn scratch(&self) -> ScratchMaker {
        let top = Arc::clone(&self.top);
        ScratchMaker::new(move || Ok(Box::new(top.folder.stage()?)))
    }

    /// The folder of a study, and whether it had to be made. One that is there already only serves if `shared`; else
    /// `AlreadyExists`.
    ///
    /// # Errors
    /// The path the folder would have had, and why it cannot be had.
    pub(crate) fn study(&self, name: &StudyName, shared: bool) -> Result<(Arc<Shelf>, bool), (PathBuf, io::Error)> {
        let shown = match name.parent() {
            None => self.top.shown.join(name.name()),
            Some(parent) => self.top.shown.join(parent).join(name.name()),
        };
        let found = match name.parent() {
            None => self.within(&self.top.folder, name.name()),
            // DCMTK: a prefix may lead into folders that are there.
            Some(parent) => {
                Folder::open(self.top.folder.path().join(parent)).and_then(|folder| self.within(&folder, name.name()))
            }
        };
        match found {
            Ok((_, false)) if !shared => Err((shown, io::ErrorKind::AlreadyExists.into())),
            Ok((folder, made)) => Ok((Arc::new(Shelf::new(folder, shown)), made)),
            Err(e) => Err((shown, e)),
        }
    }

    fn within(&self, parent: &Folder, name: &OsStr) -> io::Result<(Folder, bool)> {
        let (folder, made) = parent.subfolder(name)?;
        if made && self.sync {
            parent.sync()?;
        }
        Ok((folder, made))
    }
}

impl Shelf {
    fn new(folder: Folder, shown: PathBuf) -> Self {
        Self { folder, shown, serial: Mutex::new(()) }
    }

    /// Its path, as the log and commands show it.
    pub(crate) fn path(&self) -> &Path {
        &self.shown
    }

    /// A name's path for the log.
    pub(crate) fn shown(&self, name: &OsStr) -> String {
        self.shown.join(name).display().to_string()
    }

    /// Whether its path still leads to a folder. If that is another one by now, it is used from here on.
    pub(crate) fn is_there(&self) -> bool {
        self.folder.refresh().is_ok()
    }

    /// Gives the file its name. A file that is there already is only replaced, by [`Shelf::replace`], when it is the same
    /// instance's: where UIDs are not proper ones two may clean to the same name, and names made of the time are never
    /// given twice.
    pub(crate) fn publish(&self, staged: Staged, name: &FileName) -> io::Result<Outcome> {
        let first = name.first();
        let mut staged = match self.folder.publish(staged, &first)? {
            Published::New => return Ok(Outcome::New(first)),
            Published::Exists(staged) => staged,
        };
        if name.is_of(&self.shown.join(&first)) {
            return Ok(Outcome::Replacing(first, staged));
        }
        let _turn = self.serial.lock();
        for tried in 0.. {
            let next = name.next(tried);
            staged = match self.folder.publish(staged, &next)? {
                Published::New => return Ok(Outcome::New(next)),
                Published::Exists(staged) if name.has_twins() && name.is_of(&self.shown.join(&next)) => {
                    return Ok(Outcome::Replacing(next, staged));
                }
                Published::Exists(staged) => staged,
            };
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Puts the file in the place of the one that bears the name.
    pub(crate) fn replace(&self, staged: Staged, name: &OsStr) -> io::Result<()> {
        self.folder.replace(staged, name)
    }

    /// Renames a file, unless something bears the new name: then false, and nothing is changed.
    pub(crate) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<bool> {
        self.folder.rename_new(from, to)
    }

    /// Waits until the names given so far are on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.folder.sync()
    }
}

/// A path without slashes behind it, as DCMTK shows it.
fn without_slashes(path: PathBuf) -> PathBuf {
    let mut bytes = path.into_os_string().into_vec();
    while bytes.len() > 1 && bytes.ends_with(b"/") {
        bytes.pop();
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn slashes_behind_a_path_are_not_shown() {
        for (given, shown) in [("a//", "a"), ("/", "/"), ("//", "/"), (".", "."), ("a/b", "a/b"), ("", "")] {
            assert_eq!(without_slashes(given.into()).as_os_str().as_bytes(), shown.as_bytes());
        }
    }
}
