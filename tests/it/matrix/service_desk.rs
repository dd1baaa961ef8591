//! An application service under test: its homeserver, its listener, its loop of pulls, and what came of them.

use std::sync::{Arc, Mutex};

use crm::api::{Metrics, homeserver_routes};
use crm::clock::SystemClock;
use crm::domain::matrix::{
    Matrix, MatrixError, MatrixState, RoomContent, RoomEvent, RoomEventKind, RoomMark, Speaker, TxnId,
};
use crm::domain::moving::Logins;
use crm::domain::{MatrixEventId, MatrixRoomId};
use crm::matrix::{Registration, Service, ServiceOptions, SpaceOptions};
use crm::supervisor::Supervisor;
use testbed::servers::{Synapse, SynapseOptions, free_port};
use tokio::net::TcpListener;

use super::desk::{SOON, Seen, follow, until};

pub const AS_TOKEN: &str = "as-token-of-the-test";
pub const HS_TOKEN: &str = "hs-token-of-the-test";

/// A service that runs.
pub struct ServiceDesk {
    pub service: Service,
    pub options: ServiceOptions,
    pub metrics: Metrics,
    port: u16,
    log: Arc<Mutex<Seen>>,
    supervisor: Supervisor,
}

/// A homeserver that knows the service of these options, which listens on this port.
pub async fn homeserver() -> (Synapse, ServiceOptions, u16) {
    let port = free_port().unwrap();
    let tokens = [AS_TOKEN.to_owned(), HS_TOKEN.to_owned()];
    let registration = Registration::new(format!("http://127.0.0.1:{port}"), Some("localhost"), tokens);
    let synapse = Synapse::start(SynapseOptions {
        registrations: vec![serde_json::to_value(&registration).unwrap()],
        ..SynapseOptions::default()
    });
    let synapse = synapse.await.unwrap();
    let options = ServiceOptions {
        homeserver: synapse.url(),
        registration,
        agents: vec![],
        owner: None,
        space: SpaceOptions {
            alias: "crm_space".to_owned(),
            name: "Customers".to_owned(),
        },
        logins: Logins::default(),
        room_version: None,
    };
    (synapse, options, port)
}

impl ServiceDesk {
    /// Starts the service and waits until homeserver and service reach each other. Pulls nothing.
    pub async fn start(options: ServiceOptions, port: u16) -> Self {
        let supervisor = Supervisor::new();
        let service = Service::start(options.clone(), Arc::new(SystemClock), &supervisor);
        let metrics = Metrics::new();
        let router = homeserver_routes(Arc::new(service.clone()), metrics.clone());
        let listener = until("the port to be free", async || {
            TcpListener::bind(("127.0.0.1", port)).await.ok()
        })
        .await;
        let stopping = supervisor.stopping();
        supervisor.spawn_short("listener", async move {
            let serve = axum::serve(listener, router);
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = async { serve.await } => {}
            }
        });
        let desk = Self {
            service,
            options,
            metrics,
            port,
            log: Arc::default(),
            supervisor,
        };
        let mut status = desk.service.status();
        let ready = status.wait_for(|status| status.state == MatrixState::Ready && status.detail.is_none());
        tokio::time::timeout(SOON, ready)
            .await
            .unwrap_or_else(|_| panic!("not ready: {:?}", desk.service.status().borrow()))
            .unwrap();
        desk
    }

    /// Starts the service, and pulls and acknowledges what comes.
    pub async fn follow(options: ServiceOptions, port: u16, since: Option<RoomMark>) -> Self {
        let desk = Self::start(options, port).await;
        follow(desk.service.clone(), &desk.log, &desk.supervisor, since);
        // Only what comes after the first pull counts.
        desk.until("the first mark", |seen| seen.since.clone()).await;
        desk
    }

    /// Ends everything in this process. Returns what starts it again: what is stored up to then is its mark.
    pub async fn stop(self) -> (ServiceOptions, u16, Option<RoomMark>) {
        self.service.close().await;
        assert!(
            self.supervisor.shutdown(SOON).await,
            "a task of the adapter did not end"
        );
        let since = self.look(|seen| seen.since.clone());
        (self.options, self.port, since)
    }

    pub fn look<T>(&self, see: impl FnOnce(&Seen) -> T) -> T {
        see(&self.log.lock().unwrap())
    }

    pub async fn until<T>(&self, what: &str, see: impl Fn(&Seen) -> Option<T>) -> T {
        until(what, async || see(&self.log.lock().unwrap())).await
    }

    /// Waits for an agent's text.
    pub async fn until_text(&self, body: &str) -> RoomEvent {
        self.until(&format!("the text {body:?}"), |seen| {
            seen.events.iter().find(|event| is_text(event, body)).cloned()
        })
        .await
    }

    /// The texts that came, in order.
    pub fn texts(&self) -> Vec<String> {
        self.look(|seen| texts(&seen.events))
    }

    /// Sends, trying again for as long as the homeserver is away, as the relay does.
    pub async fn say(&self, room: &MatrixRoomId, speaker: &Speaker, txn: &str, content: &RoomContent) -> MatrixEventId {
        let txn = TxnId(txn.to_owned());
        until("it to be sent", async || {
            match self.service.send(room, speaker, &txn, content).await {
                Ok(event) => Some(event),
                Err(MatrixError::Unreachable { .. }) => None,
                Err(error) => panic!("{error}"),
            }
        })
        .await
    }

    /// Calls the service as a homeserver does.
    pub async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        token: Option<&str>,
        body: String,
    ) -> reqwest::Response {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut request = reqwest::Client::new().request(method, url).body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap()
    }
}

fn is_text(event: &RoomEvent, body: &str) -> bool {
    matches!(&event.what, RoomEventKind::Text { body: text, .. } if text == body)
}

/// The bodies of texts.
pub fn texts(events: &[RoomEvent]) -> Vec<String> {
    let texts = events.iter().filter_map(|event| match &event.what {
        RoomEventKind::Text { body, .. } => Some(body.clone()),
        _ => None,
    });
    texts.collect()
}
