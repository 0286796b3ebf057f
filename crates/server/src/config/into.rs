//! Settings as the parts of the server take them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anser_domain::Clock;
use anser_web::{HttpMetrics, Registration};

use super::{keys::Config, kind::Size};

/// What names a database file in `[store] url`.
const SQLITE: &str = "sqlite:";

/// What names a bucket in `[files] url`.
const S3: &str = "s3://";

/// Room for a frame's header before its body.
const FRAME_HEADER: usize = 64;

/// How much longer the connection manager waits for a login than the session does: timers may be
/// a second late, and the session is to say why before the link closes.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Config {
    /// The database file, if it is one. A relative path starts at the data directory.
    pub(crate) fn database(&self) -> Option<PathBuf> {
        let path = self.store.url.strip_prefix(SQLITE)?;
        Some(Path::new(&self.server.data_dir).join(path))
    }

    /// The store's URL, with a file's path in full.
    pub(crate) fn store_url(&self) -> String {
        match self.database() {
            Some(path) => format!("{SQLITE}{}", path.display()),
            None => self.store.url.clone(),
        }
    }

    /// What the session manager takes.
    pub(crate) fn sm(&self) -> anser_sm::Config {
        anser_sm::Config {
            access_ttl: self.auth.access_token,
            ticket_ttl: self.auth.ticket,
            scram_iterations: self.auth.scram_iterations,
            registration_open: self.auth.registration,
            recall_window: self.messages.recall,
            edit_window: self.messages.edit,
            mention_all_up_to: usize::try_from(self.messages.mention_all_up_to)
                .unwrap_or(usize::MAX),
            receipts_up_to: usize::try_from(self.messages.receipts_up_to).unwrap_or(usize::MAX),
            consent: self.groups.consent,
            rates: anser_sm::Rates {
                sends: self.limits.sends.0,
                conversation: self.limits.conversation.0,
                calls: self.limits.calls.0,
            },
            who_may_write: self.policy.who_may_write,
            notice_sender: self.policy.notice_sender.clone(),
            max_text: self.limits.text.0,
            max_data: self.limits.data.0,
            push: anser_sm::PushPolicy {
                body: self.push.body,
                mentions_break_mute: self.push.mentions,
                gather: self.push.gather,
                expire: self.push.expire,
            },
            before_send: anser_sm::BeforeSendPolicy {
                within: self.before_send.within,
                unanswered: self.before_send.unanswered,
                at_once: usize::try_from(self.before_send.at_once).unwrap_or(usize::MAX),
                failures: self.before_send.failures,
                rest: self.before_send.rest,
            },
            files: self.file_policy(),
            ..anser_sm::Config::default()
        }
    }

    fn file_policy(&self) -> anser_sm::FilePolicy {
        let bytes = |size: Size| u64::try_from(size.0).unwrap_or(u64::MAX);
        anser_sm::FilePolicy {
            max_size: bytes(self.files.size),
            quota: bytes(self.files.quota),
            max_files: self.files.count,
            unfinished: self.files.unfinished,
            keep: self.files.keep_days.0,
            types: self.files.types.clone(),
            ..anser_sm::FilePolicy::default()
        }
    }

    /// Where files are kept. A relative path starts at the data directory.
    pub(crate) fn blobs(&self) -> anser_blobs::Place {
        let files = &self.files;
        if !files.url.starts_with(S3) {
            return anser_blobs::Place::Directory(self.server.data_dir.join(&files.url));
        }
        anser_blobs::Place::S3(anser_blobs::S3 {
            url: files.url.clone(),
            endpoint: files.endpoint.clone(),
            region: files.region.clone(),
            key: files.access_key.clone(),
            secret: files.secret_key.clone(),
        })
    }

    /// What the connection manager takes.
    pub(crate) fn cm(&self) -> anser_cm::Limits {
        let defaults = anser_cm::Limits::default();
        anser_cm::Limits {
            max_links: usize::try_from(self.limits.links).unwrap_or(usize::MAX),
            login_within: self.limits.login.saturating_add(LAST_WORDS),
            frame: self.limits.frame.0.saturating_add(FRAME_HEADER),
            mailbox: self.limits.mailbox.0,
            // Typing and presence go first, long before anything else has to wait.
            shed_above: self.limits.mailbox.0 / 4,
            ..defaults
        }
    }

    /// What connections pass first. As many as may come are told when they come too fast.
    pub(crate) fn entrance(&self, tls: anser_cm::Tls, clock: Arc<dyn Clock>) -> anser_cm::Door {
        let pace = || Arc::new(anser_pace::Pace::new(self.limits.connections.0, clock.clone()));
        let proxies = self.proxy.trusted.clone().into();
        anser_cm::Door { tls, proxies, pace: pace(), told: Some(pace()) }
    }

    /// What sessions of the native protocol take.
    pub(crate) fn wire(&self) -> anser_wire::Limits {
        let defaults = anser_wire::Limits::default();
        anser_wire::Limits {
            max_frame: self.limits.frame.0,
            login_deadline: self.limits.login,
            heartbeat: self.limits.heartbeat,
            heartbeat_min: defaults.heartbeat_min.min(self.limits.heartbeat),
            heartbeat_max: defaults.heartbeat_max.max(self.limits.heartbeat),
            // Before the links that remain are cut off.
            drain_deadline: self.limits.drain / 2,
            ..defaults
        }
    }

    /// Names that this server is reached by, beside those that are always taken.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let domain = std::iter::once(self.server.domain.clone());
        self.web.hosts.iter().cloned().chain(domain).collect()
    }

    /// What the REST tier takes.
    pub(crate) fn web(
        &self,
        gateways: anser_web::Gateways,
        blobs: anser_blobs::Blobs,
        metrics: HttpMetrics,
    ) -> anser_web::Config {
        anser_web::Config {
            allowed_hosts: self.hosts(),
            allowed_origins: self.web.origins.clone(),
            registration: if self.auth.registration {
                Registration::Open
            } else {
                Registration::Closed
            },
            gateways,
            trusted_proxies: self.web.trusted_proxies.clone(),
            blobs,
            rates: anser_web::Rates {
                logins: self.limits.logins.0,
                anonymous: self.limits.anonymous.0,
            },
            metrics,
        }
    }
}
