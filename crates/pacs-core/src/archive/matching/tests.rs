use super::*;

fn sets(value: &str) -> CharacterSets {
    CharacterSets::parse(value.as_bytes())
}

/// Whether a key matches a value, both without a character set.
fn plain(vr: Vr, key: &str, value: &str) -> bool {
    between(vr, PnMatch::Exact, (key.as_bytes(), ""), (value.as_bytes(), ""))
}

fn between(vr: Vr, names: PnMatch, (key, key_set): (&[u8], &str), (value, value_set): (&[u8], &str)) -> bool {
    Matcher::new(vr, key, &sets(key_set), names).is_none_or(|matcher| matcher.matches(value, &sets(value_set)))
}

/// The values, of all these, that match a key.
fn matching<'v>(vr: Vr, key: &str, values: &[&'v str]) -> Vec<&'v str> {
    values.iter().copied().filter(|value| plain(vr, key, value)).collect()
}

#[test]
fn an_empty_key_selects_everything() {
    for vr in [Vr::PN, Vr::CS, Vr::UI, Vr::DA, Vr::TM, Vr::IS] {
        for key in ["", " ", "\0", " \0 "] {
            assert_eq!(Matcher::new(vr, key.as_bytes(), &sets(""), PnMatch::Exact), None);
            assert!(plain(vr, key, "") && plain(vr, key, "x"));
        }
    }
}

#[test]
fn blanks_and_nuls_around_do_not_count() {
    for vr in [Vr::PN, Vr::CS, Vr::IS] {
        assert!(plain(vr, " A B\0", "\0A B  "), "{vr:?}");
        assert!(!plain(vr, "A B", "A  B"), "{vr:?}");
    }
    assert!(plain(Vr::DA, " 20200103 ", "20200103\0"));
    assert!(plain(Vr::TM, " 1015 ", " 1015"));
    assert!(plain(Vr::UI, "1.2\0", " 1.2"));
}

#[test]
fn text_matches_as_a_whole_with_wildcards() {
    for vr in [Vr::AE, Vr::CS, Vr::LO, Vr::LT, Vr::PN, Vr::SH, Vr::ST, Vr::UC, Vr::UR, Vr::UT] {
        for (key, value, matches) in [
            ("Doe^John", "Doe^John", true),
            ("doe^john", "Doe^John", false),
            ("Doe", "Doe^John", false),
            ("Doe^John^^^", "Doe^John", false),
            ("Doe*", "Doe^John", true),
            ("*John", "Doe^John", true),
            ("D?e^J*n", "Doe^John", true),
            ("D?e", "De", false),
            ("X1", "X1\\X2", false),
            ("X*", "X1\\X2", true),
            ("X1\\X2", "X1\\X2", true),
            ("X1\\X2", "X1", false),
            ("*", "", true),
            ("?", "", false),
            ("A", "", false),
        ] {
            assert_eq!(plain(vr, key, value), matches, "{vr:?} {key} {value}");
        }
    }
}

#[test]
fn text_is_compared_as_characters() {
    let (latin1, utf8) = (&b"M\xFCller"[..], "Müller".as_bytes());
    let names = PnMatch::Exact;
    for vr in [Vr::PN, Vr::LO, Vr::SH] {
        assert!(between(vr, names, (latin1, "ISO_IR 100"), (utf8, "ISO_IR 192")));
        assert!(between(vr, names, (utf8, "ISO_IR 192"), (latin1, "ISO_IR 100")));
        assert!(between(vr, names, (b"M?ller", ""), (utf8, "ISO_IR 192")));
        assert!(!between(vr, names, (b"M??ller", ""), (utf8, "ISO_IR 192")));
        // What cannot be read is compared as bytes, on whichever side it stands.
        assert!(between(vr, names, (latin1, ""), (latin1, "ISO_IR 100")));
        assert!(between(vr, names, (latin1, "ISO_IR 192"), (latin1, "")));
        assert!(between(vr, names, (b"M*", ""), (latin1, "ISO_IR 192")));
        assert!(!between(vr, names, (utf8, "ISO_IR 192"), (latin1, "")));
    }
    let yamada = (&b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B"[..], "\\ISO 2022 IR 87");
    assert!(between(Vr::PN, names, ("*山田*".as_bytes(), "ISO_IR 192"), yamada));
    // Codes are bytes, whatever the set.
    assert!(!between(Vr::CS, names, (latin1, "ISO_IR 100"), (utf8, "ISO_IR 192")));
}

#[test]
fn names_are_compared_as_is_asked() {
    for (key, exact, ignore_case, folded) in [
        ("Müller^Jörg", true, true, true),
        ("MÜLLER^jörg", false, true, true),
        ("MULLER^JORG", false, false, true),
        ("mull*", false, false, true),
        ("MÜ*", false, true, true),
        ("Mueller^Joerg", false, false, false),
    ] {
        let value = ("Müller^Jörg".as_bytes(), "ISO_IR 192");
        for (names, matches) in [(PnMatch::Exact, exact), (PnMatch::IgnoreCase, ignore_case), (PnMatch::Fold, folded)] {
            assert_eq!(between(Vr::PN, names, (key.as_bytes(), "ISO_IR 192"), value), matches, "{key} {names:?}");
            // Names alone.
            assert_eq!(between(Vr::LO, names, (key.as_bytes(), "ISO_IR 192"), value), exact, "{key} {names:?}");
        }
    }
}

#[test]
fn uids_match_one_of_a_list_and_no_wildcards() {
    let values = ["", "1.2", "1.2.3", "1.20"];
    for (key, matches) in [
        ("1.2", &["1.2"][..]),
        ("1.2\\1.20", &["1.2", "1.20"]),
        ("1.2 \\ 1.20", &["1.2", "1.20"]),
        ("1.2\\\\x", &["", "1.2"]),
        ("\\", &[""]),
        ("1.2*", &[]),
        ("*", &[]),
        ("1.?", &[]),
    ] {
        assert_eq!(matching(Vr::UI, key, &values), matches, "{key}");
    }
}

// Each line was seen on dcmqrscp 3.6.7.
#[test]
fn dates_match_by_the_day_or_within_a_range() {
    let values = [
        "",
        "20200101",
        "2020.01.01",
        "20200131",
        "20200230",
        "20200231",
        "20200431",
        "20201301",
        "20200100",
        "20200001",
        "2020",
        "202001",
        "2020-01-01",
        "20200101\\20200102",
        " 20200103",
        "20200132",
        "00000101",
        "2020.1.1",
        "20200615",
    ];
    let all =
        ["20200101", "2020.01.01", "20200131", "20200230", "20200231", "20200431", " 20200103", "00000101", "20200615"];
    for (key, matches) in [
        ("20200101", &["20200101", "2020.01.01"][..]),
        ("2020.01.01", &["20200101", "2020.01.01"]),
        ("20200101-20200131", &["20200101", "2020.01.01", "20200131", " 20200103"]),
        ("2020.01.01-2020.01.31", &["20200101", "2020.01.01", "20200131", " 20200103"]),
        ("20200230", &["20200230"]),
        ("-20200101", &["20200101", "2020.01.01", "00000101"]),
        ("20200431-", &["20200431", "20200615"]),
        ("-", &all),
        ("00000101", &["00000101"]),
        ("20200131-20200101", &[]),
        ("20200101 - 20200131", &[]),
        ("20200100-20200131", &[]),
        ("2020", &[]),
        ("2020-", &[]),
        ("2020-01-01", &[]),
        ("202001*", &[]),
        ("*", &[]),
        ("20200101\\20200102", &[]),
    ] {
        assert_eq!(matching(Vr::DA, key, &values), matches, "{key}");
    }
}

// Each line was seen on dcmqrscp 3.6.7.
#[test]
fn times_match_by_the_moment_or_within_a_range() {
    let values = [
        "",
        "10",
        "1015",
        "101500",
        "101530",
        "101530.5",
        "101530.50",
        "10:15",
        "10:15:30",
        "10:15:30.5",
        "1015.5",
        "101560",
        "101561",
        "240000",
        "2359",
        "235960",
        "235959.999999",
        "101530.1234567",
        "101530.",
        "1",
        "101",
        "10153",
        " 1015",
        "1015\\1016",
        "10:1530",
        "1015:30",
        "000000",
        "99",
    ];
    let quarter_past = ["1015", "101500", "10:15", " 1015"];
    let half = ["101530.5", "101530.50", "10:15:30.5"];
    for (key, matches) in [
        ("10", &["10"][..]),
        ("1015", &quarter_past),
        ("101500", &quarter_past),
        (" 10:15 ", &quarter_past),
        ("1015-1015", &quarter_past),
        ("101530", &["101530", "10:15:30"]),
        ("101530.5", &half),
        ("10:15:30.500000", &half),
        ("101530.4-101530.6", &half),
        ("-1015", &["10", "1015", "101500", "10:15", " 1015", "000000"]),
        ("101560-", &["101560", "2359", "235960", "235959.999999"]),
        ("101530.1234567", &["101530.1234567"]),
        ("10-10", &["10"]),
        ("235960", &["235960"]),
        ("2359-0001", &[]),
        ("101530 - 101540", &[]),
        ("1015.5", &[]),
        ("101530.", &[]),
        ("240000", &[]),
        ("1", &[]),
        ("1-", &[]),
        ("*", &[]),
        ("10*", &[]),
        ("1015\\1016", &[]),
        ("10:1530", &[]),
    ] {
        assert_eq!(matching(Vr::TM, key, &values), matches, "{key}");
    }
    assert_eq!(matching(Vr::TM, "-", &values).len(), 17 - 1);
}

#[test]
fn everything_else_is_equal_or_not() {
    for vr in [Vr::IS, Vr::DS, Vr::AS] {
        assert!(plain(vr, "2", "2 "), "{vr:?}");
        for (key, value) in [("2", "02"), ("70.5", "70.50"), ("03*", "035Y"), ("*", "2"), ("?", "2"), ("1\\2", "1")] {
            assert!(!plain(vr, key, value), "{vr:?} {key}");
        }
    }
}

#[test]
fn a_long_key_is_no_danger() {
    let key = "*a".repeat(32 * 1024);
    assert!(!plain(Vr::PN, &key, &"a".repeat(1024)));
    let uids = "1.2\\".repeat(16 * 1024);
    assert!(plain(Vr::UI, &uids, "1.2"));
    assert!(!plain(Vr::DA, &"9".repeat(65_536), "20200101"));
    assert!(!plain(Vr::TM, &"9".repeat(65_536), "1010"));
}
