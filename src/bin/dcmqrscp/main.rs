//! dcmqrscp: a DICOM archive. It stores objects, and finds and returns them.
#![deny(unsafe_code)]

mod admit;
mod check;
mod crowd;
mod dump;
mod options;
mod query;
mod retrieve;
mod server;
mod signals;
mod store;
mod user;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use pacs_core::archive::adopt::Manner;
use pacs_core::archive::config::{self, Report};
use pacs_core::archive::{Archive, Settings};
use pacs_core::association::profile::{self, AcceptProfile, Proposal};
use pacs_core::dataset::vr::Dictionary;
use pacs_core::dataset::{Context, ScratchMaker};
use pacs_core::net::listen::{Listener, Serving, Stop};
use pacs_core::net::resolve::Resolver;
use pacs_core::net::tls::{Acceptor, Connector};
use pacs_tools::cli::help;
use pacs_tools::door::Door;
use pacs_tools::fatal;
use pacs_tools::log::{self, Progress};
use pacs_tools::options::output;
use pacs_tools::{dictionary, exit, limits, tls};
use tracing::{debug, error, warn};

use crowd::Crowd;
use options::{Config, Outcome, Task};
use retrieve::Sending;
use server::{Server, Site};

/// The logger of this program.
const TARGET: &str = "dcmtk.apps.dcmqrscp";

/// How long associations may go on when the server is ended.
const DRAIN: Duration = Duration::from_secs(5);

/// Where configurations are looked for when none is named: DCMTK's place, its place on Debian, ours.
const PLACES: [&str; 3] =
    ["/usr/local/etc/dcmtk/dcmqrscp.cfg", "/etc/dcmtk/dcmqrscp.cfg", "/etc/pacs-tools/dcmqrscp.cfg"];

/// Why the program does not run, as an exit code; the log has it already.
struct Failed(u8);

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os()) {
        Outcome::Run(options) => options,
        Outcome::Stop { code, stdout, stderr } => {
            // Nobody is left to tell when these fail.
            _ = io::stdout().write_all(stdout.as_bytes());
            _ = io::stderr().write_all(stderr.as_bytes());
            return ExitCode::from(code);
        }
    };
    let progress = options.general.start_log();
    if let Some(arguments) = &options.general.arguments {
        log::always(format_args!("{arguments}\n"));
    }
    match run(*options, progress) {
        Ok(()) => ExitCode::from(exit::NO_ERROR),
        Err(Failed(code)) => ExitCode::from(code),
    }
}

/// From the command line to the end of serving, in DCMTK's order.
fn run(options: Config, progress: Progress) -> Result<(), Failed> {
    let (incoming, outgoing) = profiles(&options)?;
    debug!(target: TARGET, "{}", help::banner("dcmqrscp"));
    let file = options.file.clone().unwrap_or_else(default_file);
    let config = load(&file)?;
    let dictionary = dictionary::of_environment(|text| warn!(target: TARGET, "{text}"));
    match &options.beyond.task {
        Task::Serve => {}
        Task::CheckConfig => {
            check_config(&config, &file);
            return Ok(());
        }
        Task::PrintConfig => {
            _ = io::stdout().write_all(&config.print());
            return Ok(());
        }
        Task::Check(title) => return check::run(&config, title, settings(&options, dictionary), Manner::Look),
        Task::Repair(title) => return check::run(&config, title, settings(&options, dictionary), Manner::Mend),
    }
    for remark in config.remarks() {
        warn!(target: TARGET, "{}", remark.located(&file));
    }
    let port = options.port.unwrap_or(config.port);
    let listener = listen(&options, port)?;
    // The user that we become may not be one who can read the key.
    let tls = tls::both(&options.tls).map_err(|tls::Unusable| Failed(exit::ARCHIVE_FAILED))?;
    user::become_configured(&config)?;
    let server = Arc::new(server(options, config, Profiles { incoming, outgoing }, tls, dictionary, progress)?);
    signals::watch(&server, file);
    let serving = match server.options.single_process {
        true => Serving::Serial,
        false => Serving::Threads { limit: limits::associations(), wait: false },
    };
    listener.run_until(serving, &server, Some(&server.stop));
    drop(listener);
    server.ending.store(true, Ordering::SeqCst);
    let left = server.crowd.drain(DRAIN);
    if left > 0 {
        warn!(target: TARGET, "{left} associations were broken off: they were busy for longer than {} seconds", DRAIN.as_secs());
    }
    server.archive.close();
    Ok(())
}

/// How areas are opened.
fn settings(options: &Config, dictionary: &'static Dictionary) -> Settings {
    let index_directory = options.beyond.index_directory.clone();
    Settings { sync: !options.beyond.no_sync, index_directory, dictionary }
}

fn default_file() -> PathBuf {
    let there = PLACES.iter().map(Path::new).find(|path| path.exists());
    there.unwrap_or(Path::new(PLACES[0])).to_owned()
}

fn load(file: &Path) -> Result<config::Config, Failed> {
    config::load(file).map_err(|e| {
        for report in e.errors(file) {
            error!(target: "dcmtk.dcmqrdb", "{}", text(&report));
        }
        fatal!(target: TARGET, "{}", text(&e.fatal(file)));
        Failed(exit::ARCHIVE_FAILED)
    })
}

/// A line for the log and what helps, as one record.
fn text(report: &Report) -> String {
    report.cures.iter().fold(report.line.clone(), |text, cure| text + "\n" + cure)
}

fn check_config(config: &config::Config, file: &Path) {
    let mut lines: Vec<_> = config.remarks().iter().map(|remark| remark.located(file)).collect();
    lines.push(format!("{}: a good configuration of {} storage areas", file.display(), config.areas().count()));
    _ = io::stdout().write_all((lines.join("\n") + "\n").as_bytes());
}

/// The profiles for callers and for destinations, if there are any.
fn profiles(options: &Config) -> Result<(Option<AcceptProfile>, Option<Proposal>), Failed> {
    let Some((path, incoming, outgoing)) = &options.profiles else { return Ok((None, None)) };
    let failed = |line: String, cure: String| {
        fatal!(target: TARGET, "{line}\n{cure}");
        Failed(exit::COMMANDLINE_SYNTAX_ERROR)
    };
    let incoming = profile::load(path, incoming)
        .and_then(|profile| profile.acceptor())
        .map_err(|e| failed(e.archive_line(), e.cure()))?;
    let outgoing = profile::load(path, outgoing)
        .and_then(|profile| profile.proposal())
        .map_err(|e| failed(e.archive_line(), e.cure()))?;
    Ok((Some(incoming), Some(outgoing)))
}

fn listen(options: &Config, port: u16) -> Result<Listener, Failed> {
    Listener::bind(options.network.ip, port).map_err(|e| {
        match e.kind() {
            io::ErrorKind::PermissionDenied => fatal!(
                target: TARGET,
                "cannot listen on port {port}, insufficient privileges\nUse a port above 1023, or allow this program the low \
                 ones: setcap cap_net_bind_service=+ep PROGRAM."
            ),
            io::ErrorKind::AddrInUse => fatal!(
                target: TARGET,
                "cannot initialize network: 0006:031c TCP Initialization Error: Address already in use\nAnother program \
                 listens on port {port}; `ss -ltnp sport = :{port}` shows which."
            ),
            _ => fatal!(
                target: TARGET,
                "cannot initialize network: 0006:031c TCP Initialization Error: {}",
                log::reason(&e)
            ),
        }
        Failed(exit::ARCHIVE_FAILED)
    })
}

/// What is proposed and accepted for storage, where it is not the standard's classes.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    /// By callers.
    pub(crate) incoming: Option<AcceptProfile>,
    /// To destinations.
    pub(crate) outgoing: Option<Proposal>,
}

fn server(
    options: Config,
    config: config::Config,
    profiles: Profiles,
    tls: Option<(Acceptor, Connector)>,
    dictionary: &'static Dictionary,
    progress: Progress,
) -> Result<Server, Failed> {
    let mut context = Context::new(ScratchMaker::in_memory());
    context.limits.inflated = options.output.max_inflated;
    context.dictionary = dictionary;
    let stop = Stop::new().map_err(|e| {
        fatal!(target: TARGET, "cannot initialize network: {}", log::reason(&e));
        Failed(exit::ARCHIVE_FAILED)
    })?;
    let (acceptor, connector) = tls.unzip();
    let door = Door::new("dcmqrscp", &options.network, acceptor, Arc::new(Resolver::new()));
    let sending = Sending {
        proposed: [options.proposed.first].into_iter().chain(options.proposed.otherwise.iter().copied()).collect(),
        profile: profiles.outgoing.clone(),
        targets: options.targets,
        connect_timeout: options.connect_timeout,
        timeouts: door.timeouts(),
        tls: connector,
        socket: door.socket(),
        version: options.network.ip,
        form: options.output.form(),
        context: context.clone(),
    };
    Ok(Server {
        sending,
        site: RwLock::new(Arc::new(Site::new(&options, config, &profiles))),
        archive: Archive::new(settings(&options, dictionary)),
        manner: store::Manner {
            bit_preserving: options.output.bit_preserving,
            form: options.output.form(),
            meta: options.output.format == output::Format::File,
            ignore: options.network.ignore,
            context,
        },
        door,
        idle: options.beyond.idle_timeout,
        progress,
        crowd: Arc::new(Crowd::default()),
        stop: Arc::new(stop),
        options,
        profiles,
        ending: AtomicBool::new(false),
    })
}
