//! Protocols as values: a state machine without IO, clock or task.
//!
//! The driver in `cm` owns the socket, the timer and the lock. It hands a session what arrived
//! and the time; the session answers by filling its [`Turn`]. Nothing in a turn takes effect
//! until the call returns: first the asks are submitted, then the bytes are written, then the
//! link is upgraded or closed.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    ask::Tag,
    command::Command,
    event::Event,
    id::{Millis, SyncToken},
    outbox::Outbox,
    refusal::Refusal,
    reply::Reply,
};

/// One link's protocol.
pub trait Session: Send {
    /// The link is up. Sessions that speak first, or set a deadline, do it here.
    fn open(&mut self, link: &LinkInfo, turn: &mut Turn<'_>);

    /// Bytes from the peer, following those that were consumed before. Returns how many were
    /// consumed; the driver keeps the rest and hands it over again, with more behind it.
    ///
    /// On a transport with messages (WebSocket), `bytes` is exactly one message; a session
    /// whose unit is the message must consume all of it or fault.
    ///
    /// # Errors
    /// A [`Fault`] ends the link. The session has already written what its protocol says on
    /// such an occasion into `turn.out`; the driver flushes it and closes.
    fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Result<usize, Fault>;

    /// Anything else that happens to a link.
    ///
    /// # Errors
    /// As [`receive`](Session::receive).
    fn handle(&mut self, input: Input<'_>, turn: &mut Turn<'_>) -> Result<(), Fault>;

    /// How many more log entries the peer is willing to take now: native credit, MQTT receive
    /// maximum, XMPP's bound on unacknowledged stanzas. At 0 the driver holds entries back
    /// without losing them, and asks again after each input.
    fn credit(&self) -> u32;
}

/// What happens to a link beside bytes.
#[derive(Debug)]
pub enum Input<'a> {
    /// The answer to an earlier ask; or, under [`Tag::FEED`], a further page of
    /// [`Changes`](crate::Changes) that the driver asked for on the link's behalf.
    Reply(Tag, &'a Reply),
    /// Something the SM says. Log entries come gapless and in order per conversation.
    Event(&'a Event),
    /// The deadline that was set with [`Turn::wake_at`] has passed.
    Timeout,
    /// The handshake that [`Upgrade::Tls`] asked for is done.
    TlsUp(&'a TlsInfo),
    /// Everything that the device had missed up to this token has been handed over before this
    /// input: a client that keeps its own copy may log in with it next time.
    Synced(SyncToken),
    /// Everything written so far has left for the socket after the link had been blocked.
    Writable,
    /// This device's link is taken from it: say why and close.
    Evict(&'a Refusal),
    /// The process is stopping. Tell the peer to come back after about `retry_after`, take no
    /// new work, and close once what was asked is answered.
    Drain {
        /// Spread over the links, so that they do not come back at once.
        retry_after: Duration,
    },
}

/// What a session knows of its link when it opens.
#[derive(Clone, Debug)]
pub struct LinkInfo {
    /// The far end, behind proxies that said whom they speak for.
    pub remote: SocketAddr,
    /// What carries the bytes.
    pub transport: Transport,
    /// Set when TLS came first; STARTTLS arrives later, as [`Input::TlsUp`].
    pub tls: Option<TlsInfo>,
    /// Whether plaintext passwords may be taken: under TLS, here or up to a proxy that is believed,
    /// or from loopback, unless a proxy header says that the peer is really elsewhere.
    pub trusted_path: bool,
}

/// What carries a link's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A stream without boundaries: TCP or TLS.
    Stream,
    /// Messages: WebSocket.
    WebSocket,
}

/// A finished TLS handshake.
#[derive(Clone, Debug, Default)]
pub struct TlsInfo {
    /// What ALPN agreed on.
    pub alpn: Option<Vec<u8>>,
    /// RFC 9266 `tls-exporter` keying material, for channel binding.
    pub exporter: Option<[u8; 32]>,
    /// The name the client asked for.
    pub server_name: Option<String>,
}

/// What a session says in one call. `A` is what it asks.
pub struct Turn<'a, A = Command> {
    /// Now, for deadlines.
    pub now: Instant,
    /// Now on the wall clock, for what is told to peers or compared with a stamp.
    pub wall: Millis,
    /// Bytes for the peer.
    pub out: &'a mut Outbox,
    /// Questions for the SM, in order.
    pub asks: &'a mut Vec<(Tag, A)>,
    /// What the session wants of the driver. Kept between turns.
    pub wish: &'a mut Wish,
}

impl<A> Turn<'_, A> {
    /// Asks the SM. The answer comes back as [`Input::Reply`] with the same tag.
    pub fn ask(&mut self, tag: Tag, command: A) {
        self.asks.push((tag, command));
    }

    /// Sets, moves or clears the one deadline. It may be reported up to a second late.
    pub fn wake_at(&mut self, deadline: Option<Instant>) {
        self.wish.wake_at = deadline;
    }

    /// Stops reading from the peer until [`resume_read`](Turn::resume_read).
    pub fn pause_read(&mut self) {
        self.wish.read_paused = true;
    }

    /// Reads from the peer again.
    pub fn resume_read(&mut self) {
        self.wish.read_paused = false;
    }

    /// Changes the transport after what is in `out` has been written. Bytes the peer sent
    /// before its side of the handshake and that were not consumed are dropped (RFC 6120
    /// §5.4.3.3: nothing from before TLS may count after it).
    pub fn upgrade(&mut self, upgrade: Upgrade) {
        self.wish.upgrade = Some(upgrade);
    }

    /// Ends the link.
    pub fn close(&mut self, close: Close) {
        self.wish.close = Some(close);
    }
}

/// What a session wants of its driver.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The deadline.
    pub wake_at: Option<Instant>,
    /// Whether reading is paused.
    pub read_paused: bool,
    /// A transport change, taken by the driver when it makes it.
    pub upgrade: Option<Upgrade>,
    /// The end, taken by the driver when it comes.
    pub close: Option<Close>,
}

/// A change of transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// A TLS handshake as the server (STARTTLS).
    Tls,
    /// DEFLATE in both directions (XEP-0138).
    Deflate,
}

/// How a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Write what is waiting, then close; give up after a few seconds.
    Flush,
    /// Close now.
    Abort,
}

/// A peer's mistake that ends its link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes that are not the protocol.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The protocol, but not what it allows here.
    #[error("misbehaved: {0}")]
    Misbehaved(&'static str),
    /// The peer asked for nothing wrong and has to go all the same, such as a login refused.
    #[error("refused: {0}")]
    Refused(Refusal),
}
