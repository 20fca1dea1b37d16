//! Whose certificates are good: what is trusted, and what is revoked.
//!
//! As OpenSSL does it, a chain ends in a trusted certificate that is its own issuer; other trusted certificates help to get
//! there. A trusted certificate that is its own issuer is good for its holder too, whether or not it says that it is an
//! authority. Names of hosts are not compared, as DCMTK does not.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use tracing::info;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationCheckDepth,
    RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
};

use super::certificate::{self, Certificates, is_self_issued, parsed, validity};

/// The logger of certificates.
const TARGET: &str = "dcmtk.dcmtls";

/// Which certificates must be in no revocation list, and in the scope of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revocation {
    /// None is looked up.
    #[default]
    Unchecked,
    /// The peer's own.
    Leaf,
    /// Those of its issuers as well.
    Chain,
}

/// What is trusted.
#[derive(Clone, Debug)]
pub struct Trust {
    anchors: Vec<Anchor>,
    /// Trusted certificates that are their own issuers.
    roots: Vec<CertificateDer<'static>>,
    /// The other trusted ones.
    helpers: Vec<CertificateDer<'static>>,
    lists: Vec<Arc<CertRevocationList<'static>>>,
    revocation: Revocation,
    /// Every certificate is good.
    blind: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Where a chain may end.
#[derive(Clone, Debug)]
struct Anchor {
    anchor: TrustAnchor<'static>,
    from: UnixTime,
    until: UnixTime,
}

/// What the certificate is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Server,
    Client,
}

impl Trust {
    /// Trusts nobody yet.
    pub fn new(revocation: Revocation) -> Self {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        let (anchors, roots, helpers, lists) = Default::default();
        Self { anchors, roots, helpers, lists, revocation, blind: false, algorithms }
    }

    /// Trusts everybody.
    pub(super) fn blind() -> Self {
        Self { blind: true, ..Self::new(Revocation::Unchecked) }
    }

    /// Trusts these too.
    pub fn add(&mut self, certificates: Certificates) {
        for one in certificates.0 {
            let Some(fields) = parsed(&one) else { continue };
            if !is_self_issued(&fields) {
                self.helpers.push(one);
                continue;
            }
            let (from, until) = validity(&fields);
            if let Ok(anchor) = webpki::anchor_from_trusted_cert(&one) {
                self.anchors.push(Anchor { anchor: anchor.to_owned(), from, until });
            }
            self.roots.push(one);
        }
    }

    /// Whether there is no revocation list.
    pub fn has_no_lists(&self) -> bool {
        self.lists.is_empty()
    }

    /// Heeds these revocation lists too.
    pub fn add_lists(&mut self, lists: Vec<OwnedCertRevocationList>) {
        self.lists.extend(lists.into_iter().map(|list| Arc::new(CertRevocationList::Owned(list))));
    }

    pub(super) fn of_clients(self, mandatory: bool) -> Arc<dyn ClientCertVerifier> {
        Arc::new(OfClients { trust: self, mandatory })
    }

    pub(super) fn of_servers(self) -> Arc<dyn ServerCertVerifier> {
        Arc::new(OfServers { trust: self })
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        purpose: Purpose,
    ) -> Result<(), Error> {
        let verified = match self.roots.iter().find(|root| root.as_ref() == leaf.as_ref()) {
            _ if self.blind => Ok(()),
            Some(root) => self.verify_root(root, now, purpose),
            None => self.verify_chain(leaf, others, now, purpose),
        };
        verified.map_err(|e| {
            if let Some(fields) = parsed(leaf) {
                let (holder, issuer) = (certificate::name(fields.subject()), certificate::name(fields.issuer()));
                info!(target: TARGET, "The certificate of {holder}, issued by {issuer}, is refused.");
            }
            Error::InvalidCertificate(e)
        })
    }

    /// A trusted certificate that its holder shows.
    fn verify_root(&self, root: &[u8], now: UnixTime, purpose: Purpose) -> Result<(), CertificateError> {
        let fields = parsed(root).ok_or(CertificateError::BadEncoding)?;
        let (from, until) = validity(&fields);
        within(from, until, now)?;
        let usage = fields.extended_key_usage().map_err(|_| CertificateError::BadEncoding)?;
        let is_fit = usage.is_none_or(|usage| {
            usage.value.any
                || match purpose {
                    Purpose::Server => usage.value.server_auth,
                    Purpose::Client => usage.value.client_auth,
                }
        });
        if !is_fit {
            return Err(CertificateError::InvalidPurpose);
        }
        if self.revocation == Revocation::Unchecked {
            return Ok(());
        }
        // It would have to be in the scope of a list of its own.
        let mut own = self.lists.iter().filter(|list| list.issuer() == contents(fields.subject().as_raw()));
        let list = own.next().ok_or(CertificateError::UnknownRevocationStatus)?;
        match list.find_serial(fields.raw_serial()) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(CertificateError::Revoked),
            Err(_) => Err(CertificateError::UnknownRevocationStatus),
        }
    }

    fn verify_chain(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        purpose: Purpose,
    ) -> Result<(), CertificateError> {
        let leaf = EndEntityCert::try_from(leaf).map_err(translated)?;
        let anchors: Vec<_> = self.anchors.iter().map(|one| one.anchor.clone()).collect();
        let others: Vec<_> = others.iter().chain(&self.helpers).map(|one| CertificateDer::from(one.as_ref())).collect();
        let lists: Vec<_> = self.lists.iter().map(Arc::as_ref).collect();
        let usage = match purpose {
            Purpose::Server => KeyUsage::server_auth(),
            Purpose::Client => KeyUsage::client_auth(),
        };
        let unexpired = |path: &VerifiedPath<'_>| self.check_anchor(path.anchor(), now);
        let check = |revocation| {
            let algorithms = self.algorithms.all;
            leaf.verify_for_usage(algorithms, &anchors, &others, now, usage, revocation, Some(&unexpired)).map(|_| ())
        };
        if self.revocation == Revocation::Unchecked {
            return check(None).map_err(translated);
        }
        match self.revocation_options(&lists) {
            Some(options) => check(Some(options)).map_err(translated),
            None => check(None).map_err(translated).and(Err(CertificateError::UnknownRevocationStatus)),
        }
    }

    /// How the lists are used; none when there are none.
    fn revocation_options<'l>(&self, lists: &'l [&'l CertRevocationList<'l>]) -> Option<RevocationOptions<'l>> {
        let depth = match self.revocation {
            Revocation::Chain => RevocationCheckDepth::Chain,
            Revocation::Leaf | Revocation::Unchecked => RevocationCheckDepth::EndEntity,
        };
        let builder = RevocationOptionsBuilder::new(lists).ok()?;
        let strict = builder
            .with_depth(depth)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(ExpirationPolicy::Enforce);
        Some(strict.build())
    }

    /// The end of a chain must not have expired either.
    fn check_anchor(&self, anchor: &TrustAnchor<'_>, now: UnixTime) -> Result<(), webpki::Error> {
        let same = |one: &&Anchor| {
            one.anchor.subject == anchor.subject && one.anchor.subject_public_key_info == anchor.subject_public_key_info
        };
        if self.anchors.iter().filter(same).any(|one| within(one.from, one.until, now).is_ok()) {
            return Ok(());
        }
        let until = self.anchors.iter().find(same).map_or(now, |one| one.until);
        Err(webpki::Error::CertExpired { time: now, not_after: until })
    }
}

fn within(from: UnixTime, until: UnixTime, now: UnixTime) -> Result<(), CertificateError> {
    if now < from {
        return Err(CertificateError::NotValidYetContext { time: now, not_before: from });
    }
    if now > until {
        return Err(CertificateError::ExpiredContext { time: now, not_after: until });
    }
    Ok(())
}

/// What a DER sequence holds, without its tag and length.
fn contents(der: &[u8]) -> &[u8] {
    match der {
        [_, length, rest @ ..] if *length < 0x80 => rest,
        [_, length, rest @ ..] => rest.get(usize::from(length & 0x7F)..).unwrap_or_default(),
        _ => der,
    }
}

fn translated(error: webpki::Error) -> CertificateError {
    use webpki::Error as E;
    match error {
        E::BadDer | E::BadDerTime | E::TrailingData(_) => CertificateError::BadEncoding,
        E::CertNotValidYet { time, not_before } => CertificateError::NotValidYetContext { time, not_before },
        E::CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after },
        E::InvalidCertValidity => CertificateError::Expired,
        E::UnknownIssuer => CertificateError::UnknownIssuer,
        E::CertRevoked => CertificateError::Revoked,
        E::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        E::CrlExpired { time, next_update } => CertificateError::ExpiredRevocationListContext { time, next_update },
        E::InvalidSignatureForPublicKey | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateError::BadSignature
        }
        E::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        other => CertificateError::Other(rustls::OtherError(Arc::new(other))),
    }
}

/// Signatures of a handshake are verified even where nobody is asked whether the key is to be trusted.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            rustls::crypto::verify_tls12_signature(message, cert, dss, &self.trust.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            rustls::crypto::verify_tls13_signature(message, cert, dss, &self.trust.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.trust.algorithms.supported_schemes()
        }
    };
}

#[derive(Debug)]
struct OfClients {
    trust: Trust,
    mandatory: bool,
}

impl ClientCertVerifier for OfClients {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    /// None, so that clients show what they have.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.trust.verify(end_entity, intermediates, now, Purpose::Client).map(|()| ClientCertVerified::assertion())
    }

    signatures!();
}

#[derive(Debug)]
struct OfServers {
    trust: Trust,
}

impl ServerCertVerifier for OfServers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.trust.verify(end_entity, intermediates, now, Purpose::Server).map(|()| ServerCertVerified::assertion())
    }

    signatures!();
}
