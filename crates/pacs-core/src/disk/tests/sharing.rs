//! Several threads and several receivers in one folder.

use super::*;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn s35_many_threads_and_one_name_make_one_whole_file() {
    everywhere(|path, folder| {
        let first = AtomicUsize::new(0);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    if let Ok(bytes) = fs::read(path.join("study/x")) {
                        assert_whole(&bytes);
                    }
                    thread::sleep(Duration::from_micros(200));
                }
            });
            let writers: Vec<_> = (0..64_u8)
                .map(|id| {
                    let first = &first;
                    scope.spawn(move || {
                        let study = folder.subfolder("study").unwrap().0;
                        let mut new = folder.stage().unwrap();
                        for _ in 0..20 {
                            new.write_all(&[id; 4096]).unwrap();
                        }
                        match study.publish(new, "x").unwrap() {
                            Published::New => drop(first.fetch_add(1, Relaxed)),
                            Published::Exists(new) => study.replace(new, "x").unwrap(),
                        }
                    })
                })
                .collect();
            let outcomes: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
            done.store(true, Relaxed);
            assert!(outcomes.iter().all(Result::is_ok));
        });
        assert_eq!(first.into_inner(), 1, "one was first, and only one");
        assert_eq!(listing(path), ["study"]);
        assert_eq!(listing(&path.join("study")), ["x"]);
        assert_whole(&fs::read(path.join("study/x")).unwrap());
    });
}

fn assert_whole(bytes: &[u8]) {
    assert_eq!(bytes.len(), 20 * 4096);
    assert!(bytes.iter().all(|byte| byte == &bytes[0]), "two writers mixed");
}

#[test]
fn a_sweep_removes_what_nobody_holds_and_nothing_else() {
    everywhere(|path, folder| {
        let abandoned = [".pacs-0000000000000001.part", ".pacs-fedcba9876543210.part"];
        let others = [
            ".pacs-000000000000001.part",
            ".pacs-00000000000000001.part",
            ".pacs-000000000000000G.part",
            ".pacs-0000000000000001.PART",
            "pacs-0000000000000001.part",
            "MR.1.2.3",
        ];
        for name in abandoned.iter().chain(&others) {
            fs::write(path.join(name), b"x").unwrap();
        }
        fs::create_dir(path.join(".pacs-0000000000000002.part")).unwrap();
        symlink("MR.1.2.3", path.join(".pacs-0000000000000003.part")).unwrap();
        // Another receiver's, being written; flock belongs to the open file, so this thread's own will do.
        let held = path.join(".pacs-0000000000000004.part");
        let lock: OwnedFd = fs::File::create(&held).unwrap().into();
        assert!(sys::lock(&lock).unwrap());
        let ours = staged(folder, b"ours");

        let other_receiver = Folder::open(path).unwrap();
        assert_eq!(other_receiver.sweep().unwrap(), 2);
        assert_eq!(other_receiver.sweep().unwrap(), 0);
        let left = listing(path);
        assert!(abandoned.iter().all(|name| !path.join(name).exists()));
        assert!(others.iter().all(|name| left.iter().any(|there| there == name)));
        assert!(held.exists() && path.join(".pacs-0000000000000002.part").is_dir());
        assert!(fs::symlink_metadata(path.join(".pacs-0000000000000003.part")).is_ok());
        assert!(matches!(folder.publish(ours, "ours").unwrap(), Published::New));
        assert_eq!(fs::read(path.join("ours")).unwrap(), b"ours");
        drop(lock);
        assert_eq!(other_receiver.sweep().unwrap(), 1);
    });
}

#[test]
fn a_sweep_in_the_moment_between_creation_and_lock() {
    everywhere(|path, folder| {
        folder.handle().nameless.store(false, Relaxed);
        let swept = path.to_owned();
        fault::clear();
        fault::meanwhile(Call::Lock, 0, move || {
            assert_eq!(Folder::open(swept).unwrap().sweep().unwrap(), 1, "nobody holds it yet");
        });
        let new = staged(folder, b"whole");
        fault::clear();
        assert_eq!(listing(path).len(), 1, "it got another name");
        assert!(matches!(folder.publish(new, "x").unwrap(), Published::New));
        assert_eq!(fs::read(path.join("x")).unwrap(), b"whole");

        // The sweep still has the lock when the owner comes for it.
        let holder = path.to_owned();
        let held = std::rc::Rc::new(std::cell::RefCell::new(None));
        let hold = std::rc::Rc::clone(&held);
        fault::meanwhile(Call::Lock, 0, move || {
            let name = listing(&holder).remove(0);
            let file = fs::File::options().write(true).open(holder.join(name)).unwrap();
            file.lock().unwrap();
            hold.replace(Some(file));
        });
        let new = staged(folder, b"again");
        fault::clear();
        assert!(held.take().is_some());
        folder.replace(new, "x").unwrap();
        assert_eq!(listing(path), ["x"]);
        assert_eq!(fs::read(path.join("x")).unwrap(), b"again");
    });
}

#[test]
fn a_name_that_changes_owner_while_it_is_swept_is_left_alone() {
    everywhere(|path, folder| {
        let name = path.join(".pacs-0000000000000001.part");
        fs::write(&name, b"abandoned").unwrap();
        let changed = name.clone();
        fault::clear();
        fault::meanwhile(Call::Lock, 0, move || {
            fs::remove_file(&changed).unwrap();
            fs::write(&changed, b"somebody else's").unwrap();
        });
        assert_eq!(folder.sweep().unwrap(), 0);
        fault::clear();
        assert_eq!(fs::read(&name).unwrap(), b"somebody else's");
    });
}

#[test]
fn sweeping_all_the_time_disturbs_nobody() {
    everywhere(|path, folder| {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let receiver = Folder::open(path).unwrap();
                    while !done.load(Relaxed) {
                        receiver.sweep().unwrap();
                        thread::sleep(Duration::from_micros(50));
                    }
                });
            }
            let writers: Vec<_> = (0..4)
                .map(|id| {
                    scope.spawn(move || {
                        for round in 0..50 {
                            let bytes = format!("{id} {round}");
                            let new = staged(folder, bytes.as_bytes());
                            folder.replace(new, format!("{id}")).unwrap();
                            assert_eq!(fs::read_to_string(path.join(format!("{id}"))).unwrap(), bytes);
                        }
                    })
                })
                .collect();
            let outcomes: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
            done.store(true, Relaxed);
            assert!(outcomes.iter().all(Result::is_ok));
        });
        folder.sweep().unwrap();
        assert_eq!(listing(path), ["0", "1", "2", "3"]);
    });
}

#[test]
fn a_folder_that_comes_and_goes_under_many_threads() {
    everywhere(|path, folder| {
        let path = &path.join("out");
        let out = &folder.subfolder("out").unwrap().0;
        out.handle().nameless.store(folder.handle().nameless.load(Relaxed), Relaxed);
        thread::scope(|scope| {
            for id in 0..4 {
                scope.spawn(move || {
                    for round in 0..100 {
                        // Between removal and making anew there is no folder: an error, and nothing else.
                        let outcome = out.stage().and_then(|new| out.publish(new, format!("{id}.{round}")));
                        assert!(!matches!(outcome, Ok(Published::Exists(_))));
                    }
                });
            }
            scope.spawn(move || {
                for _ in 0..20 {
                    while fs::remove_dir_all(path).is_err() {
                        thread::sleep(Duration::from_micros(50));
                    }
                    fs::create_dir(path).unwrap();
                }
            });
        });
        publish(out, "last", b"x");
        assert!(listing(path).contains(&"last".to_owned()));
        assert!(listing(path).iter().all(|name| !name.starts_with('.')));
    });
}

/// `cargo test --release -p pacs-core disk::tests::sharing::speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn speed() {
    const OBJECT: [u8; 1500] = [7; 1500];
    // Kept to the end: ext4 makes files slowly for half a minute after many were removed.
    let mut kept = Vec::new();
    for base in [std::env::temp_dir(), "/dev/shm".into()] {
        for (way, nameless) in
            [("open(O_CREAT), write, close", None), ("nameless", Some(true)), ("hidden", Some(false))]
        {
            for threads in [1, 2] {
                let temp = TempDir::new_in(&base).unwrap();
                let folder = &Folder::open(temp.path()).unwrap();
                folder.handle().nameless.store(nameless.unwrap_or_default(), Relaxed);
                let path = temp.path();
                let cpu = || {
                    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
                    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
                };
                let (start, cpu_start) = (Instant::now(), cpu());
                let made: u32 = thread::scope(|scope| {
                    let work = |id| {
                        let mut made = 0;
                        while start.elapsed() < Duration::from_secs(2) {
                            let name = format!("MR.1.2.840.113619.2.{id}.{made}");
                            if nameless.is_some() {
                                let mut new = folder.stage().unwrap();
                                let (meta, data) = OBJECT.split_at(400);
                                new.write_all_vectored(&[IoSlice::new(meta), IoSlice::new(data)]).unwrap();
                                assert!(matches!(folder.publish(new, &name).unwrap(), Published::New));
                            } else {
                                fs::File::create(path.join(&name)).unwrap().write_all(&OBJECT).unwrap();
                            }
                            made += 1;
                        }
                        made
                    };
                    let handles: Vec<_> = (0..threads).map(|id| scope.spawn(move || work(id))).collect();
                    handles.into_iter().map(|handle| handle.join().unwrap()).sum()
                });
                let rate = f64::from(made) / start.elapsed().as_secs_f64();
                let each = (cpu() - cpu_start) / f64::from(made);
                println!("{} {way}, {threads} threads: {rate:.0}/s, {each:.1} us of processor each", base.display());
                kept.push(temp);
            }
        }
    }
}
