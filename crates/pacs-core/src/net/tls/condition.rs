//! What went wrong, as DCMTK words it: `000b:` with 800H and OpenSSL's number of the reason, and OpenSSL's words.

use rustls::{AlertDescription as Alert, CertificateError, Error, PeerIncompatible, PeerMisbehaved};

use crate::net::layer::Failure;

/// OpenSSL's numbers and words.
const VERIFY_FAILED: (u16, &str) = (134, "certificate verify failed");
const HTTP_REQUEST: (u16, &str) = (156, "http request");
const NO_SHARED_CIPHER: (u16, &str) = (193, "no shared cipher");
const NO_CERTIFICATE: (u16, &str) = (199, "peer did not return a certificate");
const UNRECOGNIZED_NAME: (u16, &str) = (226, "callback failed");
const NO_PROTOCOL: (u16, &str) = (235, "no application protocol");
const UNSUPPORTED_PROTOCOL: (u16, &str) = (258, "unsupported protocol");
const WRONG_VERSION: (u16, &str) = (267, "wrong version number");
const BAD_RECORD: (u16, &str) = (281, "decryption failed or bad record mac");
const INTERNAL: (u16, &str) = (68, "internal error");

/// Which side we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Acceptor,
    Connector,
}

fn failure((reason, words): (u16, &str), cure: impl Into<String>) -> Failure {
    Failure { code: 0x0800 + reason, text: format!("TLS error: {words}"), cure: cure.into() }
}

/// What the library says of a peer.
pub(super) fn of(error: &Error, side: Side) -> Failure {
    match error {
        Error::AlertReceived(alert) => {
            let (number, words) = of_alert(*alert);
            failure((1000 + number, &words), told(*alert, side))
        }
        Error::InvalidCertificate(_) => {
            let cure = match side {
                Side::Acceptor => format!("The client's certificate is refused: {}.", reason(error)),
                Side::Connector => format!("The server's certificate is refused: {}.", reason(error)),
            };
            failure(VERIFY_FAILED, cure)
        }
        Error::NoCertificatesPresented => failure(
            NO_CERTIFICATE,
            "The client showed no certificate. Give it one, or let --verify-peer-cert or --ignore-peer-cert do without.",
        ),
        Error::PeerIncompatible(what) => of_incompatible(what),
        Error::NoApplicationProtocol => {
            failure(NO_PROTOCOL, "The client wants another application protocol (ALPN) than \"dicom\".")
        }
        Error::DecryptError | Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived) => {
            failure(BAD_RECORD, "What came was changed on its way, or is no answer to what was sent.")
        }
        Error::InvalidMessage(_) | Error::PeerSentOversizedRecord => {
            failure(WRONG_VERSION, format!("What came is no TLS: {error}."))
        }
        _ => failure(INTERNAL, format!("{error}.")),
    }
}

fn of_incompatible(what: &PeerIncompatible) -> Failure {
    use PeerIncompatible as P;
    match what {
        P::Tls12NotOffered
        | P::Tls12NotOfferedOrEnabled
        | P::SupportedVersionsExtensionRequired
        | P::ServerDoesNotSupportTls12Or13
        | P::ServerTlsVersionIsDisabledByOurConfig => {
            failure(UNSUPPORTED_PROTOCOL, "The peer speaks none of the versions of TLS that the security profile has.")
        }
        other => failure(
            NO_SHARED_CIPHER,
            format!(
                "There is no cipher suite, key exchange or signature that both sides have, or that fits the certificate \
                 ({other:?}); --list-ciphers and --profile tell what there is."
            ),
        ),
    }
}

/// The name that was asked for is not ours.
pub(super) fn wrong_name() -> Failure {
    failure(UNRECOGNIZED_NAME, "The client asks for another server name than --expect-sni has, or for none.")
}

/// The connection was closed before both sides had come to terms.
pub(super) fn closed(side: Side) -> Failure {
    let cure = match side {
        Side::Acceptor => "The client went away during the TLS handshake.",
        Side::Connector => {
            "The peer closed the connection during the TLS handshake: perhaps its port is one without TLS, or its log tells \
             what it did not like."
        }
    };
    Failure { code: 0x0017, text: "OpenSSL I/O error (SSL_ERROR_SYSCALL)".to_owned(), cure: cure.to_owned() }
}

/// What a peer speaks that does not speak TLS, told by its first bytes; none: it may be TLS.
pub(super) fn foreign(first: &[u8], side: Side) -> Option<Failure> {
    let other_side = match side {
        Side::Acceptor => "Start the peer with TLS, or this program without --enable-tls.",
        Side::Connector => "Leave --enable-tls out, or use the peer's port for TLS.",
    };
    match *first {
        // Alert and handshake records (RFC 8446 5.1).
        [0x15 | 0x16, ..] | [] => None,
        [0x80..=0xFF, _, 1, ..] => {
            Some(failure(UNSUPPORTED_PROTOCOL, "The peer speaks SSL 2, which is not to be had.".to_owned()))
        }
        // A-ASSOCIATE-RQ, -AC, -RJ and A-ABORT (PS3.8 9.3).
        [1 | 2 | 3 | 7, ..] => Some(failure(WRONG_VERSION, format!("The peer speaks DICOM without TLS. {other_side}"))),
        [b'A'..=b'Z', ..] => {
            let reason = match first {
                [b'H', b'T', b'T', b'P', ..] if side == Side::Connector => WRONG_VERSION,
                [b'G', b'E', b'T', ..] | [b'P', b'O' | b'U', ..] | [b'H', b'E', ..] => HTTP_REQUEST,
                _ => WRONG_VERSION,
            };
            Some(failure(reason, "This looks like HTTP or another text protocol; DICOM over TLS is spoken here."))
        }
        [byte, ..] => Some(failure(WRONG_VERSION, format!("What came is no TLS: it begins with {byte:02X}H."))),
    }
}

/// Why a certificate is not good, in words that follow "refused: ".
pub(super) fn reason(error: &Error) -> String {
    use CertificateError as C;
    let Error::InvalidCertificate(error) = error else { return error.to_string() };
    let day = |time: &rustls::pki_types::UnixTime| {
        let moment = i64::try_from(time.as_secs()).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
        moment.map_or_else(|| "long ago".to_owned(), |moment| moment.strftime("%Y-%m-%d").to_string())
    };
    match error {
        C::Expired => "it has expired".to_owned(),
        C::ExpiredContext { not_after, .. } => format!("it, or one of its issuers, expired on {}", day(not_after)),
        C::NotValidYet => "it is not yet valid".to_owned(),
        C::NotValidYetContext { not_before, .. } => format!("it is not valid before {}", day(not_before)),
        C::Revoked => "it has been revoked".to_owned(),
        C::UnknownIssuer => "its issuer is not among the trusted ones (--add-cert-file, --add-cert-dir)".to_owned(),
        C::UnknownRevocationStatus => {
            "there is no revocation list (--add-crl-file) of its issuer, or none that is signed by it".to_owned()
        }
        C::ExpiredRevocationList => "the revocation list of its issuer is too old".to_owned(),
        C::ExpiredRevocationListContext { next_update, .. } => {
            format!("the revocation list of its issuer should have been renewed on {}", day(next_update))
        }
        C::BadSignature => "it is not signed by the issuer that it names".to_owned(),
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => {
            "it is for another purpose (its extended key usage)".to_owned()
        }
        C::BadEncoding => "it cannot be read".to_owned(),
        C::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::UnsupportedCertVersion) => "it is not of X.509 version 3".to_owned(),
            Some(webpki::Error::CaUsedAsEndEntity) => {
                "it is that of an authority, and not itself among the trusted ones (--add-cert-file)".to_owned()
            }
            Some(webpki::Error::UnsupportedSignatureAlgorithmContext(_)) => {
                "it is signed in a way that is too old (SHA-1, MD5), or of a kind that is not known".to_owned()
            }
            Some(other) => format!("{other:?}"),
            None => error.to_string(),
        },
        other => other.to_string(),
    }
}

/// OpenSSL's number and words for an alert that came.
fn of_alert(alert: Alert) -> (u16, String) {
    let words = match alert {
        Alert::CloseNotify => "close notify",
        Alert::UnexpectedMessage => "sslv3 alert unexpected message",
        Alert::BadRecordMac => "sslv3 alert bad record mac",
        Alert::RecordOverflow => "tlsv1 alert record overflow",
        Alert::HandshakeFailure => "sslv3 alert handshake failure",
        Alert::BadCertificate => "sslv3 alert bad certificate",
        Alert::UnsupportedCertificate => "sslv3 alert unsupported certificate",
        Alert::CertificateRevoked => "sslv3 alert certificate revoked",
        Alert::CertificateExpired => "sslv3 alert certificate expired",
        Alert::CertificateUnknown => "sslv3 alert certificate unknown",
        Alert::IllegalParameter => "sslv3 alert illegal parameter",
        Alert::UnknownCA => "tlsv1 alert unknown ca",
        Alert::AccessDenied => "tlsv1 alert access denied",
        Alert::DecodeError => "tlsv1 alert decode error",
        Alert::DecryptError => "tlsv1 alert decrypt error",
        Alert::ProtocolVersion => "tlsv1 alert protocol version",
        Alert::InsufficientSecurity => "tlsv1 alert insufficient security",
        Alert::InternalError => "tlsv1 alert internal error",
        Alert::UserCanceled => "tlsv1 alert user cancelled",
        Alert::NoRenegotiation => "tlsv1 alert no renegotiation",
        Alert::MissingExtension => "tlsv13 alert missing extension",
        Alert::UnsupportedExtension => "tlsv1 unsupported extension",
        Alert::UnrecognisedName => "tlsv1 unrecognized name",
        Alert::CertificateRequired => "tlsv13 alert certificate required",
        Alert::NoApplicationProtocol => "tlsv1 alert no application protocol",
        other => return (u16::from(u8::from(other)), format!("alert number {}", u8::from(other))),
    };
    (u16::from(u8::from(alert)), words.to_owned())
}

/// What an alert means for whoever reads the log.
fn told(alert: Alert, side: Side) -> &'static str {
    match (alert, side) {
        (Alert::UnknownCA, _) => "The peer does not trust our certificate: it lacks the certificate of our authority.",
        (Alert::CertificateExpired, _) => "The peer says that our certificate is not valid today.",
        (Alert::CertificateRevoked, _) => "The peer says that our certificate has been revoked.",
        (
            Alert::BadCertificate | Alert::UnsupportedCertificate | Alert::CertificateUnknown | Alert::AccessDenied,
            _,
        ) => "The peer does not like our certificate; its log should tell why.",
        (Alert::CertificateRequired, Side::Connector) => {
            "The peer wants to see a certificate: --enable-tls shows one, --anonymous-tls does not."
        }
        (Alert::HandshakeFailure, Side::Connector) => {
            "The peer has no cipher suite in common with us, or wants to see a certificate; its log should tell."
        }
        (Alert::ProtocolVersion, _) => {
            "The peer speaks none of the versions of TLS that we do (1.2 and 1.3), or no TLS."
        }
        (Alert::UnrecognisedName, _) => "The peer expects to be asked for another server name (--request-sni).",
        _ => "The peer ended the connection; its log should tell why.",
    }
}
