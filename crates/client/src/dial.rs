//! From an address to a link: TCP, then TLS and WebSocket where the address asks for them.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use futures_util::future::BoxFuture;
use http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use crate::{
    connection::{Connection, Io},
    endpoint::{Endpoint, Scheme},
};

/// Makes links. [`Gateway`] is the usual one; tests and tunnels bring their own.
pub trait Dial: Send + Sync + 'static {
    /// A fresh link, ready for its first frame.
    fn dial(&self) -> BoxFuture<'_, io::Result<Connection>>;
}

/// Which certificates are believed.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Those that lead to a root of the operating system's.
    #[default]
    System,
    /// Those in this PEM file, and those that lead to one of them: for self-signed ones.
    File(PathBuf),
}

/// One gateway, and how to reach it.
#[derive(Clone)]
pub struct Gateway {
    endpoint: Endpoint,
    tls: Option<TlsConnector>,
    source: Option<IpAddr>,
}

impl Gateway {
    /// A gateway at `endpoint`.
    ///
    /// # Errors
    /// The certificates to trust cannot be read, where the address asks for TLS.
    pub fn new(endpoint: Endpoint, trust: &Trust) -> io::Result<Self> {
        let tls = endpoint.scheme.is_secure().then(|| connector(trust)).transpose()?;
        Ok(Self { endpoint, tls, source: None })
    }

    /// The same, dialled from this local address: one address pair has only some 28,000 ports.
    #[must_use]
    pub fn from_source(&self, source: IpAddr) -> Self {
        Self { source: Some(source), ..self.clone() }
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    async fn connect(&self) -> io::Result<Connection> {
        let tcp = self.tcp().await?;
        tcp.set_nodelay(true)?;
        let stream: Box<dyn Io> = match &self.tls {
            Some(connector) => {
                let name = ServerName::try_from(self.endpoint.host.clone())
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                Box::new(connector.connect(name, tcp).await?)
            }
            None if self.endpoint.scheme == Scheme::Tcp => return Ok(Connection::tcp(tcp)),
            None => Box::new(tcp),
        };
        if self.endpoint.scheme == Scheme::Tls {
            return Ok(Connection::stream(stream));
        }
        let subprotocol = HeaderValue::from_static(anser_wire::SUBPROTOCOL);
        let (messages, _) = tokio_websockets::ClientBuilder::new()
            .uri(&self.endpoint.to_string())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?
            .add_header(SEC_WEBSOCKET_PROTOCOL, subprotocol)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?
            .connect_on(stream)
            .await
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Connection::messages(messages))
    }

    async fn tcp(&self) -> io::Result<TcpStream> {
        let Endpoint { host, port, .. } = &self.endpoint;
        let Some(source) = self.source else {
            return TcpStream::connect((host.as_str(), *port)).await;
        };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for to in lookup_host((host.as_str(), *port)).await? {
            if to.is_ipv4() != source.is_ipv4() {
                continue;
            }
            let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.bind(SocketAddr::new(source, 0))?;
            match socket.connect(to).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Dial for Gateway {
    fn dial(&self) -> BoxFuture<'_, io::Result<Connection>> {
        Box::pin(self.connect())
    }
}

fn connector(trust: &Trust) -> io::Result<TlsConnector> {
    let invalid = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        Trust::File(path) => {
            let bytes = std::fs::read(path).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })?;
            for certificate in CertificateDer::pem_slice_iter(&bytes) {
                let certificate = certificate.map_err(|error| {
                    let text = format!("{}: {error:?}", path.display());
                    io::Error::new(io::ErrorKind::InvalidData, text)
                })?;
                roots.add(certificate).map_err(invalid)?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(invalid)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
