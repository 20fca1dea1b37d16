//! A folder that files are published into: a handle, not a path.

use super::staged::{Staged, is_hidden_name};
use super::sys;
use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::{Errno, Result};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::sync::{Arc, PoisonError, RwLock};

/// A folder that files are published into.
///
/// Opened once; whatever is put at its path afterwards is not looked at (but see [`refresh`](Self::refresh)). Only when the
/// folder itself has been removed, and one was made anew under the same path, does work go on in the new one. May be shared
/// by threads; several processes may share one folder.
///
/// Names are those of direct children: a name that is empty, `.`, `..`, has a `/` or a NUL or looks like one of our hidden
/// names is refused with `InvalidInput`, one longer than 255 bytes with `ENAMETOOLONG`.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The path's last part was a link when the folder was opened: then, and only then, a link is followed again.
    linked: bool,
    handle: RwLock<Arc<Handle>>,
}

/// An open folder, and what was learnt about its file system.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) fd: OwnedFd,
    pub(super) limit: u64,
    pub(super) late: bool,
    /// A file that is synced has its name on the disk too.
    pub(super) syncs_names: bool,
    /// Nameless files can be made and named here, for all that is known.
    pub(super) nameless: AtomicBool,
    /// How a hidden file gets its final name here; see `publish`.
    pub(super) way: AtomicU8,
}

impl Handle {
    fn new(fd: OwnedFd) -> Self {
        let (limit, late, syncs_names) = (sys::size_limit(), sys::writes_late(&fd), sys::syncs_names(&fd));
        Self { fd, limit, late, syncs_names, nameless: AtomicBool::new(true), way: AtomicU8::new(0) }
    }

    /// Whether the folder has been removed.
    fn is_gone(&self) -> bool {
        sys::stat_fd(&self.fd).map_or_else(|error| error == Errno::STALE, |stat| stat.st_nlink == 0)
    }
}

impl Folder {
    /// Opens an existing folder.
    ///
    /// # Errors
    ///
    /// `NotFound`, `NotADirectory` or what else the system says.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        // A trailing separator would follow a link.
        let path = path.into().components().as_path().to_owned();
        let (fd, linked) = match sys::open_folder(CWD, &path, false) {
            Err(Errno::NOTDIR | Errno::LOOP) => (sys::open_folder(CWD, &path, true)?, true),
            other => (other?, false),
        };
        Ok(Self { path, linked, handle: RwLock::new(Arc::new(Handle::new(fd))) })
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether files may be made here, as far as modes and the mount tell.
    pub fn is_writable(&self) -> bool {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        rustix::fs::accessat(&self.handle().fd, ".", access, AtFlags::empty()).is_ok()
    }

    /// Starts a file that has no visible name, on this folder's file system.
    ///
    /// Its mode is 0666 less the umask, or what the folder's default ACL says: these act once, now.
    pub fn stage(&self) -> io::Result<Staged> {
        Ok(self.attempt(Staged::create)?)
    }

    /// The subfolder of this name, and whether it had to be made (mode 0777 less the umask). One level only.
    ///
    /// A link to a folder that stands there is followed: it is the operator's way to move a study to another disk.
    ///
    /// # Errors
    ///
    /// `NotADirectory` if something else bears the name.
    pub fn subfolder(&self, name: impl AsRef<OsStr>) -> io::Result<(Self, bool)> {
        let name = checked(name.as_ref())?;
        let (fd, linked, made) = self.attempt(|dir| {
            let made = match sys::make_folder(&dir.fd, name) {
                Err(Errno::EXIST) => false,
                other => other.map(|()| true)?,
            };
            match sys::open_folder(&dir.fd, name, false) {
                Err(Errno::NOTDIR | Errno::LOOP) if !made => Ok((sys::open_folder(&dir.fd, name, true)?, true, made)),
                other => Ok((other?, false, made)),
            }
        })?;
        let handle = RwLock::new(Arc::new(Handle::new(fd)));
        Ok((Self { path: self.path.join(name), linked, handle }, made))
    }

    /// Whether something bears this name: a file, a folder, or a link wherever it leads.
    pub fn contains(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        let name = checked(name.as_ref())?;
        match self.attempt(|dir| sys::stat_name(&dir.fd, name)) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Renames a file within the folder; one that bears the new name is replaced.
    pub fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> io::Result<()> {
        let (from, to) = (checked(from.as_ref())?, checked(to.as_ref())?);
        Ok(self.attempt(|dir| sys::rename(&dir.fd, from, &dir.fd, to))?)
    }

    /// Renames a file within the folder, unless something bears the new name: then false, and nothing is changed.
    pub fn rename_new(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> io::Result<bool> {
        let (from, to) = (checked(from.as_ref())?, checked(to.as_ref())?);
        match self.attempt(|dir| dir.move_new(&dir.fd, from, to)) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file, or a link but not what it leads to.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = checked(name.as_ref())?;
        Ok(self.attempt(|dir| sys::unlink(&dir.fd, name))?)
    }

    /// Returns once the names published, renamed and removed so far are on the disk itself.
    pub fn sync(&self) -> io::Result<()> {
        Ok(self.attempt(|dir| sys::sync_folder(sys::open_listing(&dir.fd)?))?)
    }

    /// Removes hidden files that a crash left: only those that bear our kind of name and that nobody holds. Returns how many.
    ///
    /// For the start of a program. The folder is listed once, so it must be readable.
    pub fn sweep(&self) -> io::Result<usize> {
        let dir = self.handle();
        let mut removed = 0;
        for entry in rustix::fs::Dir::new(sys::open_listing(&dir.fd)?)? {
            let entry = entry?;
            let name = entry.file_name();
            if let Ok(text) = name.to_str()
                && is_hidden_name(name.to_bytes())
                && sweep_one(&dir, text).unwrap_or(false)
            {
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Goes over to the folder that stands at the path by now, if that is another one. True: it was.
    ///
    /// A folder that was moved away stays in use until this is called; a link put in its place is never followed.
    pub fn refresh(&self) -> io::Result<bool> {
        let dir = self.handle();
        let there = sys::stat_name(CWD, &self.path)?;
        if self.linked || !sys::is_folder(&there) || sys::same_file(&there, &sys::stat_fd(&dir.fd)?) {
            return Ok(false);
        }
        self.reopen(&dir)?;
        Ok(true)
    }

    pub(super) fn handle(&self) -> Arc<Handle> {
        Arc::clone(&self.handle.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does it in the folder, or in the one that took its place if it has been removed.
    pub(super) fn attempt<T>(&self, mut f: impl FnMut(&Arc<Handle>) -> Result<T>) -> Result<T> {
        let dir = self.handle();
        match f(&dir) {
            // What a removed folder answers differs: mostly ENOENT, but ext4 refuses nameless files with EPERM, NFS has ESTALE.
            Err(error) if error != Errno::EXIST && dir.is_gone() => f(&self.reopen(&dir)?),
            other => other,
        }
    }

    fn reopen(&self, old: &Arc<Handle>) -> Result<Arc<Handle>> {
        let mut current = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, old) {
            *current = Arc::new(Handle::new(sys::open_folder(CWD, &self.path, self.linked)?));
        }
        Ok(Arc::clone(&current))
    }
}

/// Removes a hidden file if nobody holds it. True: done.
fn sweep_one(dir: &Handle, name: &str) -> Result<bool> {
    let path = Path::new(name);
    if !sys::is_file(&sys::stat_name(&dir.fd, path)?) {
        return Ok(false);
    }
    let file = sys::open_existing(&dir.fd, name)?;
    // Its owner may have published it while we opened it: then the name is gone, and the lock was free for that reason.
    if !sys::lock(&file)? || !sys::names(&dir.fd, path, &file)? {
        return Ok(false);
    }
    sys::unlink(&dir.fd, path)?;
    Ok(true)
}

/// The name if it can be that of a child, and cannot be mistaken for a hidden one.
pub(super) fn checked(name: &OsStr) -> Result<&Path> {
    let bytes = name.as_bytes();
    if matches!(bytes, b"" | b"." | b"..") || bytes.iter().any(|&b| matches!(b, b'/' | 0)) || is_hidden_name(bytes) {
        return Err(Errno::INVAL);
    }
    if bytes.len() > 255 {
        return Err(Errno::NAMETOOLONG);
    }
    Ok(Path::new(name))
}
