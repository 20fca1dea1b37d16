//! Certificates and revocation lists: their files, and the certificate's fields as DCMTK shows them.

use std::fmt::Write;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::OwnedCertRevocationList;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

use super::pem;

/// Certificates from a file.
#[derive(Clone, Debug)]
pub struct Certificates(pub(super) Vec<CertificateDer<'static>>);

/// Reads the certificates of a file: one in DER, or any number in PEM; none when there is none, or one that is broken.
pub fn certificates(bytes: &[u8], is_der: bool) -> Option<Certificates> {
    let found: Vec<_> = if is_der {
        vec![CertificateDer::from(bytes.to_vec())]
    } else {
        let (sections, is_broken) = pem::sections(bytes);
        if is_broken {
            return None;
        }
        let named = sections.iter().filter(|section| matches!(section.label, "CERTIFICATE" | "X509 CERTIFICATE"));
        named.map(|section| CertificateDer::from(section.bytes.to_vec())).collect()
    };
    (!found.is_empty() && found.iter().all(|one| is_certificate(one))).then_some(Certificates(found))
}

/// Whether the bytes are a certificate and nothing else.
pub fn is_certificate(der: &[u8]) -> bool {
    parsed(der).is_some()
}

/// Reads the revocation lists of a file, PEM or DER; none when there is none.
pub fn revocation_lists(bytes: &[u8]) -> Option<Vec<OwnedCertRevocationList>> {
    let (sections, _) = pem::sections(bytes);
    let texts: Vec<&[u8]> = match sections.is_empty() {
        true => vec![bytes],
        false => sections.iter().filter(|one| one.label == "X509 CRL").map(|one| one.bytes.as_slice()).collect(),
    };
    let lists: Result<Vec<_>, _> = texts.into_iter().map(OwnedCertRevocationList::from_der).collect();
    lists.ok().filter(|lists| !lists.is_empty())
}

pub(super) fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().and_then(|(rest, certificate)| rest.is_empty().then_some(certificate))
}

/// Whether a certificate names itself as its issuer.
pub(super) fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

/// The day from which and the day until which it is valid, in seconds since 1970.
pub(super) fn validity(certificate: &X509Certificate<'_>) -> (UnixTime, UnixTime) {
    let at =
        |seconds: i64| UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    let validity = certificate.validity();
    (at(validity.not_before.timestamp()), at(validity.not_after.timestamp()))
}

/// The lines of a connection's details that are about the peer's certificate.
pub(super) fn describe(der: &[u8]) -> String {
    let Some(certificate) = parsed(der) else { return "Peer certificate cannot be shown".to_owned() };
    let mut text = format!("Peer X.509v{} Certificate\n", certificate.version().0 + 1);
    let serial = certificate.raw_serial();
    let serial = match serial.iter().position(|byte| *byte != 0) {
        None => "0".to_owned(),
        Some(first) if serial.len() - first <= 8 => {
            serial[first..].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)).to_string()
        }
        Some(first) => serial[first..].iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02X}")),
    };
    let validity = certificate.validity();
    // Writing to a string does not fail.
    _ = write!(
        text,
        "  Subject     : {}\n  Issued by   : {}\n  Serial no.  : {serial}\n  Validity    : not before {}, not after {}\n  \
         Public key  : {}",
        name(certificate.subject()),
        name(certificate.issuer()),
        day(validity.not_before.timestamp()),
        day(validity.not_after.timestamp()),
        key(&certificate)
    );
    text
}

/// A distinguished name as DCMTK shows it: `/O=Hospital/CN=archive`.
pub(super) fn name(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    for attribute in name.iter_attributes() {
        let oid = attribute.attr_type();
        let short = x509_parser::objects::oid2abbrev(oid, x509_parser::objects::oid_registry())
            .map_or_else(|_| oid.to_id_string(), str::to_owned);
        let value = attribute.as_str().unwrap_or("?");
        _ = write!(text, "/{short}={}", crate::names::printable(value));
    }
    text
}

fn day(seconds: i64) -> String {
    let Ok(moment) = jiff::Timestamp::from_second(seconds) else { return seconds.to_string() };
    moment.strftime("%b %e %H:%M:%S %Y GMT").to_string()
}

fn key(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA, {} bits", rsa.key_size()),
        Ok(PublicKey::EC(point)) => format!("EC, {} bits", point.key_size()),
        Ok(PublicKey::DSA(_)) => "DSA".to_owned(),
        _ => "unknown".to_owned(),
    }
}
