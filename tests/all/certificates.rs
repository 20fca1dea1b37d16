//! Keys, certificates and revocation lists for tests, made anew for each.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tempfile::TempDir;

/// Files of a test, ended with it.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file that only its owner can read.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

/// Whose certificate, and what is odd about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Good,
    /// It ended in 2021.
    Expired,
    /// It begins in 2047.
    NotYet,
    /// For servers only.
    ServerOnly,
    /// For clients only.
    ClientOnly,
    /// It may sign others.
    Authority,
}

/// One who signs certificates.
pub(crate) struct Authority {
    name: &'static str,
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    next: Cell<u64>,
}

/// A key and its certificate.
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) certificate: String,
    pub(crate) der: Vec<u8>,
    serial: u64,
}

fn params(name: &str, kind: Kind) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = match kind {
        Kind::Expired => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
        Kind::NotYet => (date_time_ymd(2047, 1, 1), date_time_ymd(2048, 1, 1)),
        _ => (date_time_ymd(2020, 1, 1), date_time_ymd(2048, 1, 1)),
    };
    params.extended_key_usages = match kind {
        Kind::ServerOnly => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Kind::ClientOnly => vec![ExtendedKeyUsagePurpose::ClientAuth],
        _ => Vec::new(),
    };
    if kind == Kind::Authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    } else {
        params.is_ca = IsCa::ExplicitNoCa;
    }
    params
}

fn pair(certificate: &Certificate, key: &KeyPair, serial: u64) -> Pair {
    Pair { key: key.serialize_pem(), certificate: certificate.pem(), der: certificate.der().to_vec(), serial }
}

/// A certificate that nobody but its holder has signed.
pub(crate) fn self_signed(name: &str, kind: Kind) -> Pair {
    let key = KeyPair::generate().unwrap();
    pair(&params(name, kind).self_signed(&key).unwrap(), &key, 1)
}

impl Authority {
    pub(crate) fn new(name: &'static str) -> Self {
        let (key, params) = (KeyPair::generate().unwrap(), params(name, Kind::Authority));
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { name, issuer: Issuer::new(params, key), certificate, next: Cell::new(100) }
    }

    /// One whose certificate this one has signed, and that certificate.
    pub(crate) fn middle(&self, name: &'static str) -> (Self, String) {
        let (key, params) = (KeyPair::generate().unwrap(), params(name, Kind::Authority));
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        let text = certificate.clone();
        (Self { name, issuer: Issuer::new(params, key), certificate, next: Cell::new(100) }, text)
    }

    pub(crate) fn issue(&self, name: &str, kind: Kind) -> Pair {
        let serial = self.next.replace(self.next.get() + 1);
        let (key, mut params) = (KeyPair::generate().unwrap(), params(name, kind));
        params.serial_number = Some(SerialNumber::from(serial));
        pair(&params.signed_by(&key, &self.issuer).unwrap(), &key, serial)
    }

    /// Its own certificate, in PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A list of those that it has revoked, in PEM.
    pub(crate) fn list(&self, revoked: &[&Pair], until: i32) -> String {
        let one = |pair: &&Pair| RevokedCertParams {
            serial_number: SerialNumber::from(pair.serial),
            revocation_time: date_time_ymd(2020, 6, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 6, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(one).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap_or_else(|e| panic!("{}: {e}", self.name)).pem().unwrap()
    }
}

impl Pair {
    /// `+tls` with files of this key and certificate.
    pub(crate) fn words(&self, files: &Files, name: &str) -> Vec<String> {
        let key = files.write(&format!("{name}.key"), &self.key);
        let certificate = files.write(&format!("{name}.pem"), &self.certificate);
        vec!["+tls".to_owned(), text(&key), text(&certificate)]
    }
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
