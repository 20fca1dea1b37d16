//! What is accepted, refused and rejected, and the exact bytes of the answers.

use std::time::Duration;

use pacs_testing::{Answer, LIMIT, Next, Object, Peer, Request, Start, bytes_of, item, run, uid};

use crate::receiver::{Receiver, storescp};

/// The answer to one more association on this receiver.
fn answer(receiver: &Receiver, request: &Request) -> Answer {
    Peer::connect(receiver.port).associate(request)
}

/// The transfer syntax or the result code that a single CT context gets which offers these syntaxes.
fn chosen(receiver: &Receiver, syntaxes: &[&str]) -> Result<String, u8> {
    let mut peer = Peer::connect(receiver.port);
    let Answer::Accepted(accepted) = peer.associate(&Request::new(&[(1, uid::CT, syntaxes)])) else {
        panic!("not accepted");
    };
    assert!(peer.release());
    accepted.syntax(1).map(str::to_owned).ok_or_else(|| accepted.result(1).unwrap())
}

/// A receiver is as it was: it takes an association and answers an echo.
fn serves(receiver: &Receiver) {
    let mut peer = Peer::usual(receiver.port);
    assert_eq!(peer.echo(5), 0);
    assert!(peer.release());
}

// --- contexts --------------------------------------------------------------------------------------------------------

#[test]
fn each_context_gets_the_result_the_standard_names() {
    const HANGING_PROTOCOL: &str = "1.2.840.10008.5.1.4.38.1";
    const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
    const PRIVATE: &str = "1.2.3.4.5";
    let request = Request::new(&[
        (1, uid::CT, &["1.2.3.4"]),
        (3, PRIVATE, &[uid::IMPLICIT]),
        (5, STUDY_ROOT_FIND, &[uid::IMPLICIT]),
        (7, HANGING_PROTOCOL, &[uid::EXPLICIT]),
        (9, uid::MR, &[uid::JPEG_BASELINE, uid::RLE]),
        (11, uid::MR, &[uid::IMPLICIT]),
        (13, uid::VERIFICATION, &[uid::RLE, uid::IMPLICIT]),
    ]);
    for (args, expected) in [(&[][..], [4, 3, 3, 3, 4, 0, 0]), (&["-pm"], [4, 0, 3, 3, 4, 0, 0])] {
        let receiver = Receiver::start(args);
        let Answer::Accepted(accepted) = answer(&receiver, &request) else { panic!("not accepted") };
        assert_eq!(accepted.contexts.iter().map(|context| context.id).collect::<Vec<_>>(), [1, 3, 5, 7, 9, 11, 13]);
        assert_eq!(accepted.contexts.iter().map(|context| context.result).collect::<Vec<_>>(), expected, "{args:?}");
        for context in accepted.contexts {
            assert_eq!(context.syntax, uid::IMPLICIT, "refused contexts carry it too: {}", context.id);
        }
    }
}

#[test]
fn an_association_stands_without_any_usable_context() {
    let receiver = Receiver::start(&["-v"]);
    let mut peer = Peer::connect(receiver.port);
    assert!(matches!(peer.associate(&Request::new(&[(1, "1.2.3", &[uid::IMPLICIT])])), Answer::Accepted(_)));
    receiver.wait_log("I:     (but no valid presentation contexts)", LIMIT);
    assert!(peer.release());
    receiver.wait_log("I: Association Release", LIMIT);
}

#[test]
fn the_receiver_prefers_not_the_peer() {
    let plain = [uid::IMPLICIT, uid::BIG_ENDIAN, uid::EXPLICIT];
    for (option, offered, expected) in [
        ("+x=", &plain[..], Ok(uid::EXPLICIT)),
        ("+x=", &plain[..2], Ok(uid::BIG_ENDIAN)),
        ("+x=", &plain[..1], Ok(uid::IMPLICIT)),
        ("+x=", &[uid::JPEG_LOSSLESS], Err(4)),
        ("+xe", &plain, Ok(uid::EXPLICIT)),
        ("+xb", &plain, Ok(uid::BIG_ENDIAN)),
        ("+xi", &plain, Ok(uid::IMPLICIT)),
        ("+xi", &plain[1..], Err(4)),
        ("+xs", &[uid::EXPLICIT, uid::JPEG_LOSSLESS], Ok(uid::JPEG_LOSSLESS)),
        ("+xs", &plain, Ok(uid::EXPLICIT)),
        ("+xr", &[uid::EXPLICIT, uid::RLE], Ok(uid::RLE)),
        ("+xd", &[uid::EXPLICIT, uid::DEFLATED], Ok(uid::DEFLATED)),
        ("+xa", &[uid::EXPLICIT, uid::RLE, uid::JPEG_LOSSLESS], Ok(uid::JPEG_LOSSLESS)),
        ("+xa", &plain, Ok(uid::EXPLICIT)),
    ] {
        let receiver = Receiver::start(&[option]);
        assert_eq!(chosen(&receiver, offered).as_deref(), expected.as_ref().copied(), "{option} {offered:?}");
    }
}

#[test]
fn even_and_repeated_context_ids_are_tolerated() {
    let receiver = Receiver::start(&[]);
    let syntaxes = &[uid::EXPLICIT][..];
    let mut peer = Peer::connect(receiver.port);
    let request = Request::new(&[(2, uid::MR, syntaxes), (7, uid::MR, syntaxes), (7, uid::MR, syntaxes)]);
    let Answer::Accepted(accepted) = peer.associate(&request) else { panic!("not accepted") };
    // DCMTK: answers a repeated identifier once; the standard forbids it, so twice is as good.
    let mut results: Vec<_> = accepted.contexts.iter().map(|context| (context.id, context.result)).collect();
    results.dedup();
    assert_eq!(results, [(2, 0), (7, 0)]);
    for context in [2, 7] {
        assert_eq!(peer.store(context, &Object::tiny("1.2.3.1")), 0);
    }
    assert!(peer.release());
}

#[test]
fn a_profile_decides_alone() {
    let base = tempfile::TempDir::new().unwrap();
    let path = base.path().join("profile.cfg");
    let profile = "# two classes, each with its own syntaxes\n\
        [[TransferSyntaxes]]\n[Plain]\nTransferSyntax1 = LittleEndianImplicit\nTransferSyntax2 = 1.2.840.10008.1.2.1\n\
        [Packed]\nTransferSyntax1 = JPEGBaseline\nTransferSyntax2 = LittleEndianExplicit\n\
        [[PresentationContexts]]\n[Some]\nPresentationContext1 = MRImageStorage\\Plain\n\
        PresentationContext2 = 1.2.840.10008.5.1.4.1.1.2\\Packed\n\
        PresentationContext3 = 1.2.840.10008.5.1.4.38.1\\Plain\n\
        [Twice]\nPresentationContext1 = MRImageStorage\\Plain\nPresentationContext2 = MRImageStorage\\Packed\n\
        [[Profiles]]\n[Mixed]\nPresentationContexts = Some\n[Double]\nPresentationContexts = Twice\n";
    std::fs::write(&path, profile).unwrap();
    let path = path.to_str().unwrap();
    let offered = &[uid::EXPLICIT, uid::JPEG_BASELINE, uid::IMPLICIT];
    let request = Request::new(&[
        (1, uid::MR, offered),
        (3, uid::CT, offered),
        (5, uid::SECONDARY_CAPTURE, offered),
        (7, uid::VERIFICATION, offered),
        (9, "1.2.840.10008.5.1.4.38.1", offered),
        (11, uid::MR, &[uid::BIG_ENDIAN]),
    ]);
    for name in ["Mixed", "mixed"] {
        let receiver = Receiver::start(&["-xf", path, name]);
        let Answer::Accepted(accepted) = answer(&receiver, &request) else { panic!("not accepted") };
        let results: Vec<_> = accepted.contexts.iter().map(|context| context.result).collect();
        assert_eq!(results, [0, 0, 3, 3, 0, 4], "{name}");
        assert_eq!(
            [1, 3, 9].map(|id| accepted.syntax(id).unwrap()),
            [uid::IMPLICIT, uid::JPEG_BASELINE, uid::IMPLICIT]
        );
    }
    for (name, line) in [
        ("Nobody", "F: unknown configuration profile name: Nobody"),
        ("Double", "F: profile 'Double' is not valid for SCP use, duplicate abstract syntaxes found"),
    ] {
        let ended = run(storescp(), &["-xf", path, name, "11112"]);
        assert_eq!(ended.code, Some(1));
        // DCMTK: prints names in capitals, as it stores them.
        assert!(ended.err.to_lowercase().contains(&line.to_lowercase()), "{}", ended.err);
    }
}

// --- the answer ------------------------------------------------------------------------------------------------------

#[test]
fn the_acceptance_has_exactly_the_expected_bytes() {
    let request = Request::new(&[
        (1, uid::MR, &[uid::IMPLICIT, uid::EXPLICIT]),
        (3, "1.2.3", &[uid::EXPLICIT]),
        (5, uid::CT, &[uid::RLE]),
    ]);
    let receiver = Receiver::start(&["-aet", "OTHER"]);
    let Answer::Accepted(accepted) = answer(&receiver, &request) else { panic!("not accepted") };
    let user = [
        item(0x51, &16384_u32.to_be_bytes()),
        item(0x52, pacs_core::IMPLEMENTATION_CLASS_UID.as_bytes()),
        item(0x55, pacs_core::IMPLEMENTATION_VERSION_NAME.as_bytes()),
    ];
    let expected = [bytes_of(include_str!("../data/associate_ac.hex")), item(0x50, &user.concat())].concat();
    assert_eq!(accepted.body, expected);
}

#[test]
fn titles_come_back_as_they_were_sent() {
    let receiver = Receiver::start(&[]);
    for (called, calling) in [("lower case", "  BLANK"), ("A\0", "B\0\0\0"), ("XXXXXXXXXXXXXXXX", "YYYYYYYYYYYYYYYY")] {
        let mut request = Request::usual();
        (request.called, request.calling) = (called.into(), calling.into());
        let sent = request.to_bytes();
        let Answer::Accepted(accepted) = answer(&receiver, &request) else { panic!("{called:?} {calling:?}") };
        // DCMTK repeats what it understood, padded again: NULs and leading blanks may be lost.
        let trimmed = |field: &[u8]| {
            let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).trim_matches(' ').to_owned()
        };
        assert_eq!(trimmed(&accepted.body[4..20]), trimmed(&sent[10..26]));
        assert_eq!(trimmed(&accepted.body[20..36]), trimmed(&sent[26..42]));
    }
}

#[test]
fn a_title_of_blanks_is_not_met_with_silence() {
    let receiver = Receiver::start(&[]);
    for (called, calling) in [("", "PEER"), ("ANY-SCP", ""), ("\0", "\0")] {
        let mut request = Request::usual();
        (request.called, request.calling) = (called.into(), calling.into());
        let mut peer = Peer::connect(receiver.port).patient_for(Duration::from_secs(5));
        let answer = peer.associate(&request);
        assert!(!matches!(answer, Answer::Other(Next::Silent)), "{called:?} {calling:?}");
    }
    serves(&receiver);
}

#[test]
fn the_maximum_length_is_announced_and_the_peers_is_logged() {
    for (args, announced) in
        [(&[][..], 16384), (&["-pdu", "4096"], 4096), (&["-pdu", "131072"], 131_072), (&["-pdu", "5001"], 5000)]
    {
        let receiver = Receiver::start(&[&["-v"], args].concat());
        for (peers, sent) in [
            (Some(16384), 16372),
            (Some(0), 131_060),
            (Some(65536), 65524),
            (Some(200_000), 131_060),
            (Some(8193), 8180),
        ] {
            let mut request = Request::usual();
            request.max_length = peers;
            let mut peer = Peer::associated(receiver.port, &request);
            assert_eq!(peer.max_length(), announced);
            assert_eq!(peer.echo(5), 0);
            receiver.wait_log(&format!("I: Association Acknowledged (Max Send PDV: {sent})"), LIMIT);
            assert!(peer.release());
        }
        let warned = receiver.log().contains("W: ASSOC: PDV receive length 5001 is odd (using 5000)");
        assert_eq!(warned, announced == 5000, "{}", receiver.log());
    }
}

#[test]
fn a_peer_that_takes_little_at_once_gets_its_answers_in_pieces() {
    let receiver = Receiver::start(&[]);
    let mut request = Request::usual();
    request.max_length = Some(64);
    let mut peer = Peer::associated(receiver.port, &request);
    assert_eq!(peer.store(1, &Object::tiny("1.2.3.1")), 0);
    assert_eq!(peer.echo(5), 0);
    assert!(peer.release());
}

// --- rejected --------------------------------------------------------------------------------------------------------

#[test]
fn refuse_rejects_everybody() {
    let receiver = Receiver::start(&["-v", "--refuse"]);
    for time in 1..=2 {
        let mut peer = Peer::connect(receiver.port);
        assert!(matches!(peer.associate(&Request::usual()), Answer::Rejected([1, 1, 1])));
        drop(peer);
        receiver.wait_log_times("I: Refusing Association (forced via command line)", time, LIMIT);
    }
}

#[test]
fn reject_wants_an_implementation_class() {
    let mut nameless = Request::usual();
    nameless.implementation = None;
    let receiver = Receiver::start(&["-v", "--reject"]);
    assert!(matches!(answer(&receiver, &nameless), Answer::Rejected([1, 1, 1])));
    receiver.wait_log("I: Association Rejected: No Implementation Class UID provided", LIMIT);
    serves(&receiver);
    let receiver = Receiver::start(&[]);
    assert!(matches!(answer(&receiver, &nameless), Answer::Accepted(_)));
}

#[test]
fn other_protocols_and_contexts_are_rejected() {
    let receiver = Receiver::start(&["-v"]);
    for (protocol, rejected) in [(0, true), (1, false), (2, true), (3, false), (0xFFFE, true), (0xFFFF, false)] {
        let mut request = Request::usual();
        request.protocol = protocol;
        match answer(&receiver, &request) {
            Answer::Rejected(reason) => assert!(rejected && reason == [1, 2, 2], "{protocol:04x}: {reason:?}"),
            Answer::Accepted(_) => assert!(!rejected, "{protocol:04x}"),
            Answer::Other(other) => panic!("{protocol:04x}: {other:?}"),
        }
    }
    receiver.wait_log("E: Receiving Association failed: 0006:0322 DUL Unsupported peer protocol 0000; expected 0001 in parseAssociate", LIMIT);
    for name in [Some("1.2.3"), None] {
        let mut request = Request::usual();
        request.application_context = name.map(str::to_owned);
        assert!(matches!(answer(&receiver, &request), Answer::Rejected([1, 1, 2])), "{name:?}");
    }
    receiver.wait_log("I: Association Rejected: Bad Application Context Name: 1.2.3", LIMIT);
    serves(&receiver);
}

// --- sizes and oddities (S13) ------------------------------------------------------------------------------------------

#[test]
fn user_items_of_all_kinds_are_tolerated_and_not_answered() {
    let receiver = Receiver::start(&[]);
    let mr = [&(uid::MR.len() as u16).to_be_bytes(), uid::MR.as_bytes()].concat();
    let extras = [
        ("window", item(0x53, &[0, 1, 0, 1])),
        ("role", item(0x54, &[&mr[..], &[1, 1]].concat())),
        ("no role", item(0x54, &[&mr[..], &[0, 0]].concat())),
        ("extended", item(0x56, &[&mr[..], &[2, 0]].concat())),
        ("common extended", item(0x57, &[&mr[..], &[0, 3], b"1.2", &[0, 0]].concat())),
        ("identity", item(0x58, b"\x01\0\0\x04user\0\0")),
        ("identity with an answer", item(0x58, b"\x02\x01\0\x04user\0\x04pass")),
        ("unknown", item(0x7E, b"hello")),
        ("unknown and empty", item(0xFF, b"")),
        ("implementation version", item(0x55, b"A VERSION")),
        ("64 KiB identity", item(0x58, &[&[1, 0, 0xFF, 0], [b'x'; 0xFF00].as_slice(), &[0, 0]].concat())),
    ];
    for (case, user_items) in extras {
        let mut request = Request::usual();
        request.user_items = user_items;
        let mut peer = Peer::connect(receiver.port);
        let Answer::Accepted(accepted) = peer.associate(&request) else { panic!("{case}: not accepted") };
        assert_eq!(accepted.user.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [0x51, 0x52, 0x55], "{case}");
        assert_eq!((peer.echo(5), peer.store(1, &Object::tiny("1.2.3.1"))), (0, 0), "{case}");
        assert!(peer.release(), "{case}");
    }
}

#[test]
fn unknown_items_are_passed_over() {
    let receiver = Receiver::start(&[]);
    let mut request = Request::usual();
    request.items = [item(0x77, b"what is this"), item(0x30, b"1.2.3"), item(0, b"")].concat();
    assert!(matches!(answer(&receiver, &request), Answer::Accepted(_)));
    serves(&receiver);
}

#[test]
fn s13_128_contexts_are_all_answered_and_more_do_no_harm() {
    let receiver = Receiver::start(&[]);
    let contexts = |count: u32| -> Request {
        let mut request = Request::usual();
        let syntaxes = vec![uid::EXPLICIT.to_owned(), uid::IMPLICIT.to_owned()];
        request.contexts = (0..count).map(|n| ((2 * n + 1) as u8, uid::MR.to_owned(), syntaxes.clone())).collect();
        request
    };
    let mut peer = Peer::connect(receiver.port);
    let Answer::Accepted(accepted) = peer.associate(&contexts(128)) else { panic!("not accepted") };
    let ids: Vec<_> = accepted.contexts.iter().map(|context| (context.id, context.result)).collect();
    assert_eq!(ids, (0..128).map(|n| (2 * n + 1, 0)).collect::<Vec<_>>());
    assert_eq!(peer.store(255, &Object::tiny("1.2.3.1")), 0);
    assert!(peer.release());
    for count in [129, 1000, 10_000] {
        let mut peer = Peer::connect(receiver.port);
        peer.offer(&contexts(count).to_bytes());
        assert!(!matches!(peer.receive(), Next::Silent), "{count} contexts");
        serves(&receiver);
    }
}

#[test]
fn s13_hordes_of_items_are_answered_in_linear_time() {
    let receiver = Receiver::start(&[]);
    let before = receiver.usage();
    let mut request = Request::new(&[]);
    let requests = [
        ("no context", request.clone()),
        ("65,000 bare contexts", {
            request.items = item(0x20, &[1, 0, 0, 0]).repeat(65_000);
            request.clone()
        }),
        ("65,000 contexts with an empty abstract syntax", {
            request.items = item(0x20, &[&[1, 0, 0, 0][..], &item(0x30, b"")].concat()).repeat(65_000);
            request.clone()
        }),
        ("200,000 unknown items", {
            request.items = item(0x99, b"").repeat(200_000);
            request.clone()
        }),
        ("as many transfer syntaxes as fit", Request::new(&[(1, uid::MR, &["1.2"; 9000])])),
        ("65,000 bytes of context", Request::new(&[(1, uid::MR, &["1.2.840.10008.1.2.9.99"; 2500])])),
        (
            "a transfer syntax of 60,000 bytes",
            Request::new(&[(1, uid::MR, &["1.2.".repeat(15_000).as_str(), uid::EXPLICIT])]),
        ),
    ];
    for (case, request) in requests {
        let mut peer = Peer::connect(receiver.port);
        peer.offer(&request.to_bytes());
        assert!(!matches!(peer.receive(), Next::Silent), "{case}");
        drop(peer);
        serves(&receiver);
    }
    let grown = receiver.usage().peak - before.peak;
    assert!(grown < 32 * 1024, "{grown} KiB more for requests of 1 MiB");
}

#[test]
fn s13_items_that_do_not_fit_are_refused() {
    let receiver = Receiver::start(&[]);
    let whole = Request::usual().to_bytes();
    // Cut the body anywhere, with the PDU's own length right: some item ends too early.
    for length in (0..whole.len() - 6).step_by(3) {
        let mut bytes = whole[..6 + length].to_vec();
        bytes[2..6].copy_from_slice(&(length as u32).to_be_bytes());
        let mut peer = Peer::connect(receiver.port);
        peer.send(&bytes);
        assert!(!matches!(peer.receive(), Next::Silent), "cut at {length}");
    }
    // Every length field of an item made to point far beyond.
    for at in 74..whole.len() - 1 {
        let mut bytes = whole.clone();
        bytes[at] = 0xFF;
        let mut peer = Peer::connect(receiver.port);
        peer.send(&bytes);
        assert!(!matches!(peer.receive(), Next::Silent), "byte {at}");
    }
    serves(&receiver);
}

#[test]
fn a_request_of_a_mebibyte_is_read_and_a_longer_one_refused() {
    let receiver = Receiver::start_with(Start::new(storescp()).args(["-v"]));
    let mut request = Request::usual();
    let room = (1 << 20) + 6 - request.to_bytes().len();
    // Unknown items: fifteen of the greatest even length and one that fills up the rest.
    request.items = item(0x99, &[0; 0xFFFE]).repeat(15);
    request.items.extend(item(0x99, &vec![0; room - request.items.len() - 4]));
    assert_eq!(request.to_bytes().len() - 6, 1 << 20);
    assert!(matches!(answer(&receiver, &request), Answer::Accepted(_)));
    request.items.extend(item(0x99, b""));
    let mut peer = Peer::connect(receiver.port);
    peer.offer(&request.to_bytes());
    let end = peer.receive();
    assert!(end.gone() || end.abort().is_some(), "{end:?}");
    receiver.wait_log("E: A-ASSOCIATE PDU too large: 1048580 bytes, refusing.", LIMIT);
    receiver.wait_log("E: Receiving Association failed: 0006:0437 A-ASSOCIATE PDU too large", LIMIT);
    serves(&receiver);
}
