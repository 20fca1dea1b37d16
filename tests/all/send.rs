//! What `storescu` sends, says and ends with, where its receiver behaves and where it does not.

use std::net::{Ipv6Addr, TcpListener};
use std::time::{Duration, Instant};

use pacs_testing::{Object, Start, element, free_port, uid};
use tempfile::TempDir;

use crate::sender::{Acceptor, file_in, file_of, folder_of, proposed, said, send, start, storescu, write};

/// The lines of a run at info level that sends one MR file.
const SUCCESS: [&str; 7] = [
    "I: checking input files ...",
    "I: Requesting Association",
    "I: Association Accepted (Max Send PDV: 16372)",
    "I: Sending file: 1.dcm",
    "I: Sending Store Request (MsgID 1, MR)",
    "I: Received Store Response (Success)",
    "I: Releasing Association",
];

#[test]
fn a_file_arrives_as_it_is() {
    let (folder, receiver) = (folder_of(1), Acceptor::usual());
    let finished = send(folder.path(), receiver.port, ["-v", "1.dcm"]);
    assert_eq!((finished.code, finished.out.as_str()), (Some(0), "XMIT: .\n"));
    assert_eq!(said(&finished), SUCCESS);
    assert_eq!(receiver.ended(1), [5]);
    let [stored] = &receiver.seen.stored()[..] else { panic!("one object") };
    let object = Object::tiny("1.2.1");
    assert_eq!((&stored.class, &stored.instance, stored.id), (&object.sop_class, &object.instance, 1));
    assert_eq!((stored.data.as_slice(), stored.syntax.as_str()), (object.data.as_slice(), uid::EXPLICIT));
}

#[test]
fn nothing_is_said_of_success_by_default() {
    let (folder, receiver) = (folder_of(2), Acceptor::usual());
    let finished = send(folder.path(), receiver.port, ["1.dcm", "2.dcm"]);
    assert_eq!((finished.code, finished.out.as_str(), finished.err.as_str()), (Some(0), "", ""));
    assert_eq!(receiver.seen.instances(), ["1.2.1", "1.2.2"]);
}

#[test]
fn titles_and_default_contexts_go_into_the_request() {
    let (folder, receiver) = (folder_of(1), Acceptor::usual());
    send(folder.path(), receiver.port, ["-aet", "ME", "-aec", "SEVENTEENCHARACTE", "1.dcm"]);
    let request = &receiver.seen.requests()[0];
    assert_eq!(&request[4..36], b"SEVENTEENCHARACTME              ");
    let contexts = proposed(request);
    assert_eq!((contexts.len(), contexts[0].0, contexts[127].0), (128, 1, 255));
    assert_eq!(contexts[0].2, [uid::EXPLICIT]);
    assert_eq!(contexts[1].2, [uid::BIG_ENDIAN, uid::IMPLICIT]);
}

#[test]
fn a_failure_status_is_one_line_and_the_exit_code() {
    let folder = folder_of(2);
    for (status, code, line) in [
        (0xA700, 167, "W: The receiver refused 1.dcm: status 0xa700, Refused: Out of resources."),
        (0xC123, 193, "W: The receiver refused 1.dcm: status 0xc123, Error: Cannot understand."),
        (0x0110, 1, "W: The receiver refused 1.dcm: status 0x0110, Failure."),
        (0x0010, 0, "W: The receiver refused 1.dcm: status 0x0010, Unknown Status Code (non-standard)."),
    ] {
        let receiver = Acceptor::answering(status);
        let finished = send(folder.path(), receiver.port, ["1.dcm", "2.dcm"]);
        assert_eq!(finished.code, Some(code), "{status:04x}");
        assert_eq!(finished.err.lines().collect::<Vec<_>>(), [line]);
        assert_eq!((receiver.seen.instances(), receiver.ended(1)), (vec!["1.2.1".to_owned()], vec![5]));
    }
    for status in [0xB000, 0x0107, 0xB123] {
        let receiver = Acceptor::answering(status);
        let finished = send(folder.path(), receiver.port, ["1.dcm", "2.dcm"]);
        assert_eq!((finished.code, finished.err.as_str()), (Some(0), ""), "{status:04x}");
        assert_eq!(receiver.seen.instances().len(), 2);
    }
    let receiver = Acceptor::answering(0xA700);
    let finished = send(folder.path(), receiver.port, ["-nh", "1.dcm", "2.dcm"]);
    assert_eq!((finished.code, receiver.seen.instances().len()), (Some(0), 2));
}

#[test]
fn a_lost_connection_ends_with_10() {
    let folder = folder_of(2);
    for abort in [true, false] {
        let receiver = Acceptor::scripted(move |called, _| {
            called.accept_all();
            let _ = called.object();
            if abort {
                called.abort();
            }
            0
        });
        let finished = send(folder.path(), receiver.port, ["-v", "1.dcm", "2.dcm"]);
        assert_eq!(finished.code, Some(10), "{}", finished.err);
        let lines = said(&finished);
        assert_eq!(
            lines[lines.len() - 3..],
            [
                "E: Store Failed, file: 1.dcm:",
                "E: 0006:0317 Peer aborted Association (or never connected)",
                "I: Peer Aborted Association",
            ]
        );
        assert!(finished.err.contains(if abort { "E: The receiver aborted" } else { "E: The connection broke off" }));
    }
}

#[test]
fn with_no_halt_a_lost_association_fails_each_file_and_the_release() {
    let folder = folder_of(2);
    let receiver = Acceptor::scripted(|called, _| {
        called.accept_all();
        let _ = called.object();
        0
    });
    let finished = send(folder.path(), receiver.port, ["-nh", "1.dcm", "2.dcm"]);
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        said(&finished),
        [
            "E: Store Failed, file: 1.dcm:",
            "E: 0006:0317 Peer aborted Association (or never connected)",
            "E: Store Failed, file: 2.dcm:",
            "E: 0006:020e DIMSE Failed to send message",
            "E: 0006:0303 DUL Finite State Machine Error: No action defined, state 1 event 8",
            "E: Association Release Failed: 0006:0303 DUL Finite State Machine Error: No action defined, state 1 event 10",
        ]
    );
}

#[test]
fn a_receiver_that_wants_to_release_is_told_off() {
    let folder = folder_of(1);
    let receiver = Acceptor::scripted(|called, _| {
        called.accept_all();
        let _ = called.object();
        called.offer(&pacs_testing::RELEASE_RQ);
        called.receive().map_or(0, |pdu| pdu.kind)
    });
    let finished = send(folder.path(), receiver.port, ["1.dcm"]);
    assert_eq!((finished.code, receiver.ended(1)), (Some(10), vec![7]));
    assert_eq!(
        said(&finished),
        [
            "E: Store Failed, file: 1.dcm:",
            "E: 0006:0319 DUL Peer Requested Release",
            "E: Protocol Error: Peer requested release (Aborting)",
        ]
    );
}

#[test]
fn other_answers_abort_the_association() {
    let folder = folder_of(1);
    for (id, condition) in [(true, "MsgId: 99 (expected: 1)"), (false, "Command Field: 0x1")] {
        let receiver = Acceptor::scripted(move |called, _| {
            called.accept_all();
            let mut stored = called.object().unwrap();
            if id {
                stored.id = 99;
                called.answer(&stored, 0);
            } else {
                let command = pacs_testing::Command::store(1, uid::MR, "1.2").to_bytes();
                called.offer(&pacs_testing::message(stored.context, &command, Some(b"data"), 16384));
            }
            called.receive().map_or(0, |pdu| pdu.kind)
        });
        let finished = send(folder.path(), receiver.port, ["1.dcm"]);
        assert_eq!((finished.code, receiver.ended(1)), (Some(1), vec![7]));
        let condition = format!("0006:0211 DIMSE: Unexpected Response {condition}");
        assert_eq!(
            said(&finished),
            ["E: Store Failed, file: 1.dcm:", &format!("E: {condition}"), &format!("E: Store SCU Failed: {condition}"),]
        );
    }
}

#[test]
fn a_rejection_is_named_and_what_helps() {
    let folder = folder_of(1);
    for (codes, lines, help) in [
        ((1, 1, 7), ["Rejected Permanent, Source: Service User", "Called AE Title Not Recognized"], "--call"),
        ((1, 1, 3), ["Rejected Permanent, Source: Service User", "Calling AE Title Not Recognized"], "--aetitle"),
        (
            (2, 3, 2),
            ["Rejected Transient, Source: Service Provider (Presentation Related)", "Local Limit Exceeded"],
            "--retry",
        ),
        (
            (1, 2, 2),
            ["Rejected Permanent, Source: Service Provider (ACSE Related)", "Protocol Version Not Supported"],
            "log",
        ),
    ] {
        let receiver = Acceptor::scripted(move |called, _| {
            called.reject(codes.0, codes.1, codes.2);
            3
        });
        let finished = send(folder.path(), receiver.port, ["1.dcm"]);
        assert_eq!(finished.code, Some(1));
        let [result, reason] = lines;
        assert_eq!(
            said(&finished),
            ["F: Association Rejected:", &format!("F: Result: {result}"), &format!("F: Reason: {reason}"),]
        );
        assert!(finished.err.contains(help), "{}", finished.err);
    }
}

#[test]
fn a_receiver_that_is_not_there() {
    let folder = folder_of(1);
    let finished = send(folder.path(), free_port(), ["1.dcm"]);
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        said(&finished),
        ["F: Association Request Failed: 0006:031c TCP Initialization Error: Connection refused"]
    );
    assert!(finished.err.contains("Nothing listens"));
    let nowhere = ["no-such-host.invalid", "104", "1.dcm"];
    let finished = pacs_testing::Start::new(crate::sender::storescu()).args(nowhere).folder(&folder).run();
    assert_eq!(
        (finished.code, said(&finished)),
        (
            Some(1),
            vec!["F: Association Request Failed: 0006:0320 Attempt to connect to unknown host: no-such-host.invalid"]
        )
    );
}

#[test]
fn address_families() {
    let folder = folder_of(1);
    let reached = |options: &[&str], host: &str, receiver: &Acceptor| {
        let port = receiver.port.to_string();
        let to = [host, port.as_str(), "1.dcm"];
        let finished = Start::new(storescu()).args(options).args(to).folder(&folder).run();
        assert!(matches!(finished.code, Some(0 | 1)), "{options:?} {host}: {}", finished.err);
        finished.code == Some(0)
    };
    // A name that may stand for addresses of both kinds.
    let over_four = Acceptor::usual();
    for (options, expected) in [(&[][..], true), (&["-i4"], true), (&["-i6"], false), (&["-i0"], true)] {
        assert_eq!(reached(options, "localhost", &over_four), expected, "{options:?}");
    }
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        eprintln!("no IPv6 here: only IPv4 is looked at");
        return;
    };
    let over_six = Acceptor::at(listener, |called, seen| {
        called.accept_all();
        called.serve(seen, |_| 0)
    });
    for (options, expected) in
        [(&[][..], false), (&["-i6"], true), (&["-i6", "-i4"], false), (&["-i0"], true), (&["-i4", "-i0"], true)]
    {
        assert_eq!(reached(options, "::1", &over_six), expected, "{options:?}");
    }
}

#[test]
fn silence_ends_with_the_time_out_that_applies() {
    let folder = folder_of(1);
    let silent = |answers: bool| {
        Acceptor::scripted(move |called, _| {
            if answers {
                called.accept_all();
                let _ = called.object();
            } else {
                called.request();
            }
            called.receive().map_or(0, |pdu| pdu.kind)
        })
    };
    let run = |receiver: &Acceptor, args: &[&str]| {
        let start = Instant::now();
        let finished = send(folder.path(), receiver.port, args.iter().chain(&["1.dcm"]));
        assert!(start.elapsed() >= Duration::from_millis(990), "{args:?}");
        assert!(start.elapsed() < Duration::from_secs(10), "{args:?}");
        (finished.code, said(&finished).first().map(|line| (*line).to_owned()), finished.err.clone())
    };
    let receiver = silent(false);
    let (code, line, _) = run(&receiver, &["-ta", "1"]);
    let expected = "F: Association Request Failed: 0006:031a DUL network read timeout";
    assert_eq!((code, line.as_deref(), receiver.ended(1)), (Some(1), Some(expected), vec![7]));
    let receiver = silent(true);
    let (code, _, err) = run(&receiver, &["-td", "1"]);
    assert!(err.contains("E: Store SCU Failed: 0006:0207 DIMSE No data available (timeout in non-blocking mode)"));
    assert_eq!((code, receiver.ended(1)), (Some(1), vec![7]));
    let receiver = silent(true);
    let (code, _, err) = run(&receiver, &["-ts", "1"]);
    assert!(err.contains("E: 0006:0317 Peer aborted Association (or never connected)"));
    assert_eq!(code, Some(10));
}

#[test]
fn s33_a_receiver_that_never_reads_is_given_up() {
    let folder = TempDir::new().unwrap();
    write(&folder, "big.dcm", &file_of(&Object::with_pixels("1.2.9", 64 << 20, 1)));
    let receiver = Acceptor::scripted(|called, _| {
        called.accept_all();
        std::thread::sleep(Duration::from_secs(8));
        0
    });
    let start = Instant::now();
    let finished = send(folder.path(), receiver.port, ["-ts", "1", "big.dcm"]);
    assert!(start.elapsed() < Duration::from_secs(7));
    assert_eq!(finished.code, Some(10));
    assert!(finished.err.contains("took no more data; --socket-timeout"), "{}", finished.err);
}

#[test]
fn files_that_are_none_are_told_and_the_others_go_on_with_no_halt() {
    let folder = folder_of(2);
    let whole = file_of(&Object::with_pixels("1.2.9", 10_000, 1));
    write(&folder, "cut.dcm", &whole[..whole.len() - 9000]);
    write(&folder, "short.dcm", &whole[..330]);
    write(&folder, "empty.dcm", b"");
    write(&folder, "text.txt", b"This is a text that is not DICOM at all.");
    let nameless = Object::tiny("1.2.8").with_data(element(0x0010, 0x0010, "PN", b"A"));
    write(&folder, "nameless.dcm", &file_of(&nameless));
    for (name, reason) in [
        ("cut.dcm", "0001:000a I/O suspension or premature end of stream"),
        ("empty.dcm", "0001:0005 End of stream"),
        ("text.txt", "0001:000a I/O suspension or premature end of stream"),
    ] {
        let receiver = Acceptor::usual();
        let finished = send(folder.path(), receiver.port, [name, "1.dcm"]);
        let text = reason.split_once(' ').unwrap().1;
        assert_eq!((finished.code, receiver.ended(1)), (Some(1), vec![7]), "{name}");
        let lines = said(&finished);
        assert_eq!(
            lines.first().copied().filter(|line| line.starts_with("E:")).unwrap_or(lines[lines.len() - 2]),
            format!("E: Bad DICOM file: {name}: {text}")
        );
        assert_eq!(lines.last().unwrap(), &format!("E: Store SCU Failed: {reason}"));
    }
    let receiver = Acceptor::usual();
    let names = ["cut.dcm", "1.dcm", "short.dcm", "empty.dcm", "text.txt", "nameless.dcm", "2.dcm"];
    let finished = send(folder.path(), receiver.port, ["-nh"].iter().chain(&names));
    assert_eq!((finished.code, receiver.ended(1)), (Some(0), vec![5]));
    let ids: Vec<_> = receiver.seen.stored().iter().map(|stored| (stored.instance.clone(), stored.id)).collect();
    assert_eq!(ids, [("1.2.1".to_owned(), 2), ("1.2.2".to_owned(), 7)], "attempts are counted");
    assert!(finished.err.contains("E: No SOP Class or Instance UID in file: nameless.dcm"));
}

#[test]
fn a_class_that_is_not_accepted() {
    let folder = folder_of(1);
    write(&folder, "ct.dcm", &file_of(&Object::of(uid::CT, "1.2.7")));
    write(&folder, "odd.dcm", &file_of(&Object::of("1.2.3.4.5", "1.2.8")));
    let receiver = || {
        Acceptor::scripted(|called, seen| {
            let request = called.request();
            called.accept(&request, 16384, |class, syntaxes| (class != uid::MR).then(|| syntaxes[0].clone()));
            called.serve(seen, |_| 0)
        })
    };
    let one = receiver();
    let finished = send(folder.path(), one.port, ["ct.dcm", "1.dcm", "ct.dcm"]);
    assert_eq!((finished.code, one.ended(1), one.seen.instances().len()), (Some(1), vec![7], 1));
    assert_eq!(
        said(&finished),
        [
            "E: No presentation context for: (MR) 1.2.840.10008.5.1.4.1.1.4",
            "E: Store SCU Failed: 0006:0208 DIMSE No valid Presentation Context ID",
        ]
    );
    assert!(finished.err.contains("Abstract Syntax Not Supported"), "what came back:\n{}", finished.err);
    let one = receiver();
    let finished = send(folder.path(), one.port, ["-nh", "odd.dcm", "1.dcm", "ct.dcm"]);
    assert_eq!((finished.code, one.ended(1), one.seen.instances()), (Some(0), vec![5], vec!["1.2.7".to_owned()]));
    assert!(finished.err.contains("E: No presentation context for: (unknown SOP class) 1.2.3.4.5"));
    assert!(finished.err.contains("--propose-from-files"), "what would help");
}

#[test]
fn a_compressed_file_needs_its_own_syntax() {
    let folder = folder_of(1);
    let mut object = Object::tiny("1.2.5");
    // Encapsulated pixel data: an empty offset table and one fragment (PS3.5 A.4).
    object.data.extend(b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0\x04\0\0\0abcd\xFE\xFF\xDD\xE0\0\0\0\0");
    write(&folder, "jpeg.dcm", &file_in(&object, uid::JPEG_BASELINE));
    let receiver = Acceptor::usual();
    let finished = send(folder.path(), receiver.port, ["jpeg.dcm", "1.dcm"]);
    assert_eq!((finished.code, receiver.ended(1)), (Some(1), vec![7]));
    assert_eq!(
        said(&finished),
        [
            "W: DIMSE Warning: (STORESCU,ANY-SCP): sendMessage: unable to convert dataset from 'JPEG Baseline' transfer syntax to \
         'Little Endian Explicit'",
            "E: Store Failed, file: jpeg.dcm:",
            "E: 0006:020e DIMSE Failed to send message",
            "E: Store SCU Failed: 0006:020e DIMSE Failed to send message",
        ]
    );
    assert!(finished.err.contains("--propose-jpeg8"), "the option that helps:\n{}", finished.err);
    for args in [&["-xy"][..], &["--propose-from-files"]] {
        let receiver = Acceptor::usual();
        let finished = send(folder.path(), receiver.port, args.iter().chain(&["jpeg.dcm"]));
        assert_eq!((finished.code, finished.err.as_str()), (Some(0), ""));
        let stored = receiver.seen.stored();
        assert_eq!((stored[0].syntax.as_str(), &stored[0].data), (uid::JPEG_BASELINE, &object.data));
    }
}

#[test]
fn any_maximum_of_the_receiver_is_kept_and_no_fragment_is_odd() {
    let folder = TempDir::new().unwrap();
    let object = Object::with_pixels("1.2.9", 40_000, 7);
    write(&folder, "a.dcm", &file_of(&object));
    for (maximum, longest) in
        [(14, 2), (20, 8), (4096, 4084), (4097, 4084), (16384, 16372), (0, 131_060), (u32::MAX, 131_060)]
    {
        let receiver = Acceptor::scripted(move |called, seen| {
            let request = called.request();
            called.accept(&request, maximum, |_, syntaxes| syntaxes.first().cloned());
            called.serve(seen, |_| 0)
        });
        let finished = send(folder.path(), receiver.port, ["a.dcm"]);
        assert_eq!(finished.code, Some(0), "{maximum}: {}", finished.err);
        let [stored] = &receiver.seen.stored()[..] else { panic!("one object") };
        assert!(stored.data == object.data, "{maximum}");
        let (last, others) = stored.pdvs.split_last().unwrap();
        assert!(others.iter().all(|pdv| *pdv == (longest, 0)), "{maximum}");
        assert!(last.1 == 2 && last.0 > 0 && last.0 <= longest && last.0 % 2 == 0, "{maximum}: {last:?}");
    }
    for maximum in [1, 12, 13] {
        let receiver = Acceptor::scripted(move |called, _| {
            let request = called.request();
            called.accept(&request, maximum, |_, syntaxes| syntaxes.first().cloned());
            called.receive().map_or(0, |pdu| pdu.kind)
        });
        let finished = send(folder.path(), receiver.port, ["a.dcm"]);
        assert_eq!((finished.code, receiver.ended(1)), (Some(1), vec![7]), "{maximum}");
        let expected = format!("receiver's max PDU size of {maximum} is illegal (must be > 12)");
        assert!(finished.err.contains(&expected), "{}", finished.err);
    }
}

#[test]
fn missing_files_stop_everything_before_anything_is_sent() {
    let (folder, receiver) = (folder_of(1), Acceptor::usual());
    let finished = send(folder.path(), receiver.port, ["1.dcm", "nowhere.dcm"]);
    assert_eq!((finished.code, finished.err.as_str()), (Some(1), "F: cannot access file: nowhere.dcm\n"));
    crate::sender::moment();
    assert_eq!(receiver.seen.requests().len(), 0);
    let finished = send(folder.path(), receiver.port, ["-nh", "1.dcm", "nowhere.dcm"]);
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.err, "W: cannot access file: nowhere.dcm, ignoring file\n");
    assert_eq!(receiver.seen.instances(), ["1.2.1"]);
}

#[test]
fn folders_are_scanned_with_patterns() {
    let folder = folder_of(2);
    std::fs::create_dir_all(folder.path().join("s/deep/er")).unwrap();
    for (n, name) in ["s/a.dcm", "s/b.img", "s/deep/c.dcm", "s/deep/er/.d.dcm"].iter().enumerate() {
        write(&folder, name, &file_of(&Object::tiny(&format!("1.3.{n}"))));
    }
    let sent = |args: &[&str]| {
        let receiver = Acceptor::usual();
        let finished = send(folder.path(), receiver.port, args.iter().chain(&["s"]));
        assert_eq!(finished.code, Some(0), "{args:?}: {}", finished.err);
        let mut instances = receiver.seen.instances();
        instances.sort();
        instances.concat().replace("1.3.", "")
    };
    assert_eq!(sent(&["+sd"]), "01");
    assert_eq!(sent(&["+sd", "+r"]), "0123");
    assert_eq!(sent(&["+sd", "+r", "+sp", "*.dcm"]), "023");
    assert_eq!(sent(&["+sd", "+r", "+sp", "[bc].*"]), "12");
    let finished = send(folder.path(), 1, ["s"]);
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        finished.err.lines().collect::<Vec<_>>(),
        ["W: ignoring directory because option --scan-directories is not set: s", "F: no input files to be sent",]
    );
}

#[test]
fn renaming_and_repeating() {
    let (folder, receiver) = (folder_of(3), Acceptor::usual());
    write(&folder, "2.dcm", b"no DICOM file");
    let finished = send(folder.path(), receiver.port, ["-nh", "+rn", "1.dcm", "2.dcm", "3.dcm"]);
    assert_eq!(finished.code, Some(0));
    assert_eq!(pacs_testing::files(folder.path()), ["1.dcm.done", "2.dcm.bad", "3.dcm.done"]);
    let (folder, receiver) = (folder_of(2), Acceptor::usual());
    let finished = send(folder.path(), receiver.port, ["--repeat", "2", "1.dcm", "2.dcm"]);
    assert_eq!(finished.code, Some(0));
    assert_eq!(receiver.seen.instances(), ["1.2.1", "1.2.1", "1.2.2", "1.2.2"]);
    assert_eq!(receiver.seen.stored().iter().map(|stored| stored.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let receiver = Acceptor::usual();
    let finished = send(folder.path(), receiver.port, ["--abort", "1.dcm"]);
    assert_eq!((finished.code, receiver.ended(1)), (Some(0), vec![7]));
}

#[test]
fn required_proposes_the_classes_of_the_files() {
    let folder = folder_of(1);
    write(&folder, "ct.dcm", &file_of(&Object::of(uid::CT, "1.2.7")));
    let receiver = Acceptor::usual();
    send(folder.path(), receiver.port, ["-R", "ct.dcm", "1.dcm", "ct.dcm"]);
    let contexts = proposed(&receiver.seen.requests()[0]);
    assert_eq!(
        contexts.iter().map(|context| context.1.as_str()).collect::<Vec<_>>(),
        [uid::CT, uid::CT, uid::MR, uid::MR]
    );
    let receiver = Acceptor::usual();
    send(folder.path(), receiver.port, ["-R", "+C", "ct.dcm", "1.dcm"]);
    let contexts = proposed(&receiver.seen.requests()[0]);
    assert_eq!(
        contexts[1],
        (3, uid::MR.to_owned(), vec![uid::EXPLICIT.into(), uid::BIG_ENDIAN.into(), uid::IMPLICIT.into()])
    );
}

#[test]
fn too_many_contexts_are_dcmtks_error() {
    let folder = TempDir::new().unwrap();
    let classes: Vec<_> = pacs_core::names::storage_classes().iter().take(65).collect();
    for (n, class) in classes.iter().enumerate() {
        write(&folder, &format!("{n}.dcm"), &file_of(&Object::of(class.uid, &format!("1.2.{n}"))));
    }
    let finished = send(folder.path(), free_port(), ["-R", "+sd", "."]);
    assert_eq!(finished.code, Some(1));
    assert_eq!(said(&finished), ["E: Too many presentation contexts", "F: 0006:0101 ASC Bad presentation context ID",]);
    let receiver = Acceptor::usual();
    let finished = send(folder.path(), receiver.port, ["-R", "+C", "+sd", "."]);
    assert_eq!((finished.code, receiver.seen.instances().len()), (Some(0), 65));
}

#[test]
fn files_change_their_syntax_on_the_way() {
    let folder = folder_of(1);
    let receiver = Acceptor::scripted(|called, seen| {
        let request = called.request();
        called.accept(&request, 16384, |_, syntaxes| syntaxes.iter().find(|uid| *uid == uid::IMPLICIT).cloned());
        called.serve(seen, |_| 0)
    });
    let finished = send(folder.path(), receiver.port, ["-v", "1.dcm"]);
    assert!(finished.err.contains("I: Converting transfer syntax: Little Endian Explicit -> Little Endian Implicit\n"));
    let stored = &receiver.seen.stored()[0];
    assert_eq!(stored.syntax, uid::IMPLICIT);
    assert!(stored.data.starts_with(b"\x08\0\x16\0\x1A\0\0\x001.2.840.10008.5.1.4.1.1.4\0"));
}

#[test]
fn identifiers_are_invented() {
    let folder = folder_of(1);
    let receiver = Acceptor::usual();
    let finished = send(folder.path(), receiver.port, ["-v", "+IR", "2", "--repeat", "3", "1.dcm"]);
    assert_eq!(finished.code, Some(0));
    let stored = receiver.seen.stored();
    let distinct: std::collections::BTreeSet<_> = receiver.seen.instances().into_iter().collect();
    assert_eq!((stored.len(), distinct.len()), (3, 3));
    for object in &stored {
        let instance = element(0x0008, 0x0018, "UI", object.instance.as_bytes());
        assert!(object.data.windows(instance.len()).any(|part| part == instance), "request and data set say the same");
        assert!(!object.data.windows(8).any(|part| part == b"Doe^Jane"));
        assert!(object.data.windows(14).any(|part| part == b"OFFIS^TEST_PN_"));
    }
    assert!(
        finished
            .err
            .contains("I: Inventing Identifying Information (pa0, st0, se1, im0):\nI:   PatientName=OFFIS^TEST_PN_")
    );
    for missing in ["SeriesInstanceUID (0020,000e)", "InstanceNumber (0020,0013)"] {
        let line = format!("E: updateStringAttributeValue: cannot find: {missing}: Tag not found\n");
        assert_eq!(finished.err.matches(&line).count(), 3, "{line}{}", finished.err);
    }
}

#[test]
fn a_data_set_is_cut_when_its_message_is_known_to_be_lost() {
    // The receiver aborts in the middle of a large object: the sender stops and says why.
    let folder = TempDir::new().unwrap();
    write(&folder, "big.dcm", &file_of(&Object::with_pixels("1.2.9", 32 << 20, 1)));
    let receiver = Acceptor::scripted(|called, _| {
        called.accept_all();
        for _ in 0..3 {
            called.receive();
        }
        called.offer(&[7, 0, 0, 0, 0, 4, 0, 0, 2, 6]);
        0
    });
    let finished = start(folder.path(), receiver.port, ["big.dcm"]).run();
    assert_eq!(finished.code, Some(10));
    assert_eq!(
        said(&finished),
        ["E: Store Failed, file: big.dcm:", "E: 0006:0317 Peer aborted Association (or never connected)",]
    );
}
