//! storescp: receives DICOM objects over the network and writes each into a file.
#![deny(unsafe_code)]

mod desk;
mod events;
mod folder;
mod inetd;
mod options;
mod receiver;

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;

use pacs_core::association::accept::{Contexts, Policy};
use pacs_core::association::profile;
use pacs_core::dataset::Context;
use pacs_core::dataset::vr::Dictionary;
use pacs_core::disk::Folder;
use pacs_core::net::listen::{Listener, Serve, Serving};
use pacs_core::net::resolve::Resolver;
use pacs_core::net::tls::Acceptor;
use pacs_core::service::c_echo;
use pacs_core::service::c_store::{ForcedAbort, Trouble};
use pacs_tools::cli::help;
use pacs_tools::door::Door;
use pacs_tools::fatal;
use pacs_tools::log::{self, Progress};
use pacs_tools::options::output;
use pacs_tools::{dictionary, exit, limits, tls};
use tracing::{debug, error, warn};

use desk::{Desk, Keeping, Manner};
use events::Events;
use folder::Output;
use options::{Config, Outcome, ProcessModel};
use receiver::Receiver;

/// The logger of this program.
const TARGET: &str = "dcmtk.apps.storescp";

/// Why the program does not start; the log has it already.
struct Failed;

fn main() -> ExitCode {
    let connection = inetd::connection(std::env::args_os());
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
    let started = match (config.inetd, connection) {
        (false, _) => run(&config, progress).map(|never| match never {}),
        (true, Some(connection)) => serve_one(&config, progress, connection),
        (true, None) => {
            error!(
                target: TARGET,
                "descriptor 0 is no connection\n--inetd is for being started by inetd, xinetd or a systemd socket with Accept=yes."
            );
            return ExitCode::from(exit::INETD_FAILED);
        }
    };
    match started {
        Ok(()) => ExitCode::from(exit::NO_ERROR),
        Err(Failed) => ExitCode::from(exit::COMMANDLINE_SYNTAX_ERROR),
    }
}

/// From the command line to the first connection, in DCMTK's order.
fn run(config: &Config, progress: Progress) -> Result<Infallible, Failed> {
    let contexts = contexts(config)?;
    debug!(target: TARGET, "{}", help::banner("storescp"));
    let dictionary = dictionary::of_environment(|text| warn!(target: TARGET, "{text}"));
    let output = open_output(config)?;
    let listener = listen(config)?;
    let tls = tls::acceptor(&config.tls).map_err(|tls::Unusable| Failed)?;
    let serving = match config.process_model {
        ProcessModel::Single => Serving::Serial,
        ProcessModel::Together | ProcessModel::Fork => {
            Serving::Threads { limit: limit(config), wait: config.max_associations.is_some() }
        }
    };
    listener.run(serving, Arc::new(receiver(config, contexts, output, dictionary, progress, tls)))
}

/// The same for the one connection that inetd hands over.
fn serve_one(config: &Config, progress: Progress, connection: TcpStream) -> Result<(), Failed> {
    if config.port != 0 {
        warn!(target: TARGET, "Parameter port not required in inetd mode");
    }
    let contexts = contexts(config)?;
    debug!(target: TARGET, "{}", help::banner("storescp"));
    let dictionary = dictionary::of_environment(|text| warn!(target: TARGET, "{text}"));
    let output = open_output(config)?;
    let tls = tls::acceptor(&config.tls).map_err(|tls::Unusable| Failed)?;
    let receiver = receiver(config, contexts, output, dictionary, progress, tls);
    if let Some(session) = receiver.establish(connection) {
        receiver.serve(session);
    }
    receiver.desk.settle();
    Ok(())
}

fn receiver(
    config: &Config,
    contexts: Contexts,
    output: Output,
    dictionary: &'static Dictionary,
    progress: Progress,
    tls: Option<Acceptor>,
) -> Receiver {
    let names = Arc::new(Resolver::new());
    Receiver {
        policy: Policy {
            refuse: config.network.refuse,
            require_implementation_class: config.network.reject,
            max_pdu: config.network.max_pdu,
            contexts,
        },
        door: Door::new("storescp", &config.network, tls, Arc::clone(&names)),
        forked: config.process_model == ProcessModel::Fork,
        verbose_parameters: config.general.verbose_pc,
        trouble: trouble(config),
        desk: desk(config, output, dictionary, progress, &names),
        limit: limit(config),
    }
}

/// What is accepted: all storage classes and Verification in the preferred encodings, or what a profile says.
fn contexts(config: &Config) -> Result<Contexts, Failed> {
    let Some((path, name)) = &config.profile else {
        let syntaxes = config.accepted.preference.to_vec();
        return Ok(Contexts::storage(&c_echo::SOP_CLASSES, syntaxes, config.promiscuous));
    };
    match profile::load(path, name).and_then(|profile| profile.acceptor()) {
        Ok(profile) => Ok(Contexts { profile: Some(profile), ..Contexts::default() }),
        Err(e) => {
            fatal!(target: TARGET, "{}\n{}", e.acceptor_line(), e.cure());
            Err(Failed)
        }
    }
}

/// The output folder; with `--ignore` it need not be writable.
fn open_output(config: &Config) -> Result<Output, Failed> {
    let directory = &config.directory;
    let folder = Folder::open(directory).map_err(|e| {
        fatal!(
            target: TARGET,
            "specified output directory does not exist\n{}: {e}; make the folder, or name another with --output-directory",
            directory.display()
        );
        Failed
    })?;
    if !config.network.ignore && !folder.is_writable() {
        fatal!(
            target: TARGET,
            "specified output directory is not writeable\n{}: let this program's user write there, or name another folder \
             with --output-directory",
            directory.display()
        );
        return Err(Failed);
    }
    match folder.sweep() {
        Ok(0) => {}
        Ok(n) => debug!(target: TARGET, "removed {n} unfinished files of an earlier run from {}", directory.display()),
        Err(e) => warn!(
            target: TARGET,
            "cannot look for unfinished files of an earlier run in {}: {e}",
            directory.display()
        ),
    }
    Ok(Output::new(folder, directory.clone(), config.sync))
}

fn listen(config: &Config) -> Result<Listener, Failed> {
    let port = config.port;
    Listener::bind(config.network.ip, port).map_err(|e| {
        match e.kind() {
            io::ErrorKind::PermissionDenied => fatal!(
                target: TARGET,
                "cannot listen on port {port}, insufficient privileges\nUse a port above 1023, or allow this program the low \
                 ones: setcap cap_net_bind_service=+ep PROGRAM."
            ),
            io::ErrorKind::AddrInUse => error!(
                target: TARGET,
                "cannot create network: 0006:031c TCP Initialization Error: Address already in use\nAnother program listens \
                 on port {port}; `ss -ltnp sport = :{port}` shows which."
            ),
            _ => error!(target: TARGET, "cannot create network: 0006:031c TCP Initialization Error: {}", log::reason(&e)),
        }
        Failed
    })
}

/// How many associations may be served at a time: the option's number, else what the machine allows.
fn limit(config: &Config) -> usize {
    let allowed = limits::associations();
    match config.max_associations {
        Some(wanted) => usize::try_from(wanted).unwrap_or(usize::MAX).min(allowed),
        None => allowed,
    }
}

fn trouble(config: &Config) -> Trouble {
    Trouble {
        sleep_during: config.sleep_during,
        sleep_after: config.sleep_after,
        abort: match (config.abort_during, config.abort_after) {
            (true, _) => Some(ForcedAbort::During),
            (false, true) => Some(ForcedAbort::After),
            (false, false) => None,
        },
    }
}

/// What is done with the bytes of objects.
fn manner(config: &Config, output: &Output, dictionary: &'static Dictionary) -> Manner {
    if config.output.bit_preserving {
        return Manner::AsTheyCome;
    }
    let mut context = Context::new(output.scratch());
    context.limits.inflated = config.output.max_inflated;
    context.dictionary = dictionary;
    Manner::Rewritten(config.output.form(), context)
}

fn desk(
    config: &Config,
    output: Output,
    dictionary: &'static Dictionary,
    progress: Progress,
    names: &Arc<Resolver>,
) -> Arc<Desk> {
    let keeping = Keeping {
        ignore: config.network.ignore,
        manner: manner(config, &output, dictionary),
        file_format: config.output.format == output::Format::File,
        sync: config.sync,
        naming: config.file_names,
        extension: config.extension.clone(),
        sorting: config.sorting.clone(),
        study_timeout: config.events.study_timeout,
    };
    let events = Events::new(&config.events, config.file_names, Arc::clone(names), config.network.disable_host_lookup);
    Desk::open(output, keeping, events, progress, config.process_model != ProcessModel::Fork)
}
