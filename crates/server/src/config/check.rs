//! What the kinds of single values cannot see: values that contradict each other, or ask for
//! what this server does not do.

use std::net::SocketAddr;

/// Below this a message with all that may stand around it would not fit (`anser_wire::Limits`).
const LEAST_FRAME: usize = 192 * 1024;

use super::{
    kind::{Discovery, OptionalPath},
    read::{ConfigError, Reading},
};

/// Checks everything together.
pub(super) fn check(reading: &Reading) -> Result<(), ConfigError> {
    domain(reading)?;
    listeners(reading)?;
    cluster(reading)?;
    backends(reading)?;
    limits(reading)?;
    files(reading)?;
    match crate::telemetry::mistake_in(&reading.config.log.level) {
        Some(mistake) => Err(reading.error("log", "level", mistake)),
        None => Ok(()),
    }
}

fn domain(reading: &Reading) -> Result<(), ConfigError> {
    let domain = &reading.config.server.domain;
    let fits = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    if domain.is_empty() || !domain.chars().all(fits) {
        let what = format!("expected a domain such as \"chat.example.org\", found {domain:?}");
        return Err(reading.error("server", "domain", what));
    }
    Ok(())
}

/// Nobody offers passwords to a network by accident: a listener that other machines can reach
/// needs a certificate, or the word that plain is meant (DESIGN promise 10).
fn listeners(reading: &Reading) -> Result<(), ConfigError> {
    let config = &reading.config;
    match (&config.tls.cert.0, &config.tls.key.0) {
        (Some(_), None) => {
            return Err(reading.error("tls", "cert", "needs [tls] key beside it"));
        }
        (None, Some(_)) => {
            return Err(reading.error("tls", "key", "needs [tls] cert beside it"));
        }
        _ => {}
    }
    let listeners = [
        ("http", config.listen.http),
        ("native", config.listen.native),
        ("admin", config.listen.admin),
    ];
    for (key, address) in listeners {
        let reachable = !address.ip().is_loopback();
        if reachable && config.tls.cert.0.is_none() && !config.listen.plaintext {
            let what = format!(
                "other machines can reach {address} without TLS: set [tls] cert and key, or \
                 plaintext = true if that is meant"
            );
            return Err(reading.error("listen", key, what));
        }
    }
    // Never shown to clients, and so without a certificate of theirs.
    same_port(reading, &[&listeners[..], &[("sm", config.listen.sm)]].concat())
}

/// Roles on different machines know each other by certificate, or do not speak.
fn cluster(reading: &Reading) -> Result<(), ConfigError> {
    let config = &reading.config;
    let parts = [
        ("ca", &config.cluster.ca),
        ("certificate", &config.cluster.certificate),
        ("key", &config.cluster.key),
    ];
    let set = |part: &&(&'static str, &OptionalPath)| part.1.0.is_some();
    let missing = parts.iter().find(|part| !set(part));
    if let (Some((there, _)), Some((missing, _))) = (parts.iter().find(set), missing) {
        return Err(reading.error(
            "cluster",
            there,
            format!("needs [cluster] {missing} beside it"),
        ));
    }
    if config.cluster.discovery == Discovery::Redis && !config.routes.url.starts_with("redis") {
        let what = "\"redis\" needs a Redis in [routes] url, where the roles find each other";
        return Err(reading.error("cluster", "discovery", what.to_owned()));
    }
    let sm = config.listen.sm;
    if !sm.ip().is_loopback() && missing.is_some() {
        let what = format!(
            "other machines can reach {sm}, and roles speak to each other there only under mutual \
             TLS: set [cluster] ca, certificate and key"
        );
        return Err(reading.error("listen", "sm", what));
    }
    Ok(())
}

fn same_port(reading: &Reading, all: &[(&str, SocketAddr)]) -> Result<(), ConfigError> {
    for (at, (key, address)) in all.iter().enumerate() {
        let earlier = all.iter().take(at).find(|(_, other)| other == address);
        if let Some((other, _)) = earlier.filter(|_| address.port() != 0) {
            let what = format!("{address} is taken by [listen] {other}; give each its own port");
            return Err(reading.error("listen", key, what));
        }
    }
    Ok(())
}

fn backends(reading: &Reading) -> Result<(), ConfigError> {
    let config = &reading.config;
    anser_store::check(&config.store.url)
        .map_err(|error| reading.error("store", "url", error.to_string()))?;
    anser_store::check_routes(&config.routes.url)
        .map_err(|error| reading.error("routes", "url", error.to_string()))
}

fn files(reading: &Reading) -> Result<(), ConfigError> {
    let files = &reading.config.files;
    let bucket = files.url.strip_prefix("s3://");
    if files.url.is_empty() || bucket.is_some_and(|it| it.is_empty() || it.starts_with('/')) {
        let what = format!("expected a directory or s3://BUCKET/PREFIX, found {:?}", files.url);
        return Err(reading.error("files", "url", what));
    }
    if files.access_key.is_empty() != files.secret_key.is_empty() {
        let what = "the access key and its secret come together";
        return Err(reading.error("files", "access_key", what));
    }
    if files.quota.0 < files.size.0 {
        return Err(reading.error("files", "quota", "has to hold one file of [files] size"));
    }
    Ok(())
}

fn limits(reading: &Reading) -> Result<(), ConfigError> {
    let limits = &reading.config.limits;
    for (key, size) in [("text", limits.text), ("data", limits.data)] {
        if size.0 > anser_wire::MAX_BODY {
            let what =
                format!("at most {} KiB; what is longer is a file", anser_wire::MAX_BODY / 1024);
            return Err(reading.error("limits", key, what));
        }
    }
    if limits.frame.0 < LEAST_FRAME {
        let what = format!("at least {} KiB, or some messages would not fit", LEAST_FRAME / 1024);
        return Err(reading.error("limits", "frame", what));
    }
    if limits.mailbox.0 < limits.frame.0 {
        let what = "has to hold at least one frame of [limits] frame";
        return Err(reading.error("limits", "mailbox", what));
    }
    Ok(())
}
