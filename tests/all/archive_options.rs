//! Options of `dcmqrscp` that no comparison with DCMTK's can prove: those that it has not, and those that its 3.6.7 takes
//! otherwise. Each test fails when its option is ignored.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use pacs_testing::{
    Answer, Command, Finished, LIMIT, Next, Object, Peer, Request, Start, element, files, run, uid, values, within,
};
use tempfile::TempDir;

use crate::archive::{
    Archive, ECHO, FIND_PATIENT, MR, Site, contexts, dcmqrscp, filled, identifier, image, instances, serves,
};

const SECOND: Duration = Duration::from_secs(1);

/// Runs the program in a folder, to its end.
fn ends(folder: &Path, args: &[&str]) -> Finished {
    Start::new(dcmqrscp()).args(["-c", "dcmqrscp.cfg"]).args(args).folder(folder).run()
}

// --- instead of serving ------------------------------------------------------------------------------------------------------

#[test]
fn check_config_says_what_is_wrong_and_serves_nobody() {
    let base = TempDir::new().unwrap();
    Site::usual().write(base.path());
    let good = ends(base.path(), &["--check-config"]);
    assert_eq!((good.code, good.err.as_str()), (Some(0), ""));
    assert_eq!(good.out, "dcmqrscp.cfg: a good configuration of 1 storage areas\n");
    let text = "Bogus = 1\nHostTable BEGIN\na = nothing\nHostTable END\n";
    fs::write(base.path().join("dcmqrscp.cfg"), text).unwrap();
    let bad = ends(base.path(), &["--check-config"]);
    assert_eq!((bad.code, bad.out.as_str()), (Some(10), ""));
    for word in ["Bogus", "nothing", "F: ", "dcmqrscp.cfg:1:1", "dcmqrscp.cfg:3:5"] {
        assert!(bad.err.contains(word), "no {word} in {}", bad.err);
    }
    assert_eq!(files(&base.path().join("area")), [""; 0], "nothing is opened");
}

#[test]
fn print_config_shows_what_was_understood() {
    let base = TempDir::new().unwrap();
    let site = Site::with("W (7, 2mb) sender").destination("SENDER", 104).line("NetworkTCPPort =,= 4242 and more");
    site.write(base.path());
    let printed = ends(base.path(), &["--print-config"]);
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""), "{printed:?}");
    for word in ["NetworkTCPPort", "4242", "ARCH", "SENDER", "127.0.0.1", "(7, "] {
        assert!(printed.out.contains(word), "no {word} in {}", printed.out);
    }
    // It is a configuration that means the same.
    fs::write(base.path().join("dcmqrscp.cfg"), &printed.out).unwrap();
    assert_eq!(ends(base.path(), &["--print-config"]).out, printed.out);
}

/// The counts of a report, by what stands behind them.
fn counts(report: &str) -> Vec<(u64, &str)> {
    let counts = report.lines().filter_map(|line| line.trim_start().split_once(' '));
    counts.filter_map(|(count, what)| Some((count.parse().ok()?, what))).collect()
}

#[test]
fn check_and_repair_compare_catalog_and_files() {
    let mut archive = filled(&Site::usual(), &[]);
    assert_eq!(archive.tool().stop().code(), Some(0));
    let base = archive.base();
    let good = ends(base, &["--check", "ARCH"]);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert_eq!(
        counts(&good.out)[..2],
        [(3, "objects are in the catalog as they should be"), (0, "objects are not in the catalog")]
    );
    let names = archive.names();
    let moved = archive.area().join("moved.dcm");
    fs::rename(archive.area().join(&names[0]), &moved).unwrap();
    fs::write(archive.area().join("readme"), "no DICOM").unwrap();
    for _ in 0..2 {
        let bad = ends(base, &["--check", "ARCH"]);
        assert_eq!(bad.code, Some(10), "{bad:?}");
        let numbers: Vec<_> = counts(&bad.out).into_iter().map(|(count, _)| count).collect();
        assert_eq!(numbers, [2, 1, 1, 0, 1], "{}", bad.out);
        assert!(bad.out.contains("moved.dcm") && bad.out.contains(&names[0]), "{}", bad.out);
    }
    let mended = ends(base, &["--repair", "ARCH"]);
    assert_eq!(mended.code, Some(0), "{mended:?}");
    assert_eq!(ends(base, &["--check", "ARCH"]).code, Some(0));
    let unknown = ends(base, &["--check", "NOBODY"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(10), ""));
    assert!(moved.exists());
    let archive = archive.start_again();
    assert_eq!(archive.found(), ["1.2.3.1", "1.2.3.2", "1.2.4.1"]);
    // Not beside a server that has the area.
    let busy = ends(archive.base(), &["--repair", "ARCH"]);
    assert_eq!(busy.code, Some(10));
    assert!(busy.err.contains(&format!("process {} uses this folder", archive.pid())), "{}", busy.err);
}

// --- storing -----------------------------------------------------------------------------------------------------------------

/// Waits for the disk while so many objects were stored, by strace; none: there is no strace.
fn waits(args: &[&str], objects: usize) -> Option<usize> {
    if run("strace", &["-V"]).code != Some(0) {
        return None;
    }
    let base = TempDir::new().unwrap();
    let trace = base.path().join("trace");
    let start = Start::new("strace").args(["-D", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o"]).args([&trace]);
    let mut archive = Archive::start_with(base, &Site::usual(), start.args([dcmqrscp()]), args);
    let mut peer = archive.peer();
    assert_eq!(peer.store(MR, &image("1.2.3.0", "1.2.3")), 0);
    let count = || fs::read_to_string(&trace).unwrap_or_default().matches("sync(").count();
    // strace writes behind.
    let mut before = count();
    assert!(within(LIMIT, || {
        std::thread::sleep(Duration::from_millis(300));
        std::mem::replace(&mut before, count()) == count()
    }));
    for n in 1..=objects {
        assert_eq!(peer.store(MR, &image(&format!("1.2.3.{n}"), "1.2.3")), 0);
    }
    std::thread::sleep(SECOND / 2);
    let after = count();
    assert!(peer.release());
    archive.tool().kill();
    Some(after - before)
}

#[test]
fn no_sync_waits_for_no_disk() {
    let Some(usual) = waits(&[], 10) else {
        eprintln!("no strace here: waits for the disk are not counted");
        return;
    };
    // One for each, where file and name go to the disk together, else two; whatever the catalog does besides.
    assert!((10..=25).contains(&usual), "{usual} waits for 10 objects");
    let without = waits(&["--no-sync"], 10).unwrap();
    assert!(without <= 2, "{without} waits for 10 objects");
}

#[test]
fn index_directory_keeps_catalogs_elsewhere() {
    let base = TempDir::new().unwrap();
    fs::create_dir(base.path().join("catalogs")).unwrap();
    let site = Site::usual().area("OTHER", "other", "RW (9, 1gb) ANY");
    let archive = Archive::in_folder(base, &site, &["--index-directory", "catalogs"]);
    assert_eq!(archive.peer().store(MR, &image("1.2.3.1", "1.2.3")), 0);
    let mut other = Peer::associated(archive.port, &contexts().to("OTHER"));
    assert_eq!(other.store(MR, &image("1.2.3.2", "1.2.3")), 0);
    assert_eq!(files(&archive.area()), archive.names(), "objects alone");
    let catalogs = files(&archive.base().join("catalogs"));
    let owners = catalogs.iter().filter(|name| name.ends_with(".owner")).count();
    let bases = catalogs.iter().filter(|name| name.ends_with(".sqlite")).count();
    assert_eq!((owners, bases), (2, 2), "{catalogs:?}");
    let archive = archive.start_again();
    assert_eq!(archive.found(), ["1.2.3.1"]);
    // Where there is no such folder nothing is stored, and the log says what to do.
    let archive = Archive::start(&["--index-directory", "nowhere"]);
    let mut peer = archive.peer();
    assert!(peer.receive().abort().is_some());
    archive.wait_log("E: dispatch: cannot create DB Handle", LIMIT);
}

/// Bytes that inflate far: an object in deflated syntax whose pixel data are so many zeros.
fn bomb(instance: &str, zeros: usize) -> Object {
    let plain = [image(instance, "1.2.3").data, element(0x7FE0, 0x0010, "OB", &vec![0; zeros])].concat();
    Object::tiny(instance).with_data(deflated(&plain))
}

/// A deflated stream (RFC 1951) of fixed codes: literals, and for runs of one byte matches at distance 1.
fn deflated(plain: &[u8]) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    let mut put = |value: u32, length: u32| {
        bits |= value << count;
        count += length;
        while count >= 8 {
            bytes.push(bits as u8);
            bits >>= 8;
            count -= 8;
        }
    };
    // Codes stand with their highest bit first.
    let code = |value: u32, length: u32| value.reverse_bits() >> (32 - length);
    put(0b011, 3);
    let mut at = 0;
    while at < plain.len() {
        let byte = plain[at];
        let same = plain[at..].iter().take(259).take_while(|other| **other == byte).count();
        match byte {
            0..=143 => put(code(0x30 + u32::from(byte), 8), 8),
            _ => put(code(0x190 + u32::from(byte) - 144, 9), 9),
        }
        at += 1;
        if same == 259 {
            // Length 258 is symbol 285, without extra bits; distance 1 is symbol 0.
            put(code(0xC0 + 285 - 280, 8), 8);
            put(0, 5);
            at += 258;
        }
    }
    put(0, 7);
    put(0, 7);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

#[test]
fn max_inflated_stops_an_object_that_inflates_too_far() {
    let request = Request::new(&[(1, uid::MR, &[uid::DEFLATED])]).to("ARCH");
    for (args, first, second) in [
        (&["+xd"][..], 0, 0),
        (&["+xd", "--max-inflated", "1000000"], 0, 0xA700),
        (&["+xd", "+te", "--max-inflated", "1000000"], 0, 0xA700),
    ] {
        let archive = Archive::start(args);
        let mut peer = Peer::associated(archive.port, &request);
        assert_eq!(peer.store(1, &bomb("1.2.3.1", 900_000)), first, "{args:?}\n{}", archive.log());
        let outcome = peer.try_store(1, &bomb("1.2.3.2", 3_000_000));
        assert_eq!(outcome, Ok(second), "{args:?}\n{}", archive.log());
        assert_eq!(archive.names().len(), if second == 0 { 2 } else { 1 }, "{args:?}");
    }
}

#[test]
fn s17_deflated_bombs_take_no_memory() {
    let request = Request::new(&[(1, uid::MR, &[uid::DEFLATED]), (3, uid::FIND_STUDY, &[uid::DEFLATED])]).to("ARCH");
    for mode in [&["+xd"][..], &["+xd", "+B"]] {
        let archive = Archive::start(mode);
        serves_deflated(&archive, &request);
        let before = archive.usage();
        let mut peer = Peer::associated(archive.port, &request).patient_for(10 * LIMIT);
        let status = peer.try_store(1, &bomb("1.2.3.1", 60 << 20));
        assert!(matches!(status, Ok(0 | 0xA700)), "{status:?}");
        // In an identifier, which has a limit of its own.
        let identifier = identifier("STUDY", &[(0x0020, 0x000D, "UI", "")]);
        let identifier = deflated(&[identifier, element(0x7FE0, 0x0010, "OB", &vec![0; 60 << 20])].concat());
        let (found, last) = peer.try_find(3, uid::FIND_STUDY, &identifier).unwrap();
        assert_eq!((found.len(), last.status()), (0, 0xA700));
        let grown = archive.usage().peak - before.peak;
        assert!(grown < 20 * 1024, "{grown} KiB more, {mode:?}");
    }
}

fn serves_deflated(archive: &Archive, request: &Request) {
    let mut peer = Peer::associated(archive.port, request);
    assert_eq!(peer.store(1, &bomb("1.2.3.9", 1000)), 0, "{}", archive.log());
    let all = deflated(&identifier("STUDY", &[(0x0020, 0x000D, "UI", "")]));
    assert_eq!(peer.find(3, uid::FIND_STUDY, &all).0.len(), 1);
}

// --- queries -----------------------------------------------------------------------------------------------------------------

/// A patient of this id and name, as written in this character set.
fn patient(id: &str, set: &str, name: &[u8]) -> Object {
    let instance = format!("1.2.3.{}", id.len() * 100 + usize::from(id.as_bytes()[0]));
    let data = [
        element(0x0008, 0x0005, "CS", set.as_bytes()),
        element(0x0008, 0x0016, "UI", uid::MR.as_bytes()),
        element(0x0008, 0x0018, "UI", instance.as_bytes()),
        element(0x0010, 0x0010, "PN", name),
        element(0x0010, 0x0020, "LO", id.as_bytes()),
        element(0x0020, 0x000D, "UI", instance.as_bytes()),
    ];
    Object::tiny(&instance).with_data(data.concat())
}

/// Patients whose names match, and how their names and sets come back.
fn patients(archive: &Archive, set: &str, name: &[u8]) -> Vec<(String, Vec<u8>)> {
    let asked = [
        element(0x0008, 0x0005, "CS", set.as_bytes()),
        element(0x0008, 0x0052, "CS", b"PATIENT"),
        element(0x0010, 0x0010, "PN", name),
        element(0x0010, 0x0020, "LO", b""),
    ];
    let (found, status) = archive.peer().find(FIND_PATIENT, uid::FIND_PATIENT, &asked.concat());
    assert_eq!(status, 0);
    let mut found: Vec<_> = found
        .iter()
        .map(|answer| {
            let at = answer.windows(6).position(|bytes| bytes == b"\x10\x00\x10\x00PN").expect("a name") + 8;
            let length = usize::from(u16::from_le_bytes([answer[at - 2], answer[at - 1]]));
            let name = answer[at..at + length].to_vec();
            (values(answer)[&(0x0010, 0x0020)].clone(), name)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn pn_match_compares_names_as_it_says() {
    for (how, wanted) in [
        (&[][..], &["A"][..]),
        (&["--pn-match", "exact"], &["A"]),
        (&["--pn-match", "ignorecase"], &["A", "B"]),
        (&["--pn-match", "fold"], &["A", "B", "C"]),
    ] {
        let archive = Archive::start(how);
        let mut peer = archive.peer();
        for (id, name) in [("A", "Müller^Jörg"), ("B", "MÜLLER^JÖRG"), ("C", "Muller^Jorg"), ("D", "Meier^Jörg")] {
            assert_eq!(peer.store(MR, &patient(id, "ISO_IR 192", name.as_bytes())), 0);
        }
        let found = patients(&archive, "ISO_IR 192", "Müller^Jörg".as_bytes());
        assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), wanted, "{how:?}");
    }
}

#[test]
fn transliterate_and_discard_put_something_in_place_of_what_the_set_lacks() {
    let names = |args: &[&str]| {
        let archive = Archive::start(args);
        assert_eq!(archive.peer().store(MR, &patient("A", "ISO_IR 192", "Ωmega^J".as_bytes())), 0);
        patients(&archive, "ISO_IR 100", b"*").remove(0).1.trim_ascii_end().to_vec()
    };
    // As it is, for Latin-1 has no omega.
    assert_eq!(names(&[]), "Ωmega^J".as_bytes());
    assert_eq!(names(&["--discard-illegal"]), b"mega^J");
    let similar = names(&["--transliterate"]);
    assert!(similar.is_ascii() && similar.ends_with(b"mega^J") && similar.len() > 6, "{similar:?}");
    assert_eq!(names(&["-Cd", "-Ct"]), similar, "to replace goes before to leave out");
}

// --- processes and network -----------------------------------------------------------------------------------------------------

#[test]
fn single_process_serves_strictly_one_after_the_other() {
    for (args, one_by_one) in [(&["--single-process"][..], true), (&["--single-process", "--fork"], false)] {
        let archive = Archive::start(args);
        let mut first = archive.peer();
        let mut second = Peer::connect(archive.port).patient_for(SECOND);
        let answer = second.associate(&contexts());
        assert_eq!(matches!(answer, Answer::Other(Next::Silent)), one_by_one, "{args:?}: {answer:?}");
        assert_eq!(first.store(MR, &image("1.2.3.1", "1.2.3")), 0);
        assert!(first.release());
        if one_by_one {
            second.limit = LIMIT;
            assert!(matches!(second.association_answer(), Answer::Accepted(_)));
        }
        assert_eq!(instances(&mut second), ["1.2.3.1"]);
    }
}

#[test]
fn address_families() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("no IPv6 here: only IPv4 is looked at");
        let archive = Archive::start(&["--ipv4"]);
        assert!(Peer::connect_to(Ipv4Addr::LOCALHOST, archive.port).is_ok());
        return;
    }
    for (args, four, six) in [
        (&[][..], true, false),
        (&["--ipv6", "--ipv4"], true, false),
        (&["--ipv6"], false, true),
        (&["--ip-auto"], true, true),
    ] {
        let archive = Archive::start(args);
        let over_four = Peer::connect_to(Ipv4Addr::LOCALHOST, archive.port);
        let over_six = Peer::connect_to(Ipv6Addr::LOCALHOST, archive.port);
        assert_eq!((over_four.is_ok(), over_six.is_ok()), (four, six), "{args:?}");
        for mut peer in [over_four, over_six].into_iter().flatten() {
            assert!(matches!(peer.associate(&contexts()), Answer::Accepted(_)), "{args:?}");
            assert_eq!(peer.echo(ECHO), 0);
            assert!(peer.release());
        }
    }
}

#[test]
fn dual_stack_admits_callers_by_their_address() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("no IPv6 here");
        return;
    }
    // DCMTK: an IPv4 caller of a dual-stack archive matches no host.
    let site = Site::with("RW (9, 1gb) (FOUR, 127.0.0.1, 104) (SIX, ::1, 104)");
    let archive = Archive::of(&site, &["--ip-auto", "--disable-host-lookup"]);
    let asks = |six: bool, title: &str| {
        let address: std::net::IpAddr = if six { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        matches!(
            Peer::connect_to(address, archive.port).unwrap().associate(&contexts().from(title)),
            Answer::Accepted(_)
        )
    };
    assert!(asks(false, "FOUR") && asks(true, "SIX"));
    assert!(!asks(true, "FOUR") && !asks(false, "SIX"));
}

#[test]
fn idle_timeout_ends_peers_that_say_nothing() {
    let archive = Archive::start(&["-v", "--idle-timeout", "1"]);
    let start = Instant::now();
    let mut idle = archive.peer();
    // Whoever speaks now and then stays.
    let mut lively = archive.peer();
    for _ in 0..4 {
        std::thread::sleep(SECOND / 2);
        assert_eq!(lively.echo(ECHO), 0);
    }
    let end = idle.receive();
    assert!(end.abort().is_some() || end.gone(), "{end:?}");
    assert!(start.elapsed() > SECOND - Duration::from_millis(50));
    archive.wait_log("--idle-timeout sets this limit", LIMIT);
    assert!(lively.release());
    serves(&archive);
}

#[test]
fn a_stalled_data_set_is_given_up_by_dimse_timeout() {
    let archive = Archive::start(&["--dimse-timeout", "1"]);
    let mut stalled = archive.peer();
    let object = image("1.2.3.1", "1.2.3");
    stalled.send_message(MR, &Command::store_of(1, &object), None);
    let start = Instant::now();
    assert!(stalled.closed());
    assert!(start.elapsed() < 10 * SECOND, "{:?}", start.elapsed());
    assert_eq!((archive.names(), archive.strays()), (Vec::new(), Vec::new()));
}
