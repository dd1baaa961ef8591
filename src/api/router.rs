//! The routes, the operation that each is, and the layers that every request passes.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, get, on};
use tower::util::option_layer;

use super::access::{auth, cors, guard, hidden};
use super::customers::{avatar, consent, labels as customer_labels, merges};
use super::desk::{agents, attributes, counts, exports, labels, me, notes, templates, work};
use super::http::problem::{Code, Problem};
use super::http::request_id::RequestIds;
use super::http::{problem, request_id, takes};
use super::messages::{forward, revisions};
use super::openapi::Route;
use super::state::ApiState;
use super::watch::{health, metrics, status};
use super::{
    MAX_BODY_BYTES, accounts, audit, backup, conversations, customers, export, history, keys, media, messages, openapi,
    outbox, quarantine, seed, sse, ws,
};
use crate::domain::Operation;

/// The layer that refuses what a handler does not read of a request.
macro_rules! strict {
    ($handler:path) => {
        from_fn_with_state(openapi::taken($handler), takes::refuse)
    };
}

/// Builds the router of the whole API: `/healthz` and the WebSocket, which check their own access, and the routes that
/// need a key.
pub fn router(state: ApiState) -> Router {
    let ids = RequestIds::new(state.clock.now().0.unsigned_abs());
    let hosts = state.hosts.clone();
    let measures = state.metrics.clone();
    Router::new()
        .route("/healthz", get(health::alive).route_layer(strict!(health::alive)))
        .route("/api/v1/ws", get(ws::open).route_layer(strict!(ws::open)))
        .method_not_allowed_fallback(method_not_allowed)
        .merge(protected(&state))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(option_layer(cors::layer(&hosts)))
        .layer(from_fn_with_state(measures, metrics::measure))
        .layer(from_fn_with_state(hosts, guard::guard))
        .layer(from_fn(problem::render))
        .layer(from_fn_with_state(ids, request_id::name))
        .with_state(state)
}

/// Declares the routes that need a key, each with its handler and the operation that it is. The operation's right is
/// checked before the handler runs.
macro_rules! routes {
    ($($method:ident $path:literal $handler:path: $operation:ident;)+) => {
        /// Every route that needs a key, with its operation.
        pub const ROUTES: &[(Method, &str, Operation)] = &[$((Method::$method, $path, Operation::$operation)),+];

        /// Returns all routes, with what their handlers take and answer.
        pub fn documented() -> Vec<Route> {
            let mut routes = vec![
                Route::new(Method::GET, "/healthz", None::<Operation>, health::alive),
                Route::new(Method::GET, "/api/v1/ws", None::<Operation>, ws::open),
            ];
            routes.extend([$(Route::new(Method::$method, $path, Operation::$operation, $handler)),+]);
            routes
        }

        fn keyed(state: &ApiState) -> Router<ApiState> {
            let check = |operation| from_fn_with_state((state.access(), operation), auth::require);
            Router::new()
                $(.route(
                    $path,
                    on(MethodFilter::$method, $handler)
                        // Within the check of rights: who may not do this learns nothing of how it is done.
                        .route_layer(strict!($handler))
                        .route_layer(check(Operation::$operation)),
                ))+
        }
    };
}

routes! {
    GET "/api/v1/accounts" accounts::list: ReadAccounts;
    POST "/api/v1/accounts" accounts::create: AddAccount;
    GET "/api/v1/accounts/{name}" accounts::view: ReadAccounts;
    DELETE "/api/v1/accounts/{name}" accounts::remove: RemoveAccount;
    GET "/api/v1/accounts/{name}/history" history::show: ReadAccounts;
    POST "/api/v1/accounts/{name}/history" history::ask: ImportHistory;
    POST "/api/v1/accounts/{name}/login" accounts::login: LinkAccount;
    POST "/api/v1/accounts/{name}/logout" accounts::logout: LinkAccount;
    POST "/api/v1/accounts/{name}/rebind" accounts::rebind: RebindAccount;
    POST "/api/v1/accounts/{name}/release" accounts::release: ReleaseAccount;
    GET "/api/v1/accounts/{name}/session" accounts::session: LinkAccount;
    GET "/api/v1/accounts/{name}/sync" history::synced: ReadAccounts;
    POST "/api/v1/accounts/{name}/sync" history::sync: SyncAccount;
    POST "/api/v1/accounts/{name}/takeover" accounts::take_over: LinkAccount;
    GET "/api/v1/agents" agents::list: ReadAgents;
    POST "/api/v1/agents" agents::create: CreateAgent;
    GET "/api/v1/agents/{id}" agents::view: ReadAgents;
    PATCH "/api/v1/agents/{id}" agents::edit: EditAgent;
    GET "/api/v1/attributes" attributes::list: ReadAttributes;
    POST "/api/v1/attributes" attributes::create: EditAttributes;
    GET "/api/v1/attributes/{name}" attributes::view: ReadAttributes;
    PATCH "/api/v1/attributes/{name}" attributes::edit: EditAttributes;
    DELETE "/api/v1/attributes/{name}" attributes::delete: EditAttributes;
    GET "/api/v1/audit" audit::list: ReadAudit;
    GET "/api/v1/backup" backup::download: TakeBackup;
    POST "/api/v1/clock/confirm" status::confirm_clock: ConfirmClock;
    GET "/api/v1/conversations" conversations::list: ReadConversations;
    GET "/api/v1/conversations/counts" counts::show: ReadConversations;
    GET "/api/v1/conversations/{id}" conversations::view: ReadConversations;
    POST "/api/v1/conversations/{id}/assign" work::assign: AssignConversation;
    PUT "/api/v1/conversations/{id}/labels/{name}" work::put_label: LabelConversation;
    DELETE "/api/v1/conversations/{id}/labels/{name}" work::take_label: LabelConversation;
    GET "/api/v1/conversations/{id}/messages" messages::list: ReadMessages;
    GET "/api/v1/conversations/{id}/notes" notes::list: ReadNotes;
    POST "/api/v1/conversations/{id}/notes" notes::create: WriteNote;
    POST "/api/v1/conversations/{id}/read" conversations::mark_read: MarkRead;
    POST "/api/v1/conversations/{id}/status" work::set_status: SetStatus;
    GET "/api/v1/docs" openapi::read: ReadDescription;
    GET "/api/v1/customers" customers::list: ReadCustomers;
    POST "/api/v1/customers" customers::create: CreateCustomer;
    GET "/api/v1/customers/{id}" customers::view: ReadCustomers;
    PATCH "/api/v1/customers/{id}" customers::edit: EditCustomer;
    GET "/api/v1/customers/{id}/avatar" avatar::show: ReadCustomers;
    GET "/api/v1/customers/{id}/identities" customers::identities: ReadCustomers;
    PUT "/api/v1/customers/{id}/labels/{name}" customer_labels::put: LabelCustomer;
    DELETE "/api/v1/customers/{id}/labels/{name}" customer_labels::take: LabelCustomer;
    POST "/api/v1/customers/{id}/merge" merges::create: MergeCustomers;
    GET "/api/v1/customers/{id}/merges" merges::list: ReadCustomers;
    POST "/api/v1/customers/{id}/opt-in" consent::opt_in: OptInCustomer;
    POST "/api/v1/customers/{id}/opt-out" consent::opt_out: OptOutCustomer;
    GET "/api/v1/events" sse::show: FollowEvents;
    GET "/api/v1/export/customers" export::customers: Export;
    GET "/api/v1/export/messages" export::messages: Export;
    GET "/api/v1/exports" exports::list: Export;
    POST "/api/v1/exports" exports::create: Export;
    GET "/api/v1/exports/{id}" exports::view: Export;
    DELETE "/api/v1/exports/{id}" exports::delete: Export;
    GET "/api/v1/exports/{id}/content" exports::content: Export;
    GET "/api/v1/keys" keys::list: ReadKeys;
    POST "/api/v1/keys" keys::create: CreateKey;
    GET "/api/v1/keys/{id}" keys::view: ReadKeys;
    POST "/api/v1/keys/{id}/revoke" keys::revoke: RevokeKey;
    POST "/api/v1/keys/{id}/rotate" keys::rotate: RotateKey;
    GET "/api/v1/labels" labels::list: ReadLabels;
    POST "/api/v1/labels" labels::create: EditLabels;
    GET "/api/v1/labels/{name}" labels::view: ReadLabels;
    PATCH "/api/v1/labels/{name}" labels::edit: EditLabels;
    DELETE "/api/v1/labels/{name}" labels::delete: EditLabels;
    GET "/api/v1/me" me::view: ReadSelf;
    POST "/api/v1/media" media::upload: UploadMedia;
    GET "/api/v1/media/{id}" media::content: ReadMedia;
    POST "/api/v1/media/{id}/fetch" media::fetch: FetchMedia;
    GET "/api/v1/media/{id}/info" media::view: ReadMedia;
    GET "/api/v1/media/{id}/thumbnail" media::thumbnail: ReadMedia;
    GET "/api/v1/merges/{id}" merges::view: ReadCustomers;
    POST "/api/v1/merges/{id}/undo" merges::undo: UndoMerge;
    POST "/api/v1/messages" messages::create: SendMessage;
    GET "/api/v1/messages/{id}" messages::view: ReadMessages;
    PATCH "/api/v1/messages/{id}" revisions::edit: ReviseMessage;
    DELETE "/api/v1/messages/{id}" revisions::delete: ReviseMessage;
    POST "/api/v1/messages/{id}/cancel" messages::cancel: ReleaseMessage;
    POST "/api/v1/messages/{id}/forward" forward::create: SendMessage;
    PUT "/api/v1/messages/{id}/reaction" revisions::react: ReviseMessage;
    DELETE "/api/v1/messages/{id}/reaction" revisions::take_back: ReviseMessage;
    POST "/api/v1/messages/{id}/release" messages::release: ReleaseMessage;
    POST "/api/v1/messages/{id}/resolve" messages::resolve: SettleMessage;
    POST "/api/v1/messages/{id}/retry" messages::retry: SettleMessage;
    GET "/api/v1/notes/{id}" notes::view: ReadNotes;
    DELETE "/api/v1/notes/{id}" notes::delete: WriteNote;
    GET "/api/v1/openapi.json" openapi::show: ReadDescription;
    GET "/api/v1/outbox" outbox::show: WatchServer;
    POST "/api/v1/outbox/resume" outbox::resume: ResumeOutbox;
    GET "/api/v1/quarantine" quarantine::list: ReadQuarantine;
    POST "/api/v1/quarantine/replay" quarantine::replay: ReplayQuarantine;
    GET "/api/v1/status" status::show: WatchServer;
    GET "/api/v1/templates" templates::list: ReadTemplates;
    POST "/api/v1/templates" templates::create: EditTemplates;
    GET "/api/v1/templates/{name}" templates::view: ReadTemplates;
    PATCH "/api/v1/templates/{name}" templates::edit: EditTemplates;
    DELETE "/api/v1/templates/{name}" templates::delete: EditTemplates;
    POST "/api/v1/templates/{name}/render" templates::render: ReadTemplates;
    GET "/metrics" metrics::show: ReadMetrics;
    GET "/readyz" health::ready: WatchServer;
    POST "/customers/photo" seed::customers::photo: EditCustomer;
    GET "/customers/summary" seed::customers::summary: ReadCustomers;
    POST "/messages/ack" seed::gateway::ack: FeedGateway;
    GET "/messages/events/stream" seed::events::stream: FollowEvents;
    POST "/messages/inbox" seed::gateway::inbox: FeedGateway;
    POST "/messages/send" seed::messages::send: SendMessage;
    GET "/messages/{customer_id}" seed::messages::list: ReadMessages;
    GET "/tables" seed::tables::list: ReadTables;
    GET "/tables/{name}" seed::tables::show: ReadTables;
}

/// Returns the routes that need a key, with what every request to them passes.
fn protected(state: &ApiState) -> Router<ApiState> {
    keyed(state)
        .fallback(not_found)
        // Within the check of the key: without one nobody learns which methods a path takes.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(hidden::hide))
        .layer(from_fn_with_state(state.access(), auth::authenticate))
}

async fn not_found() -> Problem {
    Problem::new(
        Code::NotFound,
        "there is nothing at this path; the API is under /api/v1",
    )
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "this path does not take that method; the Allow header lists those it takes",
    )
}
