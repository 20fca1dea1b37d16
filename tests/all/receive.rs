//! Objects that arrive: names, header, bytes and answers, however the messages are cut.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use pacs_testing::{
    ABORT, Command, LIMIT, Object, Part10, Peer, Request, Start, element, field, files, message, tag, uid, within,
};

use crate::receiver::{MODES, Receiver, storescp};

/// Stores objects over one association and releases it; all must be answered with success.
fn store_all(receiver: &Receiver, objects: &[&Object]) {
    let mut peer = Peer::usual(receiver.port);
    for object in objects {
        assert_eq!(peer.store(1, object), 0, "{}", object.instance);
    }
    assert!(peer.release());
}

#[test]
fn an_object_becomes_a_file_with_its_bytes_and_a_right_header() {
    let object = Object::with_pixels("1.2.3.1", 1000, 1);
    for mode in MODES {
        let receiver = Receiver::start(mode);
        let mut request = Request::usual();
        request.calling = b"MODALITY 1".to_vec();
        let mut peer = Peer::associated(receiver.port, &request);
        assert_eq!(peer.store(1, &object), 0);
        assert_eq!(receiver.stored(), ["MR.1.2.3.1"], "the file is there once success was said");
        assert!(peer.release());

        let file = Part10::open(&receiver.out().join("MR.1.2.3.1"));
        assert!(file.preamble.iter().all(|&byte| byte == 0));
        let vrs: Vec<_> = file.meta.iter().map(|(number, vr, _)| (*number, vr.as_str())).collect();
        let expected =
            [(0, "UL"), (1, "OB"), (2, "UI"), (3, "UI"), (0x10, "UI"), (0x12, "UI"), (0x13, "SH"), (0x16, "AE")];
        assert_eq!(vrs, expected);
        assert_eq!(file.value(1), Some(&[0, 1][..]));
        assert_eq!(file.text(2).as_deref(), Some(uid::MR));
        assert_eq!(file.text(3).as_deref(), Some("1.2.3.1"));
        assert_eq!(file.text(0x10).as_deref(), Some(uid::EXPLICIT));
        assert_eq!(file.text(0x16).as_deref(), Some("MODALITY 1"));
        assert!(file.group_length_right);
        assert!(file.meta.iter().all(|(.., value)| value.len() % 2 == 0), "{:?}", file.meta);
        assert_eq!(receiver.data("MR.1.2.3.1"), object.data);

        assert_eq!(file.text(0x12).as_deref(), Some(pacs_core::IMPLEMENTATION_CLASS_UID));
        assert_eq!(file.text(0x13).as_deref(), Some(pacs_core::IMPLEMENTATION_VERSION_NAME));
    }
}

#[test]
fn the_syntax_in_the_header_is_the_one_received() {
    // MR, instance 1.2.3.2, in implicit VR little endian and in explicit VR big endian.
    let implicit = [
        b"\x08\0\x16\0\x1a\0\0\0".as_slice(), // (0008,0016), 26 bytes
        b"1.2.840.10008.5.1.4.1.1.4\0",
        b"\x08\0\x18\0\x08\0\0\x001.2.3.2\0", // (0008,0018), 8 bytes
    ]
    .concat();
    let big = [
        b"\0\x08\0\x16UI\0\x1a".as_slice(), // (0008,0016) UI, 26 bytes
        b"1.2.840.10008.5.1.4.1.1.4\0",
        b"\0\x08\0\x18UI\0\x081.2.3.2\0", // (0008,0018) UI, 8 bytes
    ]
    .concat();
    for mode in MODES {
        let receiver = Receiver::start(mode);
        for (syntax, data) in [(uid::IMPLICIT, &implicit), (uid::BIG_ENDIAN, &big)] {
            let mut peer = Peer::associated(receiver.port, &Request::new(&[(1, uid::MR, &[syntax])]));
            assert_eq!(peer.store(1, &Object::tiny("1.2.3.2").with_data(data.clone())), 0);
            assert!(peer.release());
            let file = Part10::open(&receiver.out().join("MR.1.2.3.2"));
            assert_eq!(file.text(0x10).as_deref(), Some(syntax));
            assert_eq!(&receiver.data("MR.1.2.3.2"), data);
        }
    }
}

#[test]
fn the_response_repeats_the_request_and_says_nothing_else() {
    let receiver = Receiver::start(&[]);
    let object = Object::of(uid::CT, "1.2.3.1");
    let mut peer = Peer::usual(receiver.port);
    for (id, command) in [
        (77, Command::store_of(77, &object)),
        (0, Command::store_of(0, &object).number(tag::PRIORITY, 2)),
        (
            65535,
            Command::store_of(65535, &object)
                .set(tag::MOVE_ORIGINATOR_TITLE, b"MOVER ")
                .number(tag::MOVE_ORIGINATOR_ID, 5),
        ),
    ] {
        peer.send_message(3, &command, Some(&object.data));
        let response = peer.response().unwrap();
        let order = [
            tag::GROUP_LENGTH,
            tag::AFFECTED_SOP_CLASS_UID,
            tag::COMMAND_FIELD,
            tag::MESSAGE_ID_BEING_RESPONDED_TO,
            tag::DATA_SET_TYPE,
            tag::STATUS,
            tag::AFFECTED_SOP_INSTANCE_UID,
        ];
        assert_eq!((response.context, response.numbers()), (3, order.to_vec()));
        assert_eq!(response.number(tag::COMMAND_FIELD), field::C_STORE_RSP);
        assert_eq!(response.number(tag::MESSAGE_ID_BEING_RESPONDED_TO), id);
        assert_eq!(response.number(tag::DATA_SET_TYPE), 0x0101);
        assert_eq!(response.uid(tag::AFFECTED_SOP_CLASS_UID).as_deref(), Some(uid::CT));
        assert_eq!(response.uid(tag::AFFECTED_SOP_INSTANCE_UID).as_deref(), Some("1.2.3.1"));
        let length = response.elements[1..].iter().map(|(_, value)| 8 + value.len() as u32).sum::<u32>();
        assert_eq!(response.value(tag::GROUP_LENGTH), Some(&length.to_le_bytes()[..]));
        assert_eq!(response.status(), 0);
    }
    assert!(peer.release());
}

#[test]
fn an_echo_is_answered_on_any_accepted_context() {
    let receiver = Receiver::start(&["-v"]);
    let mut peer = Peer::usual(receiver.port);
    for (context, id) in [(5, 1), (5, 65535), (1, 0)] {
        peer.send_message(context, &Command::echo(id), None);
        let response = peer.response().unwrap();
        let order = [
            tag::GROUP_LENGTH,
            tag::AFFECTED_SOP_CLASS_UID,
            tag::COMMAND_FIELD,
            tag::MESSAGE_ID_BEING_RESPONDED_TO,
            tag::DATA_SET_TYPE,
            tag::STATUS,
        ];
        assert_eq!((response.context, response.numbers()), (context, order.to_vec()));
        assert_eq!(response.number(tag::COMMAND_FIELD), field::C_ECHO_RSP);
        assert_eq!(response.number(tag::MESSAGE_ID_BEING_RESPONDED_TO), id);
        assert_eq!(response.uid(tag::AFFECTED_SOP_CLASS_UID).as_deref(), Some(uid::VERIFICATION));
        assert_eq!(response.status(), 0);
        receiver.wait_log(&format!("I: Received Echo Request (MsgID {id})"), LIMIT);
    }
    assert!(peer.release());
}

#[test]
fn verbose_log_of_one_object() {
    let receiver = Receiver::start(&["-v"]);
    store_all(&receiver, &[&Object::tiny("1.2.3.1")]);
    let log = receiver.wait_log("I: Association Release", LIMIT);
    let path = receiver.out().join("MR.1.2.3.1");
    let expected = format!(
        "I: Association Received\nI: Association Acknowledged (Max Send PDV: 16372)\n\
         I: Received Store Request (MsgID 1, MR)\nI: storing DICOM file: {}\nI: Association Release\n",
        path.display()
    );
    let lines: String = log.lines().filter(|line| !line.starts_with("I: $")).map(|line| format!("{line}\n")).collect();
    assert_eq!(lines, expected);
    assert_eq!(receiver.out_lines(), ["RECV: ."]);
}

#[test]
fn quiet_by_default() {
    let receiver = Receiver::start(&[]);
    store_all(&receiver, &[&Object::tiny("1.2.3.1")]);
    Peer::usual(receiver.port).abort();
    assert!(Peer::usual(receiver.port).release());
    assert_eq!(receiver.log(), "");
}

// --- names ---------------------------------------------------------------------------------------------------------

#[test]
fn the_extension_is_added_as_it_stands() {
    let receiver = Receiver::start(&["-fe", ".dcm"]);
    store_all(&receiver, &[&Object::tiny("1.2.3.1")]);
    assert_eq!(receiver.stored(), ["MR.1.2.3.1.dcm"]);
}

#[test]
fn generated_names_never_repeat() {
    let (first, second) = (Object::with_pixels("1.2.3.1", 10, 1), Object::with_pixels("1.2.3.1", 10, 2));
    for mode in MODES {
        let receiver = Receiver::start(&[mode, &["+uf", "-fe", ".x"]].concat());
        store_all(&receiver, &[&first, &second, &first]);
        let names = receiver.stored();
        assert_eq!(names.len(), 3);
        let mut data: Vec<_> = names.iter().map(|name| receiver.data(name)).collect();
        data.sort();
        let mut expected = [&first.data, &first.data, &second.data];
        expected.sort();
        assert!(data.iter().eq(expected), "each file holds one of the objects");
        for name in &names {
            let generated = name.strip_prefix("MR.X.").and_then(|rest| rest.strip_suffix(".x"));
            let generated = generated.unwrap_or_else(|| panic!("{name}"));
            assert!(generated.len() <= 64 && generated.split('.').all(|part| part.parse::<u128>().is_ok()), "{name}");
            assert_eq!(Part10::open(&receiver.out().join(name)).text(3).as_deref(), Some("1.2.3.1"));
        }
    }
}

#[test]
fn names_of_the_time_never_repeat() {
    let objects: Vec<_> = (0..20).map(|n| Object::with_pixels("1.2.3.1", 10, n)).collect();
    let receiver = Receiver::start(&["-tn", "-fe", ".x"]);
    store_all(&receiver, &objects.iter().collect::<Vec<_>>());
    let names = receiver.stored();
    for name in &names {
        let time = name.strip_suffix(".MR.x").unwrap_or_else(|| panic!("{name}"));
        let (time, serial) = time.split_once('_').unwrap_or((time, "0000"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        assert!(time.len() == 17 && digits(time) && serial.len() == 4 && digits(serial), "{name}");
        assert!(time.starts_with("20"), "{name}");
    }
    let data: Vec<_> = names.iter().map(|name| receiver.data(name)).collect();
    assert!(objects.iter().all(|object| data.contains(&object.data)), "{names:?}");
}

#[test]
fn a_bare_data_set_has_no_header() {
    for mode in MODES {
        let receiver = Receiver::start(&[mode, &["-F"]].concat());
        let object = Object::with_pixels("1.2.3.1", 100_000, 3);
        store_all(&receiver, &[&object]);
        assert_eq!(fs::read(receiver.out().join("MR.1.2.3.1")).unwrap(), object.data);
    }
}

#[test]
fn ignored_objects_are_answered_and_not_stored() {
    for mode in MODES {
        let receiver = Receiver::start(&[mode, &["--ignore", "-v"]].concat());
        store_all(&receiver, &[&Object::tiny("1.2.3.1"), &Object::with_pixels("1.2.3.2", 100_000, 1)]);
        let log = receiver.wait_log("I: Association Release", LIMIT);
        assert_eq!(receiver.stored(), [""; 0]);
        assert!(log.contains("I: Received Store Request (MsgID 1, MR)") && !log.contains("storing"), "{log}");
    }
}

#[test]
fn a_folder_may_be_named_with_slashes_behind_it() {
    let base = tempfile::TempDir::new().unwrap();
    fs::create_dir(base.path().join("in here")).unwrap();
    let tool = Start::new(storescp()).args(["-od", "in here//"]).folder(&base).listen();
    let mut peer = Peer::usual(tool.port);
    assert_eq!(peer.store(1, &Object::tiny("1.2.3.1")), 0);
    assert_eq!(files(&base.path().join("in here")), ["MR.1.2.3.1"]);
}

#[test]
fn a_folder_made_anew_where_another_was_moved_away_gets_the_next_associations_objects() {
    for args in [&[][..], &["+B"], &["-su", "S"], &["--fork"]] {
        let receiver = Receiver::start(args);
        let (out, kept) = (receiver.out(), receiver.base().join("kept"));
        store_all(&receiver, &[&Object::tiny("1.1")]);
        let mut long = Peer::usual(receiver.port);
        assert_eq!(long.store(1, &Object::tiny("1.2")), 0);
        fs::rename(&out, &kept).unwrap();
        // Nothing stands at the path: an object that is acknowledged is in the folder all the same.
        let folder = if args.contains(&"-su") { "S_1.2.3" } else { "." };
        if folder == "." {
            store_all(&receiver, &[&Object::tiny("1.3")]);
            assert!(kept.join("MR.1.3").exists(), "{args:?}");
            fs::remove_file(kept.join("MR.1.3")).unwrap();
        }
        fs::create_dir(&out).unwrap();
        store_all(&receiver, &[&Object::tiny("1.4")]);
        assert_eq!(files(&out.join(folder)), ["MR.1.4"], "{args:?}");
        assert_eq!(files(&kept.join(folder)), ["MR.1.1", "MR.1.2"], "{args:?}");
        // An association that was there before finds the new one too, once another has.
        assert_eq!(long.store(1, &Object::tiny("1.5")), 0);
        assert!(long.release());
        assert_eq!(files(&out.join(folder)), ["MR.1.4", "MR.1.5"], "{args:?}");
    }
}

#[test]
fn a_class_without_a_prefix_is_unknown() {
    let receiver = Receiver::start(&["-pm", "-v"]);
    let object = Object::of("1.2.3.4.5", "1.2.3.1");
    let mut peer = Peer::associated(receiver.port, &Request::new(&[(1, "1.2.3.4.5", &[uid::EXPLICIT])]));
    assert_eq!(peer.store(1, &object), 0);
    assert_eq!(receiver.stored(), ["UNKNOWN.1.2.3.1"]);
    receiver.wait_log("I: Received Store Request (MsgID 1, OT)", LIMIT);
}

#[test]
fn the_same_instance_again_replaces_the_file_and_warns() {
    let (first, second) = (Object::with_pixels("1.2.3.1", 1000, 1), Object::with_pixels("1.2.3.1", 10, 2));
    for mode in MODES {
        let receiver = Receiver::start(mode);
        store_all(&receiver, &[&first, &second]);
        assert_eq!(receiver.stored(), ["MR.1.2.3.1"]);
        assert_eq!(receiver.data("MR.1.2.3.1"), second.data);
        // DCMTK: in bit-preserving mode there is no such line.
        if mode.is_empty() {
            let path = receiver.out().join("MR.1.2.3.1");
            receiver.wait_log(&format!("W: DICOM file already exists, overwriting: {}", path.display()), LIMIT);
        }
    }
}

#[test]
fn the_umask_alone_decides_the_mode() {
    for (umask, mode) in [("000", "666"), ("022", "644"), ("077", "600")] {
        for args in MODES {
            let receiver = Receiver::start_with(Start::new(storescp()).args(args).after(&format!("umask {umask}")));
            let mut peer = Peer::usual(receiver.port);
            let object = Object::with_pixels("1.2.3.1", 100_000, 1);
            let bytes = message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), peer.max_length());
            peer.send(&bytes[..50_000]);
            let modes = || -> Vec<String> {
                let entries = fs::read_dir(receiver.out()).unwrap();
                let mode = |entry: fs::DirEntry| entry.metadata().unwrap().permissions().mode();
                entries.map(|entry| format!("{:o}", mode(entry.unwrap()) & 0o7777)).collect()
            };
            // While it is received there may be no file, or a hidden one that has its final mode already.
            within(Duration::from_millis(300), || !modes().is_empty());
            assert!(modes().iter().all(|seen| seen == mode), "umask {umask}: {:?}", modes());
            peer.send(&bytes[50_000..]);
            assert_eq!(peer.response().unwrap().status(), 0);
            assert_eq!(modes(), [mode], "umask {umask}");
        }
    }
}

// --- names from the network (S01) ----------------------------------------------------------------------------------

/// Instance UIDs that nobody should send.
fn bad_uids() -> Vec<String> {
    let mut uids: Vec<String> = [
        "../x", "..", ".", "", "/abs/x", "a/b", "a\\b", "x\0y", "CON", "a:b", "1.2.3.", "1.2.3 ", "\u{7f}", "a\nb",
        "~", "-v", "x;id", "$(id)",
    ]
    .map(String::from)
    .into();
    uids.extend([64, 65, 4000].map(|length| "1".repeat(length)));
    uids.push("../".repeat(20) + "tmp");
    uids
}

#[test]
fn s01_no_instance_uid_leads_out_of_the_folder() {
    // DCMTK: a UID ends at a NUL, and white space in it is removed before anything else: the answer comes without.
    let bare = |uid: &[u8]| -> Vec<u8> {
        let uid = uid.split(|&byte| byte == 0).next().unwrap_or_default();
        uid.iter().copied().filter(|byte| !b" \t\n\r".contains(byte)).collect()
    };
    for mode in MODES {
        let receiver = Receiver::start(mode);
        for uid in bad_uids() {
            let mut object = Object::tiny("1.2.3.9");
            object.instance = uid.clone();
            let mut peer = Peer::usual(receiver.port);
            let command = Command::store_of(1, &object);
            peer.send_message(1, &command, Some(&object.data));
            match peer.response() {
                Ok(response) => {
                    let echoed = response.value(tag::AFFECTED_SOP_INSTANCE_UID).unwrap();
                    assert_eq!(bare(echoed), bare(uid.as_bytes()), "{uid:?}");
                }
                Err(other) => assert!(other.abort().is_some() || other.gone(), "{uid:?}: {other:?}"),
            }
            assert_eq!(files(receiver.base()), ["out"], "{uid:?}");
            for entry in fs::read_dir(receiver.out()).unwrap().map(Result::unwrap) {
                let name = entry.file_name().into_string().unwrap();
                assert!(entry.file_type().unwrap().is_file(), "{uid:?}: {name}");
                assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b" -.:@_".contains(&b)), "{uid:?}: {name:?}");
            }
        }
        assert!(Peer::usual(receiver.port).release());
    }
}

#[test]
fn odd_characters_in_a_uid_become_underscores() {
    let receiver = Receiver::start(&["+B"]);
    for (uid, name) in
        [("1.2/3", "MR.1.2_3"), ("x;y$(z)", "MR.x_y__z_"), ("..", "MR..."), ("1-2:3@4_5", "MR.1-2:3@4_5")]
    {
        let mut object = Object::tiny(uid);
        object.instance = uid.to_owned();
        store_all(&receiver, &[&object]);
        assert!(receiver.stored().contains(&name.to_owned()), "{uid}: {:?}", receiver.stored());
        assert_eq!(receiver.data(name), object.data);
        assert_eq!(Part10::open(&receiver.out().join(name)).text(3).as_deref(), Some(uid));
    }
    let warning = "W: Sanitized unusual characters in SOP Instance UID, converted from \"1.2/3\" to \"1.2_3\".";
    receiver.wait_log(warning, LIMIT);
    assert_eq!(receiver.log().matches("Sanitized").count(), 2, "{}", receiver.log());
}

#[test]
fn s01_two_bad_uids_do_not_overwrite_each_other() {
    let receiver = Receiver::start(&["+B"]);
    let mut kept = Vec::new();
    for (seed, uid) in ["a/b", "a\\b", "a;b", "a_b"].iter().enumerate() {
        let mut object = Object::with_pixels("1.2.3", 10, seed as u64);
        object.instance = (*uid).to_owned();
        let mut peer = Peer::usual(receiver.port);
        if peer.try_store(1, &object) == Ok(0) {
            kept.push(object.data);
        }
    }
    let data: Vec<_> = receiver.stored().iter().map(|name| receiver.data(name)).collect();
    assert!(kept.iter().all(|object| data.contains(object)), "{:?}", receiver.stored());
    assert!(!kept.is_empty());
}

// --- what stands in the data set -----------------------------------------------------------------------------------

/// Stores objects whose data sets name themselves wrongly or not at all; all are kept, with the status that is right where
/// the receiver looks inside.
fn store_wrongly_named(args: &[&str], looks: bool) {
    let base = Object::tiny("1.2.3.9");
    let without = |part: &[u8]| {
        let at = base.data.windows(part.len()).position(|window| window == part).unwrap();
        base.clone().with_data([&base.data[..at], &base.data[at + part.len()..]].concat())
    };
    let with = |vr: &str, value: &[u8]| {
        let (class, rest) = base.data.split_at(element(0x0008, 0x0016, "UI", uid::MR.as_bytes()).len());
        let rest = &rest[element(0x0008, 0x0018, "UI", b"1.2.3.9").len()..];
        base.clone().with_data([class, &element(0x0008, 0x0018, vr, value), rest].concat())
    };
    let renamed = |instance: &str| Object { instance: instance.to_owned(), ..base.clone() };
    let cases = [
        ("same", base.clone(), 0),
        ("other instance", renamed("1.2.3.1"), 0xA900),
        ("other class", Object { sop_class: uid::CT.to_owned(), ..base.clone() }, 0xA900),
        ("no instance", without(&element(0x0008, 0x0018, "UI", b"1.2.3.9")), 0xC000),
        ("empty instance", with("UI", b""), 0xA900),
        ("instance as text", with("LO", b"1.2.3.9"), 0),
        ("instance as bytes", with("OB", b"1.2.3.9"), 0xC000),
        ("instance as empty bytes", with("OB", b""), 0xA900),
        ("instance as an empty number", with("US", b""), 0xA900),
        ("no class", without(&element(0x0008, 0x0016, "UI", uid::MR.as_bytes())), 0xC000),
    ];
    for (case, object, status) in &cases {
        let receiver = Receiver::start(args);
        let mut peer = Peer::usual(receiver.port);
        let context = if object.sop_class == uid::CT { 3 } else { 1 };
        assert_eq!(peer.store(context, object), if looks { *status } else { 0 }, "{case} {args:?}");
        assert!(peer.release());
        // Kept all the same, under the UID of the request.
        let prefix = if object.sop_class == uid::CT { "CT" } else { "MR" };
        let name = (args != ["--ignore"]).then(|| format!("{prefix}.{}", object.instance));
        assert_eq!(receiver.stored(), Vec::from_iter(name), "{case} {args:?}");
    }
}

#[test]
fn s05_uids_in_the_data_set_are_compared_with_the_request() {
    store_wrongly_named(&[], true);
}

#[test]
fn nobody_looks_into_what_is_kept_as_it_is_or_ignored() {
    store_wrongly_named(&["+B"], false);
    store_wrongly_named(&["--ignore"], false);
}

/// Stores an empty object and one of a single byte.
fn store_next_to_nothing(args: &[&str], expected: u16) {
    for data in [&b""[..], b"x"] {
        let receiver = Receiver::start(args);
        let mut peer = Peer::usual(receiver.port);
        let object = Object::tiny("1.2.3.1").with_data(data.to_vec());
        assert_eq!(peer.try_store(1, &object), Ok(expected), "{args:?} {data:?}");
        assert_eq!(peer.store(1, &Object::tiny("1.2.3.2")), 0, "the association goes on");
        if args == ["+B"] {
            assert_eq!(receiver.data("MR.1.2.3.1"), data);
        }
    }
}

#[test]
fn s16_empty_and_one_byte_objects_are_refused() {
    // DCMTK: a data set without a single element is not written, which is A700, not C000.
    store_next_to_nothing(&[], 0xA700);
}

#[test]
fn s16_empty_and_one_byte_objects_are_kept_as_they_are() {
    store_next_to_nothing(&["+B"], 0);
    store_next_to_nothing(&["--ignore"], 0);
}

#[test]
fn release_and_abort_end_the_association_and_are_logged() {
    let receiver = Receiver::start(&["-v"]);
    assert!(Peer::usual(receiver.port).release());
    receiver.wait_log("I: Association Release", LIMIT);
    let mut peer = Peer::usual(receiver.port);
    peer.send(&ABORT);
    assert!(peer.closed(), "an abort is not answered but by closing");
    receiver.wait_log("I: Association Aborted", LIMIT);
    let mut peer = Peer::usual(receiver.port);
    assert_eq!(peer.echo(5), 0);
    peer.hang_up();
    receiver.wait_log_times("I: Association Aborted", 2, LIMIT);
    assert!(Peer::usual(receiver.port).release());
}
