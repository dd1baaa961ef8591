//! An application service under test: its homeserver, its listener, its loop of pulls, and what came of them.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
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
    swallowed: Arc<Swallowed>,
    supervisor: Supervisor,
}

/// What the database holds when the program ends.
#[derive(Default)]
pub struct Kept {
    since: Option<RoomMark>,
    taken: HashSet<MatrixEventId>,
}

/// Pushes that somebody between homeserver and service says are stored, and that never reach it.
#[derive(Default)]
struct Swallowed {
    is_on: AtomicBool,
    bodies: Mutex<Vec<String>>,
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
        let swallowed = Arc::new(Swallowed::default());
        let router = homeserver_routes(Arc::new(service.clone()), metrics.clone())
            .layer(from_fn_with_state(Arc::clone(&swallowed), swallow));
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
            swallowed,
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
    pub async fn follow(options: ServiceOptions, port: u16, kept: Option<Kept>) -> Self {
        let desk = Self::start(options, port).await;
        let Kept { since, taken } = kept.unwrap_or_default();
        {
            let mut log = desk.log.lock().unwrap();
            (log.since, log.taken) = (since, Some(taken));
        }
        follow(desk.service.clone(), &desk.log, &desk.supervisor);
        // Only what comes after the first pull counts.
        desk.until("the first mark", |seen| seen.since.clone()).await;
        desk
    }

    /// Ends everything in this process. Returns what starts it again, with what is stored.
    pub async fn stop(self) -> (ServiceOptions, u16, Option<Kept>) {
        self.service.close().await;
        assert!(
            self.supervisor.shutdown(SOON).await,
            "a task of the adapter did not end"
        );
        let kept = self.look(|seen| Kept {
            since: seen.since.clone(),
            taken: seen.taken.clone().unwrap_or_default(),
        });
        (self.options, self.port, Some(kept))
    }

    /// From now on pushes are lost on their way, or no longer.
    pub fn swallow(&self, is_on: bool) {
        self.swallowed.is_on.store(is_on, Ordering::SeqCst);
    }

    /// Waits until a push with this in it was lost.
    pub async fn until_swallowed(&self, what: &str) {
        until("a push to be lost", async || {
            let bodies = self.swallowed.bodies.lock().unwrap();
            bodies.iter().any(|body| body.contains(what)).then_some(())
        })
        .await;
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

async fn swallow(State(swallowed): State<Arc<Swallowed>>, request: Request, next: Next) -> Response {
    if !swallowed.is_on.load(Ordering::SeqCst) {
        return next.run(request).await;
    }
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    swallowed
        .bodies
        .lock()
        .unwrap()
        .push(String::from_utf8(body.to_vec()).unwrap());
    "{}".into_response()
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
