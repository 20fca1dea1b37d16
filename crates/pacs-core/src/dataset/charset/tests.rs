//! Values of the standard's examples (PS3.5 annexes H, I, J, K) and of real objects, both ways.

use super::*;
use proptest::prelude::*;

/// Specific Character Set, VR, value, text.
#[rustfmt::skip]
const EXAMPLES: &[(&[u8], Vr, &[u8], &str)] = &[
    // PS3.5 H.3.1: escape sequences back to ASCII before every delimiter.
    (b"\\ISO 2022 IR 87", Vr::PN,
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    // PS3.5 H.3.2: value 1 is JIS X 0201, so they lead back to its Romaji.
    (b"ISO 2022 IR 13\\ISO 2022 IR 87", Vr::PN,
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    // PS3.5 I.2: KS X 1001 is designated anew behind every delimiter.
    (b"\\ISO 2022 IR 149", Vr::PN,
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동"),
    // PS3.5 I.3: and in every line.
    (b"\\ISO 2022 IR 149", Vr::LT,
        b"\x1b$)C\xb1\xe8\xc8\xf1\xc1\xdf\r\n\x1b$)C\xc8\xab A\r\n",
        "김희중\r\n홍 A\r\n"),
    // PS3.5 K.2: so is GB 2312.
    (b"\\ISO 2022 IR 58", Vr::PN,
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        "Zhang^XiaoDong=张^小东="),
    // PS3.5 J.1, J.2, J.3.
    (b"ISO_IR 192", Vr::PN, "Wang^XiaoDong=王^小東=".as_bytes(), "Wang^XiaoDong=王^小東="),
    (b"GB18030", Vr::PN, b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
    (b"GBK", Vr::PN, b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
    (b"ISO_IR 127", Vr::PN, b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
    (b"ISO_IR 100", Vr::PN, b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    (b"ISO_IR 100", Vr::PN, b"\xc4neas^R\xfcdiger", "Äneas^Rüdiger"),
    (b"ISO_IR 126", Vr::PN, b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
    (b"ISO_IR 138", Vr::PN, b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
    (b"ISO_IR 144", Vr::PN, b"\xbb\xee\xdace\xdc\xd1yp\xd3", "Люкceмбypг"),
    (b"ISO 2022 IR 6\\ISO 2022 IR 87", Vr::PN, b"\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B", "やまだ^たろう"),
    // Without value 1, but with escape sequences all the same.
    (b"ISO 2022 IR 87", Vr::LO, b"\x1b$B;3ED\x1b(B", "山田"),
    (b"\\ISO 2022 IR 87\\ISO 2022 IR 159", Vr::PN, b"\x1b$B;3\x1b$(D0!\x1b(B", "山丂"),
    (b"ISO_IR 166", Vr::LO, b"\xa1\xa2A", "กขA"),
    (b"ISO_IR 148", Vr::LO, b"\xdd\xfd\xe9", "İıé"),
    (b"ISO_IR 203", Vr::SH, b"5 \xa4", "5 €"),
    (b"ISO_IR 101", Vr::LO, b"\xa3\xf3d\xbc", "Łódź"),
    (b"ISO_IR 109", Vr::LO, b"\xa6\xb1", "Ĥħ"),
    (b"ISO_IR 110", Vr::LO, b"\xe0\xa2", "āĸ"),
    (b"ISO_IR 13", Vr::PN, b"\xd4\xcf^A\xc0", "ﾔﾏ^Aﾀ"),
    // Of the two characters in which Romaji is not ASCII one is where values are delimited a delimiter.
    (b"ISO_IR 13", Vr::LT, b"5\\~", "5¥\u{203E}"),
    (b"ISO_IR 13", Vr::LO, b"5\\~", "5\\\u{203E}"),
    // Two single-byte sets: the first is in force again behind a delimiter.
    (b"ISO 2022 IR 100\\ISO 2022 IR 144", Vr::PN, b"\xfc\x1b-L\xbb\xee\x1b-A^\xfc", "üЛю^ü"),
    // A backslash within a character of two bytes is none; one between values is.
    (b"GB18030", Vr::LO, b"\x81\\\\A", "乗\\A"),
    (b"GBK", Vr::PN, b"\x81^^\x81\\", "乛^乗"),
    (b"\\ISO 2022 IR 87", Vr::LO, b"\x1b$BI=\\\\\x1b(B\\A", "表樛\\A"),
    // Control characters that are no escape sequences, where there can be none.
    (b"ISO_IR 100", Vr::LT, b"a\x1b$B\x0c\xe9", "a\x1b$B\x0cé"),
    (b"", Vr::PN, b"A^B", "A^B"),
];

#[test]
fn examples_both_ways() {
    for (set, vr, value, text) in EXAMPLES {
        let sets = CharacterSets::parse(set);
        assert_eq!(sets.unknown(), None, "{sets}");
        assert_eq!(sets.decode(value, *vr).as_deref(), Some(*text), "{sets} {value:x?}");
        let encoded = sets.encode(text, *vr, Loss::Refuse);
        assert_eq!(encoded.as_deref(), Some(*value), "{sets} {text}");
    }
}

#[test]
fn what_is_read_need_not_be_what_is_written() {
    for (set, vr, value, text) in [
        // Back to ASCII at the end, where nothing is left of it.
        (&b"\\ISO 2022 IR 149"[..], Vr::PN, &b"\x1b$)C\xb1\xe8\xc8\xf1\xc1\xdf\x1b(B "[..], "김희중 "),
        // An escape sequence that no term announces, but what it says is plain.
        (b"\\ISO 2022 IR 149", Vr::PN, b"\x1b$B;3\x1b(B", "山"),
        // A vendor's character in JIS X 0208: row 13.
        (b"\\ISO 2022 IR 87", Vr::LO, b"\x1b$B-!\x1b(B", "①"),
        // A blank where pairs stand, without a way back.
        (b"\\ISO 2022 IR 87", Vr::LO, b"\x1b$B;3 ED", "山 田"),
        // A set of pairs as value 1 cannot be in force without a sequence.
        (b"ISO 2022 IR 149", Vr::LO, b"A\x1b$)C\xc8\xab", "A홍"),
        (b"ISO-IR 100", Vr::LO, b"\xe9", "é"),
        (b" ISO_IR 100 ", Vr::LO, b"\xe9", "é"),
        (b"ISO_IR 192\\ISO 2022 IR 87", Vr::LO, b"\xc3\xa9", "é"),
    ] {
        assert_eq!(CharacterSets::parse(set).decode(value, vr).as_deref(), Some(text), "{value:x?}");
    }
}

#[test]
fn what_cannot_be_decoded() {
    for (set, vr, value) in [
        (&b""[..], Vr::PN, &b"\xe9"[..]),
        (b"ISO_IR 192", Vr::PN, b"\xe9"),
        (b"ISO_IR 192", Vr::PN, b"\xed\xa0\x80"),
        (b"GB18030", Vr::PN, b"\x81"),
        (b"GB18030", Vr::PN, b"\xff\xff"),
        (b"ISO_IR 109", Vr::PN, b"\xa5"),
        (b"\\ISO 2022 IR 87", Vr::PN, b"\x1b$B;"),
        (b"\\ISO 2022 IR 87", Vr::PN, b"\x1b$B\x7d\x7e"),
        (b"\\ISO 2022 IR 87", Vr::PN, b"\x1b$"),
        (b"\\ISO 2022 IR 87", Vr::PN, b"\x1b"),
        (b"\\ISO 2022 IR 87", Vr::PN, b"\x1b(K"),
        (b"\\ISO 2022 IR 87", Vr::PN, b"\xb1"),
        (b"\\ISO 2022 IR 149", Vr::PN, b"\x1b$)C\xb1"),
        (b"\\ISO 2022 IR 149", Vr::PN, b"\x1b$)C\xb1A"),
        // Another VR is ASCII, whatever the sets.
        (b"ISO_IR 100", Vr::CS, b"\xe9"),
        (b"ISO_IR 192", Vr::UR, "é".as_bytes()),
        // Behind a delimiter the designation is gone.
        (b"\\ISO 2022 IR 149", Vr::PN, b"\x1b$)C\xfb\xf3^\xd1\xce"),
        (b"ISO_IR 999", Vr::PN, b"\xe9"),
    ] {
        assert_eq!(CharacterSets::parse(set).decode(value, vr), None, "{value:x?}");
    }
}

#[test]
fn losses_are_as_wanted() {
    for (set, text, transliterated, discarded) in [
        (&b""[..], "Müller^Ä", &b"M?ller^?"[..], &b"Mller^"[..]),
        (b"ISO_IR 100", "Müller^山", b"M\xfcller^?", b"M\xfcller^"),
        (b"\\ISO 2022 IR 87", "山é田", b"\x1b$B;3\x1b(B?\x1b$BED\x1b(B", b"\x1b$B;3ED\x1b(B"),
        (b"ISO_IR 13", "¥~ﾔ", b"??\xd4", b"\xd4"),
        (b"GBK", "€王", b"?\xcd\xf5", b"\xcd\xf5"),
    ] {
        let sets = CharacterSets::parse(set);
        assert_eq!(sets.encode(text, Vr::PN, Loss::Refuse), None, "{sets}");
        assert_eq!(sets.encode(text, Vr::PN, Loss::Transliterate).as_deref(), Some(transliterated), "{sets}");
        assert_eq!(sets.encode(text, Vr::PN, Loss::Discard).as_deref(), Some(discarded), "{sets}");
    }
    assert_eq!(CharacterSets::parse(b"ISO_IR 192").encode("é", Vr::CS, Loss::Discard).as_deref(), Some(&b""[..]));
    // With escape sequences Romaji is no limit.
    let japanese = CharacterSets::parse(b"ISO 2022 IR 13\\ISO 2022 IR 87");
    assert_eq!(japanese.encode("~A", Vr::PN, Loss::Refuse).as_deref(), Some(&b"\x1b(B~A\x1b(J"[..]));
    assert_eq!(CharacterSets::parse(b"GB18030").encode("€", Vr::PN, Loss::Refuse).as_deref(), Some(&b"\xa2\xe3"[..]));
}

#[test]
fn terms_and_what_they_say() {
    let sets = |value: &[u8]| CharacterSets::parse(value);
    assert!(sets(b"").is_ascii() && sets(b"ISO_IR 6").is_ascii() && sets(b"ISO 2022 IR 6 ").is_ascii());
    assert!(!sets(b"ISO_IR 100").is_ascii() && !sets(b"\\ISO 2022 IR 87").is_ascii() && !sets(b"X").is_ascii());
    assert!(sets(b"ISO_IR 192").is_unicode() && !sets(b"GB18030").is_unicode());
    assert_eq!(sets(b"\\ISO 2022 IR 87"), sets(b"ISO 2022 IR 6\\ISO 2022 IR 87 "));
    assert_ne!(sets(b"ISO_IR 100"), sets(b"ISO_IR 101"));
    assert_ne!(sets(b"X"), sets(b""));
    assert_eq!(sets(b"").to_string(), "ASCII");
    assert_eq!(sets(b" ISO 2022 IR 6\\ISO 2022 IR 87 ").value(), b"ISO 2022 IR 6\\ISO 2022 IR 87");
    assert_eq!(sets(b"ISO_IR 100\\X\\Y").unknown(), Some("X"));
    // A set of pairs is none without escape sequences.
    assert_eq!(sets(b"ISO_IR 87").unknown(), Some("ISO_IR 87"));
    assert_eq!(CharacterSets::default(), sets(b""));
}

const SETS: [&[u8]; 16] = [
    b"",
    b"ISO_IR 100",
    b"ISO_IR 109",
    b"ISO_IR 13",
    b"ISO_IR 166",
    b"ISO_IR 192",
    b"GB18030",
    b"GBK",
    b"\\ISO 2022 IR 87",
    b"\\ISO 2022 IR 149",
    b"\\ISO 2022 IR 58",
    b"ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
    b"ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126",
    b"ISO 2022 IR 13",
    b"\\ISO 2022 IR 149\\ISO 2022 IR 87\\ISO 2022 IR 58",
    b"X",
];

const VRS: [Vr; 4] = [Vr::PN, Vr::LO, Vr::LT, Vr::CS];

/// Pieces of values: any bytes, pairs of either half, escape sequences, delimiters.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    const SEQUENCES: [&[u8]; 12] = [
        b"\x1b$B", b"\x1b(B", b"\x1b(J", b"\x1b$(D", b"\x1b$)C", b"\x1b$)A", b"\x1b)I", b"\x1b-L", b"\x1b", b"^",
        b"\\", b"\r\n",
    ];
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..6),
        prop::collection::vec(0x21_u8..0x7F, 0..6),
        prop::collection::vec(0xA1_u8..=0xFE, 0..6),
        prop::sample::select(&SEQUENCES[..]).prop_map(<[u8]>::to_vec),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is decoded and can be encoded is the same text again.
    #[test]
    fn decoding_and_encoding(
        value in bytes(),
        set in prop::sample::select(&SETS[..]),
        vr in prop::sample::select(&VRS[..]),
    ) {
        let sets = CharacterSets::parse(set);
        if let Some(text) = sets.decode(&value, vr)
            && let Some(again) = sets.encode(&text, vr, Loss::Refuse)
        {
            prop_assert_eq!(sets.decode(&again, vr), Some(text.clone()), "{} {:x?}", sets, again);
        }
    }

    /// Whatever can be encoded is the same text again, and what is lost is lost without harm to the rest.
    #[test]
    fn encoding_and_decoding(
        text in "[ -~äéŁЛקΔשก山田洪王丂小東东홍ﾔ¥\u{203E}€\\\\^=\r\n\t😀\u{80}]{0,12}",
        set in prop::sample::select(&SETS[..]),
        vr in prop::sample::select(&VRS[..]),
    ) {
        let sets = CharacterSets::parse(set);
        let exact = sets.encode(&text, vr, Loss::Refuse);
        if let Some(value) = &exact {
            let again = sets.decode(value, vr);
            prop_assert_eq!(again.as_deref(), Some(text.as_str()), "{} {:x?}", sets, value);
        }
        let kept = sets.encode(&text, vr, Loss::Discard).unwrap();
        let kept = sets.decode(&kept, vr).unwrap().into_owned();
        prop_assert_eq!(exact.is_some(), kept == text);
        let mut rest = text.chars();
        prop_assert!(kept.chars().all(|c| rest.any(|other| other == c)), "{} in {}", kept, text);
        let shown = sets.encode(&text, vr, Loss::Transliterate).unwrap();
        let shown = sets.decode(&shown, vr).unwrap().into_owned();
        prop_assert_eq!(shown.chars().count(), text.chars().count());
        prop_assert!(shown.chars().zip(text.chars()).all(|(a, b)| a == b || a == '?'));
    }
}
