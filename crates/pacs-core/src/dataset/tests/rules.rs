//! The rules one by one, each with the examples it was observed by. Numbers stand for the sections of the observations:
//! 1 VRs of implicit input, 2 VRs of explicit input, 3 order and special elements, 4 lengths, 5 values, 6 encapsulated pixel
//! data, 7 deflated data sets, 9 errors.

use super::bytes::{B, I, L, UNDEFINED};
use super::*;

type Expected<'a> = std::result::Result<Vec<u8>, Reason>;

/// Rewrites the input whole, in pieces and as a sender does, and compares.
#[track_caller]
fn gives(syntax: &str, options: &str, input: &[u8], expected: Expected<'_>) -> Vec<Warning> {
    let form = form(options);
    let mut warnings = Vec::new();
    for step in [input.len().max(1), 1, 5, 64] {
        let got = rewrite_behind(0, input.chunks(step), syntax, &form, context());
        match (got, &expected) {
            (Ok(got), Ok(expected)) => {
                assert_eq!(hex(&got.bytes), hex(expected), "{options} in pieces of {step}");
                assert!(got.outcome.changed || got.bytes == input, "changed unnoticed");
                warnings = got.outcome.warnings.first().to_vec();
            }
            (Err(Error::Refused(refusal)), Err(reason)) => assert_eq!(refusal.reason, *reason, "in pieces of {step}"),
            (Ok(got), Err(reason)) => panic!("{reason} expected, got {}", hex(&got.bytes)),
            (Err(error), _) => panic!("{error:?} in pieces of {step}"),
        }
    }
    if form.padding.file == 0 {
        match (send(input, syntax, &form), &expected) {
            (Ok(sent), Ok(expected)) => {
                let odd = expected.len() & 1;
                assert_eq!(hex(&sent[..sent.len() - odd]), hex(expected), "as a sender");
            }
            (Err(Error::Refused(refusal)), Err(reason)) => assert_eq!(refusal.reason, *reason, "as a sender"),
            (sent, _) => panic!("as a sender: {sent:?}"),
        }
    }
    warnings
}

fn cat(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

fn pn() -> Vec<u8> {
    L.el(0x0010_0010, "PN", b"A^B ")
}

fn lo() -> Vec<u8> {
    L.el(0x0010_0020, "LO", b"1 ")
}

#[test]
fn vr_of_implicit_elements() {
    let check = |tag: u32, value: &[u8], vr: &str| {
        gives(LEI, "+te", &I.el(tag, "", value), Ok(L.el(tag, vr, value)));
    };
    check(0x0010_2161, b"", "SQ"); // 1.1
    check(0x0040_E012, b"AB", "UN");
    check(0x60FE_3000, b"\x01\x02", "OW"); // 1.2
    check(0x60FF_3000, b"\x01\x02", "UN");
    check(0x0020_3101, b"AB", "UN");
    check(0x7F01_0010, b"AB", "LO");
    check(0x0028_0106, b"\x01\x00", "US"); // 1.3
    check(0x5000_3000, b"\x01\x02", "OB"); // 1.4
    check(0x7F00_0010, b"\x01\x02", "OB");
    check(0x0014_3050, b"\x01\x02", "OB");
    check(0x0028_3006, b"\x01\x02", "OW");
    check(0x0028_1201, b"\x01\x02", "OW");
    check(0x0004_1400, b"\x01\x02\x03\x04", "UL");
    check(0x0008_1234, b"AB", "UN"); // 1.5
    check(0x0008_0001, b"\x09\x00\x00\x00", "UL");
    check(0x0009_000F, b"AB", "UN"); // 1.6
    check(0x0009_0010, b"AB", "LO");
    check(0x0009_0100, b"AB", "UN");
    check(0x0003_0010, b"AB", "LO");
}

#[test]
fn us_or_ss_by_the_pixel_representation_read_before() {
    let representation = |value: &[u8]| I.el(0x0028_0103, "", value);
    let smallest = I.el(0x0028_0106, "", b"\x01\x00");
    for (value, vr) in [(&b"\0\0"[..], "US"), (b"\x02\0", "US"), (b"", "US"), (b"\x01\0", "SS"), (b"\x01\0\0\0", "SS")]
    {
        let out = cat(&[L.el(0x0028_0103, "US", value), L.el(0x0028_0106, vr, b"\x01\x00")]);
        gives(LEI, "+te", &cat(&[representation(value), smallest.clone()]), Ok(out));
    }
    // It is not read yet.
    let early = cat(&[I.el(0x0018_9810, "", b"\0\0"), representation(b"\x01\0")]);
    gives(LEI, "+te", &early, Ok(cat(&[L.el(0x0018_9810, "US", b"\0\0"), L.el(0x0028_0103, "US", b"\x01\0")])));
    // It is read, if out of order.
    let late = cat(&[representation(b"\x01\0"), I.el(0x0018_9810, "", b"\0\0")]);
    gives(LEI, "+te", &late, Ok(cat(&[L.el(0x0018_9810, "SS", b"\0\0"), L.el(0x0028_0103, "US", b"\x01\0")])));
    // The first of two counts.
    let twice = cat(&[representation(b"\0\0"), representation(b"\x01\0"), smallest.clone()]);
    gives(LEI, "+te", &twice, Ok(cat(&[L.el(0x0028_0103, "US", b"\0\0"), L.el(0x0028_0106, "US", b"\x01\0")])));
    // No look at what is around an item.
    let item = I.sq(0x0028_3000, &I.item(&I.el(0x0028_3002, "", b"\0\0")));
    let out = L.sq(0x0028_3000, &L.item(&L.el(0x0028_3002, "US", b"\0\0")));
    let out = cat(&[L.el(0x0028_0103, "US", b"\x01\0"), out]);
    gives(LEI, "+te", &cat(&[representation(b"\x01\0"), item]), Ok(out));
    // Never the other thirteen.
    let out = cat(&[L.el(0x0028_0103, "US", b"\x01\0"), L.el(0x0028_0110, "US", b"\x01\0")]);
    gives(LEI, "+te", &cat(&[representation(b"\x01\0"), I.el(0x0028_0110, "", b"\x01\0")]), Ok(out));
}

#[test]
fn ob_or_ow() {
    // 1.4: whatever Bits Allocated says.
    let input = cat(&[I.el(0x0028_0100, "", b"\x08\0"), I.el(0x7FE0_0010, "", b"\x01\x02")]);
    let out = cat(&[L.el(0x0028_0100, "US", b"\x08\0"), L.el(0x7FE0_0010, "OW", b"\x01\x02")]);
    gives(LEI, "+te", &input, Ok(out));
    let waveform = |bits: &[u8]| cat(&[I.el(0x5400_1004, "", bits), I.el(0x5400_1010, "", b"\x01\0")]);
    for (bits, vr) in [(&b"\x08\0"[..], "OB"), (b"\x10\0", "OW"), (b"", "OB")] {
        let out = cat(&[L.el(0x5400_1004, "US", bits), L.el(0x5400_1010, vr, b"\x01\0")]);
        gives(LEI, "+te", &waveform(bits), Ok(out));
    }
    gives(LEI, "+te", &I.el(0x5400_1010, "", b"\x01\0"), Ok(L.el(0x5400_1010, "OB", b"\x01\0")));
    let before = cat(&[I.el(0x5400_0110, "", b"\x01\0"), I.el(0x5400_1004, "", b"\x10\0")]);
    let out = cat(&[L.el(0x5400_0110, "OB", b"\x01\0"), L.el(0x5400_1004, "US", b"\x10\0")]);
    gives(LEI, "+te", &before, Ok(out));
}

#[test]
fn group_lengths_have_vr_ul_in_every_group() {
    // 1.5; the value is what follows in the group.
    gives(LEI, "+te", &I.el(0x0009_0000, "", b"\x63\0\0\0"), Ok(L.el(0x0009_0000, "UL", &[0; 4])));
}

#[test]
fn private_elements_by_their_creator() {
    let age = |tag| I.el(tag, "", b"12");
    let creator = |tag, name: &[u8]| I.el(tag, "", name);
    for (name, written, vr) in [
        (&b"ACUSON"[..], &b"ACUSON"[..], "IS"),
        (b"ACUSON  ", b"ACUSON", "IS"),
        (b"acuson", b"acuson", "UN"),
        (b" ACUSON ", b" ACUSON ", "UN"),
    ] {
        let name_out = if name == b" ACUSON " { b" ACUSON ".to_vec() } else { written.to_vec() };
        let out = cat(&[L.el(0x0009_0010, "LO", &name_out), L.el(0x0009_1000, vr, b"12")]);
        gives(LEI, "+te", &cat(&[creator(0x0009_0010, name), age(0x0009_1000)]), Ok(out));
    }
    // The block of the creator, and no other.
    let out =
        cat(&[L.el(0x0009_0011, "LO", b"ACUSON"), L.el(0x0009_1000, "UN", b"12"), L.el(0x0009_1100, "IS", b"12")]);
    gives(LEI, "+te", &cat(&[creator(0x0009_0011, b"ACUSON"), age(0x0009_1000), age(0x0009_1100)]), Ok(out));
    // Read later, or out of order.
    let out = cat(&[L.el(0x0009_0010, "LO", b"ACUSON"), L.el(0x0009_1000, "UN", b"12")]);
    gives(LEI, "+te", &cat(&[age(0x0009_1000), creator(0x0009_0010, b"ACUSON")]), Ok(out.clone()));
    let late = cat(&[creator(0x0011_0010, b"FOO "), creator(0x0009_0010, b"ACUSON"), age(0x0009_1000)]);
    gives(LEI, "+te", &late, Ok(cat(&[out, L.el(0x0011_0010, "LO", b"FOO ")])));
    // In time, though the element is out of order.
    let input = cat(&[creator(0x0009_0010, b"ACUSON"), creator(0x0011_0010, b"FOO "), age(0x0009_1000)]);
    let out = [L.el(0x0009_0010, "LO", b"ACUSON"), L.el(0x0009_1000, "IS", b"12"), L.el(0x0011_0010, "LO", b"FOO ")];
    gives(LEI, "+te", &input, Ok(cat(&out)));
    // The first of two counts, also if it is empty.
    let twice = cat(&[creator(0x0009_0010, b""), creator(0x0009_0010, b"ACUSON"), age(0x0009_1000)]);
    let out = cat(&[L.el(0x0009_0010, "LO", b""), L.el(0x0009_1000, "UN", b"12")]);
    gives(LEI, "+te", &twice, Ok(out));
    // Not inherited by items.
    let input = cat(&[creator(0x0009_0010, b"ACUSON"), I.sq(0x0040_0275, &I.item(&age(0x0009_1000)))]);
    let item = L.item(&L.el(0x0009_1000, "UN", b"12"));
    gives(LEI, "+te", &input, Ok(cat(&[L.el(0x0009_0010, "LO", b"ACUSON"), L.sq(0x0040_0275, &item)])));
}

#[test]
fn undefined_length_in_implicit_input() {
    // 1.8
    let items = I.item(&I.el(0x0010_0010, "", b"A^B "));
    let out = L.sq(0x5555_1001, &L.item(&pn()));
    gives(LEI, "+te", &I.sq_u(0x5555_1001, &items), Ok(out));
    gives(LEI, "+te", &I.sq_u(0x0010_0020, &items), Err(Reason::CorruptedData));
    let creator = I.el(0x0009_0010, "", b"ACUSON");
    let private = I.sq_u(0x0009_1000, &items);
    gives(LEI, "+te", &cat(&[creator, private.clone()]), Err(Reason::CorruptedData));
    let unknown = L.el(0x0009_0010, "LO", b"FOO ");
    let out = cat(&[unknown, L.sq(0x0009_1000, &L.item(&pn()))]);
    gives(LEI, "+te", &cat(&[I.el(0x0009_0010, "", b"FOO "), private]), Ok(out));
    // Of defined length, an unknown element stays opaque.
    gives(LEI, "+te", &I.el(0x5555_1002, "", &items), Ok(L.el(0x5555_1002, "UN", &items)));
    // Pixel Data of undefined length is encapsulated, and cannot be written in a native syntax.
    let pixels = I.sq_u(0x7FE0_0010, &I.item(b"AB"));
    gives(LEI, "+te", &pixels, Err(Reason::PixelRepresentationNotFound));
}

#[test]
fn the_vr_of_an_explicit_header_is_kept() {
    // 1.10
    for (tag, vr, value) in
        [(0x0010_0010, "LO", &b"A^B "[..]), (0x0028_0010, "SS", b"\x01\0"), (0x0009_1000, "LO", b"12")]
    {
        let input = L.el(tag, vr, value);
        gives(LEE, "", &input, Ok(input.clone()));
    }
    gives(LEE, "+ti", &L.el(0x0008_0060, "UN", b"CT"), Ok(I.el(0x0008_0060, "", b"CT")));
}

#[test]
fn vr_spellings() {
    // 2.2
    for (vr, written) in [("??", "UN"), ("XX", "UN"), ("us", "UN"), ("  ", "UN"), ("X1", "UN")] {
        gives(LEE, "", &L.el(0x0010_0010, vr, b"AB"), Ok(L.el(0x0010_0010, written, b"AB")));
    }
    // 2.3
    for (vr, written) in [("ox", "OB"), ("lt", "OW"), ("px", "OW"), ("xs", "US"), ("up", "UL"), ("OX", "UN")] {
        gives(LEE, "", &L.el(0x0028_0106, vr, b"AB"), Ok(L.el(0x0028_0106, written, b"AB")));
    }
    for (tag, vr) in [(0x7FE0_0010, "OX"), (0x7FE0_0010, "ox"), (0x6000_3000, "ox")] {
        gives(LEE, "", &L.el(tag, vr, b"AB"), Ok(L.el(tag, "OW", b"AB")));
    }
    gives(LEE, "", &L.el(0x0010_0010, "na", b"AB"), Err(Reason::InvalidTag));
    gives(LEE, "", &L.el(0x0010_0010, "pi", b"AB"), Err(Reason::ItemDelimiterMissing));
    // 2.4
    gives(LEE, "", &L.el(0x0010_0010, "\0\0", b"AB"), Err(Reason::ItemDelimiterMissing));
    // 2.1: the reserved bytes are not looked at.
    let mut reserved = L.el(0x0009_1001, "OB", b"AB");
    reserved[6..8].copy_from_slice(b"xy");
    gives(LEE, "", &reserved, Ok(L.el(0x0009_1001, "OB", b"AB")));
}

#[test]
fn un_of_undefined_length_is_an_implicit_sequence() {
    // 2.5
    let content = I.item(&I.el(0x0010_0010, "", b"A^B "));
    let un = L.el_u(0x0009_1001, "UN", &content);
    gives(LEE, "", &un, Ok(L.sq(0x0009_1001, &L.item(&pn()))));
    gives(LEE, "", &L.el_u(0x0010_0010, "UN", &content), Ok(L.sq(0x0010_0010, &L.item(&pn()))));
    gives(LEE, "", &L.el_u(0x0009_1001, "UN", &[]), Ok(L.sq(0x0009_1001, &[])));
    let rows = I.item(&I.el(0x0028_0010, "", b"\x01\0"));
    let big = [B.el_len(0x0009_1001, "UN", UNDEFINED, &rows), I.sequence_end(0)].concat();
    gives(BEE, "", &big, Ok(B.sq(0x0009_1001, &B.item(&B.el(0x0028_0010, "US", b"\0\x01")))));
    let explicit = L.el_u(0x0009_1001, "UN", &L.item(&L.el(0x0010_0010, "PN", b"A^B ")));
    gives(LEE, "", &explicit, Err(Reason::LongerThanItem));
    // Defined: untouched.
    let un = L.el(0x0008_1140, "UN", &I.item(&I.el(0x0008_1150, "", b"1.2\0")));
    gives(LEE, "", &un, Ok(un.clone()));
}

#[test]
fn new_vrs_off() {
    // 2.6
    for vr in ["UN", "OD", "OF", "OL", "OV", "SV", "UC", "UR", "UT", "UV", "XX"] {
        gives(LEE, "-u", &L.el(0x0009_1001, vr, b"ABCDEFGH"), Ok(L.el(0x0009_1001, "OB", b"ABCDEFGH")));
    }
    for vr in ["OW", "OB", "US", "LO"] {
        let input = L.el(0x0009_1001, vr, b"ABCDEFGH");
        gives(LEE, "-u", &input, Ok(input.clone()));
    }
    gives(LEE, "-u", &L.el(0x0009_1001, "UT", b"ABC DEF "), Ok(L.el(0x0009_1001, "OB", b"ABC DEF ")));
    gives(LEE, "-u +tb", &L.el(0x0009_1001, "OF", &[1, 2, 3, 4]), Ok(B.el(0x0009_1001, "OB", &[1, 2, 3, 4])));
    gives(BEE, "-u +te", &B.el(0x0009_1001, "OF", &[1, 2, 3, 4]), Ok(L.el(0x0009_1001, "OB", &[4, 3, 2, 1])));
    let un = L.el_u(0x0009_1001, "UN", &[]);
    gives(LEE, "-u", &un, Ok(L.sq(0x0009_1001, &[])));
}

#[test]
fn un_to_the_vr_of_the_dictionary() {
    // 2.7
    let items = I.item(&I.el(0x0008_1150, "", b"1.2\0"));
    let out = L.sq(0x0008_1140, &L.item(&L.el(0x0008_1150, "UI", b"1.2\0")));
    gives(LEE, "+uc", &L.el(0x0008_1140, "UN", &items), Ok(out));
    gives(BEE, "+uc", &B.el(0x0028_0010, "UN", b"\x01\0"), Ok(B.el(0x0028_0010, "US", b"\0\x01")));
    gives(LEE, "+uc", &L.el(0x0008_0060, "??", b"CT"), Ok(L.el(0x0008_0060, "UN", b"CT")));
    gives(LEE, "+uc", &L.el(0x5555_1234, "UN", b"CT"), Ok(L.el(0x5555_1234, "UN", b"CT")));
    let signed = cat(&[L.el(0x0028_0103, "UN", b"\x01\0"), L.el(0x0028_0106, "UN", b"\x01\0")]);
    let out = cat(&[L.el(0x0028_0103, "US", b"\x01\0"), L.el(0x0028_0106, "US", b"\x01\0")]);
    gives(LEE, "+uc", &signed, Ok(out));
    for (tag, vr) in [(0x7FE0_0010, "OW"), (0x6000_3000, "OW"), (0x5400_1010, "OB"), (0x0008_0000, "UL")] {
        let value = if vr == "UL" { &[0; 4][..] } else { b"AB" };
        gives(LEE, "+uc", &L.el(tag, "UN", value), Ok(L.el(tag, vr, value)));
    }
    // A creator that is itself UN counts; one of another VR than text does not.
    let input = cat(&[L.el(0x0009_0010, "UN", b"ACUSON"), L.el(0x0009_1000, "UN", b"12")]);
    let out = cat(&[L.el(0x0009_0010, "LO", b"ACUSON"), L.el(0x0009_1000, "IS", b"12")]);
    gives(LEE, "+uc", &input, Ok(out));
    let input = cat(&[L.el(0x0009_0010, "OB", b"ACUSON"), L.el(0x0009_1000, "UN", b"12")]);
    gives(LEE, "+uc", &input, Ok(input.clone()));
    // What is no sequence inside is none.
    gives(LEE, "+uc", &L.el(0x0008_1140, "UN", b"ABCD"), Ok(L.sq(0x0008_1140, &[])));
    let input = cat(&[L.el(0x0008_1140, "UN", b"ABCDEFGH"), pn()]);
    gives(LEE, "+uc", &input, Err(Reason::SequenceDelimiterMissing));
}

#[test]
fn values_too_long_for_their_vr() {
    // 2.8
    let a = |count| vec![b'A'; count];
    gives(LEI, "+te", &I.el(0x0010_0020, "", &a(65_534)), Ok(L.el(0x0010_0020, "LO", &a(65_534))));
    let padded = [a(65_535), vec![b' ']].concat();
    gives(LEI, "+te", &I.el(0x0010_0020, "", &a(65_535)), Ok(L.el(0x0010_0020, "UN", &padded)));
    let blanks = [vec![b'A'], vec![b' '; 70_001]].concat();
    gives(LEI, "+te", &I.el(0x0010_0020, "", &blanks), Ok(L.el(0x0010_0020, "LO", b"A ")));
    let long = [a(70_000), vec![b' '; 200_001], b"\0B".to_vec(), vec![0; 150_000]].concat();
    let kept = [a(70_000), vec![b' '; 200_001], b"\0B".to_vec()].concat();
    let kept = [kept, vec![b' '; 1]].concat();
    gives(LEI, "+te", &I.el(0x0010_0020, "", &long), Ok(L.el(0x0010_0020, "UN", &kept)));
    gives(LEI, "", &I.el(0x0010_0020, "", &long), Ok(I.el(0x0010_0020, "", &kept)));
    let after = cat(&[I.el(0x0010_0020, "", &blanks), I.el(0x0010_0030, "", b"20250101")]);
    let out = cat(&[L.el(0x0010_0020, "LO", b"A "), L.el(0x0010_0030, "DA", b"20250101")]);
    gives(LEI, "+te", &after, Ok(out));
    let numbers: Vec<u8> = (0..65_538).map(|n| if n & 1 == 0 { 2 } else { 1 }).collect();
    gives(LEI, "+tb", &I.el(0x0028_1101, "", &numbers), Ok(B.el(0x0028_1101, "UN", &numbers)));
    gives(LEI, "+tb -u", &I.el(0x0028_1101, "", &numbers), Ok(B.el(0x0028_1101, "OB", &numbers)));
    // A UID of that length loses its blanks, and may become short.
    let uid: Vec<u8> = b"1 ".repeat(40_000);
    let warned = gives(LEI, "+te", &I.el(0x0008_0018, "", &uid), Ok(L.el(0x0008_0018, "UI", &b"1".repeat(40_000))));
    assert_eq!(warned, [Warning::UidBlanks(Tag::SOP_INSTANCE)]);
}

#[test]
fn voi_lut_and_undefined_lengths() {
    // 2.10
    let items = L.item(&[]);
    gives(LEE, "", &L.el(0x0028_3010, "OW", &items), Err(Reason::VoiLutObOw));
    gives(LEE, "", &L.el_u(0x0028_3010, "OB", &items), Err(Reason::UndefinedLengthObOw));
    gives(LEE, "", &L.el(0x0028_3010, "ox", b"AB"), Ok(L.el(0x0028_3010, "OB", b"AB")));
    gives(LEE, "", &L.el_u(0x0009_1001, "OB", &L.item(b"AB")), Err(Reason::UndefinedLengthObOw));
    gives(LEE, "", &L.el_u(0x6000_3000, "OB", &[]), Err(Reason::CorruptedData));
    for vr in ["UC", "UR", "UT", "OF", "OD", "OL", "OV", "SV", "UV", "lt"] {
        gives(LEE, "", &L.el_u(0x0008_1190, vr, &[]), Err(Reason::CorruptedData));
    }
    gives(LEE, "", &L.el_u(0x0008_1190, "XX", &[]), Ok(L.sq(0x0008_1190, &[])));
}

#[test]
fn order_and_duplicates() {
    // 3.1
    let warned = gives(LEE, "", &cat(&[lo(), pn()]), Ok(cat(&[pn(), lo()])));
    assert_eq!(warned, [Warning::NotAscending(Tag::PATIENT_NAME)]);
    // Unsigned: FFFE is behind 0010.
    let last = L.el(0xFFFE_0001, "LO", b"AB");
    gives(LEE, "", &cat(&[last.clone(), pn()]), Ok(cat(&[pn(), last])));
    // 3.2
    let empty = L.el(0x0010_0010, "PN", b"");
    let warned = gives(LEE, "", &cat(&[empty.clone(), pn()]), Ok(empty.clone()));
    assert_eq!(warned, [Warning::FoundTwice(Tag::PATIENT_NAME)]);
    let warned = gives(LEE, "", &cat(&[empty.clone(), lo(), pn()]), Ok(cat(&[empty, lo()])));
    assert_eq!(warned, [Warning::FoundTwice(Tag::PATIENT_NAME)]);
    let sequence = L.sq(0x0008_1140, &L.item(&cat(&[lo(), pn(), lo(), pn()])));
    let sorted = L.sq(0x0008_1140, &L.item(&cat(&[pn(), lo()])));
    gives(LEE, "", &cat(&[pn(), sequence.clone(), sequence]), Ok(cat(&[sorted, pn()])));
    // A dropped sequence drops all that is in it, and a dropped Pixel Data is none.
    let deep = L.sq(0x0008_1140, &L.item(&L.sq_u(0x0008_1140, &L.item_u(&lo()))));
    let empty = L.sq(0x0008_1140, &[]);
    gives(LEE, "", &cat(&[empty.clone(), deep, lo()]), Ok(cat(&[empty, lo()])));
    let native = L.el(0x7FE0_0010, "OW", b"AB");
    gives(LEE, "", &cat(&[native.clone(), L.el_u(0x7FE0_0010, "OB", &L.item(b"AB"))]), Ok(native));
}

#[test]
fn order_within_items_of_items() {
    // Stirred levels beside and within each other, in every form of length.
    let inner = |a: &[u8]| L.sq_u(0x0040_A730, &[L.item(a), L.item_u(&cat(&[lo(), pn()]))].concat());
    let sorted_inner = |a: &[u8]| [L.item(a), L.item(&cat(&[pn(), lo()]))].concat();
    let input = cat(&[
        L.sq(0x0040_0275, &L.item(&cat(&[L.el(0x0040_1001, "SH", b"2 "), lo()]))),
        L.sq(0x0008_1140, &[L.item(&cat(&[inner(&pn()), lo()])), L.item(&pn()), L.item_u(&inner(&lo()))].concat()),
        L.el(0x0020_0010, "SH", b"3 "),
    ]);
    let first = cat(&[lo(), L.sq(0x0040_A730, &sorted_inner(&pn()))]);
    let third = L.sq(0x0040_A730, &sorted_inner(&lo()));
    let out = cat(&[
        L.sq(0x0008_1140, &[L.item(&first), L.item(&pn()), L.item(&third)].concat()),
        L.el(0x0020_0010, "SH", b"3 "),
        L.sq(0x0040_0275, &L.item(&cat(&[lo(), L.el(0x0040_1001, "SH", b"2 ")]))),
    ]);
    gives(LEE, "", &input, Ok(out));
    let u = |items: &[Vec<u8>]| L.sq_u(0x0040_A730, &items.concat());
    let sorted = L.item_u(&cat(&[pn(), lo()]));
    let first = cat(&[lo(), u(&[L.item_u(&pn()), sorted.clone()])]);
    let third = u(&[L.item_u(&lo()), sorted]);
    let out = cat(&[
        L.sq_u(0x0008_1140, &[L.item_u(&first), L.item_u(&pn()), L.item_u(&third)].concat()),
        L.el(0x0020_0010, "SH", b"3 "),
        L.sq_u(0x0040_0275, &L.item_u(&cat(&[lo(), L.el(0x0040_1001, "SH", b"2 ")]))),
    ]);
    gives(LEE, "-e", &input, Ok(out));
}

#[test]
fn group_lengths() {
    let modality = || L.el(0x0008_0060, "CS", b"CT");
    let length = |tag, value: u32| L.el(tag, "UL", &value.to_le_bytes());
    // 3.3: another VR, an empty one, one with several values, one alone.
    let input = cat(&[L.el(0x0008_0000, "US", b"\x09\0"), modality()]);
    let warned = gives(LEE, "", &input, Ok(cat(&[length(0x0008_0000, 10), modality()])));
    assert_eq!(warned, [Warning::GroupLengthVr]);
    let input = cat(&[L.el(0x0008_0000, "UL", b""), modality()]);
    gives(LEE, "", &input, Ok(cat(&[length(0x0008_0000, 10), modality()])));
    let two = |first: u32| L.el(0x0008_0000, "UL", &[first.to_le_bytes(), [8, 0, 0, 0]].concat());
    gives(LEE, "", &cat(&[two(9), modality()]), Ok(cat(&[two(10), modality()])));
    let not_last = cat(&[two(9), modality(), pn()]);
    gives(LEE, "", &not_last, Ok(cat(&[length(0x0008_0000, 10), modality(), pn()])));
    let no_value = cat(&[L.el(0x0010_0000, "UL", b"ABCDEF"), pn()]);
    gives(LEE, "", &no_value, Ok(no_value.clone()));
    let sequence = cat(&[L.sq(0x0008_0000, &L.item(&pn())), modality()]);
    gives(LEE, "", &sequence, Ok(cat(&[length(0x0008_0000, 10), modality()])));
    gives(LEE, "", &length(0x0010_0000, 7), Ok(length(0x0010_0000, 0)));
    // Encapsulated Pixel Data counts its delimiter.
    let pixels = L.el_u(0x7FE0_0010, "OB", &[L.item(b""), L.item(b"ABCD")].concat());
    let out = cat(&[length(0x7FE0_0000, 0x28), pixels.clone()]);
    gives(JPG, "+g", &pixels, Ok(out));
    // In items too, by the lengths as they are written.
    let item = |length: Vec<u8>| cat(&[length, L.el(0x0008_1150, "UI", b"1.2\0")]);
    let sequence = L.sq(0x0008_1140, &L.item(&item(length(0x0008_0000, 99))));
    let input = cat(&[modality(), sequence]);
    let written = item(length(0x0008_0000, 12));
    let out = cat(&[length(0x0008_0000, 0x36), modality(), L.sq(0x0008_1140, &L.item(&written))]);
    gives(LEE, "+g", &input, Ok(out));
    let out = cat(&[length(0x0008_0000, 0x46), modality(), L.sq_u(0x0008_1140, &L.item_u(&written))]);
    gives(LEE, "+g -e", &input, Ok(out));
    let out = cat(&[modality(), L.sq(0x0008_1140, &L.item(&L.el(0x0008_1150, "UI", b"1.2\0")))]);
    gives(LEE, "-g", &input, Ok(out));
    // Where elements are out of order, by their final place.
    let shuffled = cat(&[pn(), length(0x0008_0000, 1), modality(), length(0x0010_0000, 1), lo()]);
    let out = [length(0x0008_0000, 10), modality(), length(0x0010_0000, 22), pn(), lo()];
    gives(LEE, "", &shuffled, Ok(cat(&out)));
    gives(LEE, "+g", &shuffled, Ok(cat(&out)));
    gives(LEE, "-g", &shuffled, Ok(cat(&[modality(), pn(), lo()])));
}

#[test]
fn groups_that_no_data_set_has() {
    // 3.4
    let input = cat(&[L.el(0x0002_0010, "UI", b"1.2\0"), L.el(0x0008_0060, "CS", b"CT")]);
    let warned = gives(LEE, "", &input, Ok(input.clone()));
    assert_eq!(warned, [Warning::InvalidElement(Tag::new(2, 0x10))]);
    let length = |tag, value: u32| L.el(tag, "UL", &value.to_le_bytes());
    let [meta, modality] = [L.el(0x0002_0010, "UI", b"1.2\0"), L.el(0x0008_0060, "CS", b"CT")];
    gives(LEE, "+g", &input, Ok(cat(&[length(0x0002_0000, 12), meta, length(0x0008_0000, 10), modality])));
}

#[test]
fn trailing_padding_goes_and_comes() {
    // 3.5
    let padding = |len| L.el(0xFFFC_FFFC, "OB", &vec![0; len]);
    let length = |tag, value: u32| L.el(tag, "UL", &value.to_le_bytes());
    gives(LEE, "", &padding(2), Ok(vec![]));
    gives(LEE, "", &cat(&[pn(), padding(2)]), Ok(pn()));
    let input = cat(&[pn(), length(0xFFFC_0000, 5), padding(2)]);
    gives(LEE, "", &input, Ok(cat(&[pn(), length(0xFFFC_0000, 0)])));
    let odd = cat(&[length(0x0010_0000, 7), pn(), padding(0)]);
    gives(LEE, "+p 15 2", &odd, Ok(odd.clone()));
    let item = |content: Vec<u8>| L.sq(0x0008_1140, &L.item(&content));
    gives(LEE, "+p 0 16", &item(pn()), Ok(item(cat(&[pn(), padding(8)]))));
    gives(LEE, "+p 0 16", &item(lo()), Ok(item(cat(&[lo(), padding(10)]))));
    let exact = item(L.el(0x0009_1001, "UN", b"ABCD"));
    gives(LEE, "+p 0 16", &exact, Ok(exact.clone()));
    gives(LEE, "+p 0 16", &item(vec![]), Ok(item(vec![])));
    gives(LEE, "+p 0 16", &item(padding(6)), Ok(item(vec![])));
    let wider = cat(&[pn(), padding(50), L.el(0xFFFE_0001, "LO", b"AB"), L.el(0xFFFF_0001, "LO", b"AB")]);
    let behind = |before, input: &[u8], options| {
        rewrite_behind(before, std::iter::once(input), LEE, &form(options), context()).unwrap().bytes
    };
    let input = cat(&[pn(), L.el(0xFFFE_0001, "LO", b"AB"), L.el(0xFFFF_0001, "LO", b"AB")]);
    assert_eq!(hex(&behind(354, &input, "+p 64 16")), hex(&wider));
    assert_eq!(hex(&behind(354, &pn(), "+p 64 16")), hex(&cat(&[pn(), padding(6)])));
    assert_eq!(hex(&behind(354, &padding(2), "+p 64 16")), hex(&padding(18)));
    let lone = cat(&[pn(), length(0xFFFC_0000, 3)]);
    assert_eq!(hex(&behind(354, &lone, "+p 64 0")), hex(&cat(&[pn(), length(0xFFFC_0000, 70), padding(58)])));
    let created = cat(&[length(0x0010_0000, 12), pn(), padding(58)]);
    assert_eq!(hex(&behind(354, &pn(), "+p 64 16 +g")), hex(&created));
    // Behind something odd, DCMTK's padding misses its aim.
    let odd = L.el(0x0009_1001, "OW", b"ABC");
    assert_eq!(hex(&behind(354, &odd, "+p 64 0")), hex(&cat(&[odd, padding(4)])));
}

#[test]
fn padding_of_a_file_whose_header_changed() {
    let mut first = vec![0; 354];
    let mut rewriter = Rewriter::new(LEE, &form("+p 64 0"), context()).unwrap();
    rewriter.push(&[&pn()], &mut first).unwrap();
    let rewritten = rewriter.finish(&mut first).unwrap();
    assert!(!rewritten.needs_second_pass(354) && rewritten.needs_second_pass(356));
    let mut second = vec![0; 356];
    rewritten.second_pass(&first, 356, &mut second).unwrap();
    assert_eq!(hex(&second[356..]), hex(&cat(&[pn(), L.el(0xFFFC_FFFC, "OB", &[0; 4])])));
}

#[test]
fn delimiters_at_the_top() {
    // 3.6
    gives(LEE, "", &cat(&[pn(), L.item_end(0)]), Ok(pn()));
    gives(LEE, "", &cat(&[pn(), L.item_end(0), lo(), b"rubbish".to_vec()]), Ok(pn()));
    gives(LEE, "", &L.item_end(0), Ok(vec![]));
    gives(LEE, "", &cat(&[pn(), L.sequence_end(0)]), Err(Reason::ItemDelimiterMissing));
    gives(LEE, "", &cat(&[pn(), L.item(&[])]), Err(Reason::InvalidTag));
    let other = L.el(0xFFFE_E0FE, "LO", b"AB");
    gives(LEE, "", &other, Ok(other.clone()));
}

#[test]
fn lengths_of_sequences_and_items() {
    // 4.1
    for input in [L.sq(0x0008_1140, &[]), L.sq_u(0x0008_1140, &[])] {
        gives(LEE, "", &input, Ok(L.sq(0x0008_1140, &[])));
        gives(LEE, "-e", &input, Ok(L.sq_u(0x0008_1140, &[])));
    }
    for item in [L.item(&[]), L.item_u(&[])] {
        gives(LEE, "", &L.sq(0x0008_1140, &item), Ok(L.sq(0x0008_1140, &L.item(&[]))));
        gives(LEE, "-e", &L.sq(0x0008_1140, &item), Ok(L.sq_u(0x0008_1140, &L.item_u(&[]))));
    }
    let input = L.sq_u(0x0008_1140, &[L.item(&pn()), L.item_u(&lo())].concat());
    gives(LEE, "", &input, Ok(L.sq(0x0008_1140, &[L.item(&pn()), L.item(&lo())].concat())));
    gives(LEE, "-e", &input, Ok(L.sq_u(0x0008_1140, &[L.item_u(&pn()), L.item_u(&lo())].concat())));
    // 4.2
    let odd = L.sq(0x0008_1140, &L.item(&L.el(0x0010_0020, "LO", b"1")));
    gives(LEE, "", &odd, Ok(L.sq(0x0008_1140, &L.item(&lo()))));
    // 4.3
    let item = L.sq(0x0008_1140, &L.item(&cat(&[pn(), L.item_end(0)])));
    gives(LEE, "", &item, Ok(L.sq(0x0008_1140, &L.item(&pn()))));
    let sequence = L.sq(0x0008_1140, &[L.item(&pn()), L.sequence_end(0)].concat());
    gives(LEE, "", &sequence, Ok(L.sq(0x0008_1140, &L.item(&pn()))));
    let item = [L.item_len(UNDEFINED, &pn()), L.item_end(4)].concat();
    let lengths = [L.el_len(0x0008_1140, "SQ", UNDEFINED, &item), L.sequence_end(9), lo()].concat();
    gives(LEE, "", &lengths, Ok(cat(&[L.sq(0x0008_1140, &L.item(&pn())), lo()])));
    let after = L.sq(0x0008_1140, &L.item(&cat(&[pn(), L.item_end(0), lo()])));
    gives(LEE, "", &after, Err(Reason::SequenceDelimiterMissing));
}

#[test]
fn text_values() {
    // 5.1
    for (value, written) in [
        (&b"A   "[..], &b"A "[..]),
        (b"ABC", b"ABC "),
        (b"A    ", b"A "),
        (b"A\0\0\0", b"A "),
        (b"A \0 ", b"A "),
        (b"AB  \0\0", b"AB"),
        (b"    ", b""),
        (b"\0\0", b""),
        (b"  \0\0", b""),
        (b" A  ", b" A"),
        (b"A \\B  ", b"A \\B"),
        (b"AB\0C", b"AB\0C"),
        (b"A\t\t ", b"A\t\t "),
        (b"AB\r\n", b"AB\r\n"),
        (b"A ", b"A "),
        (b"A\0", b"A "),
        // 5.2
        (b"\xc3\xa4\xff\x5e\xc3\x20", b"\xc3\xa4\xff\x5e\xc3\x20"),
    ] {
        for vr in ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"] {
            gives(LEE, "", &L.el(0x0009_1001, vr, value), Ok(L.el(0x0009_1001, vr, written)));
        }
    }
}

#[test]
fn uid_values() {
    // 5.3
    for (value, written, blanks) in [
        (&b" 1.2 .3"[..], &b"1.2.3\0"[..], true),
        (b"1.2 \\1.3\t\n\0", b"1.2\\1.3\0", true),
        (b"1.2\0\0\0\0", b"1.2\0", false),
        (b"A\0B ", b"A\0B\0", true),
        (b"  ", b"", true),
        (b"1.2\0", b"1.2\0", false),
        (b"1.22", b"1.22", false),
    ] {
        let warned = gives(LEE, "", &L.el(0x0009_1001, "UI", value), Ok(L.el(0x0009_1001, "UI", written)));
        assert_eq!(warned.contains(&Warning::UidBlanks(Tag::new(9, 0x1001))), blanks, "{value:?}");
    }
}

#[test]
fn odd_binary_values() {
    // 5.4
    for vr in ["AT", "FL", "FD", "OB", "OD", "OF", "OL", "OV", "SL", "SS", "SV", "UL", "UN", "US", "UV"] {
        gives(LEE, "", &L.el(0x0009_1001, vr, &[1, 2, 3]), Ok(L.el(0x0009_1001, vr, &[1, 2, 3, 0])));
    }
    for (tag, vr) in [(0x0009_1001, "OW"), (0x7FE0_0010, "OW"), (0x6000_3000, "OW")] {
        gives(LEE, "", &L.el(tag, vr, &[1, 2, 3]), Ok(L.el(tag, vr, &[1, 2, 3])));
    }
    gives(LEE, "", &L.el(0x0009_1001, "lt", &[1, 2, 3]), Ok(L.el(0x0009_1001, "OW", &[1, 2, 3])));
    gives(LEE, "", &L.el(0x7FE0_0010, "OB", &[1, 2, 3]), Ok(L.el(0x7FE0_0010, "OB", &[1, 2, 3, 0])));
    // 5.6
    for vr in ["AE", "AT", "OB", "SQ", "UI", "UN", "US"] {
        gives(LEE, "", &L.el(0x0009_1001, vr, &[]), Ok(L.el(0x0009_1001, vr, &[])));
    }
}

#[test]
fn byte_order() {
    // 5.5
    let check = |vr: &str, value: &[u8], swapped: &[u8]| {
        gives(LEE, "+tb", &L.el(0x0009_1001, vr, value), Ok(B.el(0x0009_1001, vr, swapped)));
    };
    check("AT", &[0x18, 0, 0x63, 0x10], &[0, 0x18, 0x10, 0x63]);
    check("OW", &[1, 2, 3, 4, 5], &[2, 1, 4, 3, 5]);
    check("FL", &[1, 2, 3, 4, 5], &[4, 3, 2, 1, 5, 0]);
    check("US", &[1, 2, 3], &[2, 1, 0, 3]);
    check("FD", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], &[8, 7, 6, 5, 4, 3, 2, 1, 9, 10]);
    check("UN", &[1, 2, 3, 4], &[1, 2, 3, 4]);
    gives(BEE, "+te", &B.el(0x7FE0_0010, "OW", &[1, 2, 3, 4]), Ok(L.el(0x7FE0_0010, "OW", &[2, 1, 4, 3])));
    gives(LEI, "+tb", &I.el(0x7FE0_0010, "", &[1, 2]), Ok(B.el(0x7FE0_0010, "OW", &[2, 1])));
    gives(LEI, "+tb", &I.el(0x5000_3000, "", &[1, 2]), Ok(B.el(0x5000_3000, "OB", &[1, 2])));
    // Large enough to come in pieces, with a rest.
    let value: Vec<u8> = (0..100_003).map(|n| n as u8).collect();
    for (vr, unit) in [("OW", 2), ("OF", 4), ("OD", 8)] {
        let mut padded = value.clone();
        if vr != "OW" {
            padded.push(0);
        }
        let mut swapped = padded.clone();
        swapped.chunks_exact_mut(unit).for_each(|unit| unit.reverse());
        gives(LEE, "+tb", &L.el(0x0009_1001, vr, &value), Ok(B.el(0x0009_1001, vr, &swapped)));
        gives(BEE, "+te", &B.el(0x0009_1001, vr, &swapped), Ok(L.el(0x0009_1001, vr, &padded)));
    }
}

#[test]
fn encapsulated_pixel_data() {
    // 6.1, 6.2
    let offsets = [[0; 4], [11, 0, 0, 0]].concat();
    let read = [L.item(&offsets), L.item(b"ABC"), L.item(b"DEFGH")].concat();
    let written = [L.item(&offsets), L.item(b"ABC\0"), L.item(b"DEFGH\0")].concat();
    for vr in ["OB", "OW", "OX", "ox"] {
        gives(JPG, "", &L.el_u(0x7FE0_0010, vr, &read), Ok(L.el_u(0x7FE0_0010, "OB", &written)));
    }
    for items in [vec![], [L.item(&[]), L.item(&[]), L.item(b"ABCD"), L.item(&[])].concat()] {
        let input = L.el_u(0x7FE0_0010, "OB", &items);
        gives(JPG, "", &input, Ok(input.clone()));
    }
    // 6.3
    let open = L.el_len(0x7FE0_0010, "OB", UNDEFINED, &L.item(b"ABCD"));
    gives(JPG, "", &cat(&[open.clone(), L.sequence_end(77)]), Ok(L.el_u(0x7FE0_0010, "OB", &L.item(b"ABCD"))));
    gives(JPG, "", &open, Err(Reason::SequenceDelimiterMissing));
    gives(JPG, "", &cat(&[open.clone(), L.item_end(0)]), Err(Reason::SequenceDelimiterMissing));
    gives(JPG, "", &cat(&[open.clone(), L.item_len(UNDEFINED, &[])]), Err(Reason::CorruptedData));
    gives(JPG, "", &cat(&[open, L.item_len(8, b"AB")]), Err(Reason::InvalidStream));
    // 6.4
    for value in [&b""[..], b"AB"] {
        gives(JPG, "", &L.el(0x7FE0_0010, "OW", value), Err(Reason::PixelDataDefinedLength));
    }
    let icons = L.sq(
        0x0088_0200,
        &[L.item(&L.el(0x7FE0_0010, "OW", b"AB")), L.item(&L.el_u(0x7FE0_0010, "OB", &L.item(b"AB")))].concat(),
    );
    gives(JPG, "", &icons, Ok(icons.clone()));
    gives(JPG, "", &pn(), Ok(pn()));
    for syntax in ["1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"] {
        gives(syntax, "", &L.el(0x7FE0_0010, "OW", b"AB"), Err(Reason::PixelDataDefinedLength));
    }
    // 6.5
    for input in [L.el_u(0x7FE0_0010, "OB", &L.item(b"AB")), L.el_u(0x7FE0_0010, "OB", &[]), icons] {
        gives(LEE, "", &input, Err(Reason::PixelRepresentationNotFound));
        gives(JPG, "+te", &input, Err(Reason::PixelRepresentationNotFound));
    }
    assert_eq!(Reason::PixelRepresentationNotFound.consequence(), Consequence::OutOfResources);
    // What comes after it matters more.
    let broken = cat(&[L.el_u(0x7FE0_0010, "OB", &[]), L.sequence_end(0)]);
    gives(LEE, "", &broken, Err(Reason::ItemDelimiterMissing));
    // A private element that may be pixel data.
    let creator = L.el(0x7FE1_0010, "LO", b"SPI-P Release 1 ");
    let private = cat(&[creator.clone(), L.el_u(0x7FE1_1010, "OB", &L.item(b"AB"))]);
    let dictionary = vr::Dictionary::builtin().private(0x7FE1, b"SPI-P Release 1", 0x1010);
    if dictionary == Some(vr::DictVr::Px) {
        gives(JPG, "", &private, Ok(private.clone()));
    } else {
        gives(JPG, "", &private, Err(Reason::UndefinedLengthObOw));
    }
}

#[test]
fn errors() {
    // 9.1, refused all of them.
    for end in ["1000", "10002000", "100020004c4f", "100020004c54", "100020005554", "10002000555400000200"] {
        gives(LEE, "", &cat(&[pn(), unhex(end)]), Err(Reason::PrematureEnd));
        let item = [L.item_len(100, &cat(&[pn(), unhex(end)]))].concat();
        gives(LEE, "", &L.el_len(0x0008_1140, "SQ", 108, &item), Err(Reason::PrematureEnd));
    }
    gives(LEE, "", &cat(&[pn(), L.el_len(0x0010_0020, "LO", 4, &[])]), Err(Reason::InvalidStream));
    gives(LEE, "", &cat(&[pn(), L.el_len(0x0010_0020, "LO", 4, b"AB")]), Err(Reason::InvalidStream));
    gives(LEE, "", &L.el_len(0x0008_1140, "SQ", 20, &[]), Err(Reason::SequenceDelimiterMissing));
    gives(LEE, "", &L.el_len(0x0008_1140, "SQ", UNDEFINED, &[]), Err(Reason::SequenceDelimiterMissing));
    // 9.2
    let input = L.sq(0x0008_1140, &L.item_len(100, &pn()));
    gives(LEE, "", &input, Ok(L.sq(0x0008_1140, &L.item(&pn()))));
    for len in [4, 8, 16] {
        let input = cat(&[L.el_len(0x0008_1140, "SQ", len, &L.item(&pn())), lo()]);
        gives(LEE, "", &input, Ok(cat(&[L.sq(0x0008_1140, &L.item(&pn())), lo()])));
    }
    let zeros = cat(&[I.el(0x0010_0010, "", b"A^B "), vec![0; 8]]);
    let out = cat(&[I.el(0, "", &[0; 4]), I.el(0x0010_0010, "", b"A^B ")]);
    gives(LEI, "", &zeros, Ok(out));
    gives(LEE, "", &cat(&[pn(), vec![0; 8]]), Err(Reason::ItemDelimiterMissing));
    // 9.3
    gives(LEE, "", &L.el_len(0x0009_1001, "OB", 0xFFFF_FFFE, b"AB"), Err(Reason::InvalidStream));
    let sequence = |items: &[u8]| L.el_len(0x0008_1140, "SQ", UNDEFINED, items);
    gives(LEE, "", &cat(&[sequence(&L.item(&pn())), lo()]), Err(Reason::SequenceDelimiterMissing));
    gives(LEE, "", &L.el_len(0x0008_1140, "SQ", 100, &L.item(&pn())), Err(Reason::SequenceDelimiterMissing));
    let short = cat(&[L.sq(0x0008_1140, &L.item_len(12, &cat(&[pn(), lo()]))), lo()]);
    gives(LEE, "", &short, Err(Reason::SequenceDelimiterMissing));
    let open = sequence(&[L.item_len(UNDEFINED, &pn()), L.sequence_end(0)].concat());
    gives(LEE, "", &open, Err(Reason::ItemDelimiterMissing));
    let larger = cat(&[L.sq(0x0008_1140, &L.item_len(10, &pn())), lo()]);
    gives(LEE, "", &larger, Err(Reason::LongerThanItem));
    // An item that ends within a header ends behind its element; but not within that of a delimiter.
    let within = cat(&[L.sq(0x0008_1140, &L.item_len(14, &cat(&[pn(), lo()]))), L.el(0x0020_0010, "SH", b"2 ")]);
    let out = cat(&[L.sq(0x0008_1140, &L.item(&cat(&[pn(), lo()]))), L.el(0x0020_0010, "SH", b"2 ")]);
    assert_eq!(gives(LEE, "", &within, Ok(out)), [Warning::ItemTooShort(14)]);
    let within = sequence(&L.item_len(14, &cat(&[pn(), L.sequence_end(0)])));
    gives(LEE, "", &within, Err(Reason::PrematureSequenceDelimiter));
    // 9.5
    gives(LEE, "", &[], Err(Reason::Empty));
    assert_eq!(Reason::Empty.consequence(), Consequence::OutOfResources);
    assert_eq!(
        Rewriter::new("1.2.840.113619.5.2", &Form::default(), context()).err().map(|refusal| refusal.reason),
        Some(Reason::UnsupportedSyntax)
    );
}

fn nested(depth: usize, defined: bool, un: bool) -> Vec<u8> {
    let mut content = Vec::new();
    for level in (0..depth).rev() {
        // Within UN, everything is implicit.
        let writer = if un && level > 0 { I } else { L };
        let inner = if un { I } else { L };
        content = match defined {
            true => writer.sq(0x0008_1140, &inner.item(&content)),
            false => writer.el_u(0x0008_1140, if un { "UN" } else { "SQ" }, &inner.item_u(&content)),
        };
    }
    content
}

#[test]
fn depth() {
    // 9.4
    for (defined, un) in [(true, false), (false, false), (false, true)] {
        let deepest = rewrite(&nested(64, defined, un), LEE, &Form::default()).unwrap();
        assert_eq!(deepest.bytes, nested(64, true, false));
        gives_up(&nested(65, defined, un));
        gives_up(&nested(1000, defined, un));
    }
    gives_up(&L.el_len(0x0008_1140, "SQ", UNDEFINED, &L.item_len(UNDEFINED, &[])).repeat(1_000_000));
    let mut pixels = L.el_u(0x7FE0_0010, "OB", &[]);
    for _ in 0..63 {
        pixels = L.sq_u(0x0088_0200, &L.item_u(&pixels));
    }
    assert!(rewrite(&pixels, JPG, &Form::default()).is_ok());
    gives_up_in(JPG, &L.sq_u(0x0088_0200, &L.item_u(&pixels)));
}

fn gives_up(input: &[u8]) {
    gives_up_in(LEE, input);
}

#[track_caller]
fn gives_up_in(syntax: &str, input: &[u8]) {
    match rewrite(input, syntax, &Form::default()) {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.reason, Reason::TooDeep),
        other => panic!("{other:?}"),
    }
}

#[test]
fn deflated_data_sets() {
    let rewrite_with = |input: &[u8], options: &str| rewrite(input, DFL, &form(options));
    let refused = |input: &[u8]| match rewrite_with(input, "") {
        Err(Error::Refused(refusal)) => refusal.reason,
        other => panic!("{other:?}"),
    };
    let input = cat(&[pn(), lo()]);
    let stream = deflate(&input);
    // 7.1
    assert_eq!(rewrite_with(&stream, "+te").unwrap().bytes, input);
    assert_eq!(rewrite_with(&cat(&[stream.clone(), b"rubbish".to_vec()]), "+te").unwrap().bytes, input);
    assert_eq!(inflate(&rewrite_with(&deflate(&[]), "").unwrap().bytes), b"");
    let mut zlib = vec![0x78, 0x9C];
    zlib.extend_from_slice(&stream);
    assert_eq!(refused(&zlib), Reason::Deflate);
    assert_eq!(refused(b"\x1f\x8b\x08\0\0\0\0\0\0\x03"), Reason::Deflate);
    // 7.2
    for level in 0..=9 {
        let got = rewrite(&input, LEE, &form(&format!("+td +cl {level}"))).unwrap();
        assert!(got.second_pass);
        assert_eq!(inflate(&got.bytes), input);
    }
    // 7.3
    for cut in 1..stream.len() {
        assert_eq!(refused(&stream[..cut]), Reason::PrematureEnd, "{cut}");
    }
    assert_eq!(refused(&[]), Reason::Empty);
    // Stored data sets go out as they are, if nothing is to be changed: no need to compress them again.
    let prepared = Prepared::new(&stream, 0, DFL, &Form::default(), context()).unwrap();
    assert!(!prepared.outcome().changed);
    assert_eq!(send(&stream, DFL, &Form::default()).unwrap()[..stream.len()], stream);
}

#[test]
fn deflated_bombs_stop_at_their_limit() {
    let zeros = L.el(0x0009_1001, "OB", &vec![0; 1 << 20]);
    let stream = deflate(&zeros);
    let limited = |inflated| {
        let limits = Limits { inflated, ..Limits::default() };
        let input = std::iter::once(&stream[..]);
        rewrite_behind(0, input, DFL, &form("+te"), Context { limits, ..context() })
    };
    assert_eq!(limited(zeros.len() as u64).unwrap().bytes, zeros);
    match limited(zeros.len() as u64 - 1) {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.reason, Reason::InflatesTooFar);
            assert_eq!(refusal.consequence(), Consequence::OutOfResources);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn data_sets_of_odd_length_are_sent_even() {
    // 10.4
    let odd = L.el(0x7FE0_0010, "OW", b"ABC");
    assert_eq!(send(&odd, LEE, &Form::default()).unwrap(), [odd.clone(), vec![0]].concat());
    let sent = send(&odd, LEE, &form("+td")).unwrap();
    assert_eq!(sent.len() & 1, 0);
    assert_eq!(inflate(&sent), odd);
}

#[test]
fn what_a_receiver_wants_to_know() {
    let uids = cat(&[L.el(0x0008_0016, "UI", b" 1.2 .3\0"), L.el(0x0008_0018, "UI", b"1.2.4\0")]);
    let rest = cat(&[pn(), L.el(0x0020_000D, "UI", b"1.5\0")]);
    let input = cat(&[L.el(0x0008_0005, "CS", b"ISO_IR 100"), uids, rest]);
    let outcome = rewrite(&input, LEE, &Form::default()).unwrap().outcome;
    let value = |tag| outcome.found(tag).map(|found| (found.value.clone(), found.vr, found.depth));
    assert_eq!(value(Tag::SPECIFIC_CHARACTER_SET), Some((b"ISO_IR 100".to_vec(), vr::Vr::CS, 0)));
    assert_eq!(value(Tag::SOP_CLASS), Some((b"1.2.3".to_vec(), vr::Vr::UI, 0)));
    assert_eq!(value(Tag::SOP_INSTANCE), Some((b"1.2.4".to_vec(), vr::Vr::UI, 0)));
    assert_eq!(value(Tag::PATIENT_NAME), Some((b"A^B".to_vec(), vr::Vr::PN, 0)));
    assert_eq!(value(Tag::STUDY_INSTANCE), Some((b"1.5".to_vec(), vr::Vr::UI, 0)));
}

#[test]
fn uids_are_searched_depth_first_in_tag_order() {
    // 8.2
    let found = |input: &[u8]| {
        let got = rewrite(input, LEE, &Form::default()).unwrap().outcome;
        got.found(Tag::SOP_INSTANCE).map(|found| (found.value.clone(), found.depth))
    };
    let uid = |value: &[u8]| L.el(0x0008_0018, "UI", value);
    let within = |tag, value: &[u8]| L.sq(tag, &L.item(&uid(value)));
    let [top, before, after] = [uid(b"1.1\0"), within(0x0008_0006, b"2.2\0"), within(0x0040_1001, b"3.3\0")];
    assert_eq!(found(&cat(&[before.clone(), top.clone(), after.clone()])), Some((b"2.2".to_vec(), 1)));
    assert_eq!(found(&cat(&[top.clone(), after.clone()])), Some((b"1.1".to_vec(), 0)));
    assert_eq!(found(&after), Some((b"3.3".to_vec(), 1)));
    assert_eq!(found(&cat(&[after.clone(), before.clone()])), Some((b"2.2".to_vec(), 1)));
    assert_eq!(found(&cat(&[after.clone(), top])), Some((b"1.1".to_vec(), 0)));
    assert_eq!(found(&pn()), None);
    // Not one in a duplicate that is dropped, though it was met before that was known.
    let empty = L.sq(0x0008_0006, &[]);
    assert_eq!(found(&cat(&[empty, after.clone(), before])), Some((b"3.3".to_vec(), 1)));
    // Study Instance UID counts at the top alone.
    let study = L.sq(0x0008_1140, &L.item(&L.el(0x0020_000D, "UI", b"1.5\0")));
    assert!(rewrite(&study, LEE, &Form::default()).unwrap().outcome.found(Tag::STUDY_INSTANCE).is_none());
}
