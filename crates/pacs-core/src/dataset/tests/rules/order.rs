//! Sections 3 and 4: order, special elements, lengths.

use super::*;

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
