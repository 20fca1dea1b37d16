use super::*;

/// The one appender of a configuration, and what is wrong with it.
fn appender(class: &str, properties: &str) -> (Option<Appender>, Vec<String>) {
    let mut text = format!("a=log4cplus::{class}\n");
    for line in properties.split(';').filter(|line| !line.is_empty()) {
        text += &format!("a.{line}\n");
    }
    let mut problems = Vec::new();
    let appenders = Appenders::read(&Properties::parse(&text), "storescp", &mut problems);
    assert_eq!(appenders.list.len(), appenders.names.len());
    (appenders.list.into_iter().next(), problems.iter().map(ToString::to_string).collect())
}

/// The same where nothing is wrong.
fn good(class: &str, properties: &str) -> Appender {
    let (appender, problems) = appender(class, properties);
    assert_eq!(problems, [""; 0], "{class} {properties}");
    appender.unwrap()
}

#[test]
fn consoles() {
    assert_eq!(
        good("ConsoleAppender", ""),
        Appender { threshold: Level::All, filters: vec![], layout: Layout::Simple, destination: Destination::Stdout }
    );
    let cases = [
        ("logToStdErr=true", Destination::Stderr),
        ("logToStdErr=TRUE", Destination::Stderr),
        ("logToStdErr=1", Destination::Stderr),
        ("logToStdErr=false", Destination::Stdout),
        ("logToStdErr=yes", Destination::Stdout),
        // As the files that DCMTK ships spell it.
        ("logToStderr=true", Destination::Stdout),
        ("ImmediateFlush=true", Destination::Stdout),
    ];
    for (property, wanted) in cases {
        assert_eq!(good("ConsoleAppender", property).destination, wanted, "{property}");
    }
    assert_eq!(good("NullAppender", "").destination, Destination::Null);
}

#[test]
fn thresholds() {
    for (property, wanted) in [
        ("Threshold=ERROR", Level::Error),
        ("Threshold=warn", Level::Warn),
        ("Threshold=OFF", Level::Off),
        ("Threshold=", Level::All),
        ("Threshold=NOPE", Level::All),
        ("threshold=ERROR", Level::All),
    ] {
        assert_eq!(good("NullAppender", property).threshold, wanted, "{property}");
    }
}

fn file(class: &str, properties: &str) -> LogFile {
    match good(class, properties).destination {
        Destination::File(file) => file,
        other => panic!("{other:?}"),
    }
}

#[test]
fn files() {
    for (class, property, append) in [
        ("FileAppender", "", false),
        ("FileAppender", "Append=true", true),
        ("FileAppender", "Append=1", true),
        ("FileAppender", "Append=yes", false),
        ("FileAppender", "append=true", false),
        ("RollingFileAppender", "", true),
        ("RollingFileAppender", "Append=false", false),
        ("DailyRollingFileAppender", "Schedule=DAILY", true),
    ] {
        let file = file(class, &format!("File=x y.log;{property}"));
        assert_eq!((file.path, file.append), (PathBuf::from("x y.log"), append), "{class} {property}");
    }
    for (property, seconds) in [("", 1), ("ReopenDelay=10", 10), ("ReopenDelay=0", 0), ("ReopenDelay=-1", 0)] {
        assert_eq!(file("FileAppender", &format!("File=x;{property}")).reopen_delay.as_secs(), seconds);
    }
    for property in ["", "File="] {
        let (appender, problems) = appender("FileAppender", property);
        assert_eq!(appender.unwrap().destination, Destination::Null);
        assert_eq!(problems, ["log4cplus:ERROR Invalid filename"]);
    }
}

#[test]
fn rolling_by_size() {
    const KB: u64 = 1024;
    const MB: u64 = 1024 * KB;
    for (size, wanted) in [
        ("", 10 * MB),
        ("5MB", 5 * MB),
        ("1 mb", MB),
        ("300KB", 300 * KB),
        ("300000", 300_000),
        // No less than 200 KB.
        ("100KB", 200 * KB),
        ("1GB", 200 * KB),
        ("0", 200 * KB),
        ("-1", 200 * KB),
        ("MB", 200 * KB),
        ("99999999999999999999MB", u64::MAX),
    ] {
        let file = file("RollingFileAppender", &format!("File=x;MaxFileSize={size}"));
        assert_eq!(file.rolling, Rolling::Size { limit: wanted, backups: 1 }, "{size}");
    }
    for (index, wanted) in [("10", 10), ("0", 1), ("-1", 1), ("x", 1), ("99999999999", u32::MAX)] {
        let file = file("RollingFileAppender", &format!("File=x;MaxBackupIndex={index}"));
        assert_eq!(file.rolling, Rolling::Size { limit: 10 * MB, backups: wanted }, "{index}");
    }
}

#[test]
fn rolling_by_time() {
    use Schedule::*;
    let names = [
        ("MONTHLY", Monthly),
        ("weekly", Weekly),
        ("Daily", Daily),
        ("TWICE_DAILY", TwiceDaily),
        ("hourly", Hourly),
        ("MINUTELY", Minutely),
    ];
    for (name, schedule) in names {
        let file = file("DailyRollingFileAppender", &format!("File=x;Schedule={name};MaxBackupIndex=3"));
        assert_eq!(file.rolling, Rolling::Time { schedule, backups: 3 });
    }
    for property in ["", "Schedule=nope"] {
        let (appender, problems) = appender("DailyRollingFileAppender", &format!("File=x;{property}"));
        let Destination::File(file) = appender.unwrap().destination else { panic!() };
        assert_eq!(file.rolling, Rolling::Time { schedule: Daily, backups: 10 });
        let name = property.trim_start_matches("Schedule=");
        let wanted = format!("log4cplus:WARN DailyRollingFileAppender::ctor()- \"Schedule\" not valid: {name}");
        assert_eq!(problems, [wanted]);
    }
}

#[test]
fn the_systems_log() {
    let wanted = |ident: &str, facility| {
        let socket = PathBuf::from("/dev/log");
        Destination::Syslog { socket, ident: ident.to_owned(), facility }
    };
    for (properties, ident, facility) in [
        ("", "storescp", 1),
        ("ident=pacs;facility=LOCAL3", "pacs", 19),
        ("facility=daemon", "storescp", 3),
        ("ident=;facility=", "storescp", 1),
    ] {
        assert_eq!(good("SysLogAppender", properties).destination, wanted(ident, facility), "{properties}");
    }
    let (found, problems) = appender("SysLogAppender", "facility=blah");
    assert_eq!(found.unwrap().destination, wanted("storescp", 1));
    assert_eq!(problems, ["log4cplus:ERROR Unknown syslog facility: blah"]);
    let (found, problems) = appender("SysLogAppender", "host=10.0.0.1");
    assert_eq!(found.unwrap().destination, Destination::Null);
    assert_eq!(
        problems,
        ["log4cplus:WARN SysLogAppender logs to this machine only: the records of appender a are dropped"]
    );
}

#[test]
fn classes_that_are_not_here() {
    for class in NOT_HERE {
        let (found, problems) = appender(class, "host=x;port=1");
        assert_eq!(found.unwrap().destination, Destination::Null);
        let wanted =
            format!("log4cplus:WARN log4cplus::{class} does not exist here: the records of appender a are dropped");
        assert_eq!(problems, [wanted]);
    }
    for class in ["Nope", "", "consoleappender"] {
        let (found, problems) = appender(class, "");
        assert_eq!(found, None);
        let text =
            "log4cplus:ERROR PropertyConfigurator::configureAppenders()- Cannot find AppenderFactory: log4cplus::";
        assert_eq!(problems, [format!("{text}{class}")]);
    }
}

#[test]
fn layouts() {
    let pattern = |text: &str| {
        let host = Host { name: host::name(), full_name: host::full_name() };
        Layout::Pattern(Pattern::new(text, &host, &mut Vec::new()))
    };
    let (simple, own_time) = (Layout::Simple, "layout=log4cplus::TTCCLayout;layout.DateFormat=%H");
    for (properties, wanted) in [
        ("layout=log4cplus::SimpleLayout", simple.clone()),
        ("layout=log4cplus::TTCCLayout", Layout::Ttcc(None)),
        ("layout=log4cplus::TTCCLayout;layout.DateFormat=", Layout::Ttcc(None)),
        (own_time, Layout::Ttcc(Some(TimeFormat::new("%H", true)))),
        (&format!("{own_time};layout.Use_gmtime=true"), Layout::Ttcc(Some(TimeFormat::new("%H", false)))),
        ("layout=log4cplus::PatternLayout;layout.ConversionPattern=%P: %m%n", pattern("%P: %m%n")),
        ("layout=log4cplus::PatternLayout;layout.ConversionPattern=%h|%H", pattern("%h|%H")),
    ] {
        assert_eq!(good("NullAppender", properties).layout, wanted, "{properties}");
    }
    let deprecated = "log4cplus:WARN PatternLayout- the \"Pattern\" property has been deprecated.  \
                      Use \"ConversionPattern\" instead.";
    for (properties, wanted, problem) in [
        ("layout=log4cplus::XLayout", &simple, "log4cplus:ERROR Cannot find LayoutFactory: \"log4cplus::XLayout\""),
        ("layout=PatternLayout", &simple, "log4cplus:ERROR Cannot find LayoutFactory: \"PatternLayout\""),
        (
            "layout=log4cplus::PatternLayout",
            &simple,
            "log4cplus:ERROR Error while creating Layout: ConversionPattern not specified in properties",
        ),
        ("layout=log4cplus::PatternLayout;layout.Pattern=%m", &pattern("%m"), deprecated),
    ] {
        let (found, problems) = appender("NullAppender", properties);
        assert_eq!((&found.unwrap().layout, problems), (wanted, vec![problem.to_owned()]), "{properties}");
    }
}

#[test]
fn filters_are_numbered_from_one() {
    let spi = "log4cplus::spi::";
    let deny = format!("{spi}DenyAllFilter");
    let range = |least, most, accept| Filter::LevelRange { least, most, accept };
    let one = |text: &str, accept| Filter::Text { text: text.to_owned(), accept };
    let cases = [
        (format!("filters.1={deny}"), vec![Filter::DenyAll]),
        (format!("filters.2={deny}"), vec![]),
        (format!("filters.0={deny};filters.01={deny};filters.a={deny}"), vec![]),
        (
            format!(
                "filters.1={spi}LogLevelRangeFilter;filters.1.LogLevelMin=warn;filters.1.LogLevelMax=FATAL;\
                 filters.1.AcceptOnMatch=true;filters.2={deny}"
            ),
            vec![range(Some(Level::Warn), Some(Level::Fatal), true), Filter::DenyAll],
        ),
        // As the comments of DCMTK's own file spell it.
        (
            format!("filters.1={spi}LogLevelRangeFilter;filters.1.logLevelMin=warn;filters.1.acceptOnMatch=true"),
            vec![range(None, None, false)],
        ),
        (
            format!("filters.1={spi}LogLevelMatchFilter;filters.1.LogLevelToMatch=INFO;filters.1.AcceptOnMatch=yes"),
            vec![Filter::LevelMatch { level: Some(Level::Info), accept: false }],
        ),
        (
            format!("filters.1={spi}StringMatchFilter;filters.1.StringToMatch=a b;filters.1.AcceptOnMatch=1"),
            vec![one("a b", true)],
        ),
    ];
    for (properties, wanted) in cases {
        assert_eq!(good("NullAppender", &properties).filters, wanted, "{properties}");
    }
    let (found, problems) = appender("NullAppender", &format!("filters.1={spi}XFilter;filters.2={deny}"));
    assert_eq!(found.unwrap().filters, [Filter::DenyAll]);
    assert_eq!(problems, ["log4cplus:ERROR Appender::ctor()- Cannot find FilterFactory: log4cplus::spi::XFilter"]);
}
