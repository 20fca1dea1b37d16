use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

fn job(text: String) -> Job {
    Box::new(move || text.into())
}

fn within(limit: u64, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(limit);
    while !done() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn every_command_runs_and_never_too_many_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display();
    let runner = Runner::default();
    let count = MOST_RUNNING + 20;
    // Each waits until it may go.
    for n in 0..count {
        runner.start(job(format!(
            "echo {n} >> {shown}/begun; until [ -e {shown}/go ]; do sleep 0.1; done; echo {n} >> {shown}/done"
        )));
    }
    let begun = || lines(&folder.path().join("begun")).len();
    assert!(within(20, || begun() == MOST_RUNNING), "{} began", begun());
    thread::sleep(Duration::from_millis(200));
    assert_eq!(begun(), MOST_RUNNING, "the others wait");
    assert_eq!(runner.shared.state().waiting.len(), 20);
    fs::write(folder.path().join("go"), "").unwrap();
    runner.settle();
    assert!(within(20, || lines(&folder.path().join("done")).len() == count));
    assert!(within(20, || runner.shared.state().running == 0), "no thread stays");
}

#[test]
fn one_that_is_waited_for_runs_alone() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display();
    let runner = Runner::default();
    thread::scope(|scope| {
        for n in 0..4 {
            let text = format!("echo in {n} >> {shown}/log; sleep 0.05; echo out {n} >> {shown}/log");
            let runner = &runner;
            scope.spawn(move || {
                runner.run(job(text));
                // Whoever comes back has waited for its own.
            });
        }
    });
    let log = lines(&folder.path().join("log"));
    assert_eq!(log.len(), 8);
    for pair in log.chunks(2) {
        assert_eq!(pair[0].replace("in", "out"), pair[1], "{log:?}");
    }
}

#[test]
fn what_cannot_be_run_is_no_harm() {
    let runner = Runner::default();
    runner.run(job("\0".to_owned()));
    runner.run(job("exit 3".to_owned()));
    runner.run(job("kill -9 $$".to_owned()));
    runner.start(job("\0".to_owned()));
    runner.settle();
    let folder = tempfile::tempdir().unwrap();
    runner.run(job(format!("echo still > {}/here", folder.path().display())));
    assert_eq!(lines(&folder.path().join("here")), ["still"]);
}

#[test]
fn beyond_a_limit_a_command_is_given_up() {
    let runner = Runner::default();
    let mut state = runner.shared.state();
    state.running = MOST_RUNNING;
    state.waiting.extend((0..MOST_WAITING).map(|_| job("exit".to_owned())));
    drop(state);
    runner.start(job("exit".to_owned()));
    assert_eq!(runner.shared.state().waiting.len(), MOST_WAITING);
}
