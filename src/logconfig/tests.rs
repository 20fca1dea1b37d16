use super::*;
use crate::log::config::Destination;
use std::fs;
use tempfile::TempDir;

/// What a configuration of this text is.
fn configured(text: &str) -> LogConfig {
    configure(Properties::parse(text), "storescp", "storescp", &|_| None, Vec::new())
}

fn problems(config: &LogConfig) -> Vec<String> {
    config.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn files_that_set_up_no_log() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, text) in [
        ("empty", ""),
        ("comment", "# log4cplus.rootLogger = INFO\n"),
        ("prose", "log4cplus.rootLogger: INFO\n"),
        ("foreign", "rootLogger = INFO\n"),
        ("no root", "log4cplus.logger.dcmtk = INFO\n"),
        ("small root", "log4cplus.rootlogger = INFO\n"),
        ("root by variable", "r = log4cplus.rootLogger\n${r} = INFO\nlog4cplus.x = y\n"),
    ] {
        fs::write(path(name), text).unwrap();
    }
    let huge = "#\n".repeat(600_000) + "log4cplus.rootLogger = INFO\n";
    fs::write(path("huge"), huge).unwrap();
    for (name, error, text) in [
        ("missing", Error::Missing, "does not exist"),
        (".", Error::Missing, "does not exist"),
        ("empty/x", Error::Missing, "does not exist"),
        ("huge", Error::Unreadable, "cannot be read"),
        ("empty", Error::Empty, "does not contain any settings"),
        ("comment", Error::Empty, "does not contain any settings"),
        ("prose", Error::Empty, "does not contain any settings"),
        ("foreign", Error::Foreign, "does not contain any valid settings"),
        ("no root", Error::NoRoot, "does not set up log4cplus.rootLogger"),
        ("small root", Error::NoRoot, "does not set up log4cplus.rootLogger"),
        ("root by variable", Error::NoRoot, "does not set up log4cplus.rootLogger"),
    ] {
        assert_eq!(read(&path(name), "storescp", OsStr::new("storescp")), Err(error), "{name}");
        assert_eq!(error.to_string(), format!("Specified --log-config file {text}"));
    }
    assert_eq!(read(Path::new(""), "storescp", OsStr::new("")), Err(Error::Missing));
    assert_eq!(read(Path::new("/dev/null"), "storescp", OsStr::new("x")), Err(Error::Empty));
}

#[test]
fn variables_of_the_program() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log.cfg");
    let file = "log4cplus.rootLogger = INFO, f\nlog4cplus.appender.f = log4cplus::FileAppender\n\
                log4cplus.appender.f.File = ${appname}|${date}|${time}|${pid}|${hostname}|${CARGO_PKG_NAME}|${nope}\n\
                date = the program's own\n";
    fs::write(&path, file).unwrap();
    let config = read(&path, "storescp", OsStr::new("/usr/bin/receiver")).unwrap();
    let Destination::File(file) = &config.appenders[1].destination else { panic!("{config:?}") };
    let text = file.path.to_str().unwrap();
    let parts: Vec<_> = text.split('|').collect();
    let [appname, date, time, pid, host, package, unknown] = parts[..] else { panic!("{text}") };
    assert_eq!((appname, pid), ("receiver", std::process::id().to_string().as_str()));
    assert!(date.len() == 8 && date.starts_with("20") && date.bytes().all(|byte| byte.is_ascii_digit()), "{date}");
    assert!(time.len() == 6 && time.bytes().all(|byte| byte.is_ascii_digit()), "{time}");
    assert_eq!((host, unknown), (host::name().as_str(), "${nope}"));
    assert_eq!(package, std::env::var("CARGO_PKG_NAME").as_deref().unwrap_or("${CARGO_PKG_NAME}"));
    assert_eq!(config.program, "dcmtk.apps.storescp");
}

#[test]
fn what_is_not_utf_8_is_said() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log.cfg");
    fs::write(&path, b"log4cplus.rootLogger = INFO\n# gr\xfcn\n").unwrap();
    let config = read(&path, "storescp", OsStr::new("storescp")).unwrap();
    let wanted = format!("log4cplus:WARN {} is not UTF-8: some characters are lost", path.display());
    assert_eq!(problems(&config), [wanted]);
}

/// The configuration of two appenders, `a` and `b`.
fn two(lines: &str) -> LogConfig {
    configured(&format!(
        "log4cplus.appender.a=log4cplus::NullAppender\nlog4cplus.appender.b=log4cplus::NullAppender\n{lines}"
    ))
}

/// Where a record of this level and logger goes, in this order.
fn route(config: &LogConfig, level: Level, logger: &str) -> String {
    if level < config.level_of(logger) {
        return "-".to_owned();
    }
    let mut route = String::new();
    for logger in config.path(logger) {
        route.extend(logger.appenders.iter().map(|index| ["stderr", "a", "b"][*index]));
        if !logger.additive {
            break;
        }
    }
    route
}

#[test]
fn loggers_take_after_their_parents() {
    const ROOT: &str = "log4cplus.rootLogger=INFO, a\n";
    const APP: &str = "dcmtk.apps.storescp";
    let logger = |name: &str, value: &str| format!("log4cplus.logger.{name}={value}\n");
    let additivity = |name: &str, value: &str| format!("log4cplus.additivity.{name}={value}\n");
    let info = Level::Info;
    let cases = [
        (String::new(), info, APP, "a"),
        (String::new(), info, "another::crate", "a"),
        (String::new(), Level::Debug, APP, "-"),
        (logger("dcmtk", "WARN"), info, APP, "-"),
        (logger("dcmtk", "WARN"), Level::Warn, APP, "a"),
        (logger("dcmtk.app", "WARN"), info, APP, "a"),
        (logger("DCMTK", "WARN"), info, APP, "a"),
        (logger("dcmtk", "OFF"), Level::Fatal, APP, "-"),
        // Only the level of the logger itself counts, not that of those above it.
        (logger("dcmtk", "OFF") + &logger(APP, "debug"), Level::Debug, APP, "a"),
        (logger("dcmtk", "OFF") + &logger("dcmtk.apps", "INHERIT"), Level::Fatal, APP, "-"),
        (logger("dcmtk.apps", "BLAH"), info, APP, "a"),
        (logger("dcmtk.apps", "INHERIT, b"), info, APP, "ba"),
        (logger("dcmtk.apps", "INHERIT, a"), info, APP, "aa"),
        (logger("dcmtk.apps", "INFO,,b , b,"), info, APP, "ba"),
        (logger("dcmtk.apps", "INHERIT, b"), info, "dcmtk.dcmnet", "a"),
        (logger("dcmtk", "INHERIT, a") + &logger(APP, "DEBUG, b"), Level::Debug, APP, "baa"),
        (logger("dcmtk.apps", "INFO, b") + &additivity("dcmtk.apps", "false"), info, APP, "b"),
        (logger("dcmtk.apps", "INFO, b") + &additivity("dcmtk.apps", "0"), info, APP, "b"),
        (logger("dcmtk.apps", "INFO, b") + &additivity("dcmtk.apps", "blah"), info, APP, "ba"),
        (logger("dcmtk.apps", "INFO, b") + &additivity("dcmtk.apps", "TRUE"), info, APP, "ba"),
        (logger(APP, "INFO, b") + &additivity("dcmtk", "false"), info, APP, "b"),
        (additivity("dcmtk.apps", "false"), info, APP, ""),
        (additivity("root", "false") + &additivity("rootLogger", "false"), info, APP, "a"),
        (logger("root", "ERROR, b"), info, APP, "a"),
    ];
    for (lines, level, name, wanted) in cases {
        let config = two(&(ROOT.to_owned() + &lines));
        assert_eq!(route(&config, level, name), wanted, "{lines}{level:?} {name}");
        assert_eq!(problems(&config), [""; 0]);
    }
}

#[test]
fn the_root_logger() {
    let invalid = |value| {
        format!(
            "log4cplus:ERROR PropertyConfigurator::configureLogger()- Invalid config string(Logger = root): \"{value}\""
        )
    };
    let no_level = |value| {
        format!(
            "log4cplus:ERROR LoggerImpl::getChainedLogLevel()- No valid LogLevel found for root logger: \"{value}\"; it is INFO"
        )
    };
    let missing = |name| format!("log4cplus:ERROR PropertyConfigurator::configureLogger()- Invalid appender: {name}");
    let cases = [
        ("INFO, a", Level::Info, "a", vec![]),
        (" debug ,  a , b", Level::Debug, "ab", vec![]),
        ("ALL, a", Level::All, "a", vec![]),
        ("OFF, a", Level::Off, "a", vec![]),
        ("WARN", Level::Warn, "", vec![]),
        ("ERROR, x, a, y", Level::Error, "a", vec![missing("x"), missing("y")]),
        ("ERROR,\ta", Level::Error, "", vec![missing("\\x09a")]),
        // As before any configuration.
        ("", Level::Info, "stderr", vec![invalid("")]),
        (",", Level::Info, "stderr", vec![invalid(",")]),
        // DCMTK ends here.
        ("INHERIT, a", Level::Info, "a", vec![no_level("INHERIT, a")]),
        ("warning", Level::Info, "", vec![no_level("warning")]),
    ];
    for (value, level, wanted, wrong) in cases {
        let config = two(&format!("log4cplus.rootLogger={value}\n"));
        assert_eq!((config.root_level(), problems(&config)), (level, wrong), "{value}");
        let fatal = if level == Level::Off { "-" } else { wanted };
        assert_eq!(route(&config, Level::Fatal, "any"), fatal, "{value}");
    }
}

#[test]
fn levels_of_the_program() {
    for (lines, root, program, progress) in [
        ("", Level::Warn, Level::Warn, Level::Warn),
        ("log4cplus.logger.dcmtk.apps=INFO\n", Level::Warn, Level::Info, Level::Info),
        ("log4cplus.logger.dcmtk.apps.storescu=INFO\n", Level::Warn, Level::Warn, Level::Warn),
        ("log4cplus.logger.dcmtk.apps.storescp.progress=INFO\n", Level::Warn, Level::Warn, Level::Info),
    ] {
        let config = configured(&format!("log4cplus.rootLogger=WARN\n{lines}"));
        let found = (config.root_level(), config.program_level(), config.level_of("dcmtk.apps.storescp.progress"));
        assert_eq!(found, (root, program, progress), "{lines}");
    }
}

#[test]
fn problems_may_be_hidden() {
    assert!(!configured("log4cplus.rootLogger=INFO, x\n").quiet);
    let config = configured("log4cplus.rootLogger=INFO, x\nlog4cplus.quietMode=true\n");
    assert!(config.quiet && config.problems.len() == 1);
}
