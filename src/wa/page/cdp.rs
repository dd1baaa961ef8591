//! The page over the debugging protocol (CDP): injects the script, passes calls in, and answers and the doorbell out.
//! Calls run concurrently: a slow one delays no other.

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

/// Maximum number of waiting signals; more are dropped, because the next status check covers them.
const MAX_SIGNALS: usize = 64;

/// Failure of a call of the page script.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CallError {
    /// The script is not in the page now, so certainly nothing was done.
    #[error("the page is still loading")]
    NotLoaded,
    /// The page or the connection to it was lost during the call; it is unknown whether it was done.
    #[error("the page was lost during the call: {0}")]
    Lost(String),
    /// No answer within the deadline; it is unknown whether it was done.
    #[error("the page did not answer within {0:?}")]
    Timeout(Duration),
    /// The page script refused or failed.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The answer cannot be parsed.
    #[error("the page's answer is not valid: {0}")]
    Invalid(String),
}

/// Signal of the page, besides the doorbell for events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageSignal {
    /// The page's status may have changed.
    Status,
    /// The phone unlinked the device, for WhatsApp's reason if it gave one.
    LoggedOut(Option<String>),
    /// The page's process crashed.
    Crashed,
}

/// A page that we are attached to. Signals and doorbell end when it is dropped.
#[derive(Debug)]
pub struct Page {
    cdp: CdpSession,
    names: Names,
    bell: watch::Receiver<u64>,
    _listening: DropGuard,
}

impl Page {
    /// Injects the script into the page that `cdp` is attached to, now and at each load, and listens to it. Opens `url`
    /// unless the page shows it already.
    pub async fn attach(
        cdp: CdpSession,
        names: &Names,
        script: String,
        url: &str,
        supervisor: &Supervisor,
        limit: Duration,
    ) -> Result<(Self, mpsc::Receiver<PageSignal>), CallError> {
        let (ring, bell) = watch::channel(0);
        let (tell, signals) = mpsc::channel(MAX_SIGNALS);
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
        // Without `Runtime.enable` the binding would not survive a load of the page.
        page.send("Runtime.enable", json!({}), limit).await?;
        page.send("Runtime.addBinding", json!({ "name": names.bell }), limit)
            .await?;
        let there = page.is_at(url, limit).await?;
        // Not by `json!`, which would copy the script.
        let mut source = json!({ "runImmediately": there });
        source["source"] = Value::String(script);
        page.send("Page.addScriptToEvaluateOnNewDocument", source, limit)
            .await?;
        if !there {
            page.open(url, limit).await?;
        }
        Ok((page, signals))
    }

    /// Loads `url`.
    pub async fn open(&self, url: &str, limit: Duration) -> Result<(), CallError> {
        let answer = self.send("Page.navigate", json!({ "url": url }), limit).await?;
        match answer.get("errorText").and_then(Value::as_str) {
            Some(error) if !error.is_empty() => Err(CallError::Lost(format!(
                "{url} cannot be opened ({error}); check CRM_WHATSAPP_URL and the network"
            ))),
            _ => Ok(()),
        }
    }

    /// Returns the size of the page's JavaScript heap, in bytes.
    pub async fn heap(&self, limit: Duration) -> Option<u64> {
        let usage = self.send("Runtime.getHeapUsage", json!({}), limit).await.ok()?;
        let bytes = usage.get("usedSize")?;
        // Sometimes given as a float.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole bytes, and not negative"
        )]
        let whole = |bytes: f64| bytes as u64;
        bytes.as_u64().or_else(|| bytes.as_f64().map(whole))
    }

    /// Asks the browser to quit.
    pub async fn close_browser(&self, limit: Duration) {
        let _ = self.send("Browser.close", json!({}), limit).await;
    }

    /// Calls a function of the page script. `limit` is the deadline.
    pub async fn call<T: DeserializeOwned>(
        &self,
        name: &str,
        arguments: impl Serialize,
        limit: Duration,
    ) -> Result<T, CallError> {
        let arguments = serde_json::to_string(&arguments).map_err(|error| CallError::Invalid(error.to_string()))?;
        let text = self.run(&format!("call('{name}', {arguments})"), limit).await?;
        match serde_json::from_str(&text) {
            Ok(Answer::Ok(answer)) => Ok(answer),
            Ok(Answer::Error(refusal)) => Err(CallError::Refused(refusal)),
            // Safe to log: the parser's error quotes nothing of the text.
            Err(error) => Err(CallError::Invalid(format!("{name}: {error}"))),
        }
    }

    /// Evaluates a method of the page script. Returns its text.
    pub async fn run(&self, method: &str, limit: Duration) -> Result<String, CallError> {
        let agent = &self.names.agent;
        let expression = format!("window['{agent}'] ? window['{agent}'].{method} : null");
        let question = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.send("Runtime.evaluate", question, limit).await?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            // Only the class: the text of an exception may quote a message.
            let kind = thrown
                .pointer("/exception/className")
                .and_then(Value::as_str)
                .unwrap_or("exception");
            return Err(CallError::Lost(format!("the page script failed with a {kind}")));
        }
        match answer.pointer("/result/value") {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Null) => Err(CallError::NotLoaded),
            _ => Err(CallError::Invalid("it is not a text".to_owned())),
        }
    }

    /// Attaches a local file to a file input of the page script. The browser reads it from the disk, so that no
    /// protocol message carries its bytes.
    pub async fn give_file(&self, input: &str, path: &Path, limit: Duration) -> Result<(), CallError> {
        let agent = &self.names.agent;
        let name = json!(input);
        let expression = format!("window['{agent}'] ? window['{agent}'].fileInput({name}) : null");
        let answer = self
            .send("Runtime.evaluate", json!({ "expression": expression }), limit)
            .await?;
        let Some(object) = answer.pointer("/result/objectId").and_then(Value::as_str) else {
            return Err(CallError::NotLoaded);
        };
        let file = json!({ "files": [path.to_string_lossy()], "objectId": object });
        let given = self.send("DOM.setFileInputFiles", file, limit).await;
        let _ = self
            .send("Runtime.releaseObject", json!({ "objectId": object }), limit)
            .await;
        given.map(drop)
    }

    /// Subscribes to the doorbell, which rings when there are events to pull.
    pub fn bell(&self) -> watch::Receiver<u64> {
        let mut bell = self.bell.clone();
        // The clone would report all earlier rings at once.
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
            Ok(Err(CdpError { message, .. })) => Err(CallError::Lost(message)),
            Err(_) => Err(CallError::Timeout(limit)),
        }
    }
}

/// Returns scheme, host and port of an address.
fn origin(url: &str) -> Option<&str> {
    let after = url.find("://")? + 3;
    let end = url[after..].find('/').map_or(url.len(), |slash| after + slash);
    Some(&url[..end])
}

/// Passes on the browser's events. The stream drops events if we are slow, so none of them carries data: each only says
/// that something is to be fetched.
async fn listen(
    mut events: broadcast::Receiver<RawEvent>,
    bell: &str,
    ring: &watch::Sender<u64>,
    tell: &mpsc::Sender<PageSignal>,
) {
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => {
                ring.send_modify(|rings| *rings += 1);
                let _ = tell.try_send(PageSignal::Status);
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        if event.method == "Inspector.targetCrashed" {
            let _ = tell.try_send(PageSignal::Crashed);
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
                let _ = tell.try_send(PageSignal::LoggedOut(reason));
            }
            _ => {
                let _ = tell.try_send(PageSignal::Status);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_origin_is_same_page() {
        assert_eq!(
            origin("https://web.whatsapp.com/"),
            origin("https://web.whatsapp.com/send?x=1")
        );
        assert_eq!(origin("http://127.0.0.1:81"), origin("http://127.0.0.1:81/"));
        assert_ne!(origin("http://127.0.0.1:81/"), origin("http://127.0.0.1:82/"));
        assert_ne!(origin("about:blank"), origin("https://web.whatsapp.com/"));
    }
}
