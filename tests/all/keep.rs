//! What was acknowledged stays, and what was not complete is never seen: broken transfers, kills, full disks, and names
//! that something else bears already.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pacs_testing::{
    ABORT, Answer, Command, LIMIT, Object, Part10, Peer, Request, Start, files, message, pdu, pdv, run, visible, within,
};

use crate::receiver::{MODES, Receiver, storescp};

/// A whole store message.
fn store_bytes(object: &Object) -> Vec<u8> {
    message(1, &Command::store_of(1, object).to_bytes(), Some(&object.data), 16384)
}

// --- broken transfers (S50, storescp 6) ------------------------------------------------------------------------------------

#[test]
fn s50_a_repeat_that_breaks_off_leaves_the_first_whole() {
    let first = Object::with_pixels("1.2.3.1", 50_000, 1);
    let second = Object::with_pixels("1.2.3.1", 50_000, 2);
    let whole = store_bytes(&second);
    let command = message(1, &Command::store_of(1, &second).to_bytes(), None, 16384);
    let pieces: Vec<_> = second.data.chunks(16_000).map(|piece| pdu(4, &pdv(1, 0, piece))).collect();
    // All of the data set but the fragment that says it is the last one.
    let unfinished = [vec![command.clone()], pieces].concat().concat();
    let ends: [(&str, &[u8], &[u8]); 8] = [
        ("hung up within the command", &whole[..100], &[]),
        ("hung up within the data", &whole[..25_000], &[]),
        ("hung up before the last byte", &whole[..whole.len() - 1], &[]),
        ("hung up before the last fragment", &unfinished, &[]),
        ("aborted before the data", &command, &ABORT),
        ("aborted before the last fragment", &unfinished, &ABORT),
        ("an unknown PDU", &unfinished, &[99, 0, 0, 0, 0, 0]),
        ("bytes that are no PDU", &unfinished, &[0xFF; 20_000]),
    ];
    for mode in MODES {
        let receiver = Receiver::start(mode);
        assert_eq!(Peer::usual(receiver.port).store(1, &first), 0);
        for (case, begun, end) in ends {
            let mut peer = Peer::usual(receiver.port);
            peer.send(begun);
            peer.offer(end);
            drop(peer);
            assert_eq!(Peer::usual(receiver.port).echo(5), 0);
            assert!(within(LIMIT, || receiver.stored() == ["MR.1.2.3.1"]), "{case} {mode:?}: {:?}", receiver.stored());
            assert!(receiver.data("MR.1.2.3.1") == first.data, "{case} {mode:?}");
        }
    }
}

#[test]
fn a_repeat_that_is_refused_leaves_the_first_whole() {
    let first = Object::with_pixels("1.2.3.1", 50_000, 1);
    let receiver = Receiver::start(&["--abort-during"]);
    fs::write(receiver.out().join("MR.1.2.3.1"), "what was there").unwrap();
    assert!(Peer::usual(receiver.port).try_store(1, &first).is_err());
    thread::sleep(Duration::from_millis(100));
    assert_eq!(fs::read(receiver.out().join("MR.1.2.3.1")).unwrap(), b"what was there");
    assert_eq!(receiver.stored(), ["MR.1.2.3.1"]);
}

#[test]
fn a_transfer_that_breaks_off_leaves_nothing() {
    let object = Object::with_pixels("1.2.3.1", 50_000, 1);
    let command = message(1, &Command::store_of(1, &object).to_bytes(), None, 16384);
    let begun =
        [command, pdu(4, &pdv(1, 0, &object.data[..16000])), pdu(4, &pdv(1, 0, &object.data[16000..30000]))].concat();
    for mode in MODES {
        let receiver = Receiver::start(&[mode, &["-v"]].concat());
        // Between two PDUs the connection is closed, or the association aborted; then it is closed within a PDU.
        for (time, end) in [&[][..], &ABORT, &[4, 0, 0, 0, 64, 0, 0]].into_iter().enumerate() {
            let mut peer = Peer::usual(receiver.port);
            peer.send(&begun);
            receiver.wait_log_times("Received Store Request", time + 1, LIMIT);
            assert_eq!(visible(&receiver.out()), [""; 0], "no name before it is whole");
            peer.offer(end);
            drop(peer);
            receiver.wait_log_times("E: Store SCP Failed: ", time + 1, LIMIT);
            assert!(within(LIMIT, || receiver.stored().is_empty()), "{:?}", receiver.stored());
        }
        let log = receiver.wait_log_times("I: Association Aborted", 2, LIMIT);
        assert!(log.contains("0006:0317 Peer aborted Association (or never connected)"), "{log}");
    }
}

#[test]
fn a_reader_sees_the_old_file_or_the_new_one_and_nothing_between() {
    let versions = [Object::with_pixels("1.2.3.1", 60_000, 1), Object::with_pixels("1.2.3.1", 90_000, 2)];
    for mode in MODES {
        let receiver = Receiver::start(&[mode, &["-q"]].concat());
        let mut peer = Peer::usual(receiver.port);
        assert_eq!(peer.store(1, &versions[0]), 0);
        let (done, looks) = (AtomicBool::new(false), Mutex::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(visible(&receiver.out()), ["MR.1.2.3.1"]);
                    let data = receiver.data("MR.1.2.3.1");
                    assert!(versions.iter().any(|version| version.data == data), "{} bytes", data.len());
                    *looks.lock().unwrap() += 1;
                }
            });
            for version in versions.iter().cycle().take(100) {
                assert_eq!(peer.store(1, version), 0);
            }
            assert!(within(LIMIT, || *looks.lock().unwrap() >= 20));
            done.store(true, Ordering::Relaxed);
        });
    }
}

// --- kills -------------------------------------------------------------------------------------------------------------------

#[test]
fn a_kill_within_an_object_leaves_no_trace_after_the_next_start() {
    let first = Object::with_pixels("1.2.3.1", 50_000, 1);
    let second = store_bytes(&Object::with_pixels("1.2.3.1", 500_000, 2));
    for mode in MODES {
        let mut receiver = Receiver::start(&[mode, &["-v"]].concat());
        assert_eq!(Peer::usual(receiver.port).store(1, &first), 0);
        let mut peer = Peer::usual(receiver.port);
        peer.send(&second[..400_000]);
        receiver.wait_log_times("Received Store Request", 2, LIMIT);
        receiver.tool().kill();
        assert_eq!(visible(&receiver.out()), ["MR.1.2.3.1"]);
        let receiver = receiver.start_again(mode);
        assert!(within(LIMIT, || receiver.stored() == ["MR.1.2.3.1"]), "{:?}", receiver.stored());
        assert_eq!(receiver.data("MR.1.2.3.1"), first.data);
    }
}

#[test]
fn hidden_files_of_a_crash_are_swept_and_all_others_kept() {
    let stale = ".pacs-0123456789abcdef.part";
    let held = ".pacs-00000000deadbeef.part";
    let foreign = [".hidden", ".pacs-notes.part", ".pacs-0123456789abcdef.part.bak", "MR.1.2.3.1"];
    let receiver = Receiver::start(&[]);
    for name in foreign.iter().chain([&stale, &held]) {
        fs::write(receiver.out().join(name), name).unwrap();
    }
    // Another receiver that works in the same folder holds its hidden files locked.
    let lock = File::open(receiver.out().join(held)).unwrap();
    lock.try_lock().unwrap();
    let receiver = receiver.start_again(&[]);
    let mut expected: Vec<_> = foreign.iter().chain([&held]).map(|name| (*name).to_owned()).collect();
    expected.sort();
    assert!(within(LIMIT, || receiver.stored() == expected), "{:?}", receiver.stored());
    for name in expected {
        assert_eq!(fs::read(receiver.out().join(&name)).unwrap(), name.as_bytes());
    }
    lock.unlock().unwrap();
}

#[test]
fn receivers_may_share_a_folder() {
    let object = Object::with_pixels("1.2.3.1", 500_000, 1);
    for mode in MODES {
        let first = Receiver::start(mode);
        let bytes = store_bytes(&object);
        let mut peer = Peer::usual(first.port);
        peer.send(&bytes[..250_000]);
        assert_eq!(Peer::usual(first.port).echo(5), 0);
        let second = Start::new(storescp()).args(mode).args(["-od"]).args([first.out()]).listen();
        assert_eq!(Peer::usual(second.port).store(1, &Object::tiny("1.2.3.2")), 0);
        peer.send(&bytes[250_000..]);
        assert_eq!(peer.response().map(|response| response.status()), Ok(0));
        assert_eq!(first.data("MR.1.2.3.1"), object.data);
        assert_eq!(first.stored(), ["MR.1.2.3.1", "MR.1.2.3.2"]);
    }
}

/// A number that nobody can guess: where a kill hits cannot be repeated anyway.
fn random(below: u64) -> u64 {
    RandomState::new().hash_one(0) % below
}

/// The object with this instance UID, which says all about it: `1.2.3.<size>.<seed>…`.
fn named(instance: &str) -> Object {
    let parts: Vec<u64> = instance.split('.').map(|part| part.parse().unwrap()).collect();
    Object::with_pixels(instance, parts[3] as usize, parts[4])
}

/// Sends objects until the receiver is gone: most of them new ones, each time another version of the shared one too.
/// Notes each acknowledged instance, and each acknowledged version of the one that is sent again and again.
fn send_until_killed(
    port: u16,
    round: u64,
    sender: u64,
    acknowledged: &Mutex<Vec<String>>,
    versions: &Mutex<(u64, u64)>,
) {
    for n in 0.. {
        let Ok(mut peer) = Peer::connect_to(std::net::Ipv4Addr::LOCALHOST, port) else { return };
        let Answer::Accepted(_) = peer.associate(&Request::usual()) else { return };
        for m in 0..5 {
            let seed = ((round * 4 + sender) * 10_000 + n) * 5 + m;
            let instance = format!("1.2.3.{}.{seed}", 1 + random(200_000));
            // Every other object takes its time, so that most kills hit one that is under way.
            for part in store_bytes(&named(&instance)).chunks(if m % 2 == 0 { 10_000 } else { usize::MAX }) {
                peer.offer(part);
                if m % 2 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            match peer.response().map(|response| response.status()) {
                Ok(status) => {
                    assert_eq!(status, 0);
                    acknowledged.lock().unwrap().push(instance);
                }
                Err(_) => return,
            }
        }
        if sender == 0 {
            let version = {
                let mut versions = versions.lock().unwrap();
                versions.0 += 1;
                versions.0
            };
            match peer.try_store(1, &Object::with_pixels("1.2.3.9", 100_000, version)) {
                Ok(status) => {
                    assert_eq!(status, 0);
                    versions.lock().unwrap().1 = version;
                }
                Err(_) => return,
            }
        }
        if n % 2 == 0 {
            peer.release();
        }
    }
}

/// Kills a receiver under load so many times; after each kill every acknowledged object must be on disk, whole, and
/// nothing that has a name may be incomplete.
fn kill_under_load(mode: &[&str], kills: u64) {
    let mut receiver = Receiver::start(mode);
    let (acknowledged, versions) = (Mutex::new(Vec::new()), Mutex::new((0, 0)));
    let mut checked = HashMap::new();
    for round in 0..kills {
        let port = receiver.port;
        thread::scope(|scope| {
            let (acknowledged, versions) = (&acknowledged, &versions);
            for sender in 0..4 {
                scope.spawn(move || send_until_killed(port, round, sender, acknowledged, versions));
            }
            thread::sleep(Duration::from_millis(20 + random(150)));
            receiver.tool().kill();
        });
        for name in visible(&receiver.out()) {
            let instance = name.strip_prefix("MR.").unwrap_or_else(|| panic!("{name}"));
            let path = receiver.out().join(&name);
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            if instance == "1.2.3.9" {
                let (last, kept) = *versions.lock().unwrap();
                let data = receiver.data(&name);
                let found =
                    (kept..=last).find(|&version| data == Object::with_pixels("1.2.3.9", 100_000, version).data);
                assert!(found.is_some(), "kill {round}: the repeated object is none of the versions {kept} to {last}");
            } else if checked.get(&name) != Some(&modified) {
                assert!(receiver.data(&name) == named(instance).data, "kill {round}: {name} is not what was sent");
                checked.insert(name, modified);
            }
        }
        for instance in acknowledged.lock().unwrap().iter() {
            assert!(
                checked.contains_key(&format!("MR.{instance}")),
                "kill {round}: {instance} was acknowledged and is lost"
            );
        }
        if versions.lock().unwrap().1 > 0 {
            assert!(receiver.out().join("MR.1.2.3.9").exists(), "kill {round}: the repeated object is lost");
        }
        receiver = receiver.start_again(mode);
        let hidden = || files(&receiver.out()).into_iter().find(|name| name.starts_with('.'));
        assert!(within(LIMIT, || hidden().is_none()), "kill {round}: {:?} stays", hidden());
    }
    let count = acknowledged.lock().unwrap().len() as u64;
    assert!(count >= kills, "only {count} objects were acknowledged between {kills} kills");
}

#[test]
fn acknowledged_objects_survive_twenty_kills() {
    kill_under_load(&[], 10);
    kill_under_load(&["+B"], 10);
}

#[test]
#[ignore = "takes minutes; PACS_TEST_KILLS says how many kills, fifty of each kind if it is not set"]
fn acknowledged_objects_survive_many_kills() {
    let kills = std::env::var("PACS_TEST_KILLS").map_or(50, |number| number.parse().unwrap());
    kill_under_load(&[], kills);
    kill_under_load(&["+B"], kills);
}

// --- no room -----------------------------------------------------------------------------------------------------------------

/// A large object does not fit, is refused with A700 and leaves nothing; a small one on the same association is stored.
fn refuses_what_does_not_fit(receiver: &Receiver, mode: &[&str], stored: impl Fn() -> Vec<String>) {
    let mut peer = Peer::usual(receiver.port);
    for _ in 0..2 {
        assert_eq!(
            peer.try_store(1, &Object::with_pixels("1.2.3.1", 3 << 20, 1)),
            Ok(0xA700),
            "{mode:?}:\n{}",
            receiver.log()
        );
        assert!(within(LIMIT, || stored().is_empty()), "{:?}", stored());
    }
    assert_eq!(peer.store(1, &Object::with_pixels("1.2.3.2", 10_000, 2)), 0);
    assert_eq!(stored(), ["MR.1.2.3.2"]);
    assert!(peer.release());
    let log = receiver.log();
    let line = if mode.is_empty() { "E: cannot write DICOM file: " } else { "E: Store SCP Failed: 0006:020a" };
    assert!(log.contains(line), "{log}");
}

#[test]
fn a_file_size_limit_refuses_the_object_and_nothing_else() {
    // 2000 blocks are 1 MiB or 2 MiB, whichever shell this is.
    for mode in MODES {
        let receiver = Receiver::start_with(Start::new(storescp()).args(mode).after("ulimit -f 2000"));
        refuses_what_does_not_fit(&receiver, mode, || receiver.stored());
        assert_eq!(receiver.data("MR.1.2.3.2"), Object::with_pixels("1.2.3.2", 10_000, 2).data);
    }
}

#[test]
fn a_full_disk_refuses_the_object_and_nothing_else() {
    if run("unshare", &["-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"]).code != Some(0) {
        eprintln!("no mounting allowed here: a full disk is not looked at");
        return;
    }
    for mode in MODES {
        // The receiver sees a disk of 1 MiB at its folder; from outside that is looked at through /proc.
        let script = "out=; for arg; do out=$last; last=$arg; done; \
                      for arg; do [ \"$before\" = -od ] && out=$arg; before=$arg; done; \
                      mount -t tmpfs -o size=1m none \"$out\" && exec \"$0\" \"$@\"";
        let start = Start::new("unshare").args(["-rm", "sh", "-c", script]).args([storescp()]).args(mode);
        let receiver = Receiver::start_with(start);
        let inside = std::path::Path::new(&format!("/proc/{}/root", receiver.pid()))
            .join(receiver.out().strip_prefix("/").unwrap());
        refuses_what_does_not_fit(&receiver, mode, || files(&inside));
        assert_eq!(receiver.stored(), [""; 0], "the disk hides the folder");
        let data = Part10::data(&inside.join("MR.1.2.3.2"));
        assert_eq!(data, Object::with_pixels("1.2.3.2", 10_000, 2).data);
    }
}

#[test]
fn a_folder_that_vanishes_refuses_objects_until_it_is_back() {
    for mode in MODES {
        let receiver = Receiver::start(mode);
        let mut peer = Peer::usual(receiver.port);
        assert_eq!(peer.store(1, &Object::tiny("1.2.3.1")), 0);
        fs::remove_dir_all(receiver.out()).unwrap();
        assert_eq!(peer.try_store(1, &Object::tiny("1.2.3.2")), Ok(0xA700), "{mode:?}:\n{}", receiver.log());
        assert_eq!(files(receiver.base()), [""; 0], "nothing is stored elsewhere instead");
        fs::create_dir(receiver.out()).unwrap();
        assert_eq!(peer.store(1, &Object::tiny("1.2.3.3")), 0);
        assert_eq!(receiver.stored(), ["MR.1.2.3.3"]);
    }
}

#[test]
fn a_folder_that_may_not_be_written_refuses_objects() {
    for mode in MODES {
        let receiver = Receiver::start(mode);
        fs::set_permissions(receiver.out(), fs::Permissions::from_mode(0o555)).unwrap();
        let allowed = fs::write(receiver.out().join("probe"), "").is_ok();
        let _ = fs::remove_file(receiver.out().join("probe"));
        let mut peer = Peer::usual(receiver.port);
        // A superuser may write all the same.
        let expected = if allowed { 0 } else { 0xA700 };
        assert_eq!(peer.try_store(1, &Object::tiny("1.2.3.1")), Ok(expected), "{mode:?}");
        fs::set_permissions(receiver.out(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(peer.store(1, &Object::tiny("1.2.3.2")), 0);
        assert_eq!(receiver.stored().contains(&"MR.1.2.3.1".to_owned()), allowed);
    }
}

// --- names that are taken (S34, S47) -------------------------------------------------------------------------------------------

#[test]
fn s34_whatever_bears_the_name_no_other_file_changes() {
    let object = Object::with_pixels("1.2.3.1", 50_000, 1);
    for mode in MODES {
        for case in
            ["link to a file", "link to nothing", "link to a folder", "hard link", "read-only file", "FIFO", "folder"]
        {
            for during in [false, true] {
                let receiver = Receiver::start(mode);
                let name = receiver.out().join("MR.1.2.3.1");
                let other = receiver.base().join("other");
                fs::write(&other, "precious").unwrap();
                let folder = receiver.base().join("folder");
                fs::create_dir(&folder).unwrap();
                let put = || match case {
                    "link to a file" => symlink(&other, &name).unwrap(),
                    "link to nothing" => symlink(receiver.base().join("nothing"), &name).unwrap(),
                    "link to a folder" => symlink(&folder, &name).unwrap(),
                    "hard link" => fs::hard_link(&other, &name).unwrap(),
                    "read-only file" => {
                        fs::write(&name, "old").unwrap();
                        fs::set_permissions(&name, fs::Permissions::from_mode(0o444)).unwrap();
                    }
                    "FIFO" => assert_eq!(run("mkfifo", &[name.to_str().unwrap()]).code, Some(0)),
                    _ => fs::create_dir(&name).unwrap(),
                };
                let mut peer = Peer::usual(receiver.port);
                let bytes = store_bytes(&object);
                if !during {
                    put();
                }
                peer.send(&bytes[..30_000]);
                if during {
                    // One more association from beginning to end: by then the first bytes have been read.
                    assert_eq!(Peer::usual(receiver.port).echo(5), 0);
                    put();
                }
                peer.send(&bytes[30_000..]);
                let status = peer.response().map(|response| response.status());
                let context = format!("{case}, during: {during}, {mode:?}: {status:04x?}");
                match status {
                    Ok(0) => {
                        assert!(fs::symlink_metadata(&name).unwrap().is_file(), "{context}");
                        assert_eq!(receiver.data("MR.1.2.3.1"), object.data, "{context}");
                        assert_ne!(case, "folder", "{context}");
                    }
                    Ok(0xA700) => {
                        let kind = fs::symlink_metadata(&name).unwrap().file_type();
                        assert!(
                            !kind.is_file() || kind.is_fifo() || case.contains("link") || case.contains("file"),
                            "{context}"
                        );
                    }
                    _ => panic!("{context}"),
                }
                assert_eq!(fs::read(&other).unwrap(), b"precious", "{context}");
                assert_eq!(files(&folder), [""; 0], "{context}");
                assert_eq!(files(receiver.base()), ["folder", "other", "out"], "{context}");
                assert_eq!(peer.store(1, &Object::tiny("1.2.3.2")), 0, "{context}");
            }
        }
    }
}

#[test]
fn s34_a_link_in_place_of_the_folder_gets_nothing() {
    for mode in MODES {
        let receiver = Receiver::start(mode);
        let (moved, elsewhere) = (receiver.base().join("moved"), receiver.base().join("elsewhere"));
        fs::create_dir(&elsewhere).unwrap();
        let mut peer = Peer::usual(receiver.port);
        assert_eq!(peer.store(1, &Object::tiny("1.2.3.1")), 0);
        fs::rename(receiver.out(), &moved).unwrap();
        symlink(&elsewhere, receiver.out()).unwrap();
        let object = Object::tiny("1.2.3.2");
        match peer.try_store(1, &object) {
            Ok(0) => assert_eq!(Part10::data(&moved.join("MR.1.2.3.2")), object.data),
            other => assert_eq!(other, Ok(0xA700)),
        }
        assert_eq!(files(&elsewhere), [""; 0], "{mode:?}");
    }
}

#[test]
fn s47_a_stored_file_is_no_program() {
    let receiver = Receiver::start_with(Start::new(storescp()).args(["+B"]).after("umask 000"));
    let mut script = b"#!/bin/sh\ntouch run\n".to_vec();
    script.resize(4096, b'\n');
    let mut peer = Peer::usual(receiver.port);
    assert_eq!(peer.store(1, &Object::tiny("1.2.3.1").with_data(script)), 0);
    let path = receiver.out().join("MR.1.2.3.1");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o111, 0);
    assert_eq!(&fs::read(&path).unwrap()[..128], [0; 128]);
}

#[test]
fn bytes_of_one_association_never_reach_the_file_of_another() {
    // Two stores of the same instance, cut into pieces that alternate: the file is the one that ended last.
    for mode in MODES {
        let receiver = Receiver::start(mode);
        let objects = [1, 2].map(|seed| Object::with_pixels("1.2.3.1", 40_000, seed));
        let mut peers = [Peer::usual(receiver.port), Peer::usual(receiver.port)];
        for (peer, object) in peers.iter_mut().zip(&objects) {
            peer.send_message(1, &Command::store_of(1, object), None);
        }
        let length = objects[0].data.len();
        for at in (0..length).step_by(1000) {
            for (peer, object) in peers.iter_mut().zip(&objects) {
                let end = length.min(at + 1000);
                peer.send(&pdu(4, &pdv(1, if end == length { 2 } else { 0 }, &object.data[at..end])));
            }
        }
        for peer in &mut peers {
            assert_eq!(peer.response().map(|response| response.status()), Ok(0));
        }
        let data = receiver.data("MR.1.2.3.1");
        assert!(objects.iter().any(|object| object.data == data));
        assert_eq!(receiver.stored(), ["MR.1.2.3.1"]);
    }
}
