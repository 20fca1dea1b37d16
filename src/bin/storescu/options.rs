//! storescu's command line: its own options, its order of checks, and the shared groups it shows between them.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use pacs_core::dataset::head::Expected;
use pacs_tools::cli::{self, Group, LOGGING, Logging, Parameter, Program, Row, flag, int, option, text, uint};
use pacs_tools::options::general::{self, General};
use pacs_tools::options::network::{self, Network};
use pacs_tools::options::output::{self, Output};
use pacs_tools::options::syntaxes::{self, Proposed};
use pacs_tools::options::tls::{self, Tls};

/// How storescu goes on from its command line.
pub(crate) type Outcome = cli::Outcome<Config>;

/// Where the files come from and what becomes of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Input {
    /// What each file may be.
    pub(crate) expected: Expected,
    /// Folders stand for the files in them.
    pub(crate) scan: bool,
    /// Names of files found while scanning must match this wildcard pattern.
    pub(crate) pattern: Option<OsString>,
    /// Folders in folders are scanned as well.
    pub(crate) recurse: bool,
    /// Each file gets another name when it has been tried.
    pub(crate) rename: bool,
}

/// Who the user is (PS3.7 D.3.3.7).
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Not told.
    #[default]
    None,
    /// A name.
    User(String),
    /// A name and a passcode, which may be empty.
    Password(String, String),
    /// What is in a file: a Kerberos ticket (type 3), SAML assertion (4) or JSON web token (5).
    File(u8, PathBuf),
}

impl std::fmt::Debug for Identity {
    /// Without the passcode, so that no log shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Identity::None => f.write_str("None"),
            Identity::User(user) => write!(f, "User({user:?})"),
            Identity::Password(user, _) => write!(f, "Password({user:?}, …)"),
            Identity::File(kind, path) => write!(f, "File({kind}, {path:?})"),
        }
    }
}

/// Which identifiers are replaced before sending, and how objects are grouped then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Invent {
    /// Whether any is.
    pub(crate) on: bool,
    /// Objects in a series.
    pub(crate) series: u32,
    /// Series in a study.
    pub(crate) study: u32,
    /// Studies of a patient.
    pub(crate) patient: u32,
}

impl Default for Invent {
    fn default() -> Self {
        Invent { on: false, series: 100, study: 50, patient: 25 }
    }
}

/// What DCMTK's program does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// Contexts are proposed for the class and syntax of each file.
    pub(crate) propose_from_files: bool,
    /// Associations at a time; 0 counts as 1.
    pub(crate) parallel: u32,
    /// How often an association that broke, or was refused for the moment, is asked for again.
    pub(crate) retry: u32,
    /// A journal of what has been sent, which is not sent again.
    pub(crate) resume: Option<PathBuf>,
    /// Where to write what became of each file.
    pub(crate) report: Option<PathBuf>,
}

/// What was typed, and the defaults for the rest. Nothing has been opened, resolved or connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// What is logged.
    pub(crate) general: General,
    /// Host to connect to.
    pub(crate) peer: String,
    /// TCP port there.
    pub(crate) port: u16,
    /// Files and folders.
    pub(crate) names: Vec<OsString>,
    /// Where the files come from and what becomes of them.
    pub(crate) input: Input,
    /// Addresses and limits.
    pub(crate) network: Network,
    /// Calling AE title.
    pub(crate) calling: String,
    /// Called AE title.
    pub(crate) called: String,
    /// Negotiation profile: file, and name of the profile in it.
    pub(crate) profile: Option<(PathBuf, String)>,
    /// Transfer syntaxes to propose, unless a profile says otherwise.
    pub(crate) proposed: Proposed,
    /// Only the classes of the files are proposed.
    pub(crate) required: bool,
    /// All syntaxes of a class in one context.
    pub(crate) combine: bool,
    /// In what form data sets are sent: younger VRs and the effort of compression.
    pub(crate) output: Output,
    /// Who the user is.
    pub(crate) identity: Identity,
    /// The peer must confirm it.
    pub(crate) confirm_identity: bool,
    /// Limit for connecting; none: the system's.
    pub(crate) connect_timeout: Option<Duration>,
    /// Longest PDU to send, whatever the peer takes.
    pub(crate) max_send_pdu: Option<u32>,
    /// How often each file is sent.
    pub(crate) repeat: u64,
    /// End with an abort instead of a release.
    pub(crate) abort: bool,
    /// Go on after files that failed, and end with code 0.
    pub(crate) no_halt: bool,
    /// Which identifiers are replaced.
    pub(crate) invent: Invent,
    /// Transport layer security.
    pub(crate) tls: Tls,
    /// What DCMTK's program does not have.
    pub(crate) beyond: Beyond,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            general: General::default(),
            peer: String::new(),
            port: 0,
            names: Vec::new(),
            input: Input::default(),
            network: Network::default(),
            calling: "STORESCU".to_owned(),
            called: "ANY-SCP".to_owned(),
            profile: None,
            proposed: Proposed::default(),
            required: false,
            combine: false,
            output: Output::default(),
            identity: Identity::None,
            confirm_identity: false,
            connect_timeout: None,
            max_send_pdu: None,
            repeat: 1,
            abort: false,
            no_halt: false,
            invent: Invent::default(),
            tls: Tls::default(),
            beyond: Beyond::default(),
        }
    }
}

impl Logging for Config {
    fn set_up(&mut self, program: &str, called: &OsStr) -> Result<(), String> {
        self.general.set_up_log(program, called)
    }

    fn hides_errors(&self) -> bool {
        self.general.hides_errors()
    }

    fn records(&self) -> String {
        self.general.records()
    }
}

/// Read storescu's command line; the first argument is the program's name.
///
/// Profile, identity and input files are named, not opened: their errors come after those of the command line.
pub(crate) fn parse(argv: impl Iterator<Item = OsString>) -> Outcome {
    program().parse(argv)
}

/// The order in which storescu looks at what it was given, as DCMTK 3.6.7 does; what came with 3.7.0, or is ours alone,
/// stands beside its like. It decides which of several faults is reported.
const CHECKS: &[&str] = &[
    "--help",
    "--version",
    "--list-ciphers",
    "--list-profiles",
    "peer",
    "port",
    "--log-level",
    "--log-config",
    "--debug",
    "--verbose",
    "--quiet",
    "--arguments",
    LOGGING,
    "--verbose-pc",
    "--read-file",
    "--read-file-only",
    "--read-dataset",
    "--scan-directories",
    "--scan-pattern",
    "--no-recurse",
    "--recurse",
    "--no-rename",
    "--rename",
    "--ipv4",
    "--ipv6",
    "--ip-auto",
    "--aetitle",
    "--call",
    "--propose-uncompr",
    "--propose-little",
    "--propose-big",
    "--propose-implicit",
    "--propose-lossless",
    "--propose-jpeg8",
    "--propose-jpeg12",
    "--propose-j2k-lossless",
    "--propose-j2k-lossy",
    "--propose-jls-lossless",
    "--propose-jls-lossy",
    "--propose-mpeg2",
    "--propose-mpeg2-high",
    "--propose-mpeg4",
    "--propose-mpeg4-bd",
    "--propose-mpeg4-2-2d",
    "--propose-mpeg4-2-3d",
    "--propose-mpeg4-2-st",
    "--propose-hevc",
    "--propose-hevc10",
    "--propose-rle",
    "--propose-deflated",
    "--required",
    "--combine",
    "--propose-from-files",
    "--config-file",
    "--enable-new-vr",
    "--disable-new-vr",
    "--compression-level",
    "--timeout",
    "--socket-timeout",
    "--acse-timeout",
    "--dimse-timeout",
    "--max-pdu",
    "--max-send-pdu",
    "--repeat",
    "--abort",
    "--no-halt",
    "--uid-padding",
    "--invent-instance",
    "--invent-series",
    "--invent-study",
    "--invent-patient",
    "--parallel",
    "--retry",
    "--resume",
    "--report",
    "--disable-tls",
    "--enable-tls",
    "--anonymous-tls",
    "--std-passwd",
    "--use-passwd",
    "--null-passwd",
    "--pem-keys",
    "--der-keys",
    "--seed",
    "--write-seed",
    "--write-seed-file",
    "--require-peer-cert",
    "--ignore-peer-cert",
    "--request-sni",
    "--no-sni",
    "--profile-8996",
    "--profile-8996-mod",
    "--profile-bcp195",
    "--profile-bcp195-nd",
    "--profile-bcp195-ex",
    "--profile-basic",
    "--profile-aes",
    "--profile-null",
    "--add-cert-file",
    "--add-cert-dir",
    "--add-crl-file",
    "--enable-crl-vfy",
    "--enable-crl-all",
    "--cipher",
    "--user",
    "--kerberos",
    "--saml",
    "--jwt",
    "--password",
    "--empty-password",
    "--pos-response",
    "dcmfile-in",
];

/// Options beside those of the syntaxes whose place a profile takes.
const SELECTION: &[&str] = &["--required", "--combine"];

pub(crate) fn program() -> Program<Config> {
    Program::new("storescu", "DICOM storage (C-STORE) SCU", CHECKS)
        .parameter(Parameter::new(text("peer"), "host name or address of the receiver", |o: &mut Config, v| {
            o.peer = v.string(0);
        }))
        .parameter(Parameter::new(uint("port", 1, 65535), "its TCP port", |o: &mut Config, v| {
            o.port = u16::try_from(v.uint(0)).unwrap_or(0);
        }))
        .parameter(
            Parameter::new(text("dcmfile-in"), "DICOM files or folders to send", |o: &mut Config, v| {
                o.names.push(v.text(0));
            })
            .many(),
        )
        .group(general::group().of(|o: &mut Config| &mut o.general))
        .group(input_format())
        .group(input_files())
        .group(network::ip().of(|o: &mut Config| &mut o.network))
        .group(titles())
        .group(profile())
        .group(proposal())
        .group(output::new_vrs_sent().of(|o: &mut Config| &mut o.output))
        .group(compression())
        .group(identity())
        .group(other_network())
        .group(beyond())
        .groups(tls::requestor().map(|group| group.of(|o: &mut Config| &mut o.tls)))
}

fn input_format() -> Group<Config> {
    let format =
        |short, long, help, expected| flag(short, long, help, move |o: &mut Config| o.input.expected = expected);
    Group::new("input options", "input file format").choice([
        format("+f", "--read-file", "DICOM files or bare data sets", Expected::Either).default(),
        format("+fo", "--read-file-only", "DICOM files alone", Expected::File),
        format("-f", "--read-dataset", "bare data sets alone", Expected::DataSet),
    ])
}

fn input_files() -> Group<Config> {
    const SCAN: &[&str] = &["--scan-directories"];
    Group::new("input options", "input files")
        .row(flag("+sd", "--scan-directories", "send the files in folders that are named", |o: &mut Config| {
            o.input.scan = true;
        }))
        .row(
            option(
                "+sp",
                "--scan-pattern",
                const { &[text("pattern")] },
                "take only names that match this wildcard pattern",
                |o: &mut Config, v| o.input.pattern = Some(v.text(0)),
            )
            .only_with(SCAN),
        )
        .choice([
            flag("-r", "--no-recurse", "not those in folders within", |o: &mut Config| o.input.recurse = false)
                .default(),
            flag("+r", "--recurse", "those in folders within as well", |o: &mut Config| o.input.recurse = true)
                .only_with(SCAN),
        ])
        .choice([
            flag("-rn", "--no-rename", "leave files their names", |o: &mut Config| o.input.rename = false).default(),
            flag("+rn", "--rename", "append .done or .bad to the names of files that were tried", |o: &mut Config| {
                o.input.rename = true;
            }),
        ])
}

fn titles() -> Group<Config> {
    let title = const { &[text("aetitle")] };
    Group::new("network options", "application entity titles")
        .row(
            option("-aet", "--aetitle", title, "own AE title", |o: &mut Config, v| o.calling = v.string(0))
                .default_value("STORESCU"),
        )
        .row(
            option("-aec", "--call", title, "AE title of the receiver", |o: &mut Config, v| o.called = v.string(0))
                .default_value("ANY-SCP"),
        )
}

fn profile() -> Group<Config> {
    Group::new("network options", "association negotiation profile from configuration file").row(
        option(
            "-xf",
            "--config-file",
            const { &[text("filename"), text("profile")] },
            "propose what this profile in this file says",
            |o: &mut Config, v| o.profile = Some((v.path(0), v.string(1))),
        )
        .not_with(syntaxes::PROPOSALS)
        .not_with(SELECTION),
    )
}

fn proposal() -> Group<Config> {
    let families = syntaxes::proposed().into_iter().map(|row| row.of(|o: &mut Config| &mut o.proposed));
    Group::new("network options", "proposed transmission transfer syntaxes (not with --config-file)")
        .choice(families)
        .row(flag("-R", "--required", "propose only the SOP classes of the files", |o: &mut Config| o.required = true))
        .row(flag("+C", "--combine", "propose all transfer syntaxes of a class in one context", |o: &mut Config| {
            o.combine = true;
        }))
}

fn compression() -> Group<Config> {
    let sub = "deflate compression level (only with --propose-deflated or --config-file)";
    let row = output::compression_level_row().only_with(&["--propose-deflated", "--config-file"]);
    Group::new("network options", sub).row(row.of(|o: &mut Config| &mut o.output))
}

fn identity() -> Group<Config> {
    const USER: &[&str] = &["--user"];
    let file = |short, long, help, kind| {
        option(short, long, const { &[text("filename")] }, help, move |o: &mut Config, v: &cli::Values<'_>| {
            o.identity = Identity::File(kind, v.path(0));
        })
    };
    Group::new("network options", "user identity negotiation")
        .in_family(
            0,
            option("-usr", "--user", const { &[text("username")] }, "tell who the user is", |o: &mut Config, v| {
                o.identity = Identity::User(v.string(0));
            }),
        )
        .in_family(
            1,
            option("-pwd", "--password", const { &[text("password")] }, "and this passcode", |o: &mut Config, v| {
                if let Identity::User(user) = &o.identity {
                    o.identity = Identity::Password(user.clone(), v.string(0));
                }
            })
            .only_with(USER),
        )
        .in_family(
            1,
            flag("-epw", "--empty-password", "and an empty passcode", |o: &mut Config| {
                if let Identity::User(user) = &o.identity {
                    o.identity = Identity::Password(user.clone(), String::new());
                }
            })
            // DCMTK: a passcode that was evaluated before counts as another kind of identity.
            .only_if("--user", |o: &mut Config| matches!(o.identity, Identity::User(_))),
        )
        .in_family(0, file("-kt", "--kerberos", "send the Kerberos ticket in a file", 3))
        .in_family(0, file("", "--saml", "send the SAML assertion in a file", 4))
        .in_family(0, file("", "--jwt", "send the JSON web token in a file", 5))
        .row(
            flag("-rsp", "--pos-response", "the receiver must confirm the user", |o: &mut Config| {
                o.confirm_identity = true;
            })
            .only_with(&["--user", "--kerberos", "--saml", "--jwt"]),
        )
}

fn other_network() -> Group<Config> {
    let shared = |row: Row<Network>| row.of(|o: &mut Config| &mut o.network);
    let count = const { &[uint("number", 1, u64::MAX)] };
    let group = |v: &cli::Values<'_>| u32::try_from(v.uint(0)).unwrap_or(u32::MAX);
    Group::new("network options", "other network options")
        .row(
            option("-to", "--timeout", const { &[int("seconds", 1)] }, "limit for connecting", |o: &mut Config, v| {
                o.connect_timeout = Some(Duration::from_secs(v.int(0).unsigned_abs()));
            })
            .default_value("unlimited"),
        )
        .rows(
            [network::socket_timeout(), network::acse_timeout(), network::dimse_timeout(), network::max_pdu()]
                .map(shared),
        )
        .row(
            option(
                "",
                "--max-send-pdu",
                const { &[uint("bytes", 4096, 131_072)] },
                "largest PDU to be sent",
                |o: &mut Config, v| o.max_send_pdu = Some(u32::try_from(v.uint(0)).unwrap_or(131_072)),
            )
            .default_value("peer limit"),
        )
        .row(
            option("", "--repeat", count, "send each file so many times", |o: &mut Config, v| o.repeat = v.uint(0))
                .default_value("1"),
        )
        .row(flag("", "--abort", "end with an abort instead of a release", |o: &mut Config| o.abort = true))
        .row(flag("-nh", "--no-halt", "go on after files that cannot be sent or are refused", |o: &mut Config| {
            o.no_halt = true;
        }))
        .row(shared(network::uid_padding()))
        .row(flag("+II", "--invent-instance", "give each object identifiers of its own", |o: &mut Config| {
            o.invent.on = true;
        }))
        .row(
            option(
                "+IR",
                "--invent-series",
                count,
                "begin another series after so many objects",
                move |o: &mut Config, v| {
                    (o.invent.on, o.invent.series) = (true, group(v));
                },
            )
            .default_value("100"),
        )
        .row(
            option(
                "+IS",
                "--invent-study",
                count,
                "begin another study after so many series",
                move |o: &mut Config, v| {
                    (o.invent.on, o.invent.study) = (true, group(v));
                },
            )
            .default_value("50"),
        )
        .row(
            option(
                "+IP",
                "--invent-patient",
                count,
                "begin another patient after so many studies",
                move |o: &mut Config, v| {
                    (o.invent.on, o.invent.patient) = (true, group(v));
                },
            )
            .default_value("25"),
        )
}

fn beyond() -> Group<Config> {
    let file = const { &[text("filename")] };
    let number = |v: &cli::Values<'_>| u32::try_from(v.uint(0)).unwrap_or(u32::MAX);
    Group::new("additional options", "")
        .row(
            flag(
                "",
                "--propose-from-files",
                "propose the SOP class and transfer syntax of each file, in further associations if need be",
                |o: &mut Config| o.beyond.propose_from_files = true,
            )
            .not_with(&["--config-file"])
            .not_with(syntaxes::PROPOSALS)
            .not_with(SELECTION),
        )
        .row(
            option(
                "",
                "--parallel",
                const { &[uint("number", 1, 64)] },
                "send over so many associations at a time",
                move |o: &mut Config, v| o.beyond.parallel = number(v),
            )
            .default_value("1"),
        )
        .row(
            option(
                "",
                "--retry",
                const { &[uint("number", 0, u64::MAX)] },
                "ask again so many times, later and later, when a connection is lost or refused for the moment",
                move |o: &mut Config, v| o.beyond.retry = number(v),
            )
            .default_value("0"),
        )
        .row(option(
            "",
            "--resume",
            file,
            "note in this file what has arrived, and do not send that again",
            |o: &mut Config, v| o.beyond.resume = Some(v.path(0)),
        ))
        .row(option("", "--report", file, "write what became of each file, as JSON", |o: &mut Config, v| {
            o.beyond.report = Some(v.path(0));
        }))
}

#[cfg(test)]
mod tests;
