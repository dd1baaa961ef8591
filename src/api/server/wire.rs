//! The socket of a connection. Its handle travels with each request, so that a handler can bound what is read next: a
//! WebSocket whose client is not identified yet is worth a kibibyte, not a message of full size.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BufMut as _;
use rustix::net::Shutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::Place;

/// Maximum time in which a write makes no progress. A client that reads nothing is let go after it, with all that its
/// answer holds: a cursor, a file, a snapshot of the database.
const STALLED: Duration = Duration::from_mins(1);
/// Bytes that are read and thrown away at once.
const SCRATCH: usize = 4096;

/// More was sent than may be read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the client sent more than it may at this point")]
pub struct OverBudget;

/// Handle of a connection's socket. Clones share the socket; it is closed when the last of them is dropped.
#[derive(Clone)]
pub struct Wire(Arc<Shared>);

struct Shared {
    stream: TcpStream,
    /// Number of bytes that may still be read; `usize::MAX` is no bound.
    budget: AtomicUsize,
    _place: Place,
}

impl Wire {
    /// Wraps a socket. Nothing is bounded at first.
    pub(super) fn new(stream: TcpStream, place: Place) -> Self {
        Self(Arc::new(Shared {
            stream,
            budget: AtomicUsize::new(usize::MAX),
            _place: place,
        }))
    }

    /// Returns whether what is written leaves at once, also while the client has not acknowledged what was written before.
    #[cfg(test)]
    pub(super) fn is_without_delay(&self) -> bool {
        self.0.stream.nodelay().unwrap()
    }

    /// Bounds the bytes that are read from here on. Reading more fails with [`OverBudget`].
    pub fn limit(&self, bytes: usize) {
        self.0.budget.store(bytes, Ordering::Relaxed);
    }

    /// Lifts the bound.
    pub fn lift(&self) {
        self.limit(usize::MAX);
    }

    /// Reads and throws away what the client sends, until it closes. A socket that is closed with unread bytes is
    /// reset, and what was written last to it may be lost.
    pub async fn drain(&self) {
        let mut scratch = [0; SCRATCH];
        loop {
            if self.0.stream.readable().await.is_err() {
                return;
            }
            match self.0.stream.try_read(&mut scratch) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// The socket as a stream of bytes.
pub struct WireIo {
    wire: Wire,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl WireIo {
    /// Wraps the socket of a handle.
    pub fn new(wire: Wire) -> Self {
        Self { wire, stalled: None }
    }

    fn stream(&self) -> &TcpStream {
        &self.wire.0.stream
    }

    /// Writes when the socket takes something, and fails when it has taken nothing for [`STALLED`].
    fn poll_with(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if let Poll::Ready(ready) = self.stream().poll_write_ready(cx) {
                ready?;
                match write(self.stream()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    written => {
                        self.stalled = None;
                        return Poll::Ready(written);
                    }
                }
            }
            let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED)));
            ready!(stalled.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
    }
}

impl AsyncRead for WireIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Shared { stream, budget, .. } = &*self.wire.0;
        let left = budget.load(Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::Error::other(OverBudget)));
        }
        loop {
            ready!(stream.poll_read_ready(cx))?;
            match stream.try_read_buf(&mut (&mut *buf).limit(left)) {
                Ok(read) => {
                    if left != usize::MAX {
                        budget.store(left - read, Ordering::Relaxed);
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for WireIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream| stream.try_write_vectored(parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = rustix::net::shutdown(self.stream(), Shutdown::Write);
        Poll::Ready(Ok(()))
    }
}
