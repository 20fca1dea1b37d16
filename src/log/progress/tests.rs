use super::*;
use std::collections::HashMap;
use std::sync::Condvar;
use std::thread;

/// A copy of stdout for a test: one string for each write; while it is shut, writing waits.
#[derive(Clone, Default)]
struct Paper(Arc<Roll>);

#[derive(Default)]
struct Roll {
    writes: Mutex<Vec<String>>,
    shut: Mutex<bool>,
    opened: Condvar,
}

impl Paper {
    fn progress(&self) -> Progress {
        Progress::to(Box::new(self.clone()))
    }

    fn text(&self) -> String {
        self.0.writes.lock().unwrap().concat()
    }

    fn writes(&self) -> usize {
        self.0.writes.lock().unwrap().len()
    }

    fn shut(&self, shut: bool) {
        *self.0.shut.lock().unwrap() = shut;
        self.0.opened.notify_all();
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        drop(self.0.opened.wait_while(self.0.shut.lock().unwrap(), |shut| *shut).unwrap());
        self.0.writes.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn dots_only_at_exactly_info() {
    let levels =
        [Level::All, Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal, Level::Off];
    for level in levels {
        assert_eq!(Progress::at(level).shared.is_some(), level == Level::Info, "{level:?}");
    }
    let mut silent = Progress::at(Level::Debug).begin("RECV: ");
    silent.dots(3);
    silent.end();
}

#[test]
fn one_association_prints_as_it_goes() {
    let paper = Paper::default();
    let progress = paper.progress();
    let mut line = progress.begin("RECV: ");
    assert_eq!(paper.text(), "");
    line.dots(1);
    assert_eq!(paper.text(), "RECV: .");
    line.dots(3);
    assert_eq!(paper.text(), "RECV: ....");
    assert_eq!(paper.writes(), 2);
    line.end();
    assert_eq!(paper.text(), "RECV: ....\n");
    drop(progress.begin("XMIT: "));
    assert_eq!(paper.text(), "RECV: ....\nXMIT: \n");
    progress.begin("RECV: ").dots(10_000);
    assert_eq!(paper.text(), format!("RECV: ....\nXMIT: \nRECV: {}\n", ".".repeat(10_000)));
}

#[test]
fn others_wait_for_the_line_and_then_print_whole() {
    let paper = Paper::default();
    let progress = paper.progress();
    let mut first = progress.begin("RECV: ");
    let mut second = progress.begin("XMIT: ");
    let mut third = progress.begin("RECV: ");
    first.dots(1);
    second.dots(2);
    third.dots(3);
    third.end();
    second.dots(2);
    first.dots(1);
    assert_eq!(paper.text(), "RECV: ..");
    first.end();
    assert_eq!(paper.text(), "RECV: ..\nRECV: ...\n");
    let mut fourth = progress.begin("RECV: ");
    fourth.dots(1);
    second.dots(1);
    assert_eq!(paper.text(), "RECV: ..\nRECV: ...\nXMIT: .....");
    second.end();
    fourth.end();
    assert_eq!(paper.text(), "RECV: ..\nRECV: ...\nXMIT: .....\nRECV: .\n");
    progress.begin("RECV: ").dots(1);
    assert!(paper.text().ends_with("RECV: .\nRECV: .\n"), "the line is free again");
}

#[test]
fn lines_behind_a_slow_one_are_bounded() {
    let paper = Paper::default();
    let progress = paper.progress();
    let slow = progress.begin("RECV: ");
    for _ in 0..2 * WAITING {
        progress.begin("RECV: ").dots(1);
    }
    slow.end();
    assert_eq!(paper.text().lines().count(), 1 + WAITING);
}

#[test]
fn a_stuck_stdout_delays_only_who_prints() {
    let paper = Paper::default();
    let progress = paper.progress();
    let mut stuck = progress.begin("RECV: ");
    paper.shut(true);
    let printing = thread::spawn(move || {
        stuck.dots(1);
        stuck.end();
    });
    while progress.shared.as_ref().unwrap().out.try_lock().is_ok() {
        thread::yield_now();
    }
    for _ in 0..3 {
        let mut line = progress.begin("RECV: ");
        line.dots(2);
        line.end();
    }
    paper.shut(false);
    printing.join().unwrap();
    assert_eq!(paper.text(), "RECV: .\nRECV: ..\nRECV: ..\nRECV: ..\n");
}

#[test]
fn no_two_lines_mix_and_no_dot_is_lost() {
    const THREADS: usize = 16;
    const LINES: usize = 50;
    let paper = Paper::default();
    let progress = paper.progress();
    thread::scope(|scope| {
        for id in 0..THREADS {
            let progress = &progress;
            scope.spawn(move || {
                for round in 0..LINES {
                    let mut line = progress.begin("RECV: ");
                    // Each line of a thread has another length, in pieces.
                    for _ in 0..=round {
                        line.dots(id + 1);
                    }
                }
            });
        }
    });
    let mut wanted = HashMap::new();
    for dots in (0..THREADS).flat_map(|id| (0..LINES).map(move |round| (round + 1) * (id + 1))) {
        *wanted.entry(format!("RECV: {}", ".".repeat(dots))).or_insert(0) += 1;
    }
    let mut printed = HashMap::new();
    for line in paper.text().lines() {
        *printed.entry(line.to_owned()).or_insert(0) += 1;
    }
    assert_eq!(printed, wanted);
    assert!(!progress.shared.as_ref().unwrap().turns().taken);
}

#[test]
fn a_reader_that_went_away_and_a_full_disk_stop_nothing() {
    let mut streams: Vec<Box<dyn Write + Send>> = vec![Box::new(io::pipe().unwrap().1)];
    if let Ok(full) = std::fs::File::options().write(true).open("/dev/full") {
        streams.push(Box::new(io::LineWriter::new(full)));
    }
    for stream in streams {
        let progress = Progress::to(stream);
        for _ in 0..100 {
            let mut line = progress.begin("RECV: ");
            line.dots(5000);
            progress.begin("RECV: ").dots(1);
            line.end();
        }
        assert!(!progress.shared.as_ref().unwrap().turns().taken);
    }
}
