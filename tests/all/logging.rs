//! `--log-config`: where records go, how they look, and that nothing about them keeps objects from being received.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use pacs_testing::{Finished, LIMIT, Object, Peer, Start, Tool, within};
use tempfile::TempDir;

use crate::receiver::{Receiver, storescp};

/// A folder with a log configuration in it. Its log files are named by `${LOGS}`.
struct Log {
    folder: TempDir,
}

impl Log {
    fn new(config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("log.cfg"), config).unwrap();
        Self { folder }
    }

    fn start(&self) -> Start {
        let config = self.folder.path().join("log.cfg");
        let start = Start::new(storescp()).args(["-lc"]).args([config]);
        start.variable("LOGS", self.folder.path().to_str().unwrap())
    }

    /// A receiver that logs by it.
    fn receiver(&self) -> Receiver {
        Receiver::start_with(self.start())
    }

    /// The program run to its end with these arguments besides.
    fn run(&self, args: &[&str]) -> Finished {
        self.start().args(args).run()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// The text of a log file, once it holds this.
    fn wait(&self, name: &str, text: &str) -> String {
        assert!(within(LIMIT, || self.text(name).contains(text)), "{name} lacks {text}:\n{}", self.text(name));
        self.text(name)
    }
}

/// A configuration with one appender that all goes to, of this class, with a pattern and these properties.
fn config(level: &str, class: &str, pattern: &str, properties: &[&str]) -> String {
    let mut text = format!(
        "log4cplus.rootLogger = {level}, a\nlog4cplus.appender.a = log4cplus::{class}\n\
         log4cplus.appender.a.layout = log4cplus::PatternLayout\n\
         log4cplus.appender.a.layout.ConversionPattern = {pattern}\n"
    );
    for property in properties {
        text += &format!("log4cplus.appender.a.{property}\n");
    }
    text
}

fn file(level: &str, name: &str) -> Log {
    Log::new(&config(level, "FileAppender", "%P %m%n", &[&format!("File = {name}")]))
}

/// Stores one object over an association of its own.
fn store(receiver: &Receiver, instance: &str) {
    let mut peer = Peer::usual(receiver.port);
    assert_eq!(peer.store(1, &Object::tiny(instance)), 0);
    assert!(peer.release());
}

/// What it has written to standard output.
fn stdout(receiver: &Receiver) -> String {
    Tool::out(receiver)
}

/// Is this a time such as `22:45:07`?
fn is_time(text: &str) -> bool {
    text.len() == 8
        && text.bytes().enumerate().all(|(at, byte)| if at % 3 == 2 { byte == b':' } else { byte.is_ascii_digit() })
}

#[test]
fn files_in_the_style_of_dcmtk_s_own() {
    // Two appenders with levels of their own; the key of the console is spelled wrongly, as in the files that DCMTK
    // ships, so that it is stdout. The dots have a logger of their own.
    let log = Log::new(
        "# sample\nlog4cplus.rootLogger = DEBUG, console, logfile\n\
         log4cplus.appender.console = log4cplus::ConsoleAppender\n\
         log4cplus.appender.console.Threshold = INFO\n\
         log4cplus.appender.console.logToStderr = true\n\
         log4cplus.appender.console.ImmediateFlush = true\n\
         log4cplus.appender.logfile = log4cplus::RollingFileAppender\n\
         log4cplus.appender.logfile.File = ${LOGS}/${appname}.log\n\
         log4cplus.appender.logfile.Append = true\n\
         log4cplus.appender.logfile.MaxFileSize = 5MB\n\
         log4cplus.appender.logfile.MaxBackupIndex = 10\n\
         log4cplus.appender.console.layout = log4cplus::PatternLayout\n\
         log4cplus.appender.logfile.layout = log4cplus::PatternLayout\n\
         log4cplus.appender.console.layout.ConversionPattern = %D{%H:%M:%S} %5p: %m%n\n\
         log4cplus.appender.logfile.layout.ConversionPattern = %D{%Y-%m-%d %H:%M:%S.%q} %5p - %-8c{1} - %m%n\n\
         log4cplus.logger.dcmtk.apps.storescp.progress = INFO\n\
         log4cplus.logger.dcmtk.dcmnet = INHERIT\n",
    );
    let receiver = log.receiver();
    store(&receiver, "1.2.3.1");
    assert!(within(LIMIT, || stdout(&receiver).contains("Association Release")), "{}", stdout(&receiver));
    let out = stdout(&receiver);
    assert!(out.contains("RECV: ."), "{out}");
    let records: Vec<_> = out.lines().filter(|line| !line.is_empty() && !line.starts_with("RECV: ")).collect();
    for line in &records {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(is_time(time) && rest.starts_with(" INFO: "), "{line}");
    }
    assert!(
        records.iter().any(|line| line.ends_with(" INFO: storing DICOM file: ./MR.1.2.3.1")
            || line.contains(" INFO: storing DICOM file: ")),
        "{out}"
    );
    assert_eq!(receiver.log(), "");

    let text = log.wait("storescp.log", "Association Release");
    for line in text.lines() {
        let [date, time, rest] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (time, millis) = time.split_once('.').unwrap();
        assert!(date.len() == 10 && is_time(time) && millis.len() == 3, "{line}");
        let (level, rest) = rest.split_at(5);
        assert!(["DEBUG", " INFO"].contains(&level), "{line}");
        let (logger, _) = rest.strip_prefix(" - ").unwrap().split_once(" - ").unwrap();
        assert!(["storescp", "dcmnet  ", "dcmdata "].contains(&logger), "{line}");
    }
    for part in ["DEBUG - storescp - Parameters:", "DEBUG - dcmnet   - Association Received: ", "END DIMSE MESSAGE"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn levels_and_streams() {
    let log = Log::new(&config("WARN", "ConsoleAppender", "<%p> %c{1} %m%n", &["logToStdErr = true"]));
    let receiver = log.receiver();
    store(&receiver, "1.2.3.1");
    store(&receiver, "1.2.3.1");
    let text = receiver.wait_log("overwriting", LIMIT);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("<WARN> storescp DICOM file already exists, overwriting: "), "{text}");
    assert_eq!(stdout(&receiver), "");

    // The program's own logger tells more than the others; dots go with it.
    let lines = "log4cplus.logger.dcmtk.apps = INFO\n";
    let log = Log::new(&(config("OFF", "ConsoleAppender", "%P %m%n", &["logToStdErr = 1"]) + lines));
    let receiver = log.receiver();
    store(&receiver, "1.2.3.1");
    let text = receiver.wait_log("Association Release", LIMIT);
    assert!(text.lines().all(|line| line.starts_with("I ")), "{text}");
    assert_eq!(stdout(&receiver), "RECV: .\n");
}

#[test]
fn dots_are_of_their_own_loggers_level() {
    let progress = "log4cplus.logger.dcmtk.apps.storescp.progress = ";
    for (level, lines, dots) in [
        ("INFO", String::new(), true),
        ("DEBUG", String::new(), false),
        ("WARN", String::new(), false),
        ("WARN", format!("{progress}INFO\n"), true),
        ("DEBUG", format!("{progress}info\n"), true),
        ("INFO", format!("{progress}DEBUG\n"), false),
        ("INFO", format!("{progress}OFF\n"), false),
    ] {
        let log = Log::new(&(config(level, "FileAppender", "%m%n", &["File = ${LOGS}/x.log"]) + &lines));
        let receiver = log.receiver();
        store(&receiver, "1.2.3.1");
        assert!(within(LIMIT, || stdout(&receiver) == if dots { "RECV: .\n" } else { "" }), "{level} {lines}");
    }
}

#[test]
fn times_are_local_or_utc_and_names_may_hold_variables() {
    let name = "File = ${LOGS}/${appname}-${date}.log";
    let pattern = "%D{%H %Z %z}|%d{%H %Z}|%i|%t|%m%n";
    let log = Log::new(&config("INFO", "FileAppender", pattern, &[name]));
    let ended = log.start().variable("TZ", "Asia/Tokyo").args(["--arguments", "-od", "nowhere", "11112"]).run();
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(1), "", ""));
    let written =
        fs::read_dir(log.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let written: Vec<_> = written.filter(|name| name.ends_with(".log")).collect();
    let [name] = &written[..] else { panic!("{written:?}") };
    let date = name.strip_prefix("storescp-").and_then(|rest| rest.strip_suffix(".log")).unwrap();
    assert!(date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    let text = log.text(name);
    assert!(text.lines().next().unwrap().contains("calling '"), "{text}");
    for line in text.lines() {
        let [local, utc, pid, thread, _] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (hour, zone) = local.split_once(' ').unwrap();
        let (utc_hour, utc) = utc.split_once(' ').unwrap();
        let ahead = (24 + hour.parse::<i32>().unwrap() - utc_hour.parse::<i32>().unwrap()) % 24;
        assert_eq!((ahead, zone, utc), (9, "JST +0900", "GMT"), "{line}");
        assert_eq!(pid, thread, "the main thread");
    }
}

#[test]
fn what_the_file_must_have() {
    let call = |log: &Log, args: &[&str]| {
        let ended = log.run(&[args, &["11112"]].concat());
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
        ended.err
    };
    let good = config("INFO", "FileAppender", "%m%n", &["File = ${LOGS}/x.log"]);
    for (text, error) in [
        ("", "Specified --log-config file does not contain any settings"),
        ("# log4cplus.rootLogger = INFO\n", "Specified --log-config file does not contain any settings"),
        ("rootLogger = INFO\n", "Specified --log-config file does not contain any valid settings"),
        ("log4cplus.logger.dcmtk = INFO\n", "Specified --log-config file does not set up log4cplus.rootLogger"),
    ] {
        let err = call(&Log::new(text), &[]);
        assert!(err.ends_with(&format!(" $\n\nstorescp: DICOM storage (C-STORE) SCP\nerror: {error}\n")), "{err}");
        assert!(err.starts_with("$pacs-tools: storescp v"), "{err}");
    }
    let log = Log::new(&good);
    fs::remove_file(log.folder.path().join("log.cfg")).unwrap();
    assert!(call(&log, &["--arguments"]).ends_with("\nerror: Specified --log-config file does not exist\n"));
    let log = Log::new(&good);
    for option in ["-v", "-d", "-q"] {
        let error = "error: --log-config not allowed with --verbose, --debug or --quiet\n";
        assert!(call(&log, &[option]).ends_with(error), "{option}");
    }
    assert!(call(&log, &["-ll", "info"]).ends_with("error: --log-config not allowed with --log-level\n"));
    assert_eq!(log.text("x.log"), "", "nothing is opened before the command line is right");
}

#[test]
fn levels_decide_about_usage_errors_and_verbose_parameters() {
    let apps = "log4cplus.logger.dcmtk.apps.storescp = ";
    for (level, lines, shown, verbose) in [
        ("ERROR", String::new(), true, false),
        ("FATAL", String::new(), false, false),
        ("OFF", format!("{apps}INFO\n"), false, true),
        ("INFO", format!("{apps}WARN\n"), true, false),
        ("TRACE", String::new(), true, true),
    ] {
        let log = Log::new(&format!("log4cplus.rootLogger = {level}\n{lines}"));
        let err = log.run(&["-ta", "0", "11112"]).err;
        let error = "error: Invalid value for option --acse-timeout (underflow: 0)\n";
        assert!(if shown { err.ends_with(error) } else { err.is_empty() }, "{level} {lines}: {err}");
        let err = log.run(&["+v", "-ta", "0", "11112"]).err;
        let expected = if verbose { error } else { "error: --verbose-pc only allowed with verbose mode\n" };
        assert!(if shown { err.ends_with(expected) } else { err.is_empty() }, "{level} {lines}: {err}");
    }
}

#[test]
fn what_is_wrong_is_said_and_nothing_else_changes() {
    let log = Log::new(
        "log4cplus.rootLogger = INFO, missing, a, net\nlog4cplus.appender.a = log4cplus::FileAppender\n\
         log4cplus.appender.a.File = ${LOGS}/x.log\nlog4cplus.appender.a.layout = log4cplus::PatternLayout\n\
         log4cplus.appender.a.layout.ConversionPattern = %P %y %m%n\n\
         log4cplus.appender.net = log4cplus::SocketAppender\nlog4cplus.appender.net.host = localhost\n\
         log4cplus.appender.other = log4cplus::Other\n",
    );
    let receiver = log.receiver();
    store(&receiver, "1.2.3.1");
    log.wait("x.log", "I %y Association Release\n");
    let wanted = [
        "log4cplus:ERROR Unexpected char [y] at position 5 in conversion pattern.",
        "log4cplus:WARN log4cplus::SocketAppender does not exist here: the records of appender net are dropped",
        "log4cplus:ERROR PropertyConfigurator::configureAppenders()- Cannot find AppenderFactory: log4cplus::Other",
        "log4cplus:ERROR PropertyConfigurator::configureLogger()- Invalid appender: missing",
    ];
    assert_eq!(receiver.log().lines().collect::<Vec<_>>(), wanted);

    let log = Log::new("log4cplus.rootLogger = INFO\n");
    let receiver = log.receiver();
    store(&receiver, "1.2.3.1");
    store(&receiver, "1.2.3.2");
    let wanted = "log4cplus:ERROR No appenders could be found for logger (dcmtk.apps.storescp).\n\
                  log4cplus:ERROR Please initialize the log4cplus system properly.\n";
    assert_eq!(receiver.log(), wanted);
}

#[test]
fn a_log_file_that_cannot_be_opened_stops_nothing() {
    let log = file("INFO", "${LOGS}/${WHERE}/x.log");
    fs::create_dir(log.folder.path().join("locked")).unwrap();
    fs::set_permissions(log.folder.path().join("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    let mut places = vec![("missing", "No such file or directory"), ("log.cfg", "Not a directory")];
    // Root may write anywhere.
    if fs::write(log.folder.path().join("locked/probe"), "").is_err() {
        places.push(("locked", "Permission denied"));
    }
    for (place, reason) in places {
        let receiver = Receiver::start_with(log.start().variable("WHERE", place));
        for number in 1..=3 {
            store(&receiver, &format!("1.2.3.{number}"));
        }
        assert_eq!(receiver.stored().len(), 3);
        let path = log.folder.path().join(place).join("x.log");
        let wanted = format!("log4cplus:ERROR Unable to open file: {}: {reason}\n", path.display());
        assert_eq!(receiver.log(), wanted, "once, and nothing else");
    }
}

#[test]
fn a_full_disk_stops_nothing() {
    if !Path::new("/dev/full").exists() {
        eprintln!("no /dev/full here");
        return;
    }
    for class in ["FileAppender", "RollingFileAppender", "DailyRollingFileAppender"] {
        let properties = ["File = /dev/full", "Schedule = DAILY", "MaxFileSize = 1MB"];
        let log = Log::new(&config("DEBUG", class, "%m%n", &properties));
        let receiver = log.receiver();
        let mut peer = Peer::usual(receiver.port);
        for number in 1..=20 {
            assert_eq!(peer.store(1, &Object::with_pixels(&format!("1.2.3.{number}"), 10_000, number)), 0);
        }
        assert!(peer.release());
        assert_eq!(receiver.stored().len(), 20);
        let wanted = "log4cplus:ERROR file is not open: /dev/full: No space left on device\n";
        assert_eq!(receiver.log(), wanted, "{class}: once, and nothing else");
    }
}

#[test]
fn a_limit_on_file_sizes_loses_records_only() {
    let log = file("DEBUG", "${LOGS}/x.log");
    let receiver = Receiver::start_with(log.start().after("ulimit -f 8"));
    // Nothing that is stored comes near the limit, but the log does.
    for number in 1..=10 {
        store(&receiver, &format!("1.2.3.{number}"));
    }
    assert_eq!(receiver.stored().len(), 10);
    let text = receiver.wait_log("x.log: File too large\n", LIMIT);
    assert!(text.lines().count() <= 2, "{text}");
    assert!((2000..=8192).contains(&log.text("x.log").len()));
}

#[test]
fn a_log_file_that_can_be_opened_later_is() {
    let log = Log::new(&config("INFO", "FileAppender", "%P %m%n", &["File = ${LOGS}/later/x.log", "ReopenDelay = 0"]));
    let receiver = log.receiver();
    store(&receiver, "1.2.3.1");
    let folder = log.folder.path().join("later");
    fs::create_dir(&folder).unwrap();
    store(&receiver, "1.2.3.2");
    let text = log.wait("later/x.log", "I Association Release\n");
    assert!(!text.contains("MR.1.2.3.1") && text.contains("MR.1.2.3.2"), "{text}");
    let again = receiver.wait_log("log4cplus:WARN file is open again: ", LIMIT);
    assert!(again.lines().count() == 2 && again.contains("x.log: records lost meanwhile: "), "{again}");
}

#[test]
fn records_of_many_associations_do_not_mix_and_none_is_lost_when_files_roll() {
    const PEERS: usize = 8;
    const OBJECTS: usize = 100;
    let properties = ["File = ${LOGS}/x.log", "MaxFileSize = 200KB", "MaxBackupIndex = 50"];
    let log = Log::new(&config("DEBUG", "RollingFileAppender", "%t %P %m%n", &properties));
    let receiver = log.receiver();
    let port = receiver.port;
    let peers: Vec<_> = (0..PEERS)
        .map(|name| {
            thread::spawn(move || {
                let mut peer = Peer::usual(port);
                for number in 0..OBJECTS {
                    assert_eq!(peer.store(1, &Object::tiny(&format!("1.2.{name}.{number}"))), 0);
                }
                assert!(peer.release());
            })
        })
        .collect();
    for peer in peers {
        peer.join().unwrap();
    }
    let files = || {
        let backups = (1..).map(|number| format!("x.log.{number}"));
        let backups: Vec<_> = backups.take_while(|name| log.folder.path().join(name).exists()).collect();
        backups.into_iter().rev().chain(["x.log".to_owned()]).map(|name| log.text(&name)).collect::<Vec<_>>()
    };
    let released = |text: &[String]| text.concat().matches(" I Association Release\n").count();
    assert!(within(LIMIT, || released(&files()) == PEERS));
    let files = files();
    assert!(files.len() > 2, "it has rolled: {:?}", files.iter().map(String::len).collect::<Vec<_>>());
    let mut stored = BTreeSet::new();
    for text in &files {
        assert!(text.len() < 250 * 1024 && text.ends_with('\n'));
        // Within a record all lines are of one thread, and a file does not begin within one.
        let mut within: Option<&str> = None;
        for line in text.lines() {
            let (thread, message) = line.split_once(' ').unwrap();
            if let Some(other) = within {
                assert_eq!(thread, other, "{line}");
            }
            if message.starts_with("D ===") && message.contains("INCOMING DIMSE MESSAGE") {
                within = Some(thread);
            } else if message.contains("END DIMSE MESSAGE") {
                assert!(within.take().is_some(), "{line}");
            }
            if let Some((_, path)) = message.split_once("storing DICOM file: ") {
                assert!(stored.insert(path.to_owned()), "{line}");
            }
        }
        assert_eq!(within, None);
    }
    assert_eq!(stored.len(), PEERS * OBJECTS);
}

#[test]
fn a_log_goes_on_in_the_file_of_the_run_before() {
    for (property, runs) in [("Append = true", 2), ("Append = false", 1)] {
        let log = Log::new(&config("INFO", "FileAppender", "%m%n", &["File = ${LOGS}/x.log", property]));
        for _ in 0..2 {
            log.run(&["--arguments", "-od", "nowhere", "11112"]);
        }
        assert_eq!(log.text("x.log").matches("calling '").count(), runs, "{property}");
    }
}
