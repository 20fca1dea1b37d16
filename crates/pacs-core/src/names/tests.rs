use super::*;
use std::collections::{BTreeSet, HashSet};

/// Every UID of the standard's SOP class dictionary. Its lookup needs a trait of another crate, so it is read from the
/// dictionary's debug text, which shows each entry as `uid: "…"`.
fn standard_sop_classes() -> HashSet<String> {
    let text = format!("{:?}", dicom_dictionary_std::sop_class::registry());
    text.split("uid: \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

fn all_names() -> Vec<(&'static str, &'static str)> {
    let storage = storage::STORAGE_CLASSES.iter().map(|c| (c.uid, c.name));
    let syntaxes = syntaxes::TRANSFER_SYNTAXES.iter().map(|s| (s.uid, s.name));
    storage.chain(syntaxes).chain(others::OTHER_NAMES.iter().copied()).collect()
}

#[test]
fn the_tables_are_sorted_and_nothing_stands_twice() {
    assert!(storage::STORAGE_CLASSES.is_sorted_by(|a, b| a.uid < b.uid));
    assert!(syntaxes::TRANSFER_SYNTAXES.is_sorted_by(|a, b| a.uid < b.uid));
    assert!(others::OTHER_NAMES.is_sorted_by(|a, b| a.0 < b.0));
    let all = all_names();
    assert_eq!(all.iter().map(|n| n.0).collect::<HashSet<_>>().len(), all.len(), "a UID in two tables");
    assert_eq!(all.iter().map(|n| n.1).collect::<HashSet<_>>().len(), all.len(), "a name twice");
    for (uid, name) in all {
        assert!(uid.len() <= 64 && uid.bytes().all(|b| b.is_ascii_digit() || b == b'.'), "{uid}");
        assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b'='), "{name}");
    }
}

#[test]
fn every_storage_class_is_in_the_standards_dictionary() {
    let standard = standard_sop_classes();
    assert!(standard.len() > 300, "the dictionary's debug text has another form: {} found", standard.len());
    let missing: Vec<_> = storage_classes().iter().map(|c| c.uid).filter(|uid| !standard.contains(*uid)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn storage_classes_by_what_accepts_and_proposes_them() {
    assert_eq!(storage_classes().len(), 211);
    assert_eq!(storage_classes().iter().filter(|c| c.accepted).count(), 202);
    assert_eq!(storage_classes().iter().filter(|c| c.proposed).count(), 64);
    assert!(storage_classes().iter().all(|c| c.accepted || !c.proposed));
    let refused: Vec<_> = storage_classes().iter().filter(|c| !c.accepted).map(|c| c.prefix).collect();
    assert_eq!(refused, ["PPcd", "PAp", "PPxd", "INV", "HP", "CP", "IT", "ITa", "ITg"]);
}

#[test]
fn only_two_classes_share_a_prefix() {
    let mut seen = HashSet::new();
    let twice: BTreeSet<_> = storage_classes().iter().map(|c| c.prefix).filter(|p| !seen.insert(*p)).collect();
    assert_eq!(twice, BTreeSet::from(["SRi"]));
    // they become the first part of a file name
    assert!(storage_classes().iter().all(|c| c.prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')));
    assert_eq!(storage_prefix("1.2.840.10008.5.1.4.1.1.2"), Some("CT"));
    assert_eq!(storage_prefix("1.2.840.10008.5.1.4.1.1.88.75"), Some("SRi"));
    assert_eq!(storage_prefix(VERIFICATION), None);
    assert_eq!(storage_prefix(""), None);
}

#[test]
fn transfer_syntaxes_by_uid() {
    assert_eq!(syntaxes::TRANSFER_SYNTAXES.len(), 58);
    let names = |uid| transfer_syntax(uid).map(|s| (s.name, s.display));
    assert_eq!(names(IMPLICIT_LITTLE), Some(("LittleEndianImplicit", "Little Endian Implicit")));
    assert_eq!(names(EXPLICIT_LITTLE), Some(("LittleEndianExplicit", "Little Endian Explicit")));
    assert_eq!(names(EXPLICIT_BIG), Some(("BigEndianExplicit", "Big Endian Explicit")));
    assert_eq!(names("1.2.840.10008.1.2.4.50"), Some(("JPEGBaseline", "JPEG Baseline")));
    assert_eq!(names("1.2.840.10008.1.2.4"), None);
    assert_eq!(names("1.2.840.113619.5.2").map(|n| n.0), Some("PrivateGELittleEndianImplicitWithBigEndianPixelData"));
}

#[test]
fn each_name_leads_back_to_its_uid() {
    for (uid, name) in all_names() {
        assert_eq!(uid_name(uid), Some(name));
        assert_eq!(uid_of_name(name), Some(uid));
    }
    assert_eq!(uid_of_name("ExplicitVRLittleEndian"), None, "the standard's keyword is not a name");
    assert_eq!(uid_of_name("littleendianexplicit"), None);
    assert_eq!(uid_of_name("=CTImageStorage"), None);
    assert_eq!(uid_of_name(""), None);
}

#[test]
fn byte_order_of_this_machine_has_a_name() {
    let pair = (uid_of_name("LocalEndianExplicit"), uid_of_name("OppositeEndianExplicit"));
    #[cfg(target_endian = "little")]
    assert_eq!(pair, (Some(EXPLICIT_LITTLE), Some(EXPLICIT_BIG)));
    #[cfg(target_endian = "big")]
    assert_eq!(pair, (Some(EXPLICIT_BIG), Some(EXPLICIT_LITTLE)));
}

#[test]
fn names_beside_storage_and_syntaxes() {
    for (uid, name) in [
        ("1.2.840.10008.1.1", "VerificationSOPClass"),
        ("1.2.840.10008.3.1.1.1", "StandardApplicationContext"),
        ("1.2.840.10008.1.20.1.1", "StorageCommitmentPushModelSOPInstance"),
        ("1.2.840.10008.5.1.4.1.2.2.1", "FINDStudyRootQueryRetrieveInformationModel"),
        ("1.2.840.10008.5.1.4.31", "FINDModalityWorklistInformationModel"),
    ] {
        assert_eq!(uid_name(uid), Some(name));
    }
    // known to the standard, not to DCMTK: a promiscuous acceptor takes them
    for uid in ["1.2.840.10008.5.1.4.1.1.2.3", "1.2.3", ""] {
        assert_eq!(uid_name(uid), None);
    }
}

#[test]
fn names_as_dumps_print_them() {
    assert_eq!(dump_name("1.2.840.10008.5.1.4.1.1.2"), "=CTImageStorage");
    assert_eq!(dimse_name("1.2.840.10008.5.1.4.1.1.2"), "CTImageStorage");
    assert_eq!(dump_name("1.2.3"), "1.2.3");
    assert_eq!(dimse_name("1.2.3"), "1.2.3");
    assert_eq!(dump_name("1.2\nE: forged"), "1.2\\x0aE: forged");
    assert_eq!(dimse_name("1.2\r"), "1.2\\x0d");
}

#[test]
fn no_text_of_a_peer_starts_a_line() {
    assert!(matches!(printable("CT_1 ä\\"), Cow::Borrowed("CT_1 ä\\")));
    assert_eq!(printable("a\0b\tc\x1b[1m\x7f\u{85}\u{2028}"), "a\\x00b\\x09c\\x1b[1m\\x7f\\x85\\x2028");
}
