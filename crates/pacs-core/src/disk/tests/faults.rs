//! Every call fails in turn, with every errno that means something: what is left is always whole, or nothing.

use super::*;
use rustix::io::Errno;

const ERRNOS: [Errno; 14] = [
    Errno::NOSPC,
    Errno::DQUOT,
    Errno::FBIG,
    Errno::IO,
    Errno::ACCESS,
    Errno::PERM,
    Errno::NOENT,
    Errno::EXIST,
    Errno::INVAL,
    Errno::OPNOTSUPP,
    Errno::NOSYS,
    Errno::XDEV,
    Errno::AGAIN,
    Errno::INTR,
];

/// Runs the scenario once whole, then once for each call it makes and each errno with that call failing.
/// `check` sees the folder's path, whether a fault was armed, and the outcome.
fn let_each_call_fail<T>(
    prepare: impl Fn(&Folder),
    scenario: impl Fn(&Folder) -> std::io::Result<T>,
    check: impl Fn(&Path, &str, std::io::Result<T>),
) {
    everywhere(|path, folder| {
        let nameless = folder.handle().nameless.load(Relaxed);
        prepare(folder);
        fault::clear();
        let outcome = scenario(folder);
        let calls = fault::made();
        assert!(outcome.is_ok());
        check(path, "no fault", outcome);
        for (&call, &count) in &calls {
            for nth in 0..count {
                for errno in ERRNOS {
                    let temp = TempDir::new_in(path.parent().unwrap()).unwrap();
                    let folder = Folder::open(temp.path()).unwrap();
                    folder.handle().nameless.store(nameless, Relaxed);
                    prepare(&folder);
                    fault::clear();
                    fault::arm(call, nth, errno);
                    let outcome = scenario(&folder);
                    fault::clear();
                    let case = format!("{call:?} number {nth} fails with {errno:?}, nameless {nameless}");
                    if call == Call::Unlink {
                        // The one call whose failure may leave a hidden name: the next start removes it.
                        folder.sweep().unwrap();
                    }
                    check(temp.path(), &case, outcome);
                }
            }
        }
    });
}

const WHOLE: &[u8] = b"new and whole";

fn store(folder: &Folder, name: &str) -> std::io::Result<Published> {
    let mut new = folder.stage()?;
    new.write_all(b"new ")?;
    new.write_all_vectored(&[IoSlice::new(b"and "), IoSlice::new(b"while")])?;
    new.write_all_at(b"o", 10)?;
    new.sync()?;
    folder.publish(new, name)
}

#[test]
fn publishing_leaves_the_whole_file_or_nothing() {
    let_each_call_fail(
        |_| {},
        |folder| store(folder, "x"),
        |path, case, outcome| match outcome {
            Ok(Published::New) => {
                assert_eq!(listing(path), ["x"], "{case}");
                assert_eq!(fs::read(path.join("x")).unwrap(), WHOLE, "{case}");
            }
            other => {
                drop(other);
                assert_eq!(listing(path), [""; 0], "{case}");
            }
        },
    );
}

#[test]
fn replacing_leaves_the_old_file_or_the_new_one() {
    let_each_call_fail(
        |folder| publish(folder, "x", b"old"),
        |folder| match store(folder, "x")? {
            Published::New => Err(Errno::NOENT.into()),
            Published::Exists(new) => folder.replace(new, "x"),
        },
        |path, case, outcome| {
            assert_eq!(listing(path), ["x"], "{case}");
            let wanted: &[u8] = if outcome.is_ok() { WHOLE } else { b"old" };
            assert_eq!(fs::read(path.join("x")).unwrap(), wanted, "{case}");
        },
    );
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    everywhere(|path, folder| {
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
            for nth in 0..3 {
                publish(folder, "x", b"old");
                fault::clear();
                fault::arm(Call::Write, nth, errno);
                let error = store(folder, "x").unwrap_err();
                assert_eq!(error.raw_os_error(), Some(errno.raw_os_error()));
                assert_eq!(fs::read(path.join("x")).unwrap(), b"old");
                folder.remove("x").unwrap();
                assert_eq!(listing(path), [""; 0]);
            }
        }
        fault::clear();
    });
}

#[test]
fn a_write_that_stops_half_way_counts_what_it_wrote() {
    everywhere(|path, folder| {
        let mut new = folder.stage().unwrap();
        fault::short_writes(3);
        fault::arm(Call::Write, 2, Errno::NOSPC);
        let slices = [b"ab".as_slice(), b"cdefghij"].map(IoSlice::new);
        assert_eq!(new.write_all_vectored(&slices).unwrap_err().kind(), ErrorKind::StorageFull);
        fault::clear();
        assert_eq!(new.len(), 6);
        new.write_all(b"!").unwrap();
        assert!(matches!(folder.publish(new, "x").unwrap(), Published::New));
        assert_eq!(fs::read(path.join("x")).unwrap(), b"abcdef!");
    });
}

#[test]
fn a_write_that_takes_nothing_is_an_error_not_a_loop() {
    everywhere(|_, folder| {
        let mut new = folder.stage().unwrap();
        fault::short_writes(0);
        assert!(new.write_all(b"x").is_err());
        assert!(new.write_all_vectored(&[IoSlice::new(b"x")]).is_err());
        fault::clear();
    });
}

/// A file system of the kind `make` describes by faults: publishes, meets a name that is taken, replaces.
fn works_with(make: impl Fn(), calls_of_the_second: &[(Call, usize)]) {
    everywhere(|path, folder| {
        if !folder.handle().nameless.load(Relaxed) {
            return;
        }
        fault::clear();
        make();
        assert!(matches!(store(folder, "x").unwrap(), Published::New));
        fault::clear();
        make();
        let Published::Exists(new) = store(folder, "x").unwrap() else { panic!("x was there") };
        folder.replace(new, "x").unwrap();
        fault::clear();
        assert!(matches!(store(folder, "y").unwrap(), Published::New));
        for &(call, count) in calls_of_the_second {
            assert_eq!(fault::made().get(&call).copied().unwrap_or(0), count, "{call:?}");
        }
        fault::clear();
        assert_eq!(listing(path), ["x", "y"]);
        assert_eq!(fs::read(path.join("x")).unwrap(), WHOLE);
        assert_eq!(fs::read(path.join("y")).unwrap(), WHOLE);
    });
}

#[test]
fn file_systems_without_nameless_files_are_asked_once() {
    for errno in [Errno::OPNOTSUPP, Errno::ISDIR, Errno::NOENT, Errno::INVAL] {
        let asked = [(Call::OpenNameless, 0), (Call::OpenNamed, 1), (Call::RenameNew, 1)];
        works_with(|| fault::arm(Call::OpenNameless, 0, errno), &asked);
    }
}

#[test]
fn without_proc_and_privilege_the_file_is_copied_under_a_hidden_name() {
    let make = || {
        for nth in 0..3 {
            fault::arm(Call::LinkByDescriptor, nth, Errno::NOENT);
            fault::arm(Call::LinkByProc, nth, Errno::NOENT);
        }
    };
    works_with(make, &[(Call::OpenNameless, 0), (Call::OpenNamed, 1), (Call::RenameNew, 1)]);
}

#[test]
fn network_file_systems_are_renamed_by_link_and_synced_before() {
    everywhere(|path, _| {
        fault::clear();
        fault::arm(Call::StatFileSystem, 0, Errno::IO);
        let folder = Folder::open(path).unwrap();
        folder.handle().nameless.store(false, Relaxed);
        for name in ["x", "y"] {
            fault::clear();
            fault::arm(Call::RenameNew, 0, Errno::INVAL);
            publish(&folder, name, b"x");
            assert_eq!(fault::made()[&Call::Sync], 1, "a full disk is known before the name is given");
            assert_eq!(fault::made()[&Call::LinkByName], 1);
            assert_eq!(fault::made().get(&Call::RenameNew).copied(), (name == "x").then_some(1), "asked once");
            let new = clash(&folder, name, b"new");
            folder.replace(new, name).unwrap();
            assert_eq!(fs::read(path.join(name)).unwrap(), b"new");
        }
        fault::clear();
        fault::arm(Call::Sync, 0, Errno::NOSPC);
        let full = folder.publish(staged(&folder, b"z"), "z").unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        fault::clear();
        assert_eq!(listing(path), ["x", "y"]);
    });
}

#[test]
fn neither_rename_nor_link_can_tell() {
    everywhere(|path, folder| {
        folder.handle().nameless.store(false, Relaxed);
        for name in ["x", "y"] {
            fault::clear();
            fault::arm(Call::RenameNew, 0, Errno::INVAL);
            fault::arm(Call::LinkByName, 0, Errno::PERM);
            publish(folder, name, b"old");
            fault::clear();
            fault::arm(Call::RenameNew, 0, Errno::INVAL);
            fault::arm(Call::LinkByName, 0, Errno::PERM);
            drop(clash(folder, name, b"new"));
        }
        fault::clear();
        assert_eq!(listing(path), ["x", "y"]);
        assert_eq!(fs::read(path.join("x")).unwrap(), b"old");
    });
}

#[test]
fn file_systems_without_locks_still_take_files() {
    everywhere(|path, folder| {
        for errno in [Errno::NOLCK, Errno::OPNOTSUPP] {
            fault::clear();
            fault::arm(Call::Lock, 0, errno);
            folder.replace(staged(folder, b"x"), "x").unwrap();
        }
        fs::write(path.join(".pacs-0000000000000001.part"), b"x").unwrap();
        fault::clear();
        fault::arm(Call::Lock, 0, Errno::NOLCK);
        assert_eq!(folder.sweep().unwrap(), 0, "who holds it cannot be told");
        fault::clear();
        assert_eq!(listing(path).len(), 2);
    });
}

#[test]
fn where_only_proc_names_a_file_the_other_way_is_asked_once() {
    everywhere(|path, folder| {
        if !folder.handle().nameless.load(Relaxed) {
            return;
        }
        fault::clear();
        fault::arm(Call::LinkByDescriptor, 0, Errno::NOENT);
        publish(folder, "x", b"x");
        assert_eq!(fault::made().get(&Call::LinkByProc), Some(&1));
        fault::clear();
        publish(folder, "y", b"y");
        assert_eq!(fault::made().get(&Call::LinkByProc), Some(&1));
        assert_eq!(fault::made().get(&Call::LinkByDescriptor), None);
        fault::clear();
        assert_eq!(listing(path), ["x", "y"]);
    });
}

#[test]
fn a_link_that_the_network_made_twice_is_ours() {
    everywhere(|path, folder| {
        folder.handle().nameless.store(false, Relaxed);
        let new = staged(folder, b"x");
        let (hidden, name) = (path.join(&listing(path)[0]), path.join("x"));
        fault::clear();
        fault::arm(Call::RenameNew, 0, Errno::INVAL);
        // The first request did it, but its answer was lost; the repeated one finds the name taken.
        fault::meanwhile(Call::LinkByName, 0, move || fs::hard_link(hidden, name).unwrap());
        assert!(matches!(folder.publish(new, "x").unwrap(), Published::New));
        fault::clear();
        assert_eq!(listing(path), ["x"]);
    });
}

#[test]
fn a_copy_onto_a_network_file_system_is_synced_before_it_is_named() {
    everywhere(|path, folder| {
        fault::clear();
        fault::arm(Call::StatFileSystem, 0, Errno::IO);
        let network = Folder::open(path).unwrap();
        network.handle().nameless.store(folder.handle().nameless.load(Relaxed), Relaxed);
        for name in ["x", "y"] {
            let new = staged(folder, b"x");
            fault::clear();
            fault::arm(Call::LinkByDescriptor, 0, Errno::XDEV);
            fault::arm(Call::LinkByProc, 0, Errno::XDEV);
            fault::arm(Call::RenameNew, 0, Errno::XDEV);
            if name == "y" {
                fault::arm(Call::Sync, 0, Errno::NOSPC);
                assert_eq!(network.publish(new, name).unwrap_err().kind(), ErrorKind::StorageFull);
            } else {
                assert!(matches!(network.publish(new, name).unwrap(), Published::New));
                assert_eq!(fault::made()[&Call::Sync], 1);
            }
        }
        fault::clear();
        assert_eq!(listing(path), ["x"]);
    });
}
