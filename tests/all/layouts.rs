//! Layouts of messages in PDUs and PDVs (PS3.8 9.3.5, annex E; cases S51 and S12): however a message is cut, the same
//! object arrives.

use std::fs;
use std::time::Duration;

use pacs_testing::{Answer, Command, Next, Object, Peer, RELEASE_RQ, Request, message, pdu, pdv, uid};

use crate::receiver::{MODES, Receiver};

#[test]
fn s51_every_legal_layout_carries_the_same_object() {
    let object = Object::with_pixels("1.2.3.1", 400, 5);
    let command = Command::store_of(1, &object).to_bytes();
    let data = &object.data;
    let single = |flags: u8, bytes: &[u8]| pdu(4, &pdv(1, flags, bytes));
    let pieces = |bytes: &[u8], size: usize, flag: u8| -> Vec<Vec<u8>> {
        let count = bytes.len().div_ceil(size);
        let last = |index| if index + 1 == count { 2 } else { 0 };
        bytes.chunks(size).enumerate().map(|(index, part)| pdv(1, flag | last(index), part)).collect()
    };
    let tenth = data.len().div_ceil(10);
    let layouts = [
        ("one PDU each", [single(3, &command), single(2, data)].concat()),
        ("command and data in one PDU", pdu(4, &[pdv(1, 3, &command), pdv(1, 2, data)].concat())),
        ("a command and two data PDVs", pdu(4, &[vec![pdv(1, 3, &command)], pieces(data, 300, 0)].concat().concat())),
        ("a command and three data PDVs", pdu(4, &[vec![pdv(1, 3, &command)], pieces(data, 200, 0)].concat().concat())),
        ("two command PDVs and data", pdu(4, &[pieces(&command, 70, 1), vec![pdv(1, 2, data)]].concat().concat())),
        ("three command PDVs", [pdu(4, &pieces(&command, 50, 1).concat()), single(2, data)].concat()),
        ("ten data PDVs", [single(3, &command), pdu(4, &pieces(data, tenth, 0).concat())].concat()),
        (
            "ten PDUs of data",
            [vec![single(3, &command)], pieces(data, tenth, 0).iter().map(|p| pdu(4, p)).collect()].concat().concat(),
        ),
        ("data from one PDU into the next", {
            let parts = pieces(data, 100, 0);
            [pdu(4, &[pdv(1, 3, &command), parts[0].clone()].concat()), pdu(4, &parts[1..].concat())].concat()
        }),
        ("an empty last PDV", [single(3, &command), single(0, data), single(2, &[])].concat()),
        (
            "an empty last PDV in the same PDU",
            [single(3, &command), pdu(4, &[pdv(1, 0, data), pdv(1, 2, &[])].concat())].concat(),
        ),
        ("an empty first PDV", [single(3, &command), single(0, &[]), single(2, data)].concat()),
        ("an empty command PDV first", [single(1, &[]), single(3, &command), single(2, data)].concat()),
        ("an empty last command PDV", [single(1, &command), single(3, &[]), single(2, data)].concat()),
        (
            "command in pieces",
            [
                vec![single(1, &command[..30]), single(1, &command[30..33]), single(3, &command[33..])],
                vec![single(2, data)],
            ]
            .concat()
            .concat(),
        ),
        (
            "command byte by byte",
            [pieces(&command, 1, 1).iter().map(|p| pdu(4, p)).collect(), vec![single(2, data)]].concat().concat(),
        ),
        (
            "data byte by byte",
            [vec![single(3, &command)], pieces(data, 1, 0).iter().map(|p| pdu(4, p)).collect()].concat().concat(),
        ),
        (
            "pieces of odd length",
            [vec![single(3, &command)], pieces(data, 33, 0).iter().map(|p| pdu(4, p)).collect()].concat().concat(),
        ),
    ];
    for mode in MODES {
        let receiver = Receiver::start(mode);
        for (layout, bytes) in &layouts {
            let mut peer = Peer::usual(receiver.port);
            peer.send(bytes);
            assert_eq!(peer.response().map(|response| response.status()), Ok(0), "{layout} {mode:?}");
            assert_eq!(receiver.stored(), ["MR.1.2.3.1"], "{layout} {mode:?}");
            assert_eq!(&receiver.data("MR.1.2.3.1"), data, "{layout} {mode:?}");
            assert!(peer.release(), "{layout} {mode:?}");
            fs::remove_file(receiver.out().join("MR.1.2.3.1")).unwrap();
        }
    }
}

#[test]
fn s12_a_large_object_in_one_byte_fragments_takes_linear_time() {
    let object = Object::with_pixels("1.2.3.1", 200_000, 5);
    let receiver = Receiver::start(&["-pdu", "131072"]);
    let mut peer = Peer::usual(receiver.port);
    peer.send_message(1, &Command::store_of(1, &object), None);
    let fragments: Vec<_> = object.data.iter().map(|&byte| pdv(1, 0, &[byte])).collect();
    for body in fragments.chunks(10_000) {
        peer.send(&pdu(4, &body.concat()));
    }
    peer.send(&pdu(4, &pdv(1, 2, &[])));
    assert_eq!(peer.response().map(|response| response.status()), Ok(0));
    assert_eq!(receiver.data("MR.1.2.3.1"), object.data);
}

#[test]
fn a_conversation_may_be_cut_anywhere() {
    let object = Object::tiny("1.2.3.1");
    let receiver = Receiver::start(&[]);
    let request = Request::new(&[(1, uid::MR, &[uid::EXPLICIT])]);
    let opening = request.to_bytes();
    let rest = [message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), 16384), RELEASE_RQ.to_vec()]
        .concat();
    let send_cut = |peer: &mut Peer, bytes: &[u8], at: usize| {
        peer.send(&bytes[..at]);
        std::thread::sleep(Duration::from_micros(500));
        peer.send(&bytes[at..]);
    };
    for at in 0..opening.len().max(rest.len()) {
        let mut peer = Peer::connect(receiver.port);
        send_cut(&mut peer, &opening, at.min(opening.len()));
        assert!(matches!(peer.association_answer(), Answer::Accepted(_)), "cut at {at}");
        send_cut(&mut peer, &rest, at.min(rest.len()));
        assert_eq!(peer.response().map(|response| response.status()), Ok(0), "cut at {at}");
        assert!(matches!(peer.receive(), Next::Pdu(pdu) if pdu.kind == 6), "cut at {at}");
        assert_eq!(receiver.data("MR.1.2.3.1"), object.data, "cut at {at}");
    }
}

#[test]
fn a_conversation_may_come_byte_by_byte() {
    let object = Object::tiny("1.2.3.1");
    for mode in MODES {
        let receiver = Receiver::start(mode);
        let mut peer = Peer::connect(receiver.port);
        assert!(peer.trickle(&Request::usual().to_bytes(), Duration::ZERO));
        assert!(matches!(peer.association_answer(), Answer::Accepted(_)));
        let bytes = message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), 16384);
        assert!(peer.trickle(&bytes, Duration::from_micros(100)));
        assert_eq!(peer.response().map(|response| response.status()), Ok(0));
        assert!(peer.trickle(&RELEASE_RQ, Duration::from_micros(100)));
        assert!(matches!(peer.receive(), Next::Pdu(pdu) if pdu.kind == 6));
        assert_eq!(receiver.data("MR.1.2.3.1"), object.data);
    }
}
