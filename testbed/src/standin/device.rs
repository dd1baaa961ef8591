//! A linked device: its credential, its queue, and its own message store.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::net::stanza::Stanza;
use super::net::wire::HistoryChunk;
use super::people::PhoneId;

/// A linked device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub(crate) u64);

/// State of a linked device in the service.
#[derive(Debug)]
pub(crate) struct Device {
    pub phone: PhoneId,
    pub secret: String,
    /// Whether the page has stored its credential in its profile.
    pub registered: bool,
    /// Stanzas that the page has not acknowledged; they are sent again on every connection.
    pub queue: VecDeque<(u64, Stanza)>,
    pub next_seq: u64,
    /// Chunks of history that the page has not acknowledged.
    pub history: VecDeque<HistoryChunk>,
    /// The device's own store (see `disk_socket`): rows by table and key. The service never reads them.
    pub disk: BTreeMap<(String, String), Box<RawValue>>,
    /// Number of the opening that may write to the store, so that an old page cannot overwrite what its successor
    /// writes.
    pub disk_opened: u64,
}

impl Device {
    /// Creates a device with an empty queue and store.
    pub fn new(phone: PhoneId, secret: String) -> Self {
        Self {
            phone,
            secret,
            registered: false,
            queue: VecDeque::new(),
            next_seq: 1,
            history: VecDeque::new(),
            disk: BTreeMap::new(),
            disk_opened: 0,
        }
    }

    /// Queues a stanza and returns its number.
    pub fn enqueue(&mut self, stanza: Stanza) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.queue.push_back((seq, stanza));
        seq
    }

    /// Removes the stanzas up to `seq` from the queue and returns them.
    pub fn acknowledged(&mut self, seq: u64) -> Vec<Stanza> {
        let count = self.queue.partition_point(|(at, _)| *at <= seq);
        self.queue.drain(..count).map(|(_, stanza)| stanza).collect()
    }
}
