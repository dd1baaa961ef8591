//! The frames that wait for a client, bounded by their number and by their bytes.

use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket};
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use super::frame::{self, Close, failed};
use super::limits::SocketLimits;
use crate::contract::ServerFrame;

/// A frame, with its share of the bytes that may wait.
pub struct Queued {
    message: Message,
    _bytes: OwnedSemaphorePermit,
}

/// Bounded queue of frames for the client.
pub struct Queue {
    frames: mpsc::Sender<Queued>,
    bytes: Arc<Semaphore>,
    limits: SocketLimits,
}

impl Queue {
    /// Creates a queue, and its other end for [`write`].
    pub fn new(limits: SocketLimits) -> (Self, mpsc::Receiver<Queued>) {
        let (frames, queued) = mpsc::channel(limits.queue_frames);
        let bytes = Arc::new(Semaphore::new(limits.queue_bytes));
        (Self { frames, bytes, limits }, queued)
    }

    /// Queues a frame. If the queue stays full for longer than the limit, the client does not read, and the connection
    /// is closed.
    pub async fn push(&self, frame: ServerFrame) -> Result<(), Close> {
        let text = frame::text(&frame).map_err(|error| failed(&error))?;
        self.push_message(Message::Text(text)).await
    }

    /// Queues a message like [`Self::push`]. A message that is larger than the queue waits until the queue is empty.
    pub async fn push_message(&self, message: Message) -> Result<(), Close> {
        let share = frame::length(&message).clamp(1, self.limits.queue_bytes);
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let queued = async {
            let bytes = Arc::clone(&self.bytes).acquire_many_owned(share).await.ok()?;
            let queued = Queued { message, _bytes: bytes };
            self.frames.send(queued).await.ok()
        };
        match timeout(self.limits.slow_after, queued).await {
            Ok(Some(())) => Ok(()),
            Ok(None) | Err(_) => Err(Close::SlowConsumer),
        }
    }
}

/// Writes the queued frames until the queue's other end is dropped or the connection breaks.
pub async fn write(sink: &mut SplitSink<WebSocket, Message>, mut queued: mpsc::Receiver<Queued>) {
    while let Some(Queued { message, _bytes }) = queued.recv().await {
        if sink.feed(message).await.is_err() {
            return;
        }
        // Frames that are queued together are flushed together.
        if queued.is_empty() && sink.flush().await.is_err() {
            return;
        }
    }
    // A message may have been fed without a flush because another one was expected.
    let _ = sink.flush().await;
}
