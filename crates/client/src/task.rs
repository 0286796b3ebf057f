//! The task behind a [`Client`](crate::Client): keeps one link up and pumps it through the
//! [`Machine`]. Decides when to come back, and when not to.

use std::{io, sync::Arc, time::Duration};

use anser_domain::{Address, Outgoing, Secret};
use anser_wire::{
    codec,
    frame::{Answer, Call},
};
use futures_util::future::{BoxFuture, OptionFuture};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    backoff::Backoff,
    connection::Connection,
    dial::Dial,
    error::{ConnectError, Failed, Refused},
    event::{Event, Stop, Taken},
    machine::{Down, Machine, Opening},
    model::Stored,
    token::{TokenError, TokenSource},
};

/// How long reaching the gateway may take.
const DIAL: Duration = Duration::from_secs(10);
/// How long the login may take on a link that is there.
const LOGIN: Duration = Duration::from_secs(15);
/// How long acknowledgements are gathered before they are written on their own.
const ACK_DELAY: Duration = Duration::from_millis(50);
/// Silence above the heartbeat interval after which the link is taken for dead.
const GRACE: Duration = Duration::from_secs(15);
/// How long a closing client waits for answers to its sends.
const CLOSE: Duration = Duration::from_secs(5);
/// Wishes taken at once, so that they leave in one write.
const BATCH: usize = 256;

/// What the app wants.
pub(crate) enum Wish {
    Send(Box<Outgoing>, oneshot::Sender<Result<Stored, Failed>>),
    Call(Call, oneshot::Sender<Result<Answer, Failed>>),
    Typing(Address, bool),
    Reconnect,
    Close(oneshot::Sender<()>),
}

/// Why there is no link.
#[derive(Debug)]
pub(crate) enum Outage {
    Io(io::Error),
    Down(Down),
    Token(TokenError),
    /// The app wants no more.
    Closed,
}

impl From<Outage> for ConnectError {
    fn from(outage: Outage) -> Self {
        match outage {
            Outage::Io(error) => Self::Io(error),
            Outage::Down(Down::Refused(refused) | Down::GoAway { refused, .. }) => {
                Self::Refused(refused)
            }
            Outage::Down(Down::Odd(text)) => {
                Self::Io(io::Error::new(io::ErrorKind::InvalidData, text))
            }
            Outage::Token(error) => Self::Token(error.to_string()),
            Outage::Closed => Self::Io(io::ErrorKind::Interrupted.into()),
        }
    }
}

/// What to do about an outage.
#[derive(Debug, PartialEq)]
enum Next {
    Retry {
        at_least: Option<Duration>,
        reason: String,
    },
    /// The ticket is no good; the token may be.
    RetryNow,
    Stop(Stop),
}

/// The rule: what follows from an outage, given whether a ticket had been shown.
fn next(outage: Outage, with_ticket: bool) -> Next {
    let refused = |refused: Refused, come_back: bool| {
        if refused.wants_token() && with_ticket {
            Next::RetryNow
        } else if refused.is_final() || refused.wants_token() || !come_back {
            Next::Stop(Stop::Refused(refused))
        } else {
            Next::Retry { at_least: refused.retry_after(), reason: refused.to_string() }
        }
    };
    match outage {
        Outage::Io(error) => {
            let reason = match error.kind() {
                io::ErrorKind::UnexpectedEof => "the server closed the link".to_owned(),
                _ => error.to_string(),
            };
            Next::Retry { at_least: None, reason }
        }
        Outage::Down(Down::Refused(why)) => refused(why, true),
        Outage::Down(Down::GoAway { refused: why, may_reconnect }) => refused(why, may_reconnect),
        Outage::Down(Down::Odd(text)) => Next::Stop(Stop::Protocol(text)),
        Outage::Token(TokenError::Unavailable(reason)) => Next::Retry { at_least: None, reason },
        Outage::Token(TokenError::Denied(reason)) => Next::Stop(Stop::NoToken(reason)),
        Outage::Closed => Next::Stop(Stop::Closed),
    }
}

pub(crate) struct Task {
    pub(crate) machine: Machine,
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) tokens: Arc<dyn TokenSource>,
    pub(crate) wishes: mpsc::UnboundedReceiver<Wish>,
    pub(crate) taken: Arc<Taken>,
    pub(crate) closing: Option<(Instant, Option<oneshot::Sender<()>>)>,
}

impl Task {
    /// Keeps the client going until it stops.
    pub(crate) async fn run(mut self, mut link: Connection) {
        let mut backoff = Backoff::default();
        let stop = 'links: loop {
            let begun = Instant::now();
            let mut outage = self.pump(&mut link).await;
            self.machine.lost();
            drop(link);
            if begun.elapsed() > GRACE {
                backoff.reset();
            }
            // The link that broke had been accepted: whatever it was opened with was good, and
            // the ticket is newer than that.
            let mut with_ticket = true;
            link = loop {
                match next(outage, with_ticket) {
                    Next::Stop(stop) => break 'links stop,
                    Next::RetryNow => self.machine.drop_ticket(),
                    Next::Retry { at_least, reason } => {
                        let retry_in = backoff.next(rand::random(), at_least);
                        tracing::debug!(%reason, ?retry_in, "link down");
                        self.machine.tell(Event::Unlinked { reason, retry_in });
                        if self.pause(retry_in).await.is_err() {
                            break 'links Stop::Closed;
                        }
                    }
                }
                with_ticket = self.machine.ticket().is_some();
                match self.establish().await {
                    Ok(link) => break link,
                    Err(error) => outage = error,
                }
            };
        };
        self.machine.stop(&stop);
        if let Some((_, Some(done))) = self.closing.take() {
            let _ = done.send(());
        }
    }

    /// Dials and logs in.
    pub(crate) async fn establish(&mut self) -> Result<Connection, Outage> {
        let opening = match self.machine.ticket() {
            Some(ticket) => Opening::Ticket(ticket.clone()),
            None => Opening::Token(self.token().await?),
        };
        let dial = self.dial.clone();
        let dialled = async move { timeout(DIAL, dial.dial()).await };
        let mut link = match self.while_waiting(dialled).await? {
            Ok(Ok(link)) => link,
            Ok(Err(error)) => return Err(Outage::Io(error)),
            Err(_) => return Err(Outage::Io(io::ErrorKind::TimedOut.into())),
        };
        self.machine.open(opening, link.out());
        let deadline = Instant::now() + LOGIN;
        while !self.machine.is_up() {
            tokio::select! {
                // Cancel-safe: what has arrived and was not taken stays in the connection.
                result = turn(&mut link, &mut self.machine) => result?,
                // Cancel-safe: a channel.
                wish = self.wishes.recv() => self.wish(wish, &mut Vec::new())?,
                () = sleep_until(deadline) => {
                    return Err(Outage::Io(io::ErrorKind::TimedOut.into()));
                }
            }
        }
        Ok(link)
    }

    async fn token(&mut self) -> Result<Secret, Outage> {
        let fetch = fetch(&self.tokens);
        self.while_waiting(fetch).await?.map_err(Outage::Token)
    }

    /// Waits, unless the app is impatient.
    async fn pause(&mut self, wait: Duration) -> Result<(), Outage> {
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                wish = self.wishes.recv() => match wish {
                    Some(Wish::Reconnect) => return Ok(()),
                    wish => self.wish(wish, &mut Vec::new())?,
                },
            }
        }
    }

    /// Takes wishes while something without a link goes on.
    async fn while_waiting<T>(&mut self, what: impl Future<Output = T>) -> Result<T, Outage> {
        tokio::pin!(what);
        loop {
            tokio::select! {
                // Cancel-safe: pinned outside the loop.
                done = &mut what => return Ok(done),
                wish = self.wishes.recv() => self.wish(wish, &mut Vec::new())?,
            }
        }
    }

    /// Pumps a link that is up until it breaks.
    async fn pump(&mut self, link: &mut Connection) -> Outage {
        match self.try_pump(link).await {
            Err(outage) => outage,
            Ok(()) => {
                // Acknowledgements first; a peer that does not read does not hold us up.
                self.machine.write_acks(link.out());
                let _ = timeout(Duration::from_secs(1), link.close()).await;
                Outage::Closed
            }
        }
    }

    async fn try_pump(&mut self, link: &mut Connection) -> Result<(), Outage> {
        let mut heard = Instant::now();
        let mut spoke = heard;
        let mut acks_at: Option<Instant> = None;
        let mut fetching: OptionFuture<BoxFuture<'static, Result<Secret, TokenError>>> =
            None.into();
        let mut fetches = false;
        loop {
            self.drain_taken();
            let now = Instant::now();
            if self.machine.take_token_wish() && !fetches {
                fetching = Some(fetch(&self.tokens)).into();
                fetches = true;
            }
            self.machine.write(now.into_std(), link.out());
            if !self.machine.owes_acks() {
                acks_at = None;
            } else if link.backlog() > 0 || acks_at.is_some_and(|at| at <= now) {
                self.machine.write_acks(link.out());
                acks_at = None;
            } else {
                acks_at = acks_at.or(Some(now + ACK_DELAY));
            }
            let heartbeat = self.machine.heartbeat();
            if link.backlog() == 0 && spoke + heartbeat * 3 / 4 <= now {
                Machine::ping(link.out());
            }
            if link.backlog() > 0 {
                spoke = now;
            }
            let dead_at = heard + heartbeat + GRACE;
            if dead_at <= now {
                return Err(Outage::Io(io::ErrorKind::TimedOut.into()));
            }
            let mut wake = dead_at.min(spoke + heartbeat * 3 / 4);
            wake = acks_at.map_or(wake, |at| at.min(wake));
            wake = self.machine.wake_at().map_or(wake, |at| Instant::from_std(at).min(wake));
            if let Some((deadline, _)) = &self.closing {
                if self.machine.unanswered() == 0 || *deadline <= now {
                    return Ok(());
                }
                wake = wake.min(*deadline);
            }
            tokio::select! {
                // Cancel-safe: what has arrived and was not taken stays in the connection, as
                // does what was not written.
                result = turn(link, &mut self.machine) => {
                    result?;
                    heard = Instant::now();
                }
                // Cancel-safe: a channel.
                wish = self.wishes.recv() => {
                    self.wish(wish, link.out())?;
                    for _ in 1..BATCH {
                        let Ok(wish) = self.wishes.try_recv() else { break };
                        self.wish(Some(wish), link.out())?;
                    }
                }
                // Cancel-safe: a permit that is not taken stays.
                () = self.taken.notify.notified() => {}
                // Cancel-safe: polled by reference.
                Some(token) = &mut fetching, if fetches => {
                    fetches = false;
                    match token {
                        Ok(token) => self.machine.refresh(token, link.out()),
                        // The link goes on to its end; then the next one asks again.
                        Err(error) => tracing::warn!(%error, "no fresh token"),
                    }
                }
                () = sleep_until(wake) => {}
            }
        }
    }

    fn drain_taken(&mut self) {
        let taken = std::mem::take(&mut *self.taken.entries.lock());
        for (conv, seq) in taken {
            self.machine.taken(conv, seq);
        }
    }

    fn wish(&mut self, wish: Option<Wish>, out: &mut Vec<u8>) -> Result<(), Outage> {
        match wish {
            Some(Wish::Send(outgoing, reply)) => self.machine.send(outgoing, reply),
            Some(Wish::Call(call, reply)) => self.machine.call(call, reply, out),
            Some(Wish::Typing(at, active)) => self.machine.typing(&at, active, out),
            Some(Wish::Reconnect) => {}
            Some(Wish::Close(done)) => self.close(Some(done))?,
            None => self.close(None)?,
        }
        Ok(())
    }

    fn close(&mut self, done: Option<oneshot::Sender<()>>) -> Result<(), Outage> {
        let deadline = Instant::now() + CLOSE;
        let again = self.closing.replace((deadline, done)).is_some();
        // Without a link nothing can be waited for; without handles nobody would.
        if self.machine.is_up() && !again { Ok(()) } else { Err(Outage::Closed) }
    }
}

/// One turn of a link: writes, then reads at least one frame.
async fn turn(link: &mut Connection, machine: &mut Machine) -> Result<(), Outage> {
    let mut down = None;
    let now = Instant::now().into_std();
    let result = link
        .turn(&mut |bytes, out| {
            let (used, frame) = match codec::read(bytes, machine.max_frame()) {
                Ok(Some(read)) => read,
                Ok(None) => return Ok(0),
                Err(error) => {
                    down = Some(Down::Odd(error.to_string()));
                    return Err(io::ErrorKind::InvalidData.into());
                }
            };
            if let Some(frame) = frame
                && let Err(why) = machine.receive(now, frame, out)
            {
                down = Some(why);
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Ok(used)
        })
        .await;
    match down {
        Some(down) => Err(Outage::Down(down)),
        None => result.map_err(Outage::Io),
    }
}

fn fetch(tokens: &Arc<dyn TokenSource>) -> BoxFuture<'static, Result<Secret, TokenError>> {
    let tokens = tokens.clone();
    Box::pin(async move { tokens.token().await })
}
