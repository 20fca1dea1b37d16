//! The archive behind TLS: it takes objects, and moves them on through TLS or not at all.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use pacs_core::association::{self, Request as AssociationRequest, Timeouts};
use pacs_core::dimse;
use pacs_core::dimse::command::{self, CMoveRq, Kind as What, Message, Priority, Request, Response};
use pacs_core::net::tls::{self, Connector, Identity, PeerCertificate, Profile, Revocation, Suites, Trust};
use pacs_core::net::{Link, SocketOptions};
use pacs_core::pdu::{AeTitle, ProposedContext};
use pacs_testing::{LIMIT, Object, Start, element, uid};

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
    let good = with(&authority.issue("good", Kind::Good).words(&files, "good"), &[]);
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
        .args(["-v", "-c", &text(&config), "+cf", &ca])
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
