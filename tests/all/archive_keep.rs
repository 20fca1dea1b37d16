//! What the archive has acknowledged stays: many senders at a time, kills under load, peers that break off, full disks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;
use std::{env, fs};

use pacs_testing::{
    ABORT, Answer, Command, LIMIT, Object, Part10, Peer, Start, files, message, pdu, pdv, run, uid, within,
};
use tempfile::TempDir;

use crate::archive::{Archive, GET, MR, Site, contexts, dcmqrscp, identifier, instances, large};

/// Both ways to store: rewritten, and as it came.
const MODES: [&[&str]; 2] = [&[], &["+B"]];

/// What C-GET gives of everything, by instance: nothing twice.
fn got(archive: &Archive) -> BTreeMap<String, Vec<u8>> {
    let mut peer = archive.peer();
    let got = peer.get(GET, uid::GET_STUDY, &identifier("STUDY", &[]), |_| 0);
    assert_eq!(got.last.status(), 0, "{:?}", got.last);
    assert!(peer.release());
    let mut objects = BTreeMap::new();
    for object in got.objects {
        assert!(objects.insert(object.instance.clone(), object.data).is_none(), "{} came twice", object.instance);
    }
    objects
}

/// Catalog, folder and what is retrieved agree; gives it.
fn agreed(archive: &Archive) -> BTreeMap<String, Vec<u8>> {
    let stored = archive.stored();
    assert_eq!(archive.found(), stored.keys().cloned().collect::<Vec<_>>(), "catalog and folder");
    assert!(got(archive) == stored, "what is retrieved is what is in the folder");
    assert_eq!(archive.strays(), [""; 0]);
    stored
}

// --- many at a time (DCMTK loses or crosses some) ------------------------------------------------------------------------------

#[test]
fn eight_senders_of_distinct_objects_lose_and_cross_none() {
    for mode in MODES {
        let archive = Archive::start(mode);
        let object = |sender: u64, n: u64| {
            // Some studies are of one sender, one is of all.
            let study = if n.is_multiple_of(2) { "1.9".to_owned() } else { format!("1.{sender}") };
            large(&format!("1.2.{sender}.{n}"), &study, 1000 + (n * 977) as usize % 30_000, sender * 100 + n)
        };
        thread::scope(|scope| {
            for sender in 0..8 {
                let archive = &archive;
                scope.spawn(move || {
                    let mut peer = archive.peer();
                    for n in 0..20 {
                        assert_eq!(peer.store(MR, &object(sender, n)), 0);
                    }
                    assert!(peer.release());
                });
            }
        });
        let there = agreed(&archive);
        assert_eq!(there.len(), 160, "{mode:?}");
        for sender in 0..8 {
            for n in 0..20 {
                let object = object(sender, n);
                assert!(there.get(&object.instance) == Some(&object.data), "{} {mode:?}", object.instance);
            }
        }
    }
}

#[test]
fn eight_senders_of_the_same_objects_leave_one_of_each() {
    const ROUNDS: u64 = 5;
    for mode in MODES {
        let archive = Archive::start(mode);
        let object = |sender: u64, n: u64, round: u64| {
            large(&format!("1.2.{n}"), &format!("1.{}", n % 2), 20_000, sender * 1000 + n * 10 + round)
        };
        thread::scope(|scope| {
            for sender in 0..8 {
                let archive = &archive;
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        // Each time from the first instance on, so that many meet at the same one.
                        let mut peer = archive.peer();
                        for n in 0..4 {
                            assert_eq!(peer.store(MR, &object(sender, n, round)), 0);
                        }
                        assert!(peer.release());
                    }
                });
            }
        });
        let there = agreed(&archive);
        assert_eq!(there.keys().collect::<Vec<_>>(), ["1.2.0", "1.2.1", "1.2.2", "1.2.3"], "{mode:?}");
        for n in 0..4 {
            // What a sender has stored before its last version cannot be what is left.
            let data = &there[&format!("1.2.{n}")];
            let last = (0..8).any(|sender| object(sender, n, ROUNDS - 1).data == *data);
            assert!(last, "1.2.{n} is nobody's last version, {mode:?}");
        }
    }
}

// --- kills ---------------------------------------------------------------------------------------------------------------------

/// A number that nobody can guess: where a kill hits cannot be repeated anyway.
fn random(below: u64) -> u64 {
    RandomState::new().hash_one(0) % below
}

/// The object of this instance, which says all about it: `1.2.3.<size>.<seed>`.
fn named(instance: &str) -> Object {
    let parts: Vec<u64> = instance.split('.').map(|part| part.parse().unwrap()).collect();
    large(instance, &format!("1.2.{}", parts[4] % 3), parts[3] as usize, parts[4])
}

fn version(number: u64) -> Object {
    large("1.2.3.9", "1.2.3", 60_000, number)
}

fn bytes_of(object: &Object) -> Vec<u8> {
    message(MR, &Command::store_of(1, object).to_bytes(), Some(&object.data), 16384)
}

/// What the senders know.
#[derive(Debug, Default)]
struct Known {
    /// Sent, at least in part.
    sent: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
    /// Versions of the object that is sent again and again: the last that was sent, the last that was acknowledged.
    versions: (u64, u64),
}

/// Sends objects until the archive is gone.
fn send_until_killed(port: u16, numbers: std::ops::Range<u64>, repeats: bool, known: &Mutex<Known>) {
    let Ok(mut peer) = Peer::connect_to(Ipv4Addr::LOCALHOST, port) else { return };
    let Answer::Accepted(_) = peer.associate(&contexts()) else { return };
    for number in numbers {
        let instance = format!("1.2.3.{}.{number}", 2 * (1 + random(50_000)));
        known.lock().unwrap().sent.insert(instance.clone());
        // Every other object takes its time, so that many kills hit one that is under way.
        for part in bytes_of(&named(&instance)).chunks(if number % 2 == 0 { 10_000 } else { usize::MAX }) {
            peer.offer(part);
            if number % 2 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        match peer.response().map(|response| response.status()) {
            Ok(status) => {
                assert_eq!(status, 0);
                known.lock().unwrap().acknowledged.insert(instance);
            }
            Err(_) => return,
        }
        if repeats && number % 3 == 0 {
            let number = {
                let mut known = known.lock().unwrap();
                known.versions.0 += 1;
                known.versions.0
            };
            match peer.try_store(MR, &version(number)) {
                Ok(status) => {
                    assert_eq!(status, 0);
                    known.lock().unwrap().versions.1 = number;
                }
                Err(_) => return,
            }
        }
    }
}

/// Kills an archive under load so many times. After each restart everything acknowledged is there and equal, everything else
/// is there whole or not at all, and nothing lies about.
fn kill_under_load(mode: &[&str], kills: u64) {
    let site = Site::with("RW (200, 1gb) ANY");
    let mut archive = Archive::of(&site, mode);
    let known = Mutex::new(Known::default());
    let mut equal: HashMap<String, std::time::SystemTime> = HashMap::new();
    for round in 0..kills {
        let port = archive.port;
        thread::scope(|scope| {
            let known = &known;
            for sender in 0..4 {
                let first = (round * 4 + sender) * 1000;
                scope.spawn(move || send_until_killed(port, first..first + 1000, sender == 0, known));
            }
            thread::sleep(Duration::from_millis(100 + random(400)));
            archive.tool().kill();
        });
        archive = archive.start_again();
        // What was acknowledged is found at once.
        let found = archive.found();
        let known = known.lock().unwrap();
        for instance in &known.acknowledged {
            assert!(found.binary_search(instance).is_ok(), "kill {round}: {instance} was acknowledged and is lost");
        }
        // An area that was still being taken over for the first time answers while that goes on.
        let catalog_agrees = within(LIMIT, || archive.found().len() == archive.names().len());
        assert!(catalog_agrees, "kill {round}: {:?} in the catalog, {:?}", archive.found(), archive.names());
        let found = archive.found();
        assert!(found.windows(2).all(|two| two[0] != two[1]), "kill {round}: an instance is there twice");
        let mut in_folder = Vec::new();
        for name in archive.names() {
            let path = archive.area().join(&name);
            let instance = Part10::open(&path).text(0x0003).unwrap();
            in_folder.push(instance.clone());
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            if equal.get(&name) == Some(&modified) {
                continue;
            }
            let data = Part10::data(&path);
            if instance == "1.2.3.9" {
                let (sent, kept) = known.versions;
                let whole = (kept..=sent).any(|number| data == version(number).data);
                assert!(whole, "kill {round}: the repeated object is none of the versions {kept} to {sent}");
                continue;
            }
            assert!(data == named(&instance).data, "kill {round}: {instance} is not what was sent");
            equal.insert(name, modified);
        }
        in_folder.sort();
        assert_eq!(in_folder, found, "kill {round}: folder and catalog");
        for instance in &found {
            assert!(instance == "1.2.3.9" || known.sent.contains(instance), "kill {round}: {instance} was never sent");
        }
        if known.versions.1 > 0 {
            assert!(found.binary_search(&"1.2.3.9".to_owned()).is_ok(), "kill {round}: the repeated object is lost");
        }
        assert_eq!(archive.strays(), [""; 0], "kill {round}");
    }
    let count = known.lock().unwrap().acknowledged.len() as u64;
    assert!(count >= kills, "only {count} objects were acknowledged between {kills} kills");
    let objects = got(&archive);
    assert!(objects.iter().all(|(name, data)| name == "1.2.3.9" || *data == named(name).data));
}

#[test]
fn acknowledged_objects_survive_six_kills() {
    kill_under_load(&[], 3);
    kill_under_load(&["+B"], 3);
}

#[test]
#[ignore = "takes minutes; PACS_TEST_KILLS says how many kills, a hundred of each kind if it is not set"]
fn acknowledged_objects_survive_two_hundred_kills() {
    let kills = env::var("PACS_TEST_KILLS").map_or(100, |number| number.parse().unwrap());
    kill_under_load(&[], kills);
    kill_under_load(&["+B"], kills);
}

#[test]
fn s50_a_repeat_that_breaks_off_leaves_the_first_whole() {
    let (first, second) = (version(1), version(2));
    let whole = bytes_of(&second);
    let command = message(MR, &Command::store_of(1, &second).to_bytes(), None, 16384);
    let pieces: Vec<_> = second.data.chunks(16_000).map(|piece| pdu(4, &pdv(MR, 0, piece))).collect();
    let unfinished = [vec![command.clone()], pieces].concat().concat();
    let ends: [(&str, &[u8], &[u8]); 6] = [
        ("hung up within the command", &whole[..100], &[]),
        ("hung up within the data", &whole[..25_000], &[]),
        ("hung up before the last byte", &whole[..whole.len() - 1], &[]),
        ("hung up before the last fragment", &unfinished, &[]),
        ("aborted before the data", &command, &ABORT),
        ("aborted before the last fragment", &unfinished, &ABORT),
    ];
    for mode in MODES {
        let archive = Archive::start(mode);
        assert_eq!(archive.peer().store(MR, &first), 0);
        for (case, begun, end) in ends {
            let mut peer = archive.peer();
            peer.send(begun);
            peer.offer(end);
            drop(peer);
            assert_eq!(archive.found(), ["1.2.3.9"], "{case} {mode:?}");
            let clean = within(LIMIT, || archive.names().len() == 1 && archive.strays().is_empty());
            assert!(clean, "{case} {mode:?}: {:?}", files(&archive.area()));
            assert!(archive.stored()["1.2.3.9"] == first.data, "{case} {mode:?}");
        }
    }
}

// --- no room -------------------------------------------------------------------------------------------------------------------

#[test]
fn a_file_size_limit_refuses_the_object_and_nothing_else() {
    for mode in MODES {
        // 2000 blocks are 1 MiB or 2 MiB, whichever shell this is; the catalog stays far below.
        let start = Start::new(dcmqrscp()).after("ulimit -f 2000");
        let archive = Archive::start_with(TempDir::new().unwrap(), &Site::usual(), start, mode);
        let mut peer = archive.peer();
        assert_eq!(peer.store(MR, &large("1.2.3.1", "1.2.3", 10_000, 1)), 0);
        for _ in 0..2 {
            assert_eq!(peer.try_store(MR, &large("1.2.3.1", "1.2.3", 3 << 20, 2)), Ok(0xA700), "{}", archive.log());
        }
        assert_eq!(peer.store(MR, &large("1.2.3.2", "1.2.3", 10_000, 3)), 0);
        assert_eq!(instances(&mut peer), ["1.2.3.1", "1.2.3.2"]);
        assert!(agreed(&archive)["1.2.3.1"] == large("1.2.3.1", "1.2.3", 10_000, 1).data);
        assert!(archive.log().contains("`ulimit -f`"), "{}", archive.log());
    }
}

#[test]
fn a_full_disk_refuses_objects_and_loses_none() {
    if run("unshare", &["-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"]).code != Some(0) {
        eprintln!("no mounting allowed here: a full disk is not looked at");
        return;
    }
    for mode in MODES {
        let base = TempDir::new().unwrap();
        let area = base.path().join("area");
        let script = "mount -t tmpfs -o size=2m none \"$area\" && exec \"$0\" \"$@\"";
        let start = Start::new("unshare").args(["-rm", "sh", "-c", script]).args([dcmqrscp()]);
        let start = start.variable("area", area.to_str().unwrap());
        let archive = Archive::start_with(base, &Site::usual(), start, mode);
        let inside = Path::new(&format!("/proc/{}/root", archive.pid())).join(area.strip_prefix("/").unwrap());
        let mut peer = archive.peer();
        let mut kept = Vec::new();
        let mut refused = 0;
        for n in 0..30 {
            let object = large(&format!("1.2.3.{n}"), "1.2.3", 100_000, n);
            match peer.try_store(MR, &object) {
                Ok(0) => kept.push(object.instance),
                Ok(0xA700) => refused += 1,
                other => panic!("{n}: {other:?}\n{}", archive.log()),
            }
        }
        assert!(kept.len() >= 5 && refused >= 5, "{mode:?}: {} kept, {refused} refused", kept.len());
        kept.sort();
        assert_eq!(instances(&mut peer), kept, "{mode:?}");
        let objects = files(&inside).into_iter().filter(|name| name.ends_with(".dcm")).count();
        assert_eq!(objects, kept.len(), "{mode:?}: {:?}", files(&inside));
        let got = peer.get(GET, uid::GET_STUDY, &identifier("STUDY", &[]), |_| 0);
        assert_eq!(got.objects.len(), kept.len());
        for object in got.objects {
            let n = object.instance.rsplit('.').next().unwrap().parse().unwrap();
            assert!(object.data == large(&object.instance, "1.2.3", 100_000, n).data, "{}", object.instance);
        }
        // Of the file, or of the catalog.
        let log = archive.log();
        assert!(log.contains("No space left on device") || log.contains("no room for the catalog"), "{log}");
    }
}

// --- links (S34) -----------------------------------------------------------------------------------------------------------------

#[test]
fn s34_links_in_the_area_lead_to_no_other_file() {
    // An empty file and none at all would do as a new catalog, if the link were followed.
    for content in [Some("precious"), Some(""), None] {
        for name in ["index.sqlite", "index.sqlite-wal", "index.owner", "index.dat"] {
            let base = TempDir::new().unwrap();
            let other = base.path().join("other");
            if let Some(content) = content {
                fs::write(&other, content).unwrap();
            }
            fs::create_dir(base.path().join("area")).unwrap();
            std::os::unix::fs::symlink(&other, base.path().join("area").join(name)).unwrap();
            let archive = Archive::in_folder(base, &Site::usual(), &[]);
            let case = format!("{name}, {content:?}");
            match archive.peer().try_store(MR, &large("1.1", "1", 5000, 1)) {
                Ok(0) => assert_eq!(instances(&mut archive.peer()), ["1.1"], "{case}"),
                // Who owns the folder cannot be written down, or what a catalog needs beside it.
                other => {
                    let refused = ["index.owner", "index.sqlite-wal"].contains(&name) && other.is_err();
                    assert!(refused, "{case}: {other:?}\n{}", archive.log());
                }
            }
            let left = fs::read_to_string(archive.base().join("other")).ok();
            assert_eq!(left.as_deref(), content, "{case}\n{}", archive.log());
        }
    }
}

#[test]
fn s34_a_link_in_place_of_the_area_gets_nothing() {
    for mode in MODES {
        let archive = Archive::start(mode);
        let (moved, elsewhere) = (archive.base().join("moved"), archive.base().join("elsewhere"));
        fs::create_dir(&elsewhere).unwrap();
        let mut peer = archive.peer();
        assert_eq!(peer.store(MR, &large("1.1", "1", 5000, 1)), 0);
        fs::rename(archive.area(), &moved).unwrap();
        std::os::unix::fs::symlink(&elsewhere, archive.area()).unwrap();
        let object = large("1.2", "1", 5000, 2);
        match peer.try_store(MR, &object) {
            Ok(0) => {
                let names = files(&moved).into_iter().filter(|name| name.ends_with(".dcm"));
                let stored: Vec<_> = names.map(|name| Part10::data(&moved.join(name))).collect();
                assert!(stored.len() == 2 && stored.contains(&object.data), "{mode:?}: what was acknowledged is lost");
            }
            other => assert_eq!(other, Ok(0xA700), "{mode:?}"),
        }
        assert_eq!(files(&elsewhere), [""; 0], "{mode:?}");
    }
}
