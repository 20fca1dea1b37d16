//! Programs under test: started on a free port of their own, their output kept, ended by their process id.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Usage, listens};
use crate::{LIMIT, within};

/// How a program is to be started.
#[derive(Clone, Debug)]
pub struct Start {
    exe: PathBuf,
    args: Vec<OsString>,
    folder: PathBuf,
    variables: Vec<(OsString, OsString)>,
    prelude: Option<String>,
}

impl Start {
    /// This program, without arguments, in the current folder.
    pub fn new(exe: impl AsRef<Path>) -> Self {
        Self {
            exe: exe.as_ref().to_owned(),
            args: Vec::new(),
            folder: PathBuf::from("."),
            variables: Vec::new(),
            prelude: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The folder it runs in.
    #[must_use]
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = folder.as_ref().to_owned();
        self
    }

    /// Sets an environment variable for it.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Shell commands that run first in the same process, such as `umask 077` or `ulimit -f 100`.
    #[must_use]
    pub fn after(mut self, prelude: &str) -> Self {
        self.prelude = Some(prelude.to_owned());
        self
    }

    /// Starts it with a free port as last argument and waits until it listens there.
    ///
    /// # Panics
    /// When it ends, or does not listen within [`LIMIT`].
    pub fn listen(self) -> Tool {
        for _ in 0..20 {
            let port = free_port();
            let mut tool = Tool::spawn(&self, port);
            let listening = within(LIMIT, || listens(tool.pid(), port) || tool.exit().is_some());
            if tool.exit().is_none() {
                assert!(listening, "{} does not listen:\n{}", self.exe.display(), tool.log());
                return tool;
            }
            // Another process may have been quicker to take the port.
            let log = tool.log();
            assert!(log.contains("in use"), "{} ended at once: {:?}\n{log}", self.exe.display(), tool.exit());
        }
        panic!("no free port for {}", self.exe.display());
    }

    /// Runs it to its end with exactly the arguments given.
    ///
    /// # Panics
    /// When it cannot be started or does not end within [`LIMIT`]; it is ended then.
    pub fn run(self) -> Finished {
        let mut tool = Tool::spawn_with(&self, &self.args, 0);
        assert!(within(LIMIT, || tool.exit().is_some()), "{} {:?} goes on", self.exe.display(), self.args);
        Finished { code: tool.exit().and_then(|status| status.code()), out: tool.out(), err: tool.log() }
    }

    fn command(&self, args: &[OsString]) -> Command {
        let mut command = match &self.prelude {
            None => Command::new(&self.exe),
            Some(prelude) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("{prelude}; exec \"$0\" \"$@\"")).arg(&self.exe);
                shell
            }
        };
        command.args(args).current_dir(&self.folder).envs(self.variables.iter().cloned()).stdin(Stdio::null());
        command
    }
}

/// What a program that ran to its end left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a program to its end, see [`Start::run`].
pub fn run(exe: impl AsRef<Path>, args: &[&str]) -> Finished {
    Start::new(exe).args(args).run()
}

/// A program that runs and listens; ended when dropped.
#[derive(Debug)]
pub struct Tool {
    /// The port it listens on.
    pub port: u16,
    child: Child,
    ended: Option<ExitStatus>,
    output: TempDir,
}

impl Tool {
    /// Starts a program in a folder with these arguments and a free port, see [`Start::listen`].
    pub fn start(exe: impl AsRef<Path>, args: &[&str], folder: impl AsRef<Path>) -> Self {
        Start::new(exe).args(args).folder(folder).listen()
    }

    fn spawn(start: &Start, port: u16) -> Self {
        let mut args = start.args.clone();
        args.push(port.to_string().into());
        Self::spawn_with(start, &args, port)
    }

    fn spawn_with(start: &Start, args: &[OsString], port: u16) -> Self {
        let output = TempDir::new().expect("a folder for the output");
        let create = |name| File::create(output.path().join(name)).expect("a file for the output");
        let mut command = start.command(args);
        command.stdout(create("stdout")).stderr(create("stderr"));
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", start.exe.display()));
        Self { port, child, ended: None, output }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its exit status once it has ended.
    pub fn exit(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("its state");
        }
        self.ended
    }

    /// What it has written to standard error so far; bytes that are no UTF-8 are replaced.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log_bytes()).into_owned()
    }

    /// What it has written to standard error so far, untouched.
    pub fn log_bytes(&self) -> Vec<u8> {
        fs::read(self.output.path().join("stderr")).expect("the log")
    }

    /// What it has written to standard output so far.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.output.path().join("stdout")).expect("the output")).into_owned()
    }

    /// The lines of standard output so far.
    pub fn out_lines(&self) -> Vec<String> {
        self.out().lines().map(str::to_owned).collect()
    }

    /// Whether the log holds this text within the limit.
    pub fn logs(&self, text: &str, limit: Duration) -> bool {
        within(limit, || self.log().contains(text))
    }

    /// Waits until the log holds this text, and gives the log.
    ///
    /// # Panics
    /// When it does not within the limit.
    pub fn wait_log(&self, text: &str, limit: Duration) -> String {
        self.wait_log_times(text, 1, limit)
    }

    /// Waits until the log holds this text so many times, and gives the log.
    ///
    /// # Panics
    /// When it does not within the limit.
    pub fn wait_log_times(&self, text: &str, times: usize, limit: Duration) -> String {
        let seen = within(limit, || self.log().matches(text).count() >= times);
        let log = self.log();
        assert!(seen, "{:?} is not {times} times in the log after {limit:?}:\n{log}", text);
        log
    }

    /// What it holds now.
    ///
    /// # Panics
    /// When it has ended.
    pub fn usage(&self) -> Usage {
        Usage::of(self.pid()).unwrap_or_else(|| panic!("process {} has ended:\n{}", self.pid(), self.log()))
    }

    /// Sends it a signal by name, such as `TERM` or `STOP`.
    ///
    /// # Panics
    /// When there is no such process.
    pub fn signal(&self, name: &str) {
        let done = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &self.pid().to_string()]).status();
        assert!(done.expect("sh").success(), "no process {} to signal", self.pid());
    }

    /// Asks it to end and waits for it.
    ///
    /// # Panics
    /// When it does not end within [`LIMIT`]; it is killed then.
    pub fn stop(&mut self) -> ExitStatus {
        if self.exit().is_none() {
            self.signal("TERM");
        }
        assert!(within(LIMIT, || self.exit().is_some()), "process {} does not end", self.pid());
        self.ended.expect("just seen")
    }

    /// Kills it: it gets no chance to tidy up.
    pub fn kill(&mut self) {
        if self.exit().is_none() {
            self.child.kill().expect("kill");
            self.ended = Some(self.child.wait().expect("its end"));
        }
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A port that nobody listens on, neither over IPv4 nor over IPv6, and that no other test of this process is given. The
/// system gives it to nobody by itself: it lies below those.
///
/// # Panics
/// When none is left.
pub fn free_port() -> u16 {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    const PORTS: Range<u16> = 20_000..32_000;
    // Other processes begin elsewhere.
    let first = std::process::id() as usize;
    for _ in PORTS {
        let nth = first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % PORTS.len();
        let port = PORTS.start + u16::try_from(nth).expect("less than there are ports");
        let without_v6 = || TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err();
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
            && (TcpListener::bind((Ipv6Addr::LOCALHOST, port)).is_ok() || without_v6())
        {
            return port;
        }
    }
    panic!("no free port");
}
