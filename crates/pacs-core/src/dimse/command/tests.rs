use super::*;
use proptest::prelude::*;

const MR: &str = "1.2.840.10008.5.1.4.1.1.4";

/// What storescu of DCMTK 3.6.7 sends.
const STORE_RQ: &[u8] = b"\
    \x00\x00\x00\x00\x04\x00\x00\x00\x5c\x00\x00\x00\
    \x00\x00\x02\x00\x1a\x00\x00\x001.2.840.10008.5.1.4.1.1.4\0\
    \x00\x00\x00\x01\x02\x00\x00\x00\x01\x00\
    \x00\x00\x10\x01\x02\x00\x00\x00\x01\x00\
    \x00\x00\x00\x07\x02\x00\x00\x00\x00\x00\
    \x00\x00\x00\x08\x02\x00\x00\x00\x01\x00\
    \x00\x00\x00\x10\x0a\x00\x00\x001.2.3.4.5\0";

/// What storescp of DCMTK 3.6.7 answers to it: group length, class, command field 8001H, the message answered, no data set,
/// status, instance. Nothing else.
const STORE_RSP: &[u8] = b"\
    \x00\x00\x00\x00\x04\x00\x00\x00\x5c\x00\x00\x00\
    \x00\x00\x02\x00\x1a\x00\x00\x001.2.840.10008.5.1.4.1.1.4\0\
    \x00\x00\x00\x01\x02\x00\x00\x00\x01\x80\
    \x00\x00\x20\x01\x02\x00\x00\x00\x01\x00\
    \x00\x00\x00\x08\x02\x00\x00\x00\x01\x01\
    \x00\x00\x00\x09\x02\x00\x00\x00\x00\x00\
    \x00\x00\x00\x10\x0a\x00\x00\x001.2.3.4.5\0";

/// What echoscu of DCMTK 3.6.7 sends.
const ECHO_RQ: &[u8] = b"\
    \x00\x00\x00\x00\x04\x00\x00\x00\x38\x00\x00\x00\
    \x00\x00\x02\x00\x12\x00\x00\x001.2.840.10008.1.1\0\
    \x00\x00\x00\x01\x02\x00\x00\x00\x30\x00\
    \x00\x00\x10\x01\x02\x00\x00\x00\x01\x00\
    \x00\x00\x00\x08\x02\x00\x00\x00\x01\x01";

/// What movescu -aem ME of DCMTK 3.6.7 sends: the destination stands before the priority.
const MOVE_RQ: &[u8] = b"\
    \x00\x00\x00\x00\x04\x00\x00\x00\x56\x00\x00\x00\
    \x00\x00\x02\x00\x1c\x00\x00\x001.2.840.10008.5.1.4.1.2.2.2\0\
    \x00\x00\x00\x01\x02\x00\x00\x00\x21\x00\
    \x00\x00\x10\x01\x02\x00\x00\x00\x01\x00\
    \x00\x00\x00\x06\x02\x00\x00\x00ME\
    \x00\x00\x00\x07\x02\x00\x00\x00\x00\x00\
    \x00\x00\x00\x08\x02\x00\x00\x00\x01\x00";

fn store_rq() -> CStoreRq {
    CStoreRq {
        message_id: 1,
        sop_class: MR.to_owned(),
        sop_instance: "1.2.3.4.5".to_owned(),
        priority: Priority::Medium,
        move_originator_title: None,
        move_originator_id: None,
    }
}

fn written(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    write(message, &mut out);
    out
}

#[test]
fn bytes_of_dcmtk_both_ways() {
    let store = Message::request(Request::Store(store_rq()), true);
    let rsp = Message::from(Response {
        field: field::C_STORE_RSP,
        message_id: 1,
        sop_class: Some(MR.to_owned()),
        sop_instance: Some("1.2.3.4.5".to_owned()),
        ..Response::default()
    });
    let echo =
        Message::request(Request::Echo(CEchoRq { message_id: 1, sop_class: "1.2.840.10008.1.1".to_owned() }), false);
    let rq = CMoveRq {
        message_id: 1,
        sop_class: "1.2.840.10008.5.1.4.1.2.2.2".to_owned(),
        priority: Priority::Medium,
        destination: "ME".to_owned(),
    };
    let go = Message::request(Request::Move(rq), true);
    for (message, bytes) in [(store, STORE_RQ), (rsp, STORE_RSP), (echo, ECHO_RQ), (go, MOVE_RQ)] {
        assert_eq!(parse(bytes).as_ref(), Ok(&message));
        assert_eq!(written(&message), bytes);
    }
}

#[test]
fn writing_appends() {
    let mut out = b"before".to_vec();
    write(&Message::request(Request::Store(store_rq()), true), &mut out);
    assert_eq!(out, [b"before", STORE_RQ].concat());
}

/// Elements of a command set under construction, in any order and with any content.
type Set = Vec<(u32, Vec<u8>)>;

fn encode(set: &Set) -> Vec<u8> {
    let body: Vec<u8> = set
        .iter()
        .flat_map(|(tag, value)| {
            let (group, element) = ((tag >> 16) as u16, *tag as u16);
            [&group.to_le_bytes()[..], &element.to_le_bytes(), &(value.len() as u32).to_le_bytes(), value].concat()
        })
        .collect();
    [&[0, 0, 0, 0, 4, 0, 0, 0], &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

fn store_set() -> Set {
    vec![
        (0x0002, b"1.2.840.10008.5.1.4.1.1.4\0".to_vec()),
        (0x0100, vec![1, 0]),
        (0x0110, vec![7, 0]),
        (0x0700, vec![0, 0]),
        (0x0800, vec![1, 0]),
        (0x1000, b"1.2.3.4.5\0".to_vec()),
    ]
}

fn without(mut set: Set, tag: u32) -> Set {
    set.retain(|e| e.0 != tag);
    set
}

fn with(set: Set, tag: u32, value: &[u8]) -> Set {
    let mut set = without(set, tag);
    set.push((tag, value.to_vec()));
    set.sort_by_key(|e| e.0);
    set
}

fn numbers(pairs: &[(u32, u16)]) -> Set {
    pairs.iter().map(|&(tag, n)| (tag, n.to_le_bytes().to_vec())).collect()
}

fn refusal(set: &Set) -> String {
    parse(&encode(set)).map_or_else(|e| e.to_string(), |m| format!("accepted: {m:?}"))
}

/// What DCMTK's storescp 3.6.7 logs when one element is missing.
#[test]
fn missing_elements_are_named_as_dcmtk_does() {
    let parse_failed = "0006:020b DIMSE: Command Parse Failed: Element: ";
    let no_field = "0006:020b DIMSE_parseCmdObject: Missing CommandField";
    for (tag, expected) in [
        (0x0002, format!("{parse_failed}(0000,0002) AffectedSOPClassUID")),
        (0x0100, no_field.to_owned()),
        (0x0110, format!("{parse_failed}(0000,0110) MessageID")),
        (0x0700, format!("{parse_failed}(0000,0700) Priority")),
        (0x0800, format!("{parse_failed}(0000,0800) CommandDataSetType")),
        (0x1000, format!("{parse_failed}(0000,1000) AffectedSOPInstanceUID")),
    ] {
        assert_eq!(refusal(&without(store_set(), tag)), expected);
        if !matches!(tag, 0x0002 | 0x1000) {
            assert_eq!(refusal(&with(store_set(), tag, b"")), expected, "empty");
            assert_eq!(refusal(&with(store_set(), tag, b"\0\0\0\0")), expected, "four bytes");
        }
    }
    let response = numbers(&[(0x100, 0x8001), (0x120, 5), (0x800, 0x101), (0x900, 0)]);
    let cancel = numbers(&[(0x100, 0x0FFF), (0x110, 6), (0x800, 0x101)]);
    assert_eq!(
        refusal(&without(response.clone(), 0x120)),
        format!("{parse_failed}(0000,0120) MessageIDBeingRespondedTo")
    );
    assert_eq!(refusal(&without(response, 0x900)), format!("{parse_failed}(0000,0900) Status"));
    assert_eq!(refusal(&cancel), format!("{parse_failed}(0000,0120) MessageIDBeingRespondedTo"));
    let go = with(numbers(&[(0x100, 0x21), (0x110, 6), (0x700, 0), (0x800, 1)]), 0x0002, b"1.2\0");
    assert_eq!(refusal(&go), format!("{parse_failed}(0000,0600) MoveDestination"));
    assert_eq!(refusal(&with(go, 0x600, &[b'D'; 18])), format!("{parse_failed}(0000,0600) MoveDestination"));
    for nothing in [&b""[..], b"\0", &[0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0], &STORE_RQ[..STORE_RQ.len() - 1]] {
        assert_eq!(parse(nothing).map_err(|e| e.to_string()), Err(no_field.to_owned()));
    }
}

#[test]
fn contradictions_are_badly_formed_messages() {
    let set = |field, data_set: u16| {
        let set = numbers(&[(0x100, field), (0x110, 1), (0x120, 1), (0x700, 0), (0x800, data_set), (0x900, 0)]);
        with(with(with(set, 0x0002, b"1.2\0"), 0x1000, b"1.3\0"), 0x0600, b"ME")
    };
    for (set, text) in [
        (set(field::C_ECHO_RQ, 1), "C-Echo RQ: DataSetType != NULL"),
        (set(field::C_STORE_RQ, 0x101), "C-Store RQ: DataSetType == NULL"),
        (set(field::C_FIND_RQ, 0x101), "C-Find RQ: DataSetType == NULL"),
        (set(field::C_GET_RQ, 0x101), "C-Get RQ: DataSetType == NULL"),
        (set(field::C_MOVE_RQ, 0x101), "C-Move RQ: DataSetType == NULL"),
        (set(field::C_CANCEL_RQ, 1), "C-Cancel RQ: DataSetType != NULL"),
        (set(field::C_ECHO_RSP, 1), "C-Echo RSP: DataSetType != NULL"),
        (set(field::C_STORE_RSP, 1), "C-Store RSP: DataSetType != NULL"),
        (with(store_set(), 0x1000, b""), "C-Store RQ: AffectedSOPInstanceUID: bad size"),
        (with(store_set(), 0x1000, b"  "), "C-Store RQ: AffectedSOPInstanceUID: bad size"),
        (with(store_set(), 0x1000, b"\0\0"), "C-Store RQ: AffectedSOPInstanceUID: bad size"),
    ] {
        let error = parse(&encode(&set)).err();
        assert_eq!(error.as_ref().and_then(CommandError::warning), Some(text));
        assert_eq!(error.map(|e| e.to_string()).as_deref(), Some("0006:0203 DIMSE Badly formed message"));
    }
    // Any number but 0101H says that a data set follows.
    assert!(parse(&encode(&with(store_set(), 0x0800, &[2, 1]))).is_ok_and(|m| m.data_set));
    for field in [field::C_FIND_RSP, field::C_GET_RSP, field::C_MOVE_RSP] {
        assert!(parse(&encode(&set(field, 1))).is_ok_and(|m| m.data_set), "{field:04x}");
    }
}

fn stored(set: &Set) -> (Option<CStoreRq>, Vec<String>) {
    let mut warnings = Vec::new();
    let message = parse_noting(&encode(set), &mut warnings);
    let rq = match message {
        Ok(Message { kind: Kind::Request(Request::Store(rq)), .. }) => Some(rq),
        _ => None,
    };
    (rq, warnings.iter().map(Warning::to_string).collect())
}

#[test]
fn white_space_in_uids_is_removed() {
    let warning = |element| {
        vec![format!(
            "DcmUniqueIdentifier: Element {element} contains one or more space characters, which were removed"
        )]
    };
    let instance = warning("AffectedSOPInstanceUID (0000,1000)");
    for uid in [&b"1.2.3.4.5 "[..], b" 1.2.3.4.5", b"1.2. 3.4.5", b"\t1.2.3.4.5", b"1.2.3\n.4.5"] {
        let (rq, warnings) = stored(&with(store_set(), 0x1000, uid));
        assert_eq!((rq.map(|rq| rq.sop_instance), warnings), (Some("1.2.3.4.5".to_owned()), instance.clone()));
    }
    let (rq, warnings) = stored(&with(store_set(), 0x0002, b"1. 2"));
    assert_eq!(
        (rq.map(|rq| rq.sop_class), warnings),
        (Some("1.2".to_owned()), warning("AffectedSOPClassUID (0000,0002)"))
    );
    // DCMTK says so as well when it then refuses the message.
    assert_eq!(stored(&with(store_set(), 0x1000, b"  ")), (None, instance));
}

#[test]
fn uids_have_at_most_64_characters() {
    let digits = |n: usize| [b"1.".to_vec(), vec![b'2'; n - 2]].concat();
    let of = |uid: Vec<u8>| stored(&with(store_set(), 0x1000, &uid)).0.map(|rq| rq.sop_instance.len());
    assert_eq!(of(digits(64)), Some(64));
    assert_eq!(of([b"  ".to_vec(), digits(64)].concat()), Some(64));
    assert_eq!(of([digits(64), vec![0, 0]].concat()), Some(64));
    assert_eq!(of(digits(66)), None);
    assert_eq!(of([digits(65), vec![0]].concat()), None);
    assert_eq!(of(digits(4000)), None);
}

/// DCMTK takes these; what it makes of them (A900) is the service's business.
#[test]
fn other_odd_values_are_taken() {
    let class = |value: &[u8]| stored(&with(store_set(), 0x0002, value)).0.map(|rq| rq.sop_class);
    assert_eq!(class(b"").as_deref(), Some(""));
    assert_eq!(class(b"1.2\x003.4.5\0").as_deref(), Some("1.2"));
    assert_eq!(class(b"1.2\\1.3\0").as_deref(), Some("1.2\\1.3"));
    assert_eq!(class(b"\xe4\xf6.1").as_deref(), Some("\u{e4}\u{f6}.1"));
    let set = with(with(store_set(), 0x0700, &[9, 0]), 0x1030, b" MOVER  ");
    let (rq, warnings) = stored(&with(set, 0x1031, &[99, 0]));
    let expected = CStoreRq {
        message_id: 7,
        priority: Priority::Other(9),
        move_originator_title: Some("MOVER".to_owned()),
        move_originator_id: Some(99),
        ..store_rq()
    };
    assert_eq!((rq, warnings), (Some(expected), vec![]));
    let set = with(with(store_set(), 0x1030, &[b'M'; 18]), 0x1031, b"");
    let rq = stored(&set).0;
    assert_eq!(rq.map(|rq| (rq.move_originator_title, rq.move_originator_id)), Some((None, None)), "too long, empty");
    assert!(stored(&with(store_set(), 0x1031, &[1, 0, 2, 0])).0.is_none(), "DCMTK takes the first two bytes");
    let long = with(numbers(&[(0x100, 0x8001), (0x120, 5), (0x800, 0x101), (0x900, 0)]), 0x1000, &[b'1'; 66]);
    let message = parse(&encode(&long));
    assert!(matches!(message, Ok(Message { kind: Kind::Response(Response { sop_instance: None, .. }), .. })));
}

#[test]
fn order_and_doubles_are_dcmtks() {
    let mut reversed = store_set();
    reversed.reverse();
    let (rq, warnings) = stored(&reversed);
    assert_eq!(rq.map(|rq| rq.message_id), Some(7));
    let unordered = |tag| format!("DcmItem: Dataset not in ascending tag order, at element ({tag})");
    let expected = ["0000,0800", "0000,0700", "0000,0110", "0000,0100", "0000,0002"].map(unordered);
    assert_eq!(warnings, expected);

    let twice = |tag| format!("DcmItem: Element ({tag}) found twice in one data set or item, ignoring second entry");
    let mut doubled = store_set();
    doubled.push((0x1000, b"9.8.7\0".to_vec()));
    doubled.push((0x0110, vec![99, 0]));
    let (rq, warnings) = stored(&doubled);
    assert_eq!(rq, Some(CStoreRq { message_id: 7, ..store_rq() }));
    assert_eq!(warnings, [twice("0000,1000"), twice("0000,0110")]);

    // Other groups and unknown elements mean nothing, even in front.
    let mut strange = store_set();
    strange.insert(0, (0x0008_1000, b"9.9\0".to_vec()));
    strange.push((0x5555, b"abcd".to_vec()));
    let (rq, warnings) = stored(&strange);
    assert_eq!(rq.map(|rq| rq.sop_instance).as_deref(), Some("1.2.3.4.5"));
    assert_eq!(warnings.first(), Some(&unordered("0000,0002")));

    let odd = with(with(store_set(), 0x0002, b"1.2.3"), 0x1000, b"1.2.3.4.5");
    let (rq, warnings) = stored(&odd);
    assert_eq!(rq.map(|rq| rq.sop_class).as_deref(), Some("1.2.3"));
    assert_eq!(warnings, ["0000,0002", "0000,1000"].map(|t| format!("DcmItem: Length of element ({t}) is odd")));
}

#[test]
fn group_length_is_not_believed() {
    for length in [0, 4, 4000, u32::MAX] {
        let mut bytes = STORE_RQ.to_vec();
        bytes[8..12].copy_from_slice(&length.to_le_bytes());
        assert!(parse(&bytes).is_ok(), "{length}");
    }
    assert!(parse(&STORE_RQ[12..]).is_ok(), "missing");
    assert!(parse(&[STORE_RQ, b"\0\0\x55\x55"].concat()).is_ok(), "half a header at the end");
    let error = parse(&STORE_RQ[..STORE_RQ.len() - 10]).map_err(|e| e.to_string());
    let expected = "0006:020b DIMSE: Command Parse Failed: Element: (0000,1000) AffectedSOPInstanceUID";
    assert_eq!(error, Err(expected.to_owned()), "a header without its value at the end");
}

#[test]
fn lengths_beyond_the_end_are_refused() {
    let cut = |declared: u32| {
        let mut bytes = encode(&without(store_set(), 0x1000));
        bytes.extend(b"\0\0\0\x10");
        bytes.extend(declared.to_le_bytes());
        bytes.extend(b"1.2.");
        parse(&bytes).err()
    };
    let error = cut(100);
    assert_eq!(
        error.as_ref().and_then(CommandError::notice).as_deref(),
        Some(
            "DcmElement: AffectedSOPInstanceUID (0000,1000) larger (100) than remaining bytes (4) in file, premature end \
             of stream"
        )
    );
    let text = |code| Some(format!("0006:020d DIMSE: receiveCommand: cmdSet->read() Failed\n{code}"));
    assert_eq!(error.map(|e| e.to_string()), text("0001:0004 Invalid stream"));
    assert_eq!(cut(0xFFFF_FFFE).map(|e| e.to_string()), text("0001:0004 Invalid stream"));
    assert_eq!(cut(0xFFFF_FFFF).map(|e| e.to_string()), text("0001:0006 Corrupted data"));
}

/// S22.
#[test]
fn command_fields() {
    let set = |field| numbers(&[(0x100, field), (0x110, 4), (0x120, 5), (0x800, 0x101), (0x900, 0)]);
    for field in [0, 0x1234, 0x8FFF, 0xFFFF, 0x0002, 0x8031] {
        let expected = format!("0006:0201 DIMSE_parseCmdObject: Invalid Command Message: 0x{field:x}");
        assert_eq!(refusal(&set(field)), expected);
    }
    for field in [0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150] {
        let unknown = Request::Unknown { field, message_id: Some(4) };
        assert_eq!(parse(&encode(&set(field))), Ok(Message::request(unknown, false)));
        let response = Response { field: field | 0x8000, message_id: 5, ..Response::default() };
        assert_eq!(parse(&encode(&set(field | 0x8000))), Ok(response.into()));
    }
}

#[test]
fn warnings_are_bounded() {
    let mut set = store_set();
    set.extend((0..1000).map(|_| (0x1000, vec![])));
    assert_eq!(stored(&set).1.len(), MAX_WARNINGS);
}

fn uid() -> impl Strategy<Value = String> + Clone {
    "[0-9][0-9.]{0,63}"
}

fn title() -> impl Strategy<Value = String> + Clone {
    "[!-~]([ -~]{0,14}[!-~])?"
}

fn any_request() -> impl Strategy<Value = Message> {
    let priority = any::<u16>().prop_map(Priority::from_code);
    let store = (any::<u16>(), uid(), uid(), priority.clone(), prop::option::of(title()), any::<Option<u16>>());
    let query = (any::<u16>(), uid(), priority);
    prop_oneof![
        store.prop_map(|(message_id, sop_class, sop_instance, priority, move_originator_title, move_originator_id)| {
            let rq =
                CStoreRq { message_id, sop_class, sop_instance, priority, move_originator_title, move_originator_id };
            Message::request(Request::Store(rq), true)
        }),
        (any::<u16>(), uid()).prop_map(|(message_id, sop_class)| Message::request(
            Request::Echo(CEchoRq { message_id, sop_class }),
            false
        )),
        query.clone().prop_map(|(message_id, sop_class, priority)| {
            Message::request(Request::Find(CFindRq { message_id, sop_class, priority }), true)
        }),
        query.clone().prop_map(|(message_id, sop_class, priority)| {
            Message::request(Request::Get(CGetRq { message_id, sop_class, priority }), true)
        }),
        (query, title()).prop_map(|((message_id, sop_class, priority), destination)| {
            Message::request(Request::Move(CMoveRq { message_id, sop_class, priority, destination }), true)
        }),
        any::<u16>().prop_map(|message_id| Message::request(Request::Cancel(CCancelRq { message_id }), false)),
        any::<(Option<u16>, bool)>()
            .prop_map(|(message_id, set)| Message::request(Request::Unknown { field: 0x0140, message_id }, set)),
    ]
}

fn any_response() -> impl Strategy<Value = Message> {
    let counts = any::<(Option<u16>, Option<u16>, Option<u16>, Option<u16>)>().prop_map(|(a, b, c, d)| {
        let counts = Counts { remaining: a, completed: b, failed: c, warning: d };
        (counts != Counts::default()).then_some(counts)
    });
    let fields = prop::sample::select(&[0x8001, 0x8010, 0x8020, 0x8021, 0x8030, 0x8140][..]);
    let texts = (prop::option::of(uid()), prop::option::of(uid()), prop::option::of("[!-~]{0,64}"));
    (fields, any::<(u16, u16, bool)>(), texts, counts).prop_map(|(field, (message_id, status, set), texts, counts)| {
        let (sop_class, sop_instance, error_comment) = texts;
        let data_set = set && !matches!(field, 0x8001 | 0x8030);
        let suboperations = counts;
        Response { field, message_id, sop_class, sop_instance, data_set, status, suboperations, error_comment }.into()
    })
}

proptest! {
    #[test]
    fn round_trip(message in prop_oneof![any_request(), any_response()]) {
        let bytes = written(&message);
        prop_assert_eq!(bytes.len() % 2, 0);
        let mut warnings = Vec::new();
        prop_assert_eq!(parse_noting(&bytes, &mut warnings), Ok(message));
        prop_assert!(warnings.is_empty());
        let length = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize;
        prop_assert_eq!(length, bytes.len() - 12);
    }
}

/// Bytes of real messages, changed at random: whatever comes of it is a value, and soon.
#[test]
fn mutations_never_panic() {
    let seeds = [STORE_RQ, STORE_RSP, ECHO_RQ, MOVE_RQ];
    let mut random = crate::pdu::read::tests::Random(0x5EED);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..200_000 {
        let mut bytes = seeds[random.below(seeds.len())].to_vec();
        random.mutate(&mut bytes);
        match parse(&bytes) {
            Ok(_) => taken += 1,
            Err(e) => refused += usize::from(!e.to_string().is_empty()),
        }
    }
    assert_eq!(taken + refused, 200_000);
    assert!(taken > 10_000 && refused > 10_000, "{taken} {refused}");
}

/// The longest command set, full of the smallest elements, is read in one pass.
#[test]
fn the_longest_command_is_read_quickly() {
    let bytes = vec![0; MAX_COMMAND_LENGTH];
    let start = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(parse(&bytes), Err(CommandError::NoField));
    }
    assert!(start.elapsed().as_secs() < 10);
}
