//! What TLS clients are shown: the operator's certificate, or one for this machine that is made
//! here. Both are looked after while the server runs: new files are shown to new connections.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use anser_cm::Tls;
use anser_domain::{Clock, Millis};
use anyhow::Context as _;
use parking_lot::Mutex;
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{config::TlsSettings, data_dir::write_private};

/// Where the certificate made here is kept.
pub(crate) const OWN_CERT: &str = "tls-cert.pem";
const OWN_KEY: &str = "tls-key.pem";
/// Whom that certificate is for.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// In seconds.
const DAY: i64 = 24 * 3600;
/// How long it counts: browsers take no certificate for longer than 398 days.
const OWN_DAYS: i64 = 390;
/// So long before its end there is a new one, and an operator is told of theirs.
const SOON: i64 = 30 * DAY;
/// How often the files are looked at. SIGHUP has them looked at once.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The certificate that is shown, and where it comes from.
pub(crate) struct Certificate {
    files: Files,
    shown: Mutex<Shown>,
    /// When it ends, in seconds since 1970.
    ends: AtomicI64,
    reloads: AtomicU64,
    failures: AtomicU64,
}

/// The two files, and whether they are ours to make.
struct Files {
    cert: PathBuf,
    key: PathBuf,
    own: bool,
}

struct Shown {
    config: Arc<ServerConfig>,
    /// What the files looked like when they were last read, well or not.
    seen: Seen,
    /// Who shows it, under which protocol.
    to: Vec<(Tls, &'static str)>,
}

/// Size, time and inode of both files.
type Seen = [Option<(u64, i64, i64, u64)>; 2];

impl Certificate {
    /// The certificate that the settings name, or the one for this machine, made if need be.
    pub(crate) fn load(
        settings: &TlsSettings,
        data_dir: &Path,
        now: Millis,
    ) -> anyhow::Result<Arc<Self>> {
        let files = Files::of(settings, data_dir);
        files.renew(now)?;
        let seen = files.look();
        let (config, ends) = files.read()?;
        let shown = Mutex::new(Shown { config, seen, to: Vec::new() });
        let certificate = Self {
            files,
            shown,
            ends: ends.into(),
            reloads: AtomicU64::default(),
            failures: AtomicU64::default(),
        };
        certificate.warn_of_the_end(now);
        Ok(Arc::new(certificate))
    }

    /// TLS with whatever certificate is shown at a time, for clients that speak `protocol` or do
    /// not say what they speak.
    pub(crate) fn tls(&self, protocol: &'static str) -> Tls {
        let mut shown = self.shown.lock();
        let tls = Tls::new(with_alpn(&shown.config, protocol));
        shown.to.push((tls.clone(), protocol));
        tls
    }

    /// Looks after the files until `stop` changes.
    pub(crate) async fn look_after(
        self: Arc<Self>,
        clock: Arc<dyn Clock>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut hangup = signal(SignalKind::hangup()).ok();
        loop {
            let told = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            // All three may be dropped at any await: a signal that came is kept until received.
            let again = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                _ = told => true,
                _ = stop.changed() => return,
            };
            let (this, now) = (self.clone(), clock.wall());
            // Files may lie on something slow.
            let looked = tokio::task::spawn_blocking(move || this.look(now, again)).await;
            if let Err(error) = looked {
                tracing::error!(%error, "looking after the certificate failed");
            }
        }
    }

    /// Shows what is in the files now, if that is new, or `again` whether or not. What is not
    /// usable changes nothing.
    fn look(&self, now: Millis, again: bool) {
        if let Err(error) = self.files.renew(now) {
            tracing::error!(error = format!("{error:#}"), "the certificate could not be renewed");
        }
        let seen = self.files.look();
        let mut shown = self.shown.lock();
        if shown.seen == seen && !again {
            return;
        }
        shown.seen = seen;
        match self.files.read() {
            Ok((config, ends)) => {
                for (tls, protocol) in &shown.to {
                    tls.replace(Some(with_alpn(&config, protocol)));
                }
                shown.config = config;
                drop(shown);
                self.ends.store(ends, Ordering::Relaxed);
                self.reloads.fetch_add(1, Ordering::Relaxed);
                tracing::info!(cert = %self.files.cert.display(), "the certificate was read anew");
                self.warn_of_the_end(now);
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let error = format!("{error:#}");
                tracing::error!(error, "the new certificate is not usable; the old one stays");
            }
        }
    }

    fn warn_of_the_end(&self, now: Millis) {
        let left = self.ends().saturating_sub(now.0 / 1000);
        if left < SOON {
            let days = left.div_euclid(DAY);
            tracing::warn!(days, cert = %self.files.cert.display(), "the certificate ends soon");
        }
    }

    /// When it ends, in seconds since 1970.
    pub(crate) fn ends(&self) -> i64 {
        self.ends.load(Ordering::Relaxed)
    }

    /// How often it was replaced while running.
    pub(crate) fn reloads(&self) -> u64 {
        self.reloads.load(Ordering::Relaxed)
    }

    /// How often new files were not usable.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// What a certificate says, for the doctor.
#[derive(Debug)]
pub(crate) struct Described {
    /// When it ends, in seconds since 1970.
    pub(crate) ends: i64,
    /// The names and addresses that it is for.
    pub(crate) names: Vec<String>,
}

/// Reads the certificate that the settings name, and its key; `None` where the first start makes
/// one. Changes nothing.
pub(crate) fn describe(
    settings: &TlsSettings,
    data_dir: &Path,
) -> anyhow::Result<Option<Described>> {
    use x509_parser::extensions::GeneralName;

    let files = Files::of(settings, data_dir);
    if files.own && !files.cert.exists() {
        return Ok(None);
    }
    let (_, ends) = files.read()?;
    let chain = chain(&files.cert)?;
    let own = chain.first().context("there is no certificate")?;
    let (_, own) = x509_parser::parse_x509_certificate(own).context("the certificate is broken")?;
    let names = own.subject_alternative_name()?.into_iter().flat_map(|it| &it.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    Ok(Some(Described { ends, names: names.collect() }))
}

impl Files {
    fn of(settings: &TlsSettings, data_dir: &Path) -> Self {
        match (&settings.cert.0, &settings.key.0) {
            (Some(cert), Some(key)) => Self { cert: cert.clone(), key: key.clone(), own: false },
            _ => {
                let (cert, key) = (data_dir.join(OWN_CERT), data_dir.join(OWN_KEY));
                Self { cert, key, own: true }
            }
        }
    }

    fn look(&self) -> Seen {
        [&self.cert, &self.key].map(|file| {
            // Through links, which is how certificates are often swapped.
            let it = fs::metadata(file).ok()?;
            Some((it.size(), it.mtime(), it.mtime_nsec(), it.ino()))
        })
    }

    /// Makes the certificate for this machine if there is none, or its end is near.
    fn renew(&self, now: Millis) -> anyhow::Result<()> {
        if !self.own {
            return Ok(());
        }
        if self.cert.exists() && self.key.exists() {
            let soon = now.0 / 1000 + SOON;
            // One that cannot be read is not ours to overwrite; reading it says what is wrong.
            if chain(&self.cert).and_then(|it| end_of(&it)).map_or(i64::MAX, |end| end) > soon {
                return Ok(());
            }
            tracing::info!("the certificate for this machine ends soon; here is the next one");
        }
        let names = OWN_NAMES.map(str::to_owned).to_vec();
        let mut wanted = rcgen::CertificateParams::new(names)?;
        let day = |days: i64| -> anyhow::Result<_> {
            let date = jiff::Timestamp::from_millisecond(now.0 + days * DAY * 1000)?;
            let date = date.to_zoned(jiff::tz::TimeZone::UTC).date();
            let part = |n: i8| u8::try_from(n).unwrap_or(1);
            Ok(rcgen::date_time_ymd(date.year().into(), part(date.month()), part(date.day())))
        };
        (wanted.not_before, wanted.not_after) = (day(-1)?, day(OWN_DAYS)?);
        let key = rcgen::KeyPair::generate()?;
        let cert =
            wanted.self_signed(&key).context("cannot make a certificate for this machine")?;
        write_private(&self.key, key.serialize_pem().as_bytes())?;
        write_private(&self.cert, cert.pem().as_bytes())
    }

    fn read(&self) -> anyhow::Result<(Arc<ServerConfig>, i64)> {
        let mend = match self.own {
            true => "remove it and its neighbour, and the next start makes new ones",
            false => "see [tls] in the settings",
        };
        read(&self.cert, &self.key).with_context(|| {
            format!(
                "the certificate {} with the key {} is not usable ({mend})",
                self.cert.display(),
                self.key.display()
            )
        })
    }
}

/// The certificate and key in these files, as rustls takes them, and when the certificate ends.
fn read(cert: &Path, key: &Path) -> anyhow::Result<(Arc<ServerConfig>, i64)> {
    let chain = chain(cert)?;
    let ends = end_of(&chain)?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("in {}", key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok((Arc::new(config), ends))
}

/// The certificates of a PEM file, the server's own first.
fn chain(cert: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("in {}", cert.display()))?;
    anyhow::ensure!(!chain.is_empty(), "{} holds no PEM certificate", cert.display());
    Ok(chain)
}

/// When the first of a chain ends, in seconds since 1970.
fn end_of(chain: &[CertificateDer<'_>]) -> anyhow::Result<i64> {
    let own = chain.first().context("there is no certificate")?;
    let (_, own) = x509_parser::parse_x509_certificate(own).context("the certificate is broken")?;
    Ok(own.validity().not_after.timestamp())
}

fn with_alpn(tls: &Arc<ServerConfig>, protocol: &str) -> Arc<ServerConfig> {
    let mut tls = ServerConfig::clone(tls);
    tls.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Arc::new(tls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kind::OptionalPath;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn own(dir: &Path) -> anyhow::Result<Arc<Certificate>> {
        let none = TlsSettings { cert: OptionalPath(None), key: OptionalPath(None) };
        Certificate::load(&none, dir, NOW)
    }

    fn file(dir: &Path) -> Vec<u8> {
        fs::read(dir.join(OWN_CERT)).unwrap()
    }

    #[test]
    fn the_certificate_for_this_machine_is_made_once_and_renewed_before_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let certificate = own(dir.path()).unwrap();
        let first = file(dir.path());
        own(dir.path()).unwrap();
        let in_days = |days: i64| Millis(NOW.0 + days * DAY * 1000);
        certificate.look(in_days(350), false);
        assert_eq!(file(dir.path()), first);
        let ends = certificate.ends();
        assert!((ends - NOW.0 / 1000).abs_diff(OWN_DAYS * DAY) <= DAY.unsigned_abs());

        certificate.look(in_days(370), false);
        assert_ne!(file(dir.path()), first);
        assert_eq!(certificate.reloads(), 1);
        assert!(certificate.ends() >= ends + 360 * DAY);
    }

    #[test]
    fn a_certificate_with_the_wrong_key_is_refused_by_name() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        [&one, &two].iter().for_each(|dir| drop(own(dir.path()).unwrap()));
        let settings = TlsSettings {
            cert: OptionalPath(Some(one.path().join(OWN_CERT))),
            key: OptionalPath(Some(two.path().join(OWN_KEY))),
        };
        let told = Certificate::load(&settings, one.path(), NOW).err().unwrap();
        let told = format!("{told:#}");
        assert!(told.contains(OWN_CERT) && told.contains("[tls]"), "{told}");
    }

    #[test]
    fn broken_new_files_change_nothing_and_are_counted_once() {
        let dir = tempfile::tempdir().unwrap();
        let certificate = own(dir.path()).unwrap();
        let before = certificate.ends();
        fs::write(dir.path().join(OWN_CERT), "broken").unwrap();
        certificate.look(NOW, false);
        certificate.look(NOW, false);
        let counted = (certificate.reloads(), certificate.failures(), certificate.ends());
        assert_eq!(counted, (0, 1, before));
        certificate.look(NOW, true);
        assert_eq!(certificate.failures(), 2, "asked for by SIGHUP");
    }
}
