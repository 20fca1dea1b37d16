//! dcmqrscp's command line: its own options, its order of checks, and the shared groups it shows between them.

mod rows;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use pacs_core::archive::matching::PnMatch;
use pacs_tools::cli::{self, LOGGING, Logging, Parameter, Program, uint};
use pacs_tools::options::general::General;
use pacs_tools::options::network::{self, Network};
use pacs_tools::options::output::Output;
use pacs_tools::options::syntaxes::{self, Accepted, Proposed};
use pacs_tools::options::tls::{self, Tls};

/// How dcmqrscp goes on from its command line.
pub(crate) type Outcome = cli::Outcome<Config>;

/// Which callers may have objects sent to whom (C-MOVE). All that is asked for must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MoveTargets {
    /// Only to the title that asks.
    pub(crate) same_title: bool,
    /// Only to the host that asks.
    pub(crate) same_host: bool,
    /// Only to a title of the vendor that asks.
    pub(crate) same_vendor: bool,
}

/// A switch that the command line may leave to the configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charset {
    /// The request's character set goes first (`false`), or the configured one (`true`); none: as the file says.
    pub(crate) overrides: Option<bool>,
    /// The configured set, a defined term; empty for ASCII; none: as the file says.
    pub(crate) set: Option<String>,
    /// Characters that cannot be had are replaced by similar ones.
    pub(crate) transliterate: bool,
    /// Characters that cannot be had are left out.
    pub(crate) discard: bool,
}

/// What dcmqrscp has and DCMTK's program does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// What to do instead of serving.
    pub(crate) task: Task,
    /// Answer an object when it is with the system, not when it is on the disk.
    pub(crate) no_sync: bool,
    /// Catalogs go here, not into the storage areas.
    pub(crate) index_directory: Option<PathBuf>,
    /// A peer that has been silent for so long is aborted.
    pub(crate) idle_timeout: Option<Duration>,
    /// How names of persons are compared.
    pub(crate) pn_match: PnMatch,
}

/// What to do instead of serving.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Task {
    /// Serve.
    #[default]
    Serve,
    /// Read the configuration file and say what is wrong with it.
    CheckConfig,
    /// Show the configuration as it was understood.
    PrintConfig,
    /// Compare the catalog and the files of the storage area of this title.
    Check(String),
    /// And mend the catalog.
    Repair(String),
}

/// What was typed, and the defaults for the rest. Nothing has been opened, resolved or bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// What is logged.
    pub(crate) general: General,
    /// TCP port to listen on; none: as the file says.
    pub(crate) port: Option<u16>,
    /// The configuration file; none: where one is looked for.
    pub(crate) file: Option<PathBuf>,
    /// Further peers wait until the association before theirs has ended.
    pub(crate) single_process: bool,
    /// A MOVE context needs the FIND context of its model.
    pub(crate) require_find: bool,
    /// One association at a time may store into a title.
    pub(crate) no_parallel_store: bool,
    /// C-GET is not offered.
    pub(crate) disable_get: bool,
    /// A private SOP class ends the server.
    pub(crate) allow_shutdown: bool,
    /// C-FIND keys must obey the hierarchy.
    pub(crate) check_find: bool,
    /// C-MOVE and C-GET keys must obey the hierarchy.
    pub(crate) check_move: bool,
    /// Which callers may have objects sent to whom.
    pub(crate) targets: MoveTargets,
    /// The Patient Root model is not offered.
    pub(crate) no_patient_root: bool,
    /// The Study Root model is not offered.
    pub(crate) no_study_root: bool,
    /// The Patient/Study Only model is not offered.
    pub(crate) no_patient_study: bool,
    /// Addresses, limits, and whom to serve.
    pub(crate) network: Network,
    /// `--max-pdu` was given, so it counts and not the file's value.
    pub(crate) max_pdu_given: bool,
    /// Limit for connecting to destinations; none: the system's.
    pub(crate) connect_timeout: Option<Duration>,
    /// Negotiation profiles: file, profile for callers, profile for destinations.
    pub(crate) profiles: Option<(PathBuf, String, String)>,
    /// Preferred transfer syntaxes of callers, unless a profile says otherwise.
    pub(crate) accepted: Accepted,
    /// Transfer syntaxes to propose to destinations, unless a profile says otherwise.
    pub(crate) proposed: Proposed,
    /// Character sets of responses.
    pub(crate) charset: Charset,
    /// Transport layer security.
    pub(crate) tls: Tls,
    /// How objects are written.
    pub(crate) output: Output,
    /// What DCMTK's program does not have.
    pub(crate) beyond: Beyond,
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

/// Read dcmqrscp's command line; the first argument is the program's name.
///
/// Files are named, not opened: their errors come after those of the command line.
pub(crate) fn parse(argv: impl Iterator<Item = OsString>) -> Outcome {
    program().parse(argv)
}

/// The order in which dcmqrscp looks at what it was given, as DCMTK 3.6.7 does; what came with 3.7.0, or is ours alone,
/// stands beside its like. It decides which of several faults is reported.
const CHECKS: &[&str] = &[
    "--help",
    "--version",
    "--list-ciphers",
    "--list-profiles",
    "port",
    "--log-level",
    "--log-config",
    "--debug",
    "--verbose",
    "--quiet",
    "--arguments",
    LOGGING,
    "--config",
    "--check-config",
    "--print-config",
    "--check",
    "--repair",
    "--single-process",
    "--fork",
    "--require-find",
    "--no-parallel-store",
    "--disable-get",
    "--allow-shutdown",
    "--check-find",
    "--no-check-find",
    "--check-move",
    "--no-check-move",
    "--move-unrestricted",
    "--move-aetitle",
    "--move-host",
    "--move-vendor",
    "--no-patient-root",
    "--no-study-root",
    "--no-patient-study",
    "--pn-match",
    "--index-directory",
    "--ipv4",
    "--ipv6",
    "--ip-auto",
    "--access-full",
    "--access-control",
    "--timeout",
    "--acse-timeout",
    "--dimse-timeout",
    "--idle-timeout",
    "--max-pdu",
    "--disable-host-lookup",
    "--refuse",
    "--reject",
    "--ignore",
    "--uid-padding",
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
    "--assoc-config-file",
    "--use-request-charset",
    "--override-charset",
    "--convert-to-ascii",
    "--convert-to-utf8",
    "--convert-to-latin1",
    "--convert-to-charset",
    "--transliterate",
    "--discard-illegal",
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
    "--compression-level",
    "--max-inflated",
    "--no-sync",
    "--disable-tls",
    "--enable-tls",
    "--std-passwd",
    "--use-passwd",
    "--null-passwd",
    "--pem-keys",
    "--der-keys",
    "--dhparam",
    "--request-sni",
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

/// The whole table: groups in the order of the usage.
pub(crate) fn program() -> Program<Config> {
    let port = Parameter::new(uint("port", 1, 65535), "TCP port to listen on", |o: &mut Config, v| {
        o.port = u16::try_from(v.uint(0)).ok();
    });
    let incoming = "preferred network transfer syntaxes (incoming associations)";
    Program::new("dcmqrscp", "DICOM archive: storage and query/retrieve SCP", CHECKS)
        .runs_bare()
        .parameter(port.optional())
        .group(rows::general())
        .group(rows::multi_process())
        .groups(rows::database())
        .group(network::ip().of(|o: &mut Config| &mut o.network))
        .group(rows::profiles())
        .group(syntaxes::preferred(incoming, []).of(|o: &mut Config| &mut o.accepted))
        .group(rows::proposal())
        .group(network::host_access().of(|o: &mut Config| &mut o.network))
        .group(rows::other_network())
        .group(rows::character_set())
        .groups(tls::both().map(|group| group.of(|o: &mut Config| &mut o.tls)))
        .groups(rows::written().map(|group| group.of(|o: &mut Config| &mut o.output)))
        .groups(rows::beyond())
}

#[cfg(test)]
mod tests;
