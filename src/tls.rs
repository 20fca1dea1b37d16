//! From what the TLS options say to the core's configuration: files are read, the password is asked for, and what cannot be
//! used is logged as DCMTK logs it, with a line more that says what helps.

mod prompt;

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use pacs_core::net::tls::{
    self as core, Acceptor, Certificates, ConfigError, Connector, Identity, IdentityError, KeyError, PrivateKey,
    SuiteError, Suites, Trust,
};
use pacs_core::net::{Link, LinkError};
use tracing::{Level, debug, enabled, info, warn};
use zeroize::Zeroizing;

use crate::fatal;
use crate::log::reason;
use crate::options::tls::{KeyFormat, Password, Profile, Revocation, Tls, Transport};

/// The logger of keys and certificates.
const TARGET: &str = "dcmtk.dcmtls";

/// A file of keys, certificates or lists that is longer is none.
const LONGEST_FILE: u64 = 64 << 20;

/// Why there is no TLS; the log has it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable;

/// What an acceptor needs; none: it accepts plain TCP.
///
/// # Errors
/// When a key, certificate or suite cannot be used.
pub fn acceptor(options: &Tls) -> Result<Option<Acceptor>, Unusable> {
    let Some((identity, suites, trust)) = parts(options)? else { return Ok(None) };
    // An acceptor always has an identity: there is no --anonymous-tls for it.
    let Some(identity) = identity else { return Ok(None) };
    Acceptor::new(identity, &suites, trust, options.peer_certificate, options.expect_sni.as_deref())
        .map(Some)
        .map_err(unusable)
}

/// What a requestor needs; none: it connects over plain TCP.
///
/// # Errors
/// When a key, certificate, suite or server name cannot be used.
pub fn connector(options: &Tls) -> Result<Option<Connector>, Unusable> {
    let Some((identity, suites, trust)) = parts(options)? else { return Ok(None) };
    Connector::new(identity, &suites, trust, options.peer_certificate, options.request_sni.as_deref())
        .map(Some)
        .map_err(unusable)
}

/// What a program needs that is both.
///
/// # Errors
/// As of the two.
pub fn both(options: &Tls) -> Result<Option<(Acceptor, Connector)>, Unusable> {
    let Some((identity, suites, trust)) = parts(options)? else { return Ok(None) };
    let Some(identity) = identity else { return Ok(None) };
    let peer = options.peer_certificate;
    let acceptor = Acceptor::new(identity.clone(), &suites, trust.clone(), peer, options.expect_sni.as_deref());
    let connector = Connector::new(Some(identity), &suites, trust, peer, options.request_sni.as_deref());
    Ok(Some((acceptor.map_err(unusable)?, connector.map_err(unusable)?)))
}

/// Comes to terms with a peer that has connected, over TLS if there is an acceptor, within the limit.
///
/// # Errors
/// When that fails; the connection is closed.
pub fn accept(acceptor: Option<&Acceptor>, link: Link, limit: Duration) -> Result<Link, LinkError> {
    match acceptor {
        Some(acceptor) => acceptor.accept(link, Instant::now().checked_add(limit)).inspect(say_protection),
        None => Ok(link),
    }
}

/// Comes to terms with a peer that has been connected to, over TLS if there is a connector, within the limit.
///
/// # Errors
/// When that fails; the connection is closed.
pub fn connect(connector: Option<&Connector>, link: Link, limit: Duration) -> Result<Link, LinkError> {
    match connector {
        Some(connector) => connector.connect(link, Instant::now().checked_add(limit)).inspect(say_protection),
        None => Ok(link),
    }
}

fn say_protection(link: &Link) {
    if enabled!(target: "dcmtk.dcmnet", Level::DEBUG)
        && let Some(protection) = link.protection()
    {
        debug!(target: "dcmtk.dcmnet", "{protection}");
    }
}

fn unusable(error: ConfigError) -> Unusable {
    fatal!(target: TARGET, "unable to initialize TLS: {error}");
    Unusable
}

/// All that is read from files, in DCMTK's order: what is trusted, then the own key and certificate, then the suites.
fn parts(options: &Tls) -> Result<Option<(Option<Identity>, Suites, Trust)>, Unusable> {
    let trust = match options.transport {
        Transport::Plain => return Ok(None),
        Transport::Tls { .. } | Transport::Anonymous => trust(options),
    };
    without_effect(options);
    let identity = match &options.transport {
        Transport::Tls { key, certificate } => Some(identity(options, key, certificate)?),
        Transport::Plain | Transport::Anonymous => None,
    };
    Ok(Some((identity, suites(options)?, trust)))
}

/// Options that DCMTK knows and that have nothing to do here.
fn without_effect(options: &Tls) {
    if options.dh_parameters.is_some() {
        info!(target: TARGET, "--dhparam has no effect: key exchange is over elliptic curves only.");
    }
    if options.seed.is_some() {
        info!(target: TARGET, "--seed has no effect, nor has where to write it: random numbers are the system's.");
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let length = fs::metadata(path)?.len();
    if length > LONGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "File too large"));
    }
    fs::read(path).map(Zeroizing::new)
}

fn trust(options: &Tls) -> Trust {
    let revocation = match options.revocation {
        Revocation::Chain => core::Revocation::Chain,
        Revocation::Leaf => core::Revocation::Leaf,
        // A list that cannot be read lets nobody in, as with 3.6.7: whoever names one wants it heeded.
        Revocation::Default if !options.revocation_lists.is_empty() => core::Revocation::Leaf,
        Revocation::Default => core::Revocation::Unchecked,
    };
    let mut trust = Trust::new(revocation);
    let is_der = options.key_format == KeyFormat::Der;
    for path in &options.trusted_files {
        match read(path).map(|bytes| core::certificates(&bytes, is_der)) {
            Ok(Some(certificates)) => trust.add(certificates),
            Ok(None) => ignored("certificate file", path, &no_certificate(path, is_der)),
            Err(e) => ignored("certificate file", path, &reason(&e)),
        }
    }
    for path in &options.trusted_folders {
        if let Err(e) = add_folder(&mut trust, path) {
            ignored("certificates from directory", path, &reason(&e));
        }
    }
    for path in &options.revocation_lists {
        match read(path).map(|bytes| core::revocation_lists(&bytes)) {
            Ok(Some(lists)) => trust.add_lists(lists),
            Ok(None) => ignored("CRL file", path, "It has no revocation list"),
            Err(e) => ignored("CRL file", path, &reason(&e)),
        }
    }
    if revocation != core::Revocation::Unchecked && trust.has_no_lists() {
        warn!(target: TARGET, "there is no certificate revocation list, so that no peer's certificate is valid");
    }
    trust
}

fn ignored(what: &str, path: &Path, why: &str) {
    warn!(target: TARGET, "unable to load {what} '{}', ignoring\n{why}.", path.display());
}

fn no_certificate(path: &Path, is_der: bool) -> String {
    match path.is_dir() {
        true => "It is a folder: --add-cert-dir takes those".to_owned(),
        false if is_der => "It has no certificate in DER; --pem-keys is for those in PEM".to_owned(),
        false => "It has no whole certificate in PEM; --der-keys is for those in DER".to_owned(),
    }
}

/// Adds what stands in a folder under a hashed name, as `openssl rehash` makes them: eight hexadecimal digits, a point, and a
/// number for certificates, `r` and a number for revocation lists.
fn add_folder(trust: &mut Trust, folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(is_list) = hashed(name.as_bytes()) else { continue };
        let path = entry.path();
        let is_added = read(&path).is_ok_and(|bytes| {
            if is_list {
                return core::revocation_lists(&bytes).map(|lists| trust.add_lists(lists)).is_some();
            }
            let certificates = core::certificates(&bytes, false).or_else(|| core::certificates(&bytes, true));
            certificates.map(|certificates| trust.add(certificates)).is_some()
        });
        if is_added {
            debug!(target: TARGET, "read '{}'", path.display());
        } else {
            ignored("certificate file", &path, "It cannot be read, or holds something else than its name says");
        }
    }
    Ok(())
}

/// Whether a file of that name holds revocation lists (`true`) or certificates; none: neither.
fn hashed(name: &[u8]) -> Option<bool> {
    let (hash, [b'.', number @ ..]) = name.split_at_checked(8)? else { return None };
    let (is_list, number) = match number {
        [b'r', number @ ..] => (true, number),
        number => (false, number),
    };
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    (is_number && hash.iter().all(u8::is_ascii_hexdigit)).then_some(is_list)
}

fn identity(options: &Tls, key_file: &Path, certificate_file: &Path) -> Result<Identity, Unusable> {
    let key = key(options, key_file)?;
    let certificates = certificates(options, certificate_file)?;
    let (key_name, certificate_name) = (key_file.display(), certificate_file.display());
    Identity::new(key, certificates).map_err(|e| {
        match e {
            IdentityError::Mismatch => fatal!(
                target: TARGET,
                "000b:0006 Private key '{key_name}' and certificate '{certificate_name}' do not match\nThe certificate is for \
                 another key."
            ),
            IdentityError::Key => fatal!(
                target: TARGET,
                "000b:0004 Unable to load private TLS key from '{key_name}'\nRSA keys of 2048 bits and more are used, and \
                 those of the curves P-256, P-384 and Ed25519."
            ),
            IdentityError::Certificate => fatal!(
                target: TARGET,
                "000b:0005 Unable to load certificate from '{certificate_name}'\nIt must be of X.509 version 3, for a key of \
                 2048 bits or more (RSA), or of the curves P-256, P-384 or Ed25519."
            ),
        }
        Unusable
    })
}

fn key(options: &Tls, path: &Path) -> Result<PrivateKey, Unusable> {
    let no_key = |cure: &str| {
        fatal!(target: TARGET, "000b:0004 Unable to load private TLS key from '{}'\n{cure}.", path.display());
        Unusable
    };
    let bytes = read(path).map_err(|e| no_key(&reason(&e)))?;
    if fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o004 != 0) {
        warn!(
            target: TARGET,
            "everybody on this machine can read the private key '{}'\n`chmod o-r` keeps others from it.",
            path.display()
        );
    }
    let is_der = options.key_format == KeyFormat::Der;
    let mut password = || match &options.password {
        Password::Given(password) => Some(Zeroizing::new(password.clone())),
        Password::Empty => Some(Zeroizing::default()),
        Password::Ask => prompt::password(if is_der { "DER" } else { "PEM" }),
    };
    core::private_key(&bytes, is_der, &mut password).map_err(|e| {
        no_key(match e {
            KeyError::None if is_der => "It has no private key in DER; --pem-keys is for those in PEM",
            KeyError::None => "It has no whole private key in PEM; --der-keys is for those in DER",
            KeyError::NoPassword => {
                "It is encrypted, and there is no terminal to ask for the password: see --use-passwd and --null-passwd"
            }
            KeyError::WrongPassword => "The password is wrong, or the file is damaged",
            KeyError::UnknownEncryption => {
                "It is encrypted in a way that is not supported: `openssl pkcs8 -topk8` changes it to one that is"
            }
        })
    })
}

fn certificates(options: &Tls, path: &Path) -> Result<Certificates, Unusable> {
    let is_der = options.key_format == KeyFormat::Der;
    let why = match read(path) {
        Ok(bytes) => match core::certificates(&bytes, is_der) {
            Some(certificates) => return Ok(certificates),
            None => no_certificate(path, is_der),
        },
        Err(e) => reason(&e),
    };
    fatal!(target: TARGET, "000b:0005 Unable to load certificate from '{}'\n{why}.", path.display());
    Err(Unusable)
}

/// Profiles that work, for whoever asked for one that does not.
const WORKING: &str = "These work: --profile-8996, --profile-8996-mod, and, with what of them is not outdated, \
                       --profile-bcp195-nd, --profile-bcp195 and --profile-bcp195-ex.";

fn suites(options: &Tls) -> Result<Suites, Unusable> {
    let lacking = |name: &str, needs: &str| {
        fatal!(
            target: TARGET,
            "000b:0003 Unknown or invalid ciphersuite: {name}\nThe {needs}, which this program does not have, for it protects \
             no more. {WORKING}"
        );
        Unusable
    };
    let profile = match options.profile {
        Profile::Rfc8996 => core::Profile::Rfc8996,
        Profile::Rfc8996Modified => core::Profile::Rfc8996Modified,
        Profile::NonDowngrading => core::Profile::NonDowngrading,
        Profile::Bcp195 => core::Profile::Bcp195,
        Profile::Extended => core::Profile::Extended,
        Profile::Basic => {
            return Err(lacking(
                "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
                "Basic profile is triple DES with key exchange by RSA",
            ));
        }
        Profile::Aes => {
            return Err(lacking("TLS_RSA_WITH_AES_128_CBC_SHA", "AES profile is CBC with key exchange by RSA"));
        }
        Profile::Unencrypted => return Err(lacking("TLS_RSA_WITH_NULL_SHA", "profile is TLS without encryption")),
    };
    if !profile.lacks().is_empty() {
        info!(target: TARGET, "The security profile is without {}, which this program does not have.", profile.lacks());
    }
    let mut suites = Suites::of(profile);
    for name in &options.ciphers {
        suites.add(profile, name).map_err(|e| {
            match &e {
                SuiteError::Unknown(_) => {
                    fatal!(target: TARGET, "{e}\n--list-ciphers shows the names of those that there are.");
                }
                SuiteError::NotAllowed(_) => {
                    fatal!(target: TARGET, "{e}\nThe security profile allows its own only: leave --cipher out.");
                }
            }
            Unusable
        })?;
    }
    Ok(suites)
}

/// What `--list-ciphers` prints below the banner.
pub fn list_ciphers() -> String {
    core::suite_names().fold("Supported TLS ciphersuites are:\n".to_owned(), |text, name| text + "  " + name + "\n")
}

/// What `--list-profiles` prints below the banner.
pub fn list_profiles() -> String {
    const WHOLE_OR_PART: [(&str, core::Profile, &str); 5] = [
        ("--profile-8996", core::Profile::Rfc8996, "BCP 195 RFC 8996 TLS Profile"),
        ("--profile-8996-mod", core::Profile::Rfc8996Modified, "Modified BCP 195 RFC 8996 TLS Profile"),
        ("--profile-bcp195-nd", core::Profile::NonDowngrading, "Non-downgrading BCP 195 TLS Profile (retired)"),
        ("--profile-bcp195", core::Profile::Bcp195, "BCP 195 TLS Profile (retired)"),
        ("--profile-bcp195-ex", core::Profile::Extended, "Extended BCP 195 TLS Profile (retired)"),
    ];
    let mut text = "Supported TLS profiles are:\n".to_owned();
    for (option, profile, name) in WHOLE_OR_PART {
        text += &format!("  {name}: {option}");
        if !profile.lacks().is_empty() {
            text += &format!(", without {}", profile.lacks());
        }
        text.push('\n');
    }
    text
}
