//! Peers that break the rules, by malice or by mistake. Each case ends well: the association is aborted or answered,
//! everybody else is served, memory stays where it was, and the log tells what happened without being abused.

use std::time::Duration;

use pacs_testing::{
    ABORT, Answer, Command, Generated, LIMIT, Next, Object, Part10, Peer, RELEASE_RP, RELEASE_RQ, Request, Start,
    bytes_of, element, message, pdu, pdv, same_bytes, uid,
};

use crate::receiver::{MODES, Receiver, ends, floods_in_vain, serves, storescp};

/// The association ends with an A-ABORT of this source and reason (PS3.8 9.3.8), and is closed at once.
fn aborts(peer: &mut Peer, source_and_reason: &[(u8, u8)], case: &str) {
    let end = peer.receive();
    assert!(end.abort().is_some_and(|found| source_and_reason.contains(&found)), "{case}: {end:?}");
    assert!(peer.closed(), "{case}: not closed");
}

// --- PDUs where they do not belong (S27: PS3.8 table 9-10) ---------------------------------------------------------------

/// One PDU of each type, correct but for its place, and some of no type.
fn every_pdu() -> Vec<(&'static str, Vec<u8>)> {
    let mut acceptance = Request::usual().to_bytes();
    acceptance[0] = 2;
    vec![
        ("A-ASSOCIATE-RQ", Request::usual().to_bytes()),
        ("A-ASSOCIATE-AC", acceptance),
        ("A-ASSOCIATE-RJ", pdu(3, &[0, 1, 1, 1])),
        ("P-DATA-TF", message(5, &Command::echo(1).to_bytes(), None, 16384)),
        ("A-RELEASE-RQ", RELEASE_RQ.to_vec()),
        ("A-RELEASE-RP", RELEASE_RP.to_vec()),
        ("A-ABORT", ABORT.to_vec()),
        ("type 0", pdu(0, &[0; 4])),
        ("type 8", pdu(8, &[0; 4])),
        ("type 255", pdu(255, &[0; 4])),
    ]
}

#[test]
fn s27_every_pdu_instead_of_a_request() {
    let receiver = Receiver::start(&[]);
    for (case, bytes) in every_pdu() {
        let mut peer = Peer::connect(receiver.port);
        peer.send(&bytes);
        match case {
            "A-ASSOCIATE-RQ" => assert!(matches!(peer.association_answer(), Answer::Accepted(_))),
            // AA-2: close.
            "A-ABORT" => assert!(peer.receive().gone()),
            // DCMTK: closes without a word. AA-1 asks for an A-ABORT.
            _ if case.starts_with("type") => ends(&mut peer, case),
            // AA-1: A-ABORT, the user being the source; DCMTK and others name the provider.
            _ => aborts(&mut peer, &[(0, 0), (2, 2)], case),
        }
        drop(peer);
        serves(&receiver);
    }
}

#[test]
fn s27_every_pdu_within_an_association() {
    let receiver = Receiver::start(&[]);
    for (case, bytes) in every_pdu() {
        let mut peer = Peer::usual(receiver.port);
        peer.send(&bytes);
        match case {
            "P-DATA-TF" => assert_eq!(peer.response().map(|response| response.status()), Ok(0)),
            "A-RELEASE-RQ" => assert!(matches!(peer.receive(), Next::Pdu(pdu) if pdu.kind == 6)),
            // AA-3: close.
            "A-ABORT" => assert!(peer.receive().gone()),
            // AA-8: A-ABORT, provider, unrecognized PDU.
            _ if case.starts_with("type") => aborts(&mut peer, &[(2, 1)], case),
            // AA-8: A-ABORT, provider, unexpected PDU.
            _ => aborts(&mut peer, &[(2, 2)], case),
        }
        drop(peer);
        serves(&receiver);
    }
}

#[test]
fn s27_every_pdu_within_a_data_set() {
    let object = Object::tiny("1.2.3.1");
    for mode in MODES {
        let receiver = Receiver::start(mode);
        for (case, bytes) in every_pdu() {
            let mut peer = Peer::usual(receiver.port);
            peer.send_message(1, &Command::store_of(1, &object), None);
            peer.send(&pdu(4, &pdv(1, 0, &object.data[..20])));
            peer.send(&bytes);
            if case == "A-RELEASE-RQ" {
                // AR-2: the release may be answered, or the association aborted by its user for the unfinished message.
                let answer = peer.receive();
                assert!(answer.abort().is_some() || matches!(&answer, Next::Pdu(pdu) if pdu.kind == 6), "{answer:?}");
            } else {
                ends(&mut peer, case);
            }
            drop(peer);
            serves(&receiver);
            let stored = receiver.stored();
            assert_eq!(stored, ["MR.1.2.3.99"], "{case} {mode:?}: nothing of the broken object");
        }
    }
}

#[test]
fn a_peer_of_another_protocol_is_told_apart_in_the_log() {
    let receiver = Receiver::start(&[]);
    let hello = bytes_of(include_str!("../data/client_hello.hex"));
    let cases = [
        (hello.as_slice(), "Unrecognized PDU type: 16", "TLS"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "Unrecognized PDU type: 47", "HTTP"),
        (
            b"POST /studies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
            "Unrecognized PDU type: 50",
            "HTTP",
        ),
    ];
    for (bytes, line, name) in cases {
        let before = receiver.log().len();
        let mut peer = Peer::connect(receiver.port);
        peer.send(bytes);
        ends(&mut peer, name);
        receiver.wait_log(&format!("E: Receiving Association failed: 0006:0321 {line}"), LIMIT);
        assert!(receiver.logs(name, LIMIT) && receiver.log()[before..].contains(name), "{}", receiver.log());
        serves(&receiver);
    }
}

// --- lengths (section C) ---------------------------------------------------------------------------------------------------

#[test]
fn s10_a_pdu_of_four_gibibytes_is_refused_by_its_header() {
    let receiver = Receiver::start(&[]);
    serves(&receiver);
    let before = receiver.usage();
    for kind in 1..=7 {
        let header = [&[kind, 0][..], &0xFFFF_FFF0_u32.to_be_bytes()].concat();
        for (state, mut peer) in [("before", Peer::connect(receiver.port)), ("after", Peer::usual(receiver.port))] {
            peer.send(&header);
            ends(&mut peer, &format!("type {kind} {state} the association"));
        }
    }
    // The same with a flood behind it.
    for kind in [1, 4, 9] {
        for mut peer in [Peer::connect(receiver.port), Peer::usual(receiver.port)] {
            peer.offer(&[&[kind, 0][..], &0xFFFF_FFF0_u32.to_be_bytes()].concat());
            floods_in_vain(&mut peer, &[0; 1 << 16], &format!("type {kind}"));
        }
    }
    serves(&receiver);
    let grown = receiver.usage().peak - before.peak;
    assert!(grown < 2048, "{grown} KiB more");
}

#[test]
fn s11_the_announced_maximum_is_taken_and_no_byte_more() {
    for maximum in [4096_u32, 16384, 131_072] {
        let receiver = Receiver::start(&["-pdu", &maximum.to_string()]);
        let fragment = maximum as usize - 6;
        let object = Object::with_pixels("1.2.3.1", 3 * fragment, 1);
        let command = message(1, &Command::store_of(1, &object).to_bytes(), None, maximum);
        let mut peer = Peer::usual(receiver.port);
        peer.send(&command);
        peer.send(&pdu(4, &pdv(1, 0, &object.data[..fragment])));
        peer.send(&pdu(4, &pdv(1, 0, &object.data[fragment..2 * fragment])));
        peer.send(&pdu(4, &pdv(1, 0, &object.data[2 * fragment..3 * fragment])));
        peer.send(&pdu(4, &pdv(1, 2, &object.data[3 * fragment..])));
        assert_eq!(peer.response().map(|response| response.status()), Ok(0));
        assert_eq!(receiver.data("MR.1.2.3.1"), object.data);
        let mut peer = Peer::usual(receiver.port);
        peer.send(&command);
        peer.offer(&pdu(4, &pdv(1, 0, &object.data[..fragment + 1])));
        ends(&mut peer, "one byte too many");
        serves(&receiver);
    }
}

#[test]
fn s12_pdvs_that_do_not_fit_their_pdu() {
    let object = Object::tiny("1.2.3.1");
    let command = Command::store_of(1, &object).to_bytes();
    let lying = |length: u32| [&length.to_be_bytes()[..], &[1, 2], &object.data].concat();
    let right = object.data.len() as u32 + 2;
    let mut cases: Vec<(String, Vec<u8>)> = (0..=5).map(|n| (format!("PDU of {n} bytes"), vec![0; n])).collect();
    for length in [
        0,
        1,
        right - 1,
        right + 1,
        1 << 16,
        (1 << 31) - 2,
        1 << 31,
        u32::MAX - 6,
        u32::MAX - 3,
        u32::MAX - 1,
        u32::MAX,
    ] {
        cases.push((format!("PDV length {length}"), lying(length)));
    }
    cases.push(("bytes behind the last PDV".into(), [pdv(1, 2, &object.data), vec![0; 3]].concat()));
    cases.push((
        "half a PDV behind a whole one".into(),
        [pdv(1, 0, &object.data), pdv(1, 2, &[0; 10])[..9].to_vec()].concat(),
    ));
    cases
        .push(("a PDV of length 1 behind a whole one".into(), [pdv(1, 0, &object.data), vec![0, 0, 0, 1, 1]].concat()));
    for mode in MODES {
        let receiver = Receiver::start(mode);
        for (case, body) in &cases {
            let mut peer = Peer::usual(receiver.port);
            peer.send(&pdu(4, &pdv(1, 3, &command)));
            peer.send(&pdu(4, body));
            ends(&mut peer, case);
            serves(&receiver);
            assert_eq!(receiver.stored(), ["MR.1.2.3.99"], "{case} {mode:?}");
        }
    }
}

#[test]
fn pdvs_on_a_context_that_is_not_theirs() {
    let object = Object::tiny("1.2.3.1");
    let command = Command::store_of(1, &object).to_bytes();
    let cases = [
        ("a context never proposed", [pdu(4, &pdv(77, 3, &command)), pdu(4, &pdv(77, 2, &object.data))].concat()),
        ("a context of even number", pdu(4, &pdv(2, 3, &Command::echo(1).to_bytes()))),
        ("a refused context", pdu(4, &pdv(7, 3, &Command::echo(1).to_bytes()))),
        (
            "data on another context than the command",
            [pdu(4, &pdv(1, 3, &command)), pdu(4, &pdv(3, 2, &object.data))].concat(),
        ),
        (
            "context changes within the data",
            [pdu(4, &pdv(1, 3, &command)), pdu(4, &[pdv(1, 0, &object.data), pdv(3, 2, &[])].concat())].concat(),
        ),
        (
            "context changes within the command",
            pdu(4, &[pdv(1, 1, &command[..20]), pdv(3, 3, &command[20..])].concat()),
        ),
    ];
    for mode in MODES {
        let receiver = Receiver::start(mode);
        for (case, bytes) in &cases {
            let mut request = Request::usual();
            request.contexts.push((7, "1.2.3".to_owned(), vec![uid::IMPLICIT.to_owned()]));
            let mut peer = Peer::associated(receiver.port, &request);
            peer.send(bytes);
            ends(&mut peer, case);
            serves(&receiver);
            assert_eq!(receiver.stored(), ["MR.1.2.3.99"], "{case} {mode:?}");
        }
    }
}

#[test]
fn s14_lying_element_lengths_cost_no_memory() {
    let head = Object::tiny("1.2.3.1").data;
    let long = |vr: &[u8; 2], length: u32, value: &[u8]| {
        [&head[..], &[0xE0, 0x7F, 0x10, 0], vr, &[0, 0], &length.to_le_bytes(), value].concat()
    };
    let cases = [
        ("4 GiB of pixels announced", long(b"OW", 0xFFFF_FFFE, &[0; 100])),
        ("undefined length without an end", long(b"OB", 0xFFFF_FFFF, &[0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0])),
        ("an item of 4 GiB", long(b"OB", 0xFFFF_FFFF, &[0xFE, 0xFF, 0, 0xE0, 0xFE, 0xFF, 0xFF, 0xFF])),
        ("a sequence of 4 GiB", [&head[..], b"\x40\0\x00\x01SQ\0\0\xfe\xff\xff\xff"].concat()),
        ("an odd length", long(b"OW", 3, &[0; 3])),
        ("a lying group length", [element(8, 0, "UL", &0xFFFF_FFFF_u32.to_le_bytes()), head.clone()].concat()),
        ("half an element", head[..head.len() - 3].to_vec()),
        ("rubbish", b"this is not a data set, not at all......".to_vec()),
    ];
    for (mode, looks) in [(&[][..], true), (&["+B"], false)] {
        let receiver = Receiver::start(mode);
        serves(&receiver);
        let before = receiver.usage();
        for (case, data) in &cases {
            let mut peer = Peer::usual(receiver.port);
            let answer = peer.try_store(1, &Object::tiny("1.2.3.1").with_data(data.clone()));
            match answer {
                Ok(status) if looks => assert!([0, 0xA700, 0xA900, 0xC000].contains(&status), "{case}: {status:04x}"),
                Ok(status) => {
                    assert_eq!(status, 0, "{case}: +B does not look inside");
                    assert_eq!(&receiver.data("MR.1.2.3.1"), data);
                }
                Err(end) => assert!(looks && end.abort().is_some(), "{case}: {end:?}"),
            }
            serves(&receiver);
        }
        let grown = receiver.usage().peak - before.peak;
        assert!(grown < 2048, "{grown} KiB more");
    }
}

#[test]
fn s19_deep_nesting_needs_no_stack() {
    let item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff\x40\x00\x00\x01SQ\0\0\xff\xff\xff\xff";
    for mode in MODES {
        let receiver = Receiver::start(mode);
        for depth in [65, 1000, 200_000] {
            let mut data = Object::tiny("1.2.3.1").data;
            data.extend_from_slice(b"\x40\x00\x00\x01SQ\0\0\xff\xff\xff\xff");
            data.extend(item.repeat(depth));
            data.extend(b"\xfe\xff\xdd\xe0\0\0\0\0\xfe\xff\x0d\xe0\0\0\0\0".repeat(depth));
            data.extend_from_slice(b"\xfe\xff\xdd\xe0\0\0\0\0");
            let mut peer = Peer::usual(receiver.port);
            let answer = peer.try_store(1, &Object::tiny("1.2.3.1").with_data(data));
            assert!(!matches!(answer, Err(Next::Silent)), "{depth} deep");
            assert!(mode.is_empty() || answer == Ok(0), "{depth} deep: +B does not look inside: {answer:?}");
            serves(&receiver);
        }
    }
}

#[test]
fn s16_a_large_object_takes_no_more_memory_than_a_small_one() {
    for mode in MODES {
        let receiver = Receiver::start(mode);
        serves(&receiver);
        let before = receiver.usage();
        let generated = Generated::new("1.2.3.1", 96 << 20, 1);
        let mut peer = Peer::usual(receiver.port);
        assert_eq!(peer.store_generated(1, &generated), 0);
        let grown = receiver.usage().peak - before.peak;
        assert!(grown < 8192, "{grown} KiB more {mode:?}");
        assert!(same_bytes(generated.reader(), Part10::data_reader(&receiver.out().join("MR.1.2.3.1"))));
    }
}

#[test]
#[ignore = "writes 5 GiB to the folder for temporary files"]
fn s16_an_object_of_five_gibibytes() {
    let receiver = Receiver::start(&["+B", "-pdu", "131072"]);
    serves(&receiver);
    let before = receiver.usage();
    let generated = Generated::new("1.2.3.1", 5 << 30, 1);
    let mut peer = Peer::usual(receiver.port).patient_for(Duration::from_secs(600));
    assert_eq!(peer.store_generated(1, &generated), 0);
    let grown = receiver.usage().peak - before.peak;
    assert!(grown < 8192, "{grown} KiB more");
    assert!(same_bytes(generated.reader(), Part10::data_reader(&receiver.out().join("MR.1.2.3.1"))));
}

// --- descriptors -------------------------------------------------------------------------------------------------------

#[test]
fn a_missing_file_descriptor_is_no_end() {
    // With few descriptors some peers cannot be served; the others are, and all once there are descriptors again.
    let receiver = Receiver::start_with(Start::new(storescp()).after("ulimit -n 24"));
    let peers: Vec<_> = (0..60).map(|_| Peer::connect(receiver.port)).collect();
    std::thread::sleep(Duration::from_millis(300));
    drop(peers);
    let mut last = None;
    let served = pacs_testing::within(LIMIT, || {
        let mut peer = Peer::connect(receiver.port).patient_for(Duration::from_secs(5));
        peer.offer(&Request::usual().to_bytes());
        last = Some(peer.association_answer());
        matches!(last, Some(Answer::Accepted(_)))
    });
    assert!(served, "{last:?}\n{}", receiver.log());
    serves(&receiver);
}
