//! One batch on its way into a socket.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use anser_domain::Outbox;
use smallvec::SmallVec;
use tokio::io::AsyncWrite;

use super::arena;
use crate::io::Io;

/// Pieces handed to one call of `writev`.
const PIECES: usize = 16;

/// What a transport puts in front of a batch: the head of a WebSocket message, control frames.
pub(crate) type Head = SmallVec<[u8; 16]>;

/// A batch, and how much of it has gone.
#[derive(Debug)]
pub(crate) struct Unsent {
    head: Head,
    outbox: Option<Box<Outbox>>,
    written: usize,
}

impl Unsent {
    pub(crate) fn new(head: Head, outbox: Option<Box<Outbox>>) -> Self {
        Self { head, outbox, written: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.outbox.as_ref().map_or(0, |it| it.len())
    }

    /// Writes as much as the socket takes; ready once it has taken all, and TLS too.
    pub(crate) fn poll_write(&mut self, io: &mut Io, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.len() {
            let n = ready!(self.poll_once(Pin::new(io), cx))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += n;
        }
        Pin::new(io).poll_flush(cx)
    }

    fn poll_once(&self, io: Pin<&mut Io>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut skip = self.written;
        let mut pieces: SmallVec<[IoSlice<'_>; PIECES]> = SmallVec::new();
        let outbox = self.outbox.iter().flat_map(|outbox| outbox.segments());
        for piece in std::iter::once(&self.head[..]).chain(outbox) {
            if skip >= piece.len() {
                skip -= piece.len();
                continue;
            }
            pieces.push(IoSlice::new(piece.get(skip..).unwrap_or_default()));
            skip = 0;
            if pieces.len() == PIECES {
                break;
            }
        }
        match &pieces[..] {
            [one] => io.poll_write(cx, one),
            many => io.poll_write_vectored(cx, many),
        }
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        if let Some(outbox) = self.outbox.take() {
            arena::reclaim(outbox);
        }
    }
}
