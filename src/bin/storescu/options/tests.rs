//! storescu's options against the tables of DCMTK's: names, values, defaults, rules, order of checks.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

use pacs_core::net::IpVersion;
use pacs_testing::{Line, table};
use pacs_tools::cli::{Entry, Kind, Rule, Stop, ValueSpec};
use pacs_tools::log::Level;
use pacs_tools::options::output::NewVrs;
use pacs_tools::options::tls::{KeyFormat, Password, PeerCertificate, Profile, Revocation, SeedOutput, Transport};

use super::*;

fn documented() -> Vec<Line> {
    let lines = table("options-storescu.tsv");
    assert!(lines.len() > 100);
    lines
}

const PARAMETERS: [&str; 3] = ["here", "104", "file"];

/// Evaluate words, options without effect included.
fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Config, Stop> {
    program().evaluate(std::iter::once("storescu").chain(words).map(OsString::from), false)
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

fn documented_value(spec: &ValueSpec) -> String {
    let bound = |max: u64| if max == u64::MAX { String::new() } else { max.to_string() };
    let kind = match spec.kind {
        Kind::Text if spec.name == "aetitle" => "string(1..16 used)".to_owned(),
        Kind::Text => "string".to_owned(),
        Kind::Int { min } => format!("int:{min}.."),
        Kind::Uint { min, max } => format!("uint:{min}..{}", bound(max)),
        Kind::Word { shown, hidden, .. } => {
            assert_eq!(hidden, ["off", "all"]);
            format!("enum({}; case-insensitive; off and all also accepted)", shown.join("|"))
        }
    };
    format!("{}:{kind}", spec.name)
}

fn find<'a>(entries: &'a [Entry<Config>], long: &str) -> &'a Entry<Config> {
    entries.iter().find(|entry| entry.row.long == long).unwrap_or_else(|| panic!("{long}"))
}

/// The option with values that are right, for short or long name.
fn typed(entry: &Entry<Config>, name: &str) -> String {
    let values = entry.row.values.iter().map(|spec| match spec.kind {
        Kind::Text => " x".to_owned(),
        Kind::Int { min } => format!(" {}", min.max(5)),
        Kind::Uint { min, max } => format!(" {}", min.max(5).min(max)),
        Kind::Word { .. } => " error".to_owned(),
    });
    name.to_owned() + &values.collect::<String>()
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
        assert_eq!((entry.heading, entry.sub), (line["group"].as_str(), line["subgroup"].as_str()), "{}", row.long);
        assert_eq!(row.short, line["short"], "{}", row.long);
        let values: Vec<_> = row.values.iter().map(documented_value).collect();
        let repeatable = if row.repeatable { " (repeatable)" } else { "" };
        assert_eq!(values.join(" ") + repeatable, line["params"], "{}", row.long);
        let default = match line["default"].as_str() {
            "off" | "none" | "empty" | "default (3.6.7)" => "",
            "default (3.7.0)" => "default",
            other => other,
        };
        assert_eq!(if row.is_default { "default" } else { row.default }, default, "{}", row.long);
        assert!(!row.help.is_empty() && !row.help.ends_with('.'), "{}", row.long);
    }
}

#[test]
fn every_option_and_parameter_has_its_place_in_the_order_of_checks() {
    let program = program();
    let mut expected: Vec<_> = program.entries().iter().map(|entry| entry.row.long).collect();
    expected.extend(["peer", "port", "dcmfile-in", LOGGING]);
    let mut checks = program.checks().to_vec();
    expected.sort_unstable();
    checks.sort_unstable();
    assert_eq!(checks, expected);
}

/// The conditions a table states, each as the options of which one must be given.
fn requirements(text: &str) -> BTreeSet<BTreeSet<String>> {
    let text = text.replace("INFO logging (--verbose, --debug or equivalent)", "verbose mode");
    let one = |part: &str| part.replace(" or ", ", ").split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
    text.split(" and ").filter(|part| !part.is_empty()).map(one).collect()
}

/// The conflicts a table states for an option.
fn conflicts(line: &Line) -> Vec<String> {
    let all = "every --propose option except --propose-uncompr";
    let text = line["conflicts"].replace(all, &syntaxes::PROPOSALS.join(","));
    text.split(',').filter(|other| other.starts_with("--") && !other.contains(' ')).map(str::to_owned).collect()
}

#[test]
fn rules_are_those_documented() {
    let program = program();
    let pair = |a: &str, b: &str| BTreeSet::from([a.to_owned(), b.to_owned()]);
    let (mut documented_conflicts, mut found) = (BTreeSet::new(), BTreeSet::new());
    for line in documented() {
        let entry = find(program.entries(), &line["long"]);
        let long = entry.row.long;
        documented_conflicts.extend(conflicts(&line).iter().map(|other| pair(long, other)));
        let mut required = BTreeSet::new();
        for rule in &entry.row.rules {
            match rule {
                Rule::OnlyWith(names) => _ = required.insert(names.iter().map(ToString::to_string).collect()),
                Rule::OnlyIf(text, _) => _ = required.insert(BTreeSet::from([(*text).to_owned()])),
                Rule::Must(..) => {}
                Rule::NotWith(names) => found.extend(names.iter().map(|other| pair(long, other))),
            }
        }
        assert_eq!(required, requirements(&line["requires"]), "{long}");
    }
    assert_eq!(found, documented_conflicts);
}

#[test]
fn every_documented_conflict_is_reported() {
    let program = program();
    let entries = program.entries();
    let mut seen = 0;
    for line in documented() {
        for other in conflicts(&line) {
            let (a, b) = (find(entries, &line["long"]), find(entries, &other));
            let tls = [a, b].iter().any(|entry| entry.row.long == "--cipher");
            let context = if tls { "+tls a b" } else { "" };
            let text = error(&format!("{context} {} {}", typed(a, a.row.long), typed(b, b.row.long)));
            assert!(text.contains(" not allowed with "), "{} {other}: {text}", a.row.long);
            assert!(text.contains(a.row.long) && text.contains(other.as_str()), "{} {other}: {text}", a.row.long);
            seen += 1;
        }
    }
    assert!(seen > 70, "{seen}");
}

#[test]
fn every_documented_dependency_is_reported() {
    let program = program();
    let mut seen = 0;
    for line in documented() {
        let entry = find(program.entries(), &line["long"]);
        for (place, required) in requirements(&line["requires"]).iter().enumerate() {
            let context = match (entry.row.long, place) {
                ("--write-seed" | "--write-seed-file", 1) => "+tls a b ",
                _ => "",
            };
            let text = error(&format!("{context}{}", typed(entry, entry.row.long)));
            let (named, others) = text.split_once(" only allowed with ").unwrap_or_else(|| panic!("{line:?}: {text}"));
            assert_eq!(named, entry.row.long);
            assert_eq!(requirements(others), BTreeSet::from([required.clone()]), "{line:?}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn faults_are_reported_in_the_order_seen_on_dcmtk() {
    let lines = table("options-storescu-faults.tsv");
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
fn parameters_are_told_when_they_are_missing_or_wrong() {
    let error = |line: &[&str]| {
        let stop = words(line.iter().copied()).unwrap_err();
        assert_eq!(stop.code, 1);
        stop.stderr.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(error(&["-v"]), "error: Missing parameter peer");
    assert_eq!(error(&["here"]), "error: Missing parameter port");
    assert_eq!(error(&["here", "104"]), "error: Missing parameter dcmfile-in");
    assert_eq!(error(&["here", "0", "x"]), "error: Invalid parameter value 0 (underflow)");
    assert_eq!(error(&["here", "65536", "x"]), "error: Invalid parameter value 65536 (overflow)");
    assert_eq!(error(&["here", "-5", "x"]), "error: Invalid parameter value -5 (overflow)");
    let config = words(["here", "104", "a", "-v", "b", "-5"]).unwrap();
    assert_eq!((config.peer.as_str(), config.port), ("here", 104));
    assert_eq!(config.names, ["a", "b", "-5"]);
}

#[test]
fn help_lists_every_row() {
    let Err(Stop { code: 0, stdout, stderr }) = words(["--help"]) else { panic!("no usage") };
    assert_eq!(stderr, "");
    assert!(stdout.starts_with("$pacs-tools: storescu v"));
    assert!(stdout.contains("\nusage: storescu [options] peer port dcmfile-in...\n"), "{stdout}");
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
    assert_eq!(words([]).unwrap_err().stdout, stdout);
}

#[test]
fn clap_finds_the_table_coherent() {
    program().command().debug_assert();
}

#[test]
fn short_names_mean_the_same_as_long_ones() {
    let program = program();
    for entry in program.entries().iter().filter(|entry| !entry.row.short.is_empty() && entry.row.exclusive.is_none()) {
        let (long, short) = (typed(entry, entry.row.long), typed(entry, entry.row.short));
        let evaluated = |line: &str| evaluate(&format!("+sd -xd +tls a b -v {line}")).map_err(|stop| stop.stderr);
        assert_eq!(evaluated(&short), evaluated(&long), "{short}");
    }
}

/// For each option a line with it, and what must have come of it. The same line without the option must not show it.
type Effect = (&'static str, &'static str, fn(&Config) -> bool);

const EFFECTS: &[Effect] = &[
    ("", "--arguments", |c| {
        let call = "calling 'storescu' with 4 arguments: '--arguments' 'here' '104' 'file' ";
        c.general.arguments.as_deref() == Some(call)
    }),
    ("", "--quiet", |c| c.general.level == Level::Fatal),
    ("", "--verbose", |c| c.general.level == Level::Info),
    ("", "--debug", |c| c.general.level == Level::Debug),
    ("", "--log-level Trace", |c| c.general.level == Level::Trace),
    ("", "--log-config x", |c| c.general.log_config == Some("x".into())),
    ("-v", "--verbose-pc", |c| c.general.verbose_pc),
    ("-f", "--read-file", |c| c.input.expected == Expected::Either),
    ("", "--read-file-only", |c| c.input.expected == Expected::File),
    ("", "--read-dataset", |c| c.input.expected == Expected::DataSet),
    ("", "--scan-directories", |c| c.input.scan),
    ("+sd", "--scan-pattern *.dcm", |c| c.input.pattern == Some("*.dcm".into())),
    ("+sd +r", "--no-recurse", |c| !c.input.recurse),
    ("+sd", "--recurse", |c| c.input.recurse),
    ("+rn", "--no-rename", |c| !c.input.rename),
    ("", "--rename", |c| c.input.rename),
    ("-i6", "--ipv4", |c| c.network.ip == IpVersion::V4),
    ("", "--ipv6", |c| c.network.ip == IpVersion::V6),
    ("", "--ip-auto", |c| c.network.ip == IpVersion::Dual),
    ("", "--aetitle ME", |c| c.calling == "ME"),
    ("", "--call YOU", |c| c.called == "YOU"),
    ("", "--config-file file Name", |c| c.profile == Some(("file".into(), "Name".into()))),
    ("-xi", "--propose-uncompr", |c| proposes(c, "1.2.840.10008.1.2.1", 2)),
    ("-xi", "--propose-little", |c| proposes(c, "1.2.840.10008.1.2.1", 2)),
    ("", "--propose-big", |c| proposes(c, "1.2.840.10008.1.2.2", 2)),
    ("", "--propose-implicit", |c| proposes(c, "1.2.840.10008.1.2", 0)),
    ("", "--propose-lossless", |c| proposes(c, "1.2.840.10008.1.2.4.70", 3)),
    ("", "--propose-jpeg8", |c| proposes(c, "1.2.840.10008.1.2.4.50", 3)),
    ("", "--propose-jpeg12", |c| proposes(c, "1.2.840.10008.1.2.4.51", 3)),
    ("", "--propose-j2k-lossless", |c| proposes(c, "1.2.840.10008.1.2.4.90", 3)),
    ("", "--propose-j2k-lossy", |c| proposes(c, "1.2.840.10008.1.2.4.91", 3)),
    ("", "--propose-jls-lossless", |c| proposes(c, "1.2.840.10008.1.2.4.80", 3)),
    ("", "--propose-jls-lossy", |c| proposes(c, "1.2.840.10008.1.2.4.81", 3)),
    ("", "--propose-mpeg2", |c| proposes(c, "1.2.840.10008.1.2.4.100", 0)),
    ("", "--propose-mpeg2-high", |c| proposes(c, "1.2.840.10008.1.2.4.101", 0)),
    ("", "--propose-mpeg4", |c| proposes(c, "1.2.840.10008.1.2.4.102", 0)),
    ("", "--propose-mpeg4-bd", |c| proposes(c, "1.2.840.10008.1.2.4.103", 0)),
    ("", "--propose-mpeg4-2-2d", |c| proposes(c, "1.2.840.10008.1.2.4.104", 0)),
    ("", "--propose-mpeg4-2-3d", |c| proposes(c, "1.2.840.10008.1.2.4.105", 0)),
    ("", "--propose-mpeg4-2-st", |c| proposes(c, "1.2.840.10008.1.2.4.106", 0)),
    ("", "--propose-hevc", |c| proposes(c, "1.2.840.10008.1.2.4.107", 0)),
    ("", "--propose-hevc10", |c| proposes(c, "1.2.840.10008.1.2.4.108", 0)),
    ("", "--propose-rle", |c| proposes(c, "1.2.840.10008.1.2.5", 3)),
    ("", "--propose-deflated", |c| proposes(c, "1.2.840.10008.1.2.1.99", 3)),
    ("", "--required", |c| c.required),
    ("", "--combine", |c| c.combine),
    ("-u", "--enable-new-vr", |c| c.output.new_vrs == NewVrs::Keep),
    ("", "--disable-new-vr", |c| c.output.new_vrs == NewVrs::AsOb),
    ("-xd", "--compression-level 9", |c| c.output.compression_level == 9),
    ("", "--user joe", |c| c.identity == Identity::User("joe".into())),
    ("-usr joe", "--password pw", |c| c.identity == Identity::Password("joe".into(), "pw".into())),
    ("-usr joe", "--empty-password", |c| c.identity == Identity::Password("joe".into(), String::new())),
    ("-usr joe", "--kerberos f", |c| c.identity == Identity::File(3, "f".into())),
    ("-usr joe", "--saml f", |c| c.identity == Identity::File(4, "f".into())),
    ("-usr joe", "--jwt f", |c| c.identity == Identity::File(5, "f".into())),
    ("-usr joe", "--pos-response", |c| c.confirm_identity),
    ("", "--timeout 6", |c| c.connect_timeout == Some(Duration::from_secs(6))),
    ("", "--socket-timeout 0x10", |c| c.network.socket_timeout == Some(Duration::from_secs(16))),
    ("", "--socket-timeout -1", |c| c.network.socket_timeout.is_none()),
    ("", "--acse-timeout 7", |c| c.network.acse_timeout == Some(Duration::from_secs(7))),
    ("", "--dimse-timeout 8", |c| c.network.dimse_timeout == Some(Duration::from_secs(8))),
    ("", "--max-pdu 4096", |c| c.network.max_pdu == 4096),
    ("", "--max-send-pdu 5000", |c| c.max_send_pdu == Some(5000)),
    ("", "--repeat 3", |c| c.repeat == 3),
    ("", "--abort", |c| c.abort),
    ("", "--no-halt", |c| c.no_halt),
    ("", "--uid-padding", |c| c.network.uid_padding),
    ("", "--invent-instance", |c| c.invent == Invent { on: true, ..Invent::default() }),
    ("", "--invent-series 2", |c| c.invent == Invent { on: true, series: 2, ..Invent::default() }),
    ("", "--invent-study 3", |c| c.invent == Invent { on: true, study: 3, ..Invent::default() }),
    ("", "--invent-patient 4", |c| c.invent == Invent { on: true, patient: 4, ..Invent::default() }),
    ("", "--propose-from-files", |c| c.beyond.propose_from_files),
    ("", "--parallel 4", |c| c.beyond.parallel == 4),
    ("", "--retry 2", |c| c.beyond.retry == 2),
    ("", "--resume j", |c| c.beyond.resume == Some("j".into())),
    ("", "--report r", |c| c.beyond.report == Some("r".into())),
    ("+tls a b", "--disable-tls", |c| c.tls.transport == Transport::Plain),
    ("", "--enable-tls a b", |c| c.tls.transport == Transport::Tls { key: "a".into(), certificate: "b".into() }),
    ("", "--anonymous-tls", |c| c.tls.transport == Transport::Anonymous),
    ("+tls a b -pw", "--std-passwd", |c| c.tls.password == Password::Ask),
    ("+tls a b", "--use-passwd secret", |c| c.tls.password == Password::Given("secret".into())),
    ("+tls a b", "--null-passwd", |c| c.tls.password == Password::Empty),
    ("+tla -der", "--pem-keys", |c| c.tls.key_format == KeyFormat::Pem),
    ("+tla", "--der-keys", |c| c.tls.key_format == KeyFormat::Der),
    ("+tla", "--add-cert-file x --add-cert-file y", |c| c.tls.trusted_files == [Path::new("x"), Path::new("y")]),
    ("+tla", "--add-cert-dir x --add-cert-dir y", |c| c.tls.trusted_folders == [Path::new("x"), Path::new("y")]),
    ("+tla", "--add-crl-file x --add-crl-file y", |c| c.tls.revocation_lists == [Path::new("x"), Path::new("y")]),
    ("+tla", "--enable-crl-vfy", |c| c.tls.revocation == Revocation::Leaf),
    ("+tla", "--enable-crl-all", |c| c.tls.revocation == Revocation::Chain),
    ("+tla +px", "--profile-8996", |c| c.tls.profile == Profile::Rfc8996),
    ("+tla", "--profile-8996-mod", |c| c.tls.profile == Profile::Rfc8996Modified),
    ("+tla", "--profile-bcp195-nd", |c| c.tls.profile == Profile::NonDowngrading),
    ("+tla", "--profile-bcp195", |c| c.tls.profile == Profile::Bcp195),
    ("+tla", "--profile-bcp195-ex", |c| c.tls.profile == Profile::Extended),
    ("+tla", "--profile-basic", |c| c.tls.profile == Profile::Basic),
    ("+tla", "--profile-aes", |c| c.tls.profile == Profile::Aes),
    ("+tla", "--profile-null", |c| c.tls.profile == Profile::Unencrypted),
    ("+tla", "--cipher x --cipher y", |c| c.tls.ciphers == ["x", "y"]),
    ("", "--request-sni host", |c| c.tls.request_sni.as_deref() == Some("host")),
    ("+tla", "--seed x", |c| c.tls.seed == Some("x".into())),
    ("+tla +rs x", "--write-seed", |c| c.tls.seed_output == SeedOutput::SameFile),
    ("+tla +rs x", "--write-seed-file y", |c| c.tls.seed_output == SeedOutput::File("y".into())),
    ("+tla -ic", "--require-peer-cert", |c| c.tls.peer_certificate == PeerCertificate::Require),
    ("+tla", "--ignore-peer-cert", |c| c.tls.peer_certificate == PeerCertificate::Ignore),
];

/// This syntax first, then so many others.
fn proposes(config: &Config, uid: &str, others: usize) -> bool {
    let Proposed { first, otherwise } = config.proposed;
    first == uid && otherwise.len() == others
}

#[test]
fn every_option_has_its_effect() {
    for (context, line, holds) in EFFECTS {
        assert!(!holds(&accepted(context)), "{line}: holds without it");
        assert!(holds(&accepted(&format!("{context} {line}"))), "{line}");
    }
    let tried: BTreeSet<_> = EFFECTS.iter().filter_map(|(_, line, _)| line.split(' ').next()).collect();
    let program = program();
    // `--no-sni` only says what is so anyway.
    let exempt = |entry: &&Entry<Config>| entry.row.exclusive.is_none() && entry.row.long != "--no-sni";
    let all: BTreeSet<_> = program.entries().iter().filter(exempt).map(|entry| entry.row.long).collect();
    assert_eq!(tried, all);
}

#[test]
fn defaults_are_those_documented() {
    let config = accepted("");
    let parameters = || Config { peer: "here".into(), port: 104, names: vec!["file".into()], ..Config::default() };
    assert_eq!(config, parameters());
    assert_eq!(config.network.socket_timeout, Some(Duration::from_secs(60)));
    assert_eq!(config.network.acse_timeout, Some(Duration::from_secs(30)));
    assert_eq!((config.network.dimse_timeout, config.connect_timeout), (None, None));
    assert_eq!((config.network.max_pdu, config.max_send_pdu, config.repeat), (16384, None, 1));
    assert_eq!((config.calling.as_str(), config.called.as_str()), ("STORESCU", "ANY-SCP"));
    assert_eq!((config.invent.series, config.invent.study, config.invent.patient), (100, 50, 25));
    assert_eq!(
        config.proposed,
        Proposed { first: "1.2.840.10008.1.2.1", otherwise: &["1.2.840.10008.1.2.2", "1.2.840.10008.1.2"] }
    );
    // What is the default may be said as well.
    assert_eq!(accepted("+f -r -rn -i4 -x= +u -tls --no-sni"), config);
}

#[test]
fn identities_are_told_apart_as_by_dcmtk() {
    let identity = |line: &str| accepted(line).identity;
    assert_eq!(identity("-epw -pwd x -usr u"), Identity::Password("u".into(), "x".into()));
    assert_eq!(identity("-kt f -usr u -pwd x"), Identity::Password("u".into(), "x".into()));
    assert_eq!(identity("-usr u -usr v -pwd a -pwd b"), Identity::Password("v".into(), "b".into()));
    assert_eq!(identity("--saml f -usr joe"), Identity::User("joe".into()));
    assert_eq!(error("-rsp"), "--pos-response only allowed with --user, --kerberos, --saml or --jwt");
    assert_eq!(format!("{:?}", identity("-usr u -pwd secret")), "Password(\"u\", …)");
}

#[test]
fn no_option_waits_for_its_effect() {
    for entry in program().entries() {
        assert!(!entry.row.is_later, "{}", entry.row.long);
    }
}

#[test]
fn sni_is_asked_for_or_not() {
    assert_eq!(error("--request-sni x --no-sni here 104 file"), "--no-sni not allowed with --request-sni");
}

#[test]
fn names_need_not_be_text() {
    let odd = OsString::from_vec(b"d\xff".to_vec());
    let argv = ["storescu".into(), "here".into(), "104".into(), odd.clone(), "--report".into(), odd.clone()];
    let Outcome::Run(config) = parse(argv.into_iter()) else { panic!("stopped") };
    assert_eq!(config.names, std::slice::from_ref(&odd));
    assert_eq!(config.beyond.report, Some(odd.into()));
}
