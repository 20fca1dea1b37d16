//! storescu: sends DICOM objects over the network, each file of a study to one receiver.
#![deny(unsafe_code)]

mod bar;
mod explain;
mod inputs;
mod invent;
mod journal;
mod options;
mod pattern;
mod prepare;
mod propose;
mod report;
mod send;
mod work;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use pacs_core::dataset::Syntax;
use pacs_core::dataset::head::{Head, Object};
use pacs_core::net::SocketOptions;
use pacs_core::pdu::UserIdentity;
use pacs_tools::cli::help;
use pacs_tools::log::{self, Progress};
use pacs_tools::{dictionary, exit, tls};
use tracing::{debug, error, info, warn};

use bar::Bar;
use inputs::Looking;
use invent::Inventor;
use journal::Journal;
use options::{Config, Identity, Outcome};
use propose::{FromFiles, Proposal};
use report::Report;
use send::Sender;
use work::{Group, Work};

/// The logger of this program.
const TARGET: &str = "dcmtk.apps.storescu";

/// Bytes of an identity file that are sent: as many as its length field can say.
const LONGEST_IDENTITY: u64 = 65_535;

/// Why the program ends with a failure; the log has it already.
#[derive(Debug)]
struct Failed;

fn main() -> ExitCode {
    let config = match options::parse(std::env::args_os()) {
        Outcome::Run(config) => config,
        Outcome::Stop { code, stdout, stderr } => {
            // Nobody is left to tell when these fail.
            _ = io::stdout().write_all(stdout.as_bytes());
            _ = io::stderr().write_all(stderr.as_bytes());
            return ExitCode::from(code);
        }
    };
    let progress = config.general.start_log();
    if let Some(arguments) = &config.general.arguments {
        log::always(format_args!("{arguments}\n"));
    }
    ExitCode::from(run(&config, progress).unwrap_or(exit::COMMANDLINE_SYNTAX_ERROR))
}

/// From the command line to the exit code.
fn run(config: &Config, progress: Progress) -> Result<u8, Failed> {
    let report = Report::begin(config)?;
    let ended = send(config, progress, &report);
    report.finish(*ended.as_ref().unwrap_or(&exit::COMMANDLINE_SYNTAX_ERROR));
    ended
}

/// In DCMTK's order: gather, check, associate, send each, release.
fn send(config: &Config, progress: Progress, report: &Report) -> Result<u8, Failed> {
    let profile = propose::profile(config)?;
    debug!(target: TARGET, "{}", help::banner("storescu"));
    let dictionary = dictionary::of_environment(|text| warn!(target: TARGET, "{text}"));
    let (mut files, mut regular) = inputs::gather(config)?;
    let journal = Journal::open(config)?;
    if let Some(journal) = &journal {
        journal.leave_out(&mut files, |path| report.sent_before(path));
        regular.clear();
        if files.is_empty() {
            return Ok(exit::NO_ERROR);
        }
    }
    let (mut classes, mut needs) = (Classes::default(), FromFiles::default());
    let mut add_class = |_: &Head, object: Object| classes.add(object.class);
    let mut add_needs = |head: &Head, object: Object| {
        let native = Syntax::of(&head.read_as).is_some_and(|syntax| !syntax.encapsulated);
        needs.add(object.class, head.syntax.clone(), native);
    };
    let inspect: Option<&mut inputs::Inspect<'_>> = match config {
        _ if config.beyond.propose_from_files => Some(&mut add_needs),
        _ if config.required => Some(&mut add_class),
        _ => None,
    };
    let left_out = &mut |path: &Path, reason: &str| report.left_out(path, reason);
    inputs::check(config, &mut files, &regular, Looking { inspect, left_out })?;
    let all = |proposal| vec![Group { proposal, files: None }];
    let groups = match profile {
        Some(profile) => all(propose::of_profile(profile)?),
        None if config.beyond.propose_from_files && !files.is_empty() => needs.groups(),
        None if config.beyond.propose_from_files => all(Proposal::default()),
        None if config.required => {
            all(propose::for_classes(classes.list.iter().map(String::as_str), &config.proposed, config.combine)?)
        }
        None => all(propose::for_classes(propose::default_classes(), &config.proposed, config.combine)?),
    };
    let sender = Sender {
        config,
        identity: identity(config)?,
        dictionary,
        tls: tls::connector(&config.tls).map_err(|tls::Unusable| Failed)?,
        socket: SocketOptions::from_environment(|name| std::env::var(name).ok()),
        progress,
        inventor: Inventor::new(config.invent),
    };
    let bar = Bar::new(config, files.len());
    let journal = journal.as_ref();
    let code = Work { sender: &sender, groups, files: &files, journal, report, bar }.run();
    if let Some(journal) = journal {
        journal.finish();
    }
    Ok(code)
}

/// The classes of the files, in their order.
#[derive(Default)]
struct Classes {
    list: Vec<String>,
    known: HashSet<String>,
}

impl Classes {
    fn add(&mut self, class: String) {
        if self.known.insert(class.clone()) {
            self.list.push(class);
        }
    }
}

/// Who the user is; a ticket, assertion or token is read from its file.
fn identity(config: &Config) -> Result<Option<UserIdentity>, Failed> {
    let (kind, primary, secondary) = match &config.identity {
        Identity::None => return Ok(None),
        Identity::User(user) => (1, user.clone().into_bytes(), Vec::new()),
        Identity::Password(user, passcode) => (2, user.clone().into_bytes(), passcode.clone().into_bytes()),
        Identity::File(kind, path) => (*kind, identity_file(path)?, Vec::new()),
    };
    Ok(Some(UserIdentity { kind, response_requested: config.confirm_identity, primary, secondary }))
}

fn identity_file(path: &Path) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST_IDENTITY + 1).read_to_end(&mut bytes));
    if let Err(e) = read {
        error!(target: TARGET, "Unable to open Kerberos, SAML or JWT file: {}", log::reason(&e));
        return Err(Failed);
    }
    if bytes.is_empty() {
        error!(target: TARGET, "Unable to read Kerberos, SAML or JWT info from file: File empty?");
        return Err(Failed);
    }
    if bytes.len() as u64 > LONGEST_IDENTITY {
        info!(target: TARGET, "{}: only the first {LONGEST_IDENTITY} bytes are sent.", path.display());
        bytes.truncate(LONGEST_IDENTITY as usize);
    }
    Ok(bytes)
}
