//! The archive behind TLS: it takes objects, and moves them on through TLS or not at all.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use pacs_core::association::{self, Request as AssociationRequest, Timeouts};
use pacs_core::dimse;
use pacs_core::dimse::command::{self, CMoveRq, Kind as What, Message, Priority, Request, Response};
use pacs_core::net::tls::{self, Connector, Identity, PeerCertificate, Profile, Revocation, Suites, Trust};
use pacs_core::net::{Link, SocketOptions};
use pacs_core::pdu::{AeTitle, ProposedContext};
use pacs_testing::{LIMIT, Object, Start, Tool, element, free_port, uid};

use crate::certificates::{Authority, Files, Kind, Pair, text};
use crate::receiver::Receiver;
use crate::sender::{file_of, storescu};

/// Study Root Query/Retrieve Information Model - MOVE (PS3.4 C.6.2).
const STUDY_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";

fn connector(pair: &Pair, authority: &Authority) -> Connector {
    let mut trust = Trust::new(Revocation::Unchecked);
    trust.add(tls::certificates(authority.certificate().as_bytes(), false).unwrap());
    let key = tls::private_key(pair.key.as_bytes(), false, &mut || None).unwrap();
    let identity = Identity::new(key, tls::certificates(pair.certificate.as_bytes(), false).unwrap()).unwrap();
    Connector::new(Some(identity), &Suites::of(Profile::Rfc8996), trust, PeerCertificate::Require, None).unwrap()
}

/// Has the study moved; the last response.
fn move_study(port: u16, connector: &Connector, destination: &str) -> Response {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let link = Link::new(stream, SocketOptions { no_delay: true, buffer_length: None }).unwrap();
    let link = connector.connect(link, Some(Instant::now() + LIMIT)).unwrap();
    let wanted = AssociationRequest {
        calling: AeTitle::new("ASKER"),
        called: AeTitle::new("ARCHIVE"),
        contexts: vec![ProposedContext {
            id: 1,
            abstract_syntax: STUDY_ROOT_MOVE.to_owned(),
            transfer_syntaxes: vec![uid::EXPLICIT.to_owned()],
        }],
        roles: Vec::new(),
        extended: Vec::new(),
        identity: None,
        max_pdu: 16384,
        max_send_pdu: None,
    };
    let timeouts = Timeouts { acse: LIMIT, socket: Some(LIMIT), data_set: None };
    let mut association = association::request::request(link, &wanted, timeouts).unwrap().association;
    let request = CMoveRq {
        message_id: 1,
        sop_class: STUDY_ROOT_MOVE.to_owned(),
        priority: Priority::Medium,
        destination: destination.to_owned(),
    };
    let mut bytes = Vec::new();
    command::write(&Message::request(Request::Move(request), true), &mut bytes);
    association.queue_command(1, &bytes).unwrap();
    let identifier = [element(0x0008, 0x0052, "CS", b"STUDY "), element(0x0020, 0x000D, "UI", b"1.2.3")].concat();
    association.queue_data_set(1, &identifier).unwrap();
    association.flush().unwrap();
    let last = loop {
        let (message, mut call) = dimse::next(&mut association).unwrap();
        call.drain().unwrap();
        match message.kind {
            What::Response(response) if response.status & 0xFF00 == 0xFF00 => {}
            What::Response(response) => break response,
            other @ What::Request(_) => panic!("{other:?}"),
        }
    };
    association.release().unwrap();
    last
}

#[test]
fn s44_a_move_goes_through_tls_and_never_falls_back() {
    let (files, authority, foreign) = (Files::new(), Authority::new("Test CA"), Authority::new("Foreign CA"));
    let pair = authority.issue("archive", Kind::Good);
    let own = pair.words(&files, "archive");
    let ca = text(&files.write("ca.pem", authority.certificate()));
    let with = |words: &[String], more: &[&str]| {
        let words: Vec<_> = words.iter().map(String::as_str).chain(["+cf", &ca]).chain(more.iter().copied()).collect();
        Receiver::start(&words)
    };
    let good = with(&authority.issue("good", Kind::Good).words(&files, "good"), &["--expect-sni", "good.example"]);
    let expired = with(&authority.issue("expired", Kind::Expired).words(&files, "expired"), &[]);
    let other = with(&foreign.issue("foreign", Kind::Good).words(&files, "foreign"), &[]);
    let plain = Receiver::start(&[]);
    let area = files.path().join("area");
    std::fs::create_dir(&area).unwrap();
    let hosts: String = [("GOOD", &good), ("EXPIRED", &expired), ("FOREIGN", &other), ("PLAIN", &plain)]
        .iter()
        .map(|(title, receiver)| format!("{} = ({title}, 127.0.0.1, {})\n", title.to_lowercase(), receiver.port))
        .collect();
    let config = files.write(
        "dcmqrscp.cfg",
        format!(
            "NetworkTCPPort = 11112\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\n{hosts}HostTable END\n\
             VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nARCHIVE {} RW (200, 1024mb) ANY\nAETable END\n",
            area.display()
        ),
    );
    let archive = Start::new(env!("CARGO_BIN_EXE_dcmqrscp"))
        .args(["-v", "-c", &text(&config), "+cf", &ca, "--request-sni", "good.example"])
        .args(&own)
        .folder(files.path())
        .listen();
    let client = authority.issue("client", Kind::Good);
    let object = files.write("object.dcm", file_of(&Object::tiny("1.2.3.4")));
    let sent = Start::new(storescu())
        .args(["-aec", "ARCHIVE", "127.0.0.1", &archive.port.to_string(), "+cf", &ca])
        .args(client.words(&files, "client"))
        .args([&object])
        .run();
    assert_eq!(sent.code, Some(0), "{}\n{}", sent.err, archive.log());
    let connector = connector(&client, &authority);
    let counts = |destination: &str| {
        let response = move_study(archive.port, &connector, destination);
        let counts = response.suboperations.unwrap_or_default();
        (response.status, counts.completed.unwrap_or(0), counts.failed.unwrap_or(0))
    };
    assert_eq!(counts("GOOD"), (0, 1, 0), "{}", archive.log());
    assert_eq!(good.stored().len(), 1);
    for (title, receiver) in [("EXPIRED", &expired), ("FOREIGN", &other), ("PLAIN", &plain)] {
        let (status, completed, _) = counts(title);
        assert!(status != 0 && completed == 0, "{title}: {status:04X}\n{}", archive.log());
        assert_eq!(receiver.stored().len(), 0, "{title}");
    }
    archive
        .wait_log("E: moveSCP: Sub-Association Request Failed: 000b:0886 TLS error: certificate verify failed", LIMIT);
    plain.wait_log("The peer speaks TLS", LIMIT);
    // Who does not show a good certificate gets no association.
    let refused = Start::new(storescu())
        .args(["-aec", "ARCHIVE", "+tla", "-ic", "127.0.0.1", &archive.port.to_string()])
        .args([&object])
        .run();
    assert_eq!(refused.code, Some(1));
    archive.wait_log("I: Failed to receive association: 000b:08c7 TLS error: peer did not return a certificate", LIMIT);
    assert!(archive.logs("Association Release", Duration::from_secs(5)), "{}", archive.log());
}

/// An archive with one area, behind whatever the words say.
struct Site {
    files: Files,
    authority: Authority,
    config: String,
    ca: String,
    server: Vec<String>,
    object: String,
}

impl Site {
    fn new() -> Self {
        let (files, authority) = (Files::new(), Authority::new("Test CA"));
        let area = files.path().join("area");
        std::fs::create_dir(&area).unwrap();
        let table = format!("AETable BEGIN\nARCHIVE {} RW (200, 1024mb) ANY\nAETable END\n", area.display());
        let head = "NetworkTCPPort = 11112\nMaxPDUSize = 16384\nMaxAssociations = 16\n";
        let empty = "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n";
        let config = text(&files.write("dcmqrscp.cfg", format!("{head}{empty}{table}")));
        let ca = text(&files.write("ca.pem", authority.certificate()));
        let server = authority.issue("archive", Kind::Good).words(&files, "server");
        let object = text(&files.write("object.dcm", file_of(&Object::tiny("1.2.3.4"))));
        Self { files, authority, config, ca, server, object }
    }

    fn start(&self, words: &[&str]) -> Start {
        Start::new(env!("CARGO_BIN_EXE_dcmqrscp")).args(["-c", &self.config]).args(words).folder(self.files.path())
    }

    /// A running archive with its key and certificate, that trusts the authority.
    fn archive(&self, more: &[&str]) -> Tool {
        self.start(&[]).args(&self.server).args(["+cf", &self.ca]).args(more).listen()
    }

    /// What an archive says that must not start.
    fn refusal(&self, words: &[&str]) -> String {
        let finished = self.start(words).args([free_port().to_string()]).run();
        assert_eq!(finished.code, Some(10), "{words:?}: {}", finished.err);
        finished.err
    }

    /// Exit code of a sender to it.
    fn send(&self, port: u16, words: &[String], more: &[&str]) -> Option<i32> {
        let port = port.to_string();
        let start = Start::new(storescu()).args(["-aec", "ARCHIVE", "127.0.0.1", &port]).args(words).args(more);
        start.args([&self.object]).run().code
    }
}

#[test]
fn s41_the_archive_lets_in_whom_its_mode_says() {
    let site = Site::new();
    let foreign = Authority::new("Foreign CA");
    let revoked = site.authority.issue("revoked", Kind::Good);
    let list = text(&site.files.write("list.crl", site.authority.list(&[&revoked], 2048)));
    let empty = text(&site.files.write("empty.crl", site.authority.list(&[], 2048)));
    let good = site.authority.issue("good", Kind::Good).words(&site.files, "good");
    let revoked = revoked.words(&site.files, "revoked");
    let stranger = foreign.issue("stranger", Kind::Good).words(&site.files, "stranger");
    let nobody = vec!["+tla".to_owned()];
    let folder = site.files.path().join("cas");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("0a1b2c3d.0"), foreign.certificate()).unwrap();
    let folder = text(&folder);
    // Which of the good, the revoked, the stranger and nobody are let in.
    for (words, let_in) in [
        (&[][..], [true, true, false, false]),
        (&["-ic", "-rc"], [true, true, false, false]),
        (&["-vc"], [true, true, false, true]),
        (&["-ic"], [true, true, true, true]),
        (&["+crl", &list], [true, false, false, false]),
        (&["+crv"], [false, false, false, false]),
        (&["+cra"], [false, false, false, false]),
        (&["+cra", "+crl", &empty], [true, true, false, false]),
        (&["+cd", &folder], [true, true, true, false]),
        (&["-der", "-pem"], [true, true, false, false]),
        (&["--expect-sni", "archive.example"], [false, false, false, false]),
    ] {
        let archive = site.archive(words);
        let codes = [&good, &revoked, &stranger, &nobody].map(|who| site.send(archive.port, who, &["+cf", &site.ca]));
        assert_eq!(codes, let_in.map(|is_in| Some(i32::from(!is_in))), "{words:?}\n{}", archive.log());
        if words.contains(&"--expect-sni") {
            let more = ["+cf", &site.ca, "--request-sni", "archive.example"];
            assert_eq!(site.send(archive.port, &good, &more), Some(0), "{}", archive.log());
        }
    }
    let plain = site.start(&[]).args(&site.server).args(["-tls"]).listen();
    assert_eq!(site.send(plain.port, &[], &[]), Some(0), "{}", plain.log());
}

#[test]
fn the_archives_profiles_and_what_has_no_effect() {
    let site = Site::new();
    let good = site.authority.issue("good", Kind::Good).words(&site.files, "good");
    for (words, said) in [
        (&["-v", "+pm"][..], "I: The security profile is without AES-CCM and Camellia"),
        (&["-v", "+py"], "I: The security profile is without key exchange over finite fields (DHE)"),
        (&["-v", "+px"], "I: The security profile is without TLS 1.0 and 1.1"),
        (&["-d", "+pz"], "D:   Protocol    : TLSv1.2"),
        (&["-d", "+pz", "+pg"], "D:   Protocol    : TLSv1.3"),
        (&["-v", "+dp", "/nowhere"], "I: --dhparam has no effect"),
        (&["-v", "+rs", "/nowhere"], "I: --seed has no effect"),
        (&["-v", "+rs", "/nowhere", "+ws"], "I: --seed has no effect"),
        (&["-v", "+rs", "/nowhere", "+wf", "/nowhere/else"], "I: --seed has no effect"),
    ] {
        let archive = site.archive(words);
        assert_eq!(site.send(archive.port, &good, &["+cf", &site.ca]), Some(0), "{words:?}\n{}", archive.log());
        archive.wait_log(said, LIMIT);
    }
    let own: Vec<_> = site.server.iter().map(String::as_str).collect();
    for (words, said) in [
        (&["+pb"][..], "000b:0003 Unknown or invalid ciphersuite: TLS_RSA_WITH_3DES_EDE_CBC_SHA\n"),
        (&["+pa"], "000b:0003 Unknown or invalid ciphersuite: TLS_RSA_WITH_AES_128_CBC_SHA\n"),
        (&["+pn"], "000b:0003 Unknown or invalid ciphersuite: TLS_RSA_WITH_NULL_SHA\n"),
        (&["+cs", "NONSENSE"], "000b:0003 Unknown or invalid ciphersuite: NONSENSE\n"),
        (&["-der"], "000b:0004 Unable to load private TLS key from"),
        (&["--request-sni", "no name"], "\"no name\" is no host name"),
    ] {
        let error = site.refusal(&[&own[..], words].concat());
        assert!(error.contains(&format!("F: {said}")) || error.contains(said), "{words:?}: {error}");
    }
    for word in ["+cc", "+ph"] {
        let finished = site.start(&[word]).run();
        assert_eq!(finished.code, Some(0), "{}", finished.err);
        assert!(finished.out.contains(": --profile-8996\n") || finished.out.contains("\n  TLS_AES_256_GCM_SHA384\n"));
    }
}

#[test]
fn s44_the_archives_key_opens_with_its_password_only() {
    let site = Site::new();
    let locked = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/pacs-core/tests/keys/ec-pbes2-aes256.pem");
    let with = |more: &[&str]| site.refusal(&[&["+tls", locked, &site.server[2]], more].concat());
    for more in [&["+pw", "wrong"][..], &["-pw"]] {
        assert!(with(more).contains("F: 000b:0004 Unable to load private TLS key from"), "{more:?}");
    }
    // The right one opens it; then the certificate is another key's.
    assert!(with(&["+pw", "open Sesame 7"]).contains("F: 000b:0006 Private key"));
    let words = ["-c", &site.config, "+tls", locked, &site.server[2], "+pw", "open Sesame 7", "+ps"];
    let finished =
        Start::new("setsid").args([env!("CARGO_BIN_EXE_dcmqrscp")]).args(words).args([free_port().to_string()]).run();
    assert_eq!(finished.code, Some(10));
    assert!(finished.err.contains("there is no terminal to ask for the password"), "{}", finished.err);
}
