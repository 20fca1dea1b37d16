//! What a script sees of a program's command line: exit code, stdout and stderr.
#![allow(clippy::unwrap_used)]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Stdio};

/// Exit code, stdout and stderr of a call that must not start a receiver.
fn storescp<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_storescp"));
    let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A folder that is not there ends the program after its command line has been accepted.
const NOWHERE: [&str; 3] = ["-od", "/no/such/folder", "104"];

#[test]
fn usage_and_version_go_to_stdout() {
    let none: [&str; 0] = [];
    let (code, usage, stderr) = storescp(none);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(usage.contains("\nusage: storescp [options] [port]\n"), "{usage}");
    assert!(usage.contains("\n    -od   --output-directory "), "{usage}");
    for arguments in [&["--help"][..], &["-h", "-v"], &["--version", "--help", "a", "b", "c"]] {
        assert_eq!(storescp(arguments), (Some(0), usage.clone(), String::new()), "{arguments:?}");
    }
    let (code, version, stderr) = storescp(["--version", "104"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let mut lines = version.lines();
    let banner = format!("storescp v{} ", env!("CARGO_PKG_VERSION"));
    assert!(lines.next().unwrap().contains(&banner), "{version}");
    assert_eq!(lines.next(), Some(""));
    assert!(version.contains("\nHost type: ") && version.contains("\n\nExternal libraries used: "), "{version}");
}

#[test]
fn a_wrong_call_ends_with_1_and_says_why_on_stderr() {
    for (arguments, error) in [
        (&["-x", "104"][..], "Unknown option -x"),
        (&["--help", "--foo"], "Unknown option --foo"),
        (&["-od"], "Missing value for option --output-directory"),
        (&["-v"], "Missing parameter port"),
        (&["104", "105"], "Too many parameters"),
        (&["70000"], "Invalid parameter value 70000 (overflow)"),
        (&["-pdu", "100", "104"], "Invalid value for option --max-pdu (underflow: 100)"),
        (&["+B", "+te", "104"], "--write-xfer-little not allowed with --bit-preserving"),
        (
            &["-tos", "5", "104"],
            "--eostudy-timeout only allowed with --sort-conc-studies, --sort-on-study-uid, \
            --sort-on-patientname, --exec-on-eostudy or --rename-on-eostudy",
        ),
        (&["@/no/such/file"], "Cannot open command file '/no/such/file'"),
        (&["-rc", "104"], "--require-peer-cert only allowed with --enable-tls"),
    ] {
        let (code, stdout, stderr) = storescp(arguments);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{arguments:?}");
        let lines: Vec<_> = stderr.lines().collect();
        assert!(lines[0].contains(" storescp v"), "{stderr}");
        let error = format!("error: {error}");
        assert_eq!(lines[1..], ["", "storescp: DICOM storage (C-STORE) SCP", error.as_str()], "{arguments:?}");
    }
}

#[test]
fn quiet_hides_faults_found_after_the_port() {
    assert_eq!(storescp(["-q", "+B", "+te", "104"]), (Some(1), String::new(), String::new()));
    let (code, _, stderr) = storescp(["-q", "0"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("error: Invalid parameter value 0 (underflow)"), "{stderr}");
    let (code, _, stderr) = storescp([&["-q"][..], &NOWHERE].concat());
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("F: specified output directory does not exist\n"), "{stderr}");
}

#[test]
fn arguments_are_logged_at_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("words");
    std::fs::write(&file, "-aet 'A B'").unwrap();
    for level in [None, Some(("-q", "--quiet")), Some(("-d", "--debug"))] {
        let mut arguments: Vec<OsString> = level.iter().map(|(short, _)| short.into()).collect();
        arguments.extend(["--arguments".into(), [OsStr::new("@"), file.as_os_str()].join(OsStr::new(""))]);
        arguments.extend(NOWHERE.map(OsString::from));
        let (code, stdout, stderr) = storescp(arguments);
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        let expected = format!(
            "I: calling '{}' with {} arguments: {}'--arguments' '--aetitle' 'A B' '--output-directory' \
             '/no/such/folder' '104' \nI: \n",
            env!("CARGO_BIN_EXE_storescp"),
            6 + usize::from(level.is_some()),
            level.map_or_else(String::new, |(_, long)| format!("'{long}' ")),
        );
        assert!(stderr.starts_with(&expected), "{stderr}");
        assert!(stderr.contains("F: specified output directory does not exist\n"), "{stderr}");
    }
}

#[test]
fn arguments_stand_before_the_fault() {
    let (code, _, stderr) = storescp(["--arguments", "+B", "+te", "104"]);
    assert_eq!(code, Some(1));
    let (records, rest) = stderr.split_once("I: \n").unwrap();
    assert!(records.starts_with("I: calling '") && rest.starts_with('$'), "{stderr}");
}

#[test]
fn paths_need_not_be_text() {
    let folder = OsString::from_vec(b"/no/such/\xff".to_vec());
    let (code, stdout, stderr) = storescp([OsStr::new("-od"), &folder, OsStr::new("104")]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("F: specified output directory does not exist\n"), "{stderr}");
}
