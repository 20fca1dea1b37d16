//! Objects that are sorted into studies: their folders, and when a study ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use pacs_testing::{Command, LIMIT, Object, Peer, element, files, message, uid, within};

use crate::receiver::Receiver;

/// An object of a study and a patient, given as they are encoded.
pub(crate) fn object_of(instance: &str, study: &[u8], patient: &[u8]) -> Object {
    let data = [
        element(0x0008, 0x0016, "UI", uid::MR.as_bytes()),
        element(0x0008, 0x0018, "UI", instance.as_bytes()),
        element(0x0010, 0x0010, "PN", patient),
        element(0x0020, 0x000D, "UI", study),
    ];
    Object::tiny(instance).with_data(data.concat())
}

fn of_study(instance: &str, study: &str) -> Object {
    object_of(instance, study.as_bytes(), b"Doe^Jane")
}

/// Everything below a folder, as paths from there.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for name in files(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            found.extend(tree(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

/// The lines that commands have written so far.
fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Waits until there are so many lines, and a moment longer for one too many.
fn wait_lines(path: &Path, count: usize) -> Vec<String> {
    assert!(within(LIMIT, || lines(path).len() >= count), "{:?}", lines(path));
    thread::sleep(Duration::from_millis(300));
    lines(path)
}

// --- folders -------------------------------------------------------------------------------------------------------

#[test]
fn each_study_has_its_folder() {
    let receiver = Receiver::start(&["-su", "ST", "-v"]);
    let mut peer = Peer::usual(receiver.port);
    for (instance, study) in [("1.1", "9.1"), ("1.2", "9.2"), ("1.3", "9.1")] {
        assert_eq!(peer.store(1, &of_study(instance, study)), 0);
    }
    assert_eq!(tree(&receiver.out()), ["ST_9.1/MR.1.1", "ST_9.1/MR.1.3", "ST_9.2/MR.1.2"]);
    let log = receiver.log();
    let out = receiver.out();
    for line in [
        format!("I: created new subdirectory for study: {}/ST_9.1\n", out.display()),
        format!("I: storing DICOM file: {}/ST_9.1/MR.1.1\n", out.display()),
        format!("I: created new subdirectory for study: {}/ST_9.2\n", out.display()),
        format!("I: using existing subdirectory for study: {}/ST_9.1\n", out.display()),
    ] {
        assert_eq!(log.matches(&line).count(), 1, "{line}{log}");
    }
}

#[test]
fn an_object_without_a_study_is_refused_where_studies_are_told_apart() {
    for sorting in [&["-su", "S"][..], &["-ss", "S"], &["-sp"]] {
        let receiver = Receiver::start(sorting);
        let mut peer = Peer::usual(receiver.port);
        assert_eq!(peer.store(1, &of_study("1.1", "")), 0xC000);
        assert_eq!(tree(&receiver.out()), [""; 0]);
        let log = receiver.wait_log("E: element StudyInstanceUID (0020,000d) absent or empty in data set\n", LIMIT);
        assert!(log.contains("PEER"), "{log}");
        assert_eq!(peer.store(1, &of_study("1.1", "9.1")), 0, "the association goes on");
    }
    let receiver = Receiver::start(&["-su", "S", "--ignore"]);
    assert_eq!(Peer::usual(receiver.port).store(1, &of_study("1.1", "")), 0);
}

#[test]
fn a_study_is_known_by_what_is_written() {
    // DCMTK: reads the hexadecimal digits of the first byte of a UN, and keeps blanks of a text.
    let receiver = Receiver::start(&["-su", "S"]);
    let mut peer = Peer::usual(receiver.port);
    for (n, (vr, study)) in [("UN", "1.2.4"), ("LO", "1.2 5"), ("UI", " 1.2 6 "), ("SH", "1.7\\1.8")].iter().enumerate()
    {
        let mut object = of_study(&format!("1.{n}"), "");
        object.data.truncate(object.data.len() - 8);
        object.data.extend(element(0x0020, 0x000D, vr, study.as_bytes()));
        assert_eq!(peer.store(1, &object), 0, "{vr} {study}");
    }
    assert_eq!(tree(&receiver.out()), ["S_1.2.4/MR.1.0", "S_1.26/MR.1.2", "S_1.2_5/MR.1.1", "S_1.7/MR.1.3"]);
}

#[test]
fn a_prefix_may_lead_into_a_folder_that_is_there() {
    let receiver = Receiver::start(&["-su", "sub/P"]);
    let mut peer = Peer::usual(receiver.port);
    assert_eq!(peer.store(1, &of_study("1.1", "9.1")), 0xC000);
    receiver.wait_log("E: could not create subdirectory for study: ", LIMIT);
    fs::create_dir(receiver.out().join("sub")).unwrap();
    assert_eq!(peer.store(1, &of_study("1.1", "9.1")), 0);
    assert_eq!(tree(&receiver.out()), ["sub/P_9.1/MR.1.1"]);
}

#[test]
fn a_patients_name_that_is_too_long_is_cut() {
    // DCMTK: refuses the object.
    let receiver = Receiver::start(&["-sp"]);
    let object = object_of("1.1", b"9.1", &[b'x'; 500]);
    assert_eq!(Peer::usual(receiver.port).store(1, &object), 0);
    let names = receiver.stored();
    assert!(names.len() == 1 && names[0].len() == 255 && names[0].starts_with("xxx"), "{names:?}");
}

#[test]
fn associations_side_by_side_do_not_tear_a_study_apart() {
    for sorting in [&["-ss", "S"][..], &["-sp"]] {
        let receiver = Receiver::start(sorting);
        let (mut a, mut b) = (Peer::usual(receiver.port), Peer::usual(receiver.port));
        for n in 0..5 {
            assert_eq!(a.store(1, &of_study(&format!("1.{n}"), "9.1")), 0);
            assert_eq!(b.store(1, &of_study(&format!("2.{n}"), "9.2")), 0);
        }
        let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in tree(&receiver.out()) {
            let (folder, name) = path.split_once('/').unwrap();
            folders.entry(folder.to_owned()).or_default().push(name.to_owned());
        }
        let contents: BTreeSet<_> = folders.into_values().collect();
        let of = |k: u32| (0..5).map(|n| format!("MR.{k}.{n}")).collect::<Vec<_>>();
        assert_eq!(contents, BTreeSet::from([of(1), of(2)]), "{sorting:?}");
    }
}

// --- names from the network (S02) ------------------------------------------------------------------------------------

/// What nobody should send as a Study Instance UID or a name.
fn bad_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "../x",
        "..",
        ".",
        "/abs/x",
        "a/b",
        "a\\b",
        "x\0y",
        "CON",
        "a:b",
        "1.2.3.",
        "1.2.3 ",
        "\u{7f}",
        "a\nb",
        "~",
        "-v",
        "x;id",
        "$(id)",
        "..\\..",
        "\\..",
        " ..",
        ".. ",
        "../../../../tmp/x",
        ".pacs-0123456789abcdef.part",
    ]
    .map(|name| name.as_bytes().to_vec())
    .into();
    names.extend([64, 65, 4000].map(|length| vec![b'1'; length]));
    names.push(b"../".repeat(20));
    names.push(vec![0xFF, b'/', 0xE4]);
    names
}

#[test]
fn s02_no_name_leads_out_of_the_folder() {
    for sorting in [&["-su", ""][..], &["-su", "S"], &["-sp"], &["-ss", ""]] {
        let receiver = Receiver::start(sorting);
        let mut peer = Peer::usual(receiver.port);
        for (n, name) in bad_names().iter().enumerate() {
            // Twice, for DCMTK looks only at the first object of a study.
            for again in 0..2 {
                let object = object_of(&format!("1.{n}.{again}"), name, name);
                let before = tree(&receiver.out()).len();
                let status = peer.store(1, &object);
                let kept = tree(&receiver.out()).len() - before;
                assert_eq!(kept, usize::from(status == 0), "{sorting:?} {:?}", name.escape_ascii().to_string());
                assert!(status == 0 || status == 0xC000, "{status:04x}");
            }
            assert_eq!(files(receiver.base()), ["out"], "{:?}", name.escape_ascii().to_string());
            for entry in fs::read_dir(receiver.out()).unwrap().map(Result::unwrap) {
                let name = entry.file_name().into_string().unwrap();
                assert!(entry.file_type().unwrap().is_dir(), "{sorting:?}: {name}");
                assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:@_".contains(&b)), "{name:?}");
                assert!(!name.starts_with('-'), "{name}");
            }
        }
    }
}

#[test]
fn s02_the_parent_is_refused_however_often() {
    let receiver = Receiver::start(&["-su", ""]);
    let mut peer = Peer::usual(receiver.port);
    assert_eq!(peer.store(1, &of_study("1.1", "9.1")), 0);
    for name in ["..", ".", ".."] {
        for _ in 0..3 {
            assert_eq!(peer.store(1, &of_study("1.2", name)), 0xC000);
        }
        receiver.wait_log(&format!("E: Refusing to use subdirectory name \"{name}\"\n"), LIMIT);
    }
    assert_eq!(tree(receiver.base()), ["out/9.1/MR.1.1"]);
}

#[test]
fn s02_two_bad_names_do_not_overwrite_each_other() {
    let receiver = Receiver::start(&["-su", "S"]);
    let mut peer = Peer::usual(receiver.port);
    for (n, study) in ["1/2", "1;2", "1_2"].iter().enumerate() {
        assert_eq!(peer.store(1, &of_study(&format!("1.{n}"), study)), 0);
    }
    assert_eq!(tree(&receiver.out()).len(), 3);
    let warning = "W: Sanitized unusual characters in Study Instance UID, converted from \"1/2\" to \"1_2\".";
    receiver.wait_log(warning, LIMIT);
}

// --- the end of a study ----------------------------------------------------------------------------------------------

/// A command that writes one line for each study: its folder's name, how many files are in it, who sent it.
fn announcing(events: &Path) -> String {
    format!("echo $(basename #p) $(ls #p | wc -l) #a >> '{}'", events.display())
}

#[test]
fn s35_many_associations_store_into_the_same_studies() {
    const STUDIES: usize = 8;
    const EACH: usize = 8;
    const OBJECTS: usize = 5;
    let events = tempfile::tempdir().unwrap();
    let events = events.path().join("events");
    let receiver = Receiver::start(&["-su", "S", "-rns", "-tos", "2", "-xcs", &announcing(&events)]);
    let port = receiver.port;
    let all_are_at_it = Barrier::new(STUDIES * EACH);
    thread::scope(|scope| {
        for sender in 0..STUDIES * EACH {
            let all_are_at_it = &all_are_at_it;
            scope.spawn(move || {
                let mut peer = Peer::usual(port).patient_for(Duration::from_secs(60));
                for n in 0..OBJECTS {
                    let object = of_study(&format!("1.{sender}.{n}"), &format!("9.{}", sender % STUDIES));
                    assert_eq!(peer.store(1, &object), 0);
                    if n == 0 {
                        all_are_at_it.wait();
                    }
                }
                assert!(peer.release());
            });
        }
    });
    let mut announced = wait_lines(&events, STUDIES);
    announced.sort();
    let expected: Vec<_> = (0..STUDIES).map(|n| format!("S_9.{n} {} PEER", EACH * OBJECTS)).collect();
    assert_eq!(announced, expected, "each study once, when it is complete");
    for n in 0..STUDIES {
        let expected: Vec<_> = (1..=EACH * OBJECTS).map(|number| format!("MR{number:06}")).collect();
        assert_eq!(files(&receiver.out().join(format!("S_9.{n}"))), expected);
    }
}

#[test]
fn a_study_ends_when_another_begins_and_nobody_is_at_it() {
    let events = tempfile::tempdir().unwrap();
    let events = events.path().join("events");
    let receiver = Receiver::start(&["-v", "-su", "S", "-xcs", &announcing(&events)]);
    let (mut a, mut b) = (Peer::usual(receiver.port), Peer::usual(receiver.port));
    assert_eq!(a.store(1, &of_study("1.1", "9.1")), 0);
    assert_eq!(b.store(1, &of_study("2.1", "9.2")), 0);
    assert_eq!(a.store(1, &of_study("1.2", "9.1")), 0);
    // An object of study 9.1 is on its way when the last that was at it has left.
    let object = of_study("1.3", "9.1");
    let mut late = Peer::usual(receiver.port);
    let bytes = message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), late.max_length());
    late.send(&bytes[..bytes.len() - 10]);
    receiver.wait_log_times("I: Received Store Request", 4, LIMIT);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(b.store(1, &of_study("2.2", "9.2")), 0);
    assert!(a.release());
    assert_eq!(b.store(1, &of_study("2.3", "9.2")), 0);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(lines(&events), [""; 0]);
    late.send(&bytes[bytes.len() - 10..]);
    assert_eq!(late.response().unwrap().status(), 0);
    assert!(late.release());
    assert_eq!(b.store(1, &of_study("2.4", "9.2")), 0);
    assert_eq!(wait_lines(&events, 1), ["S_9.1 3 PEER"]);
    assert!(b.release());
    assert_eq!(wait_lines(&events, 1).len(), 1, "the last study waits for another");
}

/// A peer that has begun to send an object, and the rest of it: all but the command and so much of the data set.
fn begin(receiver: &Receiver, object: &Object, data: usize) -> (Peer, Vec<u8>) {
    let mut peer = Peer::usual(receiver.port);
    let command = Command::store_of(1, object).to_bytes();
    let whole = message(1, &command, Some(&object.data), peer.max_length());
    let rest = whole.len() - object.data.len() + data;
    peer.send(&whole[..rest]);
    thread::sleep(Duration::from_millis(200));
    (peer, whole[rest..].to_vec())
}

#[test]
fn a_transfer_that_has_told_another_study_delays_no_end() {
    let events = tempfile::tempdir().unwrap();
    let events = events.path().join("events");
    let receiver = Receiver::start(&["-su", "S", "-xcs", &announcing(&events)]);
    let mut a = Peer::usual(receiver.port);
    assert_eq!(a.store(1, &of_study("1.1", "9.1")), 0);
    assert!(a.release());
    // A long object of study 9.3 is on its way; what it is of has come.
    let object = of_study("3.1", "9.3");
    let object = Object { data: [object.data, element(0x7FE0, 0x0010, "OW", &[0; 4000])].concat(), ..object };
    let (mut slow, rest) = begin(&receiver, &object, object.data.len() - 3000);
    // Another is at its beginning, and may be of any.
    let (mut late, rest_of_late) = begin(&receiver, &of_study("3.2", "9.3"), 20);
    let mut b = Peer::usual(receiver.port);
    assert_eq!(b.store(1, &of_study("2.1", "9.2")), 0);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(lines(&events), [""; 0]);
    let (now, later) = rest_of_late.split_at(rest_of_late.len() - 2);
    late.send(now);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(lines(&events), [""; 0], "its study has not come whole");
    late.send(later);
    assert_eq!(late.response().unwrap().status(), 0);
    assert_eq!(wait_lines(&events, 1), ["S_9.1 1 PEER"]);
    slow.send(&rest);
    assert_eq!(slow.response().unwrap().status(), 0);
    assert!(slow.release() && late.release() && b.release());
}

#[test]
fn a_study_stays_open_while_an_object_of_it_comes_that_began_after_all_had_left() {
    let events = tempfile::tempdir().unwrap();
    let events = events.path().join("events");
    for sorting in ["-su", "-ss"] {
        let receiver = Receiver::start(&[sorting, "S", "-xcs", &format!("ls #p | wc -l >> '{}'", events.display())]);
        let mut a = Peer::usual(receiver.port);
        assert_eq!(a.store(1, &of_study("1.1", "9.1")), 0);
        assert!(a.release());
        let (mut unknown, rest) = begin(&receiver, &of_study("2.2", "9.2"), 0);
        let mut b = Peer::usual(receiver.port);
        assert_eq!(b.store(1, &of_study("2.1", "9.2")), 0);
        // Study 9.1 has been left. What may be of it keeps it open, until this tells that it is.
        let object = of_study("1.2", "9.1");
        let object = Object { data: [object.data, element(0x7FE0, 0x0010, "OW", &[0; 4000])].concat(), ..object };
        let (mut more, rest_of_more) = begin(&receiver, &object, object.data.len() - 3000);
        unknown.send(&rest);
        assert_eq!(unknown.response().unwrap().status(), 0);
        thread::sleep(Duration::from_millis(300));
        assert_eq!(lines(&events), [""; 0], "an object of study 9.1 is on its way");
        more.send(&rest_of_more);
        assert_eq!(more.response().unwrap().status(), 0);
        assert!(more.release());
        assert!(unknown.release());
        assert_eq!(b.store(1, &of_study("2.3", "9.2")), 0);
        let announced: Vec<_> = wait_lines(&events, 1).iter().map(|line| line.trim().to_owned()).collect();
        assert_eq!(announced, ["2"], "{sorting}: once, and complete");
        assert!(b.release());
        fs::remove_file(&events).unwrap();
    }
}

#[test]
fn silence_ends_a_study_within_an_association_and_between_them() {
    let events = tempfile::tempdir().unwrap();
    let events = events.path().join("events");
    let receiver = Receiver::start(&["-su", "S", "-tos", "1", "-xcs", &announcing(&events)]);
    let mut peer = Peer::usual(receiver.port);
    assert_eq!(peer.store(1, &of_study("1.1", "9.1")), 0);
    for _ in 0..4 {
        thread::sleep(Duration::from_millis(500));
        assert_eq!(peer.echo(5), 0, "this is no silence");
    }
    assert_eq!(lines(&events), [""; 0]);
    assert_eq!(wait_lines(&events, 1), ["S_9.1 1 PEER"]);
    // While an object comes there is none either, however slowly it comes.
    let object = of_study("1.2", "9.1");
    let bytes = message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), peer.max_length());
    assert_eq!(peer.store(1, &of_study("1.3", "9.1")), 0);
    peer.send(&bytes[..bytes.len() - 10]);
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(lines(&events).len(), 1);
    peer.send(&bytes[bytes.len() - 10..]);
    assert_eq!(peer.response().unwrap().status(), 0);
    assert!(peer.release());
    assert_eq!(wait_lines(&events, 2), ["S_9.1 1 PEER", "S_9.1 3 PEER"]);
}

#[test]
fn waiting_for_the_end_of_a_study_costs_nothing() {
    // DCMTK: spins with 0.
    for seconds in ["0", "3"] {
        let receiver = Receiver::start(&["-su", "S", "-tos", seconds, "-rns"]);
        let mut peer = Peer::usual(receiver.port);
        assert_eq!(peer.store(1, &of_study("1.1", "9.1")), 0);
        thread::sleep(Duration::from_millis(200));
        let before = woken(receiver.pid());
        thread::sleep(Duration::from_millis(1500));
        let times = woken(receiver.pid()) - before;
        assert!(times <= 3, "-tos {seconds}: woken {times} times");
    }
}

/// How often the threads of a process have gone to sleep.
fn woken(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let times = tasks.map(|task| {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or_default()
    });
    times.sum()
}

#[test]
fn a_study_completed_twice_keeps_what_it_had() {
    // DCMTK: the second time overwrites the files of the first.
    let receiver = Receiver::start(&["-su", "S", "-rns"]);
    let first = Object::with_pixels("1.1", 100, 1);
    let second = Object::with_pixels("1.1", 100, 2);
    let mut peer = Peer::usual(receiver.port);
    for object in [&first, &of_study("2.1", "9.9"), &second, &of_study("2.2", "9.9")] {
        assert_eq!(peer.store(1, object), 0);
    }
    assert!(within(LIMIT, || tree(&receiver.out()).iter().all(|path| !path.starts_with("S_1.2.3/MR."))));
    assert_eq!(tree(&receiver.out()), ["S_1.2.3/MR000001", "S_1.2.3/MR000002", "S_9.9/MR.2.2", "S_9.9/MR000001"]);
    assert_eq!(receiver.data("S_1.2.3/MR000001"), first.data);
    assert_eq!(receiver.data("S_1.2.3/MR000002"), second.data);
    assert_eq!(receiver.log(), "");
}

#[test]
fn the_titles_are_those_of_who_sent_the_study() {
    // DCMTK: those of whoever ended it.
    let events = tempfile::tempdir().unwrap();
    let events = events.path().join("events");
    let receiver = Receiver::start(&["-su", "S", "-xcs", &announcing(&events)]);
    for (title, study) in [("ONE", "9.1"), ("TWO", "9.1"), ("THREE", "9.2")] {
        let mut request = pacs_testing::Request::usual();
        request.calling = title.into();
        let mut peer = Peer::associated(receiver.port, &request);
        assert_eq!(peer.store(1, &of_study(&format!("1.{title}").replace(char::is_alphabetic, "1"), study)), 0);
        assert!(peer.release());
    }
    let announced = wait_lines(&events, 1);
    assert!(announced.len() == 1 && announced[0].ends_with(" TWO"), "{announced:?}");
}
