//! SIGTERM and SIGINT end the server when its associations are done, a second one ends it at once; SIGHUP has the
//! configuration read again where there is no terminal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use pacs_core::archive::config;
use tracing::{error, info, warn};

use crate::TARGET;
use crate::admit::Rules;
use crate::server::{Server, Site};

/// Watches for signals from now on.
pub(crate) fn watch(server: &Arc<Server>, file: PathBuf) {
    let mut signals = match Signals::new([SIGTERM, SIGINT, SIGHUP]) {
        Ok(signals) => signals,
        Err(e) => {
            // They then end the program as they end every other.
            warn!(target: TARGET, "cannot watch for signals: {e}");
            return;
        }
    };
    let server = Arc::clone(server);
    let spawned = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut told = false;
        for signal in signals.forever() {
            match signal {
                SIGHUP if !has_terminal() => reload(&server, &file),
                SIGTERM | SIGINT if !told => {
                    told = true;
                    info!(target: TARGET, "ending: no new associations, those that are busy may go on for a moment");
                    server.stop.tell();
                }
                other => _ = emulate_default_handler(other),
            }
        }
    });
    if let Err(e) = spawned {
        warn!(target: TARGET, "cannot start a thread that watches for signals: {e}");
    }
}

/// Whether somebody at a terminal may have hung up.
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Reads the configuration again. What is in force stays in force where the new file is bad.
fn reload(server: &Server, file: &Path) {
    let new = match config::load(file) {
        Ok(new) => new,
        Err(e) => {
            for report in e.errors(file).into_iter().chain([e.fatal(file)]) {
                error!(target: "dcmtk.dcmqrdb", "{}", crate::text(&report));
            }
            warn!(target: TARGET, "the configuration is not taken over; the one in force stays in force");
            return;
        }
    };
    let old = server.site();
    for (word, changed) in [
        ("NetworkTCPPort", new.port != old.config.port && server.options.port.is_none()),
        ("UserName", new.user != old.config.user),
        ("GroupName", new.group != old.config.group),
    ] {
        if changed {
            warn!(target: TARGET, "a changed {word} counts from the next start on");
        }
    }
    for remark in new.remarks() {
        warn!(target: TARGET, "{}", remark.located(file));
    }
    let rules = Rules::new(&server.options, &new, server.profiles.incoming.clone());
    server.replace_site(Site { config: new, rules });
    info!(target: TARGET, "the configuration was read again: it counts for associations from now on");
}
