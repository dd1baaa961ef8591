//! `/export`: all rows as a stream, so that an export never has to fit into memory.

pub mod csv;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::accounts;
use super::http::extract::Query;
use super::http::problem::Problem;
use crate::contract::{CustomerView, MessageView};
use crate::domain::{AccountId, ConversationId, CustomerId, Timestamp};
use crate::store::{MessageFilter, Store, StoreError};

/// Number of rows in one piece of the answer.
const ROWS_AT_ONCE: usize = 100;

/// Header with the number of rows to come, for progress bars.
const TOTAL: &str = "x-total-count";

/// Format of an export.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ExportFormat {
    Ndjson,
    Csv,
}

/// Query of the export of messages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    format: Option<ExportFormat>,
    /// Account by name or id; `account_id` takes an id only.
    account: Option<String>,
    account_id: Option<AccountId>,
    customer_id: Option<CustomerId>,
    conversation_id: Option<ConversationId>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// Query of the export of customers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customers {
    format: Option<ExportFormat>,
    /// Only customers with whom this account has a conversation; by name or id.
    account: Option<String>,
}

/// `GET /export/messages`, scope `read`: streams messages as NDJSON or CSV, with their number in `X-Total-Count`.
pub async fn messages(State(store): State<Store>, Query(wanted): Query<Messages>) -> Result<Response, Problem> {
    let named = accounts::wanted(&store, wanted.account.as_deref()).await?;
    let filter = MessageFilter {
        account: named.or(wanted.account_id),
        customer: wanted.customer_id,
        conversation: wanted.conversation_id,
        from: wanted.from,
        until: wanted.until,
    };
    let total = store.messages().count(filter).await?;
    let is_csv = matches!(wanted.format, Some(ExportFormat::Csv));
    let rows = store.messages().stream(filter).map_ok(move |message| {
        let mut view = MessageView::from(message);
        if is_csv {
            // A spreadsheet has no column for who was mentioned.
            view.content = view.shown_content().into_owned();
        }
        view
    });
    let mut response = answer(rows, wanted.format, csv::MESSAGE_COLUMNS);
    response.headers_mut().insert(TOTAL, total.into());
    Ok(response)
}

/// `GET /export/customers`, scope `read`: streams customers as NDJSON or CSV.
pub async fn customers(State(store): State<Store>, Query(wanted): Query<Customers>) -> Result<Response, Problem> {
    let account = accounts::wanted(&store, wanted.account.as_deref()).await?;
    let rows = store.customers().stream(account).map_ok(CustomerView::from);
    Ok(answer(rows, wanted.format, csv::CUSTOMER_COLUMNS))
}

/// Streams the rows. An error breaks the connection, so that the client does not take an incomplete file for a whole
/// one.
fn answer<T>(
    rows: impl Stream<Item = Result<T, StoreError>> + Send + 'static,
    format: Option<ExportFormat>,
    columns: &'static [&'static str],
) -> Response
where
    T: Serialize + Send + 'static,
{
    let format = format.unwrap_or(ExportFormat::Ndjson);
    let (kind, head) = match format {
        ExportFormat::Ndjson => ("application/x-ndjson", vec![]),
        ExportFormat::Csv => ("text/csv; charset=utf-8", csv::header(columns)),
    };
    let lines = rows
        .map_err(anyhow::Error::from)
        .and_then(move |row| std::future::ready(line(&row, format, columns)))
        .try_chunks(ROWS_AT_ONCE)
        .map_ok(|lines| Bytes::from(lines.concat()))
        .map_err(|failed| failed.1)
        .inspect_err(|error| tracing::error!("an export broke off: {error:#}"));
    let body = stream::iter([Ok(Bytes::from(head))]).chain(lines);
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(body)).into_response()
}

fn line<T: Serialize>(row: &T, format: ExportFormat, columns: &[&str]) -> anyhow::Result<Vec<u8>> {
    Ok(match format {
        ExportFormat::Csv => csv::row(row, columns)?,
        ExportFormat::Ndjson => {
            let mut line = serde_json::to_vec(row)?;
            line.push(b'\n');
            line
        }
    })
}
