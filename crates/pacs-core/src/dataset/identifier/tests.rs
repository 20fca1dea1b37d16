//! Queries as clients send them, odd ones, and answers read back.

use super::*;

const LEI: &str = Syntax::IMPLICIT_LITTLE;
const LEE: &str = Syntax::EXPLICIT_LITTLE;
const BEE: &str = Syntax::EXPLICIT_BIG;
const DFL: &str = Syntax::DEFLATED;

fn level() -> Attribute {
    Attribute::new(Tag::new(0x0008, 0x0052), Vr::CS, "STUDY")
}

fn query() -> Vec<Attribute> {
    vec![
        level(),
        Attribute::new(Tag::PATIENT_NAME, Vr::PN, "A^B*"),
        Attribute::new(Tag::STUDY_INSTANCE, Vr::UI, "1.2.3"),
        Attribute::new(Tag::new(0x0028, 0x0010), Vr::US, [1, 2]),
        Attribute::new(Tag::new(0x0040, 0x0275), Vr::SQ, ""),
        Attribute::new(Tag::new(0x0040, 0xA0FF), Vr::UN, [7]),
    ]
}

fn unpadded(identifier: &Identifier) -> Vec<Attribute> {
    let attributes = identifier.attributes().iter();
    attributes.map(|a| Attribute { value: a.unpadded().to_vec(), ..a.clone() }).collect()
}

#[test]
fn every_syntax_both_ways() {
    for syntax in [LEI, LEE, BEE, DFL, "1.2.840.10008.1.2.4.70"] {
        let bytes = write(&query(), syntax).unwrap();
        assert_eq!(bytes.len() % 2, 0);
        let identifier = Identifier::read(&bytes, syntax).unwrap();
        let mut expected = query();
        // Nothing says how long an odd value of bytes was.
        expected[5].value.push(0);
        assert_eq!(unpadded(&identifier), expected, "{syntax}");
        assert_eq!(identifier.warnings().count(), 0);
        assert_eq!(identifier.get(Tag::PATIENT_NAME).map(|a| &*a.value), Some(&b"A^B*"[..]));
        assert_eq!(identifier.get(Tag::SOP_CLASS), None);
    }
    assert!(write(&query(), "1.2.3").is_none() && Identifier::read(b"", "1.2.3").is_err());
}

#[test]
fn every_byte_of_an_answer() {
    let answer = [level(), Attribute::new(Tag::new(0x0020, 0x000D), Vr::UI, "1.2")];
    assert_eq!(write(&answer, LEE).unwrap(), b"\x08\0\x52\0CS\x06\0STUDY \x20\0\x0d\0UI\x04\x001.2\0");
    assert_eq!(write(&answer, LEI).unwrap(), b"\x08\0\x52\0\x06\0\0\0STUDY \x20\0\x0d\0\x04\0\0\x001.2\0");
    assert_eq!(write(&answer, BEE).unwrap(), b"\0\x08\0\x52CS\0\x06STUDY \0\x20\0\x0dUI\0\x041.2\0");
    let long = [Attribute::new(Tag::new(0x0008, 0x1030), Vr::LO, vec![b'x'; 70_001])];
    let bytes = write(&long, LEE).unwrap();
    assert!(bytes.starts_with(b"\x08\0\x30\x10UN\0\0\x72\x11\x01\0xx") && bytes.ends_with(b"x "));
}

#[test]
fn out_of_order_twice_and_nested() {
    let [level, name] = [write(&[level()], LEE).unwrap(), write(&query()[1..2], LEE).unwrap()];
    let item = [&b"\xfe\xff\0\xe0\xff\xff\xff\xff"[..], &name, b"\xfe\xff\x0d\xe0\0\0\0\0"].concat();
    let sequence = [&b"\x40\0\x75\x02SQ\0\0\xff\xff\xff\xff"[..], &item, b"\xfe\xff\xdd\xe0\0\0\0\0"].concat();
    let other = write(&[Attribute::new(Tag::PATIENT_NAME, Vr::PN, "C")], LEE).unwrap();
    let identifier = Identifier::read(&[&*sequence, &name, &level, &other, &level].concat(), LEE).unwrap();
    let expected = [query()[0].clone(), query()[1].clone(), query()[4].clone()];
    assert_eq!(unpadded(&identifier), expected);
    assert_eq!(identifier.warnings().count(), 4);
}

#[test]
fn long_values_come_whole() {
    for (vr, syntax) in [(Vr::UT, LEE), (Vr::OW, LEE), (Vr::OW, BEE), (Vr::UN, BEE)] {
        let value: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8 + 1).collect();
        let tag = Tag::new(0x0040, 0xA160);
        let bytes = write(&[Attribute::new(tag, vr, value.clone())], syntax).unwrap();
        assert_eq!(Identifier::read(&bytes, syntax).unwrap().get(tag).unwrap().unpadded(), value, "{vr} {syntax}");
    }
}

#[test]
fn too_large_too_deep_cut() {
    assert_eq!(Identifier::read(&vec![0; MOST + 1], LEE).unwrap_err(), IdentifierError::TooLarge);
    // A few hundred bytes that inflate to megabytes.
    let bomb = write(&[Attribute::new(Tag::new(0x0040, 0xA160), Vr::UT, vec![b'x'; 2 << 20])], DFL).unwrap();
    assert!(bomb.len() < 10_000);
    assert_eq!(Identifier::read(&bomb, DFL).unwrap_err(), IdentifierError::TooLarge);
    let sequence = b"\x40\0\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff";
    let deep = sequence.repeat(50_000);
    let refused = |bytes: &[u8], syntax| match Identifier::read(bytes, syntax) {
        Err(IdentifierError::Refused(refusal)) => Some(refusal.reason),
        _ => None,
    };
    assert_eq!(refused(&deep, LEE), Some(Reason::TooDeep));
    assert_eq!(refused(&sequence.repeat(3), LEE), Some(Reason::SequenceDelimiterMissing));
    let bytes = write(&query(), LEE).unwrap();
    assert!(Identifier::read(b"", LEE).unwrap().attributes().is_empty());
    let whole = (0..bytes.len()).filter(|length| Identifier::read(&bytes[..*length], LEE).is_ok()).count();
    assert_eq!(whole, query().len(), "ends of elements only");
    assert_eq!(refused(&bytes[..10], LEE), Some(Reason::InvalidStream));
    assert_eq!(refused(&bytes[..7], LEE), Some(Reason::PrematureEnd));
}

#[test]
fn a_length_that_is_declared_makes_no_memory() {
    let bytes = b"\x40\0\x60\xa1UT\0\0\xfe\xff\xff\xffabcdefgh";
    assert!(Identifier::read(bytes, LEE).is_err());
}

#[test]
fn mutations_do_no_harm() {
    let mut seed = 1_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut read = 0;
    for round in 0..20_000 {
        let syntax = [LEI, LEE, BEE, DFL][round % 4];
        let mut bytes = write(&query(), syntax).unwrap();
        for _ in 0..1 + random(4) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = random(256) as u8,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, random(256) as u8),
            }
        }
        if let Ok(identifier) = Identifier::read(&bytes, syntax) {
            read += 1;
            assert!(identifier.attributes().is_sorted_by(|a, b| a.tag < b.tag));
            let again = write(identifier.attributes(), syntax).unwrap();
            assert!(again.len() < 4096);
        }
    }
    assert!(read > 1000, "{read}");
}
