use super::*;

#[test]
fn lines() {
    let cases: [(&str, &[(&str, &str)]); 15] = [
        ("", &[]),
        ("no setting\n\n", &[]),
        ("a=b", &[("a", "b")]),
        ("  a \t =\t b c  \r\n", &[("a", "b c")]),
        ("# a=b\n   # c=d\n", &[]),
        ("a=b # not a comment", &[("a", "b # not a comment")]),
        (";a=b\n!c=d", &[(";a", "b"), ("!c", "d")]),
        ("a=1\na=2\n", &[("a", "2")]),
        ("a=b=c", &[("a", "b=c")]),
        ("a: b", &[]),
        ("a=b\\\nc", &[("a", "b\\")]),
        ("a=", &[("a", "")]),
        ("=b", &[("", "b")]),
        ("\u{feff}a=b", &[("a", "b")]),
        ("\x0ba=\x0bb\x0b", &[("a", "b")]),
    ];
    for (text, wanted) in cases {
        let properties = Properties::parse(text);
        let mut found: Vec<_> = properties.iter().collect();
        let mut wanted = wanted.to_vec();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{text:?}");
    }
}

#[test]
fn below_a_prefix() {
    let properties = Properties::parse("x.a=1\nx.b.c=2\nxa=3\ny.x.a=4\nx.=5\n");
    let below = properties.below("x.");
    assert_eq!(below.iter().collect::<Vec<_>>(), [("", "5"), ("a", "1"), ("b.c", "2")]);
    assert!(properties.below("z").is_empty());
}

/// The value of `v` after expansion, and the problems.
fn expanded(text: &str) -> (String, Vec<String>) {
    let variable = |name: &str| match name {
        "HOME" => Some("/root".to_owned()),
        "INDIRECT" => Some("${b}".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let mut properties = Properties::parse(text);
    let mut problems = Vec::new();
    properties.expand(&variable, &mut problems);
    (properties.get("v").unwrap().to_owned(), problems.iter().map(ToString::to_string).collect())
}

#[test]
fn variables() {
    let cases = [
        ("v=${a}\na=x", "x"),
        ("v=<${a}${b}>\na=1\nb=2", "<12>"),
        ("v=${a}\na=x ${b}\nb=y", "x y"),
        ("v=${HOME}|${NOPE}|$HOME|${}|$x", "/root|${NOPE}|$HOME|${}|$x"),
        // What the file says comes first, unless it says nothing.
        ("v=${HOME}\nHOME=mine", "mine"),
        ("v=${HOME}\nHOME=", "/root"),
        ("v=${EMPTY}.", "${EMPTY}."),
        ("v=${INDIRECT}\nb=x", "x"),
        ("v=${log4cplus.rootLogger}\nlog4cplus.rootLogger=WARN, c", "WARN, c"),
        ("v=x${k${one}}y\none=1\nk1=K", "x${k${one}}y"),
        ("v=${a}ö${a}\na=ä", "äöä"),
        ("${n}=x\nn=v", "x"),
        ("${n}=${m}\nn=v\nm=x", "x"),
    ];
    for (text, wanted) in cases {
        assert_eq!(expanded(text), (wanted.to_owned(), vec![]), "{text}");
    }
}

#[test]
fn braces_that_do_not_close() {
    let (value, problems) = expanded("v=x${a");
    assert_eq!(value, "x${a");
    assert_eq!(problems, ["log4cplus:ERROR \"x${a\" has no closing brace. Opening brace at position 1."]);
    // All of the value stays as it is.
    let (value, problems) = expanded("v=${b}${a}\na=${c\nb=x");
    assert_eq!(value, "${b}${a}");
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn variables_that_go_in_circles_or_explode_come_to_an_end() {
    for text in ["v=${v}", "v=x${v}", "v=${a}\na=${b}\nb=${a}", "v=${a}${a}\na=${b}${b}\nb=${a}${a}"] {
        let (value, problems) = expanded(text);
        assert_eq!(text.split('\n').next(), Some(format!("v={value}").as_str()), "it stays as it is");
        assert!(problems.iter().any(|problem| problem.contains("refers to itself")), "{text}: {problems:?}");
    }
    let mut text = String::from("v=${x20}\nx0=0123456789\n");
    for number in 1..=20 {
        let before = number - 1;
        text += &format!("x{number}=${{x{before}}}${{x{before}}}\n");
    }
    assert_eq!(expanded(&text).0, "${x20}");
}

#[test]
fn booleans_and_numbers() {
    let yes = ["true", "TRUE", "True", "1", "2", "-1"];
    let no = ["false", "FALSE", "0"];
    let neither = ["", "yes", "no", "on", "1x", " true"];
    for (texts, wanted) in [(&yes[..], Some(true)), (&no, Some(false)), (&neither, None)] {
        for text in texts {
            assert_eq!(boolean(text), wanted, "{text:?}");
        }
    }
    for (text, wanted) in [
        ("", 0),
        ("x", 0),
        ("12", 12),
        (" 7KB", 7),
        ("+3", 3),
        ("-5 ", -5),
        ("-", 0),
        ("99999999999999999999", i64::MAX),
    ] {
        assert_eq!(leading_number(text), wanted, "{text:?}");
    }
}
