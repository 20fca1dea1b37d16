use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::{Name, expand, read, split};

fn words(line: &[&str]) -> Vec<OsString> {
    line.iter().map(OsString::from).collect()
}

/// `-v` and `--output-directory` with one value, `+p` with two.
fn find(token: &OsStr) -> Option<Name<'static>> {
    Some(match token.to_str()? {
        "-v" | "--verbose" => Name { row: 0, long: "--verbose", values: 0 },
        "-od" | "--output-directory" => Name { row: 1, long: "--output-directory", values: 1 },
        "+p" | "--padding-create" => Name { row: 2, long: "--padding-create", values: 2 },
        _ => return None,
    })
}

#[test]
fn options_and_parameters_mix() {
    let line = read(words(&["a", "-od", "-v", "-5", "+p", "", "x", "+3.7", "-", "+", ""]), find).unwrap();
    assert_eq!(line.parameters, words(&["a", "-5", "+3.7", "-", "+", ""]));
    assert_eq!(line.options.len(), 2);
    assert_eq!((line.options[0].row, &line.options[0].values), (1, &words(&["-v"])));
    assert_eq!((line.options[1].row, &line.options[1].values), (2, &words(&["", "x"])));
    let long = ["a", "--output-directory", "-v", "-5", "--padding-create", "", "x", "+3.7", "-", "+", ""];
    assert_eq!(line.long, words(&long));
}

#[test]
fn the_first_fault_ends_reading() {
    for (line, error) in [
        (["-x", "-y"], "Unknown option -x"),
        (["--", "1"], "Unknown option --"),
        (["-vv", "1"], "Unknown option -vv"),
        (["--verb", "1"], "Unknown option --verb"),
        (["-V", "1"], "Unknown option -V"),
        (["--output-directory=x", "1"], "Unknown option --output-directory=x"),
        (["1", "-od"], "Missing value for option --output-directory"),
        (["+p", "1"], "Missing value for option --padding-create"),
    ] {
        assert_eq!(read(words(&line), find).unwrap_err(), error);
    }
}

#[test]
fn paths_need_not_be_text() {
    let path = OsString::from_vec(b"out\xff\xfe".to_vec());
    let line = read(vec!["-od".into(), path.clone()], find).unwrap();
    assert_eq!(line.options[0].values, [path]);
    let unknown = OsStr::from_bytes(b"-\xff").to_owned();
    assert_eq!(read(vec![unknown], find).unwrap_err(), "Unknown option -\u{fffd}");
}

#[test]
fn command_files_are_split_at_blanks_and_quotes() {
    for (content, expected) in [
        ("", &[][..]),
        (" \t\r\n", &[]),
        ("-v -od\n\"out put\"\t-fe '.d cm'\r\n 104 ", &["-v", "-od", "out put", "-fe", ".d cm", "104"]),
        ("a\"b c\"d", &["ab c", "d"]),
        ("\"\" ''", &["", ""]),
        ("\"it's\" 'say \"no\"'", &["it's", "say \"no\""]),
        ("x \"open to the end ", &["x", "open to the end "]),
        ("x\"", &["x"]),
        ("x \"", &["x"]),
        ("\\\"a\\\" #b @c", &["\\a\\", "#b", "@c"]),
        ("a\x0bb", &["a\x0bb"]),
    ] {
        assert_eq!(split(content.as_bytes()), words(expected), "{content:?}");
    }
}

#[test]
fn command_files_stand_for_their_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a file");
    std::fs::write(&path, "-od out @nested").unwrap();
    let mut at = OsString::from("@");
    at.push(&path);
    let expanded = expand([OsString::from("-fe"), at, "@".into()].into_iter()).unwrap();
    assert_eq!(expanded, words(&["-fe", "-od", "out", "@nested", "@"]));
    let missing = expand(words(&["@no such file"]).into_iter()).unwrap_err();
    assert_eq!(missing, "Cannot open command file 'no such file'");
}

#[test]
fn the_call_is_shown_in_long_form() {
    let line = read(words(&["-v", "+p", "", "x y", "104"]), find).unwrap();
    // Empty arguments are counted, but not shown.
    assert_eq!(
        line.call(OsStr::new("./tool")),
        "calling './tool' with 5 arguments: '--verbose' '--padding-create' 'x y' '104' "
    );
}
