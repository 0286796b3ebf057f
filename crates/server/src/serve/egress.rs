//! What the server has to do with servers of others: the guarded client, and the push services
//! that there are keys for.

use std::{fs, path::Path, sync::Arc};

use anser_domain::{Clock, Secret, WebhookTarget};
use anser_egress::{
    Apns, ApnsConfig, Fcm, FcmConfig, Gateways, Guard, Http, PushHook, PushHookConfig, Roots,
    SendHook, SignedWebhooks, VapidKey, WebPush, WebPushConfig,
};
use anser_sm::Outside;
use anyhow::Context as _;

use crate::{config::Config, data_dir::write_private};

/// The key for Web Push that is made when none is given.
const VAPID: &str = "vapid.pem";

/// The ports that the configuration has something behind.
pub(super) fn outside(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Outside> {
    let asks = !config.before_send.url.is_empty();
    let pushes = config.push_apns.key.0.is_some()
        || config.push_fcm.account.0.is_some()
        || !config.push_web.contact.is_empty()
        || !config.push_webhook.url.is_empty();
    let http = match http(config) {
        Ok(http) => http,
        // A machine without certificate authorities is fit for everything else.
        Err(error) if !pushes && !asks => {
            tracing::warn!(error = format!("{error:#}"), "webhooks cannot be told");
            return Ok(Outside::default());
        }
        Err(error) => return Err(error),
    };
    let webhooks = Some(Arc::new(SignedWebhooks::new(http.clone(), clock.clone())) as _);
    let push = match pushes {
        true => Some(Arc::new(gateways(config, &http, clock)?) as _),
        false => None,
    };
    let before_send = asks.then(|| {
        let app = &config.before_send;
        let target = WebhookTarget { url: app.url.as_str().into(), secrets: secrets(&app.secrets) };
        Arc::new(SendHook::new(http.clone(), clock.clone(), target)) as _
    });
    Ok(Outside { push, webhooks, before_send, words: None })
}

/// The client that everything goes through.
fn http(config: &Config) -> anyhow::Result<Http> {
    let roots = match &config.egress.ca.0 {
        Some(path) => Roots::from_pem(&read(path)?).context("[egress] ca")?,
        None => Roots::default(),
    };
    Ok(Http::new(Guard::new(config.egress.allow.clone()), &roots)?)
}

fn gateways(config: &Config, http: &Http, clock: &Arc<dyn Clock>) -> anyhow::Result<Gateways> {
    let mut gateways = Gateways::default();
    let apns = &config.push_apns;
    if let Some(key) = &apns.key.0 {
        let config = ApnsConfig {
            key: read(key)?,
            key_id: apns.key_id.clone(),
            team_id: apns.team_id.clone(),
            topics: apns.apps.clone(),
            url: apns.url.clone(),
            sandbox_url: apns.sandbox_url.clone(),
        };
        gateways.apns =
            Some(Apns::new(http.clone(), clock.clone(), config).context("[push_apns] key")?);
    }
    let fcm = &config.push_fcm;
    if let Some(account) = &fcm.account.0 {
        let config = FcmConfig { account: read(account)?, url: fcm.url.clone() };
        gateways.fcm =
            Some(Fcm::new(http.clone(), clock.clone(), config).context("[push_fcm] account")?);
    }
    if !config.push_web.contact.is_empty() {
        let key = vapid(config)?;
        tracing::info!(key = key.public(), "web pages subscribe with this applicationServerKey");
        let config = WebPushConfig { key, contact: config.push_web.contact.clone() };
        gateways.web =
            Some(WebPush::new(http.clone(), clock.clone(), config).context("[push_web] key")?);
    }
    let hook = &config.push_webhook;
    if !hook.url.is_empty() {
        let secrets = secrets(&hook.secrets);
        let config = PushHookConfig { url: hook.url.clone(), secrets };
        gateways.webhook = Some(PushHook::new(http.clone(), clock.clone(), config));
    }
    Ok(gateways)
}

/// The key for Web Push: the one that is named, or one that the first start makes.
fn vapid(config: &Config) -> anyhow::Result<VapidKey> {
    let path = match &config.push_web.key.0 {
        Some(path) => path.clone(),
        None => {
            let path = config.server.data_dir.join(VAPID);
            if !path.exists() {
                write_private(&path, VapidKey::generate()?.as_bytes())?;
            }
            path
        }
    };
    VapidKey::from_pem(&read(&path)?).with_context(|| path.display().to_string())
}

fn secrets(texts: &[String]) -> Vec<Secret> {
    texts.iter().map(|it| Secret::new(it.as_str())).collect()
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
