//! Commands on reception and at the end of a study, inetd, and how the program ends.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pacs_testing::{
    Answer, Command, LIMIT, Object, Peer, Request, Start, Tool, files, free_port, message, uid, visible, within,
};
use tempfile::TempDir;

use crate::receiver::{Receiver, storescp};
use crate::studies::object_of;

/// A folder for what commands leave, and a gate that holds them back as long as it stands.
struct Gate {
    folder: TempDir,
}

impl Gate {
    fn shut() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("shut"), "").unwrap();
        Self { folder }
    }

    /// A command that says so when it begins, and goes on once the gate is open, or gone.
    fn command(&self) -> String {
        let here = self.folder.path().display();
        format!("echo #f >> {here}/begun; while [ -e {here}/shut ]; do sleep 0.1; done; echo #f >> {here}/done")
    }

    fn open(&self) {
        fs::remove_file(self.folder.path().join("shut")).unwrap();
    }

    fn count(&self, name: &str) -> usize {
        lines(&self.folder.path().join(name)).len()
    }
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn wait_lines(path: &Path, count: usize) -> Vec<String> {
    assert!(within(LIMIT, || lines(path).len() >= count), "{:?}", lines(path));
    lines(path)
}

/// Children of a process, with their state: `Z` is a zombie.
fn children(pid: u32) -> Vec<char> {
    let stats = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let text = fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        // pid (name) state ppid …
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        (fields.next()?.parse() == Ok(pid)).then_some(state)
    });
    stats.collect()
}

fn titled(calling: &[u8], called: &[u8]) -> Request {
    Request { calling: calling.to_vec(), called: called.to_vec(), ..Request::usual() }
}

// --- commands ------------------------------------------------------------------------------------------------------

#[test]
fn s07_what_peers_send_runs_nothing() {
    let place = TempDir::new().unwrap();
    let (events, evil) = (place.path().join("events"), place.path().join("EVIL"));
    // What runs `e` leaves a file.
    let bin = place.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("e"), format!("#!/bin/sh\ntouch '{}'\n", evil.display())).unwrap();
    fs::set_permissions(bin.join("e"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let show = format!(
        "x=\"#a\"; y=\"#c\" : ; printf '<%s>' #p #f #a \"#a\" #c #r \"$x\" >> '{0}'; echo >> '{0}'",
        events.display()
    );
    let start = Start::new(storescp()).variable("PATH", &path).args([
        "-xs",
        "-su",
        "S",
        "-xcr",
        &show,
        "-xcs",
        &show.replace(" #f", " x"),
    ]);
    let receiver = Receiver::start_with(start);
    let mut count = 0;
    for bad in ["`e`", "$(e)", ";e", "|e", "&e&", "x\ne", "\"e", "'e", "-e", "x e", "x -e", "..", "\\e", "$x e"] {
        let mut peer = Peer::associated(receiver.port, &titled(bad.as_bytes(), bad.as_bytes()));
        let object = object_of(&format!("1{bad}"), format!("9{bad}").as_bytes(), bad.as_bytes());
        // An odd UID is another one by the time it is compared; the object is kept all the same.
        peer.try_store(1, &object).unwrap();
        assert!(peer.release());
        // And one for the study before.
        count += if count == 0 { 1 } else { 2 };
        assert!(!evil.exists(), "{bad:?} was run");
        let shown = wait_lines(&events, count);
        assert_eq!(shown.len(), count, "{shown:?}");
        for line in &shown {
            let values: Vec<_> = line.trim_matches(['<', '>']).split("><").collect();
            assert_eq!(values.len(), 7, "each value is one argument: {line}");
            assert!(values.iter().all(|value| !value.starts_with('-') && *value != ".."), "{line}");
            let safe = |c: char| c.is_ascii_alphanumeric() || " -.:@_#/".contains(c);
            assert!(values.iter().all(|value| value.chars().all(safe)), "{line}");
        }
    }
    let log = receiver.log();
    for (what, from) in [("calling aetitle", "$(e)"), ("called aetitle", "$(e)"), ("Study Instance UID", "9$(e)")] {
        assert!(
            log.contains(&format!("W: Sanitized unusual characters in {what}, converted from \"{from}\"")),
            "{log}"
        );
    }
    assert_eq!(files(receiver.base()), ["out"]);
}

#[test]
fn s08_the_peer_is_shown_by_a_plain_name_or_its_address() {
    let place = TempDir::new().unwrap();
    for (args, address) in [(&[][..], false), (&["-dhl"], true)] {
        let events = place.path().join(format!("events{address}"));
        let receiver = Receiver::start(&[args, &["-xcr", &format!("echo #r >> '{}'", events.display())]].concat());
        assert_eq!(Peer::usual(receiver.port).store(1, &Object::tiny("1.1")), 0);
        let shown = wait_lines(&events, 1).concat();
        assert!(!address || shown == "127.0.0.1", "{shown}");
        assert!(shown.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)), "{shown}");
    }
}

#[test]
fn s09_commands_are_bounded_and_storing_goes_on() {
    const OBJECTS: usize = 150;
    let gate = Gate::shut();
    let receiver = Receiver::start(&["+B", "-xcr", &gate.command()]);
    let before = receiver.usage();
    let mut peer = Peer::usual(receiver.port);
    for n in 0..OBJECTS {
        assert_eq!(peer.store(1, &Object::tiny(&format!("1.{n}"))), 0);
    }
    assert!(peer.release());
    assert_eq!(receiver.stored().len(), OBJECTS, "though none of the commands has ended");
    assert!(within(LIMIT, || gate.count("begun") >= 64), "{} began", gate.count("begun"));
    thread::sleep(Duration::from_millis(200));
    let (begun, now) = (gate.count("begun"), children(receiver.pid()));
    assert!(begun == 64 && now.len() == 64, "{begun} began, {now:?}");
    gate.open();
    assert!(within(Duration::from_secs(60), || gate.count("done") == OBJECTS), "{} of {OBJECTS}", gate.count("done"));
    assert!(within(LIMIT, || children(receiver.pid()).is_empty()), "{:?}", children(receiver.pid()));
    let back = || receiver.usage().threads <= before.threads && receiver.usage().descriptors <= before.descriptors;
    assert!(within(LIMIT, back), "{before:?} became {:?}", receiver.usage());
    // Each object once.
    let mut done = lines(&gate.folder.path().join("done"));
    done.sort();
    done.dedup();
    assert_eq!(done.len(), OBJECTS);
}

#[test]
fn s09_commands_hold_nothing_of_ours() {
    let place = TempDir::new().unwrap();
    let (events, config) = (place.path().join("events"), place.path().join("log.cfg"));
    let text = format!(
        "log4cplus.rootLogger = INFO, file\nlog4cplus.appender.file = log4cplus::FileAppender\n\
         log4cplus.appender.file.File = {}/log\n",
        place.path().display()
    );
    fs::write(&config, text).unwrap();
    let show = format!("ls -l /proc/self/fd > '{0}.new'; mv '{0}.new' '{0}'", events.display());
    let receiver = Receiver::start(&["-su", "S", "-xcr", &show, "-lc", config.to_str().unwrap()]);
    let mut other = Peer::usual(receiver.port);
    let object = Object::with_pixels("1.2", 100_000, 1);
    let bytes = message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), other.max_length());
    other.send(&bytes[..50_000]);
    let mut peer = Peer::usual(receiver.port);
    assert_eq!(peer.store(1, &Object::tiny("1.1")), 0);
    let shown = wait_lines(&events, 4);
    let open: Vec<_> = shown.iter().filter_map(|line| line.split_once(" -> ").map(|(_, to)| to)).collect();
    assert_eq!(open[0], "/dev/null");
    // The streams, the folder that ls lists, and what this test itself was started with: nothing else.
    let own = Process::new("sh").args(["-c", "ls /proc/self/fd"]).stdin(Stdio::null()).output().unwrap().stdout;
    assert_eq!(open.len(), String::from_utf8(own).unwrap().lines().count(), "{shown:?}");
    let ours = |to: &str| ["socket", ".pacs", "(deleted)", "/out", "/log"].iter().any(|part| to.contains(part));
    assert!(!open.iter().any(|to| ours(to)), "{open:?}");
}

#[test]
fn s09_with_exec_sync_the_next_command_waits_for_the_last() {
    let gate = Gate::shut();
    let receiver = Receiver::start(&["-xs", "-xcr", &gate.command()]);
    let peers: Vec<_> = (0..4)
        .map(|n| {
            let mut peer = Peer::usual(receiver.port);
            thread::spawn(move || peer.store(1, &Object::tiny(&format!("1.{n}"))))
        })
        .collect();
    assert!(within(LIMIT, || gate.count("begun") >= 1));
    thread::sleep(Duration::from_millis(300));
    assert_eq!((gate.count("begun"), children(receiver.pid()).len()), (1, 1));
    gate.open();
    for peer in peers {
        assert_eq!(peer.join().unwrap(), 0);
    }
    assert!(within(LIMIT, || gate.count("done") == 4));
}

#[test]
fn a_command_runs_after_the_answer_and_only_for_what_is_there() {
    let place = TempDir::new().unwrap();
    let events = place.path().join("events");
    let show = format!("[ -e #p/#f ] && echo #f >> '{}' || echo no #f >> '{0}'", events.display());
    let receiver = Receiver::start(&["-su", "S", "-xs", "-xcr", &show]);
    let mut peer = Peer::usual(receiver.port);
    assert_eq!(peer.store(1, &object_of("1.1", b"9.1", b"")), 0);
    // DCMTK: runs the command for the object before once more.
    assert_eq!(peer.store(1, &object_of("1.2", b"", b"")), 0xC000);
    // Kept, though it is not what was announced.
    let mut other = object_of("1.4", b"9.1", b"");
    other.instance = "1.3".to_owned();
    assert_eq!(peer.store(1, &other), 0xA900);
    assert!(peer.release());
    assert_eq!(wait_lines(&events, 2), ["MR.1.1", "MR.1.3"]);
    // A peer that left without its answer has stored its object all the same.
    let mut peer = Peer::usual(receiver.port);
    let object = object_of("1.5", b"9.1", b"");
    peer.send(&message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), 16384));
    peer.hang_up();
    assert_eq!(wait_lines(&events, 3)[2], "MR.1.5");
}

#[test]
fn without_files_a_command_has_no_file() {
    let place = TempDir::new().unwrap();
    let events = place.path().join("events");
    let show = format!("echo #a '#p' '#f' >> '{}'", events.display());
    let receiver = Receiver::start(&["--ignore", "-su", "S", "-xcr", &show]);
    assert_eq!(Peer::usual(receiver.port).store(1, &Object::tiny("1.1")), 0);
    assert_eq!(wait_lines(&events, 1), ["PEER #p #f"]);
}

// --- inetd -----------------------------------------------------------------------------------------------------------

/// A program that has a connection as its descriptors 0 to 2, as inetd starts it, and the other end of it.
fn inetd(args: &[&str], folder: &Path) -> (Child, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = Peer::connect(listener.local_addr().unwrap().port());
    let connection = OwnedFd::from(listener.accept().unwrap().0);
    let stream = || Stdio::from(connection.try_clone().unwrap());
    let mut process = Process::new(storescp());
    process.args(args).current_dir(folder).stdin(stream()).stdout(stream()).stderr(stream());
    (process.spawn().unwrap(), peer)
}

fn code(child: &mut Child) -> Option<i32> {
    assert!(within(LIMIT, || child.try_wait().unwrap().is_some()), "it goes on");
    child.wait().unwrap().code()
}

#[test]
fn inetd_hands_one_association_over() {
    let folder = TempDir::new().unwrap();
    let show =
        "echo #a #f > events; ls -l /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 2>&1 >> events; echo end >> events";
    for args in [&["--inetd", "-d", "-xcr", show][..], &["-v", "-id", "11112", "-xcr", show]] {
        let (mut child, mut peer) = inetd(args, folder.path());
        assert!(matches!(peer.associate(&Request::usual()), Answer::Accepted(_)), "nothing stands before the answer");
        assert_eq!((peer.echo(5), peer.store(1, &Object::tiny("1.1"))), (0, 0));
        assert!(peer.release());
        assert_eq!(code(&mut child), Some(0));
        let events = folder.path().join("events");
        assert!(within(LIMIT, || lines(&events).last().is_some_and(|line| line == "end")), "{:?}", lines(&events));
        let shown = lines(&events);
        assert_eq!(shown[0], "PEER MR.1.1");
        assert_eq!(shown.iter().filter(|line| line.ends_with("-> /dev/null")).count(), 2, "{shown:?}");
        assert!(folder.path().join("MR.1.1").exists());
        fs::remove_file(events).unwrap();
    }
}

#[test]
fn inetd_tells_a_peer_nothing_but_dicom() {
    let folder = TempDir::new().unwrap();
    for (args, expected) in [
        (&["--inetd", "--fork"][..], 1),
        (&["--inetd", "--unknown"], 1),
        (&["--inetd", "-od", "/nowhere/at/all"], 1),
        (&["--inetd", "-xcs", "x", "-su", "s"], 1),
        (&["--inetd", "-d"], 0),
    ] {
        let (mut child, peer) = inetd(args, folder.path());
        let mut stream: TcpStream = peer.stream.try_clone().unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        assert_eq!((code(&mut child), heard), (Some(expected), vec![]), "{args:?}");
    }
}

#[test]
fn inetd_needs_a_connection() {
    let run = |args: &[&str]| {
        let finished = Start::new(storescp()).args(args).run();
        (finished.code, finished.out, finished.err)
    };
    let (code, out, err) = run(&["--inetd"]);
    assert_eq!((code, out.as_str()), (Some(99), ""));
    assert!(err.starts_with("E: "), "{err}");
    // One that listens is none, and inetd would start the program again and again.
    let listener = OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap());
    let mut process = Process::new(storescp());
    let mut child = process.arg("--inetd").stdin(listener).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(self::code(&mut child), Some(99));
    // On a terminal faults are still told.
    assert!(run(&["--inetd", "--fork"]).2.contains("error: --inetd not allowed with --fork"));
}

#[test]
fn inetd_needs_no_port() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("log.cfg");
    let text = "log4cplus.rootLogger = INFO, file\nlog4cplus.appender.file = log4cplus::FileAppender\n\
                log4cplus.appender.file.File = out.log\n";
    fs::write(&config, text).unwrap();
    for (port, warns) in [(&["11112"][..], true), (&[], false)] {
        let (mut child, mut peer) = inetd(&[&["--inetd", "-lc", "log.cfg"], port].concat(), folder.path());
        assert!(matches!(peer.associate(&Request::usual()), Answer::Accepted(_)));
        assert!(peer.release());
        assert_eq!(code(&mut child), Some(0));
        let log = fs::read_to_string(folder.path().join("out.log")).unwrap();
        assert_eq!(log.contains("Parameter port not required in inetd mode"), warns, "{log}");
        fs::remove_file(folder.path().join("out.log")).unwrap();
    }
}

// --- the end -----------------------------------------------------------------------------------------------------------

#[test]
fn signals_end_it_at_once_and_leave_nothing_partial() {
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        let mut receiver = Receiver::start(&["-su", "S", "-tos", "100", "-rns"]);
        let mut peer = Peer::usual(receiver.port);
        assert_eq!(peer.store(1, &Object::tiny("1.1")), 0);
        let object = Object::with_pixels("1.2", 300_000, 1);
        let bytes = message(1, &Command::store_of(1, &object).to_bytes(), Some(&object.data), peer.max_length());
        peer.send(&bytes[..200_000]);
        let start = Instant::now();
        receiver.signal(name);
        let tool: &mut Tool = receiver.tool();
        assert!(within(LIMIT, || tool.exit().is_some()));
        assert!(start.elapsed() < Duration::from_secs(5));
        let status = tool.exit().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(number), "{status}");
        assert_eq!(visible(&receiver.out()), ["S_1.2.3"]);
        assert_eq!(files(&receiver.out().join("S_1.2.3")), ["MR.1.1"]);
    }
}

/// A receiver that is ended when dropped, whatever has become of the test.
struct Running {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Running {
    /// Starts one that listens, by a process that becomes it and is given its port.
    fn start(process: impl Fn(u16) -> Process) -> Self {
        for _ in 0..20 {
            let folder = TempDir::new().unwrap();
            let port = free_port();
            let mut child = process(port).current_dir(&folder).spawn().unwrap();
            let here = || TcpStream::connect(("127.0.0.1", port)).is_ok();
            assert!(within(LIMIT, || here() || child.try_wait().unwrap().is_some()));
            let mut running = Self { child, port, folder };
            if running.child.try_wait().unwrap().is_none() {
                return running;
            }
        }
        panic!("no free port");
    }

    /// Stores over several associations; each object is there afterwards, and has had its command.
    fn works(&self, case: &str) {
        for n in 0..3 {
            let mut peer = Peer::usual(self.port);
            for m in 0..3 {
                assert_eq!(peer.store(1, &Object::tiny(&format!("1.{n}.{m}"))), 0, "{case}");
            }
            assert!(peer.release(), "{case}");
        }
        let count = |prefix| files(self.folder.path()).iter().filter(|name| name.starts_with(prefix)).count();
        assert_eq!(count("MR."), 9, "{case}");
        assert!(within(LIMIT, || count("done.") == 9), "{case}: {:?}", files(self.folder.path()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

const TOUCH: &str = ": > done.#f";

#[test]
fn streams_that_lead_nowhere_harm_nothing() {
    for streams in [">&- 2>&-", "<&- >&- 2>&-", "> /dev/full 2> /dev/full"] {
        let running = Running::start(|port| {
            let mut process = Process::new("sh");
            let script = format!("exec \"$0\" -v -xcr '{TOUCH}' {port} {streams}");
            process.args(["-c", &script]).arg(storescp());
            process
        });
        running.works(streams);
    }
}

#[test]
fn a_reader_that_goes_away_harms_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    let running = Running::start(|port| {
        let mut process = Process::new(storescp());
        process.args(["-v", "-xcr", TOUCH, &port.to_string()]);
        process.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer.try_clone().unwrap());
        process
    });
    drop(writer);
    // As `head -n 1` does.
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::with_capacity(1, reader), &mut first).unwrap();
    assert!(first.ends_with('\n'), "{first:?}");
    running.works("a closed pipe");
}

// --- what may be missing -----------------------------------------------------------------------------------------------

#[test]
fn without_its_dictionary_it_goes_on() {
    // DCMTK: says the same, and then aborts every association at its first message.
    let implicit = [
        b"\x08\0\x16\0\x1a\0\0\0".as_slice(), // (0008,0016), 26 bytes
        b"1.2.840.10008.5.1.4.1.1.4\0",
        b"\x08\0\x18\0\x04\0\0\x001.2\0", // (0008,0018), 4 bytes
    ]
    .concat();
    for mode in [&[][..], &["+te"], &["+B"]] {
        let start = Start::new(storescp()).args(mode).variable("DCMDICTPATH", "/nowhere/dicom.dic");
        let receiver = Receiver::start_with(start);
        let mut peer = Peer::associated(receiver.port, &Request::new(&[(1, uid::MR, &[uid::IMPLICIT])]));
        assert_eq!(peer.store(1, &Object::tiny("1.2").with_data(implicit.clone())), 0, "{mode:?}");
        let log = receiver.log();
        assert_eq!(
            log,
            "E: DcmDataDictionary: Cannot open file: /nowhere/dicom.dic\n\
             W: no data dictionary loaded, check environment variable: DCMDICTPATH\n\
             W: The built-in dictionary is used in its place.\n",
            "{mode:?}"
        );
    }
}
