//! Every call that changes a file system: stage, write, sync, publish, rename, remove. One place to make safe, to count
//! and to let fail in tests.
//!
//! A received object is [`Staged`]: it has room on the disk but no name, so that neither a reader nor a crash can ever show
//! half of it. Once it is complete, [`Folder::publish`] gives it its name in one step, and never at the cost of a file that
//! is there already; [`Folder::replace`] takes an existing file's place just as atomically. Dropping a staged file leaves
//! nothing behind.
//!
//! A [`Folder`] is a handle, not a path: it is looked up once, and what is put in its place afterwards gets nothing of ours
//! (a link there is never followed). Final names are never followed either: a link at the name is itself replaced.
//!
//! Where the file system knows nameless files (`O_TMPFILE`: ext4, XFS, Btrfs, tmpfs, overlayfs …) a small object costs four
//! system calls: open, write, link, close. Elsewhere (NFS, SMB, FAT …) staged files bear a hidden name,
//! `.pacs-<16 hexadecimal digits>.part`, and a lock that tells a living one from what a crash left: [`Folder::sweep`].
//!
//! # File-size limit
//!
//! Writing past the process's file-size limit (`ulimit -f`) fails with `EFBIG` before the kernel can raise the deadly
//! SIGXFSZ: the limit is read when a folder is opened. Nothing here installs a signal handler.

mod folder;
mod own;
mod publish;
mod staged;
mod sys;
#[cfg(test)]
mod tests;
mod within;

pub use folder::Folder;
pub use own::{OwnError, Owned};
pub use publish::{Published, Synced};
pub use staged::Staged;
#[cfg(any(test, feature = "faults"))]
pub use sys::{Call, fault};
