//! Which files go over which association, and how many associations there are at a time.
//!
//! Usually there is one group of files and one association, and all of this comes down to a loop over the files. With
//! `--propose-from-files` there may be several groups, each with its own proposal; with `--parallel` several associations
//! take files from the same list.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pacs_core::association::Request;
use pacs_tools::{exit, log};
use tracing::{debug, error, warn};

use crate::bar::Bar;
use crate::journal::Journal;
use crate::options::Config;
use crate::propose::Proposal;
use crate::report::Report;
use crate::send::{self, Attempt, Failure, NoAssociation, Sender, Session};
use crate::{Failed, TARGET};

/// The longest wait before an association is asked for again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Files that share a proposal, by their places in the list.
#[derive(Debug)]
pub(crate) struct Group {
    /// What is proposed.
    pub(crate) proposal: Proposal,
    /// None: all of them.
    pub(crate) files: Option<Vec<u32>>,
}

/// All that is to be done, and who hears of it.
#[derive(Debug)]
pub(crate) struct Work<'w> {
    pub(crate) sender: &'w Sender<'w>,
    pub(crate) groups: Vec<Group>,
    pub(crate) files: &'w [PathBuf],
    pub(crate) journal: Option<&'w Journal>,
    pub(crate) report: &'w Report,
    pub(crate) bar: Bar,
}

/// A file that has been taken from the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Task {
    group: usize,
    file: usize,
}

/// What is left, and what has gone wrong.
#[derive(Debug, Default)]
struct State {
    /// For each group how many of its files have been taken.
    taken: Vec<usize>,
    /// Files that were taken by one who could not send them.
    back: Vec<Task>,
    /// No more files are to be taken.
    stop: bool,
    /// The first failure in the order of the files, and its exit code.
    failed: Option<(usize, u8)>,
    /// Why an association could not be had; the last reason.
    trouble: Option<(Request, NoAssociation)>,
}

/// How it goes on after a file.
enum Next {
    Go,
    /// The session has been ended.
    Halt,
    /// There is no association any more, and none to be had.
    Leave,
}

/// One that works: the session it has, and how often it may still try to get another one.
struct Worker<'w> {
    work: &'w Work<'w>,
    state: &'w Mutex<State>,
    /// The requests of all groups.
    requests: &'w [Request],
    tries: u32,
}

impl Work<'_> {
    fn config(&self) -> &Config {
        self.sender.config
    }

    /// Does it; the exit code.
    pub(crate) fn run(&self) -> u8 {
        let requests: Vec<_> = self.groups.iter().map(|group| self.sender.request(&group.proposal)).collect();
        let state = Mutex::new(State { taken: vec![0; self.groups.len()], ..State::default() });
        let count = usize::try_from(self.config().beyond.parallel).unwrap_or(1).min(self.files.len()).max(1);
        let worker = || Worker { work: self, state: &state, requests: &requests, tries: 0 };
        thread::scope(|scope| {
            let others: Vec<_> = (1..count).map(|_| scope.spawn(|| worker().run(false))).collect();
            worker().run(true);
            for other in others {
                if other.join().is_err() {
                    error!(target: TARGET, "An association ended by a fault of this program.");
                    lock(&state).fail(usize::MAX, exit::COMMANDLINE_SYNTAX_ERROR);
                }
            }
        });
        let mut state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.settle(&mut state)
    }

    /// What was not tried goes into the report, and why, into the log.
    fn settle(&self, state: &mut State) -> u8 {
        let mut left = state.back.iter().map(|task| task.file).collect::<Vec<_>>();
        for (group, taken) in self.groups.iter().zip(&state.taken) {
            left.extend((*taken..group.len(self.files.len())).map(|at| group.file(at)));
        }
        if let Some((request, why)) = state.trouble.take()
            && !state.stop
            && (!left.is_empty() || self.files.is_empty())
        {
            send::say_no_association(self.config(), &request, &why);
            state.fail(left.iter().copied().min().unwrap_or(0), exit::COMMANDLINE_SYNTAX_ERROR);
        }
        left.sort_unstable();
        for file in left {
            self.report.not_tried(&self.files[file]);
        }
        self.bar.end();
        state.failed.map_or(exit::NO_ERROR, |(_, code)| code)
    }

    /// Whether a lost association stays lost, and each file that is left fails for itself, as DCMTK does it.
    fn is_plain(&self) -> bool {
        let beyond = &self.config().beyond;
        beyond.parallel <= 1 && beyond.retry == 0 && self.groups.len() == 1
    }
}

impl Group {
    /// How many files it has, of so many in all.
    fn len(&self, all: usize) -> usize {
        self.files.as_ref().map_or(all, Vec::len)
    }

    /// The place of its file number `at` in the list.
    fn file(&self, at: usize) -> usize {
        match &self.files {
            None => at,
            Some(files) => files.get(at).map_or(0, |file| *file as usize),
        }
    }
}

impl State {
    fn fail(&mut self, file: usize, code: u8) {
        if self.failed.is_none_or(|(first, _)| file < first) {
            self.failed = Some((file, code));
        }
    }

    /// The next file, of this group if it has any left.
    fn take(&mut self, work: &Work<'_>, group: usize) -> Option<Task> {
        if self.stop {
            return None;
        }
        if let Some(task) = self.back.pop() {
            return Some(task);
        }
        let groups = std::iter::once(group).chain(0..work.groups.len());
        for group in groups {
            let (of_group, taken) = (work.groups.get(group)?, self.taken.get_mut(group)?);
            if *taken < of_group.len(work.files.len()) {
                *taken += 1;
                return Some(Task { group, file: of_group.file(*taken - 1) });
            }
        }
        None
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing panics while the lock is held.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'w> Worker<'w> {
    /// Sends files until none is left. The first worker asks for an association even if there are none.
    fn run(mut self, is_first: bool) {
        let mut task = self.take(0);
        if task.is_none() && !is_first {
            return;
        }
        loop {
            let group = task.map_or(0, |task| task.group);
            let mut session = self.associate(group, task);
            if session.is_none() {
                return;
            }
            while let Some(current) = task.filter(|task| task.group == group) {
                match self.send(&mut session, current) {
                    Next::Go => task = self.take(group),
                    Next::Halt | Next::Leave => return,
                }
            }
            if let Some(session) = session
                && session.end().is_err()
            {
                lock(self.state).fail(usize::MAX, exit::COMMANDLINE_SYNTAX_ERROR);
            }
            if task.is_none() {
                return;
            }
        }
    }

    fn take(&self, group: usize) -> Option<Task> {
        lock(self.state).take(self.work, group)
    }

    /// The file that comes next, where nobody else may take it.
    fn upcoming(&self, group: usize) -> Option<&'w Path> {
        let work = self.work;
        if work.config().beyond.parallel > 1 {
            return None;
        }
        let at = *lock(self.state).taken.get(group)?;
        let of_group = work.groups.get(group)?;
        (at < of_group.len(work.files.len()))
            .then(|| of_group.file(at))
            .and_then(|file| work.files.get(file))
            .map(PathBuf::as_path)
    }

    /// An association for a group. None: it cannot be had, and whoever else works gets the task.
    fn associate(&mut self, group: usize, task: Option<Task>) -> Option<Session<'w>> {
        let request = self.requests.get(group)?;
        loop {
            let why = match self.work.sender.associate(request) {
                Ok(session) => return Some(session),
                Err(why) => why,
            };
            if why.is_transient() && self.may_retry() {
                warn!(target: TARGET, "{}", send::try_again(&why, self.wait(), self.tries, self.config().beyond.retry));
                thread::sleep(self.wait());
                continue;
            }
            let mut state = lock(self.state);
            state.back.extend(task);
            state.trouble = Some((request.clone(), why));
            return None;
        }
    }

    fn config(&self) -> &'w Config {
        self.work.sender.config
    }

    /// Counts a try, if there is one left.
    fn may_retry(&mut self) -> bool {
        let may = self.tries < self.config().beyond.retry;
        self.tries += u32::from(may);
        may
    }

    /// How long to wait before this try: a second, then always twice as long.
    fn wait(&self) -> Duration {
        Duration::from_secs(1 << self.tries.saturating_sub(1).min(10)).min(LONGEST_WAIT)
    }

    /// Sends a file as often as it is to be sent.
    fn send(&mut self, session: &mut Option<Session<'w>>, task: Task) -> Next {
        let (work, config) = (self.work, self.config());
        let Some(path) = work.files.get(task.file) else { return Next::Go };
        let upcoming = self.upcoming(task.group).filter(|_| config.repeat == 1);
        let mut all_stored = true;
        for _ in 0..config.repeat {
            let attempt = loop {
                if session.is_none() {
                    *session = self.associate(task.group, Some(task));
                }
                let Some(current) = session else { return Next::Leave };
                let attempt = current.send(path, upcoming);
                if !matches!(attempt.end, Err(Failure::Lost(_))) || !self.may_retry() {
                    break attempt;
                }
                warn!(
                    target: TARGET,
                    "The association is lost; {} is tried again in {} s, {} of {} times.",
                    path.display(),
                    self.wait().as_secs(),
                    self.tries,
                    config.beyond.retry
                );
                thread::sleep(self.wait());
                *session = None;
            };
            work.report.tried(path, &attempt);
            rename(config, path, &attempt);
            if attempt.is_stored() {
                self.tries = 0;
                continue;
            }
            all_stored = false;
            if !config.no_halt {
                lock(self.state).stop = true;
                if let Some(session) = session.take() {
                    let code = halt(session, &attempt);
                    lock(self.state).fail(task.file, code);
                }
                return Next::Halt;
            }
            // DCMTK: a lost association stays lost, and each file that is left fails for itself. Where the file was at fault,
            // or more was asked for than DCMTK gives, the next file gets another one.
            let changed = matches!(attempt.end, Err(Failure::Changed(_)));
            if session.as_ref().is_some_and(|session| !session.stands()) && (changed || !work.is_plain()) {
                *session = None;
            }
        }
        if all_stored
            && let Some(journal) = work.journal
            && let Err(e) = journal.stored(path)
        {
            error!(target: TARGET, "cannot write the journal of --resume: {}.", log::reason(&e));
            let mut state = lock(self.state);
            state.stop = true;
            state.fail(task.file, exit::CANNOT_WRITE_OUTPUT_FILE);
        }
        work.bar.file(path);
        Next::Go
    }
}

/// Ends after the first failure; its exit code.
fn halt(session: Session<'_>, attempt: &Attempt) -> u8 {
    match &attempt.end {
        Ok(status) => match session.end() {
            Ok(()) => exit::of_status(*status),
            Err(Failed) => exit::COMMANDLINE_SYNTAX_ERROR,
        },
        Err(failure) => {
            session.end_after(failure);
            match failure {
                Failure::Lost(_) | Failure::Released(_) => exit::CONNECTION_LOST,
                _ => exit::COMMANDLINE_SYNTAX_ERROR,
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
