//! The page as the debugging protocol shows it: the script is put in, calls go in, answers and the doorbell come out. Knows
//! how calls fail, not what they mean. Calls run side by side: a slow one holds up nobody.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::cdp::{CdpError, CdpSession, RawEvent};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::library::Names;
use crate::supervisor::Supervisor;
use crate::wa::wire::{Answer, Refusal};

/// News of the page that wait for the session; when it is that far behind, its next look at the status tells it all.
const MAX_NEWS: usize = 64;

/// How a call of the page ended without an answer.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CallError {
    /// The script is not in the page now: certainly nothing has been done.
    #[error("the page is loading")]
    NotThere,
    /// The page or the connection to it went away meanwhile.
    #[error("the page went away: {0}")]
    Gone(String),
    #[error("the page did not answer within {0:?}")]
    Late(Duration),
    /// The page answered that it did not do it.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The page answered something else than it should.
    #[error("the page's answer makes no sense: {0}")]
    Garbled(String),
}

/// What the page rang for, besides events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Its status may have changed.
    Status,
    /// The phone unlinked us, and WhatsApp's reason.
    LoggedOut(Option<String>),
    /// Its process has crashed.
    Crashed,
}

/// A page that we are attached to. Dropped, it no longer rings.
#[derive(Debug)]
pub struct Page {
    cdp: CdpSession,
    names: Names,
    bell: watch::Receiver<u64>,
    _listening: DropGuard,
}

impl Page {
    /// Puts the script into the page that `cdp` is attached to, now and at each load, and listens to it. Opens `url` unless
    /// the page is there already.
    pub async fn attach(
        cdp: CdpSession,
        names: &Names,
        script: &str,
        url: &str,
        supervisor: &Supervisor,
        limit: Duration,
    ) -> Result<(Self, mpsc::Receiver<News>), CallError> {
        let (ring, bell) = watch::channel(0);
        let (tell, news) = mpsc::channel(MAX_NEWS);
        let listening = CancellationToken::new();
        let events = cdp.subscribe_connection();
        let bell_name = names.bell.clone();
        let stop = listening.clone();
        supervisor.spawn_short("whatsapp-bell", async move {
            tokio::select! {
                () = listen(events, &bell_name, &ring, &tell) => {}
                () = stop.cancelled() => {}
            }
        });
        let page = Self {
            cdp,
            names: names.clone(),
            bell,
            _listening: listening.drop_guard(),
        };
        page.send("Inspector.enable", json!({}), limit).await?;
        page.send("Page.enable", json!({}), limit).await?;
        // Without it the binding would not survive a load of the page.
        page.send("Runtime.enable", json!({}), limit).await?;
        page.send("Runtime.addBinding", json!({ "name": names.bell }), limit)
            .await?;
        let there = page.is_at(url, limit).await?;
        let source = json!({ "source": script, "runImmediately": there });
        page.send("Page.addScriptToEvaluateOnNewDocument", source, limit)
            .await?;
        if !there {
            page.open(url, limit).await?;
        }
        Ok((page, news))
    }

    /// Loads the address anew.
    pub async fn open(&self, url: &str, limit: Duration) -> Result<(), CallError> {
        let answer = self.send("Page.navigate", json!({ "url": url }), limit).await?;
        match answer.get("errorText").and_then(Value::as_str) {
            Some(error) if !error.is_empty() => Err(CallError::Gone(format!(
                "{url} cannot be opened ({error}); check CRM_WHATSAPP_URL and the network"
            ))),
            _ => Ok(()),
        }
    }

    /// How large the page's script heap is, in bytes.
    pub async fn heap(&self, limit: Duration) -> Option<u64> {
        let usage = self.send("Runtime.getHeapUsage", json!({}), limit).await.ok()?;
        let bytes = usage.get("usedSize")?;
        // Told as a number with a point, now and then.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole bytes, and not negative"
        )]
        let whole = |bytes: f64| bytes as u64;
        bytes.as_u64().or_else(|| bytes.as_f64().map(whole))
    }

    /// Asks the whole browser to close.
    pub async fn close_browser(&self, limit: Duration) {
        let _ = self.send("Browser.close", json!({}), limit).await;
    }

    /// Calls the page script. Its answers are JSON text, parsed here alone.
    pub async fn call<T: DeserializeOwned>(
        &self,
        name: &str,
        arguments: impl Serialize,
        limit: Duration,
    ) -> Result<T, CallError> {
        let arguments = serde_json::to_string(&arguments).map_err(|error| CallError::Garbled(error.to_string()))?;
        let text = self.run(&format!("call('{name}', {arguments})"), limit).await?;
        match serde_json::from_str(&text) {
            Ok(Answer::Ok(answer)) => Ok(answer),
            Ok(Answer::Error(refusal)) => Err(CallError::Refused(refusal)),
            // The error of the parser quotes nothing of the text.
            Err(error) => Err(CallError::Garbled(format!("{name}: {error}"))),
        }
    }

    /// Evaluates a method of the page script and returns its text.
    pub async fn run(&self, method: &str, limit: Duration) -> Result<String, CallError> {
        let agent = &self.names.agent;
        let expression = format!("window['{agent}'] ? window['{agent}'].{method} : null");
        let question = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.send("Runtime.evaluate", question, limit).await?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            // Only its kind: the text of an exception may quote a message.
            let kind = thrown
                .pointer("/exception/className")
                .and_then(Value::as_str)
                .unwrap_or("exception");
            return Err(CallError::Gone(format!("the page script failed with a {kind}")));
        }
        match answer.pointer("/result/value") {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Null) => Err(CallError::NotThere),
            _ => Err(CallError::Garbled("no text".to_owned())),
        }
    }

    /// Puts a file of this machine into an input of the page script. The page reads it from the disk, so its bytes go through no
    /// message.
    pub async fn give_file(&self, input: &str, path: &Path, limit: Duration) -> Result<(), CallError> {
        let agent = &self.names.agent;
        let name = json!(input);
        let expression = format!("window['{agent}'] ? window['{agent}'].fileInput({name}) : null");
        let answer = self
            .send("Runtime.evaluate", json!({ "expression": expression }), limit)
            .await?;
        let Some(object) = answer.pointer("/result/objectId").and_then(Value::as_str) else {
            return Err(CallError::NotThere);
        };
        let file = json!({ "files": [path.to_string_lossy()], "objectId": object });
        let given = self.send("DOM.setFileInputFiles", file, limit).await;
        let _ = self
            .send("Runtime.releaseObject", json!({ "objectId": object }), limit)
            .await;
        given.map(drop)
    }

    /// Counts the rings for events: changes when there is something to pull, from now on. (A clone has seen no more than what
    /// it was cloned from, and would ring at once for every ring that there ever was.)
    pub fn bell(&self) -> watch::Receiver<u64> {
        let mut bell = self.bell.clone();
        bell.mark_unchanged();
        bell
    }

    async fn is_at(&self, url: &str, limit: Duration) -> Result<bool, CallError> {
        let question = json!({ "expression": "location.href", "returnByValue": true });
        let answer = self.send("Runtime.evaluate", question, limit).await?;
        let at = answer
            .pointer("/result/value")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Ok(origin(at) == origin(url))
    }

    async fn send(&self, method: &str, parameters: Value, limit: Duration) -> Result<Value, CallError> {
        match timeout(limit, self.cdp.send_raw(method, parameters)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(CdpError { message, .. })) => Err(CallError::Gone(message)),
            Err(_) => Err(CallError::Late(limit)),
        }
    }
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<&str> {
    let after = url.find("://")? + 3;
    let end = url[after..].find('/').map_or(url.len(), |slash| after + slash);
    Some(&url[..end])
}

/// Passes on what the browser tells. The stream may drop events when we are slow, so none of them carries anything that
/// cannot be asked for again.
async fn listen(
    mut events: broadcast::Receiver<RawEvent>,
    bell: &str,
    ring: &watch::Sender<u64>,
    tell: &mpsc::Sender<News>,
) {
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => {
                ring.send_modify(|rings| *rings += 1);
                let _ = tell.try_send(News::Status);
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        if event.method == "Inspector.targetCrashed" {
            let _ = tell.try_send(News::Crashed);
        }
        let text = |name| event.params.get(name).and_then(Value::as_str);
        if event.method != "Runtime.bindingCalled" || text("name") != Some(bell) {
            continue;
        }
        let payload = text("payload").unwrap_or_default();
        match payload.split_at_checked(1) {
            Some(("e", _)) => ring.send_modify(|rings| *rings += 1),
            Some(("l", reason)) => {
                let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
                let _ = tell.try_send(News::LoggedOut(reason));
            }
            _ => {
                let _ = tell.try_send(News::Status);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_addresses_are_the_same_page_when_scheme_host_and_port_agree() {
        assert_eq!(
            origin("https://web.whatsapp.com/"),
            origin("https://web.whatsapp.com/send?x=1")
        );
        assert_eq!(origin("http://127.0.0.1:81"), origin("http://127.0.0.1:81/"));
        assert_ne!(origin("http://127.0.0.1:81/"), origin("http://127.0.0.1:82/"));
        assert_ne!(origin("about:blank"), origin("https://web.whatsapp.com/"));
    }
}
