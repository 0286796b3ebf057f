//! One link's bytes: what arrives is handed over frame by frame, what is queued leaves in as few
//! writes as possible. No task, no timer, and no buffer while the link is idle, so that a load
//! generator can hold tens of thousands of them; [`Client`](crate::Client) is built on it too.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_websockets::{Message, WebSocketStream};

/// Enough for a full socket buffer's worth of small frames in one read.
const READ_CHUNK: usize = 64 * 1024;
/// A write buffer that grew beyond this is given back once it is empty.
const KEEP: usize = 16 * 1024;

thread_local! {
    /// What is read passes through here; only a partial frame's tail stays with its link.
    static CHUNK: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Any stream of bytes that can carry frames.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

enum Pipe {
    Tcp(TcpStream),
    Stream(Box<dyn Io>),
    Messages(Box<WebSocketStream<Box<dyn Io>>>),
}

/// One link, below logins and frames.
pub struct Connection {
    pipe: Pipe,
    /// A frame that has begun to arrive.
    tail: Vec<u8>,
    /// Frames that wait to be written.
    out: Vec<u8>,
    /// How much of `out` has been.
    written: usize,
    /// Whether the layers below may still hold bytes back.
    unflushed: bool,
}

/// Takes frames off the front of what has arrived: given all of it, and a buffer for answers,
/// says how many bytes it has used; 0 means that a whole frame has yet to arrive.
pub type Take<'a> = &'a mut (dyn FnMut(&[u8], &mut Vec<u8>) -> io::Result<usize> + Send);

impl Connection {
    /// A link over TCP.
    #[must_use]
    pub fn tcp(stream: TcpStream) -> Self {
        Self::new(Pipe::Tcp(stream))
    }

    /// A link over any other stream of bytes.
    #[must_use]
    pub fn stream(stream: impl Io + 'static) -> Self {
        Self::new(Pipe::Stream(Box::new(stream)))
    }

    pub(crate) fn messages(stream: WebSocketStream<Box<dyn Io>>) -> Self {
        Self::new(Pipe::Messages(Box::new(stream)))
    }

    fn new(pipe: Pipe) -> Self {
        Self { pipe, tail: Vec::new(), out: Vec::new(), written: 0, unflushed: false }
    }

    /// The end of what waits to be written; append whole frames. It leaves with the next
    /// [`poll_turn`](Self::poll_turn) or [`poll_flush`](Self::poll_flush).
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.out.len() - self.written
    }

    /// Gives back the memory of a link that is not going to do much.
    pub fn rest(&mut self) {
        if self.backlog() == 0 {
            self.out = Vec::new();
            self.written = 0;
        }
        self.tail.shrink_to_fit();
    }

    /// Writes what waits, then waits for something to arrive and hands it to `take`, all of it
    /// that is there. Done once `take` has used something.
    ///
    /// # Errors
    /// The link is broken, or `take` says so; `UnexpectedEof` when the peer has closed it.
    pub fn poll_turn(&mut self, cx: &mut Context<'_>, take: Take<'_>) -> Poll<io::Result<()>> {
        // A link whose peer does not read still has to be read, or both wait for each other.
        if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
            return Poll::Ready(Err(error));
        }
        loop {
            if ready!(self.poll_read(cx, take))? {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// [`poll_turn`](Self::poll_turn) as a future. Cancel-safe: what has arrived and was not
    /// taken stays.
    ///
    /// # Errors
    /// As there.
    pub async fn turn(&mut self, take: Take<'_>) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_turn(cx, take)).await
    }

    /// Writes all that waits.
    ///
    /// # Errors
    /// The link is broken.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.backlog() > 0 {
            let rest = self.out.get(self.written..).unwrap_or_default();
            let n = match &mut self.pipe {
                Pipe::Tcp(tcp) => ready!(Pin::new(tcp).poll_write(cx, rest))?,
                Pipe::Stream(stream) => ready!(Pin::new(stream).poll_write(cx, rest))?,
                Pipe::Messages(messages) => {
                    ready!(Pin::new(&mut *messages).poll_ready(cx)).map_err(broken)?;
                    let message = Message::binary(Bytes::copy_from_slice(rest));
                    Pin::new(&mut *messages).start_send(message).map_err(broken)?;
                    rest.len()
                }
            };
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += n;
            self.unflushed = true;
        }
        if self.written > 0 {
            self.written = 0;
            self.out.clear();
            if self.out.capacity() > KEEP {
                self.out = Vec::new();
            }
        }
        if self.unflushed {
            match &mut self.pipe {
                Pipe::Tcp(_) => {}
                Pipe::Stream(stream) => ready!(Pin::new(stream).poll_flush(cx))?,
                Pipe::Messages(messages) => {
                    ready!(Pin::new(messages).poll_flush(cx)).map_err(broken)?;
                }
            }
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// [`poll_flush`](Self::poll_flush) as a future.
    ///
    /// # Errors
    /// As there.
    pub async fn flush(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Writes what waits and tells the peer that nothing follows.
    ///
    /// # Errors
    /// The link is broken.
    pub async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        std::future::poll_fn(|cx| match &mut self.pipe {
            Pipe::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Pipe::Stream(stream) => Pin::new(stream).poll_shutdown(cx),
            Pipe::Messages(messages) => Pin::new(messages).poll_close(cx).map_err(broken),
        })
        .await
    }

    /// Reads once. Whether `take` has used anything.
    fn poll_read(&mut self, cx: &mut Context<'_>, take: Take<'_>) -> Poll<io::Result<bool>> {
        let mut chunk = CHUNK.take();
        chunk.resize(READ_CHUNK, 0);
        let result = self.poll_read_into(cx, &mut chunk, take);
        CHUNK.replace(chunk);
        result
    }

    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut [u8],
        take: Take<'_>,
    ) -> Poll<io::Result<bool>> {
        let mut buffer = ReadBuf::new(chunk);
        match &mut self.pipe {
            Pipe::Tcp(tcp) => ready!(Pin::new(tcp).poll_read(cx, &mut buffer))?,
            Pipe::Stream(stream) => ready!(Pin::new(stream).poll_read(cx, &mut buffer))?,
            Pipe::Messages(messages) => {
                let Some(message) = ready!(Pin::new(messages).poll_next(cx)) else {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                };
                let message = message.map_err(broken)?;
                if message.is_binary() {
                    return Poll::Ready(self.arrived(message.as_payload(), take));
                }
                // The layer below answers pings; text means nothing here.
                return Poll::Ready(Ok(false));
            }
        }
        let filled = buffer.filled();
        if filled.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(self.arrived(filled, take))
    }

    fn arrived(&mut self, bytes: &[u8], take: Take<'_>) -> io::Result<bool> {
        if self.tail.is_empty() {
            let used = take_all(bytes, &mut self.out, take)?;
            self.tail.extend_from_slice(bytes.get(used..).unwrap_or_default());
            return Ok(used > 0);
        }
        let mut whole = std::mem::take(&mut self.tail);
        whole.extend_from_slice(bytes);
        let used = take_all(&whole, &mut self.out, take)?;
        if used < whole.len() {
            whole.drain(..used);
            self.tail = whole;
        }
        Ok(used > 0)
    }
}

fn take_all(bytes: &[u8], out: &mut Vec<u8>, take: Take<'_>) -> io::Result<usize> {
    let mut used = 0;
    while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
        match take(rest, out)? {
            0 => break,
            n => used += n,
        }
    }
    Ok(used)
}

fn broken(error: tokio_websockets::Error) -> io::Error {
    match error {
        tokio_websockets::Error::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Frames for these tests: a length byte and as many bytes.
    fn take_into(all: &mut Vec<Vec<u8>>) -> impl FnMut(&[u8], &mut Vec<u8>) -> io::Result<usize> {
        |bytes, _| {
            let len = usize::from(bytes[0]);
            let Some(body) = bytes.get(1..=len) else { return Ok(0) };
            all.push(body.to_vec());
            Ok(len + 1)
        }
    }

    #[tokio::test]
    async fn frames_arrive_whole_however_they_are_cut() {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut link = Connection::stream(near);
        let bytes = [1, b'a', 3, b'b', b'c', b'd', 0, 2, b'e', b'f'];
        let writer = tokio::spawn(async move {
            for byte in bytes {
                far.write_all(&[byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut all = Vec::new();
        let mut turns = 0;
        let end = loop {
            turns += 1;
            if let Err(error) = link.turn(&mut take_into(&mut all)).await {
                break error;
            }
        };
        writer.await.unwrap();
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(all, [&b"a"[..], b"bcd", b"", b"ef"]);
        assert!(turns > 2 && link.tail.is_empty());
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_still_heard() {
        let (near, mut far) = tokio::io::duplex(16);
        let mut link = Connection::stream(near);
        link.out().extend_from_slice(&[7; 64]);
        far.write_all(&[1, b'x']).await.unwrap();
        let mut all = Vec::new();
        link.turn(&mut take_into(&mut all)).await.unwrap();
        assert_eq!(all, [b"x"]);
        assert_eq!(link.backlog(), 64 - 16);
        let mut got = [0; 64];
        let (flushed, read) = tokio::join!(link.flush(), far.read_exact(&mut got));
        flushed.unwrap();
        read.unwrap();
        assert_eq!(got, [7; 64]);
    }
}
