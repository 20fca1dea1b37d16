//! Any bytes at all: no panic, places within the file, bounded work, and what is printed means the same.

use super::*;

const SAMPLES: [&str; 2] = [
    include_str!("../../../../../../resources/dcmqrscp_conf/dcmqrscp.cfg"),
    "NetworkTCPPort 5\nMaxPDUSize = 8192\nMaxAssociations -3\nSpecificCharacterSet \"ISO_IR 192\" override\nUserName u\n\
     HostTable BEGIN\na = (A, a.b, 1)\n\"b c\" a ( B,c,2)\nHostTable END\nVendorTable BEGIN\n'v w' = a, \"b c\"\nVendorTable END\n\
     AETable BEGIN\nX /p'q W (9, 1.5gb) a\n\"Y Z\" \"q r\" R \"1,7b\" ANY\nX z R (5,6kb)(Q,q,9)\nAETable END\n",
];

/// Places are within the file, and a good file's meaning survives printing.
fn check(text: &[u8]) {
    let lines: Vec<_> = text.split_inclusive(|&byte| byte == b'\n').collect();
    let within = |line: usize, column: usize| {
        let length = line.checked_sub(1).and_then(|line| lines.get(line)).map(|line| line.len());
        assert!(length.is_some_and(|length| (1..=length + 1).contains(&column)), "{line}:{column}");
    };
    match parse(text) {
        Ok(config) => {
            config.remarks().iter().for_each(|remark| within(remark.line, remark.column));
            let printed = config.print();
            match parse(&printed) {
                Ok(again) => assert_eq!(again, config, "{}", printed.escape_ascii()),
                Err(problems) => panic!("{problems:?}: {}", printed.escape_ascii()),
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty() && problems.len() <= MAX_PROBLEMS + 1);
            problems.iter().for_each(|problem| within(problem.line, problem.column));
        }
    }
}

/// Bytes that mean something, more often than others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => prop::sample::select(&b" \t\r\n\x0b=,,\"'()()#\\\0-+"[..]),
        4 => prop::sample::select(&b"0123456789kmgbABXYR"[..]),
        1 => any::<u8>(),
    ]
}

/// Pieces of files.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: &[&str] = &[
        "HostTable BEGIN\n",
        "HostTable END\n",
        "VendorTable BEGIN\n",
        "VendorTable END\n",
        "AETable BEGIN\n",
        "AETable END\n",
        "HostTable",
        "AETable",
        "NetworkTCPPort ",
        "MaxPDUSize ",
        "MaxAssociations ",
        "SpecificCharacterSet ",
        "UserName ",
        "a = (A, h, 1)\n",
        "b = a (B, i, 2)\n",
        "a",
        "b",
        "ANY",
        " ANY\n",
        "X /p RW (9, 1mb) ",
        "X /p RW (9, 1mb) a\n",
        "(C, c, 3)",
        "\n",
        "\r\n",
        "# c\n",
        "override ",
        "5000\n",
        "\u{feff}",
    ];
    prop_oneof![
        6 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(byte(), 0..12),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn random_bytes_never_panic(text in prop::collection::vec(byte(), 0..400)) {
        check(&text);
    }

    #[test]
    fn random_pieces_never_panic(pieces in prop::collection::vec(piece(), 0..60)) {
        check(&pieces.concat());
    }

    #[test]
    fn random_rows_survive_printing(
        name in prop::collection::vec(byte(), 0..9),
        more in prop::collection::vec(byte(), 0..9),
        host in prop::collection::vec(byte(), 0..9),
        quota in (any::<u64>(), any::<u64>()),
        quotes in prop::sample::select(&["\"\"", "()", "' ", "  "][..]),
    ) {
        let [open, close] = [quotes.as_bytes()[0], quotes.as_bytes()[1]];
        let quoted = |text: &[u8]| [&[open][..], text, &[close]].concat();
        let numbers = format!(" ({}, {}b) ", quota.0 >> (quota.1 & 63), quota.1 >> (quota.0 & 63));
        let peer = [b"(", &name[..], b",", &host, b",7)"].concat();
        check(&[b"UserName ", &quoted(&more)[..], b"\nSpecificCharacterSet ", &quoted(&name), b"\n"].concat());
        check(&[b"HostTable BEGIN\n", &quoted(&name)[..], b" ", &peer, b"\nHostTable END\n"].concat());
        let row = [&quoted(&name)[..], b" ", &quoted(&more), b" W", numbers.as_bytes(), &peer].concat();
        check(&[b"AETable BEGIN\n", &row[..], b"\nAETable END\n"].concat());
    }

    #[test]
    fn damaged_samples_never_panic(
        which in 0..SAMPLES.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, byte()), 1..6),
    ) {
        let mut text = SAMPLES[which].as_bytes().to_vec();
        for (index, how, byte) in damage {
            let at = index.index(text.len().max(1));
            match how {
                0 if at < text.len() => _ = text.remove(at),
                1 if at < text.len() => text[at] = byte,
                2 => text.truncate(at),
                _ => text.insert(at.min(text.len()), byte),
            }
        }
        check(&text);
    }
}

#[test]
fn samples_survive_printing() {
    for sample in SAMPLES {
        good(sample);
        check(sample.as_bytes());
        check(sample.replace('\n', "\r\n").as_bytes());
    }
    check(b"AETable BEGIN\nX\xfc \"/p \xff\" W (9,1mb) (\xe4, \xf6, 1)\nAETable END\n");
}

#[test]
fn what_is_printed_reads_well() {
    let printed = String::from_utf8(good(SAMPLES[1]).print()).unwrap();
    let expected = "\
        NetworkTCPPort  = 5\n\
        MaxPDUSize      = 8192\n\
        MaxAssociations = -1\n\
        SpecificCharacterSet = \"ISO_IR 192\" override\n\
        UserName        = \"u\"\n\
        \n\
        HostTable BEGIN\n\
        \"a\" = (A, a.b, 1)\n\
        \"b c\" = (A, a.b, 1) (, B, 0)\n\
        HostTable END\n\
        \n\
        VendorTable BEGIN\n\
        \"v w\" = (A, a.b, 1) (A, a.b, 1) (, B, 0)\n\
        VendorTable END\n\
        \n\
        AETable BEGIN\n\
        \"X\" /p'q RW (9, 1gb) (A, a.b, 1)\n\
        \"Y Z\" \"q r\" R (1, 7b) ANY\n\
        \"X\" \"z\" R (5, 6kb) (Q, q, 9)\n\
        AETable END\n";
    assert_eq!(printed, expected);
}

#[test]
fn names_of_names_do_not_explode() {
    let mut text = "HostTable BEGIN\ns0 = (A, a, 1)\n".to_owned();
    for n in 1..64 {
        text += &format!("s{n} = s{0} s{0}\n", n - 1);
    }
    let problems = parse((text + "HostTable END\n").as_bytes()).unwrap_err();
    assert_eq!(problems[0].line, 22);
    assert!(problems[0].expected.contains("1048576 peers"));
}

#[test]
fn countless_problems_are_not_all_listed() {
    let problems = parse("x\n".repeat(50_000).as_bytes()).unwrap_err();
    assert_eq!(problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(problems[MAX_PROBLEMS].message(), None);
    assert!(problems[MAX_PROBLEMS].expected.contains("more than 1000"));
}
