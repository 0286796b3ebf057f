//! Encryption to a browser: RFC 8291 over the content encoding `aes128gcm` (RFC 8188).

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
};

/// One record holds everything (RFC 8291 §4).
const RECORD: u32 = 4_096;
/// What a record holds beside the text: the header with a key id of 65 bytes, the delimiter and
/// the tag.
const OVERHEAD: usize = 16 + 4 + 1 + 65 + 1 + 16;
/// The longest text.
pub(super) const MAX_TEXT: usize = RECORD as usize - OVERHEAD;

/// Encrypts for whoever holds the key to `public` and the secret `auth`. `None` when the public
/// key is no point on the curve.
pub(super) fn seal(public: &[u8], auth: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let private = PrivateKey::generate(&ECDH_P256).ok()?;
    let salt: [u8; 16] = rand::random();
    seal_with(&private, &salt, public, auth, text).ok()
}

fn seal_with(
    private: &PrivateKey,
    salt: &[u8; 16],
    public: &[u8],
    auth: &[u8],
    text: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let own = private.compute_public_key()?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, public);
    // RFC 8291 §3.3 and §3.4.
    let input = agree(private, peer, Unspecified, |secret| {
        let prk = Salt::new(HKDF_SHA256, auth).extract(secret);
        expand::<32>(&prk, &[b"WebPush: info\0", public, own.as_ref()])
    })?;
    let prk = Salt::new(HKDF_SHA256, salt).extract(&input);
    let key = expand::<16>(&prk, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce = expand::<12>(&prk, &[b"Content-Encoding: nonce\0"])?;

    let mut record = Vec::with_capacity(text.len() + OVERHEAD);
    record.extend_from_slice(text);
    // The delimiter of the last record (RFC 8188 §2).
    record.push(2);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)?;

    let mut sealed = Vec::with_capacity(record.len() + 86);
    sealed.extend_from_slice(salt);
    sealed.extend_from_slice(&RECORD.to_be_bytes());
    sealed.push(u8::try_from(own.as_ref().len()).map_err(|_| Unspecified)?);
    sealed.extend_from_slice(own.as_ref());
    sealed.extend_from_slice(&record);
    Ok(sealed)
}

struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut out = [0; N];
    prk.expand(info, Len(N))?.fill(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn the_example_of_rfc_8291_comes_out_alike() {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let private = decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let private = PrivateKey::from_private_key(&ECDH_P256, &private).unwrap();
        let public = decode(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        );
        let sealed = seal_with(
            &private,
            &decode("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap(),
            &public,
            &decode("BTBZMqHH6r4Tts7J_aSIgg"),
            b"When I grow up, I want to be a watermelon",
        );
        assert_eq!(
            URL_SAFE_NO_PAD.encode(sealed.unwrap()),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg\
             Dll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVB\
             St2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn what_is_no_point_is_no_key() {
        assert!(seal(&[4; 65], &[0; 16], b"x").is_none());
        assert!(seal(b"", &[0; 16], b"x").is_none());
    }
}
