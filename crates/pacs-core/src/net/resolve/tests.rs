use super::*;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;

const SOON: Duration = Duration::from_secs(20);

fn ip(last: u16) -> IpAddr {
    IpAddr::from([10, 0, (last >> 8) as u8, last as u8])
}

#[test]
fn the_system_is_asked() {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let said = dns_lookup::lookup_addr(&loopback).unwrap();
    let resolver = Resolver::new();
    assert_eq!(resolver.name_of(loopback, SOON), said);
    assert_eq!(resolver.name_of("::ffff:127.0.0.1".parse().unwrap(), Duration::ZERO), said);
}

#[test]
fn a_name_is_looked_up_once_and_the_lack_of_one_too() {
    let looked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looked);
    let resolver = Resolver::with(move |ip| {
        count.fetch_add(1, SeqCst);
        (ip == self::ip(1)).then(|| "ct1.ward.example".to_owned())
    });
    for _ in 0..3 {
        assert_eq!(resolver.name_of(ip(1), SOON), "ct1.ward.example");
        assert_eq!(resolver.name_of(ip(2), SOON), "10.0.0.2");
    }
    assert_eq!(looked.load(SeqCst), 2);
    let mut state = resolver.desk.state();
    for answer in state.known.values_mut() {
        answer.until = Instant::now();
    }
    drop(state);
    assert_eq!(resolver.name_of(ip(1), SOON), "ct1.ward.example");
    assert_eq!(looked.load(SeqCst), 3, "asked again once it was old");
}

#[test]
fn s08_only_plain_host_names_are_believed() {
    let long = "a".repeat(254);
    let bad =
        ["", "a b", "a;id", "$(id)", "`id`", "-rf", ".hidden", "a\nb", "bücher", "a/b", "1.2.3.4", "12", "::1", &long];
    for name in bad {
        assert!(!is_plain(name), "{name:?}");
    }
    for name in ["localhost", "ct-1.ward.example", "3rd_floor", "x1", "1a", &long[1..]] {
        assert!(is_plain(name), "{name:?}");
    }
    let resolver = Resolver::with(|_| Some("peer`id`".to_owned()));
    assert_eq!(resolver.name_of(ip(1), SOON), "10.0.0.1");
    assert_eq!(resolver.name_of("fe80::1".parse().unwrap(), SOON), "fe80::1");
}

#[test]
fn short_names() {
    for (name, short) in [
        ("ct1.ward.example", "ct1"),
        ("localhost", "localhost"),
        ("10.0.0.1", "10.0.0.1"),
        ("fe80::1", "fe80::1"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
        (".x", ".x"),
        ("", ""),
    ] {
        assert_eq!(short_name(name), short);
    }
}

#[test]
fn nobody_waits_longer_than_their_patience_and_the_answer_is_kept() {
    let (answer, waiting) = mpsc::channel::<()>();
    let waiting = Mutex::new(waiting);
    let resolver = Resolver::with(move |_| {
        waiting.lock().unwrap().recv().ok()?;
        Some("slow.example".to_owned())
    });
    assert_eq!(resolver.name_of(ip(1), Duration::ZERO), "10.0.0.1");
    let start = Instant::now();
    assert_eq!(resolver.name_of(ip(1), Duration::from_millis(50)), "10.0.0.1");
    assert!(start.elapsed() >= Duration::from_millis(50) && start.elapsed() < SOON);
    answer.send(()).unwrap();
    assert_eq!(resolver.name_of(ip(1), SOON), "slow.example");
    assert_eq!(resolver.name_of(ip(1), Duration::ZERO), "slow.example");
}

#[test]
fn a_name_server_that_never_answers_costs_four_threads_and_a_bounded_queue() {
    let (hold, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let looking = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looking);
    let resolver = Resolver::with(move |_| {
        count.fetch_add(1, SeqCst);
        held.lock().unwrap().recv().ok();
        None
    });
    for last in 0..1000 {
        assert_eq!(resolver.name_of(ip(last), Duration::ZERO), ip(last).to_string());
    }
    let start = Instant::now();
    while looking.load(SeqCst) < WORKERS && start.elapsed() < SOON {
        std::thread::yield_now();
    }
    // The workers have taken four from the queue; fill it up again.
    for last in 1000..1000 + WORKERS as u16 {
        resolver.name_of(ip(last), Duration::ZERO);
    }
    // With the queue full an asker is not even made to wait.
    assert_eq!(resolver.name_of(ip(5000), SOON * 100), "10.0.19.136");
    let state = resolver.desk.state();
    assert_eq!((state.workers, state.queue.len(), state.pending.len()), (WORKERS, QUEUE, WORKERS + QUEUE));
    drop(state);
    // Let go, the queue drains, and dropping the resolver ends its threads.
    drop(hold);
    let desk = Arc::clone(&resolver.desk);
    while !desk.state().pending.is_empty() {
        assert!(start.elapsed() < SOON);
        std::thread::yield_now();
    }
    assert_eq!(looking.load(SeqCst), WORKERS + QUEUE);
    drop(resolver);
    while Arc::strong_count(&desk) > 1 {
        assert!(start.elapsed() < SOON);
        std::thread::yield_now();
    }
}

#[test]
fn what_is_remembered_is_bounded() {
    let resolver = Resolver::with(|ip| Some(format!("host-{ip}")));
    for last in 0..CACHE as u16 + 100 {
        assert_eq!(resolver.name_of(ip(last), SOON), format!("host-{}", ip(last)));
    }
    let state = resolver.desk.state();
    assert_eq!(state.known.len(), CACHE);
    assert!(state.has(ip(CACHE as u16 + 99)) && !state.has(ip(0)), "the oldest went first");
}

#[test]
fn many_threads_share_one_lookup() {
    let looked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looked);
    let resolver = Resolver::with(move |_| {
        count.fetch_add(1, SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        Some("shared".to_owned())
    });
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| assert_eq!(resolver.name_of(ip(7), SOON), "shared"));
        }
    });
    assert_eq!(looked.load(SeqCst), 1);
}
