//! A socket whose owner stops reading, as a phone in a tunnel or a stopped process does.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Stops and lets go on.
#[derive(Clone, Default)]
pub struct Stall(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stalled: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Stall {
    /// Nothing is read from here on.
    pub fn stop(&self) {
        self.0.stalled.store(true, Ordering::SeqCst);
    }

    /// Everything that waits is read.
    pub fn go_on(&self) {
        self.0.stalled.store(false, Ordering::SeqCst);
        if let Some(waker) = self.0.waiting.lock().take() {
            waker.wake();
        }
    }

    /// `stream`, under this.
    pub fn over<S>(&self, stream: S) -> Stalling<S> {
        Stalling { stream, stall: self.clone() }
    }
}

/// A stream that can be stalled.
pub struct Stalling<S> {
    stream: S,
    stall: Stall,
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        *self.stall.0.waiting.lock() = Some(cx.waker().clone());
        if self.stall.0.stalled.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
