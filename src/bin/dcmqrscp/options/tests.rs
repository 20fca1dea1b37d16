//! dcmqrscp's options against the tables of DCMTK's: names, values, defaults, rules, order of checks.

use std::ffi::OsString;
use std::time::Duration;

use pacs_testing::{Line, table};
use pacs_tools::cli::{Entry, Kind, Stop, ValueSpec};

use super::*;

fn documented() -> Vec<Line> {
    let mut lines = table("options-dcmqrscp.tsv");
    lines.retain(|line| line["group"] != "parameters");
    assert!(lines.len() > 120);
    lines
}

const PARAMETERS: [&str; 0] = [];

/// Evaluate words, options without effect included.
fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Config, Stop> {
    program().evaluate(std::iter::once("dcmqrscp").chain(words).map(OsString::from), false)
}

/// Evaluate a line; the parameters are added.
fn evaluate(line: &str) -> Result<Config, Stop> {
    words(line.split_whitespace().chain(PARAMETERS))
}

fn accepted(line: &str) -> Config {
    evaluate(line).unwrap_or_else(|stop| panic!("{line}: {}", stop.stderr))
}

/// What stands behind `error: `; empty if the line is accepted.
fn error(line: &str) -> String {
    match evaluate(line) {
        Ok(_) => String::new(),
        Err(stop) => {
            assert_eq!((stop.code, stop.stdout.as_str()), (1, ""), "{line}");
            stop.stderr.lines().find_map(|text| text.strip_prefix("error: ")).unwrap_or("(silent)").to_owned()
        }
    }
}

/// The bounds of a value as the table and the rows state them.
fn bounds(spec: &ValueSpec) -> String {
    let bound = |max: u64| if max == u64::MAX { String::new() } else { max.to_string() };
    match spec.kind {
        Kind::Text | Kind::Word { .. } => String::new(),
        Kind::Int { min } => format!("{min}.."),
        Kind::Uint { min, max } => format!("{min}..{}", bound(max)),
    }
}

#[test]
fn every_documented_option_is_a_row_and_every_row_is_documented() {
    let program = program();
    let entries = program.entries();
    let shown: Vec<_> = entries.iter().map(|entry| entry.row.long).collect();
    let lines = documented();
    assert_eq!(shown, lines.iter().map(|line| line["long"].as_str()).collect::<Vec<_>>(), "the order of the usage");
    for (entry, line) in entries.iter().zip(&lines) {
        let row = &entry.row;
        assert!(line["group"].starts_with(entry.heading), "{}", row.long);
        let sub = entry.sub.split(" (").next().unwrap_or_default();
        assert!(line["subgroup"].starts_with(if sub.is_empty() { "-" } else { sub }), "{}: {sub}", row.long);
        assert_eq!(if row.short.is_empty() { "-" } else { row.short }, line["short"], "{}", row.long);
        let values: Vec<_> = line["params"].split_whitespace().filter(|word| word.contains(':')).collect();
        assert_eq!(row.values.len(), values.len(), "{}", row.long);
        assert_eq!(row.repeatable, line["params"].ends_with(" (repeatable)"), "{}", row.long);
        for (spec, value) in row.values.iter().zip(values) {
            let documented = match value.split(':').collect::<Vec<_>>()[..] {
                [_, "int" | "uint", bounds] => bounds,
                _ => "",
            };
            assert_eq!(bounds(spec), documented, "{}", row.long);
        }
        let is_default = line["default"] == "on" || line["default"].starts_with("on ");
        assert_eq!(row.is_default, is_default, "{}: {}", row.long, line["default"]);
        assert!(!row.help.is_empty() && !row.help.ends_with('.'), "{}", row.long);
    }
}

#[test]
fn every_option_and_parameter_has_its_place_in_the_order_of_checks() {
    let program = program();
    let mut expected: Vec<_> = program.entries().iter().map(|entry| entry.row.long).collect();
    expected.extend(["port", LOGGING]);
    let mut checks = program.checks().to_vec();
    expected.sort_unstable();
    checks.sort_unstable();
    assert_eq!(checks, expected);
}

#[test]
fn faults_are_reported_in_the_order_seen_on_dcmtk() {
    let lines = table("options-dcmqrscp-faults.tsv");
    assert!(lines.len() > 200);
    let wrong: Vec<_> = lines
        .iter()
        // The log is not set up here.
        .filter(|line| !line["error"].contains("--log-config file"))
        .map(|line| (&line["arguments"], &line["error"], error(&line["arguments"])))
        .filter(|(_, expected, found)| *expected != found)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sni_is_asked_for_or_not() {
    assert_eq!(error("--request-sni x --no-sni"), "--no-sni not allowed with --request-sni");
    assert_eq!(error("--expect-sni x --no-sni"), "--no-sni not allowed with --expect-sni");
}

#[test]
fn help_lists_every_row() {
    let Err(Stop { code: 0, stdout, stderr }) = words(["--help"]) else { panic!("no usage") };
    assert_eq!(stderr, "");
    assert!(stdout.starts_with("$pacs-tools: dcmqrscp v"));
    assert!(stdout.contains("\nusage: dcmqrscp [options] [port]\n"), "{stdout}");
    let program = program();
    let mut rest = stdout.as_str();
    for Entry { row, heading, sub, .. } in program.entries() {
        let line = format!("{:w$}{}", row.short, row.long, w = if sub.is_empty() { 8 } else { 6 });
        assert!(stdout.contains(&format!("\n{heading}:\n")), "{heading}");
        assert!(sub.is_empty() || stdout.contains(&format!("\n  {sub}:\n")), "{sub}");
        let (_, after) = rest.split_once(&line).unwrap_or_else(|| panic!("{line}"));
        rest = after;
    }
    assert!(stdout.lines().all(|line| line.len() <= 80 || line.ends_with(':')), "wider than a terminal");
    assert!(words([]).is_ok(), "it runs without arguments");
}

#[test]
fn clap_finds_the_table_coherent() {
    program().command().debug_assert();
}

#[test]
fn restrictions_of_move_targets_count_from_left_to_right() {
    let targets = |line: &str| {
        let MoveTargets { same_title, same_host, same_vendor } = accepted(line).targets;
        [same_title, same_host, same_vendor]
    };
    assert_eq!(targets(""), [false; 3]);
    assert_eq!(targets("-ZA -ZH"), [true, true, false]);
    assert_eq!(targets("-ZH -ZA"), [true, false, false]);
    assert_eq!(targets("-ZA -ZH -ZV"), [true; 3]);
    assert_eq!(targets("-ZA --move-unrestricted"), [false; 3]);
    assert_eq!(targets("--move-unrestricted -ZV"), [false, false, true]);
}

#[test]
fn what_is_typed_is_what_is_meant() {
    let config =
        accepted("104 -c a.cfg -s --require-find --no-parallel-store --disable-get --allow-shutdown -XF -XM -QP -QO");
    assert_eq!(config.file, Some("a.cfg".into()));
    assert!(config.single_process && config.require_find && config.no_parallel_store && config.disable_get);
    assert!(config.allow_shutdown && config.check_find && config.check_move);
    assert_eq!((config.no_patient_root, config.no_study_root, config.no_patient_study), (true, false, true));
    assert_eq!(config.port, Some(104));
    let config = accepted("-XF --no-check-find -s --fork -pdu 8192 -to 3 -ta 4 -td 5 --idle-timeout 6");
    assert!(!config.check_find && !config.single_process && config.max_pdu_given);
    assert_eq!(config.network.max_pdu, 8192);
    let seconds = |n| Some(Duration::from_secs(n));
    assert_eq!(config.connect_timeout, seconds(3));
    assert_eq!((config.network.acse_timeout, config.network.dimse_timeout), (seconds(4), seconds(5)));
    assert_eq!(config.beyond.idle_timeout, seconds(6));
    let config = accepted("-xf file in out -Cr +U8 +L1 -Ct -Cd");
    assert_eq!(config.profiles, Some(("file".into(), "in".to_owned(), "out".to_owned())));
    let set = Some("ISO_IR 100".to_owned());
    assert_eq!(config.charset, Charset { overrides: Some(true), set, transliterate: true, discard: true });
    assert_eq!(accepted("+U8 +C x -Cr +Cr").charset.set.as_deref(), Some("x"));
    assert_eq!(accepted("+C x +A7").charset.set.as_deref(), Some(""));
    let config = accepted("--no-sync --index-directory d --pn-match fold --check AE");
    assert_eq!(config.beyond.task, Task::Check("AE".to_owned()));
    assert!(config.beyond.no_sync && config.beyond.pn_match == PnMatch::Fold);
    assert_eq!(config.beyond.index_directory, Some("d".into()));
    assert_eq!(accepted("--check AE --repair BE").beyond.task, Task::Repair("BE".to_owned()));
    assert_eq!(accepted("--check-config").beyond.task, Task::CheckConfig);
    assert_eq!(accepted("--print-config --pn-match ignorecase").beyond.pn_match, PnMatch::IgnoreCase);
}
