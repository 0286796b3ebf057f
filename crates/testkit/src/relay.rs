//! A TCP relay whose links can be cut, delayed and made deaf on one side: what lies between two
//! processes, in the hands of a test.

use std::{io, net::SocketAddr, time::Duration};

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

/// So many pieces of a direction are on their way at most; a sender that is faster waits, as it
/// does for a full window.
const ON_THE_WAY: usize = 256;

/// How the links are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// As they should be.
    #[default]
    Fair,
    /// Everything takes so much longer.
    Slow(Duration),
    /// Each is closed, and so is every new one.
    Cut,
    /// What the dialling side says arrives, and nothing comes back.
    OnlyForth,
    /// The reverse.
    OnlyBack,
}

/// The two directions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Forth,
    Back,
}

impl Weather {
    fn stops(self, way: Way) -> bool {
        matches!((self, way), (Self::OnlyForth, Way::Back) | (Self::OnlyBack, Way::Forth))
    }

    fn delay(self) -> Duration {
        match self {
            Self::Slow(by) => by,
            _ => Duration::ZERO,
        }
    }
}

/// The relay.
pub struct Relay {
    at: SocketAddr,
    to: watch::Sender<SocketAddr>,
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

impl Relay {
    /// A relay to `to`, on a free loopback port.
    ///
    /// # Errors
    /// It cannot listen.
    pub async fn to(to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let at = listener.local_addr()?;
        let (to, weather) = (watch::Sender::new(to), watch::Sender::new(Weather::Fair));
        let task = tokio::spawn(accept(listener, to.subscribe(), weather.subscribe()));
        Ok(Self { at, to, weather, task })
    }

    /// Where to dial.
    #[must_use]
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// New links go there.
    pub fn lead_to(&self, to: SocketAddr) {
        self.to.send_replace(to);
    }

    /// How links are now.
    #[must_use]
    pub fn weather(&self) -> Weather {
        *self.weather.borrow()
    }

    /// From now on, all links are like this.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    to: watch::Receiver<SocketAddr>,
    weather: watch::Receiver<Weather>,
) {
    let mut links = tokio::task::JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while links.try_join_next().is_some() {}
        let (to, mut weather) = (*to.borrow(), weather.clone());
        links.spawn(async move {
            let mut cut = weather.clone();
            // Cancel-safe: whatever was under way is lost with the link.
            tokio::select! {
                _ = cut.wait_for(|it| *it == Weather::Cut) => {}
                _ = link(near, to, &mut weather) => {}
            }
        });
    }
}

async fn link(
    near: TcpStream,
    to: SocketAddr,
    weather: &mut watch::Receiver<Weather>,
) -> io::Result<()> {
    let far = TcpStream::connect(to).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    tokio::try_join!(
        carry(from_near, to_far, Way::Forth, weather.clone()),
        carry(from_far, to_near, Way::Back, weather.clone()),
    )?;
    Ok(())
}

/// Carries one direction until its end; what is delayed is on its way meanwhile.
async fn carry(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    way: Way,
    weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let (leaves, arrives) = mpsc::channel(ON_THE_WAY);
    tokio::try_join!(take(from, leaves, weather.clone()), give(to, arrives, way, weather))?;
    Ok(())
}

async fn take(
    mut from: OwnedReadHalf,
    leaves: mpsc::Sender<(Instant, Bytes)>,
    weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    while from.read_buf(&mut bytes).await? > 0 {
        let due = Instant::now() + weather.borrow().delay();
        if leaves.send((due, bytes.split().freeze())).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn give(
    mut to: OwnedWriteHalf,
    mut arrives: mpsc::Receiver<(Instant, Bytes)>,
    way: Way,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    while let Some((due, bytes)) = arrives.recv().await {
        tokio::time::sleep_until(due).await;
        if weather.wait_for(|it| !it.stops(way)).await.is_err() {
            break;
        }
        to.write_all(&bytes).await?;
    }
    to.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says everything again.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = socket.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        at
    }

    async fn answer(link: &mut TcpStream) -> io::Result<usize> {
        link.write_all(b"honk").await?;
        let mut bytes = [0; 4];
        link.read_exact(&mut bytes).await
    }

    #[tokio::test]
    async fn links_pass_slow_down_go_deaf_and_break_as_they_are_told() {
        let relay = Relay::to(echo().await).await.unwrap();
        let mut link = TcpStream::connect(relay.at()).await.unwrap();
        assert_eq!(answer(&mut link).await.unwrap(), 4);

        relay.set(Weather::Slow(Duration::from_millis(60)));
        let before = Instant::now();
        answer(&mut link).await.unwrap();
        assert!(before.elapsed() >= Duration::from_millis(120), "{:?}", before.elapsed());

        let moment = Duration::from_millis(50);
        for deaf in [Weather::OnlyForth, Weather::OnlyBack] {
            relay.set(deaf);
            let waits = tokio::time::timeout(moment, answer(&mut link)).await;
            assert!(waits.is_err(), "{deaf:?}");
            relay.set(Weather::Fair);
            // What waited arrives now.
            link.read_exact(&mut [0; 4]).await.unwrap();
        }

        relay.set(Weather::Cut);
        assert!(answer(&mut link).await.is_err());
        let mut next = TcpStream::connect(relay.at()).await.unwrap();
        assert!(answer(&mut next).await.is_err());
        relay.set(Weather::Fair);
        let mut next = TcpStream::connect(relay.at()).await.unwrap();
        assert_eq!(answer(&mut next).await.unwrap(), 4);
    }
}
