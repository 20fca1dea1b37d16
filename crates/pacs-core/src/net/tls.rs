//! Transport layer security over rustls: keys, certificates, profiles, and the [`Layer`] that a link goes through. rustls
//! is named here and below only.
//!
//! What rustls does not have is refused when the configuration is made, and never replaced: key exchange by RSA or finite
//! fields, suites without authenticated encryption, TLS before 1.2, X.509 before version 3.

mod certificate;
mod condition;
mod keys;
mod pem;
mod session;
mod suites;
#[cfg(test)]
mod tests;
mod trust;

pub use certificate::{Certificates, certificates, is_certificate, revocation_lists};
pub use keys::{KeyError, PrivateKey, private_key};
pub use suites::{Profile, SuiteError, Suites, suite_names};
pub use trust::{Revocation, Trust};

use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, InconsistentKeys, ServerConfig};

use super::link::{Deadline, Link, LinkError};
use session::Session;

/// The application protocol that is offered and, where the peer names any, asked for (DCMTK 3.7.0).
const PROTOCOL: &[u8] = b"dicom";

/// What is asked of the peer's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerCertificate {
    /// There must be one, and it is verified.
    #[default]
    Require,
    /// If there is one, it is verified. For acceptors: the other side always has one.
    Verify,
    /// It is not looked at; an acceptor does not ask for it.
    Ignore,
}

/// Who we are: a certificate, those of its issuers that peers may lack, and the key.
#[derive(Clone, Debug)]
pub struct Identity(Arc<CertifiedKey>);

/// Why a key and a certificate do not make an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// The key is of a kind or length that is not used: RSA below 2048 bits, curves but P-256, P-384 and Ed25519.
    Key,
    /// The certificate is not of X.509 version 3, or its key is of a kind that is not used.
    Certificate,
    /// The key is another one than that in the certificate.
    Mismatch,
}

impl Identity {
    /// Puts a key and certificates together, the first of which is our own.
    ///
    /// # Errors
    /// When they do not belong together or cannot be used.
    pub fn new(key: PrivateKey, certificates: Certificates) -> Result<Self, IdentityError> {
        let provider = rustls::crypto::ring::default_provider();
        let key = provider.key_provider.load_private_key(key.0).map_err(|_| IdentityError::Key)?;
        let certified = CertifiedKey::new(certificates.0, key);
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Self(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(_)) => Err(IdentityError::Mismatch),
            Err(_) => Err(IdentityError::Certificate),
        }
    }
}

/// Accepts connections.
#[derive(Clone, Debug)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
    expects_name: bool,
}

/// Makes connections.
#[derive(Clone, Debug)]
pub struct Connector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// Why there is no such configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// What is to be asked for as server name is no host name.
    BadServerName(String),
    /// The library refuses it.
    Other(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadServerName(name) => write!(f, "{:?} is no host name", crate::names::printable(name)),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Acceptor {
    /// An acceptor with this identity. `expected`: the server name that peers must ask for (RFC 6066 3).
    ///
    /// # Errors
    /// When the library refuses the combination.
    pub fn new(
        identity: Identity,
        suites: &Suites,
        trust: Trust,
        peer: PeerCertificate,
        expected: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(provider(suites)))
            .with_protocol_versions(suites.versions())
            .map_err(|e| ConfigError::Other(e.to_string()))?;
        let builder = match peer {
            PeerCertificate::Ignore => builder.with_no_client_auth(),
            _ => builder.with_client_cert_verifier(trust.of_clients(peer == PeerCertificate::Require)),
        };
        let own = Own { identity: identity.0, expected: expected.map(str::to_ascii_lowercase) };
        let mut config = builder.with_cert_resolver(Arc::new(own));
        config.ignore_client_order = true;
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // Each connection is verified for itself, as of the day, and leaves nothing behind.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), expects_name: expected.is_some() })
    }

    /// Comes to terms with the peer on a link, until the deadline.
    ///
    /// # Errors
    /// When that fails, as [`Link::through`]; no byte of the peer's data has been read then.
    pub fn accept(&self, link: Link, deadline: Deadline) -> Result<Link, LinkError> {
        link.through(Box::new(Session::accepting(Arc::clone(&self.config), self.expects_name)?), deadline)
    }
}

impl Connector {
    /// A connector, with an identity to show or without. `name`: the server name to ask for (RFC 6066 3); it is not
    /// compared with the certificate, nor is any other name, as with DCMTK.
    ///
    /// # Errors
    /// When the name is none, or the library refuses the combination.
    pub fn new(
        identity: Option<Identity>,
        suites: &Suites,
        trust: Trust,
        peer: PeerCertificate,
        name: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let verifier = match peer {
            PeerCertificate::Ignore => Trust::blind(),
            _ => trust,
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(provider(suites)))
            .with_protocol_versions(suites.versions())
            .map_err(|e| ConfigError::Other(e.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier.of_servers());
        let mut config = match identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(Shown(identity.0))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = name.is_some();
        let name = match name {
            None => ServerName::IpAddress(std::net::IpAddr::from([127, 0, 0, 1]).into()),
            Some(name) => {
                ServerName::try_from(name.to_owned()).map_err(|_| ConfigError::BadServerName(name.to_owned()))?
            }
        };
        Ok(Self { config: Arc::new(config), name })
    }

    /// Comes to terms with the peer on a link, until the deadline.
    ///
    /// # Errors
    /// When that fails, as [`Link::through`].
    pub fn connect(&self, link: Link, deadline: Deadline) -> Result<Link, LinkError> {
        link.through(Box::new(Session::connecting(Arc::clone(&self.config), self.name.clone())?), deadline)
    }
}

fn provider(suites: &Suites) -> CryptoProvider {
    CryptoProvider { cipher_suites: suites.list.clone(), ..rustls::crypto::ring::default_provider() }
}

/// Our certificate, for peers that ask for the right name.
#[derive(Debug)]
struct Own {
    identity: Arc<CertifiedKey>,
    expected: Option<String>,
}

impl ResolvesServerCert for Own {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let welcome = self.expected.as_deref().is_none_or(|name| hello.server_name() == Some(name));
        welcome.then(|| Arc::clone(&self.identity))
    }
}

/// Our certificate, shown to every acceptor that asks for one, whoever it says it trusts.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl rustls::client::ResolvesClientCert for Shown {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
