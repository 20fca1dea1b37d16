use super::*;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use sink::Sink;

/// Keeps what it takes, one string for each record.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Vec<String>>>);

impl Kept {
    pub(super) fn records(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Sink for Kept {
    fn take(&self, bytes: &[u8], _: &Record<'_>) -> Vec<config::Problem> {
        self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Vec::new()
    }
}

/// What each appender takes of what `events` log with this configuration: one string for each record.
fn logged_with(config: LogConfig, events: impl FnOnce()) -> Vec<Vec<String>> {
    let kept: Vec<_> = config.appenders.iter().map(|_| Kept::default()).collect();
    let sinks = kept.iter().map(|kept| Box::new(kept.clone()) as Box<dyn Sink>).collect();
    let layer = layer::Lines::new(Arc::new(Loggers::with_sinks(config, sinks)));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
    kept.iter().map(Kept::records).collect()
}

/// What `events` log at this level without a configuration.
fn logged(level: Level, events: impl FnOnce()) -> Vec<String> {
    logged_with(LogConfig::standard(level), events).concat()
}

fn one_of_each() {
    tracing::trace!("trace");
    tracing::debug!("debug");
    tracing::info!("info");
    tracing::warn!("warn");
    tracing::error!("error");
    crate::fatal!("fatal");
    crate::fatal!(target: "dcmtk.apps.storescp", "fatal with target {}", 1);
}

#[test]
fn each_level_logs_itself_and_what_is_above() {
    let all = ["T: trace", "D: debug", "I: info", "W: warn", "E: error", "F: fatal", "F: fatal with target 1"];
    let cases = [
        (Level::All, 0),
        (Level::Trace, 0),
        (Level::Debug, 1),
        (Level::Info, 2),
        (Level::Warn, 3),
        (Level::Error, 4),
        (Level::Fatal, 5),
        (Level::Off, 7),
    ];
    for (level, first) in cases {
        let wanted: Vec<_> = all[first..].iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(logged(level, one_of_each), wanted, "{level:?}");
    }
}

#[test]
fn what_is_not_wanted_is_not_even_formatted() {
    struct Count<'a>(&'a AtomicUsize);
    impl Display for Count<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.fetch_add(1, Relaxed);
            f.write_str("counted")
        }
    }
    let formatted = AtomicUsize::new(0);
    let events = || {
        tracing::info!("{}", Count(&formatted));
        tracing::error!("{}", Count(&formatted));
        crate::fatal!("{}", Count(&formatted));
    };
    assert_eq!(logged(Level::Fatal, events), ["F: counted\n"]);
    assert_eq!(formatted.load(Relaxed), 1);
    assert!(logged(Level::Off, events).is_empty());
    assert_eq!(formatted.load(Relaxed), 1);
}

#[test]
fn level_names() {
    for (name, level) in [("off", Level::Off), ("ALL", Level::All), ("Warn", Level::Warn), ("fAtAl", Level::Fatal)] {
        assert_eq!(Level::named(name), Some(level));
    }
    for name in ["error", "info", "debug", "trace"] {
        assert!(Level::named(name).is_some());
    }
    for name in ["", "warning", "err", " info", "info ", "7"] {
        assert_eq!(Level::named(name), None, "{name:?}");
    }
    assert_eq!(Level::default(), Level::Warn);
}

#[test]
fn every_line_of_a_record_has_the_prefix_and_a_record_is_one_write() {
    let cases = [
        ("", "I: \n"),
        ("one", "I: one\n"),
        ("    (but no valid presentation contexts)", "I:     (but no valid presentation contexts)\n"),
        ("a\nb", "I: a\nI: b\n"),
        ("a\n\nb", "I: a\nI: \nI: b\n"),
        ("\n\nx", "I: \nI: \nI: x\n"),
        // DCMTK: a line break at the end makes an empty line, too.
        ("x\n", "I: x\nI: \n"),
        ("größer: 北京\\x", "I: größer: 北京\\x\n"),
    ];
    for (message, wanted) in cases {
        assert_eq!(logged(Level::Info, || tracing::info!("{message}")), [wanted]);
        assert_eq!(logged(Level::Info, || tracing::info!(message)), [wanted]);
    }
    assert_eq!(logged(Level::Info, || tracing::info!("literal\nlines")), ["I: literal\nI: lines\n"]);
    assert_eq!(logged(Level::Info, || tracing::info!(bytes = 3, "message")), ["I: message\n"]);
    let record = logged(Level::Info, || tracing::error!("{}", with_cure("cannot write x: File exists", "move x away")));
    assert_eq!(record, ["E: cannot write x: File exists\nE: move x away\n"]);
}

#[test]
fn s48_no_record_steers_a_terminal() {
    let hostile = "\0\u{1b}[2Jx\r\t\u{7f}\u{80}\u{9b}31m\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}é";
    let escaped = r"\x00\x1b[2Jx\x0d\x09\x7f\x80\x9b31m\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}é";
    assert_eq!(logged(Level::Info, || tracing::info!("<{hostile}>")), [format!("I: <{escaped}>\n")]);
    assert_eq!(clean(hostile), escaped);
    for c in ('\0'..='\u{ffff}').chain('\u{e0000}'..='\u{e00ff}').filter(|c| c.is_control()) {
        let record = &logged(Level::Info, || tracing::info!("{c}"))[0];
        let (first, rest) = record.split_once('\n').unwrap();
        assert!(c == '\n' || (rest.is_empty() && first.bytes().all(|b| (b' '..=b'~').contains(&b))), "{c:?}");
    }
}

#[test]
fn a_value_from_a_peer_begins_no_line() {
    assert_eq!(clean("1.2.3\nE: forged"), r"1.2.3\x0aE: forged");
    assert_eq!(clean("1.2\\3"), r"1.2\3");
    assert!(matches!(clean("Müller^Jörg"), std::borrow::Cow::Borrowed(_)));
    assert_eq!(clean_bytes(b"plain"), "plain");
    assert_eq!(clean_bytes(b"M\xfcller\n\xe2\x80\xae"), r"M\xfcller\x0a\u{202e}");
    assert_eq!(clean_bytes(b"\xff\xfe\xed\xa0\x80"), r"\xff\xfe\xed\xa0\x80");
}

#[test]
fn the_systems_words_come_without_their_number() {
    assert_eq!(reason(&io::Error::from_raw_os_error(28)), "No space left on device");
    assert_eq!(reason(&io::Error::other("own words (os error 28)")), "own words (os error 28)");
}

#[test]
fn a_reader_that_went_away_and_a_full_disk_stop_nothing() {
    // The reading end is closed as soon as it is made.
    let mut streams = vec![("closed pipe", Stdio::from(io::pipe().unwrap().1))];
    let full = std::fs::File::options().write(true).open("/dev/full");
    streams.extend(full.map(|full| ("full disk", Stdio::from(full))));
    for (case, stderr) in streams {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "log::tests::in_a_process_of_its_own_log_much", "--ignored", "--nocapture"])
            .env("LOG_TEST_MUCH", "1")
            .stderr(stderr)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{case}");
    }
}

#[test]
#[ignore = "another test runs it with streams that fail"]
fn in_a_process_of_its_own_log_much() {
    if std::env::var_os("LOG_TEST_MUCH").is_none() {
        return;
    }
    init(Level::All);
    for _ in 0..1000 {
        one_of_each();
        always("calling");
    }
}

#[test]
fn init_logs_to_stderr_and_dots_to_stdout() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "log::tests::in_a_process_of_its_own_log_one_of_each", "--ignored", "--nocapture"])
        .env("LOG_TEST_LEVEL", "info")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "I: info\nW: warn\nE: error\nF: fatal\nF: fatal with target 1\nI: calling\nI: \n");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("RECV: ..\n"), "{stdout}");

    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "log::tests::in_a_process_of_its_own_log_one_of_each", "--ignored", "--nocapture"])
        .env("LOG_TEST_LEVEL", "off")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "I: calling\nI: \n");
    assert!(!String::from_utf8(output.stdout).unwrap().contains("RECV"));
}

#[test]
#[ignore = "another test runs it and reads its streams"]
fn in_a_process_of_its_own_log_one_of_each() {
    let Ok(level) = std::env::var("LOG_TEST_LEVEL") else { return };
    let progress = init(Level::named(&level).unwrap());
    one_of_each();
    always("calling");
    always("");
    progress.begin("RECV: ").dots(2);
}

#[test]
fn asking_whether_a_level_is_on_says_what_an_event_would_do() {
    logged(Level::Info, || {
        assert!(tracing::enabled!(target: "dcmtk.dcmnet", tracing::Level::INFO));
        assert!(!tracing::enabled!(target: "dcmtk.dcmnet", tracing::Level::DEBUG));
    });
}

/// A configuration of one appender, with levels for some loggers.
fn levels(levels: &[(&str, Level)]) -> LogConfig {
    let mut config = LogConfig::standard(Level::Warn);
    for (name, level) in levels {
        let logger = config::Logger { level: Some(*level), ..config::Logger::default() };
        config.loggers.insert((*name).to_owned(), logger);
    }
    config
}

#[test]
fn the_level_of_its_logger_decides_about_an_event() {
    let events = || {
        assert!(tracing::enabled!(target: "dcmtk.dcmnet", tracing::Level::DEBUG));
        assert!(!tracing::enabled!(target: "dcmtk.apps.storescp", tracing::Level::INFO));
        assert!(!tracing::enabled!(target: "dcmtk.dcmdata", tracing::Level::INFO));
        tracing::trace!(target: "dcmtk.dcmnet", "1");
        tracing::debug!(target: "dcmtk.dcmnet", "2");
        tracing::debug!(target: "dcmtk.dcmnet.dump", "3");
        tracing::debug!(target: "dcmtk.dcmnets", "4");
        tracing::info!(target: "dcmtk.dcmdata", "5");
        tracing::warn!(target: "dcmtk.dcmdata", "6");
        tracing::error!(target: "dcmtk.apps.storescp", "7");
        crate::fatal!(target: "dcmtk.apps.storescp", "8");
        tracing::info!("9");
        tracing::warn!("10");
    };
    let config = levels(&[("dcmtk.dcmnet", Level::Debug), ("dcmtk.apps", Level::Fatal)]);
    assert_eq!(logged_with(config, events).concat(), ["D: 2\n", "D: 3\n", "W: 6\n", "F: 8\n", "W: 10\n"]);
}

#[test]
fn a_level_that_no_logger_wants_is_not_asked_for() {
    let hint = |config| {
        let layer = layer::Lines::new(Arc::new(Loggers::with_sinks(config, Vec::new())));
        tracing_subscriber::Layer::<tracing_subscriber::Registry>::max_level_hint(&layer)
    };
    use tracing::level_filters::LevelFilter;
    assert_eq!(hint(levels(&[])), Some(LevelFilter::WARN));
    assert_eq!(hint(levels(&[("a.b", Level::Debug), ("a", Level::Off)])), Some(LevelFilter::DEBUG));
    assert_eq!(hint(LogConfig::standard(Level::Off)), Some(LevelFilter::OFF));
}

#[test]
fn thresholds_filters_and_layouts_are_the_appenders_own() {
    let mut config = LogConfig::standard(Level::Info);
    let simple = config::Appender { layout: layout::Layout::Simple, ..config.appenders[0].clone() };
    let threshold = config::Appender { threshold: Level::Warn, ..config.appenders[0].clone() };
    let text = filter::Filter::Text { text: "secret".to_owned(), accept: false };
    let filtered = config::Appender { filters: vec![text], ..config.appenders[0].clone() };
    config.appenders.extend([simple, threshold, filtered]);
    config.loggers.get_mut(config::ROOT).unwrap().appenders = vec![1, 2, 3];
    let taken = logged_with(config, || {
        tracing::info!("a\nb");
        tracing::warn!("secret");
    });
    let wanted: [&[&str]; 4] = [&[], &["INFO - a\nb\n", "WARN - secret\n"], &["W: secret\n"], &["I: a\nI: b\n"]];
    assert_eq!(taken, wanted);
}
