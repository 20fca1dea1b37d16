use std::collections::{BTreeMap, BTreeSet};

use super::super::{follows_waveform_bits, may_be_signed};
use super::*;

fn standard(group: u16, element: u16) -> Option<DictVr> {
    Dictionary::builtin().standard(group, element)
}

/// The VR of an implicit element that nothing before it bears on; UN if it is unknown.
fn implicit(group: u16, element: u16) -> Vr {
    standard(group, element).map_or(Vr::UN, |vr| vr.by_tag(group, element))
}

fn private(group: u16, creator: &str, element: u16) -> Option<DictVr> {
    Dictionary::builtin().private(group, creator.as_bytes(), element)
}

/// The whole of dicom-dictionary-std: it has no iterator, but its registry prints itself. `Single`, `Group100` or
/// `Element100`, the tag, and the VR.
fn oracle() -> Vec<(String, u16, u16, DictVr)> {
    let printed = format!("{:?}", dicom_dictionary_std::data_element::registry());
    let by_tag = printed.split("by_tag: {").nth(1).unwrap().split("repeating_ggxx").next().unwrap();
    let entry = |text: &str| {
        let (kind, rest) = text.split_once("(Tag(0x").unwrap();
        let number = |at: usize| u16::from_str_radix(&rest[at..at + 4], 16).unwrap();
        let name = rest.split_once("vr: ").unwrap().1.split([' ', ',']).next().unwrap();
        let vr = match name.strip_prefix("Exact(").and_then(|name| name.strip_suffix(')')) {
            Some(name) => DictVr::Is(Vr::from_bytes(name.as_bytes().try_into().unwrap()).unwrap()),
            None => match name {
                "Xs" => DictVr::Xs,
                "Ox" => DictVr::Ox,
                "Px" => DictVr::Px,
                "Lt" => DictVr::Lut,
                other => panic!("a new virtual VR: {other}"),
            },
        };
        (kind.to_owned(), number(0), number(8), vr)
    };
    by_tag.split("DataDictionaryEntryRef { tag: ").skip(1).map(entry).collect()
}

/// The table is that of the crate but for two elements that DCMTK 3.7.0 does not know. After an update of the crate this
/// prints the rows to take in.
#[test]
fn standard_elements_are_those_of_dicom_dictionary_std() {
    let mut expected = BTreeMap::new();
    let mut ranges = Vec::new();
    for (kind, group, element, vr) in oracle() {
        match kind.as_str() {
            "Single" => drop(expected.insert((group, element), vr)),
            _ => ranges.push((kind, group, element, vr)),
        }
    }
    assert!(expected.remove(&(0x0040, 0xE012)).is_some() && expected.remove(&(0x3004, 0x007F)).is_some());
    let table: BTreeMap<(u16, u16), DictVr> =
        ELEMENTS.iter().flat_map(|&(group, rows)| rows.iter().map(move |&(e, vr)| ((group, e), vr))).collect();
    let missing: Vec<_> = expected.iter().filter(|(tag, vr)| table.get(tag) != Some(vr)).collect();
    assert!(missing.is_empty(), "not in the table: {missing:04X?}");
    let extra: Vec<_> = table.keys().filter(|tag| !expected.contains_key(tag)).collect();
    assert!(extra.is_empty(), "not in the crate: {extra:04X?}");
    assert!(expected.iter().all(|(&(group, element), &vr)| standard(group, element) == Some(vr)));
    assert_eq!((expected.len(), ranges.len()), (5272, 72));
    for (kind, group, element, vr) in ranges {
        for low in 0..=0xFF {
            let (group, element) = if kind == "Group100" { (group | low, element) } else { (group, element | low) };
            let single = table.get(&(group, element)).copied();
            let creator = group & 1 == 1 && (0x0010..=0x00FF).contains(&element);
            let other = if creator { Some(DictVr::Is(Vr::LO)) } else { (low & 1 == 0).then_some(vr) };
            assert_eq!(standard(group, element), single.or(other), "({group:04X},{element:04X})");
        }
    }
}

/// Every look-up of a group's elements, so that none of the many unknown ones is taken for another.
#[test]
fn nothing_else_is_known() {
    for group in [0x0008, 0x0028, 0x6002, 0x7FE0, 0x0009] {
        let rows = ELEMENTS.iter().filter(|row| row.0 == group).flat_map(|row| row.1);
        let repeated = GROUP_RANGES.iter().filter(|row| row.0 == group & 0xFF01).flat_map(|row| row.2);
        let mut expected: BTreeSet<u16> = rows.chain(repeated).map(|row| row.0).chain([0x0000]).collect();
        if group & 1 == 1 {
            expected.extend(0x0010..=0x00FF);
        }
        let known: BTreeSet<u16> = (0..=0xFFFF).filter(|&element| standard(group, element).is_some()).collect();
        assert_eq!(known, expected, "{group:04X}");
    }
}

#[test]
fn elements_dcmtk_does_not_know() {
    assert_eq!(standard(0x0040, 0xE012), None);
    assert_eq!(standard(0x3004, 0x007F), None);
    assert_eq!(standard(0x0010, 0x2161), Some(DictVr::Is(Vr::SQ)));
    assert_eq!(standard(0x0008, 0x1234), None);
}

#[test]
fn repeating_groups_are_even() {
    assert_eq!(implicit(0x60FE, 0x3000), Vr::OW);
    assert_eq!(implicit(0x60FF, 0x3000), Vr::UN);
    assert_eq!(implicit(0x0020, 0x3100), Vr::CS);
    assert_eq!(implicit(0x0020, 0x31FE), Vr::CS);
    assert_eq!(implicit(0x0020, 0x3101), Vr::UN);
    assert_eq!(implicit(0x5000, 0x0005), Vr::US);
    assert_eq!(implicit(0x50FE, 0x3000), Vr::OB);
    assert_eq!(implicit(0x5101, 0x3000), Vr::UN);
    assert_eq!(implicit(0x7F01, 0x0010), Vr::LO);
    assert_eq!(implicit(0x7FFE, 0x0011), Vr::US);
}

#[test]
fn us_or_ss() {
    let choices: Vec<(u16, u16)> =
        oracle().into_iter().filter(|row| row.3 == DictVr::Xs).map(|row| (row.1, row.2)).collect();
    assert_eq!(choices.len(), 25);
    assert!(choices.iter().all(|&(group, element)| implicit(group, element) == Vr::US));
    let mut signed: Vec<_> = choices.into_iter().filter(|&(group, element)| may_be_signed(group, element)).collect();
    signed.sort_unstable();
    #[rustfmt::skip]
    assert_eq!(signed, [
        (0x0018, 0x9810), (0x0028, 0x0106), (0x0028, 0x0107), (0x0028, 0x0108), (0x0028, 0x0109), (0x0028, 0x0120),
        (0x0028, 0x0121), (0x0028, 0x3002), (0x0040, 0x9211), (0x0040, 0x9216), (0x0060, 0x3004), (0x0060, 0x3006),
    ]);
    for element in [0x0071, 0x0104, 0x0105, 0x0110, 0x0111, 0x1100, 0x1103, 0x1111, 0x1113, 0x0103] {
        assert!(!may_be_signed(0x0028, element));
    }
}

#[test]
fn ob_or_ow() {
    assert_eq!(standard(0x7FE0, 0x0010), Some(DictVr::Px));
    for (group, element) in [(0x7FE0, 0x0010), (0x6000, 0x3000), (0x0028, 0x3006), (0x0028, 0x1200), (0x0028, 0x1201)] {
        assert_eq!(implicit(group, element), Vr::OW, "({group:04X},{element:04X})");
    }
    for (group, element) in [(0x5000, 0x3000), (0x50FE, 0x200C), (0x7F00, 0x0010), (0x0014, 0x3050), (0x0014, 0x3070)] {
        assert_eq!(implicit(group, element), Vr::OB, "({group:04X},{element:04X})");
    }
    for element in [0x0110, 0x0112, 0x100A, 0x1010] {
        assert_eq!(standard(0x5400, element), Some(DictVr::Ox));
        assert_eq!(implicit(0x5400, element), Vr::OB);
    }
    let followers = (0..=0xFFFF).filter(|&element| follows_waveform_bits(0x5400, element));
    assert!(followers.eq([0x0110, 0x0112, 0x100A, 0x1010]));
    for element in [0x1200, 0x1202, 0x1400, 0x1420, 0x1504] {
        assert_eq!(implicit(0x0004, element), Vr::UL);
    }
}

#[test]
fn group_lengths_and_creators() {
    for group in [0x0000, 0x0002, 0x0008, 0x0009, 0x0001, 0x5555, 0x6000, 0x7FE0, 0xFFFF] {
        assert_eq!(implicit(group, 0x0000), Vr::UL, "{group:04X}");
    }
    assert_eq!(implicit(0x0008, 0x0001), Vr::UL);
    for group in [0x0001, 0x0003, 0x0005, 0x0007, 0x0009, 0xFFFF] {
        assert_eq!(implicit(group, 0x000F), Vr::UN);
        assert_eq!(implicit(group, 0x0010), Vr::LO);
        assert_eq!(implicit(group, 0x00FF), Vr::LO);
        assert_eq!(implicit(group, 0x0100), Vr::UN);
        assert_eq!(implicit(group, 0x1000), Vr::UN);
    }
    assert_eq!(implicit(0x0008, 0x0011), Vr::UN);
}

#[test]
fn every_private_element() {
    let d = Dictionary::builtin();
    let mut rows = 0;
    for &(name, groups) in CREATORS {
        let creator = d.creator(name).unwrap();
        for &(first, last, elements) in groups {
            for &(element, vr) in elements {
                rows += 1;
                for group in (first..=last).step_by(2) {
                    // A group of its own wins over a range of groups.
                    let own = groups.iter().find(|row| row.0 == group && row.1 == group);
                    let vr = own.and_then(|row| row.2.iter().find(|row| row.0 == element)).map_or(vr, |row| row.1);
                    if element >= 0x1000 {
                        assert_eq!(d.private_of(creator, group, element), Some(vr));
                        continue;
                    }
                    for block in [0x10, 0x11, 0x42, 0xFF] {
                        let element = block << 8 | element;
                        let single = elements.iter().find(|row| row.0 == element).map_or(vr, |row| row.1);
                        assert_eq!(d.private_of(creator, group, element), Some(single), "{group:04X} {element:04X}");
                        assert_eq!(d.private(group, name, element), Some(single));
                    }
                }
                assert_eq!(first & last & 1, 1);
            }
        }
    }
    assert_eq!((CREATORS.len(), rows), (132, 2834));
    assert!(CREATORS.is_sorted_by_key(|row| row.0));
    // Creators without an entry of their own, and elements of none, are unknown.
    assert!(d.creator(b"").is_none() && d.creator(b"NOBODY").is_none());
    assert_eq!(d.private(0x0009, b"NOBODY", 0x1000), None);
}

/// Counts of VRs over the private table, so that no row can change unseen.
#[test]
fn private_vrs_in_numbers() {
    let mut counts = BTreeMap::new();
    for &(_, _, elements) in CREATORS.iter().flat_map(|row| row.1) {
        for &(_, vr) in elements {
            *counts.entry(format!("{vr:?}").replace("Is(", "").replace(')', "")).or_insert(0) += 1;
        }
    }
    let counts: Vec<String> = counts.into_iter().map(|(vr, count)| format!("{vr} {count}")).collect();
    assert_eq!(
        counts.join(" "),
        "AT 1 CS 134 DA 17 DS 426 DT 5 FD 32 FL 64 IS 307 LO 203 LT 301 OB 39 OW 3 Ox 1 Px 1 SH 50 SL 213 SQ 56 SS 274 \
         ST 12 TM 21 UI 17 UL 114 UN 118 US 423 UT 2"
    );
}

#[test]
fn private_creators_are_compared_exactly() {
    let is = |vr| Some(DictVr::Is(vr));
    assert_eq!(private(0x0009, "ACUSON", 0x1000), is(Vr::IS));
    assert_eq!(private(0x0009, "ACUSON", 0x1100), is(Vr::IS));
    assert_eq!(private(0x0009, "acuson", 0x1000), None);
    assert_eq!(private(0x0009, " ACUSON ", 0x1000), None);
    assert_eq!(private(0x0009, "ACUSON  ", 0x1000), None); // cutting is the caller's
    assert_eq!(private(0x000B, "ACUSON", 0x1000), None);
    assert_eq!(private(0x0009, "ACUSON", 0x1002), is(Vr::UN));
    assert_eq!(private(0x0009, "SPI RELEASE 1", 0x1041), is(Vr::LO));
    assert_eq!(private(0x0009, "SPI", 0x1041), is(Vr::LT));
}

#[test]
fn private_ranges_and_whole_elements() {
    let oculus = "OCULUS Optikgeraete GmbH";
    assert_eq!(private(0x0029, oculus, 0x1012), Some(DictVr::Is(Vr::UL)));
    assert_eq!(private(0x0029, oculus, 0x1112), None);
    assert_eq!(private(0x7003, "DLX_ANNOT_01", 0x1005), Some(DictVr::Is(Vr::IS)));
    assert_eq!(private(0x70FF, "DLX_ANNOT_01", 0x2204), Some(DictVr::Is(Vr::ST)));
    assert_eq!(private(0x7002, "DLX_ANNOT_01", 0x1005), None);
    assert_eq!(private(0x7101, "DLX_ANNOT_01", 0x1005), None);
    let movie = private(0x7FE1, "GEMS_Ultrasound_MovieGroup_001", 0x1060).unwrap();
    assert_eq!((movie, movie.by_tag(0x7FE1, 0x1060)), (DictVr::Px, Vr::OW));
    assert_eq!(private(0x7FE1, "GEMS_Ultrasound_MovieGroup_001", 0x1160), None);
    let spi = private(0x7FE1, "SPI-P Release 1", 0x1010).unwrap();
    assert_eq!((spi, spi.by_tag(0x7FE1, 0x1010)), (DictVr::Ox, Vr::OB));
    // Where 3.6.7 differs, the entries are those of 3.7.0.
    assert_eq!(private(0x0019, "SVISION", 0x1081), Some(DictVr::Is(Vr::ST)));
    assert_eq!(private(0x0029, "CARDIO-D.R. 1.0", 0x1002), Some(DictVr::Is(Vr::US)));
    assert_eq!(private(0x0029, "CARDIO-D.R. 1.0", 0x1003), Some(DictVr::Is(Vr::FL)));
    assert_eq!(private(0x2005, "Philips MR Imaging DD 005", 0x1045), Some(DictVr::Is(Vr::CS)));
}
