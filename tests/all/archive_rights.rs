//! Who may do what: callers, areas, destinations. Nobody sees or reaches what is not his.

use pacs_testing::{Command, LIMIT, Peer, Request, Start, files, tag, uid, within};
use tempfile::TempDir;

use crate::archive::{
    Archive, CT, ECHO, FIND, GET, MOVE, MR, Site, ask, contexts, dcmqrscp, filled, image, instances, large, rejected,
    serves, study,
};
use crate::receiver::ends;
use crate::sender::Acceptor;

#[test]
fn s03_titles_that_are_paths_open_nothing() {
    let site = Site::usual().area("OTHER", "other", "RW (9, 1gb) (KNOWN, 192.0.2.1, 104)");
    let archive = Archive::of(&site, &["-v"]);
    for title in ["../other", "..", "/etc/passwd", "area", "ARCH/", "arch", "A", "\u{1b}[31mARCH", "*"] {
        assert_eq!(rejected(&archive, &contexts().to(title)), [1, 1, 7], "{title:?}");
    }
    assert_eq!(files(&archive.base().join("area")), [""; 0], "an area is opened for those who may use it");
    assert_eq!(files(&archive.base().join("other")), [""; 0]);
    assert!(!archive.log_bytes().contains(&0x1b), "{}", archive.log());
    serves(&archive);
}

#[test]
fn s37_callers_that_nobody_knows_are_told_what_to_configure() {
    let archive = Archive::of(&Site::with("RW (9, 1gb) (FRIEND, 127.0.0.1, 104)"), &["-v", "-dhl"]);
    assert_eq!(rejected(&archive, &contexts().from("STRANGER")), [1, 1, 7]);
    assert_eq!(rejected(&archive, &contexts().from("friend")), [1, 1, 7]);
    assert_eq!(rejected(&archive, &contexts().from("FRIEND").to("ELSE")), [1, 1, 7]);
    let log = archive.wait_log_times("Refusing Association (BadAEService)", 3, LIMIT);
    assert!(log.contains("To let it in add to the peers of ARCH in the AETable: (STRANGER, 127.0.0.1, PORT)"), "{log}");
    assert!(log.contains("To serve it add to the AETable: ELSE FOLDER RW"), "{log}");
    assert_eq!(Peer::associated(archive.port, &contexts().from("FRIEND")).echo(ECHO), 0);
    let elsewhere = Archive::of(&Site::with("RW (9, 1gb) (FRIEND, 192.0.2.1, 104)"), &["-dhl"]);
    assert_eq!(rejected(&elsewhere, &contexts().from("FRIEND")), [1, 1, 7], "the right title from another address");
}

#[test]
fn s38_nobody_sees_another_area() {
    let destination = Acceptor::usual();
    let site = Site::usual().area("OTHER", "other", "RW (9, 1gb) ANY").destination("DEST", destination.port);
    let archive = filled(&site, &[]);
    let mut other = Peer::associated(archive.port, &contexts().to("OTHER"));
    assert_eq!(instances(&mut other), [""; 0]);
    assert_eq!(
        ask(&mut other, "STUDY", &[(0x0020, 0x000D, "UI", "1.2.3"), (0x0020, 0x1208, "IS", "")]),
        (Vec::new(), 0)
    );
    let moved = other.move_to(MOVE, uid::MOVE_STUDY, "DEST", &study("1.2.3"));
    let never = other.move_to(MOVE, uid::MOVE_STUDY, "DEST", &study("9.9.9"));
    assert_eq!((moved.last.elements, moved.failed), {
        // As one that nobody has: nothing but the message's number differs.
        let mut elements = never.last.elements;
        for (number, value) in &mut elements {
            if *number == tag::MESSAGE_ID_BEING_RESPONDED_TO {
                *value = (u16::from_le_bytes([value[0], value[1]]) - 1).to_le_bytes().to_vec();
            }
        }
        (elements, never.failed)
    });
    assert_eq!(other.get(GET, uid::GET_STUDY, &study("1.2.3"), |_| 0).objects.len(), 0);
    // The same instance there is another object, and neither replaces the other.
    assert_eq!(other.store(MR, &large("1.2.3.1", "1.2.3", 100, 1)), 0);
    assert_eq!(archive.found().len(), 3);
    assert!(archive.stored()["1.2.3.1"] == image("1.2.3.1", "1.2.3").data);
    assert_eq!(destination.seen.stored().len(), 0);
}

#[test]
fn s38_an_area_that_may_only_be_read_takes_nothing() {
    let archive = Archive::of(&Site::usual().area("SHELF", "area", "R (9, 1gb) ANY"), &[]);
    assert_eq!(archive.peer().store(MR, &image("1.2.3.1", "1.2.3")), 0);
    // Both roles are proposed: refused by the user.
    let peer = Peer::associated(archive.port, &contexts().to("SHELF"));
    let accepted = peer.accepted.as_ref().unwrap();
    assert_eq!((accepted.result(MR), accepted.result(CT), accepted.result(FIND)), (Some(1), Some(1), Some(0)));
    let mut peer = Peer::associated(archive.port, &contexts().to("SHELF"));
    peer.send_message(MR, &Command::store(1, uid::MR, "1.2.3.2"), Some(&image("1.2.3.2", "1.2.3").data));
    ends(&mut peer, "a store on a context that was refused");
    assert_eq!(archive.found(), ["1.2.3.1"]);
    // Those who only fetch may.
    let mut fetcher = contexts().to("SHELF");
    fetcher.user_items.clear();
    let mut fetcher = Peer::associated(archive.port, &fetcher.role(uid::MR, false, true));
    assert_eq!(fetcher.get(GET, uid::GET_STUDY, &study("1.2.3"), |_| 0).objects.len(), 1);
}

#[test]
fn s39_a_destination_that_nobody_knows_gets_nothing() {
    let known = Acceptor::usual();
    let archive = filled(&Site::usual().destination("DEST", known.port), &[]);
    let mut peer = archive.peer();
    for title in ["NOBODY", "dest", "PEER", "ARCH", "", "../DEST", "DEST\u{1b}[31m"] {
        let moved = peer.move_to(MOVE, uid::MOVE_STUDY, title, &study("1.2.3"));
        assert_eq!(moved.last.status(), 0xA801, "{title:?}");
        assert_eq!((moved.pending.len(), moved.failed.len()), (0, 0), "{title:?}");
    }
    let log = archive.wait_log("HostTable of the configuration: nobody = (NOBODY, HOST, PORT)", LIMIT);
    assert!(!log.contains('\u{1b}'), "{log}");
    // Blanks around a title are none of it.
    assert_eq!(peer.move_to(MOVE, uid::MOVE_STUDY, "DEST  ", &study("1.2.3")).last.status(), 0);
    assert_eq!(known.seen.stored().len(), 2);
}

#[test]
fn s39_a_destination_that_the_options_forbid_gets_nothing() {
    let other = Acceptor::usual();
    let own = Acceptor::usual();
    for (option, own_too) in [("--move-aetitle", true), ("--move-host", true), ("--move-vendor", false)] {
        let site = Site::usual().destination("DEST", other.port).destination("PEER", own.port);
        let mut site = site;
        // The one that is not of this host.
        site.hosts[0] = format!("dest = (DEST, elsewhere, {})", other.port);
        let archive = filled(&site, &[option]);
        let mut peer = archive.peer();
        assert_eq!(peer.move_to(MOVE, uid::MOVE_STUDY, "DEST", &study("1.2.3")).last.status(), 0xA801, "{option}");
        let status = peer.move_to(MOVE, uid::MOVE_STUDY, "PEER", &study("1.2.3")).last.status();
        if option == "--move-aetitle" || !own_too {
            assert_eq!(status, if own_too { 0 } else { 0xA801 }, "{option}");
        }
        assert!(archive.log().contains("restrict who may send where"), "{}", archive.log());
    }
    assert_eq!(other.seen.stored().len(), 0);
}

#[test]
fn s39_a_move_to_the_archive_itself_works_and_ends() {
    let base = TempDir::new().unwrap();
    let archive = Archive::start_with(base, &Site::usual(), Start::new("setsid").args([dcmqrscp()]), &["-v"]);
    Site::usual().destination("ARCH", archive.port).write(archive.base());
    archive.signal("HUP");
    archive.wait_log("the configuration was read again", LIMIT);
    let mut peer = archive.peer();
    for n in 0..10 {
        assert_eq!(peer.store(MR, &large(&format!("1.2.3.{n}"), "1.2.3", 50_000, n)), 0);
    }
    // DCMTK: waits for itself for ever.
    for _ in 0..2 {
        let moved = peer.move_to(MOVE, uid::MOVE_STUDY, "ARCH", &study("1.2.3"));
        assert_eq!((moved.last.status(), moved.last.counters()[1]), (0, Some(10)), "{}", archive.log());
    }
    let stored = archive.stored();
    assert_eq!(archive.found(), stored.keys().cloned().collect::<Vec<_>>());
    assert_eq!(stored.len(), 10);
    for n in 0..10 {
        assert!(stored[&format!("1.2.3.{n}")] == large(&format!("1.2.3.{n}"), "1.2.3", 50_000, n).data);
    }
}

#[test]
fn s40_the_shutdown_class_needs_its_option() {
    const SHUTDOWN: &str = "1.2.276.0.7230010.3.4.1915765545.18030.917282194.0";
    let request = Request::new(&[(1, uid::VERIFICATION, &[uid::IMPLICIT]), (3, SHUTDOWN, &[uid::IMPLICIT])]).to("ARCH");
    let archive = Archive::start(&[]);
    let peer = Peer::associated(archive.port, &request);
    assert_eq!(peer.accepted.as_ref().unwrap().result(3), Some(3));
    serves(&archive);
    let mut archive = Archive::start(&["--allow-shutdown"]);
    assert_eq!(rejected(&archive, &request.clone().to("NOBODY")), [1, 1, 7], "not by those who may not call");
    serves(&archive);
    assert_eq!(rejected(&archive, &request), [1, 1, 1]);
    assert!(within(LIMIT, || archive.tool().exit().is_some()));
    assert_eq!(archive.tool().exit().unwrap().code(), Some(0));
}
