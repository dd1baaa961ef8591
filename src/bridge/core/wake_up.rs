//! The wake-up that says that there may be work.

use tokio::sync::watch;

/// The bell: rung after each write, so that relays look at once. A lost ring costs a second, never a message.
#[derive(Clone)]
pub struct Bell(watch::Sender<()>);

impl Bell {
    pub fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    pub fn ring(&self) {
        self.0.send_replace(());
    }

    pub fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
    }
}
