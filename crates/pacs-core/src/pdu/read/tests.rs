use super::super::write;
use super::*;
use std::time::Instant;

/// A small generator (xorshift64*) with a fixed seed: the same bytes on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end.max(1)
    }

    /// One to four changes: a byte, a bit, an insertion, a cut, a copy, or an extreme length.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] = self.next() as u8,
                1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                2 => bytes.insert(at, self.next() as u8),
                3 => bytes.truncate(at),
                4 => {
                    let end = at + self.below((bytes.len() - at).min(64));
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => {
                    let extreme = [0u8, 1, 0x7F, 0x80, 0xFE, 0xFF][self.below(6)];
                    let end = (at + 1 + self.below(4)).min(bytes.len());
                    bytes[at..end].fill(extreme);
                }
            }
        }
    }
}

const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const CONTEXT_NAME: &str = "1.2.840.10008.3.1.1.1";

fn item(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 0], &(content.len() as u16).to_be_bytes()[..], content].concat()
}

/// An item that declares this length, whatever it has.
fn lying(kind: u8, declared: u16, content: &[u8]) -> Vec<u8> {
    [&[kind, 0], &declared.to_be_bytes()[..], content].concat()
}

fn fixed(called: &[u8; 16], calling: &[u8; 16]) -> Vec<u8> {
    [&[0, 1, 0, 0][..], called, calling, &[0; 32]].concat()
}

fn context(id: u8, sub_items: &[Vec<u8>]) -> Vec<u8> {
    item(0x20, &[&[id, 0, 0, 0], &sub_items.concat()[..]].concat())
}

fn answer(id: u8, result: u8, sub_items: &[Vec<u8>]) -> Vec<u8> {
    item(0x21, &[&[id, 0, result, 0], &sub_items.concat()[..]].concat())
}

fn text_item(kind: u8, text: &str) -> Vec<u8> {
    item(kind, text.as_bytes())
}

fn role_item(uid: &[u8], scu: u8, scp: u8) -> Vec<u8> {
    item(0x54, &[&(uid.len() as u16).to_be_bytes()[..], uid, &[scu, scp]].concat())
}

/// A request body with fixed fields, application context, one context, and these further items.
fn body(more: &[Vec<u8>]) -> Vec<u8> {
    [
        fixed(b"ANY-SCP         ", b"CLIENT          "),
        text_item(0x10, CONTEXT_NAME),
        context(1, &[text_item(0x30, MR), text_item(0x40, IMPLICIT)]),
        more.concat(),
    ]
    .concat()
}

fn user(items: &[Vec<u8>]) -> Vec<u8> {
    item(0x50, &items.concat())
}

/// The user information of a request that has this one item.
fn user_of(one: Vec<u8>) -> Result<UserInformation, PduError> {
    associate_rq(&body(&[user(&[one])])).map(|rq| rq.user)
}

fn error(body: &[u8]) -> String {
    associate_rq(body).map_or_else(|e| e.to_string(), |rq| format!("accepted: {rq:?}"))
}

#[test]
fn a_request_byte_by_byte() {
    #[rustfmt::skip]
    let bytes = [
        &b"\x00\x01"[..],                       // protocol version 1
        b"\x00\x00",                            // reserved
        b"ANY-SCP         ",                    // called
        b"STORESCU        ",                    // calling
        &[0; 32],                               // reserved
        b"\x10\x00\x00\x15", CONTEXT_NAME.as_bytes(), // application context
        b"\x20\x00\x00\x36",                    // presentation context
        b"\x05\x00\xff\x00",                    //   5; DCMTK writes ffH where a result would stand
        b"\x30\x00\x00\x19", MR.as_bytes(),     //   abstract syntax
        b"\x40\x00\x00\x11", IMPLICIT.as_bytes(), // transfer syntax
        b"\x50\x00\x00\x5d",                    // user information
        b"\x51\x00\x00\x04\x00\x00\x40\x00",    //   maximum length 16384
        b"\x52\x00\x00\x05", b"1.2.3",          //   implementation class UID
        b"\x53\x00\x00\x04\x00\x03\x00\x05",    //   3 operations invoked, 5 performed
        b"\x54\x00\x00\x1d\x00\x19", MR.as_bytes(), b"\x01\x00", // SCU role
        b"\x55\x00\x00\x04", b"V_10",           //   implementation version name
        b"\x56\x00\x00\x07\x00\x03", b"1.2", b"\x02\x00", // extended negotiation
        b"\x58\x00\x00\x0c\x02\x01\x00\x02me\x00\x04pass", // user name and passcode, answer wanted
    ].concat();
    let expected = AssociateRq {
        protocol_version: 1,
        called: AeTitle::new("ANY-SCP"),
        calling: AeTitle::new("STORESCU"),
        application_context: CONTEXT_NAME.to_owned(),
        contexts: vec![ProposedContext {
            id: 5,
            abstract_syntax: MR.to_owned(),
            transfer_syntaxes: vec![IMPLICIT.to_owned()],
        }],
        user: UserInformation {
            max_length: Some(16384),
            implementation_class_uid: "1.2.3".to_owned(),
            implementation_version_name: "V_10".to_owned(),
            async_window: Some((3, 5)),
            roles: vec![RoleSelection { sop_class: MR.to_owned(), scu: true, scp: false }],
            extended: vec![ExtendedNegotiation { sop_class: "1.2".to_owned(), information: vec![2, 0] }],
            identity: Some(UserIdentity {
                kind: 2,
                response_requested: true,
                primary: b"me".to_vec(),
                secondary: b"pass".to_vec(),
            }),
            identity_response: None,
        },
    };
    let mut warnings = Vec::new();
    assert_eq!(associate_rq_noting(&bytes, &mut warnings), Ok(expected));
    assert!(warnings.is_empty());
}

#[test]
fn an_acceptance_byte_by_byte() {
    #[rustfmt::skip]
    let bytes = [
        &b"\x00\x01\x00\x00"[..],               // version, reserved
        b"ANY-SCP         STORESCU        ",    // called, calling
        &[0; 32],                               // reserved
        b"\x10\x00\x00\x15", CONTEXT_NAME.as_bytes(), // application context
        b"\x21\x00\x00\x19\x05\x00\x00\x00",    // context 5, accepted
        b"\x40\x00\x00\x11", IMPLICIT.as_bytes(), //   transfer syntax
        b"\x21\x00\x00\x04\x07\x00\x03\x00",    // context 7, refused: 3, without a transfer syntax
        b"\x21\x00\x00\x0c\x09\x00\x63\x00",    // context 9, refused with an unlisted code
        b"\x40\x00\x00\x60bad!",                //   a transfer syntax that reaches too far and means nothing
        b"\x50\x00\x00\x13",                    // user information
        b"\x51\x00\x00\x04\x00\x00\x00\x00",    //   any length
        b"\x59\x00\x00\x07\x00\x05hello",       //   answer to the user identity
    ].concat();
    let context = |id, result, syntax: &str| ContextResult { id, result, transfer_syntax: syntax.to_owned() };
    let expected = AssociateAc {
        protocol_version: 1,
        called: AeTitle::new("ANY-SCP"),
        calling: AeTitle::new("STORESCU"),
        application_context: CONTEXT_NAME.to_owned(),
        contexts: vec![context(5, 0, IMPLICIT), context(7, 3, ""), context(9, 99, "")],
        user: UserInformation {
            max_length: Some(0),
            identity_response: Some(b"hello".to_vec()),
            ..UserInformation::default()
        },
    };
    assert_eq!(associate_ac(&bytes), Ok(expected));
}

#[test]
fn short_bodies_byte_by_byte() {
    assert_eq!(associate_rj(&[0, 2, 3, 9]), Ok(AssociateRj { result: 2, source: 3, reason: 9 }));
    assert_eq!(associate_rj(&[0, 1, 1, 7, 0, 0]), Ok(AssociateRj { result: 1, source: 1, reason: 7 }));
    assert!(associate_rj(&[0, 1, 1]).is_err());
    assert_eq!(abort(&[0, 0, 2, 6]), Abort { source: 2, reason: 6 });
    assert_eq!(abort(&[]), Abort { source: 0, reason: 0 });
    assert_eq!(abort(&[9, 9, 2, 1, 5]), Abort { source: 2, reason: 1 });
}

/// Each of these DCMTK's storescp 3.6.7 accepts.
#[test]
fn what_dcmtk_tolerates() {
    let known = |more: &[Vec<u8>]| associate_rq(&body(more)).map(|rq| rq.contexts.len());
    assert_eq!(known(&[item(0x60, b"abc"), item(0, b""), item(0xFF, &[0; 300])]), Ok(1), "unknown items");
    let inner = context(3, &[item(0x78, b"zz"), text_item(0x30, MR), item(0x77, b""), text_item(0x40, IMPLICIT)]);
    let rq = associate_rq(&body(&[inner, user(&[item(0x7E, b"hello"), item(0x57, b"x"), item(0x59, b"")])]));
    assert_eq!(rq.map(|rq| rq.contexts[1].transfer_syntaxes.len()), Ok(1), "unknown sub-items and user items");

    let even = associate_rq(&body(&[context(2, &[]), context(2, &[]), context(0, &[])]));
    let ids = even.map(|rq| rq.contexts.iter().map(|c| c.id).collect::<Vec<_>>());
    assert_eq!(ids, Ok(vec![1, 2, 2, 0]), "even and repeated identifiers");
    let other = answer(9, 0, &[text_item(0x30, MR), text_item(0x40, IMPLICIT)]);
    assert_eq!(associate_rq(&body(&[other])).map(|rq| rq.contexts[1].id), Ok(9), "item type 21H in a request");

    let twice = [text_item(0x10, "1.2"), user(&[item(0x51, &[0, 0, 1, 0])]), user(&[item(0x51, &[0, 0, 2, 0])])];
    let rq = associate_rq(&body(&twice)).map(|rq| (rq.application_context, rq.user.max_length));
    assert_eq!(rq, Ok(("1.2".to_owned(), Some(512))), "the last of a repeated item counts");
    let double = context(3, &[text_item(0x30, "1.2"), text_item(0x30, MR)]);
    assert_eq!(associate_rq(&body(&[double])).map(|rq| rq.contexts[1].abstract_syntax.clone()), Ok(MR.to_owned()));

    assert_eq!(user_of(item(0x53, b"\0")).map(|u| u.async_window), Ok(None), "a short window");
    let odd = user_of(item(0x58, b"\x06\0\0\x04user\0\0"));
    assert_eq!(odd.map(|u| u.identity.map(|i| i.kind)), Ok(Some(6)), "an unlisted identity type");
    let empty = associate_rq(&fixed(b"A               ", b"B               "));
    assert_eq!(empty.map(|rq| (rq.contexts.len(), rq.application_context)), Ok((0, String::new())), "nothing at all");
}

#[test]
fn titles_end_at_a_nul_and_are_padded_with_blanks() {
    let title = |bytes: &[u8; 16]| associate_rq(&fixed(bytes, bytes)).map(|rq| rq.called.0);
    assert_eq!(title(b"B\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), Ok(*b"B               "));
    assert_eq!(title(b"A\0B             "), Ok(*b"A               "));
    assert_eq!(title(b"  x             "), Ok(*b"  x             "), "blanks in front stay: DCMTK repeats them");
    assert_eq!(title(&[b'X'; 16]), Ok([b'X'; 16]));
    assert_eq!(title(&[0; 16]), Ok([b' '; 16]));
}

#[test]
fn texts_end_at_a_nul_and_keep_blanks() {
    let class = |bytes: &[u8]| user_of(item(0x52, bytes)).map(|u| u.implementation_class_uid);
    assert_eq!(class(b"1.2.3\0").as_deref(), Ok("1.2.3"));
    assert_eq!(class(b"1.2\x003").as_deref(), Ok("1.2"));
    assert_eq!(class(b" 1.2.3 ").as_deref(), Ok(" 1.2.3 "), "DCMTK: not the same UID");
    assert_eq!(class(b"\xe4").as_deref(), Ok("\u{e4}"));
    assert_eq!(class(&[b'1'; 64]).map(|s| s.len()), Ok(64));
}

/// Condition texts of DCMTK's storescp 3.6.7 for the same bytes.
#[test]
fn refusals_read_as_dcmtks() {
    let illegal = |rest: &str| format!("0006:0308 DUL Illegal {rest}");
    let declared = |what: &str, got: usize, length: usize| {
        illegal(&format!(
            "{what}. Got {got} bytes of data with a length field of {length} (data before length field is not included in \
             length field)."
        ))
    };
    let small = |what: &str, got: usize, min: usize| {
        illegal(&format!("{what}. Got {got} bytes of data. The minimum allowed size is {min}."))
    };
    for n in [0, 2, 10, 67] {
        assert_eq!(error(&body(&[])[..n]), small("associate PDU", n, 68));
    }
    let mut version = fixed(b"A               ", b"B               ");
    version[1] = 2;
    assert_eq!(
        error(&[version, lying(0x20, 255, b"")].concat()),
        "0006:0322 DUL Unsupported peer protocol 0002; expected 0001 in parseAssociate"
    );
    let of = |item: Vec<u8>| error(&body(&[item]));
    assert_eq!(of(vec![0x10]), small("subitem", 1, 4));
    assert_eq!(of(vec![0x60, 0, 0]), small("dummy item", 3, 4));
    assert_eq!(of(lying(0x60, 9, b"abc")), declared("dummy item", 7, 9));
    assert_eq!(of(lying(0x10, 32, b"abc")), declared("subitem", 7, 32));
    let too_long = "0006:0308 DUL illegal subitem length 255. Maximum allowed size is 64.";
    assert_eq!(of(lying(0x10, 255, b"1.2")), too_long);
    assert_eq!(
        of(lying(0x20, 255, b"\x01\0\0\0")),
        declared("presentation context", 8, 255) + " The minimum allowed size is 4."
    );
    assert_eq!(of(vec![0x20, 0, 0]), small("presentation context", 3, 8));
    assert_eq!(of([item(0x20, b""), vec![0x60; 71]].concat()), small("presentation context", 75, 4));
    assert_eq!(
        of([item(0x20, b"\x01\0\0"), vec![0x60; 71]].concat()),
        declared("presentation context", 78, 3) + " The minimum allowed size is 4."
    );
    assert_eq!(of(context(1, &[lying(0x40, 48, &[b'1'; 17])])), declared("subitem", 21, 48));
    assert_eq!(of(context(1, &[vec![0x77, 0]])), small("dummy item", 2, 4));
    assert_eq!(of(lying(0x50, 255, &[0; 8])), declared("user info", 12, 255));
    assert_eq!(of(vec![0x50, 0, 0]), small("user info", 3, 4));

    let of = |item: Vec<u8>| user_of(item).map_or_else(|e| e.to_string(), |u| format!("accepted: {u:?}"));
    assert_eq!(of(vec![0x51, 0, 0, 4, 0, 0]), small("Max PDU", 6, 8));
    assert_eq!(of(lying(0x51, 32, &[0; 4])), declared("Max PDU", 8, 32));
    assert_eq!(of(item(0x55, &[b'V'; 65])), "0006:0308 DUL illegal subitem length 65. Maximum allowed size is 64.");
    assert_eq!(of(item(0x54, b"")), small("SCU-SCP role list", 4, 8));
    assert_eq!(of(lying(0x54, 48, b"\0\x051.2.3\x01\x01")), declared("SCU-SCP role list", 13, 48));
    assert_eq!(of(item(0x54, b"\0\xc81.2\x01\x01")), declared("SCU-SCP role list UID", 7, 200));
    assert_eq!(of(item(0x54, b"\0\x031.2\x01")), declared("SCU-SCP role list UID", 6, 3));
    assert_eq!(of(item(0x56, b"\0")), small("extended negotiation", 5, 6));
    assert_eq!(of(item(0x56, b"\0\xc81.2")), declared("extended negotiation item", 5, 200));
    assert_eq!(of(item(0x58, b"\x01")), "0006:0308 DUL user identity rq length 5. Need at least 10 bytes");
    let identity = "0006:0308 DUL illegal user identify rq length";
    assert_eq!(of(lying(0x58, 48, b"\x01\0\0\x04user\0\0")), format!("{identity} 14. Info claims to be 48 bytes."));
    assert_eq!(
        of(item(0x58, b"\x01\0\0\x40user\0\0")),
        format!("{identity} 14. Info claims to be 10 bytes. Primary field has 64 bytes.")
    );
    assert_eq!(
        of(item(0x58, b"\x01\0\0\x04user")),
        format!("{identity} 12. Info claims to be 8 bytes. Primary field has 4 bytes.")
    );
    assert_eq!(
        of(item(0x58, b"\x02\0\0\x04user\0\x40pa")),
        format!("{identity} 16. Info claims to be 12 bytes. Primary field has 4 bytes. Secondary field has 64 bytes.")
    );
}

/// Condition texts of DCMTK's echoscu 3.6.7 for the same bytes.
#[test]
fn refusals_of_answers_read_as_dcmtks() {
    let of = |items: &[Vec<u8>]| {
        let body = [fixed(b"A               ", b"B               "), items.concat()].concat();
        associate_ac(&body).map_or_else(|e| e.to_string(), |ac| format!("accepted: {ac:?}"))
    };
    let count = "0006:0318 DUL Peer supplied illegal number of transfer syntaxes";
    assert_eq!(of(&[answer(1, 0, &[])]), format!("{count} (0)"));
    assert_eq!(of(&[answer(1, 0, &[text_item(0x40, IMPLICIT), text_item(0x40, MR)])]), format!("{count} (2)"));
    let identity = "0006:0308 DUL illegal user identify ac length";
    let needs = "Need at least 6 bytes for user identify ac";
    assert_eq!(of(&[user(&[item(0x59, b"")])]), format!("{identity} 4. {needs}"));
    assert_eq!(of(&[user(&[item(0x59, b"\0")])]), format!("{identity} 5. {needs}"));
    assert_eq!(
        of(&[user(&[item(0x59, b"\0\x20ok")])]),
        format!("{identity} 8. Info claims to be 4 bytes. Response claims to be 32 bytes.")
    );
}

#[test]
fn a_refusal_says_where() {
    let error = associate_rq(&body(&[user(&[item(0x51, &[0; 4]), item(0x54, b"\0\xc81.2\x01\x01")])])).err();
    let start = body(&[]).len();
    assert_eq!(
        error.map(|e| e.place()),
        Some(format!("a role selection item (54H), at byte {} of the PDU's body", start + 4 + 8))
    );
    let error = associate_rq(&body(&[context(3, &[text_item(0x30, MR), lying(0x40, 99, b"1")])])).err();
    assert_eq!(error.map(|e| e.offset), Some(start + 8 + 29));
}

#[test]
fn oddities_are_warned_of() {
    let of = |items: &[Vec<u8>]| {
        let mut warnings = Vec::new();
        let user = associate_rq_noting(&body(&[user(items)]), &mut warnings).map(|rq| rq.user);
        (user, warnings.iter().map(Warning::to_string).collect::<Vec<_>>())
    };
    let (read, warnings) = of(&[role_item(MR.as_bytes(), 0, 0)]);
    assert_eq!(read.map(|u| u.roles), Ok(vec![RoleSelection { sop_class: MR.to_owned(), scu: false, scp: false }]));
    assert_eq!(warnings, ["DULFSM: both role fields are 0 in SCP/SCU role selection sub-item"]);

    let (read, warnings) = of(&[role_item(&[b'1'; 65], 1, 1)]);
    assert_eq!(read.map(|u| u.roles[0].sop_class.len()), Ok(64));
    assert_eq!(
        warnings,
        ["Provided role SOP Class UID length 65 is larger than maximum allowed UID length 64 (will use 64 bytes max)"]
    );

    let length = |n| vec![format!("Invalid length ({n}) for maximum length item, must be 4")];
    let (read, warnings) = of(&[item(0x51, &[0, 0, 0x20, 0, 9, 9, 9, 9]), item(0x55, b"V")]);
    assert_eq!((read.map(|u| u.max_length), warnings), (Ok(Some(8192)), length(8)));
    // DCMTK reads the number out of the next item; ours takes the item as missing.
    let (read, warnings) = of(&[item(0x51, &[0, 0]), item(0x55, b"VVVV")]);
    assert_eq!((read.map(|u| u.max_length), warnings), (Ok(None), length(2)));
    let (read, warnings) = of(&[lying(0x51, 32, &[0; 4])]);
    assert_eq!((read.is_err(), warnings), (true, length(32)), "before the refusal");

    let (_, warnings) = of(&vec![role_item(b"1", 0, 0); 2000]);
    assert_eq!(warnings.len(), MAX_WARNINGS);
}

/// S13: counts and sizes that only a hostile peer sends. Whatever is built is bounded by the bytes that came.
#[test]
fn hostile_sizes_are_read_in_linear_time() {
    let start = Instant::now();
    let smallest = context(1, &[]);
    for n in [0, 128, 129, 65_000, 131_000] {
        let body = [fixed(b"A               ", b"B               "), smallest.repeat(n)].concat();
        assert_eq!(associate_rq(&body).map(|rq| rq.contexts.len()), Ok(n));
    }
    let many = context(1, &vec![text_item(0x40, ""); 10_000]);
    assert_eq!(associate_rq(&body(&[many])).map(|rq| rq.contexts[1].transfer_syntaxes.len()), Ok(10_000));
    // Items of unknown types that look nested are skipped as a whole.
    let nested = (0..10_000).fold(vec![], |inner, _| item(0x77, &inner));
    assert_eq!(associate_rq(&body(&[nested])).map(|rq| rq.contexts.len()), Ok(1));
    let identity = item(0x58, &[b"\x01\0\xff\0", &[b'u'; 0xFF00][..], b"\0\0"].concat());
    assert_eq!(user_of(identity).map(|u| u.identity.map(|i| i.primary.len())), Ok(Some(0xFF00)));
    let longest = [fixed(b"A               ", b"B               "), vec![0; (1 << 20) - 68]].concat();
    assert!(associate_rq(&longest).is_ok(), "262127 empty items of type 0");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// Real PDUs changed at random: reading gives a value, never a panic, and what was read can be written.
#[test]
fn mutations_never_panic() {
    let full = UserInformation {
        max_length: Some(16384),
        implementation_class_uid: "1.2.3".to_owned(),
        implementation_version_name: "V".to_owned(),
        async_window: Some((1, 1)),
        roles: vec![RoleSelection { sop_class: MR.to_owned(), scu: true, scp: true }],
        extended: vec![ExtendedNegotiation { sop_class: MR.to_owned(), information: vec![1, 2, 3] }],
        identity: None,
        identity_response: Some(b"yes".to_vec()),
    };
    let identity = UserIdentity { kind: 2, response_requested: true, primary: b"u".into(), secondary: b"p".into() };
    let rq = AssociateRq {
        protocol_version: 1,
        called: AeTitle::new("ANY-SCP"),
        calling: AeTitle::new("CLIENT"),
        application_context: CONTEXT_NAME.to_owned(),
        contexts: [1, 3]
            .map(|id| ProposedContext {
                id,
                abstract_syntax: MR.to_owned(),
                transfer_syntaxes: vec![IMPLICIT.to_owned(), "1.2.840.10008.1.2.1".to_owned()],
            })
            .into(),
        user: UserInformation { identity: Some(identity), ..full.clone() },
    };
    let ac = AssociateAc {
        protocol_version: 1,
        called: rq.called,
        calling: rq.calling,
        application_context: CONTEXT_NAME.to_owned(),
        contexts: [(1, 0), (3, 4)]
            .map(|(id, result)| ContextResult { id, result, transfer_syntax: IMPLICIT.to_owned() })
            .into(),
        user: full,
    };
    let seeds =
        [write::associate_rq(&rq), write::associate_ac(&ac)].map(|w| w.map_or_else(|_| vec![], |w| w[6..].to_vec()));
    let (start, mut random) = (Instant::now(), Random(0xD1C0));
    let (mut taken, mut refused) = (0, 0);
    for n in 0..300_000 {
        let mut bytes = seeds[n % 2].clone();
        random.mutate(&mut bytes);
        let result = if n % 2 == 0 {
            associate_rq(&bytes).map(|rq| assert!(write::associate_rq(&rq).is_ok()))
        } else {
            associate_ac(&bytes).map(|ac| assert!(write::associate_ac(&ac).is_ok()))
        };
        match result {
            Ok(()) => taken += 1,
            Err(e) => refused += usize::from(!e.to_string().is_empty() && e.offset <= bytes.len()),
        }
    }
    assert_eq!(taken + refused, 300_000);
    assert!(taken > 30_000 && refused > 30_000, "{taken} {refused}");
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
