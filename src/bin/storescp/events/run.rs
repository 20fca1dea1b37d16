//! Runs commands: never more than a few at a time, none forgotten, none given what is ours.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use pacs_tools::log;
use tracing::{error, warn};

use crate::TARGET;

/// Commands at a time. Those that come meanwhile wait, and start in the order they came.
pub(crate) const MOST_RUNNING: usize = 64;

/// Commands that wait, at most: a command that never ends must not cost all memory.
const MOST_WAITING: usize = 100_000;

/// Gives the text of a command. It may take its time.
pub(crate) type Job = Box<dyn FnOnce() -> OsString + Send>;

/// Runs commands.
#[derive(Debug, Default)]
pub(crate) struct Runner {
    shared: Arc<Shared>,
    /// Held while a command runs that is waited for.
    alone: Mutex<()>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    started: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Threads, each with a command or on its way to one.
    running: usize,
    /// Commands that no longer wait and do not run yet.
    starting: usize,
}

impl Runner {
    /// Runs it as soon as there is room for it.
    pub(crate) fn start(&self, job: Job) {
        let mut state = self.shared.state();
        if state.waiting.len() >= MOST_WAITING {
            drop(state);
            error!(
                target: TARGET,
                "cannot execute command '{}' (fork failed)\n{MOST_WAITING} others wait already, and the {MOST_RUNNING} that run do \
                 not end",
                shown(&job())
            );
            return;
        }
        state.waiting.push_back(job);
        if state.running >= MOST_RUNNING {
            return;
        }
        state.running += 1;
        drop(state);
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("command".to_owned()).stack_size(256 << 10);
        if let Err(e) = thread.spawn(move || shared.work()) {
            warn!(target: TARGET, "cannot start a thread for a command: {e}");
            let mut state = self.shared.state();
            state.running -= 1;
            // Without any thread nobody would ever run it.
            if state.running == 0 {
                state.running += 1;
                drop(state);
                self.shared.work();
            }
        }
    }

    /// Runs it and returns when it has ended. No two run at a time.
    pub(crate) fn run(&self, job: Job) {
        let _alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = spawned(&job()) {
            wait(child);
        }
    }

    /// Returns once none waits any more.
    pub(crate) fn settle(&self) {
        let mut state = self.shared.state();
        while !state.waiting.is_empty() || state.starting > 0 {
            state = self.shared.started.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what waits, one command after the other.
    fn work(&self) {
        loop {
            let mut state = self.state();
            let Some(job) = state.waiting.pop_front() else {
                state.running -= 1;
                return;
            };
            state.starting += 1;
            drop(state);
            let child = spawned(&job());
            self.state().starting -= 1;
            self.started.notify_all();
            if let Some(child) = child {
                wait(child);
            }
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State {{ waiting: {}, running: {} }}", self.waiting.len(), self.running)
    }
}

/// Starts it with our environment, folder, stdout and stderr, and nothing else of ours: every descriptor but those three is
/// closed in it.
fn spawned(command: &OsStr) -> Option<Child> {
    let e = match Command::new("/bin/sh").arg("-c").arg(command).stdin(Stdio::null()).spawn() {
        Ok(child) => return Some(child),
        Err(e) => e,
    };
    match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
            error!(target: TARGET, "cannot execute /bin/sh\n{}", log::reason(&e));
        }
        _ => error!(
            target: TARGET,
            "cannot execute command '{}' (fork failed)\n{}",
            shown(command),
            log::reason(&e)
        ),
    }
    None
}

/// Its exit status is nobody's business, as with DCMTK, but somebody has to ask for it.
fn wait(mut child: Child) {
    if let Err(e) = child.wait() {
        warn!(target: TARGET, "cannot wait for a command: {e}");
    }
}

fn shown(command: &OsStr) -> String {
    log::clean_bytes(command.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests;
