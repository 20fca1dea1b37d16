//! Commands that lack, distort or contradict something, come unasked for, or do not wait for their answers.

use pacs_testing::{Command, LIMIT, Next, Object, Peer, RELEASE_RQ, element, message, pdu, pdv, tag, uid};

use crate::receiver::{MODES, Receiver, ends, floods_in_vain, serves};

#[test]
fn s15_commands_that_lack_or_distort_elements() {
    let object = Object::tiny("1.2.3.1");
    let store = || Command::store_of(1, &object);
    let class = tag::AFFECTED_SOP_CLASS_UID;
    let instance = tag::AFFECTED_SOP_INSTANCE_UID;
    // Some can be understood all the same; where success is no answer at all, `fatal` says so.
    let cases = [
        ("empty", true, Command::empty()),
        ("no message id", false, store().without(tag::MESSAGE_ID)),
        ("no command field", true, store().without(tag::COMMAND_FIELD)),
        ("no class", true, store().without(class)),
        ("no instance", true, store().without(instance)),
        ("no data set type", false, store().without(tag::DATA_SET_TYPE)),
        ("no priority", false, store().without(tag::PRIORITY)),
        ("empty class", false, store().set(class, b"")),
        ("empty instance", true, store().set(instance, b"")),
        ("instance of 65 characters", true, store().uid(instance, &"1".repeat(65))),
        ("instance of 4000 characters", true, store().uid(instance, &"1".repeat(4000))),
        ("class of 4000 characters", true, store().uid(class, &"1".repeat(4000))),
        ("message id of one byte", false, store().set(tag::MESSAGE_ID, &[1])),
        ("message id of four bytes", false, store().set(tag::MESSAGE_ID, &[1, 0, 0, 0])),
        ("empty message id", false, store().set(tag::MESSAGE_ID, b"")),
        ("command field of one byte", true, store().set(tag::COMMAND_FIELD, &[1])),
        ("empty command field", true, store().set(tag::COMMAND_FIELD, b"")),
        ("empty data set type", false, store().set(tag::DATA_SET_TYPE, b"")),
        ("every element twice", false, store().doubled()),
        ("group length too small", false, store().group_length(Some(1))),
        ("group length too large", false, store().group_length(Some(0xFFFF_FFFF))),
        ("no group length", false, store().group_length(None)),
        ("an unknown element", false, store().add(0x5110, b"what")),
    ];
    for mode in MODES {
        let receiver = Receiver::start(mode);
        for (case, fatal, command) in &cases {
            let mut peer = Peer::usual(receiver.port);
            let bytes = message(1, &command.to_bytes(), Some(&object.data), peer.max_length());
            peer.offer(&bytes);
            match peer.response() {
                Ok(response) => assert!(!fatal || response.status() != 0, "{case} {mode:?}"),
                Err(end) => assert!(end.abort().is_some() || end.gone(), "{case} {mode:?}: {end:?}"),
            }
            drop(peer);
            serves(&receiver);
        }
    }
}

#[test]
fn s15_bytes_that_are_no_command() {
    let echo = Command::echo(1).to_bytes();
    let lying = |length: u32| [&echo[..], &[0, 0, 0, 0x51], &length.to_le_bytes(), &[0; 4]].concat();
    let receiver = Receiver::start(&[]);
    for (case, bytes) in [
        ("rubbish", b"this is no command set, not at all".to_vec()),
        ("zeros", vec![0; 100]),
        ("a command cut short", echo[..echo.len() - 1].to_vec()),
        ("an element header cut short", [&echo[..], &[0, 0, 0]].concat()),
        ("an element longer than the command", lying(5)),
        ("an element of 4 GiB", lying(u32::MAX)),
        ("an element near 2^31", lying(1 << 31)),
        ("an element of another group", [&echo[..], &[8, 0, 0x16, 0, 2, 0, 0, 0, b'1', 0]].concat()),
        ("explicit VR", element(0, 0x0100, "US", &[0x30, 0])),
    ] {
        let mut peer = Peer::usual(receiver.port);
        peer.send(&message(5, &bytes, None, 16384));
        match peer.response() {
            Ok(response) => assert_eq!(case, "an element of another group", "{response:?}"),
            Err(end) => assert!(end.abort().is_some(), "{case}: {end:?}"),
        }
        drop(peer);
        serves(&receiver);
    }
}

#[test]
fn s15_a_command_may_be_long_but_not_endless() {
    let receiver = Receiver::start(&[]);
    serves(&receiver);
    let before = receiver.usage();
    let mut peer = Peer::usual(receiver.port);
    peer.send_message(5, &Command::echo(1).add(0x5110, &[b' '; 60_000]), None);
    assert_eq!(peer.response().map(|response| response.status()), Ok(0));
    // An element of 64 MiB is announced, and comes.
    let mut bytes = Command::echo(1).to_bytes();
    bytes.extend_from_slice(&[0, 0, 0x10, 0x51]);
    bytes.extend_from_slice(&(64_u32 << 20).to_le_bytes());
    peer.send(&pdu(4, &pdv(5, 1, &bytes)));
    let part = pdu(4, &pdv(5, 1, &[b' '; 16_000]));
    floods_in_vain(&mut peer, &part, "a command of 64 MiB");
    // Empty fragments without end are no way around the limit either.
    let mut peer = Peer::usual(receiver.port);
    let empty = pdu(4, &pdv(5, 1, &[]).repeat(2000));
    for _ in 0..500 {
        peer.offer(&empty);
    }
    drop(peer);
    serves(&receiver);
    let grown = receiver.usage().peak - before.peak;
    assert!(grown < 2048, "{grown} KiB more");
}

#[test]
fn s22_commands_nobody_asked_for() {
    let receiver = Receiver::start(&[]);
    for field in [0x0010, 0x0020, 0x0021, 0x0140, 0x0FFF, 0x8001, 0x8030, 0x8020, 0, 2, 0x00FF, 0x7FFF, 0xFFFF] {
        for data_set in [None, Some(Object::tiny("1.2.3.1").data)] {
            let command = Command::store(1, uid::MR, "1.2.3.1")
                .number(tag::COMMAND_FIELD, field)
                .number(tag::DATA_SET_TYPE, if data_set.is_some() { 1 } else { 0x0101 })
                .number(tag::MESSAGE_ID_BEING_RESPONDED_TO, 1)
                .number(tag::STATUS, 0);
            let mut peer = Peer::usual(receiver.port);
            let bytes = message(1, &command.to_bytes(), data_set.as_deref(), 16384);
            peer.send(&bytes);
            ends(&mut peer, &format!("command {field:04x}"));
        }
        serves(&receiver);
    }
    let log = receiver.wait_log("E: Expected C-ECHO or C-STORE request but received DIMSE command 0x0020", LIMIT);
    assert!(log.contains("E: DIMSE failure (aborting association): 0006:0201 DIMSE Bad command type"), "{log}");
    assert_eq!(receiver.stored(), ["MR.1.2.3.99"]);
}

#[test]
fn s22_data_set_flags_that_contradict_what_follows() {
    let object = Object::tiny("1.2.3.1");
    let store = Command::store_of(1, &object);
    let cases = [
        (
            "a store without a data set",
            message(1, &store.clone().number(tag::DATA_SET_TYPE, 0x0101).to_bytes(), None, 16384),
        ),
        (
            "an echo with a data set",
            message(5, &Command::echo(1).number(tag::DATA_SET_TYPE, 1).to_bytes(), Some(&object.data), 16384),
        ),
        ("data behind an echo without a data set", message(5, &Command::echo(1).to_bytes(), Some(&object.data), 16384)),
        ("data without a command", pdu(4, &pdv(1, 2, &object.data))),
        (
            "a command where data are due",
            [message(1, &store.to_bytes(), None, 16384), message(5, &Command::echo(2).to_bytes(), None, 16384)]
                .concat(),
        ),
        ("a command within the data", {
            let begun = [pdv(1, 3, &store.to_bytes()), pdv(1, 0, &object.data)].concat();
            [pdu(4, &begun), message(5, &Command::echo(2).to_bytes(), None, 16384)].concat()
        }),
    ];
    for mode in MODES {
        let receiver = Receiver::start(mode);
        for (case, bytes) in &cases {
            let mut peer = Peer::usual(receiver.port);
            peer.send(bytes);
            if case.starts_with("data behind") {
                // The echo itself is in order.
                assert_eq!(peer.response().map(|response| response.status()), Ok(0));
            }
            ends(&mut peer, case);
            serves(&receiver);
            assert_eq!(receiver.stored(), ["MR.1.2.3.99"], "{case} {mode:?}");
        }
    }
}

#[test]
fn s29_requests_that_do_not_wait_are_answered_in_order() {
    let objects: Vec<_> = (0..5).map(|n| Object::with_pixels(&format!("1.2.3.{n}"), 5000 * n, n as u64)).collect();
    for mode in MODES {
        let receiver = Receiver::start(mode);
        let mut peer = Peer::usual(receiver.port);
        let mut bytes = Vec::new();
        for (n, object) in objects.iter().enumerate() {
            bytes.extend(message(1, &Command::store_of(10 + n as u16, object).to_bytes(), Some(&object.data), 4096));
            bytes.extend(message(5, &Command::echo(10 + n as u16).to_bytes(), None, 4096));
        }
        bytes.extend(RELEASE_RQ);
        peer.send(&bytes);
        for n in 0..10_u16 {
            let response = peer.response().unwrap();
            let expected = (if n % 2 == 0 { 1 } else { 5 }, 10 + n / 2, 0);
            assert_eq!(
                (response.context, response.number(tag::MESSAGE_ID_BEING_RESPONDED_TO), response.status()),
                expected
            );
        }
        assert!(matches!(peer.receive(), Next::Pdu(pdu) if pdu.kind == 6));
        for object in &objects {
            assert_eq!(receiver.data(&format!("MR.{}", object.instance)), object.data);
        }
    }
}

#[test]
fn s29_message_ids_may_repeat() {
    let receiver = Receiver::start(&[]);
    let mut peer = Peer::usual(receiver.port);
    for n in 0..5 {
        let object = Object::tiny(&format!("1.2.3.{n}"));
        peer.send_message(1, &Command::store_of(7, &object), Some(&object.data));
        let response = peer.response().unwrap();
        assert_eq!((response.number(tag::MESSAGE_ID_BEING_RESPONDED_TO), response.status()), (7, 0));
    }
    assert_eq!(receiver.stored().len(), 5);
}
