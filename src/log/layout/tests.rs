//! What DCMTK prints for the same record, but for time, thread and place in the source.

use super::*;
use crate::log::Level;
use jiff::Timestamp;

/// The record of the tests.
fn record(message: &str) -> Record<'_> {
    Record {
        level: Level::Info,
        logger: "dcmtk.apps.storescp",
        message,
        time: "2026-11-24T22:02:07.029831Z".parse::<Timestamp>().unwrap(),
        file: Some("src/bin/storescp/receiver.rs"),
        line: Some(120),
        module: Some("storescp::receiver"),
    }
}

fn host() -> Host {
    Host { name: "pacs".to_owned(), full_name: "pacs.example.org".to_owned() }
}

/// The record by a pattern, and what is wrong with the pattern.
fn printed(pattern: &str, message: &str) -> (String, Vec<String>) {
    let mut problems = Vec::new();
    let layout = Layout::Pattern(Pattern::new(pattern, &host(), &mut problems));
    (layout.render(&record(message)), problems.iter().map(ToString::to_string).collect())
}

#[test]
fn patterns() {
    let cases = [
        ("%P: %m%n", "I: Received\n"),
        ("<%m>%n", "<Received>\n"),
        ("%m", "Received"),
        ("", "Received"),
        ("%", "%"),
        ("%%", "%"),
        ("%%%m%n", "%Received\n"),
        ("%m%n%", "Received\n%"),
        ("a%", "a%"),
        ("%p|%5p|%-7p|%.2p|%7.3p|%-7.3p|%.0p|%0p|%03p", "INFO| INFO|INFO   |FO|NFO|NFO||INFO|INFO"),
        ("%P|%3P|%-3P|", "I|  I|I  |"),
        ("%c|%c{1}|%c{2}|%c{0}|%c{9}|%c{x}|%c{-1}", {
            "dcmtk.apps.storescp|storescp|apps.storescp|dcmtk.apps.storescp|dcmtk.apps.storescp|dcmtk.apps.storescp|\
             dcmtk.apps.storescp"
        }),
        ("%c{ 1}|%c{1 }|%c{1x}|%c{}", "storescp|storescp|storescp|dcmtk.apps.storescp"),
        ("%-10c{1}|%10c{1}|%.3c", "storescp  |  storescp|scp"),
        ("%12m|%-12m|%.3m|%3m|", "    Received|Received    |ved|Received|"),
        ("%-m|%--m", "Received|Received"),
        ("%m{1}%n", "Received{1}\n"),
        ("\\t%m\\n", "\\tReceived\\n"),
        ("%h|%H|%5h", "pacs|pacs.example.org| pacs"),
        ("%x|%X|%X{key}|", "|||"),
        ("%F|%b|%L|%l|%M", {
            "src/bin/storescp/receiver.rs|receiver.rs|120|src/bin/storescp/receiver.rs:120|storescp::receiver"
        }),
        ("ä%2pö", "äINFOö"),
        ("%d", "2026-11-24 22:02:07"),
        ("%d{}", "2026-11-24 22:02:07"),
        ("%d{%H:%M:%S.%q} %5p: %m", "22:02:07.029  INFO: Received"),
        ("%-10d{%H:%M}|", "22:02     |"),
    ];
    for (pattern, wanted) in cases {
        let (text, problems) = printed(pattern, "Received");
        assert_eq!(text, wanted, "{pattern}");
        assert_eq!(problems.is_empty(), !pattern.is_empty(), "{pattern}: {problems:?}");
    }
}

#[test]
fn patterns_that_make_no_sense_stand_as_they_are() {
    let unexpected = |c, at| format!("log4cplus:ERROR Unexpected char [{c}] at position {at} in conversion pattern.");
    let digit = |c, at| {
        format!("log4cplus:ERROR Error occured in position {at}. Was expecting digit, instead got char \"{c}\".")
    };
    let brace = |pattern| format!("log4cplus:ERROR No matching '}}' found in conversion pattern string \"{pattern}\"");
    let cases = [
        ("%f|%n", "%f|\n", unexpected('f', 2)),
        ("%m%k%n", "Received%k\n", unexpected('k', 4)),
        ("%5z|%m%n", "%5z|Received\n", unexpected('z', 3)),
        ("%-z%n", "%-z\n", unexpected('z', 3)),
        ("%5%m%n", "%5%m\n", unexpected('%', 3)),
        ("%5-p%n", "%5-p\n", unexpected('-', 3)),
        ("%-5.2-m%n", "%-5.2-m\n", unexpected('-', 6)),
        ("%E{HOME}|%n", "%E{HOME}|\n", unexpected('E', 2)),
        ("%.x%m%n", "%.xReceived\n", digit('x', 3)),
        ("%5.m%n", "%5.m\n", digit('m', 4)),
        ("%c{1%n", "dcmtk.apps.storescp", brace("%c{1%n")),
        ("%d{%H%n", "2026-11-24 22:02:07", brace("%d{%H%n")),
        ("", "Received", "log4cplus:WARN PatternLayout pattern is empty.  Using default...".to_owned()),
    ];
    for (pattern, wanted, problem) in cases {
        assert_eq!(printed(pattern, "Received"), (wanted.to_owned(), vec![problem]), "{pattern}");
    }
    for (pattern, wanted) in [("%-5", "%-5"), ("%5", "%5"), ("%.3", "%.3"), ("%.", "%."), ("a%-", "a%-")] {
        assert_eq!(printed(pattern, "Received").0, wanted);
    }
}

#[test]
fn a_pattern_stands_before_every_line_and_other_layouts_before_the_first() {
    let message = "Parameters:\n\n  A\n";
    assert_eq!(printed("[%P %m]%n", message).0, "[I Parameters:]\n[I ]\n[I   A]\n[I ]\n");
    assert_eq!(printed("[%P %m]%n", "").0, "[I ]\n");
    assert_eq!(Layout::Simple.render(&record(message)), "INFO - Parameters:\n\n  A\n\n");
    let thread = thread();
    let format = TimeFormat::new("%m-%d-%y %H:%M:%S,%q", false);
    assert_eq!(
        Layout::Ttcc(Some(format)).render(&record(message)),
        format!("11-24-26 22:02:07,029 [{thread}] INFO dcmtk.apps.storescp <> - Parameters:\n\n  A\n\n")
    );
    let text = Layout::Ttcc(None).render(&record("Received"));
    let (elapsed, rest) = text.split_once(' ').unwrap();
    assert!(elapsed.parse::<u64>().is_ok(), "{text}");
    assert_eq!(rest, format!("[{thread}] INFO dcmtk.apps.storescp <> - Received\n"));
}

#[test]
fn what_changes_from_run_to_run() {
    let (text, _) = printed("%i|%t|%T|%r", "");
    let numbers: Vec<u64> = text.split('|').map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers[..3], [u64::from(std::process::id()), thread() as u64, thread() as u64]);
    assert!(numbers[3] <= start().elapsed().as_millis() as u64);
}

#[test]
fn a_width_beyond_reason_is_cut() {
    assert_eq!(printed("%999999999999999999999m", "x").0.len(), 4096);
    assert_eq!(printed("%.999999999999999999999m", "x").0, "x");
}

#[test]
fn the_place_may_be_unknown() {
    let record = Record::of_root(Level::Info, "calling");
    let pattern = Pattern::new("%c|%c{1}|%F|%b|%L|%l|%M|", &host(), &mut Vec::new());
    assert_eq!(Layout::Pattern(pattern).render(&record), "root|root||||:||");
}

#[test]
fn times_as_glibc_prints_them_in_the_c_locale() {
    let cases = [
        ("%a %A %b %B %h", "Tue Tuesday Nov November Nov"),
        ("%c|%x|%X|%r", "Tue Nov 24 22:02:07 2026|11/24/26|22:02:07|10:02:07 PM"),
        ("%C %y %Y %g %G %d %e %j", "20 26 2026 26 2026 24 24 328"),
        ("%H %I %k %l %M %p %P %S %s", "22 10 22 10 02 PM pm 07 1795557727"),
        ("%D|%F|%R|%T", "11/24/26|2026-11-24|22:02|22:02:07"),
        ("%u %w %U %V %W", "2 2 47 48 47"),
        ("%z %Z %t%n%%", "+0000 GMT \t\n%"),
        ("%q|%Q|%%q", "029|029.831|%q"),
        ("%-d|%_m|%^a|%5Y|%Ey|%Oy|%EY", "24|11|TUE|02026|26|26|2026"),
        ("%E|%+|%v|%f|%N|%i|%K", "%E|%+|%v|%f|%N|%i|%K"),
        ("", ""),
        ("x%", "x"),
    ];
    for (format, wanted) in cases {
        let mut text = String::new();
        TimeFormat::new(format, false).write(record("").time, &mut text);
        assert_eq!(text, wanted, "{format}");
    }
}

#[test]
fn whatever_stands_in_a_pattern_something_is_printed() {
    const SIGNS: [char; 24] = [
        '%', '%', '%', '%', '-', '.', '0', '9', '{', '}', 'D', 'd', 'c', 'm', 'n', 'p', 'q', 'Q', 'E', '^', 'ä', ' ',
        'Y', 'Z',
    ];
    let mut state = 1_u64;
    let mut next = || {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20_000 {
        let length = next() % 12;
        let pattern: String = (0..length).map(|_| SIGNS[(next() % 24) as usize]).collect();
        let (text, problems) = printed(&pattern, "line\nline");
        assert!(problems.len() <= pattern.matches('%').count().max(1), "{pattern}: {problems:?}");
        if !pattern.contains('%') {
            assert_eq!(text, if pattern.is_empty() { "lineline".to_owned() } else { pattern.repeat(2) });
        }
        let mut time = String::new();
        TimeFormat::new(&pattern, true).write(record("").time, &mut time);
        assert!(pattern.contains('%') || time == pattern);
    }
}
