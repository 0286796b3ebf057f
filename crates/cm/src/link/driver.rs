//! A link's task: the only one that reads and writes its socket.
//!
//! One turn: write what waits, in one call; read into the thread's one buffer; hand everything
//! that was read to the session; submit what it asked; and round again, so that what the turn
//! answered goes out in one write. It sleeps on three things at once — readable, writable, and
//! the outbox's clean → dirty edge — and holds no buffer while it does.

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use anser_domain::{Close, Input, TlsInfo, Upgrade};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    Ending, Link,
    look::Look,
    pass::Pass,
    unsent::{Head, Unsent},
};
use crate::{
    Cm,
    io::Io,
    limits::{READ_BUFFER, READS_PER_POLL},
    listen::{Tls, starttls},
    ws::Ws,
};

thread_local! {
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BUFFER]);
}

type Handshake = Pin<Box<dyn Future<Output = io::Result<(Io, TlsInfo)>> + Send>>;

/// The task.
pub(crate) struct Driver {
    cm: Arc<Cm>,
    link: Arc<Link>,
    io: Io,
    stage: Stage,
    /// What the socket has not taken yet.
    unsent: Option<Box<Unsent>>,
    /// What was read and not consumed: a part of a frame, or everything while paused.
    tail: Vec<u8>,
    /// WebSocket framing, when that carries the link.
    ws: Option<Box<Ws>>,
    /// For STARTTLS.
    tls: Tls,
}

enum Stage {
    Running,
    /// Whole frames lie in `tail`: the session had paused.
    Paused,
    Handshake(Handshake),
    /// Everything is written; say so to the socket.
    Shutdown,
    /// Wait for the peer to close, since closing with unread input would make the kernel take
    /// back the last bytes (RFC 9293 §3.6.1: a reset).
    Linger,
}

impl Driver {
    pub(crate) fn new(
        cm: Arc<Cm>,
        link: Arc<Link>,
        io: Io,
        tls: Tls,
        ws: Option<Box<Ws>>,
        leftover: Vec<u8>,
    ) -> Self {
        let stage = if leftover.is_empty() { Stage::Running } else { Stage::Paused };
        Self { cm, link, io, stage, unsent: None, tail: leftover, ws, tls }
    }

    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut reads = 0;
        loop {
            let look = self.link.look(&self.cm, self.unsent.is_none());
            if look.close == Some(Close::Abort) {
                return Poll::Ready(Ok(()));
            }
            match &mut self.stage {
                Stage::Handshake(handshake) => match handshake.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(done) => {
                        let (io, info) = done?;
                        self.tls_up(io, &info);
                        continue;
                    }
                },
                Stage::Shutdown => match Pin::new(&mut self.io).poll_shutdown(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(done) => {
                        done?;
                        self.stage = Stage::Linger;
                        continue;
                    }
                },
                Stage::Linger => match self.poll_fill(cx, |_, _| {}) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                    Poll::Ready(Ok(_)) => {
                        reads += 1;
                        if reads > READS_PER_POLL {
                            cx.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                        continue;
                    }
                },
                Stage::Running | Stage::Paused => {}
            }
            let (may_read, was_blocked, hungry) = (look.may_read, look.was_blocked, look.hungry);
            let (close, ending, upgrade) = (look.close, look.ending, look.upgrade);
            let writing = self.frame(look) || self.unsent.is_some();
            match self.poll_write(cx) {
                // More may have come meanwhile.
                Poll::Ready(Ok(())) if writing => continue,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if !may_read => return Poll::Pending,
                // Reading goes on until the mailbox is full.
                Poll::Pending => {}
            }
            if self.unsent.is_none() {
                if was_blocked || hungry {
                    self.written(was_blocked);
                    if was_blocked {
                        continue;
                    }
                }
                if close.is_some() {
                    if self.say_close(ending) {
                        continue;
                    }
                    self.end();
                    self.stage = Stage::Shutdown;
                    continue;
                }
                if let Some(upgrade) = upgrade {
                    self.upgrade(upgrade);
                    continue;
                }
            }
            if !may_read {
                return Poll::Pending;
            }
            if matches!(self.stage, Stage::Paused) {
                self.stage = Stage::Running;
                let mut bytes = std::mem::take(&mut self.tail);
                let consumed = self.hand_over(&mut bytes);
                self.keep(bytes, consumed);
                continue;
            }
            if reads == READS_PER_POLL {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            reads += 1;
            match self.poll_fill(cx, Self::received) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(0)) => {
                    self.half_closed();
                }
                Poll::Ready(Ok(_)) => {}
            }
        }
    }

    // — writing —

    /// Makes a batch of what was taken from the outbox. Answers whether there is one.
    fn frame(&mut self, look: Look) -> bool {
        if self.unsent.is_some() {
            return false;
        }
        let batch = match (&mut self.ws, look.outbox) {
            (None, None) => return false,
            (None, Some(outbox)) => (Head::new(), Some(outbox)),
            (Some(ws), outbox) => match ws.frame(outbox) {
                None => return false,
                Some(batch) => batch,
            },
        };
        self.unsent = Some(Box::new(Unsent::new(batch.0, batch.1)));
        true
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(unsent) = &mut self.unsent else { return Poll::Ready(Ok(())) };
        match unsent.poll_write(&mut self.io, cx) {
            Poll::Ready(done) => {
                self.cm.stats.bytes_out.add(unsent.len() as u64);
                self.unsent = None;
                Poll::Ready(done)
            }
            Poll::Pending => {
                self.link.block();
                Poll::Pending
            }
        }
    }

    /// Everything is written and the feed or the session may go on.
    fn written(&self, was_blocked: bool) {
        let mut pass = Pass::new(&self.cm);
        pass.with(&self.link, |link| {
            if was_blocked {
                link.input(Input::Writable);
            }
        });
        pass.finish();
    }

    // — reading —

    /// One read into the thread's buffer, handed to `then`.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        then: impl FnOnce(&mut Self, &mut [u8]),
    ) -> Poll<io::Result<usize>> {
        READ.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(buffer);
            match Pin::new(&mut self.io).poll_read(cx, &mut read) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {
                    let bytes = read.filled_mut();
                    let n = bytes.len();
                    if n > 0 {
                        self.cm.stats.bytes_in.add(n as u64);
                        then(self, bytes);
                    }
                    Poll::Ready(Ok(n))
                }
            }
        })
    }

    fn received(&mut self, bytes: &mut [u8]) {
        if self.tail.is_empty() {
            let consumed = self.hand_over(bytes);
            if let Some(rest) = bytes.get(consumed..)
                && !rest.is_empty()
            {
                // Exactly as much as is needed: slow peers hold parts of frames for long.
                let rest = rest.to_vec();
                self.keep(rest, 0);
            }
        } else {
            let mut all = std::mem::take(&mut self.tail);
            all.extend_from_slice(bytes);
            let consumed = self.hand_over(&mut all);
            self.keep(all, consumed);
        }
    }

    /// Hands bytes to the session; how many of them are done with.
    fn hand_over(&mut self, bytes: &mut [u8]) -> usize {
        let mut pass = Pass::new(&self.cm);
        let ws = &mut self.ws;
        let (consumed, paused) = pass.with(&self.link, |link| {
            let consumed = match ws {
                None => link.receive(bytes).unwrap_or(bytes.len()),
                Some(ws) => ws.receive(bytes, link),
            };
            // Bytes from before TLS do not count after it (RFC 6120 §5.4.3.3), and after the
            // end nothing does.
            let consumed = if link.reads_on() { consumed } else { bytes.len() };
            (consumed, link.is_paused())
        });
        pass.finish();
        if paused {
            self.stage = Stage::Paused;
        }
        consumed
    }

    fn keep(&mut self, mut bytes: Vec<u8>, consumed: usize) {
        if consumed >= bytes.len() {
            self.tail = Vec::new();
            return;
        }
        if consumed > 0 {
            bytes = bytes.split_off(consumed);
        }
        if bytes.len() > self.cm.limits.frame + READ_BUFFER {
            self.abort(Ending::Misbehaved);
        }
        self.tail = bytes;
    }

    /// The peer writes no more: what is waiting still goes, then the link ends.
    fn half_closed(&mut self) {
        let mut pass = Pass::new(&self.cm);
        pass.with(&self.link, |link| link.close(Close::Flush, Ending::Normal));
        pass.finish();
        if let Some(ws) = &mut self.ws {
            ws.peer_is_gone();
        }
    }

    // — the end, and other changes —

    fn abort(&self, ending: Ending) {
        let mut pass = Pass::new(&self.cm);
        pass.with(&self.link, |link| link.close(Close::Abort, ending));
        pass.finish();
    }

    /// Lets the transport say goodbye. Answers whether it has something to write.
    fn say_close(&mut self, ending: Ending) -> bool {
        self.ws.as_mut().is_some_and(|ws| ws.say_close(ending))
    }

    fn end(&self) {
        let mut pass = Pass::new(&self.cm);
        pass.with(&self.link, |link| {
            link.end();
            link.linger();
        });
        pass.finish();
    }

    fn upgrade(&mut self, upgrade: Upgrade) {
        match (upgrade, self.tls.acceptor()) {
            (Upgrade::Tls, Some(acceptor)) if !matches!(self.io, Io::Tls(_)) => {
                self.tail = Vec::new();
                let none = Io::Other(Box::new(tokio::io::empty()));
                let io = std::mem::replace(&mut self.io, none);
                self.stage = Stage::Handshake(Box::pin(starttls(acceptor, io)));
            }
            // Without a certificate there is no TLS, and DEFLATE (XEP-0138) is not offered by
            // this driver: the peer has been promised something else, so the link ends.
            _ => self.abort(Ending::Broken),
        }
    }

    fn tls_up(&mut self, io: Io, info: &TlsInfo) {
        self.io = io;
        self.stage = Stage::Running;
        self.link.upgraded();
        let mut pass = Pass::new(&self.cm);
        pass.with(&self.link, |link| link.input(Input::TlsUp(info)));
        pass.finish();
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.link.register(cx.waker());
        match self.poll_turns(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(end) => {
                if let Err(error) = end {
                    tracing::debug!(%error, "link broke");
                }
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Driver {
    /// However a task ends, its link is unlinked once and forgotten.
    fn drop(&mut self) {
        self.end();
        self.cm.forget(self.link.id());
    }
}
