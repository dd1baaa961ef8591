//! `/export`: all rows as a stream, so that an export never has to fit into memory.

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use schemars::JsonSchema;
use serde::Deserialize;

use super::accounts;
use super::filters::{OfMessages, Place};
use super::http::extract::Query;
use super::http::problem::Problem;
use super::openapi::answers::{Rows, Shaped};
use crate::bridge::{export_rows, of_messages};
use crate::contract::{CustomerView, MessageView};
use crate::domain::export::{ExportFilter, ExportFormat, ExportWhat};
use crate::domain::rights::Sight;
use crate::domain::{AccountId, ConversationId, CustomerId, Timestamp};
use crate::store::Store;

/// Header with the number of rows to come, for progress bars.
const TOTAL: &str = "x-total-count";
/// Pieces that are read while the rows are counted: the head of the file, and its first rows. Finding those may take as long
/// as counting.
const BEGINNING: usize = 2;

/// Query of the export of messages.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Lines of JSON (the default), or comma-separated values.
    format: Option<ExportFormat>,
    /// Account by name or id; `account_id` takes an id only.
    account: Option<String>,
    /// Account by id.
    account_id: Option<AccountId>,
    /// Customer of the messages.
    customer_id: Option<CustomerId>,
    /// Conversation of the messages.
    conversation_id: Option<ConversationId>,
    /// Time of the oldest message.
    from: Option<Timestamp>,
    /// Time before which the messages were written.
    until: Option<Timestamp>,
}

/// Query of the export of customers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Customers {
    /// Lines of JSON (the default), or comma-separated values.
    format: Option<ExportFormat>,
    /// Only customers with whom this account has a conversation; by name or id.
    account: Option<String>,
}

/// `GET /export/messages`, scope `read`: streams messages as NDJSON or CSV, with their number in `X-Total-Count`.
pub async fn messages(
    State(store): State<Store>,
    sight: Sight,
    Query(wanted): Query<Messages>,
) -> Result<Shaped<Rows<MessageView>>, Problem> {
    let filter = OfMessages {
        place: Place::Query,
        account: wanted.account.as_deref(),
        account_id: wanted.account_id,
        customer_id: wanted.customer_id,
        conversation_id: wanted.conversation_id,
        from: wanted.from,
        until: wanted.until,
    };
    let filter = filter.resolved(&store, &sight).await?;
    let format = wanted.format.unwrap_or_default();
    let sights = store.sights();
    let counted = sights.count_messages(&sight, of_messages(filter));
    let mut rows = rows(&store, sight.clone(), ExportWhat::Messages, filter, format);
    let beginning = rows.by_ref().take(BEGINNING).collect::<Vec<_>>();
    let (total, beginning) = tokio::join!(counted, beginning);
    let mut response = answer(format, stream::iter(beginning).chain(rows));
    response.headers_mut().insert(TOTAL, total?.into());
    Ok(response.into())
}

/// `GET /export/customers`, scope `read`: streams customers as NDJSON or CSV.
pub async fn customers(
    State(store): State<Store>,
    sight: Sight,
    Query(wanted): Query<Customers>,
) -> Result<Shaped<Rows<CustomerView>>, Problem> {
    let account = accounts::wanted(&store, &sight, wanted.account.as_deref()).await?;
    let filter = ExportFilter {
        account,
        ..ExportFilter::default()
    };
    let format = wanted.format.unwrap_or_default();
    let rows = rows(&store, sight, ExportWhat::Customers, filter, format);
    Ok(answer(format, rows).into())
}

/// Returns the bytes of the file. An error breaks the connection, so that the client does not take an incomplete file for a
/// whole one.
fn rows(
    store: &Store,
    sight: Sight,
    what: ExportWhat,
    filter: ExportFilter,
    format: ExportFormat,
) -> BoxStream<'static, anyhow::Result<Bytes>> {
    export_rows(store, sight, what, filter, format)
        .map_ok(|piece| piece.bytes)
        .inspect_err(|error| tracing::error!("an export broke off: {error:#}"))
        .boxed()
}

fn answer(format: ExportFormat, rows: impl Stream<Item = anyhow::Result<Bytes>> + Send + 'static) -> Response {
    ([(header::CONTENT_TYPE, format.content_type())], Body::from_stream(rows)).into_response()
}
