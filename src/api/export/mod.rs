//! `/export`: all rows as a stream, so that an export never has to fit into memory.

pub mod csv;

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::access::hidden;
use super::accounts;
use super::http::extract::Query;
use super::http::problem::Problem;
use super::openapi::{Rows, Shaped};
use crate::contract::{CustomerView, MessageView};
use crate::domain::rights::Sight;
use crate::domain::{AccountId, ConversationId, CustomerId, Timestamp};
use crate::store::{CustomerFilter, MessageFilter, Store, StoreError};

/// Number of rows in one piece of the answer.
const ROWS_AT_ONCE: usize = 100;

/// Most customers whose names are remembered during an export.
const NAMES_KEPT: usize = 10_000;

/// Header with the number of rows to come, for progress bars.
const TOTAL: &str = "x-total-count";

/// Format of an export.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ExportFormat {
    Ndjson,
    Csv,
}

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
    let named = accounts::wanted(&store, &sight, wanted.account.as_deref()).await?;
    let filter = MessageFilter {
        account: named.or(wanted.account_id),
        customer: wanted.customer_id,
        conversation: wanted.conversation_id,
        from: wanted.from,
        until: wanted.until,
    };
    let hides = sight.hides_numbers();
    let total = store.sights().count_messages(&sight, filter).await?;
    let rows = store.sights().stream_messages(sight, filter).map_ok(MessageView::from);
    let mut response = match wanted.format {
        Some(ExportFormat::Csv) => {
            // A spreadsheet has no column for who was mentioned.
            let rows = rows.map_ok(|mut view| {
                view.content = view.shown_content().into_owned();
                view
            });
            answer(named_rows(store, rows), wanted.format, csv::MESSAGE_COLUMNS, hides)
        }
        Some(ExportFormat::Ndjson) | None => answer(rows, wanted.format, csv::MESSAGE_COLUMNS, hides),
    };
    response.headers_mut().insert(TOTAL, total.into());
    Ok(response.into())
}

/// `GET /export/customers`, scope `read`: streams customers as NDJSON or CSV.
pub async fn customers(
    State(store): State<Store>,
    sight: Sight,
    Query(wanted): Query<Customers>,
) -> Result<Shaped<Rows<CustomerView>>, Problem> {
    let account = accounts::wanted(&store, &sight, wanted.account.as_deref()).await?;
    let filter = CustomerFilter {
        account,
        ..CustomerFilter::default()
    };
    let hides = sight.hides_numbers();
    let rows = store
        .sights()
        .stream_customers(sight, filter)
        .map_ok(CustomerView::from);
    Ok(answer(rows, wanted.format, csv::CUSTOMER_COLUMNS, hides).into())
}

/// Adds to each message who its customer is and what its file is called: a table cannot be asked for them later.
fn named_rows(
    store: Store,
    rows: impl Stream<Item = Result<MessageView, StoreError>> + Send + 'static,
) -> impl Stream<Item = Result<Value, StoreError>> + Send + 'static {
    let known: BTreeMap<CustomerId, (String, Option<String>)> = BTreeMap::new();
    stream::try_unfold(
        (Box::pin(rows), store, known),
        |(mut rows, store, mut known)| async move {
            let Some(message) = rows.try_next().await? else {
                return Ok::<_, StoreError>(None);
            };
            let customer = message.customer_id;
            if let Some(id) = customer.filter(|id| !known.contains_key(id)) {
                if known.len() >= NAMES_KEPT {
                    known.clear();
                }
                if let Some(customer) = store.customers().current(id).await? {
                    let phone = customer.phone.as_ref().map(ToString::to_string);
                    known.insert(id, (customer.name, phone));
                }
            }
            let (name, phone) = customer.and_then(|id| known.get(&id)).cloned().unzip();
            let filename = message.media.as_ref().and_then(|media| media.filename.clone());
            let mut row = serde_json::to_value(&message).map_err(|error| StoreError::corrupt("messages", error))?;
            if let Value::Object(fields) = &mut row {
                fields.insert("customer_name".to_owned(), name.into());
                fields.insert("customer_phone".to_owned(), phone.flatten().into());
                fields.insert("filename".to_owned(), filename.into());
            }
            Ok(Some((row, (rows, store, known))))
        },
    )
}

/// Streams the rows. An error breaks the connection, so that the client does not take an incomplete file for a whole
/// one.
fn answer<T>(
    rows: impl Stream<Item = Result<T, StoreError>> + Send + 'static,
    format: Option<ExportFormat>,
    columns: &'static [&'static str],
    hides: bool,
) -> Response
where
    T: Serialize + Send + 'static,
{
    let format = format.unwrap_or(ExportFormat::Ndjson);
    let (kind, head) = match format {
        ExportFormat::Ndjson => ("application/x-ndjson", vec![]),
        ExportFormat::Csv => (
            "text/csv; charset=utf-8",
            [csv::BYTE_ORDER_MARK, &csv::header(columns)].concat(),
        ),
    };
    let lines = rows
        .map_err(anyhow::Error::from)
        .and_then(move |row| std::future::ready(line(&row, format, columns, hides)))
        .try_chunks(ROWS_AT_ONCE)
        .map_ok(|lines| Bytes::from(lines.concat()))
        .map_err(|failed| failed.1)
        .inspect_err(|error| tracing::error!("an export broke off: {error:#}"));
    let body = stream::iter([Ok(Bytes::from(head))]).chain(lines);
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(body)).into_response()
}

fn line<T: Serialize>(row: &T, format: ExportFormat, columns: &[&str], hides: bool) -> anyhow::Result<Vec<u8>> {
    if hides {
        return line(&hidden::row(row, hides)?, format, columns, false);
    }
    Ok(match format {
        ExportFormat::Csv => csv::row(row, columns)?,
        ExportFormat::Ndjson => {
            let mut line = serde_json::to_vec(row)?;
            line.push(b'\n');
            line
        }
    })
}
