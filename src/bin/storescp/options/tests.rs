//! storescp's options against the tables of DCMTK's: names, values, defaults, rules, order of checks.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

use pacs_core::net::IpVersion;
use pacs_testing::Line;
use pacs_tools::cli::{Entry, Kind, Rule, Stop, ValueSpec};
use pacs_tools::log::Level;
use pacs_tools::options::network::HostAccess;
use pacs_tools::options::output::{Format, GroupLengths, Lengths, NewVrs, Padding, Syntax, Unknown};
use pacs_tools::options::tls::{KeyFormat, Password, PeerCertificate, Profile, Revocation, SeedOutput, Transport};

use super::*;

/// A table, with nothing in the cells that have a dash.
fn table(name: &str) -> Vec<Line> {
    let mut lines = pacs_testing::table(name);
    lines.iter_mut().flat_map(Line::values_mut).filter(|cell| *cell == "-").for_each(String::clear);
    lines
}

/// The table of storescp's options, without the one that exists on Windows only.
fn documented() -> Vec<Line> {
    let mut lines = table("options-storescp.tsv");
    lines.retain(|line| line["long"] != "--forked-child");
    assert!(lines.len() > 120);
    lines
}

/// Evaluate words, options without effect included.
fn words(words: &[&str]) -> Result<Config, Stop> {
    program().evaluate(std::iter::once(&"storescp").chain(words).map(OsString::from), false)
}

fn evaluate(line: &str) -> Result<Config, Stop> {
    words(&line.split_whitespace().collect::<Vec<_>>())
}

fn accepted(line: &str) -> Config {
    evaluate(&format!("{line} 104")).unwrap_or_else(|stop| panic!("{line}: {}", stop.stderr))
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
            // Ours serves several peers at a time unless it is told not to.
            "default" if row.long == "--single-process" => "",
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
    expected.extend(["port", LOGGING]);
    let mut checks = program.checks().to_vec();
    expected.sort_unstable();
    checks.sort_unstable();
    assert_eq!(checks, expected);
}

/// The conditions a table states, each as the options of which one must be given.
fn requirements(text: &str) -> BTreeSet<BTreeSet<String>> {
    let text = text
        .replace("one of the --sort options", "--sort-conc-studies, --sort-on-study-uid, --sort-on-patientname")
        .replace(" (the default)", "")
        .replace("INFO logging (--verbose, --debug or equivalent)", "verbose mode");
    let one = |part: &str| part.replace(" or ", ", ").split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
    text.split(" and ").filter(|part| !part.is_empty()).map(one).collect()
}

#[test]
fn rules_are_those_documented() {
    let program = program();
    let pair = |a: &str, b: &str| BTreeSet::from([a.to_owned(), b.to_owned()]);
    let (mut documented_conflicts, mut conflicts) = (BTreeSet::new(), BTreeSet::new());
    for line in documented() {
        let entry = find(program.entries(), &line["long"]);
        let long = entry.row.long;
        // Not a usage error: the program finds it when it sets up TLS.
        let documented = line["conflicts"].split(',').filter(|other| other.starts_with("--") && !other.contains(' '));
        documented_conflicts.extend(documented.map(|other| pair(long, other)));
        let mut required = BTreeSet::new();
        for rule in &entry.row.rules {
            match rule {
                Rule::OnlyWith(names) => _ = required.insert(names.iter().map(ToString::to_string).collect()),
                Rule::OnlyIf(text, _) => _ = required.insert(BTreeSet::from([(*text).to_owned()])),
                Rule::Must(..) => {}
                Rule::NotWith(names) => conflicts.extend(names.iter().map(|other| pair(long, other))),
            }
        }
        assert_eq!(required, requirements(&line["requires"]), "{long}");
    }
    assert_eq!(conflicts, documented_conflicts);
}

#[test]
fn every_documented_conflict_is_reported() {
    let program = program();
    let entries = program.entries();
    let mut seen = 0;
    for line in documented() {
        for other in line["conflicts"].split(',').filter(|other| other.starts_with("--") && !other.contains(' ')) {
            let (a, b) = (find(entries, &line["long"]), find(entries, other));
            // What either needs, so that the conflict is the only fault.
            let sorted = [a, b].iter().any(|entry| entry.row.long.ends_with("-eostudy"));
            let tls = [a, b].iter().any(|entry| entry.row.long == "--cipher");
            let context = if sorted { "-su x" } else { "" }.to_owned() + if tls { "+tls a b" } else { "" };
            let text = error(&format!("{context} {} {} 104", typed(a, a.row.long), typed(b, b.row.long)));
            assert!(text.contains(" not allowed with "), "{} {other}: {text}", a.row.long);
            assert!(text.contains(a.row.long) && text.contains(other), "{} {other}: {text}", a.row.long);
            seen += 1;
        }
    }
    assert!(seen > 250, "{seen}");
}

#[test]
fn every_documented_dependency_is_reported() {
    let program = program();
    let mut seen = 0;
    for line in documented() {
        let entry = find(program.entries(), &line["long"]);
        for (place, required) in requirements(&line["requires"]).iter().enumerate() {
            let (context, line) = match (entry.row.long, place) {
                // The default fulfils it.
                ("--compression-level", _) => ("+te ", typed(entry, entry.row.long)),
                ("--write-seed" | "--write-seed-file", 1) => ("+tls a b ", typed(entry, entry.row.long)),
                _ => ("", typed(entry, entry.row.long)),
            };
            let text = error(&format!("{context}{line} 104"));
            let (named, others) = text.split_once(" only allowed with ").unwrap_or_else(|| panic!("{line}: {text}"));
            assert_eq!(named, entry.row.long);
            assert_eq!(requirements(others), BTreeSet::from([required.clone()]), "{line}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn faults_are_reported_in_the_order_seen_on_dcmtk() {
    let lines = table("options-storescp-faults.tsv");
    assert!(lines.len() > 350);
    let wrong: Vec<_> = lines
        .iter()
        .map(|line| (&line["arguments"], &line["error"], error(&line["arguments"])))
        .filter(|(_, expected, found)| *expected != found)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn shared_options_are_the_same_for_all_programs() {
    let program = program();
    for name in ["options-storescu.tsv", "options-dcmqrscp.tsv"] {
        let mut shared = 0;
        for line in table(name) {
            let Some(entry) = program.entries().iter().find(|entry| entry.row.long == line["long"]) else { continue };
            let row = &entry.row;
            // dcmqrscp forks unless told otherwise.
            if ["--fork", "--single-process"].contains(&row.long) {
                continue;
            }
            assert_eq!(row.short, line["short"], "{name} {}", row.long);
            // Remarks in brackets are for the reader.
            let values: String =
                line["params"].split('(').map(|part| part.rsplit(')').next().unwrap_or_default()).collect();
            let values: Vec<_> = values.split_whitespace().collect();
            assert_eq!(row.values.len(), values.len(), "{name} {}", row.long);
            assert_eq!(row.repeatable, line["params"].ends_with(" (repeatable)"), "{name} {}", row.long);
            let bounds = |text: &str| match text.split(':').collect::<Vec<_>>()[..] {
                [_, "int" | "uint", bounds] => bounds.to_owned(),
                _ => String::new(),
            };
            for (spec, value) in row.values.iter().zip(values) {
                assert_eq!(bounds(&documented_value(spec)), bounds(value), "{name} {}", row.long);
            }
            let is_default = ["default", "on", "default (3.7.0)"].iter().any(|word| line["default"] == **word)
                || line["default"].starts_with("on ");
            assert_eq!(row.is_default, is_default, "{name} {}: {}", row.long, line["default"]);
            shared += 1;
        }
        assert!(shared > 40, "{name}: {shared}");
    }
}

#[test]
fn help_lists_every_row() {
    let Err(Stop { code: 0, stdout, stderr }) = words(&["--help"]) else { panic!("no usage") };
    assert_eq!(stderr, "");
    assert!(stdout.starts_with("$pacs-tools: storescp v"));
    assert!(stdout.contains("\nusage: storescp [options] [port]\n"));
    let program = program();
    let mut rest = stdout.as_str();
    for entry in program.entries() {
        let Entry { row, heading, sub, .. } = entry;
        let line = format!("{:w$}{}", row.short, row.long, w = if sub.is_empty() { 8 } else { 6 });
        assert!(stdout.contains(&format!("\n{heading}:\n")), "{heading}");
        assert!(sub.is_empty() || stdout.contains(&format!("\n  {sub}:\n")), "{sub}");
        let (_, after) = rest.split_once(&line).unwrap_or_else(|| panic!("{line}"));
        rest = after;
    }
    assert!(stdout.lines().all(|line| line.len() <= 80 || line.ends_with(':')), "wider than a terminal");
    assert_eq!(words(&[]).unwrap_err().stdout, stdout);
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
        let evaluated = |line: &str| evaluate(&format!("--fork +tls a b -v {line} 104")).map_err(|stop| stop.stderr);
        assert_eq!(evaluated(&short), evaluated(&long), "{short}");
    }
}

/// For each option a line with it, and what must have come of it. The same line without the option must not show it.
type Effect = (&'static str, &'static str, fn(&Config) -> bool);

const EFFECTS: &[Effect] = &[
    ("", "--arguments", |c| {
        c.general.arguments.as_deref() == Some("calling 'storescp' with 2 arguments: '--arguments' '104' ")
    }),
    ("", "--quiet", |c| c.general.level == Level::Fatal),
    ("", "--verbose", |c| c.general.level == Level::Info),
    ("", "--debug", |c| c.general.level == Level::Debug),
    ("", "--log-level Trace", |c| c.general.level == Level::Trace),
    ("", "--log-config x", |c| c.general.log_config == Some("x".into())),
    ("-v", "--verbose-pc", |c| c.general.verbose_pc),
    ("", "--single-process", |c| c.process_model == ProcessModel::Single),
    ("", "--fork", |c| c.process_model == ProcessModel::Fork),
    ("--fork", "--max-associations 3", |c| c.max_associations == Some(3)),
    ("-i6", "--ipv4", |c| c.network.ip == IpVersion::V4),
    ("", "--ipv6", |c| c.network.ip == IpVersion::V6),
    ("", "--ip-auto", |c| c.network.ip == IpVersion::Dual),
    ("", "--config-file file Name", |c| c.profile == Some(("file".into(), "Name".into()))),
    ("+xi", "--prefer-uncompr", |c| c.accepted.preference == syntaxes::LITTLE),
    ("+xi", "--prefer-little", |c| c.accepted.preference == syntaxes::LITTLE),
    ("", "--prefer-big", |c| c.accepted.preference == syntaxes::BIG),
    ("", "--prefer-lossless", |c| prefers(c, "1.2.840.10008.1.2.4.70")),
    ("", "--prefer-jpeg8", |c| prefers(c, "1.2.840.10008.1.2.4.50")),
    ("", "--prefer-jpeg12", |c| prefers(c, "1.2.840.10008.1.2.4.51")),
    ("", "--prefer-j2k-lossless", |c| prefers(c, "1.2.840.10008.1.2.4.90")),
    ("", "--prefer-j2k-lossy", |c| prefers(c, "1.2.840.10008.1.2.4.91")),
    ("", "--prefer-jls-lossless", |c| prefers(c, "1.2.840.10008.1.2.4.80")),
    ("", "--prefer-jls-lossy", |c| prefers(c, "1.2.840.10008.1.2.4.81")),
    ("", "--prefer-mpeg2", |c| prefers(c, "1.2.840.10008.1.2.4.100")),
    ("", "--prefer-mpeg2-high", |c| prefers(c, "1.2.840.10008.1.2.4.101")),
    ("", "--prefer-mpeg4", |c| prefers(c, "1.2.840.10008.1.2.4.102")),
    ("", "--prefer-mpeg4-bd", |c| prefers(c, "1.2.840.10008.1.2.4.103")),
    ("", "--prefer-mpeg4-2-2d", |c| prefers(c, "1.2.840.10008.1.2.4.104")),
    ("", "--prefer-mpeg4-2-3d", |c| prefers(c, "1.2.840.10008.1.2.4.105")),
    ("", "--prefer-mpeg4-2-st", |c| prefers(c, "1.2.840.10008.1.2.4.106")),
    ("", "--prefer-hevc", |c| prefers(c, "1.2.840.10008.1.2.4.107")),
    ("", "--prefer-hevc10", |c| prefers(c, "1.2.840.10008.1.2.4.108")),
    ("", "--prefer-rle", |c| prefers(c, "1.2.840.10008.1.2.5")),
    ("", "--prefer-deflated", |c| prefers(c, "1.2.840.10008.1.2.1.99")),
    ("", "--implicit", |c| c.accepted.preference == syntaxes::IMPLICIT),
    ("", "--accept-all", |c| c.accepted.preference == syntaxes::ALL),
    ("+ac", "--access-full", |c| c.network.host_access == HostAccess::Full),
    ("", "--access-control", |c| c.network.host_access == HostAccess::Controlled),
    ("", "--inetd", |c| c.inetd),
    ("", "--socket-timeout 0x10", |c| c.network.socket_timeout == Some(Duration::from_secs(16))),
    ("", "--socket-timeout 0", |c| c.network.socket_timeout.is_none()),
    ("", "--socket-timeout -1", |c| c.network.socket_timeout.is_none()),
    ("", "--acse-timeout 7", |c| c.network.acse_timeout == Some(Duration::from_secs(7))),
    ("", "--dimse-timeout 8", |c| c.network.dimse_timeout == Some(Duration::from_secs(8))),
    ("", "--aetitle ME", |c| c.aetitle == "ME"),
    ("", "--max-pdu 4096", |c| c.network.max_pdu == 4096),
    ("", "--disable-host-lookup", |c| c.network.disable_host_lookup),
    ("", "--refuse", |c| c.network.refuse),
    ("", "--reject", |c| c.network.reject),
    ("", "--ignore", |c| c.network.ignore),
    ("", "--sleep-after 2", |c| c.sleep_after == Duration::from_secs(2)),
    ("", "--sleep-during 3", |c| c.sleep_during == Duration::from_secs(3)),
    ("", "--abort-after", |c| c.abort_after),
    ("", "--abort-during", |c| c.abort_during),
    ("", "--promiscuous", |c| c.promiscuous),
    ("", "--uid-padding", |c| c.network.uid_padding),
    ("+tls a b", "--disable-tls", |c| c.tls.transport == Transport::Plain),
    ("", "--enable-tls a b", |c| c.tls.transport == Transport::Tls { key: "a".into(), certificate: "b".into() }),
    ("+tls a b -pw", "--std-passwd", |c| c.tls.password == Password::Ask),
    ("+tls a b", "--use-passwd secret", |c| c.tls.password == Password::Given("secret".into())),
    ("+tls a b", "--null-passwd", |c| c.tls.password == Password::Empty),
    ("+tls a b -der", "--pem-keys", |c| c.tls.key_format == KeyFormat::Pem),
    ("+tls a b", "--der-keys", |c| c.tls.key_format == KeyFormat::Der),
    ("+tls a b", "--add-cert-file x --add-cert-file y", |c| c.tls.trusted_files == [Path::new("x"), Path::new("y")]),
    ("+tls a b", "--add-cert-dir x --add-cert-dir y", |c| c.tls.trusted_folders == [Path::new("x"), Path::new("y")]),
    ("+tls a b", "--add-crl-file x --add-crl-file y", |c| c.tls.revocation_lists == [Path::new("x"), Path::new("y")]),
    ("+tls a b", "--enable-crl-vfy", |c| c.tls.revocation == Revocation::Leaf),
    ("+tls a b", "--enable-crl-all", |c| c.tls.revocation == Revocation::Chain),
    ("+tls a b +px", "--profile-8996", |c| c.tls.profile == Profile::Rfc8996),
    ("+tls a b", "--profile-8996-mod", |c| c.tls.profile == Profile::Rfc8996Modified),
    ("+tls a b", "--profile-bcp195-nd", |c| c.tls.profile == Profile::NonDowngrading),
    ("+tls a b", "--profile-bcp195", |c| c.tls.profile == Profile::Bcp195),
    ("+tls a b", "--profile-bcp195-ex", |c| c.tls.profile == Profile::Extended),
    ("+tls a b", "--profile-basic", |c| c.tls.profile == Profile::Basic),
    ("+tls a b", "--profile-aes", |c| c.tls.profile == Profile::Aes),
    ("+tls a b", "--profile-null", |c| c.tls.profile == Profile::Unencrypted),
    ("+tls a b", "--cipher x --cipher y", |c| c.tls.ciphers == ["x", "y"]),
    ("+tls a b", "--dhparam x", |c| c.tls.dh_parameters == Some("x".into())),
    ("", "--expect-sni host", |c| c.tls.expect_sni.as_deref() == Some("host")),
    ("+tls a b", "--seed x", |c| c.tls.seed == Some("x".into())),
    ("+tls a b +rs x", "--write-seed", |c| c.tls.seed_output == SeedOutput::SameFile),
    ("+tls a b +rs x", "--write-seed-file y", |c| c.tls.seed_output == SeedOutput::File("y".into())),
    ("+tls a b -ic", "--require-peer-cert", |c| c.tls.peer_certificate == PeerCertificate::Require),
    ("+tls a b", "--verify-peer-cert", |c| c.tls.peer_certificate == PeerCertificate::Verify),
    ("+tls a b", "--ignore-peer-cert", |c| c.tls.peer_certificate == PeerCertificate::Ignore),
    ("", "--output-directory out/", |c| c.directory == Path::new("out/")),
    ("+B", "--normal", |c| !c.output.bit_preserving),
    ("", "--bit-preserving", |c| c.output.bit_preserving),
    ("-F", "--write-file", |c| c.output.format == Format::File),
    ("", "--write-dataset", |c| c.output.format == Format::DataSet),
    ("+te", "--write-xfer-same", |c| c.output.syntax == Syntax::Same),
    ("", "--write-xfer-little", |c| c.output.syntax == Syntax::Little),
    ("", "--write-xfer-big", |c| c.output.syntax == Syntax::Big),
    ("", "--write-xfer-implicit", |c| c.output.syntax == Syntax::Implicit),
    ("", "--write-xfer-deflated", |c| c.output.syntax == Syntax::Deflated),
    ("-u", "--enable-new-vr", |c| c.output.new_vrs == NewVrs::Keep),
    ("", "--disable-new-vr", |c| c.output.new_vrs == NewVrs::AsOb),
    ("-g", "--group-length-recalc", |c| c.output.group_lengths == GroupLengths::Correct),
    ("", "--group-length-create", |c| c.output.group_lengths == GroupLengths::Create),
    ("", "--group-length-remove", |c| c.output.group_lengths == GroupLengths::Remove),
    ("-e", "--length-explicit", |c| c.output.lengths == Lengths::Explicit),
    ("", "--length-undefined", |c| c.output.lengths == Lengths::Undefined),
    ("+p 4 2", "--padding-off", |c| c.output.padding.is_none()),
    ("", "--padding-create 512 64", |c| c.output.padding == Some(Padding { file: 512, item: 64 })),
    ("+uc", "--retain-un", |c| c.output.unknown == Unknown::Keep),
    ("", "--convert-un", |c| c.output.unknown == Unknown::Convert),
    ("", "--compression-level 9", |c| c.output.compression_level == 9),
    ("", "--sort-conc-studies S", |c| c.sorting == Sorting::ByArrival("S".into())),
    ("", "--sort-on-study-uid S", |c| c.sorting == Sorting::ByStudy("S".into())),
    ("", "--sort-on-patientname", |c| c.sorting == Sorting::ByPatient),
    ("+uf", "--default-filenames", |c| c.file_names == FileNames::Instance),
    ("", "--unique-filenames", |c| c.file_names == FileNames::Unique),
    ("", "--timenames", |c| c.file_names == FileNames::Time),
    ("", "--filename-extension .dcm", |c| c.extension == ".dcm"),
    ("", "--max-inflated 7", |c| c.output.max_inflated == 7),
    ("", "--sync", |c| c.sync),
    ("", "--exec-on-reception do", |c| c.events.on_reception == Some("do".into())),
    ("-sp", "--exec-on-eostudy do", |c| c.events.on_study_end == Some("do".into())),
    ("-sp", "--rename-on-eostudy", |c| c.events.rename),
    ("-sp", "--eostudy-timeout 5", |c| c.events.study_timeout == Some(Duration::from_secs(5))),
    ("", "--exec-sync", |c| c.events.wait),
];

/// This syntax first, then the uncompressed ones.
fn prefers(config: &Config, uid: &str) -> bool {
    config.accepted.preference.split_first() == Some((&uid, syntaxes::LITTLE))
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
    assert_eq!(config, Config { port: 104, ..Config::default() });
    assert_eq!(config.network.socket_timeout, Some(Duration::from_secs(60)));
    assert_eq!(config.network.acse_timeout, Some(Duration::from_secs(30)));
    assert_eq!((config.network.dimse_timeout, config.network.max_pdu), (None, 16384));
    assert_eq!((config.aetitle.as_str(), config.directory.as_path()), ("STORESCP", Path::new(".")));
    assert_eq!((config.general.level, config.output.compression_level), (Level::Warn, 6));
    assert_eq!(config.accepted.preference, syntaxes::LITTLE);
    assert_eq!(config.process_model, ProcessModel::Together);
    // What is the default may be said as well.
    let spoken = "-i4 +x= -ac -tls -B +F +t= +u +g= +e -p -uc -uf --no-sni";
    assert_eq!(accepted(spoken), config);
}

#[test]
fn accept_all_is_the_list_of_3_7_0() {
    let suffixes = "4.91 4.90 4.51 4.50 4.70 4.81 4.80 5 4.100 4.100.1 4.101 4.101.1 4.102 4.102.1 4.103 4.103.1 4.104 \
                    4.104.1 4.105 4.105.1 4.106 4.106.1 4.107 4.108 4.201 4.202 4.203 4.110 4.111 4.112 8.1 1.99 1.98 1 2";
    let mut expected: Vec<_> =
        suffixes.split_whitespace().map(|suffix| format!("1.2.840.10008.1.2.{suffix}")).collect();
    expected.push("1.2.840.10008.1.2".to_owned());
    assert_eq!(expected.len(), 36);
    assert_eq!(accepted("+xa").accepted.preference, expected);
}

#[test]
fn no_option_waits_for_its_effect() {
    let program = program();
    for entry in program.entries() {
        assert!(!entry.row.is_later, "{}", entry.row.long);
    }
    let strict = |line: &str| {
        let words = std::iter::once("storescp").chain(line.split_whitespace()).map(OsString::from);
        program.evaluate(words, true).map_err(|stop| (stop.code, stop.stderr))
    };
    for line in
        ["-xs", "+cl 3", "-up", "+te +t=", "+p 4 2 -p", "+tls a b -tls", "+ac -ac", "--no-sni", "-B +u +g= +e -p -uc"]
    {
        strict(&format!("{line} 104")).unwrap_or_else(|(_, text)| panic!("{line}: {text}"));
    }
    assert!(strict("+te +B 104").unwrap_err().1.contains("not allowed with"));
}

#[test]
fn inetd_needs_no_port_but_knows_of_one() {
    let port =
        |words: &[&str]| match parse(std::iter::once("storescp").chain(words.iter().copied()).map(OsString::from)) {
            Outcome::Run(config) => config.port,
            Outcome::Stop { stderr, .. } => panic!("{stderr}"),
        };
    // DCMTK: does not look at it.
    assert_eq!([port(&["-id"]), port(&["104", "-id"]), port(&["-id", "abc"]), port(&["-id", "0"])], [0, 104, 0, 0]);
}

#[test]
fn paths_need_not_be_text() {
    let odd = OsString::from_vec(b"d\xff".to_vec());
    let argv = ["storescp".into(), "-od".into(), odd.clone(), "104".into(), "-fe".into(), odd.clone()];
    let Outcome::Run(config) = parse(argv.into_iter()) else { panic!("stopped") };
    assert_eq!((config.directory.as_os_str(), &config.extension), (odd.as_os_str(), &odd));
}

#[test]
fn sni_is_asked_for_or_not() {
    assert_eq!(error("--expect-sni x --no-sni 104"), "--no-sni not allowed with --expect-sni");
}
