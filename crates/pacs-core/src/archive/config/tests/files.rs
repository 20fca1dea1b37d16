//! What files mean. Every file here was first given to DCMTK.

use super::*;

#[test]
fn an_empty_file_has_the_defaults() {
    for text in ["", "\n", "# only this", "\r\n\n   \n\t\n", "\u{feff}", "\u{feff}# comment\n"] {
        let config = good(text);
        assert_eq!(config, Config::default(), "{text:?}");
        assert_eq!((config.port, config.max_pdu, config.max_associations), (104, 16384, Some(16)));
        assert!(config.charset.fallback && config.charset.set == *"" && !config.charset.override_request);
        assert!(config.remarks().is_empty());
    }
}

#[test]
fn ports_are_read_like_c_reads_them() {
    for (value, port) in [
        ("11112", 11112),
        ("= 11112", 11112),
        (",, = 11112 and more", 11112),
        ("11112xyz", 11112),
        ("+77", 77),
        ("0", 104),
        ("0x50", 104),
        ("text", 104),
        ("\"77\"", 104),
        ("", 104),
        ("-", 104),
        ("+ 5", 104),
        ("-5", 65531),
        ("70000", 4464),
        ("65536", 0),
        ("4294967376", 80),
        ("99999999999999999999", 65535),
        ("-99999999999999999999", 104),
    ] {
        assert_eq!(good(format!("NetworkTCPPort {value}\n")).port, port, "{value}");
    }
    assert_eq!(good("NetworkTCPPort 77\nNetworkTCPPort 78\n").port, 78);
    assert_eq!(good("NetworkTCPPort 77\nNetworkTCPPort text\n").port, 77);
    assert_eq!(good(" \tNetworkTCPPort 77").port, 77);
    assert_eq!(good("NetworkTCPPort\x0c77\x0b\n").port, 77);
}

#[test]
fn maximum_pdu_lengths_have_a_range() {
    for (value, length) in [
        ("4096", 4096),
        ("131072", 131_072),
        ("0", 16384),
        ("big", 16384),
        ("", 16384),
        ("8192xyz", 8192),
        ("=,= 5000", 5000),
        ("4294975488", 8192),
        ("-4294959104", 8192),
    ] {
        assert_eq!(good(format!("MaxPDUSize {value}\n")).max_pdu, length, "{value}");
    }
    for value in ["4095", "131073", "1", "-1", "-8192", "99999999999999999999", "-99999999999999999999"] {
        assert_eq!(bad(format!("\nMaxPDUSize {value}\n")), ["2:12 -"], "{value}");
    }
    assert_eq!(good("MaxPDUSize 1\nMaxPDUSize 5000\n").max_pdu, 5000);
    assert_eq!(good("MaxPDUSize 5000\nMaxPDUSize x\n").max_pdu, 16384);
}

#[test]
fn numbers_of_associations_may_be_odd() {
    for (value, most) in [
        ("3", Some(3)),
        ("0", Some(0)),
        ("-1", None),
        ("text", Some(16)),
        ("99999999999999999999", None),
        ("4294967299", Some(3)),
        ("2147483648", None),
    ] {
        assert_eq!(good(format!("MaxAssociations = {value}\n")).max_associations, most, "{value}");
    }
}

#[test]
fn character_set_words_may_come_in_any_order() {
    let line = |words: &str| good(format!("SpecificCharacterSet = {words}\n")).charset;
    let flags = |c: &Charset| [c.override_request, c.fallback, c.abort, c.discard, c.transliterate];
    for (words, set, on) in [
        ("\"ISO_IR 192\"", "ISO_IR 192", [false; 5]),
        ("", "", [false; 5]),
        ("fallback", "", [false, true, false, false, false]),
        ("override, (ISO_IR 100), fallback", "ISO_IR 100", [true, true, false, false, false]),
        ("'abort' discard transliterate", "", [false, false, true, true, true]),
        ("ISO_IR 192", "192", [false; 5]),
        ("one \"\"", "", [false; 5]),
        ("Override", "Override", [false; 5]),
    ] {
        let charset = line(words);
        assert_eq!((charset.set.to_string().as_str(), flags(&charset)), (set, on), "{words}");
    }
    let twice = good("SpecificCharacterSet \"ISO_IR 192\" override\nSpecificCharacterSet fallback\n").charset;
    assert_eq!(twice, Charset::default());
}

#[test]
fn accounts_are_single_tokens() {
    let config = good("UserName = dicom\nGroupName = 'the group' rest\n");
    assert_eq!(config.user, Some(b"dicom"[..].into()));
    assert_eq!(config.group, Some(b"the group"[..].into()));
    assert_eq!(good("UserName a\nUserName \"\"\n").user, None);
    for line in ["UserName", "UserName =\n", "GroupName = \"x\n", "UserName \n"] {
        assert_eq!(bad(line).len(), 1, "{line}");
    }
}

#[test]
fn legacy_words_are_ignored_and_others_are_unknown() {
    let legacy = ["ApplicationTitle = X", "ApplicationContext 1", "ImplementationClass", "ImplementationVersion = a b"];
    good([&legacy[..], &["NetworkType = \"tcp", "Display = yes", "DisplayPort 5"]].concat().join("\n"));
    let unknown = |word: &str| format!("Unknown mnemonic \"{word}\" in configuration file, line 1");
    for (line, column, word) in [
        ("Bogus = 1", 1, "Bogus"),
        ("maxpdusize = 1", 1, "maxpdusize"),
        ("NetworkTCPPort=104", 1, "NetworkTCPPort=104"),
        ("  # text", 3, "#"),
        ("= NetworkTCPPort 1", 1, "="),
        ("\"NetworkTCPPort\" 1", 1, "\"NetworkTCPPort\""),
        ("HostTable=BEGIN", 1, "HostTable=BEGIN"),
        ("DisplayPort1 5", 1, "DisplayPort1"),
        ("Gr\u{fc}n 1", 1, "Gr\u{fc}n"),
    ] {
        assert_eq!(bad(line), [format!("1:{column} {}", unknown(word))], "{line}");
    }
    assert_eq!(bad(b"Gr\xfcn\x1b 1"), [format!("1:1 {}", unknown("Gr\u{fffd}n\u{fffd}"))]);
}

#[test]
fn only_the_first_byte_makes_a_comment_or_an_empty_line() {
    assert_eq!(good("\rjunk\n#junk\n\n\r\nNetworkTCPPort 50\rMaxPDUSize 5000\n"), good("NetworkTCPPort 50"));
    assert_eq!(bad(hosts("  # text")), ["2:3 Symbolic name \"#\" not defined"]);
    assert_eq!(bad(hosts(" ")), ["2:1 -"]);
    assert_eq!(bad(hosts("\ta = (A, a, 1)")), ["2:2 Symbolic name \"a\" not defined"]);
    assert_eq!(shown(&good(hosts("#\n\n\r\na = (A, a, 1)\r\n# (")).hosts), ["a: A@a:1"]);
    let long = format!("# {}\nNetworkTCPPort = {} 50\n", "x".repeat(600), ",".repeat(600));
    assert_eq!(good(long).port, 50);
}

#[test]
fn a_nul_ends_a_line() {
    let text =
        b"NetworkTCPPort 50\0 junk\nMaxPDUSize 5000\n\0junk\nHostTable BEGIN\nX = (A,b,1)\0 x\nHostTable END\0\n";
    let config = good(text);
    assert_eq!((config.port, config.max_pdu, shown(&config.hosts)), (50, 5000, vec!["X: A@b:1".to_owned()]));
    assert_eq!(bad(areas("X /p RW (9,1mb) ANY\0")), ["2:17 -"]);
    assert_eq!(bad(hosts("\0")), ["2:1 -"]);
}

#[test]
fn a_last_line_needs_no_line_feed() {
    assert_eq!(good("GroupName = g\nUserName = u").user, Some(b"u"[..].into()));
    assert!(good("SpecificCharacterSet = fallback abort").charset.abort);
    assert_eq!(shown(&good("HostTable BEGIN\na = (A, h, 1)\nHostTable END").hosts), ["a: A@h:1"]);
}

#[test]
fn tokens_are_cut_at_gaps_and_quotes() {
    let plain = "X /p RW 9 1048576 ANY";
    for row in [
        "X /p RW (9,1mb) ANY",
        "X = /p, RW, (9, 1mb), ANY",
        "X\t/p\tRW\t(9, 1mb)\tANY\t",
        "\"X\" \"/p\" 'RW' \"9, 1mb\" \"ANY\"",
        "'X\" (/p\" \"RW) '9, 1mb\" ANY",
        "X /p RW (9, 1mb)ANY",
        "\"X\"\"/p\"(RW)'9,1mb''ANY'",
        "X ,,= /p == , RW , (9, 1mb) ,=ANY",
        "X /p RW (9, 1mb) ANY someone else (",
        "X /p RW (  9  ,  1mb) ANY\r",
        "X /p RW )9\t,\x0b1MB rest( ANY",
    ] {
        assert_eq!(area(row), plain, "{row}");
    }
    assert_eq!(area("\"A, b=c\" \"/my files\" R (9,1mb) h"), "A, b=c /my files R 9 1048576 A@a:1");
    assert_eq!(area("X\"Y /p'q W (9,1mb) h"), "X\"Y /p'q RW 9 1048576 A@a:1");
    assert_eq!(area("() \"\" R (9,1mb) h"), "  R 9 1048576 A@a:1");
    // A gap at a row's start makes an empty first field: with one field less the row is complete again.
    assert_eq!(area(" /p R (9,1mb) ANY"), " /p R 9 1048576 ANY");
    // No quote within a word: everything moves by one.
    assert_eq!(bad(areas("X /p RW(9, 1mb) ANY")).len(), 1);
    assert_eq!(bad(hosts("h = (A, a, 1)") + &areas("X /p RW (9,1mb) \"h")), ["5:17 -"]);
    assert_eq!(area("X /p RW (9,1mb) h \"h"), "X /p RW 9 1048576 A@a:1");
}

#[test]
fn tables_begin_and_end_with_whole_words() {
    let text = "HostTable = BEGIN foo\na = (A, a, 1)\n  HostTable\tEND here\nHostTable , BEGIN\nHostTable END\n";
    assert_eq!(shown(&good(text).hosts), ["a: A@a:1"]);
    let told = |line: &str, text: &str| format!("{line} {text} in configuration file, line {}", &line[..1]);
    for table in ["HostTable", "VendorTable", "AETable"] {
        assert_eq!(
            bad(format!("{table} END\n")),
            [told("1:1", &format!("No \"{table} BEGIN\" before END"))],
            "{table} without begin"
        );
        for word in ["foo", "begin", "BEGIN,", "BEGINN"] {
            let column = table.len() + 2;
            let expected = told(&format!("1:{column}"), &format!("Unknown {table} status \"{word}\""));
            assert_eq!(bad(format!("{table} {word}\n")), [expected]);
        }
        assert_eq!(bad(table), [told(&format!("1:{}", table.len() + 1), &format!("Unknown {table} status \"\""))]);
        assert_eq!(
            bad(format!("# first\n{table} BEGIN\n\n#last\n")),
            [format!("2:1 No \"{table} END\" in configuration file, line 4")]
        );
        // An unexpected word ends the table, and what follows is outside of it.
        let column = table.len() + 2;
        assert_eq!(
            bad(format!("{table} BEGIN\n{table} = END\n{table} END\n")),
            [
                format!("2:{column} Illegal {table} status \"=\" in configuration file, line 2"),
                format!("1:1 No \"{table} END\" in configuration file, line 2"),
                format!("3:1 No \"{table} BEGIN\" before END in configuration file, line 3"),
            ]
        );
        assert_eq!(bad(format!("{table} BEGIN\n{table}\n")).len(), 2);
    }
    // Other tables' words are rows.
    assert_eq!(bad(hosts("AETable END")), ["2:9 Symbolic name \"END\" not defined"]);
    assert_eq!(shown(&good(hosts("AETable (A, a, 1)\n\"HostTable\" (B, b, 2)")).hosts).len(), 2);
}

#[test]
fn a_table_without_word_goes_by_the_last_one() {
    let text = hosts("a = (A, a, 1)") + "VendorTable\nv = a\nVendorTable END\n";
    assert_eq!(shown(&good(&text).vendors), ["v: A@a:1"]);
    assert_eq!(remarks(&text), ["4:12 VendorTable alone is read as \"VendorTable BEGIN\" here"]);
    assert_eq!(bad("HostTable END\nAETable\n")[1], "2:1 No \"AETable BEGIN\" before END in configuration file, line 2");
    let illegal = "3:1 Illegal HostTable status \"=\" in configuration file, line 3";
    assert_eq!(bad(hosts("a = (A, a, 1)\nHostTable"))[0], illegal);
}

#[test]
fn symbols_stand_for_their_peers_at_once() {
    let rows = "a = (A, a, 104)\nb = (B, b, 1) 'B2, b2, 2\"\nboth = a, b\nmore both (C, c, 105, rest)\na = (OTHER, o, 1)\nlast = a";
    let vendors = "VendorTable BEGIN\n\"The Maker\" = last (V, v, 9)\nVendorTable END\n";
    let config = good(hosts(rows) + vendors + &areas("T /p R (9,1mb) more both\nU /p R (9,1mb) (D,d,4)a"));
    assert_eq!(
        shown(&config.hosts),
        [
            "a: A@a:104",
            "b: B@b:1 B2@b2:2",
            "both: A@a:104 B@b:1 B2@b2:2",
            "more: A@a:104 B@b:1 B2@b2:2 C@c:105",
            "a: OTHER@o:1",
            "last: A@a:104",
        ]
    );
    assert_eq!(shown(&config.vendors), ["The Maker: A@a:104 V@v:9"]);
    let listed: Vec<_> = config.rows.iter().map(|row| shown_peers(row.peers.listed())).collect();
    assert_eq!(listed, ["A@a:104 B@b:1 B2@b2:2 C@c:105 A@a:104 B@b:1 B2@b2:2", "D@d:4 A@a:104"]);
    assert_eq!(shown(&good(hosts("a (A,a,1)") + &hosts("").replace("\n\n", "\n") + &hosts("b a")).hosts).len(), 2);
    // An empty name is a name.
    assert_eq!(shown(&good(hosts("  (A,a,1) (B,b,2)\nx ()")).hosts), [": A@a:1 B@b:2", "x: A@a:1 B@b:2"]);
}

#[test]
fn unknown_symbols_are_told() {
    assert_eq!(bad(areas("X /p RW (9, 1mb) sym sym2")), ["2:18 No symbolic names defined"]);
    let row = |peers: &str| bad(hosts("here = (A, h, 1)") + &areas(&format!("X /p RW (9, 1mb) {peers}")));
    for (peers, column, symbol) in [
        ("nowhere (A", 18, "nowhere"),
        ("here, there", 24, "there"),
        ("Here", 18, "Here"),
        ("any", 18, "any"),
        ("here ANY", 23, "ANY"),
        ("here # me", 23, "#"),
        ("here \\", 23, "\\"),
        ("(A b 1)", 18, "A b 1"),
        ("(A)", 18, "A"),
        ("(A, \"b\", 1)", 23, "b\""),
    ] {
        let expected = vec![format!("5:{column} Symbolic name \"{symbol}\" not defined")];
        let found = row(peers);
        // `(A, "` is a peer without host before it is anything else.
        assert_eq!(found[found.len() - 1..], expected, "{peers}");
    }
    assert_eq!(bad(hosts("a = (A, h, 1)\nb = c\nc = (C, h, 1)")), ["3:5 Symbolic name \"c\" not defined"]);
    assert_eq!(bad(hosts("a = a")), ["2:5 No peers for symbolic name \"a\" defined"]);
    assert_eq!(bad(hosts("b = (A, h, 1)\na = b a")), ["3:7 No peers for symbolic name \"a\" defined"]);
    assert_eq!(
        bad(hosts("a = x\nb = a")),
        ["2:5 Symbolic name \"x\" not defined", "3:5 No peers for symbolic name \"a\" defined"]
    );
    // A row without name, for its quote is not closed, is no row of the empty name.
    assert_eq!(bad(hosts("\"a\nb ()")), ["2:1 -", "3:3 Symbolic name \"\" not defined"]);
    assert_eq!(bad(hosts("a")), ["2:2 -"]);
    assert_eq!(bad(hosts("a =")), ["2:4 -"]);
}

#[test]
fn peers_are_title_host_and_port() {
    let peer = |text: &str| shown(&good(hosts(&format!("x {text}"))).hosts)[0].clone();
    for (text, expected) in [
        ("(A, b, 1)", "A@b:1"),
        ("'A b=1,'", "A@b:1"),
        ("(A,b,1", "A@b:1 "),
        ("(A,,=b =, 12x)", "A@b:12"),
        ("(A, b, 1, 2)", "A@b:1"),
        ("(A, b, )", "A@b:0"),
        ("(A,b,)", "A@b:0"),
        ("(A, b )", "A@b:0"),
        ("(A, b, x)", "A@b:0"),
        ("(A, b, -5)", "A@b:65531"),
        ("(A, b, 70000)", "A@b:4464"),
        ("(A, host.example.org, 104)", "A@host.example.org:104"),
        ("(A, ::1, 104)", "A@::1:104"),
        // A gap first makes an empty title.
        ("( A, b, 1)", "@A:0"),
        ("(, b, 1)", "@b:1"),
    ] {
        let text = if expected.ends_with(' ') { format!("{text})") } else { text.to_owned() };
        assert_eq!(peer(&text), format!("x: {}", expected.trim_end()), "{text}");
    }
    for text in ["(A, b)", "(A,)", "(,)", "(,A)"] {
        let told = bad(hosts(&format!("x {text} (B,b,1)")));
        assert!(told[0].starts_with("2:3 "), "{text}: {told:?}");
    }
    assert_eq!(bad(hosts("x (A, b) nowhere")), ["2:3 -", "2:10 Symbolic name \"nowhere\" not defined"]);
}

#[test]
fn rows_need_all_their_fields() {
    for (row, column) in
        [("X", 2), ("X /p", 5), ("X /p RW", 8), ("X /p RW (9, 1mb)", 17), ("\"X /p", 1), ("X \"/p RW", 3)]
    {
        assert_eq!(bad(areas(row)), [format!("2:{column} -")], "{row}");
    }
    assert_eq!(
        bad(hosts("h = (A,a,1)") + &areas("X /p RW 10,1mb h")),
        ["5:9 -", "5:12 Symbolic name \"1mb\" not defined"]
    );
}

#[test]
fn of_access_words_three_let_store() {
    for (word, access) in
        [("RW", "RW"), ("WR", "RW"), ("W", "RW"), ("R", "R"), ("rw", "R"), ("RWX", "R"), ("Q", "R"), ("\"\"", "R")]
    {
        assert_eq!(area(&format!("X /p {word} (9,1mb) ANY")), format!("X /p {access} 9 1048576 ANY"));
    }
}

#[test]
fn quotas_have_a_comma_and_a_unit() {
    for (text, studies, bytes) in [
        ("9,1mb", 9, 1 << 20),
        ("9, 1024b", 9, 1024),
        ("9,10kb", 9, 10 << 10),
        ("9,10Kb", 9, 10 << 10),
        ("9,24MB", 9, 24 << 20),
        ("9,1gb", 9, 1 << 30),
        ("9,1.5gb", 9, 1 << 30),
        ("9,2tb", 9, 2),
        ("9,5kxb", 9, 5),
        ("9,+5b", 9, 5),
        ("9,1bB", 9, 1),
        ("9,1mb,kb", 9, 1 << 10),
        ("+10 , 1mb and more", 10, 1 << 20),
        ("9\t\x0b,\x0c 7b", 9, 7),
        ("009,007b", 9, 7),
        // Beyond DCMTK's limits, and beyond 32 bits.
        ("501,2gb", 501, 2 << 30),
        ("3000000000,3000000000b", 3_000_000_000, 3_000_000_000),
        ("99999999999999999999,99999999999999999999b", u64::MAX, u64::MAX),
        ("1,99999999999gb", 1, u64::MAX),
    ] {
        assert_eq!(area(&format!("X /p R \"{text}\" ANY")), format!("X /p R {studies} {bytes} ANY"), "{text}");
    }
    for text in [
        "0,1mb", "-1,1mb", "-0,1mb", "9,0mb", "9,-1mb", "9,1024", "9,10 kb", "9,1 b", "9,kb", "9,b", "9,B", "9,", "9",
        "", "x", "x,1mb", "9 1mb", "9x,1mb", "9,,1mb", "9,x1mb", "9,0x5b", "9=,7b", "9,=7b", "=9,7b", ",1mb", "9,1m",
        "9,b1", "9, 1mb,",
    ] {
        assert_eq!(bad(areas(&format!("X /p R \"{text}\" ANY"))), ["2:8 -"], "{text}");
    }
}

#[test]
fn the_last_ae_table_replaces_those_before() {
    let text =
        areas("OLD /p RW (9,1mb) ANY\nTOO /p rw (9,1mb) ANY") + &hosts("x (X,x,1)") + &areas("NEW /q R (9,1mb) x");
    let config = good(&text);
    let titles: Vec<_> = config.rows.iter().map(|row| row.title.to_string()).collect();
    assert_eq!(titles, ["NEW"]);
    assert_eq!(config.rows[0].line, 9);
    assert_eq!(remarks(&text), ["8:1 this AETable replaces the one before it"]);
    assert!(good(areas("A /p R (1,1b) ANY") + "AETable BEGIN\nAETable END\n").rows.is_empty());
    // What is wrong in a replaced one is wrong all the same.
    assert_eq!(bad(areas("OLD /p RW (9,1mb)") + &areas("NEW /p RW (9,1mb) ANY")), ["2:18 -"]);
}

#[test]
fn every_problem_is_told_at_once_in_dcmtks_order() {
    let text = "Nonsense = 1\nHostTable BEGIN\na = (A, h, 1)\nb = missing1\nHostTable END\nHostTable END\nVendorTable maybe\n\
        VendorTable BEGIN\nv = a missing2\nVendorTable END\nAETable BEGIN\nX /tmp RW (9, 1mb) missing3\n \nMaxPDUSize 1\n\
        AETable END\nMaxPDUSize 1\nLast 1\n";
    let lines: Vec<_> = bad(text).iter().map(|told| told.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["1", "4", "6", "7", "9", "12", "13", "14", "17", "16"]);
}

#[test]
fn problems_reach_the_log_with_their_cure() {
    let file = Path::new("some/dcmqrscp.cfg");
    let error = |text: &str| LoadError::Bad(parse(text.as_bytes()).unwrap_err());
    let both = error("maxpdusize 1\nUserName\nMaxPDUSize 1\n");
    let reports = both.errors(file);
    assert_eq!(
        reports[0],
        Report {
            line: "CONFIG Error: Unknown mnemonic \"maxpdusize\" in configuration file, line 1!".to_owned(),
            cures: vec!["some/dcmqrscp.cfg:1:1: expected MaxPDUSize: capital and small letters count".to_owned()],
        }
    );
    assert_eq!(reports[1].line, "CONFIG Error: Reading configuration file \"some/dcmqrscp.cfg\" with errors!");
    assert_eq!(
        reports[1].cures,
        [
            "some/dcmqrscp.cfg:2:9: expected a name",
            "some/dcmqrscp.cfg:3:12: expected a MaxPDUSize from 4096 to 131072 bytes, not 1",
        ]
    );
    assert_eq!(reports.len(), 2);
    assert_eq!(both.fatal(file), Report { line: "bad config file: some/dcmqrscp.cfg".to_owned(), cures: vec![] });
    // Found right but for this, DCMTK has no error lines.
    let range = error("MaxPDUSize 1\n");
    assert!(range.errors(file).is_empty());
    assert_eq!(range.fatal(file).line, "invalid MaxPDUSize in config file");
    assert_eq!(range.fatal(file).cures.len(), 1);
}

#[test]
fn cures_name_what_was_probably_meant() {
    let cure = |text: String| parse(text.as_bytes()).unwrap_err().remove(0).expected;
    for (text, words) in [
        ("NetworkTCPPort=104".to_owned(), "NetworkTCPPort and a blank"),
        (" # x".to_owned(), "before the #"),
        ("Foo".to_owned(), "the beginning of a table, or one of NetworkTCPPort"),
        (areas("X /p R (9,1mb) any"), "ANY in capitals"),
        (areas("X /p R (9,1mb) (A b 1)"), "with commas"),
        (areas("X /p R (9 1mb) ANY"), "comma"),
        (areas("X /p R (9,1) ANY"), "kb, mb or gb"),
        (areas("X /p R (9,1mb"), "not closed"),
        (hosts("a = (A, b)"), "all three"),
    ] {
        assert!(cure(text.clone()).contains(words), "{text}: {}", cure(text.clone()));
    }
}

#[test]
fn oddities_are_remarked() {
    let host_rows =
        "a = (A, h, 1)\na = (B, h, 1)\nb = ( B, h, 1)\nc = (C, h, 70000) (D, h, x) (ABCDEFGHIJKLMNOPQ, h, 1)\nd = a (X";
    let area_rows = "ONE /p rw (9,1mb) a\nONE /q R (9,1mb) b\nABCDEFGHIJKLMNOPQ /p R (9,1mb) ANY\n\" \" /p R (9,1mb) ANY\n\
        \"B \" /p R (9,1mb) ANY\nABCDEFGHIJKLMNOP /p R (1,1b) ANY";
    let text = "NetworkTCPPort 70000\nMaxPDUSize x\nMaxAssociations 0\nSpecificCharacterSet ISO_IR 192\n".to_owned();
    let places: Vec<_> = remarks(&(text + &hosts(host_rows) + &areas(area_rows)))
        .into_iter()
        .map(|remark| remark.split(' ').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        places,
        [
            "1:16", "2:12", "3:17", "4:29", "7:1", "8:5", "9:12", "9:26", "9:30", "10:7", "13:8", "14:1", "15:1",
            "16:1", "17:1"
        ]
    );
    let plain = hosts("a = (A, h, 0)")
        + "MaxPDUSize 4096\nMaxAssociations -1\n"
        + &areas("X /p WR (501,9gb) a\nY p R (1,1b) a");
    assert!(remarks(&plain).is_empty());
    assert_eq!(
        good(areas("X /p q (1,1b) ANY")).remarks()[0].located(Path::new("f")),
        "f:2:6: access \"q\" is none of R, RW, WR and W, and means R"
    );
}

#[test]
fn files_are_read_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(load(folder.path()).unwrap(), Config::default());
    let path = folder.path().join("x.cfg");
    let missing = load(&path).unwrap_err();
    assert_eq!(missing.fatal(&path).line, format!("cannot access {}: No such file or directory", path.display()));
    assert!(missing.errors(&path).is_empty());
    std::fs::write(&path, "NetworkTCPPort 50").unwrap();
    assert_eq!(load(&path).unwrap().port, 50);
    std::fs::write(&path, "Foo").unwrap();
    assert!(matches!(load(&path), Err(LoadError::Bad(problems)) if problems.len() == 1));
    std::fs::File::create(&path).unwrap().set_len(MAX_FILE_LENGTH + 1).unwrap();
    assert_eq!(
        load(&path).unwrap_err().fatal(&path).line,
        format!("cannot access {}: longer than 16 MiB", path.display())
    );
}

#[test]
fn the_sample_is_good_and_runs_in_a_folder() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources/dcmqrscp_conf/dcmqrscp.cfg");
    let config = load(&sample).unwrap();
    assert_eq!(config.port, 11112);
    assert!(config.remarks().is_empty());
    assert_eq!((&config.user, &config.group), (&None, &None));
    let [row] = &config.rows[..] else { panic!("{:?}", config.rows) };
    assert_eq!((row.title.to_string().as_str(), row.access), ("ARCHIVE", Access::ReadWrite));
    assert_eq!((&row.directory, &row.peers), (&PathBuf::from("./archive"), &Peers::Any));
}

#[test]
fn the_samples_examples_are_good_too() {
    let sample = include_str!("../../../../../../resources/dcmqrscp_conf/dcmqrscp.cfg");
    // An example is a comment without blank after its #.
    let lines = sample.lines().map(|line| match line.strip_prefix('#') {
        Some(example) if !example.is_empty() && !example.starts_with(' ') => example,
        _ => line,
    });
    let config = good(lines.collect::<Vec<_>>().join("\n"));
    assert!(config.hosts.len() >= 2 && !config.vendors.is_empty() && config.rows.len() >= 2);
    assert_eq!(config.remarks(), []);
}
