//! Sections 1 and 2: which VR an element has, and what becomes of it.

use super::*;

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
