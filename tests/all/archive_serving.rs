//! The archive's services from end to end, its restart, its signals.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use pacs_testing::{Answer, Command, LIMIT, Next, Peer, Start, message, tag, uid, within};
use tempfile::TempDir;

use crate::archive::{
    Archive, ECHO, FIND, FIND_PATIENT, GET, MOVE, MR, Site, ask, contexts, dcmqrscp, identifier, image, instances,
    large, serves, settled, study,
};
use crate::sender::Acceptor;

const SECOND: Duration = Duration::from_secs(1);

/// A store message that stops within its data set, and its rest.
fn halves(instance: &str) -> (Vec<u8>, Vec<u8>) {
    let object = large(instance, "1.2.3", 60_000, 1);
    let mut bytes = message(MR, &Command::store_of(1, &object).to_bytes(), Some(&object.data), 16384);
    let rest = bytes.split_off(40_000);
    (bytes, rest)
}

// --- services ----------------------------------------------------------------------------------------------------------------

#[test]
fn what_is_stored_is_found_moved_and_got() {
    let destination = Acceptor::usual();
    let archive = Archive::of(&Site::usual().destination("DEST", destination.port), &[]);
    let objects = [large("1.2.3.1", "1.2.3", 40_000, 1), image("1.2.3.2", "1.2.3"), image("1.2.4.1", "1.2.4")];
    let mut peer = archive.peer();
    assert_eq!(peer.echo(ECHO), 0);
    for object in &objects {
        assert_eq!(peer.store(MR, object), 0);
    }
    assert_eq!(instances(&mut peer), ["1.2.3.1", "1.2.3.2", "1.2.4.1"]);

    let keys = [(0x0010, 0x0010, "PN", "Doe*"), (0x0020, 0x000D, "UI", ""), (0x0020, 0x1208, "IS", "")];
    let (found, status) = ask(&mut peer, "STUDY", &keys);
    let rows: Vec<_> = found
        .iter()
        .map(|answer| {
            [(0x0008, 0x0054), (0x0010, 0x0010), (0x0020, 0x000D), (0x0020, 0x1208)].map(|tag| &*answer[&tag])
        })
        .collect();
    assert_eq!(
        (rows.as_slice(), status),
        (&[["ARCH", "Doe^Jane", "1.2.3", "2"], ["ARCH", "Doe^Jane", "1.2.4", "1"]][..], 0)
    );
    assert_eq!(ask(&mut peer, "STUDY", &[(0x0010, 0x0010, "PN", "Roe*"), keys[1]]), (Vec::new(), 0));
    let (patients, status) =
        peer.find(FIND_PATIENT, uid::FIND_PATIENT, &identifier("PATIENT", &[(0x0010, 0x0020, "LO", "P*")]));
    assert_eq!((patients.len(), status), (1, 0));

    let moved = peer.move_to(MOVE, uid::MOVE_STUDY, "DEST", &study("1.2.3"));
    assert_eq!((moved.last.status(), moved.last.counters()), (0, [None, Some(2), Some(0), Some(0)]));
    assert_eq!(moved.pending.len(), 2);
    assert_eq!(moved.pending[0].counters(), [Some(1), Some(1), Some(0), Some(0)]);
    assert_eq!(destination.ended(1), [5], "the destination's association is released");
    let stored = destination.seen.stored();
    assert_eq!(stored.len(), 2);
    for (stored, object) in stored.iter().zip(&objects) {
        assert_eq!((&stored.instance, &stored.class), (&object.instance, &object.sop_class));
        assert!(stored.data == object.data, "{} has changed on its way", object.instance);
    }

    let got = peer.get(GET, uid::GET_STUDY, &study("1.2.3"), |_| 0);
    assert_eq!((got.last.status(), got.last.counters()), (0, [None, Some(2), Some(0), Some(0)]));
    assert_eq!(got.contexts, [MR, MR]);
    for (got, object) in got.objects.iter().zip(&objects) {
        assert!(got.instance == object.instance && got.data == object.data);
    }
    let got =
        peer.get(
            GET,
            uid::GET_STUDY,
            &study("1.2.3\\1.2.4"),
            |object| {
                if object.instance == "1.2.3.2" { 0xA700 } else { 0 }
            },
        );
    assert_eq!((got.last.status(), got.last.counters()), (0xB000, [None, Some(2), Some(1), Some(0)]));
    assert_eq!(pacs_testing::values(&got.failed)[&(0x0008, 0x0058)], "1.2.3.2");
    assert!(peer.release());
    assert_eq!(archive.strays(), [""; 0]);
}

#[test]
fn a_second_copy_takes_the_place_of_the_first() {
    let archive = Archive::start(&[]);
    let mut peer = archive.peer();
    for seed in 1..=3 {
        assert_eq!(peer.store(MR, &large("1.2.3.1", "1.2.3", 10_000, seed)), 0);
    }
    assert_eq!(instances(&mut peer), ["1.2.3.1"]);
    assert_eq!(archive.names().len(), 1);
    assert!(archive.stored()["1.2.3.1"] == large("1.2.3.1", "1.2.3", 10_000, 3).data);
    assert!(archive.log().contains("due to quota or duplicate SOP instance UID"), "{}", archive.log());
}

#[test]
fn a_restart_keeps_everything() {
    let mut archive = Archive::start(&[]);
    let objects: Vec<_> = (1..=20).map(|n| large(&format!("1.2.3.{n}"), &format!("1.2.{}", n % 4), 5_000, n)).collect();
    let mut peer = archive.peer();
    for object in &objects {
        assert_eq!(peer.store(MR, object), 0);
    }
    assert!(peer.release());
    let (found, names) = (archive.found(), archive.names());
    assert_eq!((found.len(), names.len()), (20, 20));
    // Ended as it should, then killed.
    for kill in [false, true] {
        if kill {
            archive.tool().kill();
        } else {
            assert_eq!(archive.tool().stop().code(), Some(0));
        }
        archive = archive.start_again();
        assert_eq!((archive.found(), archive.names()), (found.clone(), names.clone()), "kill: {kill}");
        let got = archive.peer().get(GET, uid::GET_STUDY, &identifier("STUDY", &[]), |_| 0);
        assert_eq!(got.objects.len(), objects.len(), "kill: {kill}");
        for (got, object) in got.objects.iter().zip(&objects) {
            assert!(got.data == object.data, "{} has changed, kill: {kill}", object.instance);
        }
    }
    // And what comes next is stored as before.
    assert_eq!(archive.peer().store(MR, &image("1.2.3.21", "1.2.0")), 0);
    assert_eq!(archive.found().len(), 21);
}

#[test]
fn a_folder_has_one_owner() {
    let archive = Archive::start(&[]);
    serves(&archive);
    let second = Start::new(dcmqrscp()).args(["-c", "dcmqrscp.cfg"]).folder(archive.base()).listen();
    let mut peer = Peer::associated(second.port, &contexts());
    assert!(peer.receive().abort().is_some(), "accepted, then aborted, as with DCMTK");
    let log = second.wait_log("E: dispatch: cannot create DB Handle", LIMIT);
    assert!(log.contains(&format!("process {} uses this folder", archive.pid())), "{log}");
    serves(&archive);
    drop(archive);
    // The lock goes with its owner.
    assert!(
        within(LIMIT, || {
            let mut peer = Peer::associated(second.port, &contexts());
            peer.limit = SECOND;
            let command = Command::echo(1);
            peer.send_message(ECHO, &command, None);
            peer.message().is_ok()
        }) || second.log().contains("No such file")
    );
}

#[test]
fn titles_of_one_folder_share_what_is_in_it() {
    let site = Site::usual().area("ALSO", "area", "R (200, 1024mb) ANY").area("OTHER", "other", "RW (9, 1gb) ANY");
    let archive = Archive::of(&site, &[]);
    assert_eq!(archive.peer().store(MR, &image("1.2.3.1", "1.2.3")), 0);
    let mut also = Peer::associated(archive.port, &contexts().to("ALSO"));
    assert_eq!(instances(&mut also), ["1.2.3.1"]);
    let mut other = Peer::associated(archive.port, &contexts().to("OTHER"));
    assert_eq!(instances(&mut other), [""; 0]);
}

// --- its end -----------------------------------------------------------------------------------------------------------------

#[test]
fn sigterm_ends_idle_peers_at_once_and_lets_busy_ones_finish() {
    let mut archive = Archive::start(&["-v"]);
    let mut idle = archive.peer();
    assert_eq!(idle.echo(ECHO), 0);
    let mut busy = archive.peer();
    let (begun, rest) = halves("1.2.3.1");
    busy.send(&begun);
    archive.wait_log("Received Store SCP:", LIMIT);
    let start = Instant::now();
    archive.signal("TERM");
    assert!(idle.receive().abort().is_some());
    assert!(start.elapsed() < 2 * SECOND, "an idle peer waited for {:?}", start.elapsed());
    assert!(within(LIMIT, || Peer::connect_to(Ipv4Addr::LOCALHOST, archive.port).is_err()), "nobody new");
    busy.send(&rest);
    assert_eq!(busy.response().map(|response| response.status()), Ok(0));
    assert!(busy.receive().abort().is_some());
    assert!(within(LIMIT, || archive.tool().exit().is_some()));
    assert_eq!(archive.tool().exit().unwrap().code(), Some(0), "{}", archive.log());
    let archive = archive.start_again();
    assert_eq!(archive.found(), ["1.2.3.1"]);
}

#[test]
fn sigterm_breaks_off_who_is_busy_for_too_long() {
    let mut archive = Archive::start(&["-v"]);
    let mut busy = archive.peer();
    busy.send(&halves("1.2.3.1").0);
    archive.wait_log("Received Store SCP:", LIMIT);
    let start = Instant::now();
    assert_eq!(archive.tool().stop().code(), Some(0));
    let took = start.elapsed();
    assert!((4 * SECOND..15 * SECOND).contains(&took), "{took:?}");
    assert!(busy.closed());
    assert!(archive.log().contains("1 associations were broken off"), "{}", archive.log());
    let archive = archive.start_again();
    assert_eq!((archive.found(), archive.names()), (Vec::new(), Vec::new()));
}

#[test]
fn a_second_sigterm_ends_at_once() {
    let mut archive = Archive::start(&["-v"]);
    let mut busy = archive.peer();
    busy.send(&halves("1.2.3.1").0);
    archive.wait_log("Received Store SCP:", LIMIT);
    let start = Instant::now();
    archive.signal("TERM");
    archive.wait_log("ending: no new associations", LIMIT);
    assert_eq!(archive.tool().exit(), None);
    let status = archive.tool().stop();
    assert_eq!(status.signal(), Some(15), "{status:?}");
    assert!(start.elapsed() < 4 * SECOND, "{:?}", start.elapsed());
}

#[test]
fn an_idle_archive_ends_in_no_time() {
    for signal in ["TERM", "INT"] {
        let mut archive = Archive::start(&[]);
        serves(&archive);
        let start = Instant::now();
        archive.signal(signal);
        assert!(within(LIMIT, || archive.tool().exit().is_some()));
        assert_eq!(archive.tool().exit().unwrap().code(), Some(0));
        assert!(start.elapsed() < 3 * SECOND, "{:?}", start.elapsed());
    }
}

// --- its configuration, read again ---------------------------------------------------------------------------------------------

fn calls(archive: &Archive, title: &str) -> Answer {
    Peer::connect(archive.port).associate(&contexts().to(title))
}

#[test]
fn sighup_reads_the_configuration_again_where_there_is_no_terminal() {
    let base = TempDir::new().unwrap();
    let archive = Archive::start_with(base, &Site::usual(), Start::new("setsid").args([dcmqrscp()]), &["-v"]);
    let mut before = archive.peer();
    assert_eq!(before.store(MR, &image("1.2.3.1", "1.2.3")), 0);
    assert!(matches!(calls(&archive, "NEW"), Answer::Rejected([1, 1, 7])));

    let destination = Acceptor::usual();
    let wider = Site::usual().area("NEW", "new", "RW (9, 1gb) ANY").destination("DEST", destination.port);
    wider.clone().line("NetworkTCPPort = 4242").write(archive.base());
    archive.signal("HUP");
    archive.wait_log("the configuration was read again", LIMIT);
    assert!(matches!(calls(&archive, "NEW"), Answer::Accepted(_)));
    let unknown = before.move_to(MOVE, uid::MOVE_STUDY, "DEST", &study("1.2.3"));
    assert_eq!(unknown.last.status(), 0xA801, "an association goes on with what it began with");
    assert_eq!(archive.peer().move_to(MOVE, uid::MOVE_STUDY, "DEST", &study("1.2.3")).last.status(), 0);

    fs::write(archive.base().join("dcmqrscp.cfg"), "AETable BEGIN\nARCH\n").unwrap();
    archive.signal("HUP");
    let log = archive.wait_log("the configuration is not taken over", LIMIT);
    assert!(log.contains("dcmqrscp.cfg"), "{log}");
    assert!(matches!(calls(&archive, "NEW"), Answer::Accepted(_)), "what was in force stays in force");
    assert_eq!(before.echo(ECHO), 0);

    fs::remove_file(archive.base().join("dcmqrscp.cfg")).unwrap();
    archive.signal("HUP");
    archive.wait_log_times("the configuration is not taken over", 2, LIMIT);
    Site::usual().write(archive.base());
    archive.signal("HUP");
    archive.wait_log_times("the configuration was read again", 2, LIMIT);
    assert!(matches!(calls(&archive, "NEW"), Answer::Rejected([1, 1, 7])));
    serves(&archive);
}

#[test]
fn sighup_says_what_a_restart_takes() {
    let site = Site::usual().line("NetworkTCPPort = 4242");
    // A port that is typed goes before the file's: only where none is typed does a changed one count, at the next start.
    let base = TempDir::new().unwrap();
    let archive = Archive::start_with(base, &site, Start::new("setsid").args([dcmqrscp()]), &["-v"]);
    site.clone().line("UserName = nobody").line("GroupName = nogroup").write(archive.base());
    archive.signal("HUP");
    let log = archive.wait_log("the configuration was read again", LIMIT);
    for word in ["UserName", "GroupName"] {
        assert!(log.contains(&format!("W: a changed {word} counts from the next start on")), "{log}");
    }
    assert!(!log.contains("a changed NetworkTCPPort"), "{log}");
}

// --- peers that leave ------------------------------------------------------------------------------------------------------------

#[test]
fn whoever_leaves_in_the_middle_frees_everything_at_once() {
    let archive = Archive::start(&[]);
    let mut peer = archive.peer();
    for n in 0..40 {
        assert_eq!(peer.store(MR, &large(&format!("1.2.3.{n}"), "1.2.3", 30_000, n)), 0);
    }
    assert!(peer.release());
    let before = settled(&archive);
    for case in ["store", "find", "get"] {
        for _ in 0..15 {
            let mut peer = archive.peer();
            match case {
                "store" => peer.send(&halves("1.2.3.100").0),
                "find" => {
                    let all = [(0x0008, 0x0018, "UI", ""), (0x0020, 0x000D, "UI", ""), (0x0020, 0x000E, "UI", "")];
                    peer.send_message(FIND, &Command::find(1, uid::FIND_STUDY), Some(&identifier("IMAGE", &all)));
                }
                _ => {
                    peer.send_message(GET, &Command::get(1, uid::GET_STUDY), Some(&study("1.2.3")));
                    let (object, _) = peer.message().unwrap();
                    assert_eq!(object.number(tag::COMMAND_FIELD), 1);
                }
            }
            peer.hang_up();
        }
    }
    let freed = within(LIMIT, || {
        let now = archive.usage();
        // A few readers of the catalog, each of two files, are kept for those who come.
        now.threads <= before.threads && now.descriptors <= before.descriptors + 8
    });
    assert!(freed, "{before:?}, then {:?}", archive.usage());
    assert_eq!(archive.found().len(), 40);
    assert_eq!(archive.strays(), [""; 0]);
}

#[test]
fn an_idle_peer_stays_unless_idle_timeout_ends_it() {
    let archive = Archive::start(&["-ta", "1", "-td", "1"]);
    let mut idle = archive.peer().patient_for(3 * SECOND);
    assert_eq!(idle.receive(), Next::Silent);
    assert_eq!(idle.echo(ECHO), 0);
}
