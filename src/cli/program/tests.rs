use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use super::{LOGGING, Logging, Outcome, Parameter, Program, Stop, list};
use crate::cli::{Exclusive, Group, flag, int, option, text, uint, word};

/// Options of a sender: two parameters and any number of files.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    peer: String,
    port: u64,
    files: Vec<OsString>,
    quiet: bool,
    color: &'static str,
    number: i64,
    many: Vec<String>,
    level: String,
    call: Option<String>,
    log: Option<String>,
}

impl Logging for Typed {
    fn set_up(&mut self, program: &str, called: &OsStr) -> Result<(), String> {
        self.log = Some(format!("{program} as {}", called.display()));
        if self.peer == "nolog" { Err("No log".to_owned()) } else { Ok(()) }
    }

    fn hides_errors(&self) -> bool {
        self.quiet
    }

    fn records(&self) -> String {
        self.call.as_ref().map_or_else(String::new, |call| format!("I: {call}\n"))
    }
}

const CHECKS: &[&str] = &[
    "--help",
    "--version",
    "--list",
    "--list-later",
    "peer",
    "port",
    "file",
    "--quiet",
    "--arguments",
    LOGGING,
    "--red",
    "--green",
    "--blue",
    "--number",
    "--many",
    "--level",
    "--only-green",
    "--not-blue",
    "--unbuilt",
];

fn sender() -> Program<Typed> {
    let color = |short, long, name| flag(short, long, "a colour", move |o: &mut Typed| o.color = name);
    Program::new("tool", "a tool", CHECKS)
        .parameter(Parameter::new(text("peer"), "whom to call", |o: &mut Typed, v| o.peer = v.string(0)))
        .parameter(Parameter::new(uint("port", 1, 65535), "where", |o: &mut Typed, v| o.port = v.uint(0)))
        .parameter(Parameter::new(text("file"), "what to send", |o: &mut Typed, v| o.files.push(v.text(0))).many())
        .group(
            Group::new("general options", "")
                .row(flag("-h", "--help", "usage", |_| ()).exclusive(Exclusive::Help))
                .row(flag("", "--version", "version", |_| ()).exclusive(Exclusive::Version))
                .row(flag("", "--list", "list", |_| ()).exclusive(Exclusive::List(|| "a\nb\n".to_owned())))
                .row(flag("", "--list-later", "list", |_| ()).exclusive(Exclusive::List(String::new)).later())
                .row(flag("-q", "--quiet", "quiet", |o: &mut Typed| o.quiet = true))
                .row(option("", "--arguments", &[], "call", |o: &mut Typed, v| o.call = Some(v.call().to_owned()))),
        )
        .group(
            Group::new("colours", "the colour")
                .choice([
                    color("+r", "--red", "red").default(),
                    color("+g", "--green", "green").not_with(&["--not-blue"]),
                    color("+b", "--blue", "blue").later(),
                ])
                .row(flag("", "--only-green", "x", |_| ()).only_with(&["--green", "--red"]))
                .row(flag("", "--not-blue", "x", |_| ()).not_with_any(&["--blue", "--number"])),
        )
        .group(
            Group::new("colours", "values")
                .row(option("-n", "--number", const { &[int("n", -1)] }, "x", |o: &mut Typed, v| o.number = v.int(0)))
                .row(
                    option("-m", "--many", const { &[text("a"), uint("b", 2, 9)] }, "x", |o: &mut Typed, v| {
                        o.many.push(format!("{}{}", v.string(0), v.uint(1)));
                    })
                    .repeatable(),
                )
                .row(option(
                    "-l",
                    "--level",
                    const { &[word("l", &["low"], &["top"], "Invalid level")] },
                    "x",
                    |o: &mut Typed, v| o.level = v.string(0),
                ))
                .row(flag("", "--unbuilt", "x", |_| ()).later()),
        )
}

fn call(line: &str, strict: bool) -> Result<Typed, Stop> {
    let argv = std::iter::once("tool").chain(line.split_whitespace()).map(OsString::from);
    sender().evaluate(argv, strict)
}

fn accepted(line: &str) -> Typed {
    call(&format!("{line} host 104 f"), false).unwrap()
}

/// The text behind `error: `, the frame around it checked.
fn error(line: &str) -> String {
    let stop = call(line, true).unwrap_err();
    assert_eq!((stop.code, stop.stdout.as_str()), (1, ""), "{line}");
    let mut lines = stop.stderr.lines();
    let banner = lines.next().unwrap();
    assert!(banner.starts_with("$pacs-tools: tool v") && banner.ends_with(" $"), "{banner}");
    assert_eq!((lines.next(), lines.next()), (Some(""), Some("tool: a tool")));
    let error = lines.next().unwrap().strip_prefix("error: ").unwrap().to_owned();
    assert_eq!(lines.next(), None);
    error
}

#[test]
fn parameters_are_counted_and_assigned() {
    assert_eq!(error("-n 1"), "Missing parameter peer");
    assert_eq!(error("host"), "Missing parameter port");
    assert_eq!(error("host 104"), "Missing parameter file");
    let typed = call("host -n 5 104 a b -q c", true).unwrap();
    assert_eq!((typed.peer.as_str(), typed.port), ("host", 104));
    assert_eq!(typed.files, ["a", "b", "c"]);
    for (port, fault) in [("x", "x"), ("0", "0 (underflow)"), ("-5", "-5 (overflow)"), ("65536", "65536 (overflow)")] {
        assert_eq!(error(&format!("host {port} f")), format!("Invalid parameter value {fault}"));
    }
}

#[test]
fn surplus_parameters_are_refused() {
    let program = || Program::<Typed>::new("t", "t", &["port"]);
    let port = || Parameter::new(uint("port", 1, 65535), "p", |o: &mut Typed, v| o.port = v.uint(0)).optional();
    let argv = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>().into_iter();
    let stop = program().parameter(port()).evaluate(argv("t 1 2"), true).unwrap_err();
    assert!(stop.stderr.ends_with("\nerror: Too many parameters\n"), "{}", stop.stderr);
    assert_eq!(program().parameter(port()).evaluate(argv("t 1"), true).unwrap().port, 1);
}

#[test]
fn the_rightmost_of_a_family_wins() {
    assert_eq!(accepted("").color, "");
    assert_eq!(accepted("+r +g").color, "green");
    assert_eq!(accepted("+g +r").color, "red");
    assert_eq!(accepted("+g +b +g +r +b").color, "blue");
    assert_eq!(accepted("-n 1 -n 0x10").number, 16);
    assert_eq!(accepted("-m a 2 -m b 3").many, ["a2", "b3"]);
}

#[test]
fn a_beaten_option_is_skipped_with_its_rules() {
    // Evaluated before the winner, green still complains; beaten by one evaluated before it, it does not.
    assert_eq!(error("--not-blue +g +b host 1 f"), "--green not allowed with --not-blue");
    assert_eq!(accepted("--not-blue +g +r").color, "red");
}

#[test]
fn rules_look_at_what_is_in_effect() {
    accepted("--only-green");
    accepted("--only-green +b +g");
    assert_eq!(error("--only-green +b host 1 f"), "--only-green only allowed with --green or --red");
    accepted("+b +r --not-blue");
    assert_eq!(error("+b --not-blue host 1 f"), "--not-blue not allowed with --blue or --number");
    assert_eq!(list(&["a"]), "a");
    assert_eq!(list(&["a", "b", "c"]), "a, b or c");
}

#[test]
fn values_are_read_when_their_option_is_evaluated() {
    for (line, fault) in [
        ("-n x", "--number (x)"),
        ("-n -2", "--number (underflow: -2)"),
        ("-m a 1", "--many (underflow: 1)"),
        ("-m a 10", "--many (overflow: 10)"),
        ("-m a -3", "--many (-3)"),
        ("-m a x -n y", "--number (y)"),
        ("-m a 1 -m a 2", "--many (underflow: 1)"),
    ] {
        assert_eq!(error(&format!("{line} h 1 f")), format!("Invalid value for option {fault}"));
    }
    assert_eq!(accepted("-n x -n 3").number, 3);
    assert_eq!(accepted("-l LOW").level, "low");
    assert_eq!(accepted("-l top").level, "top");
    assert_eq!(error("-l high h 1 f"), "Invalid level");
    let argv = ["tool", "-n", "", "h", "1", "f"].map(OsString::from);
    let stop = sender().evaluate(argv.into_iter(), true).unwrap_err();
    assert!(stop.stderr.ends_with("error: Invalid value for option --number\n"), "{}", stop.stderr);
}

#[test]
fn errors_are_hidden_once_the_log_is_quiet() {
    let stop = |line: &str| call(line, true).unwrap_err();
    assert_eq!(stop("-q -n x h 1 f"), Stop { code: 1, stdout: String::new(), stderr: String::new() });
    assert!(stop("-q h x f").stderr.contains("error: Invalid parameter value x"));
    let logged = stop("-q --arguments -n x h 1 f").stderr;
    assert_eq!(logged, "I: calling 'tool' with 7 arguments: '--quiet' '--arguments' '--number' 'x' 'h' '1' 'f' \n");
    let logged = stop("--arguments -n x h 1 f").stderr;
    assert!(logged.starts_with("I: calling ") && logged.ends_with("error: Invalid value for option --number (x)\n"));
}

#[test]
fn the_log_is_set_up_in_its_turn() {
    assert_eq!(error("nolog 104 f --number x"), "No log");
    assert_eq!(error("nolog x f"), "Invalid parameter value x", "the port comes before");
    assert_eq!(error("-q --arguments nolog 104 f"), "No log", "nothing is hidden or logged yet");
    assert_eq!(call("host 104 f", true).unwrap().log.as_deref(), Some("tool as tool"));
    let table_only = call("nolog 104 f", false).unwrap();
    assert_eq!(table_only.log, None);
}

#[test]
fn options_without_effect_are_refused_in_the_end() {
    assert_eq!(error("--unbuilt host 1 f"), "--unbuilt is not available yet");
    assert_eq!(error("+b host 1 f"), "--blue is not available yet");
    assert_eq!(error("--unbuilt -n x host 1 f"), "Invalid value for option --number (x)");
    assert_eq!(call("+b +r host 1 f", true).unwrap().color, "red");
    assert_eq!(error("--list-later"), "--list-later is not available yet");
}

#[test]
fn what_prints_suppresses_the_parameter_check() {
    let printed = |line: &str| {
        let stop = call(line, true).unwrap_err();
        assert_eq!((stop.code, stop.stderr.as_str()), (0, ""), "{line}");
        stop.stdout
    };
    assert_eq!(printed(""), printed("--help"));
    assert_eq!(printed("-h a b c d"), printed("--version --help"));
    assert!(printed("--help").contains("\nusage: tool [options] peer port file...\n\nparameters:\n"));
    assert!(printed("--list --version").contains("\n\ntool: a tool\n\nHost type: "));
    assert!(printed("--list").ends_with(" $\n\na\nb\n"));
    assert_eq!(error("--help --foo"), "Unknown option --foo");
    assert_eq!(error("--version -n"), "Missing value for option --number");
}

#[test]
fn values_need_not_be_text() {
    let file = OsString::from_vec(vec![0xff, b'f']);
    let argv = ["tool".into(), "h".into(), "1".into(), file.clone()];
    let Outcome::Run(typed) = sender().parse(argv.into_iter()) else { panic!("stopped") };
    assert_eq!(typed.files, [file]);
}

#[test]
fn clap_finds_the_table_coherent() {
    let command = sender().command();
    command.clone().debug_assert();
    assert_eq!(command.get_arguments().count(), 3 + sender().entries().len());
}
