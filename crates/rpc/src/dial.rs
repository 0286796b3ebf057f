//! How roles reach each other: mutual TLS off loopback, plain only on it.

use std::net::{IpAddr, SocketAddr};

use tonic::transport::{
    Certificate, Channel, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig,
};

use crate::limits::{CONNECT_WITHIN, PING_EVERY, PING_WITHIN, WINDOW};

/// What each role shows the other, and by what it knows it: PEM.
#[derive(Clone)]
pub struct Credentials {
    /// The authority that signed every role's certificate.
    pub ca: Vec<u8>,
    /// This role's certificate chain.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: Vec<u8>,
    /// The name that every role's certificate bears.
    pub name: String,
}

/// Keys never reach a log.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why a role cannot be reached, or may not be listened for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DialError(pub String);

/// How to reach SMs.
#[derive(Clone, Debug, Default)]
pub struct Dial {
    credentials: Option<Credentials>,
}

impl Dial {
    /// With mutual TLS, or plain where there are no credentials: then only loopback is dialled.
    #[must_use]
    pub fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials }
    }

    pub(crate) async fn connect(&self, sm: &str) -> Result<Channel, DialError> {
        let said = |error: tonic::transport::Error| DialError(chain(&error));
        let scheme = if self.credentials.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{sm}"))
            .map_err(said)?
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_WITHIN)
            .keep_alive_while_idle(true);
        match &self.credentials {
            Some(it) => {
                let tls = ClientTlsConfig::new()
                    .domain_name(&it.name)
                    .ca_certificate(Certificate::from_pem(&it.ca))
                    .identity(Identity::from_pem(&it.certificate, &it.key));
                endpoint = endpoint.tls_config(tls).map_err(said)?;
            }
            None => only_loopback(sm).await?,
        }
        endpoint.connect().await.map_err(said)
    }
}

/// Without TLS, nothing but this machine is spoken to, whatever its name resolves to.
async fn only_loopback(sm: &str) -> Result<(), DialError> {
    let found = tokio::net::lookup_host(sm).await;
    let found: Vec<SocketAddr> = found.map_err(|error| DialError(error.to_string()))?.collect();
    match found.iter().all(|at| is_loopback(at.ip())) {
        true => Ok(()),
        false => Err(DialError(format!(
            "{sm} is another machine, and roles speak to each other there only under mutual TLS; \
             set [cluster] ca, certificate and key"
        ))),
    }
}

pub(crate) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// The same at the listening end.
pub(crate) fn server_tls(it: &Credentials) -> ServerTlsConfig {
    ServerTlsConfig::new()
        .identity(Identity::from_pem(&it.certificate, &it.key))
        .client_ca_root(Certificate::from_pem(&it.ca))
}

/// An error's causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
