//! What a connection passes before it is one: the rate of its address, a proxy's header, TLS.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anser_domain::TlsInfo;
use anser_pace::{Pace, Place};
use ipnet::IpNet;
use tokio::net::TcpStream;

use super::{
    proxy,
    tls::{Tls, secure},
};
use crate::Io;

/// How a listener takes connections.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its certificate.
    pub tls: Tls,
    /// Peers that begin each connection with a PROXY header, and have to.
    pub proxies: Arc<[IpNet]>,
    /// How fast one place may come, over all listeners that share this.
    pub pace: Arc<Pace<Place>>,
    /// How many more may come only to be told that they come too fast, where there are words for
    /// that before anything else was said. Those beyond are closed.
    pub told: Option<Arc<Pace<Place>>>,
}

/// How a connection came.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The far end, behind proxies that said whom they speak for.
    pub remote: SocketAddr,
    /// Set when it is under TLS.
    pub tls: Option<TlsInfo>,
    /// Whether someone in between says, or may be hiding, that the far end is elsewhere.
    pub proxied: bool,
    /// Whether a proxy that is believed says that the far end came to it under TLS.
    pub vouched: bool,
    /// Set when its place comes too fast: for how long it is to stay away. It is to be told so,
    /// and nothing else.
    pub hurried: Option<Duration>,
}

impl Arrival {
    /// Straight from `remote`, in the clear.
    #[must_use]
    pub fn direct(remote: SocketAddr) -> Self {
        Self { remote, tls: None, proxied: false, vouched: false, hurried: None }
    }

    /// Whether nobody between the two ends can read along: TLS, here or up to a proxy that is
    /// believed, or this machine itself.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let here = self.remote.ip().to_canonical().is_loopback() && !self.proxied;
        self.tls.is_some() || self.vouched || here
    }
}

impl Door {
    /// A door with this certificate, without proxies or a rate.
    #[must_use]
    pub fn plain(tls: Tls, clock: Arc<dyn anser_domain::Clock>) -> Self {
        let pace = Arc::new(Pace::new(None, clock));
        Self { tls, proxies: Arc::default(), pace, told: None }
    }

    /// Takes a socket from `peer` through all of it `within` the time.
    ///
    /// # Errors
    /// The socket's, TLS's or the header's; `TimedOut` when the time is up, `QuotaExceeded` when
    /// its place comes too often.
    pub async fn enter(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        within: Duration,
    ) -> io::Result<(Io, Arrival)> {
        tokio::time::timeout(within, self.pass(stream, peer)).await?
    }

    async fn pass(&self, mut stream: TcpStream, peer: SocketAddr) -> io::Result<(Io, Arrival)> {
        let mut arrival = Arrival::direct(peer);
        let address = peer.ip().to_canonical();
        if self.proxies.iter().any(|net| net.contains(&address)) {
            let told = proxy::read(&mut stream).await?;
            arrival.proxied = true;
            arrival.vouched = told.tls;
            arrival.remote = told.client.unwrap_or(peer);
        }
        arrival.hurried = self.keep_pace(arrival.remote.ip())?;
        let (io, tls) = secure(stream, &self.tls).await?;
        arrival.tls = tls;
        Ok((io, arrival))
    }

    fn keep_pace(&self, address: IpAddr) -> io::Result<Option<Duration>> {
        let Some(place) = Place::of(address) else { return Ok(None) };
        let Err(wait) = self.pace.check(&place) else { return Ok(None) };
        match self.told.as_ref().map(|told| told.check(&place)) {
            Some(Ok(())) => Ok(Some(wait)),
            Some(Err(_)) | None => Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                "too many connections from this address",
            )),
        }
    }
}
