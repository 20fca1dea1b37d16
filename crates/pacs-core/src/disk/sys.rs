//! The system calls of this module, each with a name by which a test counts it or lets it fail.
//!
//! Interrupted calls are repeated here and nowhere else.

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::{self, Errno, Result};
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

/// Mode bits of new files and folders before umask and default ACLs act on them, as DCMTK's.
pub(crate) const FILE_MODE: Mode = Mode::from_raw_mode(0o666);
/// See [`FILE_MODE`].
pub(crate) const FOLDER_MODE: Mode = Mode::from_raw_mode(0o777);

/// Kinds of calls, as tests name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
#[cfg_attr(not(any(test, feature = "faults")), allow(unreachable_pub, reason = "public for tests only"))]
pub enum Call {
    OpenFolder,
    OpenNameless,
    OpenNamed,
    Lock,
    Stat,
    StatFileSystem,
    Read,
    Write,
    Sync,
    LinkByDescriptor,
    LinkByProc,
    LinkByName,
    Rename,
    RenameNew,
    Unlink,
    MakeFolder,
    SyncFolder,
}

fn call<T>(_kind: Call, mut f: impl FnMut() -> Result<T>) -> Result<T> {
    io::retry_on_intr(|| {
        #[cfg(any(test, feature = "faults"))]
        fault::before(_kind)?;
        f()
    })
}

/// A handle that serves look-ups only, so that a folder one may write into but not list is good enough.
pub(crate) fn open_folder(at: impl AsFd, path: &Path, follow: bool) -> Result<OwnedFd> {
    let mut flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    flags.set(OFlags::NOFOLLOW, !follow);
    call(Call::OpenFolder, || fs::openat(&at, path, flags, Mode::empty()))
}

pub(crate) fn open_nameless(dir: impl AsFd) -> Result<OwnedFd> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    call(Call::OpenNameless, || fs::openat(&dir, ".", flags, FILE_MODE))
}

pub(crate) fn open_named(dir: impl AsFd, name: &str) -> Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR | OFlags::CLOEXEC;
    call(Call::OpenNamed, || fs::openat(&dir, name, flags, FILE_MODE))
}

/// Opens an existing file as the sweep needs it: writeable, because some file systems lock no other, and without waiting.
pub(crate) fn open_existing(dir: impl AsFd, name: &str) -> Result<OwnedFd> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::RDWR | OFlags::CLOEXEC;
    call(Call::OpenNamed, || fs::openat(&dir, name, flags, Mode::empty()))
}

/// Opens a file to read it, without waiting for whatever else may bear the name.
pub(crate) fn open_to_read(dir: impl AsFd, name: &Path) -> Result<OwnedFd> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::RDONLY | OFlags::CLOEXEC;
    call(Call::OpenNamed, || fs::openat(&dir, name, flags, Mode::empty()))
}

/// Opens a file of ours, and makes it if it is not there.
pub(crate) fn open_or_make(dir: impl AsFd, name: &Path) -> Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::RDWR | OFlags::CLOEXEC;
    call(Call::OpenNamed, || fs::openat(&dir, name, flags, FILE_MODE))
}

pub(crate) fn truncate(file: impl AsFd) -> Result<()> {
    call(Call::Write, || fs::ftruncate(&file, 0))
}

/// Takes the lock of an open file. False: this file system has no locks.
pub(crate) fn lock(file: impl AsFd) -> Result<bool> {
    match call(Call::Lock, || fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(true),
        Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn stat_fd(fd: impl AsFd) -> Result<Stat> {
    call(Call::Stat, || fs::fstat(&fd))
}

pub(crate) fn stat_name(dir: impl AsFd, name: &Path) -> Result<Stat> {
    call(Call::Stat, || fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW))
}

/// Whether this name in the folder leads to this open file.
pub(crate) fn names(dir: impl AsFd, name: &Path, file: impl AsFd) -> Result<bool> {
    match stat_name(dir, name) {
        Ok(named) => Ok(same_file(&named, &stat_fd(file)?)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn same_file(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

pub(crate) fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

pub(crate) fn is_folder(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

pub(crate) fn read_at(file: impl AsFd, buffer: &mut [u8], offset: u64) -> Result<usize> {
    call(Call::Read, || io::pread(&file, &mut *buffer, offset))
}

pub(crate) fn write_at(file: impl AsFd, bytes: &[u8], offset: u64) -> Result<usize> {
    call(Call::Write, || {
        #[cfg(any(test, feature = "faults"))]
        let bytes = &bytes[..fault::at_most(bytes.len())];
        io::pwrite(&file, bytes, offset)
    })
}

pub(crate) fn write_slices_at(file: impl AsFd, slices: &[IoSlice<'_>], offset: u64) -> Result<usize> {
    call(Call::Write, || {
        #[cfg(any(test, feature = "faults"))]
        {
            let all = slices.iter().map(|slice| slice.len()).sum();
            let most = fault::at_most(all);
            if most < all {
                let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(most).collect();
                return io::pwrite(&file, &bytes, offset);
            }
        }
        io::pwritev(&file, slices, offset)
    })
}

pub(crate) fn sync(file: impl AsFd) -> Result<()> {
    call(Call::Sync, || fs::fdatasync(&file))
}

/// Like [`sync`], and with the file all that was done to it, its names included where [`syncs_names`] says so.
pub(crate) fn sync_all(file: impl AsFd) -> Result<()> {
    call(Call::Sync, || fs::fsync(&file))
}

/// Whether a file that is synced after it got a name has that name on the disk too. The manual promises it of no file system;
/// these have one journal, and put the name and the change of the link count into one transaction of it: ext4 (and 3 and 2,
/// which bear its number), XFS, Btrfs, F2FS. In tmpfs nothing outlives a power failure anyway.
pub(crate) fn syncs_names(dir: impl AsFd) -> bool {
    const JOURNALED: [u64; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994];
    call(Call::StatFileSystem, || fs::fstatfs(&dir))
        .is_ok_and(|stat| JOURNALED.contains(&(stat.f_type as u64 & 0xffff_ffff)))
}

/// Names a nameless file. The kernel allows it to root, and since Linux 6.10 to whoever opened the file.
pub(crate) fn link_by_descriptor(file: impl AsFd, dir: impl AsFd, name: &Path) -> Result<()> {
    call(Call::LinkByDescriptor, || fs::linkat(&file, "", &dir, name, AtFlags::EMPTY_PATH))
}

/// Names a nameless file, for everybody, where `/proc` is mounted.
pub(crate) fn link_by_proc(file: impl AsFd, dir: impl AsFd, name: &Path) -> Result<()> {
    let own = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    call(Call::LinkByProc, || fs::linkat(fs::CWD, own.as_str(), &dir, name, AtFlags::SYMLINK_FOLLOW))
}

pub(crate) fn link_by_name(from: impl AsFd, old: &Path, to: impl AsFd, new: &Path) -> Result<()> {
    call(Call::LinkByName, || fs::linkat(&from, old, &to, new, AtFlags::empty()))
}

pub(crate) fn rename(from: impl AsFd, old: &Path, to: impl AsFd, new: &Path) -> Result<()> {
    call(Call::Rename, || fs::renameat(&from, old, &to, new))
}

pub(crate) fn rename_new(from: impl AsFd, old: &Path, to: impl AsFd, new: &Path) -> Result<()> {
    call(Call::RenameNew, || fs::renameat_with(&from, old, &to, new, RenameFlags::NOREPLACE))
}

pub(crate) fn unlink(dir: impl AsFd, name: &Path) -> Result<()> {
    call(Call::Unlink, || fs::unlinkat(&dir, name, AtFlags::empty()))
}

pub(crate) fn make_folder(dir: impl AsFd, name: &Path) -> Result<()> {
    call(Call::MakeFolder, || fs::mkdirat(&dir, name, FOLDER_MODE))
}

/// A handle like `dir` that may be listed and synced.
pub(crate) fn open_listing(dir: impl AsFd) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    call(Call::OpenFolder, || fs::openat(&dir, ".", flags, Mode::empty()))
}

pub(crate) fn sync_folder(dir: impl AsFd) -> Result<()> {
    call(Call::SyncFolder, || fs::fsync(&dir))
}

/// Whether files here may report a full disk only when they are closed: network and user-space file systems buffer
/// writes for which they have not yet reserved room. True when it cannot be told.
pub(crate) fn writes_late(dir: impl AsFd) -> bool {
    // NFS, SMB (three generations), FUSE, Ceph, Lustre, 9P, AFS: linux/magic.h and the file systems' own headers.
    const LATE: [u64; 9] =
        [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546, 0x00c3_6400, 0x0bd0_0bd0, 0x0102_1997, 0x5346_414f];
    call(Call::StatFileSystem, || fs::fstatfs(&dir))
        .map_or(true, |stat| LATE.contains(&(stat.f_type as u64 & 0xffff_ffff)))
}

/// The process's file-size limit in bytes (`RLIMIT_FSIZE`).
pub(crate) fn size_limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current.unwrap_or(u64::MAX)
}

/// Faults a test arms for its own thread, and counts of the calls that thread made.
#[cfg(any(test, feature = "faults"))]
pub mod fault {
    use super::Call;
    use rustix::io::{Errno, Result};
    use std::cell::RefCell;
    use std::collections::HashMap;

    enum Fault {
        Errno(Errno),
        Meanwhile(Box<dyn FnOnce()>),
    }

    #[derive(Default)]
    struct Plan {
        made: HashMap<Call, usize>,
        armed: Vec<(Call, usize, Fault)>,
        at_most: Option<usize>,
    }

    thread_local! {
        static PLAN: RefCell<Plan> = RefCell::default();
    }

    /// Lets the `nth` call of this kind from now on (0: the next one) fail, once.
    pub fn arm(call: Call, nth: usize, errno: Errno) {
        add(call, nth, Fault::Errno(errno));
    }

    /// Lets something happen just before the `nth` call of this kind from now on: what another process may do there.
    pub fn meanwhile(call: Call, nth: usize, deed: impl FnOnce() + 'static) {
        add(call, nth, Fault::Meanwhile(Box::new(deed)));
    }

    fn add(call: Call, nth: usize, fault: Fault) {
        PLAN.with_borrow_mut(|plan| {
            let at = plan.made.get(&call).copied().unwrap_or(0) + nth;
            plan.armed.push((call, at, fault));
        });
    }

    /// Lets every write take at most so many bytes.
    pub fn short_writes(at_most: usize) {
        PLAN.with_borrow_mut(|plan| plan.at_most = Some(at_most));
    }

    /// Forgets faults and counts.
    pub fn clear() {
        PLAN.take();
    }

    /// Calls that this thread made since [`clear`].
    pub fn made() -> HashMap<Call, usize> {
        PLAN.with_borrow(|plan| plan.made.clone())
    }

    pub(super) fn before(call: Call) -> Result<()> {
        let fault = PLAN.with_borrow_mut(|plan| {
            let made = plan.made.entry(call).or_default();
            let this = *made;
            *made += 1;
            let index = plan.armed.iter().position(|(kind, at, _)| (*kind, *at) == (call, this))?;
            Some(plan.armed.swap_remove(index).2)
        });
        match fault {
            None => Ok(()),
            Some(Fault::Errno(errno)) => Err(errno),
            Some(Fault::Meanwhile(deed)) => {
                deed();
                Ok(())
            }
        }
    }

    pub(super) fn at_most(wanted: usize) -> usize {
        PLAN.with_borrow(|plan| plan.at_most.map_or(wanted, |most| most.min(wanted)))
    }
}
