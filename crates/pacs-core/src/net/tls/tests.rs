use super::*;
use crate::net::SocketOptions;
use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::io::{IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const PASSWORD: &str = "open Sesame 7";

/// The same key in the forms that `openssl` writes.
const PLAIN: &[u8] = include_bytes!("../../../tests/keys/ec-sec1.pem");
const ENCRYPTED: [(&str, &[u8]); 7] = [
    ("PBES2, AES-256", include_bytes!("../../../tests/keys/ec-pbes2-aes256.pem")),
    ("PBES2, triple DES", include_bytes!("../../../tests/keys/ec-pbes2-3des.pem")),
    ("PBES2, SHA-1", include_bytes!("../../../tests/keys/ec-pbes2-sha1.pem")),
    ("scrypt", include_bytes!("../../../tests/keys/ec-scrypt.pem")),
    ("AES-256, the older way", include_bytes!("../../../tests/keys/ec-old-aes256.pem")),
    ("AES-128, the older way", include_bytes!("../../../tests/keys/ec-old-aes128.pem")),
    ("triple DES, the older way", include_bytes!("../../../tests/keys/ec-old-3des.pem")),
];

fn within(ms: u64) -> Deadline {
    Some(Instant::now() + Duration::from_millis(ms))
}

fn with(password: &str) -> impl FnMut() -> Option<Zeroizing<String>> {
    let password = Zeroizing::new(password.to_owned());
    move || Some(password.clone())
}

/// A certificate of one's own, with its key.
fn holder(name: &str) -> (Identity, Certificates) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["archive.example".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    let certificate = params.self_signed(&key).unwrap();
    let certificates = certificates(certificate.pem().as_bytes(), false).unwrap();
    let key = private_key(key.serialize_pem().as_bytes(), false, &mut || None).unwrap();
    (Identity::new(key, certificates.clone()).unwrap(), certificates)
}

fn trusting(certificates: &Certificates) -> Trust {
    let mut trust = Trust::new(Revocation::Unchecked);
    trust.add(certificates.clone());
    trust
}

/// Both sides, each trusting the other.
fn sides(profile: Profile) -> (Acceptor, Connector) {
    let ((server, of_server), (client, of_client)) = (holder("server"), holder("client"));
    let suites = Suites::of(profile);
    let peer = PeerCertificate::Require;
    let acceptor = Acceptor::new(server, &suites, trusting(&of_client), peer, None).unwrap();
    let connector = Connector::new(Some(client), &suites, trusting(&of_server), peer, None).unwrap();
    (acceptor, connector)
}

fn sockets() -> (Link, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (link(listener.accept().unwrap().0), far)
}

fn link(stream: TcpStream) -> Link {
    Link::new(stream, SocketOptions { no_delay: true, buffer_length: None }).unwrap()
}

/// Two links that have come to terms: acceptor's and requestor's.
fn links(profile: Profile) -> (Link, Link) {
    let (acceptor, connector) = sides(profile);
    let (near, far) = sockets();
    let far = thread::spawn(move || connector.connect(link(far), within(10_000)).unwrap());
    (acceptor.accept(near, within(10_000)).unwrap(), far.join().unwrap())
}

fn read_exact(link: &mut Link, mut wanted: &mut [u8]) {
    while !wanted.is_empty() {
        let n = link.read(wanted, within(10_000)).unwrap();
        wanted = &mut wanted[n..];
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

#[test]
fn encrypted_keys_open_with_the_right_password_only() {
    let KeyError::None = private_key(b"nothing", false, &mut || None).unwrap_err() else { panic!("a key of nothing") };
    let plain = private_key(PLAIN, false, &mut || panic!("nothing to ask")).unwrap();
    let key = |key: &PrivateKey| {
        let provider = rustls::crypto::ring::default_provider().key_provider;
        provider.load_private_key(key.0.clone_key()).unwrap().public_key().unwrap().to_vec()
    };
    for (name, bytes) in ENCRYPTED {
        let opened = private_key(bytes, false, &mut with(PASSWORD)).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(key(&opened), key(&plain), "{name}");
        for wrong in ["", "open sesame 7", "x"] {
            let error = private_key(bytes, false, &mut with(wrong)).unwrap_err();
            assert_eq!(error, KeyError::WrongPassword, "{name} and {wrong:?}");
        }
        assert_eq!(private_key(bytes, false, &mut || None).unwrap_err(), KeyError::NoPassword, "{name}");
    }
}

#[test]
fn damaged_files_are_no_keys_or_certificates() {
    let whole = String::from_utf8(PLAIN.to_vec()).unwrap();
    for at in 0..whole.len() - 2 {
        assert!(private_key(&whole.as_bytes()[..at], false, &mut || None).is_err(), "cut at {at}");
    }
    let unknown = whole.replace("KEY-----\nM", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: RC2-40-CBC,00\n\nM");
    assert_eq!(private_key(unknown.as_bytes(), false, &mut || None).unwrap_err(), KeyError::UnknownEncryption);
    for text in
        ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n\u{fffd}"]
    {
        assert!(certificates(text.as_bytes(), false).is_none(), "{text:?}");
        assert!(certificates(text.as_bytes(), true).is_none(), "{text:?} as DER");
        assert!(revocation_lists(text.as_bytes()).is_none(), "{text:?} as list");
    }
}

#[test]
fn a_certificate_for_another_key_is_no_identity() {
    let (_, certificates) = holder("one");
    let key = private_key(PLAIN, false, &mut || None).unwrap();
    assert_eq!(Identity::new(key, certificates).unwrap_err(), IdentityError::Mismatch);
}

#[test]
fn much_goes_both_ways_at_once() {
    for profile in [Profile::Rfc8996, Profile::Extended] {
        let (mut near, mut far) = links(profile);
        let data = pattern(3_000_000);
        let theirs = data.clone();
        let other = thread::spawn(move || {
            let mut got = vec![0; theirs.len()];
            read_exact(&mut far, &mut got);
            assert!(got == theirs);
            far.write_all(&mut [IoSlice::new(b"head"), IoSlice::new(&[]), IoSlice::new(&theirs)], within(20_000))
                .unwrap();
            assert_eq!(far.read(&mut [0; 9], within(20_000)).unwrap(), 3);
            far.finish(within(20_000));
        });
        near.write_steadily(&mut [IoSlice::new(&data[..5]), IoSlice::new(&data[5..])], Some(Duration::from_secs(20)))
            .unwrap();
        let mut got = vec![0; data.len() + 4];
        read_exact(&mut near, &mut got);
        assert!(got[..4] == *b"head" && got[4..] == data);
        near.write_all(&mut [IoSlice::new(b"end")], within(10_000)).unwrap();
        assert!(matches!(near.read(&mut [0; 9], within(20_000)), Err(LinkError::Closed)));
        drop(near);
        other.join().unwrap();
    }
}

#[test]
fn a_peer_that_does_not_read_is_given_up_at_the_deadline() {
    let (mut near, far) = links(Profile::Rfc8996);
    let block = vec![7; 1 << 20];
    let start = Instant::now();
    let end = near.write_all(&mut vec![IoSlice::new(&block); 64], within(300));
    assert!(matches!(end, Err(LinkError::Timeout)), "{end:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(far);
}

#[test]
fn writing_without_waiting_stops_where_the_peer_does_and_loses_nothing() {
    let (mut near, mut far) = links(Profile::Rfc8996);
    let block = pattern(100_000);
    let mut sent = 0;
    while sent < 100_000_000 {
        match near.try_write(&block).unwrap() {
            0 => break,
            n => sent += n,
        }
    }
    assert!(near.has_output() && sent < 100_000_000);
    assert_eq!(near.try_read(&mut [0; 4]).unwrap(), None);
    // Whoever waits for the peer then sends on what is left meanwhile.
    let reader = thread::spawn(move || {
        let mut got = vec![0; sent];
        read_exact(&mut far, &mut got);
        far.write_all(&mut [IoSlice::new(b"all here")], within(10_000)).unwrap();
        got
    });
    let mut answer = [0; 8];
    read_exact(&mut near, &mut answer);
    assert_eq!(&answer, b"all here");
    let got = reader.join().unwrap();
    let mut expected = Vec::new();
    while expected.len() < sent {
        // Each call took the beginning of the block.
        let rest = (sent - expected.len()).min(64 * 1024);
        expected.extend_from_slice(&block[..rest.min(block.len())]);
    }
    assert!(got == expected);
}

#[test]
fn s43_a_peer_that_says_nothing_or_half_of_something_is_left_at_the_deadline() {
    let (acceptor, _) = sides(Profile::Rfc8996);
    for said in [&b""[..], &[0x16], &[0x16, 3, 1, 2, 0, 1]] {
        let (near, mut far) = sockets();
        far.write_all(said).unwrap();
        let start = Instant::now();
        assert!(matches!(acceptor.accept(near, within(200)), Err(LinkError::Timeout)), "{said:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{said:?}");
    }
}

#[test]
fn s42_what_speaks_no_tls_is_named_and_hears_an_alert() {
    let (acceptor, connector) = sides(Profile::Rfc8996);
    let failed = |result: Result<Link, LinkError>| match result {
        Err(LinkError::Layer(failure)) => format!("{failure} {}", failure.cure),
        other => panic!("{other:?}"),
    };
    for (said, expected) in [
        (&b"\x01\x00\x00\x00\x10\x00"[..], ["000b:090b TLS error: wrong version number", "DICOM without TLS"]),
        (b"GET / HTTP/1.1\r\n\r\n", ["000b:089c TLS error: http request", "HTTP"]),
        (b"\x80\x2e\x01\x00\x02\x00", ["000b:0902 TLS error: unsupported protocol", "SSL 2"]),
        (b"\0\0\0\0", ["000b:090b TLS error: wrong version number", "00H"]),
    ] {
        let (near, mut far) = sockets();
        far.write_all(said).unwrap();
        let peer = thread::spawn(move || {
            let mut heard = Vec::new();
            far.read_to_end(&mut heard).unwrap();
            heard
        });
        let text = failed(acceptor.accept(near, within(5_000)));
        assert!(expected.iter().all(|part| text.contains(part)), "{text}");
        assert_eq!(peer.join().unwrap(), [0x15, 3, 1, 0, 2, 2, 70], "{text}");
    }
    for (said, expected) in
        [(&b"\x07\0\0\0\0\x04\0\0\0\0"[..], "DICOM without TLS"), (b"HTTP/1.1 400 Bad Request\r\n", "HTTP")]
    {
        let (near, mut far) = sockets();
        far.write_all(said).unwrap();
        let text = failed(connector.connect(near, within(5_000)));
        assert!(text.starts_with("000b:") && text.contains(expected), "{text}");
    }
    // One that closes at once.
    let (near, far) = sockets();
    drop(far);
    let text = failed(connector.connect(near, within(5_000)));
    assert!(text.starts_with("000b:0017 OpenSSL I/O error"), "{text}");
}

#[test]
fn s42_old_versions_and_suites_get_no_further_than_their_first_words() {
    let (acceptor, _) = sides(Profile::Rfc8996);
    // ClientHello (RFC 5246 7.4.1.2): version, 32 random bytes, no session, suites, no compression.
    let hello = |version: [u8; 2], suites: &[u8]| {
        let body = [&version[..], &[9; 32], &[0, 0, suites.len() as u8], suites, &[1, 0]].concat();
        let message = [&[1, 0, 0, body.len() as u8][..], &body].concat();
        [&[0x16, 3, 1, 0, message.len() as u8][..], &message].concat()
    };
    for (name, bytes) in [
        ("SSL 3", hello([3, 0], &[0xC0, 0x2F])),
        ("TLS 1.0", hello([3, 1], &[0xC0, 0x2F])),
        ("TLS 1.1", hello([3, 2], &[0xC0, 0x2F])),
        ("NULL", hello([3, 3], &[0x00, 0x02])),
        ("export", hello([3, 3], &[0x00, 0x03])),
        ("RC4", hello([3, 3], &[0x00, 0x05])),
        ("CBC", hello([3, 3], &[0x00, 0x2F])),
    ] {
        let (near, mut far) = sockets();
        far.write_all(&bytes).unwrap();
        let error = acceptor.accept(near, within(5_000)).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with("000b:"), "{name}: {error}");
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).unwrap();
        assert_eq!(heard.first(), Some(&0x15), "{name}: {heard:?}");
    }
}

#[test]
fn profiles_have_their_suites_and_no_others() {
    let names = |profile| {
        let suites = Suites::of(profile);
        let of_12 = suites.list.iter().filter(|one| one.version().version == rustls::ProtocolVersion::TLSv1_2);
        (of_12.count(), suites.versions().len())
    };
    assert_eq!(names(Profile::Rfc8996), (4, 2));
    assert_eq!(names(Profile::Rfc8996Modified), (6, 2));
    assert_eq!(names(Profile::NonDowngrading), (2, 2));
    assert_eq!(names(Profile::Bcp195), (2, 2));
    assert_eq!(names(Profile::Extended), (4, 1));
    let mut suites = Suites::of(Profile::Rfc8996);
    suites.add(Profile::Rfc8996, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256").unwrap();
    let error = suites.add(Profile::Rfc8996, "TLS_RSA_WITH_AES_128_CBC_SHA").unwrap_err();
    assert_eq!(error.to_string(), "000b:0003 Unknown or invalid ciphersuite: TLS_RSA_WITH_AES_128_CBC_SHA");
    let error = suites.add(Profile::Rfc8996Modified, "TLS_AES_128_GCM_SHA256").unwrap_err();
    assert_eq!(error.to_string(), "000b:000a Ciphersuite not allowed in current DICOM security profile");
}

#[test]
fn server_names_are_asked_for_and_expected_but_not_compared() {
    let ((server, of_server), (client, of_client)) = (holder("server"), holder("client"));
    let suites = Suites::of(Profile::Rfc8996);
    for (asked, expected, fits) in [
        (None, None, true),
        (Some("other.example"), None, true),
        (Some("ARCHIVE.example"), Some("archive.example"), true),
        (Some("other.example"), Some("archive.example"), false),
        (None, Some("archive.example"), false),
    ] {
        let peer = PeerCertificate::Require;
        let acceptor = Acceptor::new(server.clone(), &suites, trusting(&of_client), peer, expected).unwrap();
        let connector = Connector::new(Some(client.clone()), &suites, trusting(&of_server), peer, asked).unwrap();
        let (near, far) = sockets();
        let far = thread::spawn(move || connector.connect(link(far), within(5_000)).is_ok());
        let accepted = acceptor.accept(near, within(5_000));
        assert_eq!(accepted.is_ok(), fits, "{asked:?} for {expected:?}");
        if let Err(e) = accepted {
            assert!(e.to_string().starts_with("000b:08e2 TLS error"), "{e}");
        }
        assert!(far.join().unwrap() == fits || asked.is_none());
    }
    let bad = Connector::new(None, &suites, Trust::new(Revocation::Unchecked), PeerCertificate::Require, Some("a b"));
    assert_eq!(bad.unwrap_err(), ConfigError::BadServerName("a b".to_owned()));
}

#[test]
fn a_trusted_certificate_that_is_not_its_own_issuer_ends_no_chain() {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.distinguished_name.push(DnType::CommonName, "root");
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let (middle_key, mut middle) = (KeyPair::generate().unwrap(), CertificateParams::new(Vec::new()).unwrap());
    middle.distinguished_name.push(DnType::CommonName, "middle");
    middle.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let middle_certificate = middle.signed_by(&middle_key, &issuer).unwrap();
    let middle = Issuer::new(middle, middle_key);
    let (leaf_key, leaf) = (KeyPair::generate().unwrap(), CertificateParams::new(Vec::new()).unwrap());
    let leaf = leaf.signed_by(&leaf_key, &middle).unwrap();
    let read = |text: String| certificates(text.as_bytes(), false).unwrap();
    let accepts = |trusted: &[String]| {
        let mut trust = Trust::new(Revocation::Unchecked);
        trusted.iter().for_each(|one| trust.add(read(one.clone())));
        trust.of_servers().verify_server_cert(
            leaf.der(),
            &[],
            &ServerName::try_from("x").unwrap(),
            &[],
            rustls::pki_types::UnixTime::now(),
        )
    };
    assert!(accepts(&[middle_certificate.pem()]).is_err());
    assert!(accepts(&[root.pem()]).is_err());
    assert!(accepts(&[root.pem(), middle_certificate.pem()]).is_ok());
}

/// A client that speaks rustls by itself, with what a test changes.
fn foreign_client(acceptor: &Acceptor, change: impl FnOnce(&mut ClientConfig)) -> (Result<(), String>, usize) {
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Trust::blind().of_servers())
        .with_no_client_auth();
    change(&mut config);
    let (config, mut kept) = (Arc::new(config), 0);
    let mut end = Ok(());
    for _ in 0..2 {
        let (near, mut far) = sockets();
        let config = Arc::clone(&config);
        let client = thread::spawn(move || {
            let mut client = rustls::ClientConnection::new(config, ServerName::try_from("x").unwrap()).unwrap();
            let ended = client.complete_io(&mut far);
            if ended.is_ok() {
                // Tickets would come with the first data.
                _ = rustls::Stream::new(&mut client, &mut far).read(&mut [0; 8]);
            }
            client.handshake_kind()
        });
        end =
            acceptor.accept(near, within(5_000)).map(|mut link| link.finish(within(2_000))).map_err(|e| e.to_string());
        kept += usize::from(client.join().unwrap() == Some(rustls::HandshakeKind::Resumed));
    }
    (end, kept)
}

#[test]
fn sessions_are_not_resumed() {
    let (server, _) = holder("server");
    for profile in [Profile::Rfc8996, Profile::Extended] {
        let trust = Trust::new(Revocation::Unchecked);
        let suites = Suites::of(profile);
        let acceptor = Acceptor::new(server.clone(), &suites, trust, PeerCertificate::Ignore, None).unwrap();
        assert_eq!(foreign_client(&acceptor, |_| ()), (Ok(()), 0));
    }
}

#[test]
fn clients_of_other_protocols_are_refused() {
    let (server, _) = holder("server");
    let suites = Suites::of(Profile::Rfc8996);
    let trust = Trust::new(Revocation::Unchecked);
    let acceptor = Acceptor::new(server, &suites, trust, PeerCertificate::Ignore, None).unwrap();
    for (offered, taken) in [(&[&b"http/1.1"[..]][..], false), (&[b"h2", b"dicom"], true), (&[], true)] {
        let (end, _) =
            foreign_client(&acceptor, |config| config.alpn_protocols = offered.iter().map(|p| p.to_vec()).collect());
        match end {
            Ok(()) => assert!(taken, "{offered:?}"),
            Err(text) => assert!(!taken && text.starts_with("000b:08eb TLS error: no application protocol"), "{text}"),
        }
    }
}

/// What OpenSSL made: a key of 1024 bits with its certificate, and a certificate of version 1 with a key that is good.
#[test]
fn old_keys_and_certificates_are_refused() {
    let of = |key: &[u8], certificate: &[u8]| {
        let key = private_key(key, false, &mut || None).unwrap();
        Identity::new(key, certificates(certificate, false).unwrap()).map(|_| ())
    };
    let short = include_bytes!("../../../tests/keys/rsa-1024.pem");
    let of_short = include_bytes!("../../../tests/keys/rsa-1024-certificate.pem");
    assert_eq!(of(short, of_short), Err(IdentityError::Key));
    let first = include_bytes!("../../../tests/keys/ec-v1-certificate.pem");
    assert_eq!(of(PLAIN, first), Err(IdentityError::Certificate));
    // As a peer's: refused even where nobody looks at certificates.
    let der = certificates(first, false).unwrap().0.remove(0);
    let now = rustls::pki_types::UnixTime::now();
    let mut trust = Trust::new(Revocation::Unchecked);
    assert!(trust.clone().of_clients(true).verify_client_cert(&der, &[], now).is_err());
    trust.add(certificates(of_short, false).unwrap());
    let of_short = certificates(of_short, false).unwrap().0.remove(0);
    let digitally_signed = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    assert!(webpki::EndEntityCert::try_from(&der).is_err());
    let small = webpki::EndEntityCert::try_from(&of_short).unwrap();
    let refused =
        digitally_signed.all.iter().all(|algorithm| small.verify_signature(*algorithm, b"x", &[0; 128]).is_err());
    assert!(refused);
}
