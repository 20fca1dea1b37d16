//! What the log shows of peers: enough to find the fault, no patient, and nothing that a terminal would obey.

use pacs_testing::{Answer, Command, LIMIT, Object, Peer, Request, pdu, tag, uid};

use crate::receiver::{MODES, Receiver, ends, serves};

/// Each line of the log begins with its level, and holds no character that a terminal would obey.
fn assert_clean(receiver: &Receiver) {
    let text = String::from_utf8(receiver.log_bytes()).expect("a log of UTF-8");
    for line in text.lines() {
        let level = line.get(..3).unwrap_or_default();
        assert!(["T: ", "D: ", "I: ", "W: ", "E: ", "F: "].contains(&level), "forged or broken line: {line:?}");
    }
    let output = receiver.out_lines().concat();
    let odd = text.chars().filter(|&c| c != '\n').chain(output.chars()).find(|c| c.is_control());
    assert_eq!(odd, None, "{text:?}");
}

#[test]
fn s48_nothing_a_peer_sends_reaches_the_log_raw() {
    let nasty =
        ["\x1b[31mRED\x1b[0m", "A\nE: forged", "A\r\nW: x", "\x07\x08\x7f", "\u{9b}31m", "tab\there", "\x1b]0;t\x07"];
    for level in ["-v", "-d", "-q"] {
        let verbose = if level == "-q" { &[level][..] } else { &[level, "+v"] };
        for mode in MODES {
            let receiver = Receiver::start(&[verbose, mode].concat());
            for text in nasty {
                let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
                let mut request = Request::usual();
                (request.called, request.calling) = (latin.clone(), latin.clone());
                request.contexts.push((7, text.to_owned(), vec![text.to_owned(), uid::IMPLICIT.to_owned()]));
                request.user_items = pacs_testing::item(0x55, &latin);
                let identity = [&[2, 0, 0, latin.len() as u8], &latin[..], &[0, latin.len() as u8], &latin].concat();
                request.user_items.extend(pacs_testing::item(0x58, &identity));
                let mut peer = Peer::connect(receiver.port);
                if let Answer::Accepted(_) = peer.associate(&request) {
                    let mut object = Object::tiny("1.2.3.1");
                    object.instance = text.to_owned();
                    let command = Command::store_of(1, &object).set(tag::MOVE_ORIGINATOR_TITLE, &latin);
                    peer.send_message(1, &command, Some(&object.data));
                    let _ = peer.response();
                }
                request.application_context = Some(text.to_owned());
                let mut peer = Peer::connect(receiver.port);
                peer.send(&request.to_bytes());
                peer.receive();
                let mut peer = Peer::usual(receiver.port);
                peer.send_message(1, &Command::store(1, text, text).number(tag::COMMAND_FIELD, 0x20), None);
                peer.receive();
            }
            serves(&receiver);
            assert_clean(&receiver);
        }
    }
}

#[test]
fn s49_no_patient_in_the_log_unless_asked_for() {
    for args in [&[][..], &["-v"]] {
        let receiver = Receiver::start(args);
        serves(&receiver);
        let mut peer = Peer::usual(receiver.port);
        let mut broken = Object::tiny("1.2.3.1").data;
        broken.truncate(broken.len() - 3);
        let _ = peer.try_store(1, &Object::tiny("1.2.3.1").with_data(broken));
        drop(peer);
        serves(&receiver);
        assert!(!receiver.log().contains("Doe"), "{}", receiver.log());
    }
}

#[test]
fn a_fault_names_the_peer() {
    let receiver = Receiver::start(&[]);
    let mut request = Request::usual();
    request.calling = b"BAD_PEER".to_vec();
    let mut peer = Peer::associated(receiver.port, &request);
    peer.send(&pdu(9, &[0; 4]));
    ends(&mut peer, "type 9");
    let log = receiver.wait_log("DIMSE failure (aborting association): ", LIMIT);
    assert!(log.contains("127.0.0.1") || log.contains("localhost"), "{log}");
    assert!(log.contains("BAD_PEER"), "{log}");
}
