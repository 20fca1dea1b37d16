use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What a file of the period around a time is called, and when the period ends.
fn period(schedule: Schedule, text: &str, zone: &str) -> (String, String) {
    let period = Period::of(schedule, time(text), &TimeZone::get(zone).unwrap());
    (period.name, period.end.to_string())
}

#[test]
fn periods_are_those_of_local_time_and_named_by_their_start() {
    use Schedule::*;
    let cases = [
        (Monthly, "2026-11-24T22:45:07Z", "UTC", "2026-11", "2026-12-01T00:00:00Z"),
        (Monthly, "2026-12-31T23:59:59Z", "UTC", "2026-12", "2027-01-01T00:00:00Z"),
        // A Tuesday: its week began on Sunday, which `%W` counts to the week before.
        (Weekly, "2026-11-24T22:45:07Z", "UTC", "2026-46", "2026-11-29T00:00:00Z"),
        (Weekly, "2026-11-22T00:00:00Z", "UTC", "2026-46", "2026-11-29T00:00:00Z"),
        (Weekly, "2026-11-21T23:59:59Z", "UTC", "2026-45", "2026-11-22T00:00:00Z"),
        (Daily, "2026-11-24T22:45:07Z", "UTC", "2026-11-24", "2026-11-25T00:00:00Z"),
        (Daily, "2026-11-24T22:45:07Z", "Asia/Tokyo", "2026-11-25", "2026-11-25T15:00:00Z"),
        (TwiceDaily, "2026-11-24T11:59:59Z", "UTC", "2026-11-24-AM", "2026-11-24T12:00:00Z"),
        (TwiceDaily, "2026-11-24T12:00:00Z", "UTC", "2026-11-24-PM", "2026-11-25T00:00:00Z"),
        (Hourly, "2026-11-24T22:45:07Z", "UTC", "2026-11-24-22", "2026-11-24T23:00:00Z"),
        (Minutely, "2026-11-24T22:45:07Z", "UTC", "2026-11-24-22-45", "2026-11-24T22:46:00Z"),
        // A day of 23 hours and one of 25; the hour that comes twice is one period.
        (Daily, "2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-29", "2026-03-29T22:00:00Z"),
        (Daily, "2026-10-25T12:00:00Z", "Europe/Berlin", "2026-10-25", "2026-10-25T23:00:00Z"),
        (Hourly, "2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25-02", "2026-10-25T02:00:00Z"),
        (Hourly, "2026-10-25T01:30:00Z", "Europe/Berlin", "2026-10-25-02", "2026-10-25T02:00:00Z"),
    ];
    for (schedule, at, zone, name, end) in cases {
        assert_eq!(period(schedule, at, zone), (name.to_owned(), end.to_owned()), "{schedule:?} {at} {zone}");
    }
}

#[test]
fn a_period_always_ends_later() {
    // Around changes of the clock: by an hour, by half an hour, at midnight.
    for (zone, from) in [
        ("Europe/Berlin", "2026-03-28T12:00:00Z"),
        ("Europe/Berlin", "2026-10-24T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T00:00:00Z"),
        ("America/Havana", "2026-03-07T12:00:00Z"),
        ("America/Havana", "2026-10-31T12:00:00Z"),
    ] {
        let zone = TimeZone::get(zone).unwrap();
        let mut at = time(from);
        while at < time(from) + 36.hours() {
            for schedule in [Schedule::Daily, Schedule::TwiceDaily, Schedule::Hourly, Schedule::Minutely] {
                assert!(Period::of(schedule, at, &zone).end > at, "{schedule:?} {at}");
            }
            at += 179.seconds();
        }
    }
}

/// The files of a folder with what they hold.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn folder(names: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::TempDir::new().unwrap();
    for name in names {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let path = folder.path().join("x.log");
    (folder, path)
}

#[test]
fn backups_move_up_and_the_last_one_goes() {
    /// Names and texts.
    type Files<'a> = &'a [(&'a str, &'a str)];
    let cases: [(u32, &[&str], Files<'_>); 7] = [
        (1, &["x.log"], &[("x.log.1", "x.log")]),
        (1, &["x.log", "x.log.1"], &[("x.log.1", "x.log")]),
        (3, &["x.log", "x.log.1", "x.log.2"], &[("x.log.1", "x.log"), ("x.log.2", "x.log.1"), ("x.log.3", "x.log.2")]),
        (
            3,
            &["x.log", "x.log.1", "x.log.2", "x.log.3", "x.log.4", "x.log.3old"],
            &[
                ("x.log.1", "x.log"),
                ("x.log.2", "x.log.1"),
                ("x.log.3", "x.log.2"),
                ("x.log.3old", "x.log.3old"),
                ("x.log.4", "x.log.4"),
            ],
        ),
        // Where one is missing, those beyond stay.
        (9, &["x.log", "x.log.2"], &[("x.log.1", "x.log"), ("x.log.2", "x.log.2")]),
        (u32::MAX, &["x.log", "x.log.1"], &[("x.log.1", "x.log"), ("x.log.2", "x.log.1")]),
        (5, &["other"], &[("other", "other")]),
    ];
    for (backups, before, after) in cases {
        let (folder, path) = folder(before);
        shift(&path, backups).unwrap();
        let after: Vec<_> = after.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        assert_eq!(files(folder.path()), after, "{backups} {before:?}");
    }
}

#[test]
fn a_file_rolls_beyond_its_limit() {
    let mut roll = Roll::new(Rolling::Size { limit: 10, backups: 2 }, Timestamp::now());
    assert!(!roll.is_full(10) && roll.is_full(11) && !roll.is_due(Timestamp::MAX));
    let (folder, path) = folder(&["x.log"]);
    roll.roll(&path, Timestamp::now(), 11).unwrap();
    assert_eq!(files(folder.path()), [("x.log.1".to_owned(), "x.log".to_owned())]);
    assert!(roll.is_full(11));
}

#[test]
fn what_cannot_roll_is_let_grow_to_the_next_limit() {
    let mut roll = Roll::new(Rolling::Size { limit: 10, backups: 1 }, Timestamp::now());
    let (folder, path) = folder(&["x.log"]);
    let backup = folder.path().join("x.log.1");
    fs::create_dir_all(backup.join("not empty")).unwrap();
    let problem = roll.roll(&path, Timestamp::now(), 11).unwrap_err().to_string();
    let (from, to) = (path.display(), backup.display());
    assert!(problem.starts_with(&format!("log4cplus:ERROR Failed to rename file from {from} to {to}; error ")));
    assert_eq!(fs::read_to_string(&path).unwrap(), "x.log");
    assert!(!roll.is_full(21) && roll.is_full(22));
    fs::remove_dir_all(&backup).unwrap();
    roll.roll(&path, Timestamp::now(), 22).unwrap();
    assert!(roll.is_full(11));
}

#[test]
fn a_file_rolls_when_its_period_has_ended() {
    let start = time("2026-11-24T12:30:30Z");
    let mut roll = Roll::new(Rolling::Time { schedule: Schedule::Minutely, backups: 2 }, start);
    let Roll::Time { period, .. } = &roll else { panic!() };
    let name = |period: &Period| format!("x.log.{}", period.name);
    let (first, end) = (name(period), period.end);
    assert!(!roll.is_due(end - 1.milliseconds()) && roll.is_due(end) && !roll.is_full(u64::MAX));
    let (folder, path) = folder(&["x.log", &first, &format!("{first}.1")]);
    let much_later = end + 5.hours();
    roll.roll(&path, much_later, 0).unwrap();
    let wanted = [
        (first.clone(), "x.log".to_owned()),
        (format!("{first}.1"), first.clone()),
        (format!("{first}.2"), format!("{first}.1")),
    ];
    assert_eq!(files(folder.path()), wanted);
    assert!(!roll.is_due(much_later));
    let Roll::Time { period, .. } = &roll else { panic!() };
    assert!(period.end > much_later && name(period) != first);
}
