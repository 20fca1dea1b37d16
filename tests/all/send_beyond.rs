//! What `storescu` does beyond DCMTK's, where it is asked to: proposals from files, several associations, retries, a journal,
//! a report.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pacs_testing::{Generated, LIMIT, Object, uid, within};
use rustix::pty::{self, OpenptFlags};
use tempfile::TempDir;

use crate::sender::{Acceptor, file_in, file_of, folder_of, pipe, proposed, send, start, storescu, write};

#[test]
fn proposals_from_files_need_no_configuration() {
    let folder = folder_of(1);
    let mut object = Object::of("1.2.3.4.5", "1.2.77");
    object.data.extend(
        b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0\x02\0\0\0ab\xFE\xFF\xDD\xE0\0\0\0\0",
    );
    write(&folder, "new.dcm", &file_in(&object, "1.2.840.10008.1.2.4.999"));
    let receiver = Acceptor::usual();
    let finished = send(folder.path(), receiver.port, ["--propose-from-files", "new.dcm", "1.dcm"]);
    assert_eq!((finished.code, finished.err.as_str()), (Some(0), ""));
    assert_eq!(
        proposed(&receiver.seen.requests()[0]),
        [
            (1, "1.2.3.4.5".to_owned(), vec!["1.2.840.10008.1.2.4.999".to_owned()]),
            (3, uid::MR.to_owned(), vec![uid::EXPLICIT.to_owned()]),
            (5, uid::MR.to_owned(), vec![uid::IMPLICIT.to_owned()]),
        ]
    );
    let stored = receiver.seen.stored();
    assert_eq!((&stored[0].data, stored[0].context, stored[1].context), (&object.data, 1, 3));
}

#[test]
fn more_contexts_than_fit_take_more_associations() {
    let folder = TempDir::new().unwrap();
    for n in 0..70 {
        write(&folder, &format!("{n}.dcm"), &file_of(&Object::of(&format!("1.9.{n}"), &format!("1.2.{n}"))));
    }
    for parallel in ["1", "3"] {
        let receiver = Acceptor::usual();
        let args = ["--propose-from-files", "--parallel", parallel, "+sd", "."];
        let finished = send(folder.path(), receiver.port, args);
        assert_eq!((finished.code, finished.err.as_str()), (Some(0), ""));
        assert_eq!(receiver.seen.instances().into_iter().collect::<BTreeSet<_>>().len(), 70);
        let contexts: BTreeSet<_> = receiver.seen.requests().iter().map(|request| proposed(request).len()).collect();
        assert_eq!(contexts, BTreeSet::from([128, 12]));
        assert!(receiver.seen.ends().iter().all(|end| *end == 5));
    }
}

#[test]
fn several_associations_send_at_the_same_time() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let folder = folder_of(12);
    let receiver = Acceptor::scripted(|called, seen| {
        called.accept_all();
        called.serve(seen, |_| {
            MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(200));
            NOW.fetch_sub(1, Ordering::SeqCst);
            0
        })
    });
    let start = Instant::now();
    let finished = send(folder.path(), receiver.port, ["--parallel", "4", "+sd", "."]);
    assert_eq!(finished.code, Some(0));
    assert_eq!(receiver.seen.instances().into_iter().collect::<BTreeSet<_>>().len(), 12);
    assert_eq!((receiver.ended(4).len(), MOST.load(Ordering::SeqCst)), (4, 4));
    assert!(start.elapsed() < Duration::from_millis(2000), "{:?}", start.elapsed());
}

#[test]
fn the_exit_code_is_that_of_the_first_failure_in_the_order_of_the_files() {
    let folder = folder_of(4);
    let receiver = Acceptor::scripted(|called, seen| {
        called.accept_all();
        called.serve(seen, |stored| match stored.instance.as_str() {
            "1.2.1" => 0,
            "1.2.2" => {
                std::thread::sleep(Duration::from_millis(800));
                0xA900
            }
            // Fails first in time.
            _ => {
                std::thread::sleep(Duration::from_millis(200));
                0xC000
            }
        })
    });
    let files = ["1.dcm", "2.dcm", "3.dcm", "4.dcm"];
    let finished = send(folder.path(), receiver.port, ["--parallel", "3"].iter().chain(&files));
    assert_eq!(finished.code, Some(0xA9));
}

#[test]
fn fewer_associations_than_wanted_will_do() {
    let folder = folder_of(6);
    let receiver = Acceptor::scripted(|called, seen| {
        if called.number > 0 {
            called.reject(2, 3, 2);
            return 3;
        }
        called.accept_all();
        called.serve(seen, |_| {
            std::thread::sleep(Duration::from_millis(100));
            0
        })
    });
    let finished = send(folder.path(), receiver.port, ["--parallel", "3", "+sd", "."]);
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    assert_eq!(receiver.seen.instances().len(), 6);
}

#[test]
fn lost_connections_and_transient_refusals_are_tried_again() {
    let folder = folder_of(3);
    let receiver = || {
        Acceptor::scripted(|called, seen| match called.number {
            0 => {
                called.reject(2, 3, 1);
                3
            }
            1 => {
                called.accept_all();
                let stored = called.object().unwrap();
                called.answer(&stored, 0);
                seen.note(stored);
                // The second one is lost without an answer.
                let _ = called.object();
                0
            }
            _ => {
                called.accept_all();
                called.serve(seen, |_| 0)
            }
        })
    };
    let one = receiver();
    let finished = send(folder.path(), one.port, ["--retry", "2", "1.dcm", "2.dcm", "3.dcm"]);
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    assert_eq!(one.seen.instances(), ["1.2.1", "1.2.2", "1.2.3"]);
    assert!(finished.err.contains("Temporary Congestion; asking again in 1 s, 1 of 2 times."), "{}", finished.err);
    // Without the option the first refusal is the end.
    let one = receiver();
    let finished = send(folder.path(), one.port, ["1.dcm", "2.dcm", "3.dcm"]);
    assert_eq!((finished.code, one.seen.instances().len()), (Some(1), 0));
    // What is refused for good is not asked for again.
    let one = Acceptor::scripted(|called, _| {
        called.reject(1, 1, 7);
        3
    });
    let finished = send(folder.path(), one.port, ["--retry", "5", "1.dcm"]);
    assert_eq!((finished.code, one.ended(1).len()), (Some(1), 1));
}

#[test]
fn a_journal_keeps_what_was_acknowledged_from_being_sent_again() {
    let folder = folder_of(5);
    let files = ["1.dcm", "2.dcm", "3.dcm", "4.dcm", "5.dcm"];
    let receiver = Acceptor::scripted(|called, seen| {
        called.accept_all();
        let fails = called.number == 0;
        called.serve(seen, move |stored| if fails && stored.instance == "1.2.3" { 0xA700 } else { 0 })
    });
    let run = || send(folder.path(), receiver.port, ["-v", "--resume", "journal"].iter().chain(&files));
    assert_eq!(run().code, Some(167));
    assert_eq!(receiver.seen.instances(), ["1.2.1", "1.2.2", "1.2.3"]);
    let finished = run();
    assert_eq!(finished.code, Some(0));
    assert!(finished.err.contains("I: 2 files have been sent before"));
    assert_eq!(receiver.seen.instances()[3..], ["1.2.3", "1.2.4", "1.2.5"]);
    let finished = run();
    assert_eq!((finished.code, receiver.seen.instances().len()), (Some(0), 6), "nothing is left, nobody is called");
    assert!(!finished.err.contains("Requesting Association"));
    // A file that has changed is another one; another receiver has another journal.
    write(&folder, "2.dcm", &file_of(&Object::with_pixels("1.2.22", 100, 1)));
    assert_eq!(run().code, Some(0));
    assert_eq!(receiver.seen.instances()[6..], ["1.2.22"]);
    let other = Acceptor::usual();
    let finished = send(folder.path(), other.port, ["--resume", "journal", "1.dcm"]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.err.starts_with("F: cannot use the journal journal of --resume: it is for another receiver."));
}

#[test]
fn a_killed_sender_resumes_with_at_most_one_file_twice() {
    let folder = folder_of(200);
    let receiver = Acceptor::scripted(|called, seen| {
        called.accept_all();
        called.serve(seen, |_| {
            std::thread::sleep(Duration::from_millis(1));
            0
        })
    });
    let args = ["--resume", "journal", "+sd", "+sp", "*.dcm", "."];
    let mut kills = 0;
    for round in 0..6 {
        let before = receiver.seen.instances().len();
        let port = receiver.port.to_string();
        let mut child = std::process::Command::new(crate::sender::storescu())
            .args(["127.0.0.1", port.as_str()])
            .args(args)
            .current_dir(&folder)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        within(LIMIT, || receiver.seen.instances().len() > before + 10 + round || child.try_wait().unwrap().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    let finished = send(folder.path(), receiver.port, args);
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    let instances = receiver.seen.instances();
    let distinct: BTreeSet<_> = instances.iter().collect();
    assert_eq!(distinct.len(), 200, "everything arrives");
    assert!(instances.len() <= 200 + kills, "{} sent for {kills} kills", instances.len());
}

#[test]
fn a_report_tells_what_became_of_each_file() {
    let folder = folder_of(4);
    write(&folder, "2.dcm", b"no DICOM file");
    let receiver = Acceptor::scripted(|called, seen| {
        called.accept_all();
        called.serve(seen, |stored| if stored.instance == "1.2.3" { 0xA700 } else { 0 })
    });
    let args = ["-nh", "--report", "report.json", "1.dcm", "2.dcm", "3.dcm", "gone.dcm"];
    assert_eq!(send(folder.path(), receiver.port, args).code, Some(0));
    let text = fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let files = report["files"].as_array().unwrap();
    let results: Vec<_> =
        files.iter().map(|file| (file["file"].as_str().unwrap(), file["result"].as_str().unwrap())).collect();
    assert_eq!(results, [("gone.dcm", "failed"), ("1.dcm", "stored"), ("2.dcm", "failed"), ("3.dcm", "refused")]);
    assert_eq!((files[1]["sop_class"].as_str(), files[1]["sop_instance"].as_str()), (Some(uid::MR), Some("1.2.1")));
    assert_eq!((files[1]["status"].as_str(), files[3]["status"].as_str()), (Some("0x0000"), Some("0xa700")));
    assert_eq!(files[1]["transfer_syntax"].as_str(), Some(uid::EXPLICIT));
    assert_eq!(files[1]["bytes"].as_u64(), Some(file_of(&Object::tiny("1.2.1")).len() as u64));
    assert!(files[1]["seconds"].as_f64().unwrap() > 0.0);
    assert!(files[2]["error"].as_str().unwrap().starts_with("0001:000a"));
    let totals = &report["totals"];
    let counted = ["stored", "refused", "failed", "not_tried", "exit_code"].map(|name| totals[name].as_u64().unwrap());
    assert_eq!(counted, [1, 1, 2, 0, 0]);
    // Without --no-halt what comes behind a failure is not tried, and listed.
    let args = ["--report", "report.json", "3.dcm", "1.dcm", "4.dcm"];
    assert_eq!(send(folder.path(), receiver.port, args).code, Some(167));
    let text = fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let results: Vec<_> =
        report["files"].as_array().unwrap().iter().map(|file| file["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["refused", "not tried", "not tried"]);
    assert_eq!(report["totals"]["exit_code"].as_u64(), Some(167));
}

/// What a run shows where its standard error is a terminal, and its exit code.
fn on_a_terminal(folder: &TempDir, receiver: &Acceptor, args: &[&str]) -> (String, Option<i32>) {
    let terminal = pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    pty::grantpt(&terminal).unwrap();
    pty::unlockpt(&terminal).unwrap();
    let name = pty::ptsname(&terminal, Vec::new()).unwrap();
    let inside = fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let port = receiver.port.to_string();
    let mut running = std::process::Command::new(storescu())
        .args(["127.0.0.1", &port, "+sd", "."])
        .args(args)
        .current_dir(folder)
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(inside)
        .spawn()
        .unwrap();
    let mut shown = Vec::new();
    let mut terminal = fs::File::from(terminal);
    let mut block = [0; 4096];
    // Once nobody has the other side open any more, reading is an error.
    while let Ok(count) = terminal.read(&mut block)
        && count > 0
    {
        shown.extend_from_slice(&block[..count]);
    }
    (String::from_utf8_lossy(&shown).into_owned(), running.wait().unwrap().code())
}

/// A receiver that takes so many milliseconds for each object, and refuses that with this number.
fn slow(pause: u64, refused: usize) -> Acceptor {
    Acceptor::scripted(move |called, seen| {
        called.accept_all();
        called.serve(seen, |stored| {
            std::thread::sleep(Duration::from_millis(pause));
            if usize::from(stored.id) == refused { 0xA700 } else { 0 }
        })
    })
}

#[test]
fn a_terminal_shows_how_far_it_is_and_the_log_is_no_part_of_it() {
    let folder = folder_of(12);
    let (shown, code) = on_a_terminal(&folder, &slow(200, 6), &["-nh"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("/12 files, ") && shown.contains(" a second, ") && shown.contains(" left"), "{shown:?}");
    // It grows, and goes away in the end.
    let counts = shown.split("/12 files").filter_map(|before| before.rsplit(' ').next()?.parse::<u32>().ok());
    let counts: BTreeSet<_> = counts.collect();
    assert!(counts.len() > 3, "{counts:?}");
    let rest = shown.rsplit("left").next().unwrap();
    assert!(rest.contains("\x1b[2K") && rest.trim_matches(|c: char| "\r\n".contains(c)).ends_with("[2K"), "{rest:?}");
    // The line of the log begins on a line that was wiped, and ends it.
    let (before, line) = shown.split_once("W: ").expect("one file was refused");
    assert!(before.ends_with("\x1b[2K") || before.ends_with('\n') || before.ends_with('\r'), "{before:?}");
    let (line, _) = line.split_once("\r\n").unwrap();
    assert!(line.contains("status 0xa700") && !line.contains("files"), "{line:?}");
}

#[test]
fn whoever_reads_what_is_done_or_nothing_sees_no_bar() {
    let folder = folder_of(12);
    for args in [&["-q"][..], &["-v"], &["-d"], &["-ll", "warn", "+sp", "[1-5].dcm"]] {
        let (shown, code) = on_a_terminal(&folder, &slow(10, 0), args);
        assert_eq!(code, Some(0), "{shown}");
        assert!(!shown.contains(" files, ") && !shown.contains('\x1b'), "{args:?}: {shown:?}");
    }
}

#[test]
fn s24_odd_files_hold_nobody_up() {
    let folder = folder_of(2);
    pipe(&folder.path().join("pipe")).unwrap();
    symlink("1.dcm", folder.path().join("link.dcm")).unwrap();
    symlink("nowhere", folder.path().join("broken")).unwrap();
    symlink(".", folder.path().join("loop")).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    symlink("..", folder.path().join("sub/up")).unwrap();
    let receiver = Acceptor::usual();
    let finished = send(folder.path(), receiver.port, ["-nh", "+sd", "+r", "."]);
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    let mut lines: Vec<_> = finished.err.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "W: cannot access file: ./broken, ignoring file",
            "W: cannot access file: ./pipe, ignoring file",
            "W: ignoring a link that leads back to a folder above it: ./loop",
            "W: ignoring a link that leads back to a folder above it: ./sub/up",
        ]
    );
    let mut instances = receiver.seen.instances();
    instances.sort();
    assert_eq!(instances, ["1.2.1", "1.2.1", "1.2.2"]);
    for name in ["pipe", "/dev/zero", "broken"] {
        let finished = send(folder.path(), receiver.port, [name, "1.dcm"]);
        assert_eq!((finished.code, finished.err), (Some(1), format!("F: cannot access file: {name}\n")));
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_not_completed_with_anything() {
    let folder = folder_of(1);
    let whole = file_of(&Object::with_pixels("1.2.9", 48 << 20, 1));
    write(&folder, "big.dcm", &whole);
    let path = folder.path().join("big.dcm");
    for no_halt in [false, true] {
        write(&folder, "big.dcm", &whole);
        let path = path.clone();
        let receiver = Acceptor::scripted(move |called, seen| {
            called.accept_all();
            if called.number > 0 {
                return called.serve(seen, |_| 0);
            }
            // The command and the first part of the data set: the sender is busy and has much to send.
            for _ in 0..4 {
                called.receive();
            }
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 20).unwrap();
            let mut last = 4;
            while let Some(pdu) = called.receive() {
                assert!(pdu.kind != 4 || pdu.body[5] & 2 == 0, "the data set must not end");
                last = pdu.kind;
            }
            last
        });
        let args: &[&str] = if no_halt { &["-nh", "big.dcm", "1.dcm"] } else { &["big.dcm", "1.dcm"] };
        let finished = send(folder.path(), receiver.port, args);
        assert!(finished.err.contains("E: Store Failed, file: big.dcm:\nE: 0006:020e DIMSE Failed to send message\n"));
        assert!(finished.err.contains("The file changed"), "{}", finished.err);
        let expected: &[&str] = if no_halt { &["1.2.1"] } else { &[] };
        assert_eq!(finished.code, Some(if no_halt { 0 } else { 1 }), "{}", finished.err);
        assert_eq!(receiver.seen.instances(), expected);
    }
}

#[test]
fn memory_does_not_grow_with_files_or_their_size() {
    let folder = TempDir::new().unwrap();
    let generated = Generated::new("1.2.1", 200 << 20, 3);
    let mut file = fs::File::create(folder.path().join("big.dcm")).unwrap();
    let head = file_of(&generated.head);
    std::io::Write::write_all(&mut file, &head[..head.len() - generated.head.data.len()]).unwrap();
    std::io::copy(&mut generated.reader(), &mut file).unwrap();
    let receiver = Acceptor::scripted(|called, _| {
        called.accept_all();
        // Payload is read and dropped.
        loop {
            match called.receive() {
                Some(pdu) if pdu.kind == 4 && pdu.body[5] == 2 => break,
                Some(_) => {}
                None => return 0,
            }
        }
        called.offer(&pacs_testing::ABORT);
        0
    });
    let finished = start(folder.path(), receiver.port, ["big.dcm"]).after("ulimit -v 200000").run();
    assert_eq!(finished.code, Some(10), "{}", finished.err);
    assert!(finished.err.contains("The receiver aborted"), "{}", finished.err);
}
