//! Rows of exports, written once for those that are streamed and those that become a file.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde_json::Value;

use crate::contract::{CustomerView, MessageView, hide_numbers};
use crate::domain::CustomerId;
use crate::domain::export::{ExportFilter, ExportFormat, ExportWhat};
use crate::domain::rights::Sight;
use crate::store::{CustomerFilter, MessageFilter, Store, StoreError};

use super::csv;

/// Number of rows in one piece.
const ROWS_AT_ONCE: usize = 100;
/// Most customers whose names are remembered during an export.
const NAMES_KEPT: usize = 10_000;

/// Some rows of an export, as the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The bytes.
    pub bytes: Bytes,
    /// Number of rows in them.
    pub rows: u64,
}

/// A stream of the bytes of an export.
pub type Pieces = BoxStream<'static, anyhow::Result<Piece>>;

/// Returns the rows that a sight has, as the bytes of a file, with a few of them at a time in memory. An error ends it.
pub fn export_rows(
    store: &Store,
    sight: Sight,
    what: ExportWhat,
    filter: ExportFilter,
    format: ExportFormat,
) -> Pieces {
    let hides = sight.hides_numbers();
    match what {
        ExportWhat::Messages => {
            let rows = store.sights().stream_messages(sight, of_messages(filter));
            let rows = rows.map_ok(MessageView::from);
            match format {
                ExportFormat::Csv => {
                    // A spreadsheet has no column for who was mentioned.
                    let rows = rows.map_ok(|mut view| {
                        view.content = view.shown_content().into_owned();
                        view
                    });
                    written(named_rows(store.clone(), rows), format, csv::MESSAGE_COLUMNS, hides)
                }
                ExportFormat::Ndjson => written(rows, format, csv::MESSAGE_COLUMNS, hides),
            }
        }
        ExportWhat::Customers => {
            let wanted = CustomerFilter {
                account: filter.account,
                ..CustomerFilter::default()
            };
            let rows = store.sights().stream_customers(sight, wanted);
            written(rows.map_ok(CustomerView::from), format, csv::CUSTOMER_COLUMNS, hides)
        }
    }
}

/// Returns the filter of messages.
pub const fn of_messages(filter: ExportFilter) -> MessageFilter {
    MessageFilter {
        account: filter.account,
        customer: filter.customer,
        conversation: filter.conversation,
        from: filter.from,
        until: filter.until,
    }
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

fn written<T>(
    rows: impl Stream<Item = Result<T, StoreError>> + Send + 'static,
    format: ExportFormat,
    columns: &'static [&'static str],
    hides: bool,
) -> Pieces
where
    T: Serialize + Send + 'static,
{
    let head = match format {
        ExportFormat::Ndjson => vec![],
        ExportFormat::Csv => [csv::BYTE_ORDER_MARK, &csv::header(columns)].concat(),
    };
    let head = Piece {
        bytes: Bytes::from(head),
        rows: 0,
    };
    let pieces = rows
        .map_err(anyhow::Error::from)
        .and_then(move |row| std::future::ready(line(&row, format, columns, hides)))
        .try_chunks(ROWS_AT_ONCE)
        .map_ok(|lines| Piece {
            rows: lines.len() as u64,
            bytes: Bytes::from(lines.concat()),
        })
        .map_err(|failed| failed.1);
    stream::iter([Ok(head)]).chain(pieces).boxed()
}

fn line<T: Serialize>(row: &T, format: ExportFormat, columns: &[&str], hides: bool) -> anyhow::Result<Vec<u8>> {
    if hides {
        let mut row = serde_json::to_value(row)?;
        hide_numbers(&mut row);
        return line(&row, format, columns, false);
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
