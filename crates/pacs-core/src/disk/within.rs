//! Files that are there already, by their path below a folder. No link is ever followed on the way or at its end, so that
//! nothing outside the folder is reached, whatever the path says.

use super::folder::{Folder, Handle, checked};
use super::sys;
use rustix::io::{Errno, Result};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

impl Folder {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// `InvalidInput` for a path that does not lead down, `NotFound`, or that it is no file.
    pub fn open_file(&self, path: impl AsRef<Path>) -> io::Result<File> {
        Ok(self.attempt(|dir| {
            let fd = below(dir, path.as_ref(), |fd, name| sys::open_to_read(fd, name))?;
            if sys::is_file(&sys::stat_fd(&fd)?) { Ok(File::from(fd)) } else { Err(Errno::INVAL) }
        })?)
    }

    /// Removes a file, or a link but not what it leads to.
    ///
    /// # Errors
    /// As [`Folder::open_file`].
    pub fn remove_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        Ok(self.attempt(|dir| below(dir, path.as_ref(), |fd, name| sys::unlink(fd, name)))?)
    }
}

/// Does something with the last name of a path, in the folder that the path leads to.
fn below<T>(dir: &Handle, path: &Path, mut deed: impl FnMut(&OwnedFd, &Path) -> Result<T>) -> Result<T> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(checked(name)?),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::ParentDir => return Err(Errno::INVAL),
        }
    }
    let last = names.pop().ok_or(Errno::INVAL)?;
    let mut inner: Option<OwnedFd> = None;
    for name in names {
        inner = Some(sys::open_folder(inner.as_ref().unwrap_or(&dir.fd), name, false)?);
    }
    deed(inner.as_ref().unwrap_or(&dir.fd), last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn paths_lead_down_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("area");
        std::fs::create_dir_all(inside.join("a/b")).unwrap();
        std::fs::write(inside.join("a/b/c"), "inside").unwrap();
        std::fs::write(dir.path().join("secret"), "outside").unwrap();
        std::os::unix::fs::symlink("../secret", inside.join("link")).unwrap();
        std::os::unix::fs::symlink("..", inside.join("up")).unwrap();
        let folder = Folder::open(&inside).unwrap();
        let mut text = String::new();
        folder.open_file("a/b/c").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "inside");
        for path in ["link", "up/secret", "../secret", "/etc/passwd", "", ".", "a", "a/b/c/d", "nothing"] {
            assert!(folder.open_file(path).is_err(), "{path}");
        }
        for path in ["up/secret", "../secret", "/etc/passwd", "", "a"] {
            assert!(folder.remove_file(path).is_err(), "{path}");
        }
        folder.remove_file("link").unwrap();
        folder.remove_file("./a/b/c").unwrap();
        assert!(dir.path().join("secret").exists() && !inside.join("a/b/c").exists());
    }
}
