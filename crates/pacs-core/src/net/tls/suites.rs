//! Security profiles (PS3.15 annex B) and cipher suites: what of them is there.

use std::fmt;

use rustls::crypto::ring::cipher_suite as ring;
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// The suites of TLS 1.2, the strongest first, under their standard names.
const TLS12_SUITES: [(&str, SupportedCipherSuite); 6] = [
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", ring::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", ring::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ring::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ring::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ring::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", ring::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
];

/// The suites of TLS 1.3, the strongest first.
const TLS13_SUITES: [(&str, SupportedCipherSuite); 3] = [
    ("TLS_AES_256_GCM_SHA384", ring::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", ring::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_AES_128_GCM_SHA256", ring::TLS13_AES_128_GCM_SHA256),
];

/// The names of all suites that there are, those of TLS 1.2 first.
pub fn suite_names() -> impl Iterator<Item = &'static str> {
    TLS12_SUITES.iter().chain(&TLS13_SUITES).map(|(name, _)| *name)
}

/// The security profiles that there are, for whole or in part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// BCP 195 (RFC 8996, RFC 9325): TLS 1.2 and 1.3, elliptic curves, AES-GCM.
    #[default]
    Rfc8996,
    /// The same, modified: ChaCha20 too. AES-CCM and Camellia are not there.
    Rfc8996Modified,
    /// Non-downgrading BCP 195 (RFC 7525), retired. Its suites over finite fields are not there.
    NonDowngrading,
    /// BCP 195 (RFC 7525), retired. Of it there is what is in the non-downgrading one.
    Bcp195,
    /// Extended BCP 195, retired: TLS 1.2 only. Its suites over finite fields are not there.
    Extended,
}

impl Profile {
    fn has(self, name: &str) -> bool {
        match self {
            Self::Rfc8996Modified => true,
            Self::Rfc8996 | Self::Extended => name.contains("_GCM_"),
            Self::NonDowngrading | Self::Bcp195 => name.contains("_RSA_WITH_AES_") && name.contains("_GCM_"),
        }
    }

    fn has_tls13(self) -> bool {
        self != Self::Extended
    }

    /// What of the profile is not there; empty when all is.
    pub fn lacks(self) -> &'static str {
        match self {
            Self::Rfc8996 => "",
            Self::Rfc8996Modified => "AES-CCM and Camellia",
            Self::NonDowngrading | Self::Extended => "key exchange over finite fields (DHE)",
            Self::Bcp195 => "TLS 1.0 and 1.1, key exchange over finite fields (DHE) and by RSA, and CBC",
        }
    }
}

/// Protocol versions and suites for a configuration.
#[derive(Clone, Debug)]
pub struct Suites {
    pub(super) list: Vec<SupportedCipherSuite>,
    versions: Vec<&'static SupportedProtocolVersion>,
}

/// Why a suite cannot be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SuiteError {
    /// There is none of that name.
    Unknown(String),
    /// The profile allows none but its own.
    NotAllowed(String),
}

impl fmt::Display for SuiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "000b:0003 Unknown or invalid ciphersuite: {}", crate::names::printable(name))
            }
            Self::NotAllowed(_) => f.write_str("000b:000a Ciphersuite not allowed in current DICOM security profile"),
        }
    }
}

impl std::error::Error for SuiteError {}

impl Suites {
    /// A profile's versions and suites.
    pub fn of(profile: Profile) -> Self {
        let wanted = TLS12_SUITES.iter().filter(|(name, _)| profile.has(name));
        let newest = TLS13_SUITES.iter().filter(|_| profile.has_tls13());
        let versions = if profile.has_tls13() { vec![&TLS13, &TLS12] } else { vec![&TLS12] };
        Self { list: newest.chain(wanted).map(|(_, suite)| *suite).collect(), versions }
    }

    /// Adds a suite by its standard name.
    ///
    /// # Errors
    /// When there is none of that name, or the profile forbids it.
    pub fn add(&mut self, profile: Profile, name: &str) -> Result<(), SuiteError> {
        if matches!(profile, Profile::Rfc8996Modified | Profile::Extended) {
            return Err(SuiteError::NotAllowed(name.to_owned()));
        }
        let known = TLS12_SUITES.iter().chain(&TLS13_SUITES).find(|(one, _)| *one == name);
        let (_, suite) = known.ok_or_else(|| SuiteError::Unknown(name.to_owned()))?;
        if !self.list.contains(suite) {
            self.list.push(*suite);
        }
        Ok(())
    }

    pub(super) fn versions(&self) -> &[&'static SupportedProtocolVersion] {
        &self.versions
    }
}
