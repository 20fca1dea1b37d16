//! storescp's command line: its own options, its order of checks, and the shared groups it shows between them.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use pacs_tools::cli::{self, Group, LOGGING, Logging, Parameter, Program, flag, int, option, text, uint};
use pacs_tools::options::general::{self, General};
use pacs_tools::options::network::{self, Network};
use pacs_tools::options::output::{self, Output};
use pacs_tools::options::syntaxes::{self, Accepted};
use pacs_tools::options::tls::{self, Tls};

/// How storescp goes on from its command line.
pub(crate) type Outcome = cli::Outcome<Config>;

/// One association after the other, or several at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ProcessModel {
    /// Associations are served at the same time, objects finished in one order.
    #[default]
    Together,
    /// Further peers wait until the association before theirs has ended.
    Single,
    /// Each connection is served for itself.
    Fork,
}

/// Into which folders below the output directory objects are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sorting {
    /// None.
    #[default]
    None,
    /// `<prefix>_<time>`, a new one whenever the study changes.
    ByArrival(OsString),
    /// `<prefix>_<Study Instance UID>`.
    ByStudy(OsString),
    /// `<patient name>_<time>`.
    ByPatient,
}

/// How files are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FileNames {
    /// By class and SOP Instance UID.
    #[default]
    Instance,
    /// By class and a UID made for the purpose.
    Unique,
    /// By time and class.
    Time,
}

/// What is done when an object or a study has been received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    /// Shell command for each object.
    pub(crate) on_reception: Option<OsString>,
    /// Shell command for each study.
    pub(crate) on_study_end: Option<OsString>,
    /// The files of a finished study get other names.
    pub(crate) rename: bool,
    /// A study has ended when nothing came for so long; `None`: only when another begins.
    pub(crate) study_timeout: Option<Duration>,
    /// Commands are waited for.
    pub(crate) wait: bool,
}

/// What was typed, and the defaults for the rest. Nothing has been opened, resolved or bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// What is logged.
    pub(crate) general: General,
    /// TCP port to listen on; 0 with `inetd`, unless one is given that is not needed there.
    pub(crate) port: u16,
    /// One association after the other, or several at once.
    pub(crate) process_model: ProcessModel,
    /// With [`ProcessModel::Fork`]: so many at once, then no more are accepted.
    pub(crate) max_associations: Option<u32>,
    /// Addresses, limits, and whom to serve.
    pub(crate) network: Network,
    /// Preferred transfer syntaxes, unless a profile says otherwise.
    pub(crate) accepted: Accepted,
    /// Negotiation profile: file, and name of the profile in it.
    pub(crate) profile: Option<(PathBuf, String)>,
    /// The connection is descriptor 0.
    pub(crate) inetd: bool,
    /// Own application entity title. It has no effect on acceptance.
    pub(crate) aetitle: String,
    /// Pause after each C-STORE response.
    pub(crate) sleep_after: Duration,
    /// Pause at the start, after each PDV, and at the end of each C-STORE.
    pub(crate) sleep_during: Duration,
    /// Abort when a data set is complete, before it is answered.
    pub(crate) abort_after: bool,
    /// Abort after the first PDV of a data set.
    pub(crate) abort_during: bool,
    /// Accept abstract syntaxes nobody knows.
    pub(crate) promiscuous: bool,
    /// Transport layer security.
    pub(crate) tls: Tls,
    /// Where received objects go.
    pub(crate) directory: PathBuf,
    /// How they are written.
    pub(crate) output: Output,
    /// Into which folders they are sorted.
    pub(crate) sorting: Sorting,
    /// How their files are named.
    pub(crate) file_names: FileNames,
    /// What each file name ends with.
    pub(crate) extension: OsString,
    /// An object is answered when it is on the disk, not when it is with the system.
    pub(crate) sync: bool,
    /// What is done when an object or a study has been received.
    pub(crate) events: Events,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            general: General::default(),
            port: 0,
            process_model: ProcessModel::default(),
            max_associations: None,
            network: Network::default(),
            accepted: Accepted::default(),
            profile: None,
            inetd: false,
            aetitle: "STORESCP".to_owned(),
            sleep_after: Duration::ZERO,
            sleep_during: Duration::ZERO,
            abort_after: false,
            abort_during: false,
            promiscuous: false,
            tls: Tls::default(),
            directory: PathBuf::from("."),
            output: Output::default(),
            sorting: Sorting::default(),
            file_names: FileNames::default(),
            extension: OsString::new(),
            sync: false,
            events: Events::default(),
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

/// Read storescp's command line; the first argument is the program's name.
///
/// A profile is named by [`Config::profile`], not loaded: its errors come after those of the command line.
pub(crate) fn parse(argv: impl Iterator<Item = OsString>) -> Outcome {
    program().parse(argv)
}

/// The order in which storescp looks at what it was given, as DCMTK 3.6.7 does; what came with 3.7.0 stands beside its
/// like. It decides which of several faults is reported.
const CHECKS: &[&str] = &[
    "--help",
    "--version",
    "--list-ciphers",
    "--list-profiles",
    "--inetd",
    "--single-process",
    "--fork",
    "--max-associations",
    "port",
    "--log-level",
    "--log-config",
    "--debug",
    "--verbose",
    "--quiet",
    "--arguments",
    LOGGING,
    "--verbose-pc",
    "--ipv4",
    "--ipv6",
    "--ip-auto",
    "--prefer-uncompr",
    "--prefer-little",
    "--prefer-big",
    "--prefer-lossless",
    "--prefer-jpeg8",
    "--prefer-jpeg12",
    "--prefer-j2k-lossless",
    "--prefer-j2k-lossy",
    "--prefer-jls-lossless",
    "--prefer-jls-lossy",
    "--prefer-mpeg2",
    "--prefer-mpeg2-high",
    "--prefer-mpeg4",
    "--prefer-mpeg4-bd",
    "--prefer-mpeg4-2-2d",
    "--prefer-mpeg4-2-3d",
    "--prefer-mpeg4-2-st",
    "--prefer-hevc",
    "--prefer-hevc10",
    "--prefer-rle",
    "--prefer-deflated",
    "--implicit",
    "--accept-all",
    "--access-full",
    "--access-control",
    "--socket-timeout",
    "--acse-timeout",
    "--dimse-timeout",
    "--aetitle",
    "--max-pdu",
    "--disable-host-lookup",
    "--refuse",
    "--reject",
    "--ignore",
    "--sleep-after",
    "--sleep-during",
    "--abort-after",
    "--abort-during",
    "--promiscuous",
    "--uid-padding",
    "--config-file",
    "--output-directory",
    "--normal",
    "--bit-preserving",
    "--write-file",
    "--write-dataset",
    "--write-xfer-same",
    "--write-xfer-little",
    "--write-xfer-big",
    "--write-xfer-implicit",
    "--write-xfer-deflated",
    "--enable-new-vr",
    "--disable-new-vr",
    "--group-length-recalc",
    "--group-length-create",
    "--group-length-remove",
    "--length-explicit",
    "--length-undefined",
    "--padding-off",
    "--padding-create",
    "--retain-un",
    "--convert-un",
    "--compression-level",
    "--max-inflated",
    "--sort-conc-studies",
    "--sort-on-study-uid",
    "--sort-on-patientname",
    "--default-filenames",
    "--unique-filenames",
    "--timenames",
    "--filename-extension",
    "--sync",
    "--exec-on-reception",
    "--exec-on-eostudy",
    "--rename-on-eostudy",
    "--eostudy-timeout",
    "--exec-sync",
    "--disable-tls",
    "--enable-tls",
    "--std-passwd",
    "--use-passwd",
    "--null-passwd",
    "--pem-keys",
    "--der-keys",
    "--dhparam",
    "--expect-sni",
    "--no-sni",
    "--seed",
    "--write-seed",
    "--write-seed-file",
    "--require-peer-cert",
    "--ignore-peer-cert",
    "--verify-peer-cert",
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
];

/// Options that sort into folders, and so tell one study from the next.
const SORTING: &[&str] = &["--sort-conc-studies", "--sort-on-study-uid", "--sort-on-patientname"];

/// Options that make the end of a study matter.
const STUDY_END: &[&str] = &[
    "--sort-conc-studies",
    "--sort-on-study-uid",
    "--sort-on-patientname",
    "--exec-on-eostudy",
    "--rename-on-eostudy",
];

/// The whole table: groups in the order of the usage.
pub(crate) fn program() -> Program<Config> {
    let port = Parameter::new(uint("port", 1, 65535), "TCP port to listen on", |o: &mut Config, v| {
        o.port = u16::try_from(v.uint(0)).unwrap_or_default();
    });
    let accept_all =
        syntaxes::prefer("+xa", "--accept-all", "every known syntax, compressed ones first", syntaxes::ALL);
    Program::new("storescp", "DICOM storage (C-STORE) SCP", CHECKS)
        .parameter(port.unless("--inetd"))
        .group(general::group().of(|o: &mut Config| &mut o.general))
        .group(multi_process())
        .group(network::ip().of(|o: &mut Config| &mut o.network))
        .group(profile())
        .group(
            syntaxes::preferred("preferred network transfer syntaxes (not with --config-file)", [accept_all])
                .of(|o: &mut Config| &mut o.accepted),
        )
        .group(network::host_access().of(|o: &mut Config| &mut o.network))
        .group(other_network())
        .groups(tls::acceptor().map(|group| group.of(|o: &mut Config| &mut o.tls)))
        .group(output_directory())
        .groups(written().map(|group| group.of(|o: &mut Config| &mut o.output)))
        .group(sorting())
        .group(file_names())
        .group(durability())
        .group(events())
}

fn multi_process() -> Group<Config> {
    Group::new("multi-process options", "")
        .choice([
            flag("", "--single-process", "serve one association after the other", |o: &mut Config| {
                o.process_model = ProcessModel::Single;
            }),
            flag("", "--fork", "serve each connection for itself", |o: &mut Config| {
                o.process_model = ProcessModel::Fork;
            }),
        ])
        .row(
            option(
                "",
                "--max-associations",
                const { &[uint("max", 1, u64::MAX)] },
                "accept no more than so many at the same time",
                |o: &mut Config, v| o.max_associations = Some(u32::try_from(v.uint(0)).unwrap_or(u32::MAX)),
            )
            .default_value("unlimited")
            .only_with(&["--fork"]),
        )
}

fn profile() -> Group<Config> {
    Group::new("network options", "association negotiation profile from configuration file").row(
        option(
            "-xf",
            "--config-file",
            const { &[text("filename"), text("profile")] },
            "accept what this profile in this file says",
            |o: &mut Config, v| o.profile = Some((v.path(0), v.string(1))),
        )
        .not_with(&["--prefer-little", "--prefer-big"])
        .not_with(syntaxes::PREFER_COMPRESSED)
        .not_with(&["--prefer-deflated", "--implicit", "--accept-all", "--promiscuous"]),
    )
}

fn other_network() -> Group<Config> {
    let shared = |row: cli::Row<Network>| row.of(|o: &mut Config| &mut o.network);
    let seconds = const { &[uint("seconds", 0, u64::MAX)] };
    Group::new("network options", "other network options")
        .row(
            flag("-id", "--inetd", "serve the connection that inetd hands over", |o: &mut Config| o.inetd = true)
                .not_with(&["--fork"]),
        )
        .rows([network::socket_timeout(), network::acse_timeout(), network::dimse_timeout()].map(shared))
        .row(
            option("-aet", "--aetitle", const { &[text("aetitle")] }, "own AE title", |o: &mut Config, v| {
                o.aetitle = v.string(0);
            })
            .default_value("STORESCP"),
        )
        .rows([network::max_pdu(), network::disable_host_lookup()].map(shared))
        .rows(network::turning_away().map(shared))
        .rows([
            option("", "--sleep-after", seconds, "pause after each answer", |o: &mut Config, v| {
                o.sleep_after = Duration::from_secs(v.uint(0));
            })
            .default_value("0"),
            option("", "--sleep-during", seconds, "pause while an object is received", |o: &mut Config, v| {
                o.sleep_during = Duration::from_secs(v.uint(0));
            })
            .default_value("0"),
            flag("", "--abort-after", "abort when an object is complete, before it is answered", |o: &mut Config| {
                o.abort_after = true;
            }),
            flag("", "--abort-during", "abort while an object is received", |o: &mut Config| o.abort_during = true),
            flag("-pm", "--promiscuous", "accept unknown SOP classes (not with --config-file)", |o: &mut Config| {
                o.promiscuous = true;
            }),
        ])
        .row(shared(network::uid_padding()))
}

fn output_directory() -> Group<Config> {
    Group::new("output options", "general").row(
        option(
            "-od",
            "--output-directory",
            const { &[text("directory")] },
            "where received objects go; it must exist",
            |o: &mut Config, v| o.directory = v.path(0),
        )
        .default_value("."),
    )
}

fn written() -> [Group<Output>; 10] {
    [
        output::bit_preserving(),
        output::format(),
        output::syntax(&["--accept-all"], syntaxes::PREFER_COMPRESSED),
        output::new_vrs(),
        output::group_lengths(),
        output::lengths(),
        output::padding(),
        output::unknown(),
        output::compression_level(
            "deflate compression level (only with --write-xfer-deflated/same)",
            &["--write-xfer-deflated", "--write-xfer-same"],
        ),
        output::inflation(),
    ]
}

fn sorting() -> Group<Config> {
    let prefix = const { &[text("prefix")] };
    let not_bit_preserving = &["--bit-preserving"];
    Group::new("output options", "sorting into subdirectories (not with --bit-preserving)").choice([
        option("-ss", "--sort-conc-studies", prefix, "folders named prefix_time", |o: &mut Config, v| {
            o.sorting = Sorting::ByArrival(v.text(0));
        })
        .not_with(not_bit_preserving),
        option("-su", "--sort-on-study-uid", prefix, "folders named prefix_StudyInstanceUID", |o: &mut Config, v| {
            o.sorting = Sorting::ByStudy(v.text(0));
        })
        .not_with(not_bit_preserving),
        flag("-sp", "--sort-on-patientname", "folders named PatientName_time", |o: &mut Config| {
            o.sorting = Sorting::ByPatient;
        })
        .not_with(not_bit_preserving),
    ])
}

fn file_names() -> Group<Config> {
    Group::new("output options", "filename generation")
        .choice([
            flag("-uf", "--default-filenames", "by class and SOP Instance UID", |o: &mut Config| {
                o.file_names = FileNames::Instance;
            })
            .default(),
            flag("+uf", "--unique-filenames", "by class and a UID made for the file", |o: &mut Config| {
                o.file_names = FileNames::Unique;
            }),
        ])
        // DCMTK: no member of that family, so `-tn -uf` names files by time.
        .row(
            flag("-tn", "--timenames", "by time and class", |o: &mut Config| o.file_names = FileNames::Time)
                .not_with(&["--unique-filenames"]),
        )
        .row(option(
            "-fe",
            "--filename-extension",
            const { &[text("extension")] },
            "what each name ends with, the dot included",
            |o: &mut Config, v| o.extension = v.text(0),
        ))
}

fn durability() -> Group<Config> {
    Group::new("output options", "durability").row(flag(
        "",
        "--sync",
        "answer an object only when it is on the disk, so that it outlives a power failure",
        |o: &mut Config| o.sync = true,
    ))
}

fn events() -> Group<Config> {
    let command = const { &[text("command")] };
    Group::new("event options", "")
        .row(option("-xcr", "--exec-on-reception", command, "shell command for each object", |o: &mut Config, v| {
            o.events.on_reception = Some(v.text(0));
        }))
        .row(
            option("-xcs", "--exec-on-eostudy", command, "shell command for each study", |o: &mut Config, v| {
                o.events.on_study_end = Some(v.text(0));
            })
            .not_with(&["--fork", "--inetd"])
            .only_with(SORTING),
        )
        .row(
            flag("-rns", "--rename-on-eostudy", "give the files of a finished study other names", |o: &mut Config| {
                o.events.rename = true;
            })
            .not_with(&["--fork", "--inetd"])
            .only_with(SORTING),
        )
        .row(
            option(
                "-tos",
                "--eostudy-timeout",
                const { &[int("seconds", 0)] },
                "a study has ended when nothing came for so long",
                |o: &mut Config, v| o.events.study_timeout = Some(Duration::from_secs(v.int(0).unsigned_abs())),
            )
            .default_value("never")
            .only_with(STUDY_END),
        )
        .row(flag("-xs", "--exec-sync", "wait for each command", |o: &mut Config| o.events.wait = true))
}

#[cfg(test)]
mod tests;
