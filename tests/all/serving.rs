//! Whom the receiver serves, when, for how long, and what it costs.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use pacs_testing::{
    ABORT, Answer, Command, LIMIT, Next, Object, Peer, RELEASE_RQ, Request, Start, message, pdu, pdv, run, uid, within,
};

use crate::receiver::{Receiver, storescp};

const SECOND: Duration = Duration::from_secs(1);

/// Whether another peer is served from association to release, and how long that took.
fn serves(receiver: &Receiver, limit: Duration) -> Option<Duration> {
    let start = Instant::now();
    let mut peer = Peer::connect(receiver.port).patient_for(limit);
    let Answer::Accepted(_) = peer.associate(&Request::usual()) else { return None };
    assert_eq!(peer.store(1, &Object::tiny("1.2.3.99")), 0);
    assert!(peer.release());
    Some(start.elapsed())
}

/// The beginning of a message that stops within its data set.
fn half_a_store(instance: &str) -> Vec<u8> {
    let object = Object::with_pixels(instance, 20_000, 1);
    let bytes = message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), 4096);
    bytes[..bytes.len() / 2].to_vec()
}

// --- where it listens ------------------------------------------------------------------------------------------------

#[test]
fn address_families() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("no IPv6 here: only IPv4 is looked at");
        let receiver = Receiver::start(&["-i4"]);
        assert!(Peer::connect_to(Ipv4Addr::LOCALHOST, receiver.port).is_ok());
        return;
    }
    for (args, four, six) in
        [(&[][..], true, false), (&["-i4"], true, false), (&["-i6"], false, true), (&["-i0"], true, true)]
    {
        let receiver = Receiver::start(args);
        let over_four = Peer::connect_to(Ipv4Addr::LOCALHOST, receiver.port);
        let over_six = Peer::connect_to(Ipv6Addr::LOCALHOST, receiver.port);
        assert_eq!((over_four.is_ok(), over_six.is_ok()), (four, six), "{args:?}");
        for mut peer in [over_four, over_six].into_iter().flatten() {
            assert!(matches!(peer.associate(&Request::usual()), Answer::Accepted(_)), "{args:?}");
            assert_eq!(peer.echo(5), 0);
            assert!(peer.release());
        }
    }
}

#[test]
fn a_port_in_use_ends_the_program() {
    let receiver = Receiver::start(&[]);
    let port = receiver.port.to_string();
    let ended = run(storescp(), &[&port]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    let line = "E: cannot create network: 0006:031c TCP Initialization Error: Address already in use";
    assert!(ended.err.contains(line), "{}", ended.err);
    let ended = run(storescp(), &["-q", &port]);
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(1), "", ""));
    assert!(serves(&receiver, LIMIT).is_some());
}

#[test]
fn sigterm_ends_it_as_shells_expect_and_frees_the_port() {
    use std::os::unix::process::ExitStatusExt;
    let mut receiver = Receiver::start(&[]);
    let _idle = Peer::usual(receiver.port);
    let status = receiver.tool().stop();
    assert!(status.signal() == Some(15) || status.code() == Some(143), "{status:?}");
    let port = receiver.port;
    assert!(
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() || Peer::connect_to(Ipv4Addr::LOCALHOST, port).is_err()
    );
}

// --- one or many at a time ---------------------------------------------------------------------------------------------

#[test]
fn s31_a_stalled_peer_holds_nobody_up_by_default() {
    let receiver = Receiver::start(&[]);
    let _silent = Peer::connect(receiver.port);
    let mut half = Peer::connect(receiver.port);
    half.send(&Request::usual().to_bytes()[..50]);
    let _idle = Peer::usual(receiver.port);
    let mut stalled = Peer::usual(receiver.port);
    stalled.send(&half_a_store("1.2.3.1"));
    let mut released = Peer::usual(receiver.port);
    released.send(&RELEASE_RQ);
    assert!(matches!(released.receive(), Next::Pdu(pdu) if pdu.kind == 6), "and it does not close its side");
    assert!(serves(&receiver, 5 * SECOND).is_some());
}

#[test]
fn many_peers_store_at_the_same_time() {
    for args in [&[][..], &["--fork"]] {
        let receiver = Receiver::start(args);
        let mut peers: Vec<_> = (0..8).map(|_| Peer::usual(receiver.port)).collect();
        // All messages have begun before the first one ends, and they end in the opposite order.
        let objects: Vec<_> = (0..8).map(|n| Object::with_pixels(&format!("1.2.3.{n}"), 100_000, n)).collect();
        let bytes: Vec<_> = objects
            .iter()
            .map(|object| message(1, &Command::store_of(1, object).to_bytes(), Some(&object.data), 16384))
            .collect();
        for (peer, bytes) in peers.iter_mut().zip(&bytes) {
            peer.send(&bytes[..50_000]);
        }
        for (peer, bytes) in peers.iter_mut().zip(&bytes).rev() {
            peer.send(&bytes[50_000..]);
            assert_eq!(peer.response().map(|response| response.status()), Ok(0));
        }
        assert!(peers.into_iter().all(Peer::release));
        for object in &objects {
            assert_eq!(receiver.data(&format!("MR.{}", object.instance)), object.data);
        }
    }
}

#[test]
fn single_process_serves_strictly_one_after_the_other() {
    let receiver = Receiver::start(&["-v", "--single-process"]);
    let mut first = Peer::usual(receiver.port);
    let mut second = Peer::connect(receiver.port).patient_for(SECOND);
    assert!(matches!(second.associate(&Request::usual()), Answer::Other(Next::Silent)));
    assert_eq!(receiver.log().matches("Association Received").count(), 1);
    assert_eq!(first.store(1, &Object::tiny("1.2.3.1")), 0);
    assert!(first.release());
    second.limit = LIMIT;
    assert!(matches!(second.association_answer(), Answer::Accepted(_)));
    assert_eq!(second.echo(5), 0);
}

#[test]
fn fork_says_so_in_the_log() {
    let receiver = Receiver::start(&["-v", "--fork"]);
    assert!(serves(&receiver, LIMIT).is_some());
    receiver.wait_log("I: Association Received in child process (pid: ", LIMIT);
}

#[test]
fn s32_the_maximum_of_associations_queues_the_next_and_recovers() {
    let receiver = Receiver::start(&["-v", "--fork", "--max-associations", "2", "-ts", "3"]);
    let mut first = Peer::usual(receiver.port);
    let dead = Peer::usual(receiver.port);
    let mut third = Peer::connect(receiver.port).patient_for(SECOND);
    assert!(matches!(third.associate(&Request::usual()), Answer::Other(Next::Silent)), "a third one waits");
    receiver.wait_log("I: Maximum number of associations reached, waiting for child process to terminate", LIMIT);
    assert_eq!(first.store(1, &Object::tiny("1.2.3.1")), 0);
    assert!(first.release());
    third.limit = LIMIT;
    assert!(matches!(third.association_answer(), Answer::Accepted(_)), "served once one has left");
    let mut fourth = Peer::connect(receiver.port);
    assert!(matches!(fourth.associate(&Request::usual()), Answer::Accepted(_)), "served once the dead one was dropped");
    drop(dead);
}

// --- time limits -------------------------------------------------------------------------------------------------------

#[test]
fn s31_acse_timeout_ends_peers_that_do_not_ask() {
    let receiver = Receiver::start(&["-v", "-ta", "1"]);
    let request = Request::usual().to_bytes();
    let line = "E: Receiving Association failed: 0006:031a DUL network read timeout";
    let start = Instant::now();
    let mut silent = Peer::connect(receiver.port);
    let mut half = Peer::connect(receiver.port);
    half.send(&request[..100]);
    let mut header = Peer::connect(receiver.port);
    header.send(&request[..6]);
    let mut slow = Peer::connect(receiver.port);
    // A byte each quarter of a second never lets a single wait expire: the limit is on the whole PDU.
    let slow = thread::spawn(move || {
        slow.trickle(&request, SECOND / 4);
        assert!(slow.closed());
        start.elapsed()
    });
    for peer in [&mut silent, &mut half, &mut header] {
        assert!(peer.closed());
        assert!(start.elapsed() >= SECOND - Duration::from_millis(50));
    }
    assert!(slow.join().unwrap() < 15 * SECOND);
    receiver.wait_log_times(line, 4, LIMIT);
    assert!(serves(&receiver, LIMIT).is_some());
}

#[test]
fn s31_socket_timeout_ends_idle_associations() {
    let receiver = Receiver::start(&["-v", "-ts", "1"]);
    let mut idle = Peer::usual(receiver.port);
    assert_eq!(idle.echo(5), 0);
    let mut stalled = Peer::usual(receiver.port);
    stalled.send(&half_a_store("1.2.3.1"));
    let mut within_header = Peer::usual(receiver.port);
    within_header.send(&[4, 0, 0]);
    assert!(idle.closed() && stalled.closed() && within_header.closed());
    receiver.wait_log_times("I: Association Aborted", 2, LIMIT);
    receiver.wait_log("E: Store SCP Failed: ", LIMIT);
    assert!(within(LIMIT, || receiver.stored().is_empty()), "{:?}", receiver.stored());
    assert!(serves(&receiver, LIMIT).is_some());
}

#[test]
fn socket_timeout_of_zero_waits_for_ever() {
    let receiver = Receiver::start(&["-ts", "0"]);
    let mut idle = Peer::usual(receiver.port).patient_for(2 * SECOND);
    assert_eq!(idle.receive(), Next::Silent);
    assert_eq!(idle.echo(5), 0);
}

#[test]
fn dimse_timeout_gives_a_data_set_up() {
    for args in [&["-v", "-td", "1"][..], &["-v", "-td", "1", "+B"]] {
        let receiver = Receiver::start(args);
        let mut idle = Peer::usual(receiver.port);
        let mut stalled = Peer::usual(receiver.port);
        stalled.send(&half_a_store("1.2.3.1"));
        receiver
            .wait_log("E: Store SCP Failed: 0006:0207 DIMSE No data available (timeout in non-blocking mode)", LIMIT);
        assert!(within(LIMIT, || receiver.stored().is_empty()), "{:?}", receiver.stored());
        thread::sleep(SECOND / 2);
        assert_eq!(idle.echo(5), 0, "the limit is for data sets alone");
        assert!(serves(&receiver, LIMIT).is_some());
    }
}

#[test]
fn s33_a_peer_that_never_reads_is_dropped() {
    let receiver = Receiver::start(&["-ts", "1"]);
    assert!(serves(&receiver, LIMIT).is_some());
    let before = receiver.usage();
    let mut deaf = Peer::usual(receiver.port);
    deaf.stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let echo = message(5, &Command::echo(1).to_bytes(), None, 16384).repeat(500);
    // Ask until neither side's buffers take any more.
    let asked = (0..2000).take_while(|_| deaf.offer(&echo)).count();
    assert!(asked < 2000, "everything was taken");
    assert!(serves(&receiver, 5 * SECOND).is_some(), "others are not delayed");
    assert!(within(LIMIT, || receiver.usage().descriptors <= before.descriptors), "it is not dropped");
    assert!(receiver.usage().resident < before.resident + 2048, "answers pile up");
}

// --- options that make it a bad peer -------------------------------------------------------------------------------------

#[test]
fn forced_aborts_come_without_an_answer() {
    for option in ["--abort-during", "--abort-after"] {
        for mode in [&[][..], &["+B"]] {
            let receiver = Receiver::start(&[&["-v", option], mode].concat());
            for time in 1..=2 {
                let mut peer = Peer::usual(receiver.port);
                let end = peer.try_store(1, &Object::with_pixels("1.2.3.1", 50_000, 1)).unwrap_err();
                assert!(end.abort().is_some() || end == Next::Broken, "{option}: {end:?}");
                assert!(peer.closed());
                receiver.wait_log_times("I: ABORT initiated (due to command line options)", time, LIMIT);
            }
            let mut peer = Peer::usual(receiver.port);
            assert_eq!(peer.echo(5), 0, "only stores are aborted");
            if option == "--abort-during" {
                assert!(within(LIMIT, || receiver.stored().is_empty()), "{:?}", receiver.stored());
            }
        }
    }
}

#[test]
fn sleeping_delays_what_it_says() {
    let almost = Duration::from_millis(950);
    let receiver = Receiver::start(&["--sleep-after", "1"]);
    let (mut peer, start) = (Peer::usual(receiver.port), Instant::now());
    assert_eq!(peer.store(1, &Object::tiny("1.2.3.1")), 0);
    assert_eq!(peer.store(1, &Object::tiny("1.2.3.2")), 0);
    assert!(start.elapsed() >= almost, "{:?}", start.elapsed());
    assert!(peer.release());

    let receiver = Receiver::start(&["--sleep-during", "1"]);
    let (mut peer, start) = (Peer::usual(receiver.port), Instant::now());
    assert_eq!(peer.store(1, &Object::tiny("1.2.3.1")), 0);
    assert!(start.elapsed() >= almost, "{:?}", start.elapsed());
    assert!(peer.release());
}

#[test]
fn environment_variables_for_sockets_are_accepted() {
    for (name, value) in [
        ("TCP_NODELAY", "0"),
        ("TCP_NODELAY", "1"),
        ("TCP_BUFFER_LENGTH", "0"),
        ("TCP_BUFFER_LENGTH", "8192"),
        ("TCP_NODELAY", "x"),
    ] {
        let receiver = Receiver::start_with(Start::new(storescp()).variable(name, value));
        let mut peer = Peer::usual(receiver.port);
        let object = Object::with_pixels("1.2.3.1", 300_000, 1);
        assert_eq!(peer.store(1, &object), 0, "{name}={value}");
        assert_eq!(receiver.data("MR.1.2.3.1"), object.data);
        assert!(peer.release());
    }
}

// --- cost --------------------------------------------------------------------------------------------------------------

#[test]
fn s31_five_hundred_idle_peers_are_cheap_and_hold_nobody_up() {
    let receiver = Receiver::start(&[]);
    assert!(serves(&receiver, LIMIT).is_some());
    let before = receiver.usage();
    let silent: Vec<_> = (0..250).map(|_| Peer::connect(receiver.port)).collect();
    let mut accepted: Vec<_> = (0..250).map(|_| Peer::usual(receiver.port)).collect();
    for peer in &mut accepted {
        assert_eq!(peer.echo(5), 0);
    }
    let took = (0..3).map(|_| serves(&receiver, LIMIT).unwrap()).min().unwrap();
    assert!(took < SECOND, "a normal peer took {took:?}");
    let grown = receiver.usage().resident.saturating_sub(before.resident);
    // Without optimization frames are larger, and with them the part of each thread's stack that is ever touched.
    let each = if cfg!(debug_assertions) { 40 } else { 16 };
    assert!(grown <= 500 * each, "{grown} KiB for 500 idle peers");
    drop((silent, accepted));
    let back = |usage: pacs_testing::Usage| usage.threads <= before.threads && usage.descriptors <= before.descriptors;
    assert!(within(LIMIT, || back(receiver.usage())), "{before:?} became {:?}", receiver.usage());
}

#[test]
fn s26_whatever_way_peers_leave_nothing_stays_behind() {
    let receiver = Receiver::start(&["-ta", "2"]);
    let rejected = || {
        let mut request = Request::usual();
        request.application_context = Some("1.2.3".to_owned());
        let mut peer = Peer::connect(receiver.port);
        assert!(matches!(peer.associate(&request), Answer::Rejected(_)));
    };
    let leave: [(&str, &dyn Fn(u32)); 8] = [
        ("released", &|_| assert!(Peer::usual(receiver.port).release())),
        ("aborted", &|_| Peer::usual(receiver.port).abort()),
        ("hung up", &|_| Peer::usual(receiver.port).hang_up()),
        ("reset", &|_| Peer::usual(receiver.port).reset(5)),
        ("rejected", &|_| rejected()),
        ("never asked", &|_| Peer::connect(receiver.port).hang_up()),
        ("half a request", &|n| {
            let mut peer = Peer::connect(receiver.port);
            peer.send(&Request::usual().to_bytes()[..1 + n as usize]);
        }),
        ("half a store", &|n| {
            let mut peer = Peer::usual(receiver.port);
            let bytes = half_a_store(&format!("1.2.3.{n}"));
            peer.send(&bytes[..bytes.len() / (n as usize + 1)]);
        }),
    ];
    let back = |before: pacs_testing::Usage| {
        within(LIMIT, || {
            let usage = receiver.usage();
            usage.threads <= before.threads && usage.descriptors <= before.descriptors
        })
    };
    // What is set up once, such as a pool or a cache of the allocator, is there after the first of each kind.
    let start = receiver.usage();
    for (_, way) in &leave {
        way(0);
    }
    assert!(back(start), "{start:?} became {:?}", receiver.usage());
    let before = receiver.usage();
    for (case, way) in &leave {
        for n in 0..100 {
            way(n);
        }
        assert!(back(start), "{case}: {start:?} became {:?}", receiver.usage());
    }
    let grown = receiver.usage().resident.saturating_sub(before.resident);
    assert!(grown < 4096, "{grown} KiB more after 800 associations");
    assert!(within(LIMIT, || receiver.stored().is_empty()), "{:?}", receiver.stored());
    assert!(serves(&receiver, LIMIT).is_some());
}

#[test]
fn s35_many_peers_send_the_same_instance_at_once() {
    for mode in [&[][..], &["+B"]] {
        let receiver = Receiver::start(mode);
        let objects: Vec<_> = (0..64).map(|n| Object::with_pixels("1.2.3.1", 20_000 + 2 * n, n as u64)).collect();
        let (receiver, port) = (&receiver, receiver.port);
        thread::scope(|scope| {
            let senders: Vec<_> =
                objects.iter().map(|object| scope.spawn(move || Peer::usual(port).store(1, object))).collect();
            for sender in senders {
                assert_eq!(sender.join().unwrap(), 0);
            }
        });
        assert_eq!(receiver.stored(), ["MR.1.2.3.1"]);
        let data = receiver.data("MR.1.2.3.1");
        assert!(objects.iter().any(|object| object.data == data), "one of them, whole");
    }
}

#[test]
fn a_release_is_answered_while_data_are_under_way() {
    // PS3.8 9.3.6 lets a requestor ask for the release at any time; a store that was not finished is given up.
    let receiver = Receiver::start(&["-v"]);
    let mut peer = Peer::usual(receiver.port);
    let object = Object::tiny("1.2.3.1");
    peer.send_message(1, &Command::store(1, uid::MR, "1.2.3.1"), None);
    peer.send(&pdu(4, &pdv(1, 0, &object.data)));
    peer.send(&RELEASE_RQ);
    assert_ne!(peer.receive(), Next::Silent);
    assert!(peer.closed() || peer.offer(&[]), "and then it ends");
    assert!(within(LIMIT, || receiver.stored().is_empty()), "{:?}", receiver.stored());
    receiver.wait_log("E: Store SCP Failed: ", LIMIT);
}

#[test]
fn s28_peers_that_leave_before_their_answer_do_no_harm() {
    let receiver = Receiver::start(&[]);
    assert!(serves(&receiver, LIMIT).is_some());
    let before = receiver.usage();
    let object = Object::with_pixels("1.2.3.1", 30_000, 1);
    let store = message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), 16384);
    let twice = RELEASE_RQ.repeat(2);
    let leaves: [(&str, &[&[u8]]); 5] = [
        ("after a store", &[&store]),
        ("after two stores", &[&store, &store]),
        ("with an abort", &[&store, &ABORT]),
        ("with a release", &[&store, &RELEASE_RQ]),
        ("with two releases", &[&store, &twice]),
    ];
    for (case, parts) in leaves {
        for _ in 0..10 {
            let mut peer = Peer::usual(receiver.port);
            peer.offer(&parts.concat());
            peer.hang_up();
        }
        assert!(serves(&receiver, LIMIT).is_some(), "{case}");
        // Each message was complete, so the object may be kept; if it is, then whole.
        let back = || receiver.usage().threads <= before.threads && receiver.usage().descriptors <= before.descriptors;
        assert!(within(LIMIT, back), "{case}: {before:?} became {:?}", receiver.usage());
        assert!(receiver.stored().iter().all(|name| name == "MR.1.2.3.1" || name == "MR.1.2.3.99"), "{case}");
        if receiver.stored().len() == 2 {
            assert!(receiver.data("MR.1.2.3.1") == object.data, "{case}");
        }
    }
}
