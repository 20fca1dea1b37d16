//! Queries that nobody should ask: each has its answer, and nothing comes to harm.

use std::time::{Duration, Instant};

use pacs_testing::{Command, Object, element, field, message, tag, uid};

use crate::archive::{
    Archive, ECHO, FIND, GET, Keys, MOVE, MR, Site, ask, filled, identifier, image, instances, serves, study,
};

/// Elements as an identifier, in the order given.
fn raw(elements: &[Vec<u8>]) -> Vec<u8> {
    elements.concat()
}

fn level(word: &str) -> Vec<u8> {
    element(0x0008, 0x0052, "CS", word.as_bytes())
}

/// An element of any length that VR and length are written for.
fn long(group: u16, number: u16, vr: &str, value: &[u8]) -> Vec<u8> {
    let short = element(group, number, vr, &[]);
    let mut bytes = short[..short.len() - 2].to_vec();
    bytes.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(value);
    bytes
}

#[test]
fn s20_keys_of_every_odd_kind_are_answered() {
    let archive = filled(&Site::usual(), &[]);
    let all = element(0x0020, 0x000D, "UI", b"");
    let with = |key: Vec<u8>| raw(&[level("STUDY"), key, all.clone()]);
    let uids: Vec<_> = (0..1000).map(|n| format!("1.2.{n}")).collect();
    let unknown: Vec<_> = (0..1000).map(|n| element(0x0009, 0x1000 + n, "LO", b"x")).collect();
    let components = "a^".repeat(1000);
    let stars = long(0x0010, 0x0010, "PN", "*".repeat(65_534).as_bytes());
    let slow = long(0x0010, 0x0010, "PN", "*a".repeat(32_700).as_bytes());
    let slower = long(0x0010, 0x0010, "PN", "*?".repeat(32_700).as_bytes());
    let big = long(0x0010, 0x0010, "PN", "x".repeat(65_534).as_bytes());
    let cases: Vec<(&str, Vec<u8>, usize)> = vec![
        ("an empty key", with(element(0x0010, 0x0010, "PN", b"")), 2),
        ("a key of NULs", with(element(0x0010, 0x0010, "PN", &[0; 4])), 2),
        ("a key of blanks", with(element(0x0010, 0x0010, "PN", b"    ")), 2),
        ("a date of NULs", with(element(0x0008, 0x0020, "DA", &[0; 8])), 2),
        ("a date that is none", with(element(0x0008, 0x0020, "DA", b"yesterday")), 0),
        ("half a range", with(element(0x0008, 0x0020, "DA", b"-")), 2),
        ("a text key as OB", with(element(0x0010, 0x0010, "OB", b"nobody")), 2),
        ("a text key as US", with(element(0x0010, 0x0020, "US", &[1, 2])), 2),
        ("a text key as FD", with(element(0x0010, 0x0020, "FD", &[1; 8])), 2),
        ("a text key as UN", with(element(0x0010, 0x0020, "UN", b"nobody")), 2),
        ("a text key as empty sequence", with(element(0x0010, 0x0020, "SQ", b"")), 2),
        ("a UID as text", with(element(0x0010, 0x0020, "UI", b"P1")), 2),
        ("a key that is AT", with(element(0x0008, 0x0050, "AT", &[1, 2, 3, 4])), 2),
        ("1,000 components", with(element(0x0010, 0x0010, "PN", components.as_bytes())), 0),
        ("1,000 unknown keys", raw(&[level("STUDY"), unknown.concat(), all.clone()]), 2),
        ("64 KiB of a name", with(big), 0),
        ("64 KiB of asterisks", with(stars), 2),
        ("32,700 asterisks with letters", with(slow), 0),
        ("32,700 asterisks with question marks", with(slower), 0),
        ("a list of 1,000 UIDs", raw(&[level("STUDY"), element(0x0020, 0x000D, "UI", uids.join("\\").as_bytes())]), 2),
        ("a list of nothing", raw(&[level("STUDY"), element(0x0020, 0x000D, "UI", b"\\\\\\")]), 0),
        (
            "a key twice",
            raw(&[
                level("STUDY"),
                element(0x0010, 0x0020, "LO", b"P1"),
                element(0x0010, 0x0020, "LO", b"no"),
                all.clone(),
            ]),
            2,
        ),
        ("keys in no order", raw(&[all.clone(), element(0x0010, 0x0020, "LO", b"P1"), level("STUDY")]), 2),
        ("an unknown character set", raw(&[element(0x0008, 0x0005, "CS", b"KLINGON"), with(Vec::new())]), 2),
        (
            "a character set that is not kept to",
            raw(&[element(0x0008, 0x0005, "CS", b"ISO_IR 192"), with(element(0x0010, 0x0010, "PN", &[0xFF, 0xFE]))]),
            0,
        ),
        (
            "escapes that lead nowhere",
            raw(&[
                element(0x0008, 0x0005, "CS", b"\\ISO 2022 IR 87"),
                with(element(0x0010, 0x0010, "PN", b"\x1b$B\x1b\x1b(")),
            ]),
            0,
        ),
    ];
    let mut peer = archive.peer();
    for (case, identifier, answers) in cases {
        let start = Instant::now();
        let (found, status) = peer.find(FIND, uid::FIND_STUDY, &identifier);
        assert_eq!((found.len(), status), (answers, 0), "{case}\n{}", archive.log());
        assert!(start.elapsed() < Duration::from_secs(10), "{case}: {:?}", start.elapsed());
        assert_eq!(peer.echo(ECHO), 0, "{case}");
        // The same asked of the services that send.
        let moved = peer.move_to(MOVE, uid::MOVE_STUDY, "NOBODY", &identifier);
        assert!(matches!(moved.last.status(), 0 | 0xA801), "{case}: {:04x}", moved.last.status());
        assert_eq!(moved.last.status() == 0, answers == 0, "{case}");
    }
    assert!(peer.release());
    serves(&archive);
}

#[test]
fn s20_an_identifier_of_nothing_and_one_that_is_none() {
    let archive = filled(&Site::usual(), &[]);
    let mut peer = archive.peer();
    assert_eq!(peer.find(FIND, uid::FIND_STUDY, &[]), (Vec::new(), 0xA900), "no attributes");
    assert!(peer.release());
    for (case, bytes) in [
        ("half an element", &b"\x08\x00\x52"[..]),
        ("a value that is longer than the identifier", b"\x08\x00\x52\x00CS\xff\x00STUDY "),
        ("no VR", b"\x08\x00\x52\x00\xff\xff\x04\x00STUDY "),
        ("text", b"SELECT * FROM patient; DROP TABLE patient"),
    ] {
        for service in [FIND, GET, MOVE] {
            let mut peer = archive.peer();
            let command = match service {
                FIND => Command::find(1, uid::FIND_STUDY),
                GET => Command::get(1, uid::GET_STUDY),
                _ => Command::move_to(1, uid::MOVE_STUDY, "DEST"),
            };
            peer.send_message(service, &command, Some(bytes));
            match peer.message() {
                Ok((answer, _)) => assert_ne!(answer.status() & 0xF000, 0xF000, "{case}: pending"),
                Err(end) => assert!(end.abort().is_some() || end.gone(), "{case}: {end:?}"),
            }
        }
        serves(&archive);
    }
}

/// Sequences within each other, so many of them, and nothing else.
fn nested(depth: usize, defined: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if defined {
        for _ in 0..depth {
            let item = [&[0xFE, 0xFF, 0x00, 0xE0][..], &(bytes.len() as u32).to_le_bytes(), &bytes].concat();
            bytes = element(0x0008, 0x1110, "SQ", &item);
        }
        return bytes;
    }
    for _ in 0..depth {
        bytes.extend_from_slice(&[0x08, 0x00, 0x10, 0x11, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        bytes.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    for _ in 0..depth {
        bytes.extend_from_slice(&[0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    }
    bytes
}

#[test]
fn s19_sequences_in_identifiers_stop_at_a_depth() {
    let archive = filled(&Site::usual(), &[]);
    let before = archive.usage();
    for (depth, defined) in
        [(60, true), (60, false), (65, true), (65, false), (1000, true), (1000, false), (1_000_000, false)]
    {
        let case = format!("{depth} levels, defined: {defined}");
        let identifier = raw(&[level("STUDY"), nested(depth, defined), element(0x0020, 0x000D, "UI", b"")]);
        for service in [FIND, GET] {
            let mut peer = archive.peer();
            let command =
                if service == FIND { Command::find(1, uid::FIND_STUDY) } else { Command::get(1, uid::GET_STUDY) };
            let bytes = message(service, &command.to_bytes(), Some(&identifier), peer.max_length());
            peer.offer(&bytes);
            match peer.message() {
                Ok((answer, _)) if depth <= 64 => {
                    let pending = [0xFF00, 0][usize::from(answer.number(tag::COMMAND_FIELD) == field::C_STORE_RQ)];
                    assert!(answer.number(tag::COMMAND_FIELD) == field::C_STORE_RQ || answer.status() == pending);
                }
                Ok((answer, _)) => assert!(!matches!(answer.status(), 0 | 0xFF00), "{case}: {:04x}", answer.status()),
                Err(end) => {
                    assert!(depth > 64, "{case}: {end:?}");
                    assert!(end.abort().is_some() || end.gone(), "{case}: {end:?}");
                }
            }
        }
        serves(&archive);
    }
    assert!(archive.usage().resident < before.resident + 30 * 1024, "{before:?}, then {:?}", archive.usage());
}

#[test]
fn s21_levels_that_are_missing_unknown_or_long() {
    let archive = filled(&Site::usual(), &[]);
    let all = element(0x0020, 0x000D, "UI", b"");
    let mut peer = archive.peer();
    let long_word = long(0x0008, 0x0052, "CS", format!("STUDY{}", "X".repeat(65_000 - 5)).as_bytes());
    let longest = element(0x0008, 0x0052, "UT", format!("STUDY{}", "X".repeat(1 << 20)).as_bytes());
    for (case, first, status, answers) in [
        ("missing", Vec::new(), 0xA900, 0),
        ("empty", level(""), 0xA900, 0),
        ("NULs", level("\0\0"), 0xC000, 0),
        ("unknown", level("FOO"), 0xC000, 0),
        ("the standard's other word", level("INSTANCE"), 0xC000, 0),
        ("blanks before it", level(" STUDY"), 0xC000, 0),
        ("small letters and more behind", level("studyx"), 0, 2),
        ("a number", element(0x0008, 0x0052, "US", &[1, 0]), 0xC000, 0),
        ("a sequence", element(0x0008, 0x0052, "SQ", b""), 0xA900, 0),
        ("65,000 bytes", long_word, 0, 2),
        ("a megabyte", longest, 0xA700, 0),
    ] {
        let identifier = raw(&[first, all.clone()]);
        let (found, given) = peer.find(FIND, uid::FIND_STUDY, &identifier);
        assert_eq!((given, found.len()), (status, answers), "{case}: {given:04x}");
        let moved = peer.move_to(MOVE, uid::MOVE_STUDY, "NOBODY", &identifier);
        let expected = if status == 0 { 0xA801 } else { status };
        // An identifier that is too large has another word for each service.
        let also = if status == 0xA700 { 0xA701 } else { expected };
        assert!([expected, also].contains(&moved.last.status()), "{case}: {:04x}", moved.last.status());
        assert_eq!(peer.echo(ECHO), 0, "{case}");
    }
}

#[test]
fn s21_unique_keys_that_are_missing_or_wild() {
    let keys: &[(&str, &str, Keys<'_>, u16, usize)] = &[
        ("a study without its UID is every study", "STUDY", &[], 0, 3),
        ("an empty UID is every study", "STUDY", &[(0x0020, 0x000D, "UI", "")], 0, 3),
        ("a UID has no wildcards", "STUDY", &[(0x0020, 0x000D, "UI", "1.2.*")], 0, 0),
        ("a list", "STUDY", &[(0x0020, 0x000D, "UI", "1.2.3\\1.2.4")], 0, 3),
        ("a missing key above", "SERIES", &[(0x0020, 0x000E, "UI", "1.2.3.1")], 0, 0),
        ("an empty key above", "SERIES", &[(0x0020, 0x000D, "UI", ""), (0x0020, 0x000E, "UI", "1.2.3.1")], 0, 2),
        ("a level above the model", "PATIENT", &[(0x0010, 0x0020, "LO", "P1")], 0, 0),
    ];
    let archive = filled(&Site::usual(), &[]);
    let mut peer = archive.peer();
    for (case, word, keys, status, count) in keys {
        let got = peer.get(GET, uid::GET_STUDY, &identifier(word, keys), |_| 0);
        assert_eq!((got.last.status(), got.objects.len()), (*status, *count), "{case}: {:04x}", got.last.status());
    }
    // Strictly: exactly one value each.
    let strict = filled(&Site::usual(), &["--check-move"]);
    let mut peer = strict.peer();
    for (case, word, keys, ..) in keys {
        let got = peer.get(GET, uid::GET_STUDY, &identifier(word, keys), |_| 0);
        let allowed = got.last.status() == 0xA900 || (*case).contains("wildcards") || *case == "a list";
        assert!(allowed, "{case}: {:04x}", got.last.status());
    }
    assert_eq!(peer.get(GET, uid::GET_STUDY, &study("1.2.3"), |_| 0).objects.len(), 2);
}

#[test]
fn s22_messages_that_have_no_place_here() {
    let archive = filled(&Site::usual(), &[]);
    let number = |value: u16, context: u8| (context, Command::echo(1).number(tag::COMMAND_FIELD, value), None);
    let find = Command::find(1, uid::FIND_STUDY);
    type Case<'a> = (&'a str, (u8, Command, Option<Vec<u8>>));
    let cases: Vec<Case<'_>> = vec![
        ("a reserved command", number(0x4242, ECHO)),
        ("command zero", number(0, ECHO)),
        ("N-CREATE", number(0x0140, ECHO)),
        ("an echo's answer", number(field::C_ECHO_RSP, ECHO)),
        ("a store's answer", number(field::C_STORE_RSP, MR)),
        ("a find without data set", (FIND, find.clone().number(tag::DATA_SET_TYPE, 0x0101), None)),
        ("an echo with data set", (ECHO, Command::echo(1).number(tag::DATA_SET_TYPE, 1), Some(study("1.2.3")))),
        ("a find of no class", (FIND, Command::find(1, "1.2.3"), Some(study("1.2.3")))),
        ("a find of a storage class", (FIND, Command::find(1, uid::MR), Some(study("1.2.3")))),
        ("a find on a storage context", (MR, find.clone(), Some(study("1.2.3")))),
        ("a find of the move class", (FIND, Command::find(1, uid::MOVE_STUDY), Some(study("1.2.3")))),
        (
            "a move without destination",
            (MOVE, Command::find(1, uid::MOVE_STUDY).number(0x0100, 0x21), Some(study("1.2.3"))),
        ),
        ("a find without id", (FIND, find.clone().without(tag::MESSAGE_ID), Some(study("1.2.3")))),
        ("a find without class", (FIND, find.clone().without(tag::AFFECTED_SOP_CLASS_UID), Some(study("1.2.3")))),
        ("a find with all twice", (FIND, find.doubled(), Some(study("1.2.3")))),
    ];
    for (case, (context, command, data)) in cases {
        let mut peer = archive.peer();
        peer.limit = Duration::from_secs(5);
        peer.send_message(context, &command, data.as_deref());
        match peer.message() {
            Err(end) => assert!(end.abort().is_some() || end.gone(), "{case}: {end:?}"),
            // Answered: then the association goes on.
            Ok((mut answer, _)) => {
                while answer.status() == 0xFF00 {
                    answer = peer.message().unwrap().0;
                }
                assert_eq!(peer.echo(ECHO), 0, "{case}");
            }
        }
        serves(&archive);
    }
    assert_eq!(archive.found(), ["1.2.3.1", "1.2.3.2", "1.2.3.99", "1.2.4.1"]);
}

#[test]
fn s23_objects_whose_indexed_elements_are_odd() {
    let archive = Archive::start(&[]);
    let object = |instance: &str, elements: &[Vec<u8>]| {
        let first =
            [element(0x0008, 0x0016, "UI", uid::MR.as_bytes()), element(0x0008, 0x0018, "UI", instance.as_bytes())];
        Object::tiny(instance).with_data([&first[..], elements].concat().concat())
    };
    let study = element(0x0020, 0x000D, "UI", b"1.2.3");
    let sequence = |group, number| element(group, number, "SQ", &[]);
    let objects = [
        object("1.1", &[element(0x0010, 0x0010, "OB", b"Doe^Jane"), study.clone()]),
        object("1.2", &[sequence(0x0008, 0x0020), sequence(0x0010, 0x0020), study.clone()]),
        object(
            "1.3",
            &[element(0x0010, 0x0010, "PN", &[0xFF; 64]), study.clone(), element(0x0020, 0x0011, "OW", &[1, 2])],
        ),
        object("1.4", &[study.clone(), element(0xFFFA, 0xFFFA, "UN", b"no sequence")]),
        object("1.5", &[study.clone(), element(0xFFFA, 0xFFFA, "LO", b"no sequence")]),
        object("1.6", &[]),
        object("1.7", &[element(0x0010, 0x0010, "PN", &[b'x'; 60_000]), study.clone()]),
    ];
    // An unknown character set stands in front.
    let mut peer = archive.peer();
    for object in &objects {
        assert_eq!(peer.store(MR, object), 0, "{}\n{}", object.instance, archive.log());
    }
    let strange = image("1.8", "1.2.3");
    let charset = element(0x0008, 0x0005, "CS", b"ISO 2022 IR 999\\KLINGON");
    assert_eq!(peer.store(MR, &strange.clone().with_data([charset, strange.data].concat())), 0);
    assert_eq!(instances(&mut peer), ["1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8"]);
    let keys = [
        (0x0008, 0x0020, "DA", ""),
        (0x0010, 0x0010, "PN", ""),
        (0x0010, 0x0020, "LO", ""),
        (0x0020, 0x000D, "UI", ""),
    ];
    let (found, status) = ask(&mut peer, "STUDY", &keys);
    assert!(status == 0 && !found.is_empty());
    let got = peer.get(GET, uid::GET_STUDY, &identifier("STUDY", &[]), |_| 0);
    assert_eq!((got.last.status(), got.objects.len()), (0, 8));
}
