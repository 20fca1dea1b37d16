use std::net::Ipv4Addr;

use pacs_core::pdu::AeTitle;

use super::*;
use crate::folder::Output;

/// Studies under test, at a time that only moves when told.
struct Bench {
    studies: Studies,
    now: Instant,
    shelf: Arc<Shelf>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(quiet: Option<u64>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output =
            Output::new(pacs_core::disk::Folder::open(folder.path()).unwrap(), folder.path().to_owned(), false);
        let now = Instant::now();
        let studies = Studies::new(quiet.map(Duration::from_secs), true, now);
        Self { studies, now, shelf: Arc::clone(output.top()), _folder: folder }
    }

    fn sit(&mut self) -> Seat {
        self.studies.sit(self.now)
    }

    fn arrive(&mut self, seat: Seat) {
        self.studies.arrive(seat, self.now);
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// What came is finished: a file of this name in a study. The studies that have ended, each with its files.
    fn finish(&mut self, seat: Seat, uid: &str, file: &str) -> Vec<String> {
        let sender = Parties {
            calling: AeTitle::new(&format!("{seat:?}")[5..6]),
            called: AeTitle::new("B"),
            address: Ipv4Addr::LOCALHOST.into(),
        };
        self.studies.bring(uid.as_bytes(), Arc::clone(&self.shelf), seat, &sender);
        self.studies.stored(uid.as_bytes(), OsStr::new(file));
        self.studies.settle(seat, self.now);
        self.ended()
    }

    fn store(&mut self, seat: Seat, uid: &str, file: &str) -> Vec<String> {
        self.arrive(seat);
        self.finish(seat, uid, file)
    }

    fn leave(&mut self, seat: Seat) -> Vec<String> {
        self.studies.leave(seat, self.now);
        self.ended()
    }

    fn ended(&mut self) -> Vec<String> {
        let some = self.studies.some_may_have_ended();
        let ended = listed(&self.studies.take_ended());
        assert!(some || ended.is_empty());
        ended
    }

    fn silent(&mut self) -> Vec<String> {
        listed(&self.studies.take_silent(self.now))
    }
}

fn listed(studies: &[Study]) -> Vec<String> {
    let list = |study: &Study| study.files().iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>().join(" ");
    studies.iter().map(list).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn as_with_dcmtk_another_study_ends_the_last_one() {
    let mut bench = Bench::new(None);
    let seat = bench.sit();
    assert_eq!(bench.store(seat, "1", "a"), NONE);
    assert_eq!(bench.store(seat, "1", "b"), NONE);
    assert_eq!(bench.store(seat, "2", "c"), ["a b"]);
    assert_eq!(bench.store(seat, "1", "d"), ["c"], "the first study begins anew");
    assert_eq!(bench.leave(seat), NONE, "the end of an association ends nothing");
    let next = bench.sit();
    assert_eq!(bench.store(next, "1", "e"), NONE, "the study goes on");
    assert_eq!(bench.leave(next), NONE);
    let third = bench.sit();
    assert_eq!(bench.store(third, "3", "f"), ["d e"]);
    bench.wait(100_000);
    assert_eq!(bench.silent(), NONE, "without a time nothing ends by itself");
    assert_eq!(bench.studies.deadline(), None);
}

#[test]
fn files_keep_the_order_they_came_in_and_count_once() {
    let mut bench = Bench::new(None);
    let seat = bench.sit();
    for file in ["c", "a", "b", "a", "c"] {
        assert_eq!(bench.store(seat, "1", file), NONE);
    }
    assert_eq!(bench.store(seat, "2", "x"), ["c a b"]);
}

#[test]
fn an_association_that_stored_it_last_keeps_a_study_open() {
    let mut bench = Bench::new(None);
    let (a, b) = (bench.sit(), bench.sit());
    assert_eq!(bench.store(a, "1", "a1"), NONE);
    assert_eq!(bench.store(b, "2", "b1"), NONE, "a is still at study 1");
    assert_eq!(bench.store(a, "1", "a2"), NONE, "and b at study 2");
    assert_eq!(bench.store(b, "3", "b2"), ["b1"], "nobody is at study 2 any more");
    assert_eq!(bench.leave(a), ["a1 a2"], "overtaken long ago, now left");
    assert_eq!(bench.leave(b), NONE, "the last one stays open");
}

#[test]
fn one_association_of_several_is_enough() {
    let mut bench = Bench::new(None);
    let (a, b, c) = (bench.sit(), bench.sit(), bench.sit());
    bench.store(a, "1", "a1");
    bench.store(b, "1", "b1");
    assert_eq!(bench.store(c, "2", "c1"), NONE);
    assert_eq!(bench.leave(a), NONE);
    assert_eq!(bench.store(b, "2", "b2"), ["a1 b1"]);
}

#[test]
fn what_is_being_received_may_be_of_any_study() {
    let mut bench = Bench::new(None);
    let (a, b, c) = (bench.sit(), bench.sit(), bench.sit());
    bench.store(a, "1", "a1");
    bench.leave(a);
    bench.arrive(c);
    assert_eq!(bench.store(b, "2", "b1"), NONE, "who knows what is on its way");
    assert_eq!(bench.finish(c, "1", "a2"), NONE, "it was of study 1");
    assert_eq!(bench.leave(c), NONE, "which is the last one now");
    assert_eq!(bench.store(b, "3", "b2"), ["a1 a2", "b1"]);
}

#[test]
fn what_is_on_its_way_when_the_last_one_leaves_counts_too() {
    let mut bench = Bench::new(None);
    let (a, b, c) = (bench.sit(), bench.sit(), bench.sit());
    bench.store(a, "1", "a1");
    assert_eq!(bench.store(b, "2", "b1"), NONE, "overtaken, but a is at it");
    bench.arrive(c);
    assert_eq!(bench.leave(a), NONE);
    assert_eq!(bench.store(b, "2", "b2"), NONE);
    assert_eq!(bench.finish(c, "1", "c1"), NONE);
    assert_eq!(bench.store(b, "2", "b3"), NONE, "overtaken again, but c is at it");
    assert_eq!(bench.leave(c), ["a1 c1"]);
}

#[test]
fn what_has_told_another_study_holds_nothing_up() {
    let mut bench = Bench::new(None);
    let (a, b, c) = (bench.sit(), bench.sit(), bench.sit());
    bench.store(a, "1", "a1");
    bench.leave(a);
    bench.arrive(c);
    assert_eq!(bench.store(b, "2", "b1"), NONE);
    bench.studies.learn(c, b"3");
    assert_eq!(bench.ended(), ["a1"], "though c is far from done");
    assert_eq!(bench.finish(c, "3", "c1"), NONE, "b is at study 2");
    bench.arrive(c);
    bench.studies.learn(c, b"");
    assert_eq!(bench.store(b, "3", "b2"), ["b1"], "what has no study is of none");
}

#[test]
fn what_has_told_a_study_keeps_it_open() {
    let mut bench = Bench::new(Some(5));
    let (a, b, c, d) = (bench.sit(), bench.sit(), bench.sit(), bench.sit());
    bench.store(a, "1", "a1");
    bench.leave(a);
    bench.arrive(c);
    assert_eq!(bench.store(b, "2", "b1"), NONE);
    // It begins when all have left, but before the study can be told to have ended.
    bench.arrive(d);
    bench.studies.learn(d, b"1");
    bench.studies.learn(c, b"2");
    assert_eq!(bench.ended(), NONE);
    assert_eq!((bench.finish(c, "2", "c1"), bench.studies.deadline()), (vec![], None));
    assert_eq!(bench.finish(d, "1", "d1"), NONE);
    assert_eq!(bench.leave(d), NONE, "now it is the last one");
    bench.leave(b);
    let e = bench.sit();
    // What is coming counts from the first object of a study on, and no longer than it comes.
    for uid in [&b"3"[..], b"4"] {
        bench.arrive(e);
        bench.studies.learn(e, uid);
        bench.studies.learn(e, b"1");
        assert_eq!(bench.ended(), NONE);
    }
    assert_eq!(bench.store(c, "4", "c2"), ["a1 d1", "b1 c1"]);
    assert_eq!(bench.store(c, "5", "c3"), NONE, "e is receiving of study 4");
    assert_eq!(bench.leave(e), ["c2"]);
}

#[test]
fn what_begins_to_come_later_is_waited_for_but_not_for_ever() {
    let mut bench = Bench::new(None);
    let (a, b, c, d) = (bench.sit(), bench.sit(), bench.sit(), bench.sit());
    bench.store(a, "1", "a1");
    bench.leave(a);
    bench.arrive(c);
    assert_eq!(bench.store(b, "2", "b1"), NONE);
    bench.arrive(d);
    bench.studies.settle(c, bench.now);
    assert_eq!(bench.ended(), NONE, "d may be of study 1");
    bench.studies.learn(d, b"2");
    assert_eq!(bench.ended(), ["a1"]);
    // There is always something on its way.
    bench.studies.settle(d, bench.now);
    bench.arrive(c);
    assert_eq!(bench.store(b, "3", "b2"), NONE);
    let mut times = 0;
    loop {
        bench.arrive(d);
        bench.studies.settle(c, bench.now);
        times += 1;
        match bench.ended() {
            ended if ended.is_empty() => assert!(times < 20),
            ended => break assert_eq!(ended, ["b1"]),
        }
        bench.arrive(c);
        bench.studies.settle(d, bench.now);
    }
    assert!(times > 1);
}

#[test]
fn an_association_that_ends_takes_with_it_what_it_was_receiving() {
    let mut bench = Bench::new(Some(5));
    let (a, b) = (bench.sit(), bench.sit());
    bench.store(a, "1", "a1");
    bench.arrive(b);
    assert_eq!(bench.studies.deadline(), None);
    bench.leave(b);
    assert!(bench.studies.deadline().is_some());
    // What it says afterwards counts for nothing.
    bench.arrive(b);
    assert!(bench.studies.deadline().is_some());
    bench.store(b, "2", "b1");
    assert_eq!(bench.leave(a), ["a1"]);
    let next = bench.sit();
    assert_eq!(bench.store(next, "3", "c1"), ["b1"]);
}

#[test]
fn a_study_without_a_file_is_none() {
    let mut bench = Bench::new(Some(5));
    let seat = bench.sit();
    let parties =
        Parties { calling: AeTitle::new("A"), called: AeTitle::new("B"), address: Ipv4Addr::LOCALHOST.into() };
    bench.studies.bring(b"1", Arc::clone(&bench.shelf), seat, &parties);
    assert_eq!(bench.store(seat, "2", "a"), NONE);
    bench.studies.bring(b"3", Arc::clone(&bench.shelf), seat, &parties);
    assert_eq!(bench.ended(), ["a"]);
    bench.wait(5);
    assert_eq!(bench.silent(), NONE);
}

#[test]
fn silence_ends_all_studies_at_once_and_in_order() {
    let mut bench = Bench::new(Some(5));
    assert_eq!(bench.studies.deadline(), None, "there is nothing to end");
    let (a, b) = (bench.sit(), bench.sit());
    bench.store(a, "1", "a1");
    bench.store(b, "2", "b1");
    bench.wait(4);
    assert_eq!(bench.silent(), NONE);
    // Anything at all begins the time anew: a message, an association, the end of one.
    bench.studies.touch(bench.now);
    bench.wait(4);
    assert_eq!(bench.silent(), NONE);
    let c = bench.sit();
    bench.wait(4);
    assert_eq!(bench.silent(), NONE);
    assert_eq!(bench.leave(c), NONE);
    bench.wait(4);
    assert_eq!(bench.silent(), NONE);
    bench.wait(1);
    assert_eq!(bench.silent(), ["a1", "b1"]);
    bench.wait(5);
    assert_eq!(bench.silent(), NONE, "each ends once");
    // The associations go on, and with them other studies of the same name.
    assert_eq!(bench.store(a, "1", "a2"), NONE);
    assert_eq!(bench.store(b, "1", "b2"), NONE);
    assert_eq!(bench.leave(a), NONE);
    assert_eq!(bench.store(b, "3", "b3"), ["a2 b2"]);
}

#[test]
fn while_something_comes_there_is_no_silence() {
    let mut bench = Bench::new(Some(5));
    let seat = bench.sit();
    bench.store(seat, "1", "a");
    bench.arrive(seat);
    bench.wait(1000);
    assert_eq!((bench.studies.deadline(), bench.silent()), (None, vec![]));
    bench.studies.settle(seat, bench.now);
    bench.studies.settle(seat, bench.now);
    assert_eq!(bench.studies.deadline(), Some(bench.now + Duration::from_secs(5)));
    bench.wait(5);
    assert_eq!(bench.silent(), ["a"]);
}

#[test]
fn no_time_at_all_ends_a_study_at_once() {
    let mut bench = Bench::new(Some(0));
    let seat = bench.sit();
    bench.store(seat, "1", "a");
    assert_eq!(bench.silent(), ["a"]);
    // And one beyond all clocks never does.
    let mut bench = Bench::new(Some(u64::MAX));
    let seat = bench.sit();
    bench.store(seat, "1", "a");
    assert_eq!((bench.studies.deadline(), bench.silent()), (None, vec![]));
}

#[test]
fn the_sender_is_the_last_one_of_the_study() {
    let mut bench = Bench::new(None);
    let (a, b, c) = (bench.sit(), bench.sit(), bench.sit());
    bench.store(a, "1", "a");
    bench.store(b, "1", "b");
    bench.leave(b);
    bench.leave(a);
    let sender = bench.studies.open[&b"1"[..]].sender.calling.text();
    bench.store(c, "2", "c");
    assert_eq!(sender, format!("{b:?}")[5..6]);
    assert_eq!(bench.studies.open.len(), 1);
}
