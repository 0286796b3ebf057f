//! What TLS clients are shown: the operator's certificate, or one for this machine that the
//! first start makes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::{config::TlsSettings, data_dir::write_private};

/// Where the certificate made at the first start is kept.
pub(crate) const OWN_CERT: &str = "tls-cert.pem";
const OWN_KEY: &str = "tls-key.pem";
/// Whom that certificate is for.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The certificate that the settings name, or the one for this machine.
pub(crate) fn load(settings: &TlsSettings, data_dir: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let (cert, key, mend) = match (&settings.cert.0, &settings.key.0) {
        (Some(cert), Some(key)) => (cert.clone(), key.clone(), "see [tls] in the settings"),
        _ => {
            let (cert, key) = own(data_dir)?;
            (cert, key, "remove it and its neighbour, and the next start makes new ones")
        }
    };
    read(&cert, &key).with_context(|| {
        format!(
            "the certificate {} with the key {} is not usable ({mend})",
            cert.display(),
            key.display()
        )
    })
}

/// The certificate for this machine, made if there is none.
fn own(data_dir: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let (cert, key) = (data_dir.join(OWN_CERT), data_dir.join(OWN_KEY));
    if !cert.exists() || !key.exists() {
        let names = OWN_NAMES.map(str::to_owned).to_vec();
        let made = rcgen::generate_simple_self_signed(names)
            .context("cannot make a certificate for this machine")?;
        write_private(&key, made.signing_key.serialize_pem().as_bytes())?;
        write_private(&cert, made.cert.pem().as_bytes())?;
    }
    Ok((cert, key))
}

fn read(cert: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("in {}", cert.display()))?;
    if chain.is_empty() {
        anyhow::bail!("{} holds no PEM certificate", cert.display());
    }
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("in {}", key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::OptionalPath;

    #[test]
    fn the_certificate_for_this_machine_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let none = TlsSettings { cert: OptionalPath(None), key: OptionalPath(None) };
        load(&none, dir.path()).unwrap();
        let first = std::fs::read(dir.path().join(OWN_CERT)).unwrap();
        load(&none, dir.path()).unwrap();
        assert_eq!(std::fs::read(dir.path().join(OWN_CERT)).unwrap(), first);
    }

    #[test]
    fn a_certificate_with_the_wrong_key_is_refused_by_name() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (cert, _) = own(one.path()).unwrap();
        let (_, key) = own(two.path()).unwrap();
        let settings = TlsSettings { cert: OptionalPath(Some(cert)), key: OptionalPath(Some(key)) };
        let told = format!("{:#}", load(&settings, one.path()).unwrap_err());
        assert!(told.contains(OWN_CERT) && told.contains("[tls]"), "{told}");
    }
}
