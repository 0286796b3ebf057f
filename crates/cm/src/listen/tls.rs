//! TLS on the same port as plain: a ClientHello begins with 0x16, and no protocol of ours does.

use std::{fmt, io, sync::Arc};

use anser_domain::TlsInfo;
use parking_lot::RwLock;
use rustls::{ProtocolVersion, ServerConfig, ServerConnection};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::io::Io;

/// The content type of a TLS handshake record (RFC 8446 §5.1).
const HANDSHAKE: u8 = 0x16;

/// The certificate and rules that a listener's TLS uses now. Clones share it, and it can be
/// replaced while links are up; they keep what they began with.
#[derive(Clone, Default)]
pub struct Tls(Arc<RwLock<Option<TlsAcceptor>>>);

impl Tls {
    /// No TLS.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// TLS as `config` says.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>) -> Self {
        let tls = Self::none();
        tls.replace(Some(config));
        tls
    }

    /// From now on, TLS as `config` says.
    pub fn replace(&self, config: Option<Arc<ServerConfig>>) {
        *self.0.write() = config.map(TlsAcceptor::from);
    }

    pub(crate) fn acceptor(&self) -> Option<TlsAcceptor> {
        self.0.read().clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.read().is_some() { "Tls" } else { "Tls(none)" })
    }
}

/// Finds out whether the peer speaks TLS and, if so, shakes hands.
pub(super) async fn secure(stream: TcpStream, tls: &Tls) -> io::Result<(Io, Option<TlsInfo>)> {
    let Some(acceptor) = tls.acceptor() else { return Ok((Io::Tcp(stream), None)) };
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if first != [HANDSHAKE] {
        return Ok((Io::Tcp(stream), None));
    }
    let (io, info) = starttls(acceptor, Io::Tcp(stream)).await?;
    Ok((io, Some(info)))
}

/// A handshake as the server.
pub(crate) async fn starttls(acceptor: TlsAcceptor, io: Io) -> io::Result<(Io, TlsInfo)> {
    match io {
        Io::Tcp(stream) => {
            let stream = acceptor.accept(stream).await?;
            let info = info(stream.get_ref().1);
            Ok((Io::Tls(Box::new(stream)), info))
        }
        Io::Other(stream) => {
            let stream = acceptor.accept(stream).await?;
            let info = info(stream.get_ref().1);
            Ok((Io::Other(Box::new(stream)), info))
        }
        Io::Tls(_) => Err(io::Error::other("TLS within TLS is not offered")),
    }
}

fn info(connection: &ServerConnection) -> TlsInfo {
    // RFC 9266 §4.2: below TLS 1.3 the exporter is unique only with an extension whose use
    // rustls does not report, so there is none.
    let exporter = (connection.protocol_version() == Some(ProtocolVersion::TLSv1_3))
        .then(|| {
            connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok()
        })
        .flatten();
    TlsInfo {
        alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
        exporter,
        server_name: connection.server_name().map(str::to_owned),
    }
}
