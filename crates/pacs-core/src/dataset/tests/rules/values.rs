//! Sections 5 to 7: values, encapsulated pixel data, deflated data sets.

use super::*;

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
    // Unless it is dropped, which may show only after it was read.
    let icons = L.sq(0x0088_0200, &L.item(&L.el_u(0x7FE0_0010, "OB", &L.item(b"AB"))));
    let [empty, last] = [L.sq(0x0088_0200, &[]), L.el(0x0088_0906, "ST", b"AB")];
    gives(LEE, "", &cat(&[empty.clone(), last.clone(), icons.clone()]), Ok(cat(&[empty, last.clone()])));
    gives(LEE, "", &cat(&[last, icons]), Err(Reason::PixelRepresentationNotFound));
    // What comes after it matters more.
    let broken = cat(&[L.el_u(0x7FE0_0010, "OB", &[]), L.sequence_end(0)]);
    gives(LEE, "", &broken, Err(Reason::ItemDelimiterMissing));
    // A private element that may be pixel data, and one that may not.
    let creator = |name: &[u8]| L.el(0x7FE1_0010, "LO", name);
    let fragments = |element: u32| L.el_u(0x7FE1_1000 + element, "OB", &L.item(b"AB"));
    let private = cat(&[creator(b"GEMS_Ultrasound_MovieGroup_001"), fragments(0x60)]);
    gives(JPG, "", &private, Ok(private.clone()));
    gives(LEE, "", &private, Err(Reason::PixelRepresentationNotFound));
    let other = cat(&[creator(b"SPI-P Release 1 "), fragments(0x10)]);
    gives(JPG, "", &other, Err(Reason::UndefinedLengthObOw));
    let implicit = cat(&[I.el(0x7FE1_0010, "", b"GEMS_Ultrasound_MovieGroup_001"), I.el(0x7FE1_1060, "", b"AB")]);
    let named = cat(&[creator(b"GEMS_Ultrasound_MovieGroup_001"), L.el(0x7FE1_1060, "OW", b"AB")]);
    gives(LEI, "+te", &implicit, Ok(named));
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
