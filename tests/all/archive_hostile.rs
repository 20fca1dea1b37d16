//! Peers of the archive that break the rules, by malice or by mistake: each is answered or aborted, nobody else notices, and
//! nothing that is stored changes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use pacs_testing::{
    Answer, Command, LIMIT, Message, Next, Object, Peer, Request, Start, element, field, files, free_port, message,
    pdu, pdv, tag, uid, values, within,
};
use tempfile::TempDir;

use crate::archive::{
    Archive, CT, ECHO, FIND, GET, MOVE, MR, Site, ask, contexts, dcmqrscp, filled, identifier, image, instances,
    rejected, serves, settled, study,
};
use crate::receiver::ends;
use crate::sender::{Acceptor, moment};

// --- operations that are broken off (S28) ----------------------------------------------------------------------------------------

#[test]
fn s28_cancels_of_what_runs_what_has_ended_and_what_never_was() {
    let archive = Archive::start(&["-v"]);
    let mut peer = archive.peer();
    for n in 0..30 {
        assert_eq!(peer.store(MR, &image(&format!("1.2.3.{n}"), "1.2.3")), 0);
    }
    // Of a message that has ended: ignored.
    assert_eq!(ask(&mut peer, "STUDY", &[(0x0020, 0x000D, "UI", "")]).1, 0);
    peer.send_message(FIND, &Command::cancel(31), None);
    assert_eq!(peer.echo(ECHO), 0);
    archive.wait_log("late C-CANCEL-RQ, ignoring", LIMIT);
    // Of a get, between an object and its answer: no more objects.
    let id = peer.next_id();
    peer.send_message(GET, &Command::get(id, uid::GET_STUDY), Some(&study("1.2.3")));
    let (object, _) = peer.message().unwrap();
    peer.send_message(GET, &Command::cancel(id), None);
    peer.send_message(object.context, &Command::store_response(&object, 0), None);
    let rest = peer.retrieved(|_| 0);
    assert_eq!((rest.last.status(), rest.objects.len()), (0xFE00, 0));
    assert_eq!(rest.last.counters()[..2], [Some(29), Some(1)]);
    assert_eq!(peer.echo(ECHO), 0);
    // Of another message while one runs: aborted, as by DCMTK.
    let id = peer.next_id();
    peer.send_message(GET, &Command::get(id, uid::GET_STUDY), Some(&study("1.2.3")));
    assert_eq!(peer.message().unwrap().0.number(tag::COMMAND_FIELD), field::C_STORE_RQ);
    peer.send_message(GET, &Command::cancel(id + 77), None);
    let end = loop {
        match peer.message() {
            Ok(_) => {}
            Err(end) => break end,
        }
    };
    assert!(end.abort().is_some(), "{end:?}");
    serves(&archive);
}

#[test]
fn s28_a_mover_that_goes_frees_the_destination_at_once() {
    // A destination that takes its time for the second object.
    let destination = Acceptor::scripted(|called, seen| {
        called.accept_all();
        loop {
            match called.object() {
                Ok(stored) => {
                    seen.note(stored.clone());
                    if seen.stored().len() == 1 {
                        called.answer(&stored, 0);
                    }
                }
                Err(kind) => return kind,
            }
        }
    });
    let archive = filled(&Site::usual().destination("DEST", destination.port), &[]);
    for how in ["hang up", "abort", "cancel"] {
        let ended = destination.seen.ends().len();
        let mut peer = archive.peer();
        let id = peer.next_id();
        peer.send_message(MOVE, &Command::move_to(id, uid::MOVE_STUDY, "DEST"), Some(&study("1.2.3")));
        assert!(
            within(LIMIT, || destination.seen.stored().len() >= 2 + ended),
            "{how}: {:?}",
            destination.seen.instances()
        );
        let start = Instant::now();
        match how {
            "hang up" => peer.hang_up(),
            "abort" => peer.abort(),
            _ => peer.send_message(MOVE, &Command::cancel(id), None),
        }
        if how == "cancel" {
            // The object that is under way is waited for; nobody answers it here.
            continue;
        }
        destination.ended(ended + 1);
        assert!(start.elapsed() < Duration::from_secs(5), "{how}: {:?}", start.elapsed());
        serves(&archive);
    }
}

#[test]
fn s28_while_one_moves_slowly_others_are_served() {
    let destination = Acceptor::scripted(|called, seen| {
        called.accept_all();
        called.serve(seen, |_| {
            std::thread::sleep(Duration::from_millis(400));
            0
        })
    });
    let archive = filled(&Site::usual().destination("DEST", destination.port), &[]);
    let mut mover = archive.peer();
    mover.send_message(MOVE, &Command::move_to(1, uid::MOVE_STUDY, "DEST"), Some(&identifier("STUDY", &[])));
    assert!(within(LIMIT, || !destination.seen.stored().is_empty()));
    // DCMTK: not even an echo is answered until the move has ended.
    serves(&archive);
    assert_eq!(archive.found().len(), 4);
    assert!(destination.seen.ends().is_empty(), "the move is over already");
    assert_eq!(mover.retrieved(|_| 0).last.counters(), [None, Some(3), Some(0), Some(0)]);
}

// --- state and time (section F) ------------------------------------------------------------------------------------------------------

#[test]
fn s26_associations_leave_nothing_behind() {
    let archive = Archive::start(&[]);
    let once = |n: usize| {
        let mut peer = archive.peer();
        match n % 5 {
            0 => assert!(peer.release()),
            1 => peer.abort(),
            2 => {
                assert_eq!(instances(&mut peer), [""; 0]);
                peer.hang_up();
            }
            3 => peer.reset(ECHO),
            _ => drop(Peer::connect(archive.port)),
        }
    };
    (0..100).for_each(once);
    let before = settled(&archive);
    (0..400).for_each(once);
    let same = within(LIMIT, || {
        let now = archive.usage();
        now.threads <= before.threads && now.descriptors <= before.descriptors
    });
    assert!(same, "{before:?}, then {:?}", archive.usage());
    assert!(archive.usage().resident < before.resident + 4096, "{before:?}, then {:?}", archive.usage());
}

#[test]
fn s31_silent_peers_hold_nobody_up_and_are_ended() {
    let archive = Archive::start(&["-ta", "1"]);
    let start = Instant::now();
    let mut silent = Peer::connect(archive.port);
    let mut half = Peer::connect(archive.port);
    half.send(&contexts().to_bytes()[..50]);
    // DCMTK: nobody is served until they have asked or their time is over.
    serves(&archive);
    assert!(silent.closed() && half.closed());
    assert!(start.elapsed() >= Duration::from_millis(900));
    serves(&archive);
}

#[test]
fn s31_many_idle_associations_are_cheap() {
    let archive = Archive::of(&Site::usual().line("MaxAssociations = -1"), &[]);
    serves(&archive);
    let before = archive.usage();
    let idle: Vec<_> = (0..100).map(|_| archive.peer()).collect();
    let each = (archive.usage().resident.saturating_sub(before.resident)) / 100;
    assert!(each <= 64, "{each} KiB for each");
    serves(&archive);
    drop(idle);
    assert!(within(LIMIT, || archive.usage().threads <= before.threads));
}

#[test]
fn s32_beyond_the_maximum_is_rejected_for_now() {
    let mut site = Site::usual();
    site.lines = "MaxAssociations = 2\n".to_owned();
    let archive = Archive::of(&site, &[]);
    let (first, dead) = (archive.peer(), archive.peer());
    assert_eq!(rejected(&archive, &contexts()), [2, 3, 2]);
    drop(dead);
    // DCMTK: about a second later.
    assert!(within(LIMIT, || matches!(Peer::connect(archive.port).associate(&contexts()), Answer::Accepted(_))));
    assert!(first.release());
    serves(&archive);
}

#[test]
fn s33_a_peer_that_never_reads_its_answers_delays_nobody() {
    let archive = filled(&Site::usual(), &[]);
    let before = archive.usage();
    let mut deaf = archive.peer();
    deaf.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let all =
        identifier("IMAGE", &[(0x0008, 0x0018, "UI", ""), (0x0020, 0x000D, "UI", ""), (0x0020, 0x000E, "UI", "")]);
    let asks = message(FIND, &Command::find(1, uid::FIND_STUDY).to_bytes(), Some(&all), 16384).repeat(200);
    let asked = (0..500).take_while(|_| deaf.offer(&asks)).count();
    assert!(asked < 500, "everything was taken");
    let start = Instant::now();
    serves(&archive);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(archive.usage().resident < before.resident + 8192, "answers pile up");
    drop(deaf);
    assert!(within(LIMIT, || archive.usage().threads <= before.threads), "{:?}", archive.usage());
}

// --- objects (sections A, C, D, J) -----------------------------------------------------------------------------------------------------

#[test]
fn s01_instance_uids_become_no_paths() {
    let archive = Archive::start(&[]);
    let mut peer = archive.peer();
    let long = "1".repeat(4000);
    let uids =
        ["../x", "..", ".", "/abs/x", "a/b", "a\\b", "x\0y", "CON", "a:b", "x.", "1.2 ", &long, "%s%n", "'; DROP"];
    let mut kept = 0;
    for bad in uids {
        match peer.try_store(MR, &image(bad, "1.2.3")) {
            Ok(status) => {
                assert!(matches!(status, 0 | 0xA900 | 0xC000 | 0xA700), "{bad:?}: {status:04x}");
                kept += usize::from(status == 0);
            }
            Err(end) => {
                assert!(end.abort().is_some() && bad.len() > 64 || bad.contains('\0'), "{bad:?}: {end:?}");
                peer = archive.peer();
            }
        }
    }
    assert!(kept >= 8, "{kept}");
    assert_eq!(archive.names().len(), kept, "none took another's place");
    assert_eq!(files(archive.base()), ["area", "dcmqrscp.cfg"]);
    assert_eq!(archive.strays(), [""; 0]);
    for name in archive.names() {
        assert!(name.starts_with("MR_") && name.len() == "MR_0123456789abcdef.dcm".len(), "{name}");
    }
    assert_eq!(peer.echo(ECHO), 0);
}

#[test]
fn s05_a_data_set_of_another_instance_is_refused() {
    for mode in [&[][..], &["+B"]] {
        let archive = Archive::start(mode);
        let mut peer = archive.peer();
        let object = Object { instance: "1.2.3.2".to_owned(), ..image("1.2.3.1", "1.2.3") };
        assert_eq!(peer.store(MR, &object), 0xA900);
        let object = Object { sop_class: uid::CT.to_owned(), ..image("1.2.3.1", "1.2.3") };
        assert_eq!(peer.store(CT, &object), 0xA900);
        assert_eq!(instances(&mut peer), [""; 0]);
        assert_eq!((archive.names(), archive.strays()), (Vec::new(), Vec::new()));
    }
}

#[test]
fn s16_objects_of_next_to_nothing() {
    // DCMTK: what is not a single element is not written.
    for (mode, status) in [(&[][..], 0xA700), (&["+B"], 0xC000)] {
        let archive = Archive::start(mode);
        for data in [&b""[..], b"\x08"] {
            let outcome = archive.peer().try_store(MR, &image("1.2.3.1", "1.2.3").with_data(data.to_vec()));
            assert_eq!(outcome, Ok(status), "{mode:?}, {} bytes", data.len());
        }
        assert_eq!(archive.found(), [""; 0]);
        assert_eq!((archive.names(), archive.strays()), (Vec::new(), Vec::new()));
    }
}

#[test]
fn s10_a_pdu_of_four_gibibytes_is_refused_by_its_header() {
    let archive = Archive::start(&[]);
    serves(&archive);
    let before = archive.usage();
    for kind in 1..=7 {
        let header = [&[kind, 0][..], &0xFFFF_FFF0_u32.to_be_bytes()].concat();
        for mut peer in [Peer::connect(archive.port), archive.peer()] {
            peer.send(&header);
            ends(&mut peer, &format!("type {kind}"));
        }
    }
    assert!(archive.usage().resident < before.resident + 2048, "{before:?}, then {:?}", archive.usage());
}

#[test]
fn s51_a_query_in_pieces_is_a_query() {
    let archive = filled(&Site::usual(), &[]);
    let mut peer = archive.peer();
    let (command, data) =
        (Command::find(1, uid::FIND_STUDY).to_bytes(), identifier("STUDY", &[(0x0020, 0x000D, "UI", "")]));
    let pieces = |bytes: &[u8], kind: u8| {
        let mut parts: Vec<_> = bytes.chunks(1).map(|byte| pdv(FIND, kind, byte)).collect();
        parts.push(pdv(FIND, kind | 2, &[]));
        parts.concat()
    };
    for body in [
        vec![pdu(4, &[pieces(&command, 1), pieces(&data, 0)].concat())],
        vec![pdu(4, &pieces(&command, 1)), pdu(4, &pieces(&data, 0))],
        vec![pdu(
            4,
            &[pdv(FIND, 3, &command), pdv(FIND, 0, &data[..7]), pdv(FIND, 0, &data[7..9]), pdv(FIND, 2, &data[9..])]
                .concat(),
        )],
    ] {
        peer.send(&body.concat());
        let (found, last) = peer.found().unwrap();
        assert_eq!((found.len(), last.status()), (2, 0));
    }
}

#[test]
fn s47_s46_files_are_no_programs_and_have_the_operators_mode() {
    for (umask, mode) in [("077", 0o600), ("022", 0o644)] {
        let start = Start::new(dcmqrscp()).after(&format!("umask {umask}"));
        let archive = Archive::start_with(TempDir::new().unwrap(), &Site::usual(), start, &["+B"]);
        assert_eq!(archive.peer().store(MR, &image("1.2.3.1", "1.2.3")), 0);
        for name in files(&archive.area()) {
            let path = archive.area().join(&name);
            let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert!(found == mode || (!name.ends_with(".dcm") && found & !mode == 0), "{name}: {found:o}");
        }
        let path = archive.area().join(&archive.names()[0]);
        assert_eq!(&fs::read(path).unwrap()[..128], [0; 128]);
    }
}

#[test]
fn s48_s49_the_log_is_one_line_and_names_no_patient() {
    let archive = Archive::start(&[]);
    let mut peer = archive.peer();
    let secret = [("1.2.3.1", "1.2.3"), ("1.2.3.1", "1.2.3"), ("1.2.4.1", "1.2.4")];
    for (instance, study) in secret {
        assert_eq!(peer.store(MR, &image(instance, study)), 0);
    }
    ask(&mut peer, "STUDY", &[(0x0010, 0x0010, "PN", "Doe*"), (0x0020, 0x000D, "UI", "")]);
    peer.move_to(MOVE, uid::MOVE_STUDY, "NOBODY", &study("1.2.3"));
    peer.find(FIND, uid::FIND_STUDY, &identifier("FOO", &[(0x0010, 0x0010, "PN", "Doe^Jane")]));
    let log = archive.log();
    assert!(!log.is_empty() && !log.contains("Doe") && !log.contains("P1"), "{log}");

    let archive = Archive::start(&["-d"]);
    let evil = contexts().from("\u{1b}[31m\nF: evil");
    let mut peer = Peer::associated(archive.port, &evil);
    let (_, status) =
        ask(&mut peer, "STUDY", &[(0x0010, 0x0010, "PN", "\u{1b}[2J\nF: fake"), (0x0020, 0x000D, "UI", "")]);
    assert_eq!(status, 0);
    peer.move_to(MOVE, uid::MOVE_STUDY, "X\nF: fake", &identifier("STUDY", &[]));
    let unknown = identifier("A\n\u{1b}F:", &[]);
    peer.find(FIND, uid::FIND_STUDY, &unknown);
    let log = archive.log();
    assert!(!log.contains('\u{1b}'), "{log}");
    assert!(!log.lines().any(|line| line.starts_with("F: ")), "{log}");
}

#[test]
fn a_destination_that_is_not_there_fails_the_move_and_nothing_else() {
    let archive = filled(&Site::usual().destination("GONE", free_port()), &[]);
    let mut peer = archive.peer();
    let moved = peer.move_to(MOVE, uid::MOVE_STUDY, "GONE", &study("1.2.3"));
    assert_eq!((moved.last.status(), moved.last.counters()), (0xA702, [None, Some(0), Some(2), Some(0)]));
    assert_eq!(values(&moved.failed)[&(0x0008, 0x0058)], "1.2.3.1\\1.2.3.2");
    assert_eq!(peer.echo(ECHO), 0);
    moment();
    assert_eq!(peer.receive_nothing(), Next::Silent);
}

/// A peer that is sent nothing more.
trait Quiet {
    fn receive_nothing(&mut self) -> Next;
}

impl Quiet for Peer {
    fn receive_nothing(&mut self) -> Next {
        self.limit = Duration::from_millis(100);
        self.receive()
    }
}

#[test]
fn a_message_helper_sees_what_comes() {
    // The helpers that the cases above rely on: a command without data is told from one with.
    let archive = filled(&Site::usual(), &[]);
    let mut peer = archive.peer();
    peer.send_message(FIND, &Command::find(9, uid::FIND_STUDY), Some(&study("1.2.3")));
    let (first, data): (Message, _) = peer.message().unwrap();
    assert!(first.has_data() && values(&data)[&(0x0020, 0x000D)] == "1.2.3");
    assert_eq!(first.number(tag::MESSAGE_ID_BEING_RESPONDED_TO), 9);
    let (last, data) = peer.message().unwrap();
    assert!(!last.has_data() && data.is_empty());
}

// --- pixel data that no decoder would survive (S36) ----------------------------------------------------------------------------------

#[test]
fn s36_pixel_data_is_carried_and_never_decoded() {
    // Each image says that it is 65535 x 65535 pixels large.
    let mad = |instance: &str, pixels: &[Vec<u8>]| {
        let mut object = image(instance, "1.2.3");
        let short = |number, value: u16| element(0x0028, number, "US", &value.to_le_bytes());
        object.data.extend([short(0x0010, 0xFFFF), short(0x0011, 0xFFFF), short(0x0100, 16)].concat());
        object.data.extend(pixels.concat());
        object
    };
    let fragments = |items: &[&[u8]]| {
        let mut bytes = [&[0xE0, 0x7F, 0x10, 0x00][..], b"OB", &[0, 0, 0xFF, 0xFF, 0xFF, 0xFF]].concat();
        for item in items {
            bytes.extend([&[0xFE, 0xFF, 0x00, 0xE0][..], &(item.len() as u32).to_le_bytes(), item].concat());
        }
        bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        bytes
    };
    // A palette of no entries that is said to have 65536, and indices beyond it.
    let palette = [element(0x0028, 0x1101, "US", &[0; 6]), element(0x0028, 0x1201, "OW", &[])].concat();
    let native = [palette, element(0x7FE0, 0x0010, "OW", &[0xFF; 64])];
    // RLE segments that begin outside the frame, and an offset table that points nowhere.
    let rle = fragments(&[&[0xFF; 8], &[0xFF; 64], &[]]);
    // A JPEG that says 65535 x 65535 and ends in the middle of a table.
    let jpeg =
        fragments(&[&[], &[0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, 0xFF, 0xFF, 0xFF, 0xFF, 3, 0xFF, 0xC4, 0xFF, 0xFF]]);
    for (option, syntax, object) in [
        ("+xe", uid::EXPLICIT, &mad("1.1", &native)),
        ("+xr", uid::RLE, &mad("1.2", &[rle])),
        ("+xy", uid::JPEG_BASELINE, &mad("1.3", &[jpeg])),
    ] {
        let archive = Archive::start(&[option]);
        let request = || {
            let contexts = [(MR, uid::MR, &[syntax][..]), (GET, uid::GET_STUDY, &[uid::EXPLICIT])];
            Request::new(&contexts).to("ARCH").role(uid::MR, true, true)
        };
        let mut peer = Peer::associated(archive.port, &request());
        let stored = peer.try_store(MR, object);
        assert!(matches!(stored, Ok(0)), "{syntax}: {stored:?}\n{}", archive.log());
        let one = [(0x0008, 0x0018, "UI", object.instance.as_str()), (0x0020, 0x000D, "UI", "1.2.3")];
        let one = [&one[..], &[(0x0020, 0x000E, "UI", "1.2.3.1")]].concat();
        let got = peer.get(GET, uid::GET_STUDY, &identifier("IMAGE", &one), |_| 0);
        assert_eq!(got.last.status(), 0, "{syntax}\n{}", archive.log());
        let [came] = &got.objects[..] else { panic!("{syntax}: {} objects", got.objects.len()) };
        assert!(came.data == object.data, "{syntax}: other bytes came back");
        assert!(peer.release());
        assert_eq!(instances(&mut archive.peer()), [object.instance.as_str()]);
        assert!(archive.usage().peak < 64 << 10, "{:?}", archive.usage());
    }
}

// --- another user (S45) ------------------------------------------------------------------------------------------------------------

#[test]
fn s45_a_user_or_group_that_cannot_be_had_is_the_end() {
    for (line, said) in
        [("UserName = no-such-user-here", "F: bad user name"), ("GroupName = no-such-group-here", "F: bad group name")]
    {
        let base = TempDir::new().unwrap();
        Site::usual().line(line).write(base.path());
        let port = free_port().to_string();
        let finished = Start::new(dcmqrscp()).args(["-c", "dcmqrscp.cfg", &port]).folder(&base).run();
        assert_eq!(finished.code, Some(10), "{line}: {}", finished.err);
        assert!(finished.err.contains(said), "{line}: {}", finished.err);
    }
}
