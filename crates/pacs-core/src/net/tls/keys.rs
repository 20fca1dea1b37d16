//! Private keys: PKCS#8, PKCS#1 and SEC1, in DER or PEM, encrypted with a password in the way of PKCS#8 (PBES2, RFC 8018)
//! or in the older way of PEM (`Proc-Type: 4,ENCRYPTED`, RFC 1421 4.6.1.1).

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use md5::{Digest, Md5};
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use zeroize::Zeroizing;

use super::pem::{self, Section};

/// A private key, readable but not yet tried.
#[derive(Debug)]
pub struct PrivateKey(pub(super) PrivateKeyDer<'static>);

/// Why a file gives no private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// There is no key in it.
    None,
    /// It needs a password, and there is none.
    NoPassword,
    /// The password is wrong, or the file is damaged.
    WrongPassword,
    /// It is encrypted in a way that is not supported.
    UnknownEncryption,
}

/// Reads the private key of a file. `password` is asked once, and only where the key is encrypted.
///
/// # Errors
/// When there is no key, or it cannot be decrypted.
pub fn private_key(
    bytes: &[u8],
    is_der: bool,
    password: &mut dyn FnMut() -> Option<Zeroizing<String>>,
) -> Result<PrivateKey, KeyError> {
    if is_der {
        return match PrivateKeyDer::try_from(bytes.to_vec()) {
            Ok(key) => Ok(PrivateKey(key)),
            Err(_) => pkcs8_decrypted(bytes, password),
        };
    }
    let (sections, _) = pem::sections(bytes);
    let is_key = |section: &&Section<'_>| section.label.ends_with("PRIVATE KEY");
    let section = sections.iter().find(is_key).ok_or(KeyError::None)?;
    if section.label == "ENCRYPTED PRIVATE KEY" {
        return pkcs8_decrypted(&section.bytes, password);
    }
    let header = |name| section.headers.iter().find(|(one, _)| *one == name).map(|(_, value)| *value);
    let der = match header("Proc-Type") {
        Some(kind) if kind.ends_with("ENCRYPTED") => {
            let info = header("DEK-Info").ok_or(KeyError::UnknownEncryption)?;
            decrypted(&section.bytes, info, password)?
        }
        _ => section.bytes.to_vec(),
    };
    match section.label {
        "PRIVATE KEY" => Ok(PrivateKey(PrivatePkcs8KeyDer::from(der).into())),
        "RSA PRIVATE KEY" => Ok(PrivateKey(PrivatePkcs1KeyDer::from(der).into())),
        "EC PRIVATE KEY" => Ok(PrivateKey(PrivateSec1KeyDer::from(der).into())),
        _ => Err(KeyError::None),
    }
}

fn pkcs8_decrypted(
    der: &[u8],
    password: &mut dyn FnMut() -> Option<Zeroizing<String>>,
) -> Result<PrivateKey, KeyError> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::None)?;
    let password = password().ok_or(KeyError::NoPassword)?;
    let key = info.decrypt(password.as_bytes()).map_err(|_| KeyError::WrongPassword)?;
    Ok(PrivateKey(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into()))
}

/// Key, initialization vector and text to plain text.
type Decrypt = fn(&[u8], &[u8], &[u8]) -> Option<Vec<u8>>;

/// `info` is the cipher's name, a comma, and the initialization vector in hexadecimal digits; the first eight bytes of that
/// are the salt of the key derivation.
fn decrypted(
    bytes: &[u8],
    info: &str,
    password: &mut dyn FnMut() -> Option<Zeroizing<String>>,
) -> Result<Vec<u8>, KeyError> {
    let (cipher, vector) = info.split_once(',').ok_or(KeyError::UnknownEncryption)?;
    let decrypt: Decrypt = match cipher {
        "AES-128-CBC" => cbc_decrypted::<cbc::Decryptor<aes::Aes128>>,
        "AES-192-CBC" => cbc_decrypted::<cbc::Decryptor<aes::Aes192>>,
        "AES-256-CBC" => cbc_decrypted::<cbc::Decryptor<aes::Aes256>>,
        "DES-EDE3-CBC" => cbc_decrypted::<cbc::Decryptor<des::TdesEde3>>,
        _ => return Err(KeyError::UnknownEncryption),
    };
    let vector = hex(vector).filter(|vector| vector.len() >= 8).ok_or(KeyError::UnknownEncryption)?;
    let password = password().ok_or(KeyError::NoPassword)?;
    let key = derived(password.as_bytes(), &vector[..8]);
    let der = decrypt(&key, &vector, bytes).ok_or(KeyError::WrongPassword)?;
    // One wrong password in 256 leaves a padding that looks right.
    if der.first() == Some(&0x30) { Ok(der) } else { Err(KeyError::WrongPassword) }
}

/// The longest key that is needed: MD5 over what came before, the password and the salt, again and again.
fn derived(password: &[u8], salt: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(32));
    while key.len() < 32 {
        let before = key.len().saturating_sub(16);
        let digest = Md5::new().chain_update(&key[before..]).chain_update(password).chain_update(salt).finalize();
        key.extend_from_slice(&digest);
    }
    key
}

/// Decrypts with the beginning of the key, as much as the cipher wants.
fn cbc_decrypted<C: KeyIvInit + BlockModeDecrypt>(key: &[u8], vector: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slices(key.get(..C::key_size())?, vector).ok()?;
    let mut buffer = Zeroizing::new(bytes.to_vec());
    cipher.decrypt_padded::<Pkcs7>(&mut buffer).ok().map(<[u8]>::to_vec)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = text.bytes().map(|byte| (byte as char).to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}
