//! A server in this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use crm::api::keys::make;
use crm::api::{AccessRules, ApiState, ConnectionLimits, Parts, Server, SocketLimits};
use crm::bridge::{AccountHandle, Core, Desk, Policy, Random, ReadMode, ReadReceipts, Syncs};
use crm::contract::{CreateKey, Event, Scope};
use crm::domain::consent::ConsentWords;
use crm::domain::conversation::ChatKind;
use crm::domain::customer::{Identity, IdentitySource};
use crm::domain::history::HistoryDepth;
use crm::domain::media::{MediaRules, SizeLimits};
use crm::domain::message::{Author, Direction, Kind, Message, MessageState};
use crm::domain::pacing::Pace;
use crm::domain::{AccountId, Clock, Timestamp, WaMessageId};
use crm::fetch::Fetcher;
use crm::store::{Contact, Inserted, NewMessage, OpenOptions, StatementLog, Store, StoreError, Synchronous};
use crm::supervisor::Supervisor;
use crm::vault::Vault;
use futures_util::FutureExt;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::whatsapp::SilentWhatsApp;

/// When everything happens in these tests.
pub const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// The largest file that these servers take.
pub const MAX_FILE_BYTES: u64 = 3 << 20;

/// A clock that stands still.
#[derive(Clone, Copy)]
struct Stopped;

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

pub struct App {
    pub url: String,
    pub store: Store,
    pub vault: Vault,
    pub account: AccountId,
    pub whatsapp: SilentWhatsApp,
    pub supervisor: Supervisor,
    /// A key that may do everything.
    pub key: String,
    pub http: Client,
    pub folder: TempDir,
    /// How many messages customers wrote.
    written: AtomicU32,
    /// How many statements the database was given.
    statements: Arc<AtomicU32>,
}

impl App {
    pub async fn start() -> Self {
        Self::with(SocketLimits::default()).await
    }

    /// Clients of these tests do not always take their leave: nobody waits long for them.
    fn brief(limits: SocketLimits) -> SocketLimits {
        let usual = SocketLimits::default().farewell;
        let farewell = if limits.farewell == usual {
            Duration::from_millis(100)
        } else {
            limits.farewell
        };
        SocketLimits { farewell, ..limits }
    }

    pub async fn with(limits: SocketLimits) -> Self {
        Self::bounded(limits, ConnectionLimits::default()).await
    }

    pub async fn bounded(limits: SocketLimits, connections: ConnectionLimits) -> Self {
        Self::begin(limits, connections, None, (&[], AccessRules::default())).await
    }

    /// With a database of at most so many pages.
    pub async fn in_pages(pages: u32) -> Self {
        Self::begin(
            SocketLimits::default(),
            ConnectionLimits::default(),
            Some(pages),
            (&[], AccessRules::default()),
        )
        .await
    }

    /// A server that pages of these origins may use.
    pub async fn open_to(origins: &[&str]) -> Self {
        Self::begin(
            SocketLimits::default(),
            ConnectionLimits::default(),
            None,
            (origins, AccessRules::default()),
        )
        .await
    }

    /// A server with these rules for all callers.
    pub async fn ruled(rules: AccessRules) -> Self {
        Self::begin(SocketLimits::default(), ConnectionLimits::default(), None, (&[], rules)).await
    }

    /// With this database.
    pub async fn at(url: &str) -> Self {
        let (limits, connections) = (SocketLimits::default(), ConnectionLimits::default());
        let folder = tempfile::tempdir().unwrap();
        Self::on((folder, url), limits, connections, None, (&[], AccessRules::default())).await
    }

    async fn begin(
        limits: SocketLimits,
        connections: ConnectionLimits,
        max_pages: Option<u32>,
        rules: (&[&str], AccessRules),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("crm.db").display());
        Self::on((folder, &url), limits, connections, max_pages, rules).await
    }

    async fn on(
        (folder, url): (TempDir, &str),
        limits: SocketLimits,
        connections: ConnectionLimits,
        max_pages: Option<u32>,
        (origins, rules): (&[&str], AccessRules),
    ) -> Self {
        let statements = Arc::<AtomicU32>::default();
        let counted = Arc::clone(&statements);
        let options = OpenOptions {
            synchronous: Synchronous::Off,
            max_pages,
            statements: Some(StatementLog::new(move |_| {
                counted.fetch_add(1, Ordering::SeqCst);
            })),
            ..OpenOptions::new(url)
        };
        let store = options.open(Arc::new(Stopped)).await.unwrap();
        let account = store
            .write((), |tx, ()| {
                async move { tx.accounts().create("default").await }.boxed()
            })
            .await
            .unwrap()
            .id;
        let vault = Vault::in_folder(&folder.path().join("media")).unwrap();
        let whatsapp = SilentWhatsApp::new();
        let supervisor = Supervisor::new();
        let listen = "127.0.0.1:0".parse().unwrap();
        let listen = listen_on(
            (&store, &vault),
            account,
            &whatsapp,
            &supervisor,
            (limits, connections),
            (listen, origins, rules),
        )
        .await;
        let mut app = Self {
            url: format!("http://{listen}"),
            store,
            vault,
            account,
            whatsapp,
            supervisor,
            key: String::new(),
            http: Client::builder().no_proxy().build().unwrap(),
            folder,
            written: AtomicU32::new(1),
            statements,
        };
        app.key = app.key_of(Scope::Admin).await;
        app
    }

    /// Sends these bytes on a connection of their own and gives all that is answered until the server closes.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connected().await;
        // Nor is all of it written where the server does not read it.
        let _ = stream.write_all(bytes).await;
        let mut said = vec![];
        // A reset comes after the answer where not all of the request was read.
        let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut said))
            .await
            .unwrap();
        String::from_utf8(said).unwrap()
    }

    /// A connection that has said nothing yet.
    pub async fn connected(&self) -> TcpStream {
        let stream = TcpStream::connect(self.url.trim_start_matches("http://"))
            .await
            .unwrap();
        // Else a second write waits for the other side to acknowledge the first, 40 ms each time.
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Ends the server, lets something happen while nobody listens, and listens again at the same address.
    pub async fn restart<F: Future<Output = Self>>(mut self, meanwhile: impl FnOnce(Self) -> F) -> Self {
        assert!(self.supervisor.shutdown(Duration::from_secs(20)).await);
        self = meanwhile(self).await;
        self.supervisor = Supervisor::new();
        let address = self.url.trim_start_matches("http://").parse().unwrap();
        let limits = (SocketLimits::default(), ConnectionLimits::default());
        listen_on(
            (&self.store, &self.vault),
            self.account,
            &self.whatsapp,
            &self.supervisor,
            limits,
            (address, &[], AccessRules::default()),
        )
        .await;
        self
    }

    /// How many statements `doing` gives to the database.
    pub async fn statements_of(&self, doing: impl Future<Output = ()>) -> u32 {
        let before = self.statements.load(Ordering::SeqCst);
        doing.await;
        self.statements.load(Ordering::SeqCst) - before
    }

    /// A new key.
    pub async fn key_of(&self, scope: Scope) -> String {
        let wanted = CreateKey {
            name: format!("{scope} key"),
            scope,
            expires_at: None,
            accounts: None,
            agent_id: None,
        };
        make(&self.store, wanted).await.unwrap().key
    }

    /// A request with the key that may do everything.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.key)
    }

    /// A request without a key.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// What time it is here.
    pub const fn now() -> Timestamp {
        NOW
    }

    /// A customer writes.
    pub async fn inbound(&self, name: &str, phone: &str, text: &str) -> Message {
        let identity = Identity::phone(&phone.parse().unwrap());
        let (account, name, text) = (self.account, name.to_owned(), text.to_owned());
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        self.store
            .write(
                (identity, name, text, account, number),
                |tx, (identity, name, text, account, number)| {
                    async move {
                        let told = Contact::new(
                            std::slice::from_ref(identity),
                            None,
                            Some(name),
                            IdentitySource::WhatsApp,
                        );
                        let customer = tx.customers().meet(&told).await?.customer;
                        let kind = ChatKind::Direct;
                        let resolved = tx
                            .conversations()
                            .resolve(*account, Some(customer.id), None, kind, name)
                            .await?;
                        let conversation = resolved.conversation;
                        let state = MessageState::Received;
                        let mut new = NewMessage::of(&conversation, Direction::Inbound, Kind::Text, text, NOW, state);
                        new.author = Some(Author {
                            origin: None,
                            name: name.clone(),
                        });
                        new.whatsapp_id = Some(WaMessageId(format!("IN{number}")));
                        let (Inserted::New(message) | Inserted::Existing(message)) = tx.messages().insert(new).await?;
                        tx.conversations()
                            .touch(conversation.id, message.id, message.timestamp)
                            .await?;
                        tx.emit(Event::message_received(&message));
                        Ok::<_, StoreError>(message)
                    }
                    .boxed()
                },
            )
            .await
            .unwrap()
    }

    pub async fn stop(self) {
        assert!(
            self.supervisor.shutdown(Duration::from_secs(20)).await,
            "everything ends in time"
        );
        self.store.close().await;
    }
}

/// Serves the API; gives the address.
async fn listen_on(
    (store, vault): (&Store, &Vault),
    account: AccountId,
    whatsapp: &SilentWhatsApp,
    supervisor: &Supervisor,
    (limits, connections): (SocketLimits, ConnectionLimits),
    (address, origins, rules): (SocketAddr, &[&str], AccessRules),
) -> SocketAddr {
    let clock: Arc<dyn Clock> = Arc::new(Stopped);
    let core = Core::new(store.clone(), vault.clone(), clock.clone(), Random::seeded(1), policy())
        .await
        .unwrap();
    let line = AccountHandle {
        id: account,
        name: "default".to_owned(),
        port: Arc::new(whatsapp.clone()),
        reader: ReadReceipts::default(),
        resynced: watch::Sender::new(0).subscribe(),
        syncs: Syncs::default(),
        link_failed: watch::Sender::new(None),
    };
    let server = Server::bind(address).unwrap().with_limits(connections);
    let listen = server.address().unwrap();
    let state = ApiState::new(Parts {
        store: store.clone(),
        desk: Desk::new(core, vec![line], None),
        clock,
        supervisor: supervisor.clone(),
        listen,
        allowed_hosts: vec!["crm.example.org".to_owned()],
        allowed_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
        fetcher: Fetcher::new(true).unwrap(),
        limits: App::brief(limits),
        rules,
    });
    supervisor.spawn("api", server.run(state, supervisor.stopping()));
    listen
}

/// What the server does by itself: nothing.
pub fn policy() -> Policy {
    Policy {
        matrix: false,
        owner: None,
        read: ReadMode::Never,
        read_delay: Duration::ZERO..=Duration::ZERO,
        spacing: Duration::ZERO..=Duration::ZERO,
        phone_region: None,
        hide_numbers: false,
        time_zone: jiff::tz::TimeZone::UTC,
        send_expires: None,
        pace: Pace {
            consent: ConsentWords::new(&["STOP".to_owned()], &["START".to_owned()]),
            ..Pace::default()
        },
        media: MediaRules {
            max: SizeLimits::of_all(MAX_FILE_BYTES),
            ..MediaRules::default()
        },
        history: HistoryDepth::None,
    }
}
