//! Transport layer security: our programs with each other and with scripted peers. The comparison with DCMTK's programs and
//! with OpenSSL stands in tests/compat.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pacs_testing::{Finished, LIMIT, Object, Start, free_port, within};

use crate::certificates::{Authority, Files, Kind, Pair, self_signed, text};
use crate::receiver::{Receiver, storescp};
use crate::sender::{file_of, storescu};

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// An authority, a server and a client of it, and an object to send.
struct Site {
    files: Files,
    authority: Authority,
    server: Vec<String>,
    client: Vec<String>,
    trust: Vec<String>,
    object: PathBuf,
}

impl Site {
    fn new() -> Self {
        let (files, authority) = (Files::new(), Authority::new("Test CA"));
        let server = authority.issue("archive", Kind::Good).words(&files, "server");
        let client = authority.issue("modality", Kind::Good).words(&files, "client");
        let trust = vec!["+cf".to_owned(), text(&files.write("ca.pem", authority.certificate()))];
        let object = files.write("object.dcm", file_of(&Object::tiny("1.2.3.4")));
        Self { files, authority, server, client, trust, object }
    }

    /// A receiver with the good certificate.
    fn receiver(&self, more: &[&str]) -> Receiver {
        Receiver::start(&[&strs(&self.server)[..], &strs(&self.trust), more].concat())
    }

    /// What becomes of the object, sent with these words.
    fn send(&self, port: u16, words: &[&str]) -> Finished {
        let port = port.to_string();
        Start::new(storescu()).args(["127.0.0.1", &port]).args(words).args([&self.object]).run()
    }

    /// The same as the good client.
    fn send_as_client(&self, port: u16) -> Finished {
        self.send(port, &[&strs(&self.client)[..], &strs(&self.trust)].concat())
    }
}

/// What a receiver says that must not start.
fn refusal(words: &[&str]) -> String {
    let port = free_port().to_string();
    let finished = Start::new(storescp()).args(words).args([port]).run();
    assert_eq!(finished.code, Some(1), "{words:?}: {}", finished.err);
    finished.err
}

#[test]
fn an_object_arrives_whole_through_tls() {
    let site = Site::new();
    let receiver = site.receiver(&["+B", "-pdu", "131072"]);
    let pixels = Object::with_pixels("1.2.3.5", 5_000_000, 7);
    let large = site.files.write("large.dcm", file_of(&pixels));
    let finished = Start::new(storescu())
        .args(["127.0.0.1", &receiver.port.to_string(), "--max-send-pdu", "131072"])
        .args(site.client.iter().chain(&site.trust))
        .args([&site.object, &large])
        .run();
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    let stored = receiver.stored();
    assert_eq!(stored.len(), 2, "{stored:?}");
    let name = stored.iter().find(|name| name.ends_with("1.2.3.5")).unwrap();
    assert!(receiver.data(name) == pixels.data);
}

#[test]
fn s41_each_mode_lets_in_whom_it_says() {
    let site = Site::new();
    let foreign = Authority::new("Foreign CA");
    let revoked = site.authority.issue("revoked", Kind::Good);
    let list = text(&site.files.write("list.crl", site.authority.list(&[&revoked], 2048)));
    let own = self_signed("trusted alone", Kind::Good);
    let trusted = text(&site.files.write("own.pem", &own.certificate));
    let of = |name: &str, pair: Pair| pair.words(&site.files, name);
    let good = of("good", site.authority.issue("good", Kind::Good));
    // Who shows it, whether it verifies, and what the log says of it.
    let callers: Vec<(&str, Vec<String>, bool, &str)> = vec![
        ("none", vec!["+tla".to_owned()], false, "000b:08c7 TLS error: peer did not return a certificate"),
        ("good", good, true, ""),
        ("trusted alone", of("own", own), true, ""),
        ("expired", of("expired", site.authority.issue("expired", Kind::Expired)), false, "expired on 2021-01-01"),
        ("not yet", of("notyet", site.authority.issue("notyet", Kind::NotYet)), false, "not valid before 2047-01-01"),
        ("revoked", of("revoked", revoked), false, "has been revoked"),
        ("foreign", of("foreign", foreign.issue("foreign", Kind::Good)), false, "issuer is not among the trusted"),
        ("self-signed", of("self", self_signed("self", Kind::Good)), false, "issuer is not among the trusted"),
        ("for servers", of("server", site.authority.issue("for servers", Kind::ServerOnly)), false, "another purpose"),
    ];
    for (mode, asks, wants) in [("-rc", true, true), ("-vc", true, false), ("-ic", false, false)] {
        let receiver = site.receiver(&[mode, "+cf", &trusted, "+crl", &list]);
        for (name, words, verifies, reason) in &callers {
            // The list has no say over a certificate that is its own issuer; there is none for it.
            let verifies = *verifies && *name != "trusted alone";
            let let_in = if *name == "none" { !wants } else { !asks || verifies };
            let before = receiver.log().len();
            let finished = site.send(receiver.port, &[&strs(words)[..], &strs(&site.trust)].concat());
            let case = format!("{mode} {name}: {}\n{}", finished.err, receiver.log());
            assert_eq!(finished.code, Some(i32::from(!let_in)), "{case}");
            assert_eq!(receiver.stored().len(), usize::from(let_in), "{case}");
            for file in receiver.stored() {
                std::fs::remove_file(receiver.out().join(file)).unwrap();
            }
            if !let_in {
                assert!(finished.err.contains("F: Association Request Failed: 000b:"), "{case}");
                let log = || receiver.log().split_at(before).1.to_owned();
                assert!(within(LIMIT, || log().contains("E: Receiving Association failed: 000b:0")), "{case}");
                assert!(*name == "trusted alone" || log().contains(reason), "{case}");
            }
        }
    }
    // Without revocation lists it is let in.
    let receiver = site.receiver(&["+cf", &trusted]);
    assert_eq!(site.send(receiver.port, &[&strs(&callers[2].1)[..], &strs(&site.trust)].concat()).code, Some(0));
}

#[test]
fn s41_a_sender_sends_nothing_to_a_server_that_does_not_verify() {
    let site = Site::new();
    let foreign = Authority::new("Foreign CA");
    let revoked = site.authority.issue("revoked", Kind::Good);
    let list = text(&site.files.write("list.crl", site.authority.list(&[&revoked], 2048)));
    let stale = text(&site.files.write("stale.crl", site.authority.list(&[], 2021)));
    let holders = [
        ("good", site.authority.issue("good", Kind::Good), true),
        ("expired", site.authority.issue("expired", Kind::Expired), false),
        ("revoked", revoked, false),
        ("foreign", foreign.issue("foreign", Kind::Good), false),
        ("self", self_signed("self", Kind::Good), false),
        ("for clients", site.authority.issue("for clients", Kind::ClientOnly), false),
    ];
    for (name, pair, good) in holders {
        let receiver = Receiver::start(&[&strs(&pair.words(&site.files, "holder"))[..], &["-ic"]].concat());
        let checked = [&strs(&site.client)[..], &strs(&site.trust), &["+crl", &list]].concat();
        let finished = site.send(receiver.port, &checked);
        assert_eq!(
            (finished.code, receiver.stored().len()),
            (Some(i32::from(!good)), usize::from(good)),
            "{name}: {}",
            finished.err
        );
        if !good {
            let line = "F: Association Request Failed: 000b:0886 TLS error: certificate verify failed\n";
            assert!(finished.err.contains(line), "{name}: {}", finished.err);
        } else {
            let finished =
                site.send(receiver.port, &[&strs(&site.client)[..], &strs(&site.trust), &["+crl", &stale]].concat());
            assert!(finished.code == Some(1) && finished.err.contains("renewed on 2021-01-01"), "{}", finished.err);
        }
        assert_eq!(site.send(receiver.port, &[&checked[..], &["-ic"]].concat()).code, Some(0), "{name}");
    }
}

#[test]
fn a_list_that_is_missing_lets_nobody_in_and_chains_are_checked_whole() {
    let site = Site::new();
    let receiver = site.receiver(&["+crl", "/nowhere/list"]);
    assert_eq!(site.send_as_client(receiver.port).code, Some(1));
    assert!(receiver.logs("W: unable to load CRL file '/nowhere/list', ignoring", LIMIT), "{}", receiver.log());
    let (middle, certificate) = site.authority.middle("Middle CA");
    let mut deep = middle.issue("deep", Kind::Good);
    deep.certificate += &certificate;
    let words = deep.words(&site.files, "deep");
    let of_middle = text(&site.files.write("middle.crl", middle.list(&[], 2048)));
    let of_root = text(&site.files.write("root.crl", site.authority.list(&[], 2048)));
    let send = |more: &[&str]| {
        let receiver = site.receiver(more);
        site.send(receiver.port, &[&strs(&words)[..], &strs(&site.trust)].concat()).code
    };
    assert_eq!(send(&[]), Some(0));
    assert_eq!(send(&["+crl", &of_middle]), Some(0));
    assert_eq!(send(&["+crl", &of_root]), Some(1));
    assert_eq!(send(&["+cra", "+crl", &of_middle]), Some(1));
    assert_eq!(send(&["+cra", "+crl", &of_middle, "+crl", &of_root]), Some(0));
}

#[test]
fn s42_peers_without_tls_are_named_in_the_log() {
    let site = Site::new();
    let receiver = site.receiver(&[]);
    let finished = site.send(receiver.port, &[]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.err.contains("That is TLS"), "{}", finished.err);
    receiver.wait_log("The peer speaks DICOM without TLS", LIMIT);
    let mut peer = TcpStream::connect(("127.0.0.1", receiver.port)).unwrap();
    peer.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    peer.read_to_end(&mut Vec::new()).unwrap();
    receiver.wait_log("E: Receiving Association failed: 000b:089c TLS error: http request", LIMIT);
    assert_eq!(site.send_as_client(receiver.port).code, Some(0));
    // And the other way round.
    let plain = Receiver::start(&[]);
    let finished = site.send_as_client(plain.port);
    assert_eq!((finished.code, plain.stored().len()), (Some(1), 0));
    assert!(finished.err.contains("perhaps its port is one without TLS"), "{}", finished.err);
    plain.wait_log("The peer speaks TLS", LIMIT);
}

#[test]
fn s43_stalled_handshakes_hold_up_nobody_and_end() {
    let site = Site::new();
    let receiver = site.receiver(&["-ta", "2"]);
    let start = Instant::now();
    let mut stalled: Vec<_> = (0..5).map(|_| TcpStream::connect(("127.0.0.1", receiver.port)).unwrap()).collect();
    stalled[1].write_all(&[0x16, 3, 1]).unwrap();
    assert_eq!(site.send_as_client(receiver.port).code, Some(0));
    for peer in &mut stalled {
        peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        peer.read_to_end(&mut Vec::new()).unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    receiver.wait_log_times("E: Receiving Association failed: 0006:031a DUL network read timeout", 5, LIMIT);
}

#[test]
fn s44_keys_that_all_can_read_are_warned_of_and_wrong_passwords_end_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    std::fs::set_permissions(&site.server[1], std::fs::Permissions::from_mode(0o644)).unwrap();
    let receiver = site.receiver(&[]);
    receiver.wait_log("W: everybody on this machine can read the private key", LIMIT);
    let locked = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/pacs-core/tests/keys/ec-pbes2-aes256.pem");
    for password in [&["+pw", "wrong"][..], &["-pw"]] {
        let said = refusal(&[&["+tls", locked, &site.server[2]], password].concat());
        assert!(said.contains(&format!("F: 000b:0004 Unable to load private TLS key from '{locked}'\n")), "{said}");
        assert!(said.contains("The password is wrong") && !said.contains("wrong'"), "{said}");
    }
    // The right one opens it; then the certificate is another key's.
    let said = refusal(&["+tls", locked, &site.server[2], "+pw", "open Sesame 7"]);
    assert!(said.contains("F: 000b:0006 Private key '") && said.contains("' do not match\n"), "{said}");
}

#[test]
fn s44_the_terminal_hides_a_password_and_shows_what_is_typed_after_it() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};
    use std::os::unix::process::ExitStatusExt;
    let site = Site::new();
    let locked = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/pacs-core/tests/keys/ec-pbes2-aes256.pem");
    let types = |keys: &[u8]| {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let terminal = std::fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
        let (mut keyboard, mut errors) = (std::fs::File::from(keyboard), tempfile::tempfile().unwrap());
        let mut program = std::process::Command::new("setsid")
            .arg("--ctty")
            .arg(storescp())
            .args(["+tls", locked, &site.server[2], "104"])
            .stdin(terminal.try_clone().unwrap())
            .stdout(std::process::Stdio::null())
            .stderr(errors.try_clone().unwrap())
            .spawn()
            .unwrap();
        rustix::fs::fcntl_setfl(&keyboard, rustix::fs::OFlags::NONBLOCK).unwrap();
        let mut asked = Vec::new();
        let whole = within(LIMIT, || {
            _ = keyboard.read_to_end(&mut asked);
            asked.ends_with(b"phrase:") || program.try_wait().unwrap().is_some()
        });
        assert!(whole && asked == b"Enter PEM pass phrase:", "{:?}", String::from_utf8_lossy(&asked));
        assert!(!tcgetattr(&terminal).unwrap().local_modes.contains(LocalModes::ECHO), "a password would be shown");
        keyboard.write_all(keys).unwrap();
        let status = program.wait().unwrap();
        assert!(tcgetattr(&terminal).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ISIG));
        let mut said = String::new();
        std::io::Seek::rewind(&mut errors).unwrap();
        errors.read_to_string(&mut said).unwrap();
        (status, said)
    };
    // The right password opens the key; then the certificate is another key's.
    let (status, said) = types(b"open Sesame 7\n");
    assert!(status.code() == Some(1) && said.contains("F: 000b:0006 Private key '"), "{status}: {said}");
    let (status, said) = types(b"open\x03");
    assert!(status.signal() == Some(2) && !said.contains("F: "), "{status}: {said}");
}

#[test]
fn what_rustls_does_not_have_is_refused_by_name() {
    let site = Site::new();
    let with = |more: &[&str]| refusal(&[&strs(&site.server)[..], more].concat());
    for (profile, suite) in [
        ("+pb", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
        ("+pa", "TLS_RSA_WITH_AES_128_CBC_SHA"),
        ("+pn", "TLS_RSA_WITH_NULL_SHA"),
    ] {
        let said = with(&[profile]);
        assert!(said.contains(&format!("F: 000b:0003 Unknown or invalid ciphersuite: {suite}\n")), "{said}");
        assert!(said.contains("These work: --profile-8996"), "{said}");
    }
    for suite in ["TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_NULL_SHA", "NONSENSE", ""] {
        let said = with(&["+cs", suite]);
        assert!(said.contains(&format!("F: 000b:0003 Unknown or invalid ciphersuite: {suite}\n")), "{said}");
    }
    let said = with(&["+pm", "+cs", "TLS_AES_128_GCM_SHA256"]);
    assert!(said.contains("F: 000b:000a Ciphersuite not allowed in current DICOM security profile\n"), "{said}");
}

#[test]
fn what_a_profile_lacks_is_said_and_what_has_no_effect_too() {
    let site = Site::new();
    for (words, said) in [
        (&["+pm"][..], "I: The security profile is without AES-CCM and Camellia"),
        (&["+py"], "I: The security profile is without key exchange over finite fields (DHE)"),
        (&["+px"], "I: The security profile is without TLS 1.0 and 1.1"),
        (&["+pz"], "I: The security profile is without key exchange over finite fields (DHE)"),
        (&["+dp", "/nowhere"], "I: --dhparam has no effect"),
        (&["+rs", "/nowhere"], "I: --seed has no effect"),
        (&["+rs", "/nowhere", "+ws"], "I: --seed has no effect"),
        (&["+rs", "/nowhere", "+wf", "/nowhere/else"], "I: --seed has no effect"),
    ] {
        let receiver = site.receiver(&[&["-v"], words].concat());
        receiver.wait_log(said, LIMIT);
        assert_eq!(site.send_as_client(receiver.port).code, Some(0), "{words:?}");
    }
    let receiver = site.receiver(&["-v", "+pg"]);
    assert!(!receiver.log().contains("is without"), "{}", receiver.log());
}

#[test]
fn lists_of_suites_and_profiles() {
    for exe in [storescp(), storescu()] {
        let finished = Start::new(&exe).args(["--list-ciphers"]).run();
        let names: Vec<_> = finished.out.lines().filter_map(|line| line.strip_prefix("  TLS_")).collect();
        assert_eq!((finished.code, names.len()), (Some(0), 9), "{}", finished.out);
        let finished = Start::new(&exe).args(["+ph"]).run();
        assert_eq!((finished.code, finished.out.matches(": --profile-").count()), (Some(0), 5), "{}", finished.out);
    }
}

#[test]
fn server_names_are_asked_for_and_expected() {
    let site = Site::new();
    let receiver = site.receiver(&["--expect-sni", "archive.example"]);
    let send =
        |words: &[&str]| site.send(receiver.port, &[&strs(&site.client)[..], &strs(&site.trust), words].concat());
    assert_eq!(send(&["--request-sni", "archive.example"]).code, Some(0));
    for words in [&["--request-sni", "other.example"][..], &[]] {
        assert_eq!(send(words).code, Some(1), "{words:?}");
    }
    receiver.wait_log_times("another server name than --expect-sni", 2, LIMIT);
    let finished = send(&["--request-sni", "no name"]);
    assert!(finished.code == Some(1) && finished.err.contains("is no host name"), "{}", finished.err);
}

#[test]
fn trusted_folders_hold_certificates_and_lists_under_hashed_names() {
    let site = Site::new();
    let revoked = site.authority.issue("revoked", Kind::Good);
    let folder = site.files.path().join("cas");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("0a1b2c3d.0"), site.authority.certificate()).unwrap();
    std::fs::write(folder.join("0a1b2c3d.r0"), site.authority.list(&[&revoked], 2048)).unwrap();
    std::fs::write(folder.join("ca.pem"), Authority::new("not under a hash").certificate()).unwrap();
    std::fs::write(folder.join("0a1b2c3d.1"), "rubbish").unwrap();
    let folder = text(&folder);
    let start = |more: &[&str]| Receiver::start(&[&strs(&site.server)[..], &["+cd", &folder], more].concat());
    let receiver = start(&["+crv"]);
    receiver.wait_log("W: unable to load certificate file", LIMIT);
    assert_eq!(site.send_as_client(receiver.port).code, Some(0));
    let words = revoked.words(&site.files, "revoked");
    assert_eq!(site.send(receiver.port, &[&strs(&words)[..], &strs(&site.trust)].concat()).code, Some(1));
    // A list in a folder is heeded only when one asks for it.
    let receiver = start(&[]);
    assert_eq!(site.send(receiver.port, &[&strs(&words)[..], &strs(&site.trust)].concat()).code, Some(0));
}

#[test]
fn keys_and_certificates_in_der() {
    let site = Site::new();
    let pair = site.authority.issue("in DER", Kind::Good);
    let key = rcgen::KeyPair::from_pem(&pair.key).unwrap().serialize_der();
    let words = [
        "-der".to_owned(),
        "+tls".to_owned(),
        text(&site.files.write("key.der", key)),
        text(&site.files.write("certificate.der", &pair.der)),
    ];
    let receiver = Receiver::start(&[&strs(&words)[..], &["-ic"]].concat());
    assert_eq!(site.send_as_client(receiver.port).code, Some(0));
    let said = refusal(&["+tls", &words[2], &words[3]]);
    assert!(said.contains("F: 000b:0004") && said.contains("--der-keys is for those in DER"), "{said}");
}

#[test]
fn s43_one_after_the_other_a_stalled_handshake_costs_its_own_time_only() {
    let site = Site::new();
    let receiver = site.receiver(&["--single-process", "-ta", "1"]);
    let stalled = TcpStream::connect(("127.0.0.1", receiver.port)).unwrap();
    let start = Instant::now();
    assert_eq!(site.send_as_client(receiver.port).code, Some(0));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    drop(stalled);
}

#[test]
fn memory_stays_the_same_however_much_comes() {
    let site = Site::new();
    let receiver = site.receiver(&["+B", "--ignore"]);
    let large = site.files.write("large.dcm", file_of(&Object::with_pixels("1.2.3.5", 20_000_000, 7)));
    let send = |times: &str| {
        let finished = Start::new(storescu())
            .args(["127.0.0.1", &receiver.port.to_string(), "--repeat", times])
            .args(site.client.iter().chain(&site.trust))
            .args([&large])
            .run();
        assert_eq!(finished.code, Some(0), "{}", finished.err);
        receiver.usage().peak
    };
    let once = send("1");
    let often = send("6");
    assert!(often < once + 4096, "{once} KiB, then {often}");
}

#[test]
fn the_senders_profiles_and_what_they_lack() {
    let site = Site::new();
    let receiver = site.receiver(&["-d"]);
    let send =
        |words: &[&str]| site.send(receiver.port, &[&strs(&site.client)[..], &strs(&site.trust), words].concat());
    for (words, said) in [
        (&["-v", "+pm"][..], "I: The security profile is without AES-CCM and Camellia"),
        (&["-v", "+py"], "I: The security profile is without key exchange over finite fields (DHE)"),
        (&["-v", "+px"], "I: The security profile is without TLS 1.0 and 1.1"),
        (&["-v", "+rs", "/nowhere"], "I: --seed has no effect"),
        (&["-v", "+rs", "/nowhere", "+ws"], "I: --seed has no effect"),
        (&["-v", "+rs", "/nowhere", "+wf", "/nowhere/else"], "I: --seed has no effect"),
        (&["-d", "+pz"], "D:   Protocol    : TLSv1.2"),
        (&["-d", "+pz", "+pg"], "D:   Protocol    : TLSv1.3"),
    ] {
        let finished = send(words);
        assert_eq!(finished.code, Some(0), "{words:?}: {}", finished.err);
        assert!(finished.err.contains(said), "{words:?}: {}", finished.err);
    }
    for profile in ["+pb", "+pa", "+pn"] {
        let finished = send(&[profile]);
        assert_eq!(finished.code, Some(1), "{profile}");
        assert!(
            finished.err.contains("F: 000b:0003 Unknown or invalid ciphersuite: TLS_RSA_WITH_"),
            "{}",
            finished.err
        );
    }
    assert!(receiver.logs("D:   Protocol    : TLSv1.2", LIMIT));
    let receiver = site.receiver(&["-d", "+pz", "+pg"]);
    assert_eq!(site.send_as_client(receiver.port).code, Some(0));
    receiver.wait_log("D:   Protocol    : TLSv1.3", LIMIT);
}

#[test]
fn the_senders_revocation_lists_and_forms() {
    let site = Site::new();
    let receiver = site.receiver(&[]);
    let send =
        |words: &[&str]| site.send(receiver.port, &[&strs(&site.client)[..], &strs(&site.trust), words].concat()).code;
    let list = text(&site.files.write("root.crl", site.authority.list(&[], 2048)));
    assert_eq!((send(&["+crv"]), send(&["+crv", "+crl", &list])), (Some(1), Some(0)));
    assert_eq!((send(&["+cra"]), send(&["+cra", "+crl", &list])), (Some(1), Some(0)));
    assert_eq!((send(&["-der"]), send(&["-der", "-pem"])), (Some(1), Some(0)));
    let receiver = site.receiver(&["-der", "-pem"]);
    assert_eq!(site.send_as_client(receiver.port).code, Some(0));
}

#[test]
fn without_a_terminal_nobody_is_asked_for_a_password() {
    let site = Site::new();
    let locked = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/pacs-core/tests/keys/ec-pbes2-aes256.pem");
    let port = free_port().to_string();
    for (exe, rest) in
        [(storescp(), vec![port.clone()]), (storescu(), vec!["127.0.0.1".to_owned(), port, text(&site.object)])]
    {
        let finished = Start::new("setsid")
            .args([text(&exe)])
            .args(["+tls", locked, &site.server[2], "+pw", "open Sesame 7", "+ps"])
            .args(rest)
            .run();
        assert_eq!(finished.code, Some(1), "{}", finished.err);
        assert!(finished.err.contains("there is no terminal to ask for the password"), "{}", finished.err);
    }
}
