//! On the real file systems at hand: the one of the build, and memory (`/dev/shm`) where there is one.

mod faults;
mod sharing;

use super::*;
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use tempfile::TempDir;

/// A fresh folder on each file system at hand, once with nameless files and once with hidden names.
fn everywhere(test: impl Fn(&Path, &Folder)) {
    for base in [std::env::temp_dir(), "/dev/shm".into()] {
        if !base.is_dir() {
            continue;
        }
        for nameless in [true, false] {
            let temp = TempDir::new_in(&base).unwrap();
            let folder = Folder::open(temp.path()).unwrap();
            folder.handle().nameless.store(nameless, Relaxed);
            test(temp.path(), &folder);
        }
    }
}

fn staged(folder: &Folder, bytes: &[u8]) -> Staged {
    let mut staged = folder.stage().unwrap();
    staged.write_all(bytes).unwrap();
    staged
}

fn publish(folder: &Folder, name: &str, bytes: &[u8]) {
    assert!(matches!(folder.publish(staged(folder, bytes), name).unwrap(), Published::New));
}

fn clash(folder: &Folder, name: &str, bytes: &[u8]) -> Staged {
    match folder.publish(staged(folder, bytes), name).unwrap() {
        Published::Exists(staged) => staged,
        Published::New => panic!("{name} should have been taken"),
    }
}

fn listing(path: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_staged_file_shows_only_once_published() {
    everywhere(|path, folder| {
        let mut staged = staged(folder, b"whole");
        staged.write_all_vectored(&[IoSlice::new(b" and"), IoSlice::new(b""), IoSlice::new(b" vectored")]).unwrap();
        assert_eq!(staged.len(), 18);
        assert!(listing(path).iter().all(|name| name.starts_with(".pacs-")));
        assert!(matches!(folder.publish(staged, "MR.1.2").unwrap(), Published::New));
        assert_eq!(listing(path), ["MR.1.2"]);
        assert_eq!(fs::read(path.join("MR.1.2")).unwrap(), b"whole and vectored");
        assert_eq!(fs::metadata(path.join("MR.1.2")).unwrap().nlink(), 1);
    });
}

#[test]
fn dropping_leaves_nothing() {
    everywhere(|path, folder| {
        drop(staged(folder, b"given up"));
        assert_eq!(listing(path), [""; 0]);
    });
}

#[test]
fn an_existing_file_is_told_before_it_is_replaced() {
    everywhere(|path, folder| {
        publish(folder, "x", b"old");
        let mut old = fs::File::open(path.join("x")).unwrap();
        let new = clash(folder, "x", b"newer");
        assert_eq!(fs::read(path.join("x")).unwrap(), b"old");
        folder.replace(new, "x").unwrap();
        assert_eq!(fs::read(path.join("x")).unwrap(), b"newer");
        let mut bytes = Vec::new();
        old.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"old", "a reader keeps what it opened");
        assert_eq!(listing(path), ["x"]);
        drop(clash(folder, "x", b"third"));
        assert_eq!(listing(path), ["x"]);
        folder.replace(staged(folder, b"where nothing was"), "y").unwrap();
        assert_eq!(fs::read(path.join("y")).unwrap(), b"where nothing was");
    });
}

#[test]
fn links_at_the_final_name_are_not_followed() {
    everywhere(|path, folder| {
        let outside = TempDir::new().unwrap();
        let victim = outside.path().join("victim");
        fs::write(&victim, b"untouched").unwrap();
        symlink(&victim, path.join("live")).unwrap();
        symlink(outside.path().join("nowhere"), path.join("dangling")).unwrap();
        fs::hard_link(&victim, path.join("hard")).or_else(|_| fs::write(path.join("hard"), b"untouched")).unwrap();
        for name in ["live", "dangling", "hard"] {
            let new = clash(folder, name, b"new");
            folder.replace(new, name).unwrap();
            assert!(fs::symlink_metadata(path.join(name)).unwrap().is_file());
            assert_eq!(fs::read(path.join(name)).unwrap(), b"new");
        }
        assert_eq!(fs::read(&victim).unwrap(), b"untouched");
        assert_eq!(listing(outside.path()), ["victim"]);
    });
}

#[test]
fn a_folder_at_the_final_name_stays() {
    everywhere(|path, folder| {
        fs::create_dir(path.join("x")).unwrap();
        let new = clash(folder, "x", b"new");
        assert_eq!(folder.replace(new, "x").unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(listing(path), ["x"]);
        assert!(path.join("x").is_dir());
    });
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    everywhere(|path, folder| {
        let long = "n".repeat(256);
        let cases = ["", ".", "..", "/", "../x", "a/b", "/abs", "nul\0nul", ".pacs-0123456789abcdef.part", &long];
        for name in cases {
            let wanted = if name.len() > 255 { ErrorKind::InvalidFilename } else { ErrorKind::InvalidInput };
            assert_eq!(folder.publish(staged(folder, b"x"), name).unwrap_err().kind(), wanted, "{name:?}");
            assert_eq!(folder.replace(staged(folder, b"x"), name).unwrap_err().kind(), wanted, "{name:?}");
            assert_eq!(folder.subfolder(name).unwrap_err().kind(), wanted, "{name:?}");
            assert_eq!(folder.rename(name, "y").unwrap_err().kind(), wanted, "{name:?}");
            assert_eq!(folder.rename("y", name).unwrap_err().kind(), wanted, "{name:?}");
            assert_eq!(folder.remove(name).unwrap_err().kind(), wanted, "{name:?}");
        }
        assert_eq!(listing(path), [""; 0]);
        publish(folder, &"n".repeat(255), b"x");
        publish(folder, ".pacs-0123456789ABCDEF.part", b"not one of ours");
        let name = OsStr::from_bytes(b"not \xff UTF-8");
        assert!(matches!(folder.publish(staged(folder, b"x"), name).unwrap(), Published::New));
        assert!(folder.contains(name).unwrap());
    });
}

#[test]
fn patching_stays_inside_what_was_written() {
    everywhere(|path, folder| {
        let mut staged = staged(folder, b"0123456789");
        staged.write_all_at(b"ab", 3).unwrap();
        staged.write_all_at(b"YZ", 8).unwrap();
        for offset in [9, 10, u64::MAX] {
            assert_eq!(staged.write_all_at(b"!!", offset).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        staged.write_all(b"+").unwrap();
        let mut buffer = [0; 4];
        assert_eq!(staged.read_at(&mut buffer, 2).unwrap(), 4);
        assert_eq!(&buffer, b"2ab5");
        assert_eq!(staged.read_at(&mut buffer, 10).unwrap(), 1);
        assert_eq!(staged.read_at(&mut buffer, 11).unwrap(), 0);
        assert!(matches!(folder.publish(staged, "x").unwrap(), Published::New));
        assert_eq!(fs::read(path.join("x")).unwrap(), b"012ab567YZ+");
    });
}

#[test]
fn short_writes_go_on_where_they_stopped() {
    for most in 1..=9 {
        everywhere(|path, folder| {
            fault::short_writes(most);
            let mut staged = staged(folder, b"0123456789");
            let slices = [b"ab".as_slice(), b"", b"cdefg", b"h", b"", b"ijklmnop"].map(IoSlice::new);
            staged.write_all_vectored(&slices).unwrap();
            staged.write_all_at(b"WXYZ", 4).unwrap();
            fault::clear();
            assert_eq!(staged.len(), 26);
            assert!(matches!(folder.publish(staged, "x").unwrap(), Published::New));
            assert_eq!(fs::read(path.join("x")).unwrap(), b"0123WXYZ89abcdefghijklmnop");
        });
    }
}

#[test]
fn more_slices_than_one_call_takes() {
    everywhere(|path, folder| {
        let bytes: Vec<u8> = (0..5000_u32).map(|i| i as u8).collect();
        let slices: Vec<_> = bytes.chunks(1).map(IoSlice::new).collect();
        let mut staged = folder.stage().unwrap();
        staged.write_all_vectored(&slices).unwrap();
        assert_eq!(Write::write_vectored(&mut staged, &slices[..2]).unwrap(), 2);
        assert!(matches!(folder.publish(staged, "x").unwrap(), Published::New));
        assert_eq!(fs::read(path.join("x")).unwrap(), [&bytes[..], &[0, 1]].concat());
    });
}

#[test]
fn a_removed_folder_made_anew_is_used() {
    everywhere(|path, folder| {
        let path = path.join("out");
        folder.subfolder("out").unwrap();
        let nameless = folder.handle().nameless.load(Relaxed);
        let out = Folder::open(&path).unwrap();
        out.handle().nameless.store(nameless, Relaxed);
        publish(&out, "first", b"1");
        let before = staged(&out, b"2");
        fs::remove_dir_all(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(out.publish(before, "begun before").unwrap(), Published::New));
        publish(&out, "begun after", b"3");
        assert_eq!(listing(&path), ["begun after", "begun before"]);
        assert_eq!(fs::read(path.join("begun before")).unwrap(), b"2");

        fs::remove_dir_all(&path).unwrap();
        let lost = out.stage().and_then(|staged| out.publish(staged, "lost"));
        assert_eq!(lost.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!path.exists());
    });
}

#[test]
fn a_folder_replaced_by_a_link_gets_nothing() {
    everywhere(|path, folder| {
        let elsewhere = TempDir::new_in(path).unwrap();
        let path = path.join("out");
        let out = folder.subfolder("out").unwrap().0;
        fs::rename(&path, path.with_extension("away")).unwrap();
        symlink(elsewhere.path(), &path).unwrap();
        assert!(!out.refresh().unwrap());
        publish(&out, "x", b"x");
        assert_eq!(listing(&path.with_extension("away")), ["x"], "the folder itself is still there");
        fs::remove_dir_all(path.with_extension("away")).unwrap();
        assert!(out.stage().and_then(|staged| out.publish(staged, "y")).is_err());
        assert_eq!(listing(elsewhere.path()), [""; 0]);

        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        publish(&out, "z", b"z");
        fs::rename(&path, path.with_extension("away")).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(out.refresh().unwrap(), "another folder stands at the path");
        publish(&out, "new", b"z");
        assert_eq!(listing(&path), ["new"]);
    });
}

#[test]
fn an_output_folder_given_as_a_link_is_followed() {
    everywhere(|path, folder| {
        folder.subfolder("real").unwrap();
        symlink("real", path.join("link")).unwrap();
        let out = Folder::open(path.join("link/")).unwrap();
        publish(&out, "x", b"x");
        fs::remove_dir_all(path.join("real")).unwrap();
        fs::create_dir(path.join("real")).unwrap();
        publish(&out, "y", b"y");
        assert_eq!(listing(&path.join("real")), ["y"]);
    });
    let missing = Folder::open("/nonexistent/folder").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(Folder::open(file.path()).unwrap_err().kind(), ErrorKind::NotADirectory);
}

#[test]
fn subfolders() {
    everywhere(|path, folder| {
        let (study, made) = folder.subfolder("study").unwrap();
        assert!(made);
        assert_eq!(study.path(), path.join("study"));
        assert!(!folder.subfolder("study").unwrap().1);
        // Staged where the study was not yet known, published where it belongs.
        let new = staged(folder, b"x");
        assert!(matches!(study.publish(new, "x").unwrap(), Published::New));
        let new = clash(&study, "x", b"y");
        study.replace(new, "x").unwrap();
        study.replace(staged(folder, b"z"), "x").unwrap();
        assert_eq!(fs::read(path.join("study/x")).unwrap(), b"z");
        assert_eq!(listing(path), ["study"]);
        publish(folder, "file", b"");
        assert_eq!(folder.subfolder("file").unwrap_err().kind(), ErrorKind::NotADirectory);
        let elsewhere = TempDir::new().unwrap();
        symlink(elsewhere.path(), path.join("moved")).unwrap();
        let (moved, made) = folder.subfolder("moved").unwrap();
        assert!(!made);
        publish(&moved, "x", b"x");
        assert_eq!(listing(elsewhere.path()), ["x"]);
    });
}

#[test]
fn publishing_on_another_file_system_copies() {
    if !Path::new("/dev/shm").is_dir() {
        return;
    }
    let bytes: Vec<u8> = (0..700_000_u32).map(|i| (i % 251) as u8).collect();
    everywhere(|path, folder| {
        let base = if path.starts_with("/dev/shm") { std::env::temp_dir() } else { "/dev/shm".into() };
        let other = TempDir::new_in(base).unwrap();
        let other_folder = Folder::open(other.path()).unwrap();
        assert!(matches!(other_folder.publish(staged(folder, &bytes), "x").unwrap(), Published::New));
        let again = match other_folder.publish(staged(folder, &bytes[1..]), "x").unwrap() {
            Published::Exists(staged) => staged,
            Published::New => panic!("x was there"),
        };
        assert_eq!(fs::read(other.path().join("x")).unwrap(), bytes);
        other_folder.replace(again, "x").unwrap();
        assert_eq!(fs::read(other.path().join("x")).unwrap(), bytes[1..]);
        assert_eq!(listing(other.path()), ["x"]);
        assert_eq!(listing(path), [""; 0]);
    });
}

#[test]
fn rename_and_remove() {
    everywhere(|path, folder| {
        publish(folder, "a", b"a");
        publish(folder, "b", b"b");
        assert!(!folder.rename_new("a", "b").unwrap());
        assert_eq!(fs::read(path.join("b")).unwrap(), b"b");
        assert!(folder.rename_new("a", "c").unwrap());
        folder.rename("b", "c").unwrap();
        assert_eq!(listing(path), ["c"]);
        assert_eq!(fs::read(path.join("c")).unwrap(), b"b");
        assert_eq!(folder.rename("gone", "x").unwrap_err().kind(), ErrorKind::NotFound);
        folder.remove("c").unwrap();
        assert_eq!(folder.remove("c").unwrap_err().kind(), ErrorKind::NotFound);
        folder.sync().unwrap();
        assert!(folder.is_writable());
    });
}

#[test]
fn descriptors_are_closed_and_not_inherited() {
    everywhere(|path, folder| {
        let open = || {
            let links =
                fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
            links.filter(|link| link.starts_with(path)).count()
        };
        assert_eq!(open(), 1, "the folder");
        let held = staged(folder, b"x");
        assert_eq!(open(), 2);
        for fd in [held.fd(), folder.handle().fd.as_fd()] {
            assert!(rustix::io::fcntl_getfd(fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
        }
        for _ in 0..20 {
            publish(folder, "x", b"x");
            let new = clash(folder, "x", b"y");
            folder.replace(new, "x").unwrap();
            folder.remove("x").unwrap();
            folder.subfolder("sub").unwrap();
            folder.sync().unwrap();
            folder.sweep().unwrap();
            drop(staged(folder, b"z"));
        }
        drop(held);
        assert_eq!(open(), 1);
    });
}

#[test]
fn a_small_object_costs_four_calls() {
    everywhere(|_, folder| {
        publish(folder, "first", b"settles which calls work here");
        fault::clear();
        let mut staged = folder.stage().unwrap();
        staged.write_all_vectored(&[IoSlice::new(b"meta"), IoSlice::new(b"data")]).unwrap();
        assert!(matches!(folder.publish(staged, "second").unwrap(), Published::New));
        let made: usize = fault::made().values().sum();
        // Open, write, link; and where the file is hidden: create, lock, two stats, write, rename. Close is not counted.
        assert_eq!(made, if folder.handle().nameless.load(Relaxed) { 3 } else { 6 }, "{:?}", fault::made());
        fault::clear();
    });
}

#[test]
fn the_umask_and_the_default_acl_decide_the_mode() {
    for (umask, file, sub) in
        [("000", 0o666, 0o777), ("022", 0o644, 0o755), ("077", 0o600, 0o700), ("027", 0o640, 0o750)]
    {
        everywhere(|path, _| {
            in_a_shell(&format!("umask {umask}"), "in_a_shell_make_one_of_each", path);
            let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o7777;
            for name in ["nameless", "hidden", "nameless replaced", "hidden replaced"] {
                assert_eq!(mode(name), file, "{name} with umask {umask}");
            }
            assert_eq!(mode("sub"), sub, "umask {umask}");
        });
    }
    everywhere(|path, _| {
        // posix_acl_xattr.h: version 2, then tag, permissions and id of each entry: user rw, group r, mask rw, others none.
        let mut acl = 2_u32.to_le_bytes().to_vec();
        for (tag, permissions) in [(1_u16, 6_u16), (4, 4), (0x10, 6), (0x20, 0)] {
            acl.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
            acl.extend(u32::MAX.to_le_bytes());
        }
        let flags = rustix::fs::XattrFlags::empty();
        if rustix::fs::setxattr(path, "system.posix_acl_default", &acl, flags).is_err() {
            return;
        }
        in_a_shell("umask 077", "in_a_shell_make_one_of_each", path);
        let other = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o607;
        assert_eq!(["nameless", "hidden", "nameless replaced", "hidden replaced"].map(other), [0o600; 4]);
        let group = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o060;
        assert_eq!(["nameless", "hidden", "nameless replaced", "hidden replaced"].map(group), [0o060; 4], "the mask");
    });
}

#[test]
#[ignore = "another test runs it behind a umask"]
fn in_a_shell_make_one_of_each() {
    let Some(folder) = std::env::var_os("DISK_TEST_FOLDER") else { return };
    let folder = Folder::open(folder).unwrap();
    for (nameless, name) in [(true, "nameless"), (false, "hidden")] {
        folder.handle().nameless.store(nameless, Relaxed);
        publish(&folder, name, b"x");
        folder.replace(staged(&folder, b"x"), format!("{name} replaced")).unwrap();
    }
    folder.subfolder("sub").unwrap();
}

#[test]
fn beyond_the_file_size_limit_is_an_error() {
    everywhere(|path, _| {
        in_a_shell("ulimit -f 8", "in_a_shell_hit_the_size_limit", path);
        assert_eq!(listing(path), ["fits"]);
    });
}

#[test]
#[ignore = "another test runs it behind a ulimit"]
fn in_a_shell_hit_the_size_limit() {
    let Some(folder) = std::env::var_os("DISK_TEST_FOLDER") else { return };
    let folder = Folder::open(folder).unwrap();
    let limit = sys::size_limit() as usize;
    assert!(limit > 0 && limit < 1 << 20);
    let full = vec![7; limit];
    for nameless in [true, false] {
        folder.handle().nameless.store(nameless, Relaxed);
        let mut staged = folder.stage().unwrap();
        staged.write_all(&full[1..]).unwrap();
        for slices in [[IoSlice::new(b"ab"), IoSlice::new(b"")], [IoSlice::new(b"a"), IoSlice::new(b"b")]] {
            assert_eq!(staged.write_all_vectored(&slices).unwrap_err().kind(), ErrorKind::FileTooLarge);
        }
        staged.write_all(b"a").unwrap();
        staged.write_all(b"").unwrap();
        assert_eq!(staged.write_all(b"b").unwrap_err().kind(), ErrorKind::FileTooLarge);
        folder.replace(staged, "fits").unwrap();
    }
}

#[test]
fn a_really_full_file_system_keeps_the_old_file_and_works_again_once_there_is_room() {
    let mount = "mount -t tmpfs -o size=256k,nr_inodes=16 none";
    let temp = TempDir::new().unwrap();
    // Needs a name space of its own to mount in; where the system gives none, armed faults must do.
    let probe = Command::new("unshare").args(["-rm", "sh", "-c", &format!("{mount} \"$0\"")]).arg(temp.path()).output();
    if probe.is_ok_and(|output| output.status.success()) {
        let mount = format!("{mount} \"$DISK_TEST_FOLDER\"");
        in_a_shell_behind("unshare -rm", &mount, "in_a_shell_fill_the_file_system", temp.path());
    }
}

#[test]
#[ignore = "another test runs it on a tiny file system"]
fn in_a_shell_fill_the_file_system() {
    let Some(path) = std::env::var_os("DISK_TEST_FOLDER") else { return };
    let folder = Folder::open(&path).unwrap();
    let path = Path::new(&path);
    for nameless in [true, false] {
        folder.handle().nameless.store(nameless, Relaxed);
        publish(&folder, "kept", b"old");
        let mut new = folder.stage().unwrap();
        let error = std::iter::repeat_with(|| new.write_all(&[7; 5000])).take(1000).find_map(Result::err);
        assert_eq!(error.unwrap().kind(), ErrorKind::StorageFull);
        assert!(new.len() > 200_000 && new.len() <= 256 << 10);
        drop(new);
        assert_eq!(listing(path), ["kept"]);
        assert_eq!(fs::read(path.join("kept")).unwrap(), b"old");
        let new = clash(&folder, "kept", &[8; 200_000]);
        folder.replace(new, "kept").unwrap();

        // No room for one more file, or for one more name.
        let mut made = 0;
        let error = loop {
            let outcome = folder.stage().and_then(|new| folder.publish(new, format!("{made}")));
            match outcome {
                Ok(_) => made += 1,
                Err(error) => break error,
            }
            assert!(made < 100);
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(listing(path).len(), made + 1, "and no litter");
        for name in listing(path) {
            folder.remove(name).unwrap();
        }
    }
}

/// Runs one of the tests above in a process of its own, behind a shell command that prepares it.
fn in_a_shell(prepare: &str, test: &str, folder: &Path) {
    in_a_shell_behind("env", prepare, test, folder);
}

fn in_a_shell_behind(command: &str, prepare: &str, test: &str, folder: &Path) {
    let run = format!("{prepare} && exec \"$0\" --exact disk::tests::{test} --ignored");
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap())
        .args(words)
        .args(["sh", "-c", &run])
        .arg(std::env::current_exe().unwrap())
        .env("DISK_TEST_FOLDER", folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
