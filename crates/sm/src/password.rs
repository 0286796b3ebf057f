//! Passwords: prepared as RFC 8265 says, kept as SCRAM-SHA-256 keys (RFC 5802 §3, RFC 7677).

use anser_domain::{Refusal, Secret};
use anser_store::ScramKeys;
use hmac::{Hmac, KeyInit, Mac};
use precis_core::profile::PrecisFastInvocation;
use precis_profiles::OpaqueString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Shortest password, in characters (NIST SP 800-63B §3.1.1.2 asks for 8 at least).
pub(crate) const MIN_PASSWORD: usize = 8;
/// Longest password, in bytes: hashing more would be a gift to whoever floods logins.
pub(crate) const MAX_PASSWORD: usize = 1024;

const SALT_BYTES: usize = 16;

/// The keys for a new password. Takes as long as `iterations` say: not for an async thread.
///
/// # Errors
/// `Invalid` or `TooLarge` when it is no password we take.
pub(crate) fn keys_for(password: &Secret, iterations: u32) -> Result<ScramKeys, Refusal> {
    if password.expose().chars().count() < MIN_PASSWORD {
        return Err(Refusal::Invalid("a password has at least 8 characters"));
    }
    let prepared = prepare(password)?;
    let salt: [u8; SALT_BYTES] = rand::random();
    let (stored_key, server_key) = derive(&prepared, &salt, iterations);
    Ok(ScramKeys { salt: salt.to_vec(), iterations, stored_key, server_key })
}

/// What came of checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Whether it was the right one.
    pub(crate) matches: bool,
    /// The work that was done.
    pub(crate) iterations: u32,
}

/// Whether `password` is the one behind `keys`. Without keys (an unknown user), or with keys that
/// were made when fewer `iterations` were asked for, it takes just as long.
pub(crate) fn check(password: &Secret, keys: Option<&ScramKeys>, iterations: u32) -> Checked {
    let Ok(prepared) = prepare(password) else { return Checked { matches: false, iterations: 0 } };
    let (salt, its) = keys
        .map_or((&[0; SALT_BYTES][..], iterations), |keys| (keys.salt.as_slice(), keys.iterations));
    let (stored, _) = derive(&prepared, salt, its);
    let rest = iterations.saturating_sub(its);
    if rest > 0 {
        std::hint::black_box(derive(&prepared, salt, rest));
    }
    let matches = keys.is_some_and(|keys| stored.ct_eq(&keys.stored_key).into());
    Checked { matches, iterations: its + rest }
}

fn prepare(password: &Secret) -> Result<String, Refusal> {
    if password.expose().len() > MAX_PASSWORD {
        return Err(Refusal::TooLarge("a password has at most 1024 bytes"));
    }
    OpaqueString::enforce(password.expose())
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Refusal::Invalid("the password has characters that cannot be typed again"))
}

/// `(StoredKey, ServerKey)` of RFC 5802 §3.
fn derive(password: &str, salt: &[u8], iterations: u32) -> ([u8; 32], [u8; 32]) {
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, iterations, &mut salted);
    let client_key = hmac(&salted, b"Client Key");
    (Sha256::digest(client_key).into(), hmac(&salted, b"Server Key"))
}

fn hmac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    // HMAC pads a key shorter than the block with zeros (RFC 2104 §2), so this is the same key.
    let mut block = [0; 64];
    let (start, _) = block.split_at_mut(key.len());
    start.copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_rfc_7677_section_3() {
        let salt = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
        )
        .unwrap();
        let (stored, server) = derive("pencil", &salt, 4096);
        // The RFC gives proof and signature; both follow from the keys.
        let auth = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
                    r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                    s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
                    c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let decode = |text: &str| {
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
        };
        let proof = decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let signature = hmac(&stored, auth.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(<[u8; 32]>::from(Sha256::digest(client_key)), stored);
        assert_eq!(
            hmac(&server, auth.as_bytes()).to_vec(),
            decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
        );
    }

    #[test]
    fn only_the_password_itself_matches() {
        let keys = keys_for(&Secret::new("correct horse"), 16).unwrap();
        let matches =
            |password: &Secret, keys, iterations| check(password, keys, iterations).matches;
        assert!(matches(&Secret::new("correct horse"), Some(&keys), 16));
        assert!(!matches(&Secret::new("correct hors"), Some(&keys), 16));
        assert!(!matches(&Secret::new("correct horse"), None, 16));
        assert!(keys_for(&Secret::new("short"), 16).is_err());
        assert!(keys_for(&Secret::new("x".repeat(2000)), 16).is_err());
    }
}
