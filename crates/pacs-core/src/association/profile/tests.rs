//! Every text and every reading was compared with DCMTK's storescp and storescu on the same file.

use super::*;

const PLAIN: &str = "\
[[TransferSyntaxes]]
[Plain]
TransferSyntax1 = LittleEndianExplicit
TransferSyntax2 = LittleEndianImplicit
[[PresentationContexts]]
[Some]
PresentationContext1 = CTImageStorage\\Plain
[[SCPSCURoleSelection]]
[R]
Role1 = CTImageStorage\\SCU
[[ExtendedNegotiation]]
[E]
ExtendedNegotiation1 = CTImageStorage\\0200
[[Profiles]]
[Prof]
PresentationContexts = Some
SCPSCURoleSelection = R
ExtendedNegotiation = E
";

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const LEI: &str = "1.2.840.10008.1.2";
const LEE: &str = "1.2.840.10008.1.2.1";

/// The sample with one piece replaced, wherever it stands.
fn edited(from: &str, to: &str) -> String {
    assert!(PLAIN.contains(from), "{from}");
    PLAIN.replace(from, to)
}

/// The transfer syntaxes of the first context, or the error's text.
fn syntaxes(text: &str) -> Result<Vec<String>, String> {
    let profile = parse(text.as_bytes(), "Prof").map_err(|e| e.to_string())?;
    Ok(profile.contexts[0].transfer_syntaxes.to_vec())
}

#[test]
fn a_whole_profile() {
    let profile = parse(PLAIN.as_bytes(), " p Rof\t").unwrap();
    assert_eq!(profile.name, "PROF");
    assert_eq!(profile.contexts.len(), 1);
    assert_eq!(profile.contexts[0].abstract_syntax, CT);
    assert_eq!(*profile.contexts[0].transfer_syntaxes, [LEE, LEI]);
    assert_eq!(profile.roles, [(CT.to_owned(), Role::Scu)]);
    assert_eq!(profile.extended, [ExtendedNegotiation { sop_class: CT.to_owned(), information: vec![2, 0] }]);

    let acceptor = profile.acceptor().unwrap();
    assert_eq!(acceptor.class(CT).map(|c| c.role), Some(Role::Scu));
    assert_eq!(acceptor.class("1.2.3"), None);
    assert_eq!(acceptor.extended, profile.extended);

    let proposal = profile.proposal().unwrap();
    assert_eq!(proposal.contexts.len(), 1);
    assert_eq!((proposal.contexts[0].id, proposal.contexts[0].transfer_syntaxes.len()), (1, 2));
    assert_eq!(proposal.roles, [RoleSelection { sop_class: CT.to_owned(), scu: true, scp: false }]);
    assert_eq!(proposal.extended, profile.extended);
}

#[test]
fn contexts_are_proposed_in_the_order_of_the_file() {
    let more: String = (2..=128).map(|i| format!("PresentationContext{i} = 1.2.{i}\\Plain\n")).collect();
    let full = edited("[[SCPSCU", &format!("{more}[[SCPSCU"));
    let proposal = parse(full.as_bytes(), "Prof").unwrap().proposal().unwrap();
    let ids: Vec<_> = proposal.contexts.iter().map(|c| c.id).collect();
    assert_eq!(ids, (1..=255).step_by(2).collect::<Vec<u8>>());
    assert_eq!(proposal.contexts[127].abstract_syntax, "1.2.128");
    let over = edited("[[SCPSCU", &format!("{more}PresentationContext129 = 1.2.129\\Plain\n[[SCPSCU"));
    let error = parse(over.as_bytes(), "Prof").unwrap_err();
    assert_eq!(error.to_string(), "presentation context list too long (> 128 entries): SOME");
    assert_eq!((error.code(), error.line), (Some(1032), Some(135)));
}

#[test]
fn long_lists_of_transfer_syntaxes_serve_an_acceptor_only() {
    let list = |n| {
        let more: String = (3..=n).map(|i| format!("TransferSyntax{i} = 1.2.{i}\n")).collect();
        parse(edited("[[Pres", &format!("{more}[[Pres")).as_bytes(), "Prof").unwrap()
    };
    assert_eq!(list(128).proposal().unwrap().contexts[0].transfer_syntaxes.len(), 128);
    let error = list(129).proposal().unwrap_err();
    assert_eq!(
        error.requestor_line(),
        "0006:042b transfer syntax list too long, cannot handle more than 128 entries: PLAIN"
    );
    assert!(error.is_fatal());
    assert_eq!(list(129).acceptor().unwrap().class(CT).map(|c| c.transfer_syntaxes.len()), Some(129));
}

#[test]
fn an_acceptor_wants_each_class_once() {
    for twice in [CT, "CTImageStorage", "=CTImageStorage"] {
        let text = edited("[[SCPSCU", &format!("PresentationContext2 = {twice}\\Plain\n[[SCPSCU"));
        let profile = parse(text.as_bytes(), "Prof").unwrap();
        assert_eq!(profile.proposal().unwrap().contexts.len(), 2);
        let error = profile.acceptor().unwrap_err();
        assert_eq!(error.acceptor_line(), "profile 'PROF' is not valid for SCP use, duplicate abstract syntaxes found");
        assert!(error.cure().contains("CTImageStorage"), "{}", error.cure());
    }
}

#[test]
fn each_mistake_has_dcmtks_words_its_number_and_its_line() {
    let long = "ab".repeat(1024);
    let table: &[(&str, &str, u16, usize, &str)] = &[
        ("= LittleEndianImplicit", "= x", 1024, 4, "not a valid transfer syntax UID: x"),
        ("= LittleEndianImplicit", "=", 1024, 4, "not a valid transfer syntax UID: "),
        ("Implicit\n", "Implicit  \n", 1024, 4, "not a valid transfer syntax UID: LittleEndianImplicit  "),
        ("= LittleEndianImplicit", "= =1.2.3", 1024, 4, "not a valid transfer syntax UID: =1.2.3"),
        ("= LittleEndianImplicit", "= x # y", 1024, 4, "not a valid transfer syntax UID: x # y"),
        ("= CTImageStorage\\P", "= CTImage\\P", 1025, 7, "not a valid abstract syntax UID: CTImage"),
        ("= CTImageStorage\\P", "= 1.2 \\P", 1025, 7, "not a valid abstract syntax UID: 1.2 "),
        ("= CTImageStorage\\P", "= 1.2a\\P", 1025, 7, "not a valid abstract syntax UID: 1.2a"),
        (
            "\\SCU",
            "\\SCU\nRole2 = 1.2.840.10008.5.1.4.1.1.2\\SCP",
            1027,
            11,
            "role selection defined twice for abstract syntax UID: 1.2.840.10008.5.1.4.1.1.2",
        ),
        (
            "\\0200",
            "\\0200\nExtendedNegotiation2 = CTImageStorage\\01",
            1029,
            14,
            "extended negotiation defined twice for abstract syntax UID: CTImageStorage",
        ),
        ("[Prof]", "[Pro.f]\nPresentationContexts = Some\n[Prof]", 1030, 17, "two profiles defined for key: SOME"),
        ("\\Plain", "\\No pe", 1031, 7, "transfer syntax key undefined: NOPE"),
        ("\\Plain", "\\Plain\\x", 1031, 7, "transfer syntax key undefined: PLAIN\\X"),
        ("\\Plain", "\\", 1031, 7, "transfer syntax key undefined: "),
        ("TransferSyntax1", "TransferSyntax3", 1031, 7, "transfer syntax key undefined: PLAIN"),
        ("= Some", "= U.x", 1033, 16, "presentation context key undefined: U.X"),
        ("PresentationContext1", "PresentationContext2", 1033, 16, "presentation context key undefined: SOME"),
        ("= R", "= Q", 1036, 17, "role selection key undefined: Q"),
        ("[[SCPSCURoleSelection]]", "[[X]]", 1036, 17, "role selection key undefined: R"),
        (
            "Role1 = CT",
            "Role1 = MR",
            1038,
            17,
            "abstract syntax defined in role selection list 'R' but not in presentation context list 'SOME': 1.2.840.10008.5.1.4.1.1.4",
        ),
        (
            "1 = CTImageStorage\\0",
            "1 = 1.2.3\\0",
            1038,
            18,
            "abstract syntax defined in role selection list 'E' but not in presentation context list 'SOME': 1.2.3",
        ),
        ("= E", "= Q", 1039, 18, "extended negotiation key undefined: Q"),
        ("[[TransferSyntaxes]]", "[[X]]", 1050, 0, "cannot find section [[TRANSFERSYNTAXES]] in config file"),
        ("[[PresentationContexts]]", "[[X]]", 1051, 0, "cannot find section [[PRESENTATIONCONTEXTS]] in config file"),
        ("[[Profiles]]", "[[X]]", 1060, 0, "cannot find section [[PROFILES]] in config file"),
        ("\\Plain", " Plain", 1052, 7, "syntax error: missing '\\' in entry PRESENTATIONCONTEXT1 in config file"),
        ("\\SCU", "", 1054, 10, "syntax error: missing '\\' in entry ROLE1 in config file"),
        ("\\SCU", "\\NONE", 1055, 10, "syntax error: unknown role key in entry ROLE1 in config file"),
        ("\\SCU", "\\ SCU", 1055, 10, "syntax error: unknown role key in entry ROLE1 in config file"),
        ("\\0200", "", 1057, 13, "syntax error: missing '\\' in entry EXTENDEDNEGOTIATION1 in config file"),
        (
            "0200",
            &long,
            1058,
            13,
            "extended negotiation data too long, cannot handle > 1024 bytes in entry EXTENDEDNEGOTIATION1 in config file",
        ),
        (
            "0200",
            "02 00",
            1059,
            13,
            "parse error in extended negotiation data in entry EXTENDEDNEGOTIATION1 in config file",
        ),
        (
            "0200",
            "020",
            1059,
            13,
            "parse error in extended negotiation data in entry EXTENDEDNEGOTIATION1 in config file",
        ),
        (
            "0200",
            "0x02",
            1059,
            13,
            "parse error in extended negotiation data in entry EXTENDEDNEGOTIATION1 in config file",
        ),
        (
            "0200",
            "\u{e4}\u{e4}",
            1059,
            13,
            "parse error in extended negotiation data in entry EXTENDEDNEGOTIATION1 in config file",
        ),
        (
            "PresentationContexts = Some",
            "X = Some",
            1061,
            15,
            "no PRESENTATIONCONTEXTS  entry in section PROF in config file",
        ),
    ];
    for (from, to, code, line, text) in table {
        let error = parse(edited(from, to).as_bytes(), "Prof").unwrap_err();
        let found = (error.to_string(), error.code(), error.line.unwrap_or(0));
        assert_eq!(found, ((*text).to_owned(), Some(*code), *line), "{from} -> {to}");
        assert_eq!(error.acceptor_line(), format!("cannot read config file: {text}"));
        assert_eq!(error.requestor_line(), format!("reading config file: {text}"));
        assert!(!error.is_fatal());
        assert_eq!(error.cure().starts_with(&format!("line {line}: ")), *line > 0, "{}", error.cure());
    }
}

#[test]
fn half_an_entry_is_an_illegal_call() {
    for (from, to) in [("= CTImageStorage\\Plain", "= \\Plain"), ("\\0200", "\\")] {
        let error = parse(edited(from, to).as_bytes(), "Prof").unwrap_err();
        assert_eq!((error.to_string().as_str(), error.code()), ("Illegal call, perhaps wrong parameters", None));
    }
    // but not here
    let error = parse(edited("Role1 = CTImageStorage", "Role1 = ").as_bytes(), "Prof").unwrap_err();
    assert_eq!(error.to_string(), "not a valid abstract syntax UID: ");
}

#[test]
fn of_several_mistakes_the_first_by_section_counts() {
    let text = |edits: &[(&str, &str)]| {
        let text = edits.iter().fold(PLAIN.to_owned(), |text, (from, to)| text.replace(from, to));
        parse(text.as_bytes(), "Prof").unwrap_err().to_string()
    };
    let syntax = ("= LittleEndianImplicit", "= x");
    let (class, role, data) = (("= CTImageStorage\\P", "= XX\\P"), ("\\SCU", "\\X"), ("0200", "0"));
    assert!(text(&[syntax, ("[[PresentationContexts]]", "[[X]]")]).starts_with("not a valid transfer syntax"));
    assert!(text(&[class, role, data]).starts_with("not a valid abstract syntax"));
    assert!(text(&[role, data, ("[[Profiles]]", "[[X]]")]).contains("unknown role key"));
    assert!(text(&[data, ("[[Profiles]]", "[[X]]")]).contains("parse error"));
    assert!(text(&[("= Some", "= N"), ("= R", "= Q"), ("= E", "= Q")]).starts_with("presentation context key"));
    assert!(text(&[("= R", "= Q"), ("= E", "= Q")]).starts_with("role selection key"));
    // within an entry: the reference before the UID, the role or data before the UID
    assert_eq!(text(&[("= CTImageStorage\\Plain", "= XX\\Nope")]), "transfer syntax key undefined: NOPE");
    assert!(text(&[("= CTImageStorage\\SCU", "= XX\\YY")]).contains("unknown role key"));
    assert!(text(&[("= CTImageStorage\\0200", "= XX\\0")]).contains("parse error"));
    // profiles that nobody asked for are checked too
    let other = format!("{PLAIN}[Zzz]\nPresentationContexts = Nope\n");
    assert_eq!(parse(other.as_bytes(), "Prof").unwrap_err().to_string(), "presentation context key undefined: NOPE");
}

#[test]
fn a_profile_that_is_not_there() {
    let text = format!("{PLAIN}[Other-One]\nPresentationContexts = Some\n");
    let error = parse(text.as_bytes(), "x y-z!").unwrap_err();
    assert_eq!(error.acceptor_line(), "unknown configuration profile name: XY-Z!");
    assert_eq!(error.requestor_line(), "0006:0426 profile key undefined: XY-Z!");
    assert_eq!((error.is_fatal(), error.line), (true, None));
    assert_eq!(error.cure(), "the file has: OTHER-ONE, PROF");
    assert!(parse(text.as_bytes(), "").is_err());
}

#[test]
fn what_a_value_may_be() {
    let second = |value: &str| syntaxes(&edited("= LittleEndianImplicit", value)).map(|mut list| list.pop());
    let ok = |uid: &str| Ok(Some(uid.to_owned()));
    assert_eq!(second("= 1.2.840.10008.1.2.4.50"), ok("1.2.840.10008.1.2.4.50"));
    assert_eq!(second("==JPEGBaseline"), ok("1.2.840.10008.1.2.4.50"));
    assert_eq!(second("\t=\t JPEGBaseline"), ok("1.2.840.10008.1.2.4.50"));
    assert_eq!(second("= CTImageStorage"), ok(CT));
    assert_eq!(second("= 1.2..03."), ok("1.2..03."));
    assert_eq!(second(&format!("= {}", "1".repeat(70))), ok(&"1".repeat(64)));
    #[cfg(target_endian = "little")]
    assert_eq!(second("= OppositeEndianExplicit"), ok("1.2.840.10008.1.2.2"));
    // the value may stand on a later line that is indented
    assert_eq!(second("=\n\n  JPEGBaseline"), ok("1.2.840.10008.1.2.4.50"));
    assert_eq!(second("= JPEGBaseline\n   \n\n"), ok("1.2.840.10008.1.2.4.50"));

    let bad = |value: &str| second(value).unwrap_err().replace("not a valid transfer syntax UID: ", "");
    assert_eq!(bad("= Bad\n  more"), "Bad\nmore");
    assert_eq!(bad("= Bad\r\n\tmore\r"), "Bad\nmore");
    assert_eq!(bad("= Bad\n\n   \n  more "), "Bad\nmore ");
    assert_eq!(bad("= Bad\n# comment\n  more"), "Bad\nmore");
    assert_eq!(bad("= Bad\n # no comment"), "Bad\n# no comment");
    assert_eq!(bad("= Bad\n x = 3\n [y]"), "Bad\nx = 3\n[y]");
    assert_eq!(bad("= Ba\rd"), "Ba");
    assert_eq!(bad("= \"Bad\tvalue\""), "\"Bad\tvalue\"");
    assert_eq!(bad("= Bad\0x"), "Bad x");
}

#[test]
fn what_headings_and_keys_may_be() {
    let both = Ok(vec![LEE.to_owned(), LEI.to_owned()]);
    for (from, to) in [
        ("\n", "\r\n"),
        ("\n", "\r"),
        ("[Plain]", "  [Plain]"),
        ("[Plain]", "[Plain]]"),
        ("[Plain]", "[pl!a. i\nn]"),
        ("[Plain]", "[Pl\n# ]\nain]"),
        ("[Plain]", "[]\n[Plain]"),
        ("[Plain]", "TransferSyntax9 = 1.2\n[Plain]"),
        ("[[Profiles]]", "[ [ Pro files ] ]"),
        ("[[Profiles]]", "[[Pro\nfiles]]"),
        ("[[Profiles]]", "[[]]\n[[Profiles]]"),
        ("[[Profiles]]", "[[Profiles]] X = 3"),
        ("[[TransferSyntaxes]]", "[[[TransferSyntaxes]]]"),
        ("[[TransferSyntaxes]]", "hello = 1\n[Plain]\nTransferSyntax1 = 1.2\n[[TransferSyntaxes]]"),
        ("TransferSyntax2 ", "transfer syntax. 2"),
        ("TransferSyntax2", "Transfer[\n#x = y\nSyntax2]"),
        ("TransferSyntax2", "#\n\n= 3\nTransferSyntax2"),
        ("= Some", "= s o\n  Me"),
        // the first of each name counts
        ("TransferSyntax2 =", "TransferSyntax2 = LittleEndianImplicit\nTransferSyntax2 ="),
    ] {
        assert_eq!(syntaxes(&edited(from, to)), both, "{from} -> {to}");
    }
    for (end, read) in
        [("[[TransferSyntaxes]]\n[Plain]\nTransferSyntax3 = 1.2\n", true), ("junk", true), ("[Open", false)]
    {
        assert_eq!(syntaxes(&format!("{PLAIN}{end}")).is_ok(), read, "{end}");
    }
}

#[test]
fn what_is_joined_or_lost() {
    let second = |from: &str, to: &str| syntaxes(&edited(from, to)).map(|list| list.get(1).cloned());
    // a gap ends the list
    assert_eq!(second("TransferSyntax2", "TransferSyntax3"), Ok(None));
    assert_eq!(second("TransferSyntax2", "TransferSyntax02"), Ok(None));
    // a line without `=` becomes part of the next key, be it a heading
    assert_eq!(second("TransferSyntax2", "junk\nTransferSyntax2"), Ok(None));
    let lost = Err("transfer syntax key undefined: PLAIN".to_owned());
    for junk in ["junk\n[Plain]", "]\n[Plain]", "[Plain] junk"] {
        assert_eq!(second("[Plain]", junk), lost, "{junk}");
    }
    assert_eq!(second("[[TransferSyntaxes]]", "[[TransferSyntaxes]"), lost);
    // subsections of one name make one list
    let added = edited("[[PresentationContexts]]", "[pl.ain]\nTransferSyntax1 = 1.2.3\n[[PresentationContexts]]");
    assert_eq!(syntaxes(&added).map(|list| list.len()), Ok(3));
    // a byte order mark is part of nothing, so the first section is lost
    assert_eq!(
        syntaxes(&format!("\u{feff}{PLAIN}")),
        Err("cannot find section [[TRANSFERSYNTAXES]] in config file".to_owned())
    );
    // a key that the end of the file cuts off has an empty value
    let cut = PLAIN.trim_end().trim_end_matches("= E");
    assert_eq!(syntaxes(cut), Err("extended negotiation key undefined: ".to_owned()));
}

#[test]
fn roles_and_data_as_they_are_written() {
    let profile = |from: &str, to: &str| parse(edited(from, to).as_bytes(), "Prof").unwrap();
    for (text, role) in [("scu", Role::Scu), ("Scp", Role::Scp), ("BOTH", Role::ScuScp)] {
        assert_eq!(profile("\\SCU", &format!("\\{text}")).roles, [(CT.to_owned(), role)]);
    }
    assert_eq!(profile("0200", "aBcD00").extended[0].information, [0xab, 0xcd, 0]);
    assert_eq!(profile("0200", &"ff".repeat(1023)).extended[0].information.len(), 1023);
    // lists that the profile does not name are checked but not used
    assert_eq!(profile("SCPSCURoleSelection = R\n", "").roles, []);
    assert_eq!(profile("ExtendedNegotiation = E\n", "").extended, []);
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.cfg");
    let error = load(&file, "Prof").unwrap_err();
    assert_eq!(
        error.acceptor_line(),
        format!("cannot read config file: unable to open configuration file: {}", file.display())
    );
    assert_eq!((error.code(), error.line), (Some(1042), None));
    assert!(!error.cure().is_empty());

    std::fs::write(&file, PLAIN).unwrap();
    assert_eq!(load(&file, "Prof").unwrap(), parse(PLAIN.as_bytes(), "Prof").unwrap());

    assert!(matches!(load(folder.path(), "Prof").unwrap_err().kind, Kind::Unreadable { .. }), "a folder");
    let large = std::fs::File::create(&file).unwrap();
    large.set_len(MAX_FILE_LENGTH + 1).unwrap();
    assert!(load(&file, "Prof").unwrap_err().cure().contains("longer than"));
}

#[test]
fn any_text_is_read_to_its_end() {
    proptest::proptest!(|(text in "[\\[\\]#=\\\\ \\t\\r\\na1T_-]{0,200}")| {
        for text in [text.clone(), format!("{PLAIN}{text}"), PLAIN.replace("[Plain]", &text)] {
            let _ = parse(text.as_bytes(), "Prof").map(|p| (p.acceptor().is_ok(), p.proposal().is_ok()));
        }
    });
}
