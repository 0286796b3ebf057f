//! Accepting sockets, steadily: whatever goes wrong with one costs the others nothing.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anser_domain::Transport;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use super::door::Door;
use crate::{Cm, SessionFactory, cm::Opening};

/// Connections the kernel completes before we accept them: room for everyone coming back after
/// a restart. The kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;
/// The pause after an error that only time mends, such as too many open files.
const BACK_OFF: Duration = Duration::from_millis(200);
/// Sockets above `max_links` that are still told why; those beyond are dropped.
const POLITE: u64 = 256;

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
}

impl Listener {
    /// Listens on `addr`; port 0 takes a free one.
    ///
    /// # Errors
    /// The socket's, such as an address in use.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        Self::bind_as(addr, false)
    }

    /// Listens on `addr` beside other processes of the same user that do so too
    /// (SO_REUSEPORT): the kernel spreads links over them.
    ///
    /// # Errors
    /// The socket's, such as an address in use by someone who does not share it.
    pub fn bind_shared(addr: SocketAddr) -> io::Result<Self> {
        Self::bind_as(addr, true)
    }

    fn bind_as(addr: SocketAddr, shared: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(shared)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self { listener: TcpListener::from_std(socket.into())? })
    }

    /// A socket that listens already, such as one whose port is not to be shared.
    ///
    /// # Errors
    /// The socket's.
    pub fn adopt(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener: TcpListener::from_std(listener)? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection. Errors are waited out, and logged once per spell.
    pub async fn accept(&self) -> (TcpStream, SocketAddr) {
        let mut failing = false;
        loop {
            match self.listener.accept().await {
                Ok((stream, remote)) => {
                    // Batches are ours to make; the kernel is not to wait for more.
                    let _ = SockRef::from(&stream).set_tcp_nodelay(true);
                    return (stream, remote);
                }
                // The peer gave up before we came to it.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "cannot accept connections; trying on");
                    }
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }
}

impl Cm {
    /// Takes links from `listener` until the process drains. `sessions` makes the session of
    /// each.
    pub async fn listen(self: Arc<Self>, listener: Listener, door: Door, sessions: SessionFactory) {
        let mut stopping = self.stopping.subscribe();
        loop {
            // Both branches are cancel-safe: `accept` holds nothing between its awaits, and
            // `wait_for` only looks.
            let (stream, remote) = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            if self.crowd() > self.limits.max_links as u64 + POLITE {
                self.stats.refused.up();
                continue;
            }
            let arriving = Arriving::new(self.clone());
            let (door, sessions) = (door.clone(), sessions.clone());
            // Its own task, so that what a handshake needs is gone when the link is up.
            tokio::spawn(async move {
                let cm = &arriving.0;
                let login_by = cm.clock.now() + cm.limits.login_within;
                match door.enter(stream, remote, cm.limits.login_within).await {
                    Ok((io, arrival)) => {
                        let info = Cm::link_info(arrival, Transport::Stream);
                        let session = sessions(&info);
                        let (tls, ws, leftover) = (door.tls, None, Vec::new());
                        cm.begin(Opening { io, info, session, tls, login_by, ws, leftover });
                    }
                    Err(error) => {
                        cm.stats.refused.up();
                        tracing::debug!(%remote, %error, "handshake failed");
                    }
                }
            });
        }
    }

    /// Links, and those who would be.
    fn crowd(&self) -> u64 {
        self.stats.links.read() + self.stats.arriving.read()
    }
}

/// A socket between being accepted and being a link.
struct Arriving(Arc<Cm>);

impl Arriving {
    fn new(cm: Arc<Cm>) -> Self {
        cm.stats.arriving.up();
        Self(cm)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.0.stats.arriving.down();
    }
}
