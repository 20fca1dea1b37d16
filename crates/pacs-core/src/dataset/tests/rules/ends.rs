//! Sections 8 to 10: what is refused, and what becomes known.

use super::*;

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
    assert_eq!(value(Tag::SPECIFIC_CHARACTER_SET), Some((b"ISO_IR 100".to_vec(), crate::dataset::vr::Vr::CS, 0)));
    assert_eq!(value(Tag::SOP_CLASS), Some((b"1.2.3".to_vec(), crate::dataset::vr::Vr::UI, 0)));
    assert_eq!(value(Tag::SOP_INSTANCE), Some((b"1.2.4".to_vec(), crate::dataset::vr::Vr::UI, 0)));
    assert_eq!(value(Tag::PATIENT_NAME), Some((b"A^B".to_vec(), crate::dataset::vr::Vr::PN, 0)));
    assert_eq!(value(Tag::STUDY_INSTANCE), Some((b"1.5".to_vec(), crate::dataset::vr::Vr::UI, 0)));
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
