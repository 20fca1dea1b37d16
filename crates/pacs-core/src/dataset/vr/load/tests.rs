use std::ffi::OsString;
use std::fs;

use proptest::prelude::*;

use super::*;

fn load(text: &str) -> Loaded {
    Dictionary::from_texts([("l.dic", text.as_bytes())])
}

fn complaints(loaded: &Loaded) -> Vec<String> {
    loaded.complaints.iter().map(|c| c.to_string().replace("DcmDataDictionary: ", "").replace("l.dic: ", "")).collect()
}

/// The tags of a few that are known, with their VRs, as in `0008,0060=CS`.
fn known(text: &str) -> String {
    let dictionary = load(text).dictionary;
    let mut known = Vec::new();
    for group in 0x0008..=0x000C {
        for element in [0x005F, 0x0060, 0x0061, 0x0062] {
            if let Some(vr) = dictionary.standard(group, element) {
                known.push(format!("{group:X},{element:X}={}", name(vr)));
            }
        }
    }
    known.join(" ")
}

fn name(vr: DictVr) -> String {
    match vr {
        DictVr::Is(vr) => vr.to_string(),
        choice => format!("{choice:?}"),
    }
}

#[test]
fn a_line_is_an_element() {
    let loaded =
        load("# comment\n\n(0008,0060)\tCS\tModality\t1\tDICOM\r\n(0010,0010)\tPN\tName\t1-n\n(10,20)\tLO\tID");
    assert_eq!(complaints(&loaded), [""; 0]);
    assert!(loaded.complete);
    let d = loaded.dictionary;
    assert_eq!(d.standard(0x0008, 0x0060), Some(DictVr::Is(Vr::CS)));
    assert_eq!(d.standard(0x0010, 0x0010), Some(DictVr::Is(Vr::PN)));
    assert_eq!(d.standard(0x0010, 0x0020), Some(DictVr::Is(Vr::LO)));
    // The built-in dictionary is gone: its elements, and private creators too.
    assert_eq!(d.standard(0x0010, 0x0030), None);
    assert_eq!(d.standard(0x0009, 0x0010), None);
    assert_eq!(d.private(0x0009, b"ACUSON", 0x1000), None);
    // Group lengths are not, whatever the group.
    assert_eq!(d.standard(0x0009, 0x0000), Some(DictVr::Is(Vr::UL)));
}

#[test]
fn tags_as_dcmtk_reads_them() {
    for tag in [
        "(0008,0060)",
        "(8,60)",
        "(0x8,0X60)",
        "(00008,00060)",
        "( 0008 , 0060 )",
        " (0008,0060) ",
        "(10008,0060)",
        "(0008,0060,0061)",
        "(0008-0008,0060)",
        "(0008-o-0008,0060)",
        "(0008-,0060)",
        "(0008-oo-000C,0060)",
        "(8,60)x)",
        "(8,60))",
        "(+8,+60)",
        "(8.5,60)",
        "(8,-FFA0)",
        "(8,FFFFFFFF00000060)",
        "(0 8,6 0)",
        "(8,\"\",60)",
        "(8-u-g,60)",
    ] {
        let text = format!("{tag}\tCS\tA\t1\tD\n");
        assert_eq!((known(&text).as_str(), complaints(&load(&text)).len()), ("8,60=CS", 0), "{tag}");
    }
    // Taken, but for other elements than these.
    for tag in ["(0008,006g)", "(-8,0060)", "(8,FFFFFFFFFF00000060)", "(000C-0008,0060)", "(0x,60)", "(8,\"a\",60)"] {
        let text = format!("{tag}\tCS\tA\t1\tD\n");
        assert_eq!((known(&text).as_str(), complaints(&load(&text)).len()), ("", 0), "{tag}");
    }
}

#[test]
fn tags_that_are_none() {
    for tag in [
        "0008,0060",
        "(0008,0060",
        "0008,0060)",
        "(0008,0060)x",
        "(0008 0060)",
        "(0008;0060)",
        "(0008)",
        "()",
        "(",
        ")",
        "(g008,0060)",
        "(8,)",
        "(,60)",
        "((8,60)",
        "(8,)60)",
        "(8,\"a\"60)",
        "(8,\"a,60)",
        "(8,\"a\"x,60)",
        "(xx,60)",
    ] {
        let loaded = load(&format!("{tag}\tCS\tA\t1\tD\n"));
        assert_eq!(complaints(&loaded), [format!("bad Tag field (line 1): {tag}")]);
        assert!(!loaded.complete);
    }
    assert_eq!(complaints(&load("( 8,  \"a\" , q )\tCS\tA")), ["bad Tag field (line 1): ( 8,\"a\", q )"]);
    assert_eq!(complaints(&load("\t\t\tn")), ["bad Tag field (line 1): "]);
}

#[test]
fn ranges() {
    for (tag, expected) in [
        ("(0008-000C,0060)", "8,60=CS A,60=CS C,60=CS"),
        ("(0008-e-000C,0060)", "8,60=CS A,60=CS C,60=CS"),
        ("(0008-o-000C,0060)", "9,60=CS B,60=CS"),
        ("(0008-O-000C,0060)", "9,60=CS B,60=CS"),
        ("(0008-u-000A,0060)", "8,60=CS 9,60=CS A,60=CS"),
        ("(8 -u- A , 60)", "8,60=CS 9,60=CS A,60=CS"),
        ("(0009-000B,0060)", "A,60=CS"),
        ("(0009-0009,0060)", "9,60=CS"),
        ("(0009-0009,0060-u-0062)", ""),
        ("(0009,0060-u-0062)", "9,60=CS 9,61=CS 9,62=CS"),
        ("(0009,0060-0062)", "9,60=CS 9,62=CS"),
        ("(0008,005F-o-0061)", "8,5F=CS 8,61=CS"),
        ("(000A-u-000B,0061-u-0062)", "A,61=CS A,62=CS B,61=CS B,62=CS"),
        ("(000B-000C-000D,0060)", "C,60=CS"),
        ("(000B--000C,0060)", "C,60=CS"),
        ("(8-b,60)", "8,60=CS A,60=CS"),
        ("(8-u--FFF6,60)", "8,60=CS 9,60=CS A,60=CS"),
    ] {
        assert_eq!(known(&format!("{tag}\tCS\tA\n")), expected, "{tag}");
    }
    assert_eq!(
        complaints(&load("(0008-x-000C,0060-y-0062)\tCS\tA")),
        ["Unknown range restrictor: x", "bad Tag field (line 1): (0008-x-000C,0060-y-0062)"]
    );
}

#[test]
fn which_of_several_entries_counts() {
    for (tags, expected) in [
        // The last of equal ones, an element before a range, a range before one that includes it.
        ("(8,60) CS\n(8,60) LO", "8,60=LO"),
        ("(8,60) CS\n(8-A,60) LO", "8,60=CS A,60=LO"),
        ("(8-A,60) LO\n(8,60) CS", "8,60=CS A,60=LO"),
        ("(8-C,60) CS\n(8-A,60) LO", "8,60=LO A,60=LO C,60=CS"),
        ("(8-A,60) LO\n(8-C,60) CS", "8,60=LO A,60=LO C,60=CS"),
        ("(8-A,60) LO\n(A-C,60) CS", "8,60=LO A,60=LO C,60=CS"),
        ("(A-C,60) CS\n(8-A,60) LO", "8,60=LO A,60=CS C,60=CS"),
        ("(8-C,60) CS\n(8-C,60) LO", "8,60=LO A,60=LO C,60=LO"),
        ("(8-u-A,60) CS\n(8-A,60) LO", "8,60=LO 9,60=CS A,60=LO"),
        ("(8-o-A,60) CS\n(8-u-A,60) LO", "8,60=LO 9,60=LO A,60=LO"),
        ("(8-o-A,60) CS\n(8-u-A,60) LO\n(8-o-A,60) SH", "8,60=LO 9,60=SH A,60=LO"),
        ("(8-A,60-u-61) CS\n(8-A,60) LO", "8,60=LO 8,61=CS A,60=LO A,61=CS"),
        ("(8,60-u-61) CS\n(8-C,60) LO", "8,60=CS 8,61=CS A,60=LO C,60=LO"),
        ("(8-C,60) CS\n(8-A,60) LO\n(8-A,60) SH\n(8-C,60) UT", "8,60=SH A,60=SH C,60=UT"),
        // A range of a creator does not include one without.
        ("(8-u-C,\"X\",60) CS\n(8-u-9,60-u-61) LO\n(8-u-B,60) SH", "8,60=LO 8,61=LO 9,60=LO 9,61=LO A,60=SH B,60=SH"),
    ] {
        let text: String = tags.lines().map(|line| line.replace(' ', "\t") + "\tA\n").collect();
        assert_eq!(known(&text), expected, "{tags}");
    }
}

#[test]
fn group_lengths_can_be_given_another_vr() {
    let of = |text: &str| {
        let d = load(&format!("{text}\tUS\tA")).dictionary;
        (d.standard(0x0008, 0).map(name), d.standard(0x0009, 0).map(name))
    };
    let vrs = |even: &str, odd: &str| (Some(even.to_owned()), Some(odd.to_owned()));
    assert_eq!(of("(0008,0000)"), vrs("US", "UL"));
    assert_eq!(of("(0009-o-FFFF,0000)"), vrs("UL", "US"));
    assert_eq!(of("(0000-FFFF,0000)"), vrs("US", "UL"));
    assert_eq!(of("(0000-u-FFFF,0000)"), vrs("US", "US"));
    assert_eq!(of("(0000-u-FFFF,0000-u-FFFF)"), vrs("UL", "UL"));
}

#[test]
fn private_elements() {
    let vr = |text: &str, creator: &str, element| {
        let loaded = load(text);
        assert_eq!(complaints(&loaded), [""; 0], "{text}");
        loaded.dictionary.private(0x0009, creator.as_bytes(), element).map(name).unwrap_or_default()
    };
    let one = |tag: &str, creator, element| vr(&format!("{tag}\tIS\tA"), creator, element);
    assert_eq!(one("(0009,\"AB\",00)", "AB", 0x1000), "IS");
    assert_eq!(one("(0009,\"AB\",00)", "AB", 0x1100), "IS");
    assert_eq!(one("(0009,\"AB\",00)", "AB", 0x1001), "");
    assert_eq!(one("(0009,\"AB\",00)", "ab", 0x1000), "");
    assert_eq!(one("(0009,\" A B\",00)", " A B", 0x1000), "IS");
    assert_eq!(one("(0009,\" A B\",00)", "A B", 0x1000), "");
    assert_eq!(one("( 0009 , \"AB\" , 00 )", "AB", 0x1000), "IS");
    assert_eq!(one("(0009,\"A,B)\",00)", "A,B)", 0x1000), "IS");
    assert_eq!(one("(0009,\"AB\",1100)", "AB", 0x1100), "IS");
    assert_eq!(one("(0009,\"AB\",1100)", "AB", 0x1000), "");
    assert_eq!(one("(0009,\"AB\",100)", "AB", 0x1000), "");
    assert_eq!(one("(0009-o-000B,\"AB\",00)", "AB", 0x1000), "IS");
    assert_eq!(one("(0009-000B,\"AB\",00)", "AB", 0x1000), "");
    assert_eq!(one("(0009,\"AB\",00-u-FF)", "AB", 0x11FF), "IS");
    assert_eq!(one("(0009,\"AB\",00-o-FF)", "AB", 0x1000), "");
    assert_eq!(one("(0009,\"AB\",10FE-u-1100)", "AB", 0x10FF), "IS");
    assert_eq!(one("(0009,\"AB\",10FE-u-1100)", "AB", 0x11FF), "");
    // The whole element comes before the offset, an entry of the creator before one without, whatever the order.
    let both = "(0009,\"AB\",1000)\tIS\tA\n(0009,\"AB\",00)\tLO\tA\n";
    assert_eq!((vr(both, "AB", 0x1000), vr(both, "AB", 0x1100)), ("IS".into(), "LO".into()));
    let both = "(0009-o-000B,\"AB\",00)\tIS\tA\n(0009-o-000B,\"AB\",1100)\tLO\tA\n";
    assert_eq!(vr(both, "AB", 0x1100), "IS");
    let both = "(0009,1000)\tIS\tA\n(0009,\"AB\",00)\tLO\tA\n";
    assert_eq!((vr(both, "AB", 0x1000), vr(both, "XY", 0x1000)), ("LO".into(), "IS".into()));
    let both = "(0009-u-FFFF,1000-u-FFFF)\tIS\tA\n(0009,\"AB\",00)\tLO\tA\n";
    assert_eq!(
        (vr(both, "AB", 0x1000), vr(both, "AB", 0x1001), vr(both, "", 0x1001)),
        ("LO".into(), "IS".into(), "IS".into())
    );
}

#[test]
fn vrs() {
    let of = |vr: &str| known(&format!("(8,60)\t{vr}\tA\n"));
    for (vr, expected) in [
        ("CS", "CS"),
        (" C S ", "CS"),
        ("CSX", "CS"),
        ("SV", "SV"),
        ("ox", "Ox"),
        ("xs", "Xs"),
        ("lt", "Lut"),
        ("px", "Px"),
        ("up", "Up"),
        ("??", "UN"),
        ("cs", "UN"),
        ("C", "UN"),
        ("", "UN"),
        ("na", "UN"),
        ("PixelData", "UN"),
    ] {
        assert_eq!(of(vr), format!("8,60={expected}"), "{vr}");
    }
    for vr in ["ZZ", "OX", "IN"] {
        assert_eq!(of(vr), "");
        assert_eq!(complaints(&load(&format!("(8,60)\t{vr}\tA\n"))), [format!("bad VR field (line 1): {vr}")]);
    }
}

#[test]
fn multiplicities() {
    for vm in [
        "1",
        "01",
        "-1",
        "0",
        "1-1",
        "2-1",
        "1-2",
        "2-2n",
        "2-2N",
        "2-n",
        "n",
        "2n",
        "1-n-2",
        "1-nn",
        "1-2nx",
        "1 - n",
        "1--2",
        "99999999999",
    ] {
        assert_eq!(complaints(&load(&format!("(8,60)\tCS\tA\t{vm}"))), [""; 0], "{vm}");
    }
    for vm in ["q", "1-", "1x", "1-2x", "1-2-3", "0x10", "1,2", "-", "*", "1#x"] {
        assert_eq!(complaints(&load(&format!("(8,60)\tCS\tA\t{vm}\tD"))), [format!("bad VM field (line 1): {vm}")]);
    }
    assert_eq!(complaints(&load("(8,60)\tCS\tA\t\tD")), ["bad VM field (line 1): "]);
}

#[test]
fn lines_and_fields() {
    for (text, expected) in [
        ("(8,60)", vec!["too few fields (line 1)"]),
        ("(8,60)\tCS", vec!["too few fields (line 1)"]),
        ("(8,60)\tCS\t\t\n", vec!["too few fields (line 1)"]),
        ("(8,60) CS A 1 D", vec!["too few fields (line 1)"]),
        ("(8,60)\tCS\tA\t1\tD\tx\ty", vec!["too many fields (line 1): "]),
        ("\t(8,60)\tCS\tA\t1\tD", vec!["too many fields (line 1): "]),
        ("bad\tZZ\tA\tq", vec!["bad VM field (line 1): q", "bad Tag field (line 1): bad"]),
        ("bad\tZZ\tA", vec!["bad Tag field (line 1): bad"]),
        ("(8,60)\tZZ\tA\tq", vec!["bad VM field (line 1): q"]),
        ("\n\n(8,60)\r\n(8,61)\tCS\tA\r\nfoo\tbar\r\n", vec!["too few fields (line 3)", "too few fields (line 5)"]),
        ("(8,60)\tCS\tA\t1\tD\t\t\n  # c\n\t# c\n\x0b \x0c\n\t\t\n\0x\n", vec![]),
        ("(8,60)\0\tCS\tA\n", vec!["too few fields (line 1)"]),
        ("(8,60)\tCS\tA\0foo\t1\tD\tx\ty\n", vec![]),
        ("(8,60)\tCS\tA\r(8,61)\tLO\tA\r", vec!["bad VM field (line 1): LO"]),
    ] {
        assert_eq!(complaints(&load(text)), expected, "{text:?}");
    }
    // Lines longer than 2047 bytes count as several.
    let long = |comment: usize| load(&format!("#{}(8,60)\tCS\tA\nx\n", "A".repeat(comment)));
    assert_eq!(complaints(&long(2046)), ["too few fields (line 3)"]);
    assert_eq!(complaints(&long(2047)), ["bad Tag field (line 2): A(8,60)", "too few fields (line 3)"]);
}

#[test]
fn files_of_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).into_os_string();
    let paths = |names: &[&str]| {
        let paths: Vec<OsString> = names.iter().map(|name| path(name)).collect();
        Dictionary::load(&paths.join(OsStr::new(":")))
    };
    fs::write(path("a"), "(0008,0060)\tCS\tA\n(0008,0061)\tCS\tA\n").unwrap();
    fs::write(path("b"), "(0008,0060)\tLO\tB\n").unwrap();
    fs::write(path("bad"), "(0008,0060)\tSH\tB\nx\n").unwrap();
    fs::write(path("empty"), "").unwrap();
    let vr = |loaded: &Loaded| loaded.dictionary.standard(0x0008, 0x0060).map(name).unwrap_or_default();

    assert_eq!(vr(&paths(&["a", "b"])), "LO");
    assert_eq!(vr(&paths(&["b", "a"])), "CS");
    assert_eq!(vr(&Dictionary::load(&[OsString::from(":"), path("b"), OsString::new()].join(OsStr::new(":")))), "LO");

    // Loaded or not is decided by the last file there is, if anything went wrong at all.
    let complete = |names: &[&str]| paths(names).complete;
    assert!(complete(&["a"]) && complete(&["empty"]) && complete(&["a", "missing"]) && complete(&["missing", "a"]));
    assert!(complete(&["bad", "a"]) && !complete(&["a", "bad"]) && !complete(&["bad"]) && !complete(&["missing"]));
    assert!(Dictionary::load(OsStr::new(":")).complete);
    assert_eq!(vr(&paths(&["a", "bad"])), "SH");

    let missing = paths(&["missing"]);
    let file = path("missing").into_string().unwrap();
    assert_eq!(missing.complaints, [Complaint::CannotOpen { file: file.clone() }]);
    assert_eq!(missing.complaints[0].to_string(), format!("DcmDataDictionary: Cannot open file: {file}"));
    let folder = Dictionary::load(folder.path().as_os_str());
    assert!(matches!(folder.complaints[..], [Complaint::CannotOpen { .. }]));
}

#[test]
fn limits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    fs::File::create(&file).unwrap().set_len(FILE_LIMIT).unwrap();
    assert!(Dictionary::load(file.as_os_str()).complete); // one long line of NULs
    fs::File::create(&file).unwrap().set_len(FILE_LIMIT + 1).unwrap();
    let loaded = Dictionary::load(file.as_os_str());
    assert!(matches!(loaded.complaints[..], [Complaint::TooLarge { .. }]));
    assert!(loaded.complaints[0].to_string().ends_with("large: larger than 16 MiB, not read"));

    let loaded = load(&"x\n".repeat(COMPLAINT_LIMIT + 234));
    assert_eq!(loaded.complaints.len(), COMPLAINT_LIMIT + 1);
    assert_eq!(complaints(&loaded).last().unwrap(), "234 more errors");

    let ranges: String = (0..2200).map(|at| format!("(0008-000A,{at:X})\tCS\tA\n")).collect();
    let loaded = load(&ranges);
    assert_eq!(loaded.complaints.len(), 201, "2000 ranges, one of them of group lengths");
    assert_eq!(complaints(&loaded)[0], "too many ranges or creators (line 2000)");
    assert_eq!(loaded.dictionary.standard(0x000A, 1998), Some(DictVr::Is(Vr::CS)));

    let creators: String = (0..5_100).map(|at| format!("(0009,\"{at}\",00)\tCS\tA\n")).collect();
    let loaded = load(&creators);
    assert_eq!(complaints(&loaded).len(), 100);
    assert_eq!(loaded.dictionary.private(0x0009, b"4999", 0x1000), Some(DictVr::Is(Vr::CS)));
    assert_eq!(loaded.dictionary.private(0x0009, b"5000", 0x1000), None);
}

#[test]
fn a_large_dictionary_grows() {
    let text: String = (0..40_000).map(|at| format!("(0008,{at:X})\t{}\tA\n", ["CS", "LO"][at % 2])).collect();
    let loaded = load(&text);
    assert!(loaded.complete);
    for at in 0..40_000u16 {
        let vr = [Vr::CS, Vr::LO][usize::from(at % 2)];
        assert_eq!(loaded.dictionary.standard(0x0008, at), Some(DictVr::Is(vr)));
    }
    assert_eq!(loaded.dictionary.standard(0x0008, 40_000), None);
}

proptest! {
    /// Whatever the bytes are, they load, and every line without a complaint is taken or skipped.
    #[test]
    fn any_bytes_load(text in prop::collection::vec(prop_oneof![
        any::<u8>(), prop::sample::select(b"(),\"-0123456789abcdefouexng \t\n#".to_vec())
    ], 0..400)) {
        let loaded = Dictionary::from_texts([("f", text.as_slice())]);
        prop_assert_eq!(loaded.complete, loaded.complaints.is_empty());
    }
}
