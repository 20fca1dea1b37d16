//! storescu: sends DICOM objects over the network, each file of a study to one receiver.
#![deny(unsafe_code)]

mod explain;
mod inputs;
mod invent;
mod options;
mod pattern;
mod propose;
mod send;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pacs_core::net::SocketOptions;
use pacs_core::pdu::UserIdentity;
use pacs_tools::cli::help;
use pacs_tools::log::{self, Progress};
use pacs_tools::{dictionary, exit};
use tracing::{debug, error, info, warn};

use invent::Inventor;
use options::{Config, Identity, Outcome};
use propose::Proposal;
use send::{Attempt, Failure, Sender, Session};

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
    ExitCode::from(run(&config, progress).unwrap_or_else(|Failed| exit::COMMANDLINE_SYNTAX_ERROR))
}

/// From the command line to the exit code, in DCMTK's order: gather, check, associate, send each, release.
fn run(config: &Config, progress: Progress) -> Result<u8, Failed> {
    let profile = propose::profile(config)?;
    debug!(target: TARGET, "{}", help::banner("storescu"));
    let dictionary = dictionary::of_environment(TARGET);
    let mut files = inputs::gather(config)?;
    let mut classes = Classes::default();
    let mut note = |_: &_, object: pacs_core::dataset::head::Object| classes.add(object.class);
    inputs::check(config, &mut files, config.required.then_some(&mut note))?;
    let identity = identity(config)?;
    let proposal = match profile {
        Some(profile) => propose::of_profile(profile)?,
        None if config.required => {
            propose::for_classes(classes.list.iter().map(String::as_str), &config.proposed, config.combine)?
        }
        None => propose::for_classes(propose::default_classes(), &config.proposed, config.combine)?,
    };
    let sender = Sender {
        config,
        identity,
        dictionary,
        socket: SocketOptions::from_environment(|name| std::env::var(name).ok()),
        progress,
        inventor: Inventor::new(config.invent),
    };
    send_all(&sender, &proposal, &files)
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

/// Sends all files over one association.
fn send_all(sender: &Sender<'_>, proposal: &Proposal, files: &[PathBuf]) -> Result<u8, Failed> {
    let config = sender.config;
    let wanted = sender.request(proposal);
    let mut session = sender.associate(&wanted).map_err(|why| {
        send::say_no_association(config, &wanted, &why);
        Failed
    })?;
    for path in files {
        for _ in 0..config.repeat {
            let attempt = session.send(path);
            rename(config, path, &attempt);
            if attempt.is_stored() || config.no_halt {
                continue;
            }
            return halt(session, &attempt);
        }
    }
    session.end()?;
    Ok(exit::NO_ERROR)
}

/// Ends after the first failure; its exit code.
fn halt(session: Session<'_>, attempt: &Attempt) -> Result<u8, Failed> {
    match &attempt.end {
        Ok(status) => {
            session.end()?;
            Ok(exit::of_status(*status))
        }
        Err(failure) => {
            session.end_after(failure);
            match failure {
                Failure::Lost(_) | Failure::Released(_) => Ok(exit::CONNECTION_LOST),
                _ => Err(Failed),
            }
        }
    }
}

/// Gives a file that was tried another name, if that is wanted.
fn rename(config: &Config, path: &Path, attempt: &Attempt) {
    if !config.input.rename {
        return;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(if attempt.is_stored() { ".done" } else { ".bad" });
    let (from, to) = (path.display(), PathBuf::from(name));
    match std::fs::rename(path, &to) {
        Ok(()) => debug!(target: TARGET, "renamed file '{from}' to '{}'", to.display()),
        Err(e) => warn!(target: TARGET, "cannot rename file '{from}' to '{}'\n{}.", to.display(), log::reason(&e)),
    }
}
