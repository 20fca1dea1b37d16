use super::*;

fn vrs(names: &str) -> Vec<Vr> {
    names.split(' ').map(|name| Vr::from_bytes(name.as_bytes().try_into().unwrap()).unwrap()).collect()
}

/// The VRs that have a property are exactly these.
fn exactly(names: &str, has: impl Fn(Vr) -> bool) {
    let having: Vec<Vr> = Vr::ALL.into_iter().filter(|vr| has(*vr)).collect();
    assert_eq!(having, vrs(names));
}

#[test]
fn names_are_read_and_written_alike() {
    for vr in Vr::ALL {
        assert_eq!(Vr::from_bytes(vr.bytes()), Some(vr));
        assert_eq!(vr.to_string().as_bytes(), vr.bytes());
    }
    assert_eq!(Vr::UV.to_string(), "UV");
    assert!(Vr::ALL.is_sorted_by_key(|vr| vr.bytes()));
    let known = (0..=u16::MAX).filter(|bytes| Vr::from_bytes(bytes.to_le_bytes()).is_some()).count();
    assert_eq!(known, 34);
}

#[test]
fn length_fields_of_four_bytes() {
    // PS3.5 7.1.2
    exactly("OB OD OF OL OV OW SQ SV UC UN UR UT UV", |vr| vr.length_field() == LengthField::Four);
    assert_eq!(Vr::US.length_field().header_len(), 8);
    assert_eq!(Vr::UN.length_field().header_len(), 12);
}

#[test]
fn units_of_byte_order() {
    exactly("AT OW SS US", |vr| vr.unit() == 2);
    exactly("FL OF OL SL UL", |vr| vr.unit() == 4);
    exactly("FD OD OV SV UV", |vr| vr.unit() == 8);
    exactly("AE AS CS DA DS DT IS LO LT OB PN SH SQ ST TM UC UI UN UR UT", |vr| vr.unit() == 1);
}

#[test]
fn paddings() {
    exactly("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UR UT", |vr| vr.padding() == Padding::Blank);
    exactly("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UR UT", Vr::is_text);
    exactly("UI", |vr| vr.padding() == Padding::Uid);
    exactly("AT FD FL OB OD OF OL OV SL SS SV UL UN US UV", |vr| vr.padding() == Padding::Nul);
    exactly("OW SQ", |vr| vr.padding() == Padding::Keep);
}

#[test]
fn what_programs_of_1993_cannot_read() {
    exactly("OD OF OL OV SV UC UN UR UT UV", Vr::is_post_1993);
    for vr in Vr::ALL {
        assert_eq!(vr.of_1993(), if vr.is_post_1993() { Vr::OB } else { vr });
    }
}

/// What DCMTK 3.6.7 read for each of the 9216 pairs of bytes from 20H to 7FH, as numbers; the rest is refused by 3.7.0.
#[test]
fn every_pair_of_bytes_in_a_header() {
    let (mut standard, mut internal, mut four, mut two, mut refused) = (0, Vec::new(), 0, 0, Vec::new());
    for bytes in (0..=u16::MAX).map(u16::to_be_bytes) {
        let printable = bytes.iter().all(|byte| (0x20..=0x7F).contains(byte));
        match ExplicitVr::read(bytes, 0x0010, 0x0010) {
            Ok(read) => {
                assert!(printable, "{bytes:?}");
                match (read.spelling, read.length_field) {
                    (Spelling::Standard, field) => {
                        assert_eq!((Some(read.vr), field), (Vr::from_bytes(bytes), read.vr.length_field()));
                        standard += 1;
                    }
                    (Spelling::Internal, _) => internal.push(bytes),
                    (Spelling::Unknown, field) => {
                        let capitals = bytes.iter().all(u8::is_ascii_uppercase);
                        assert_eq!(field, if capitals { LengthField::Four } else { LengthField::Two });
                        assert_eq!((read.vr, read.undefined), (Vr::UN, UndefinedLength::Items));
                        *if capitals { &mut four } else { &mut two } += 1;
                    }
                }
            }
            Err(RefusedVr(seen)) => {
                assert_eq!(seen, bytes);
                if printable {
                    refused.push(bytes);
                }
            }
        }
    }
    assert_eq!((standard, four, two), (34, 642, 8533));
    assert_eq!(internal, [*b"lt", *b"ox", *b"px", *b"up", *b"xs"]);
    assert_eq!(refused, [*b"na", *b"pi"]);
}

#[test]
fn names_of_choices_in_a_header() {
    let read = |bytes: &[u8; 2], group, element| {
        let read = ExplicitVr::read(*bytes, group, element).unwrap();
        assert_eq!(read.spelling, Spelling::Internal);
        (read.vr, read.length_field, read.undefined)
    };
    use LengthField::{Four, Two};
    use UndefinedLength::{Fragments, Refused};
    assert_eq!(read(b"ox", 0x0010, 0x0020), (Vr::OB, Four, Refused));
    assert_eq!(read(b"ox", 0x5400, 0x1010), (Vr::OB, Four, Refused));
    assert_eq!(read(b"ox", 0x60FE, 0x3000), (Vr::OW, Four, Refused));
    assert_eq!(read(b"ox", 0x7FE0, 0x0010), (Vr::OW, Four, Fragments));
    assert_eq!(read(b"px", 0x0009, 0x1010), (Vr::OW, Four, Fragments));
    assert_eq!(read(b"lt", 0x0010, 0x0020), (Vr::OW, Four, Refused));
    assert_eq!(read(b"OX", 0x7FE0, 0x0010), (Vr::OW, Four, Fragments));
    assert_eq!(read(b"xs", 0x0028, 0x0106).0, Vr::US);
    assert_eq!(read(b"xs", 0x0028, 0x0106).1, Two);
    assert_eq!(read(b"up", 0x0004, 0x1200).0, Vr::UL);
    assert_eq!(read(b"up", 0x0004, 0x1200).1, Two);
    assert_eq!(ExplicitVr::read(*b"OX", 0x7FE0, 0x0008).unwrap().spelling, Spelling::Unknown);
}

#[test]
fn undefined_lengths() {
    for vr in Vr::ALL {
        let items = matches!(vr, Vr::SQ | Vr::UN);
        let expected = if items { UndefinedLength::Items } else { UndefinedLength::Refused };
        assert_eq!(DictVr::Is(vr).undefined_length(0x0009, 0x1001), expected, "{vr}");
        let pixels = matches!(vr, Vr::OB | Vr::OW);
        let expected = if pixels { UndefinedLength::Fragments } else { expected };
        assert_eq!(DictVr::Is(vr).undefined_length(0x7FE0, 0x0010), expected, "{vr}");
    }
    assert_eq!(DictVr::Px.undefined_length(0x7FE1, 0x1060), UndefinedLength::Fragments);
    for vr in [DictVr::Ox, DictVr::Xs, DictVr::Lut, DictVr::Up] {
        assert_eq!(vr.undefined_length(0x0028, 0x0106), UndefinedLength::Refused, "{vr:?}");
    }
}
