//! A plain JSON array of any length, with a bounded part of it in memory.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::{Part, ROWS_AT_ONCE};
use crate::api::access::hidden::WithoutNumbers;
use crate::api::http::problem::Problem;
use crate::store::StoreError;

const JSON: &str = "application/json";

/// Answers with a part of these rows. A short array is answered whole; a long one is streamed, and an error in its course
/// breaks the connection, so that the client does not take it for complete. Where numbers are hidden, the rows have none.
pub async fn answer<T>(
    rows: impl Stream<Item = Result<T, StoreError>> + Send + 'static,
    part: Part,
) -> Result<Response, Problem>
where
    T: Serialize + Send + 'static,
{
    let (offset, limit) = part.bounds();
    let at_once = usize::try_from(ROWS_AT_ONCE).unwrap_or(usize::MAX);
    let mut chunks = Box::pin(rows.skip(offset).take(limit).try_chunks(at_once));
    let first = chunks.try_next().await.map_err(|failed| failed.1)?.unwrap_or_default();
    let mut head = b"[".to_vec();
    push(&mut head, &first, true).map_err(|error| Problem::internal(&error.into()))?;
    if first.len() < at_once {
        head.push(b']');
        return Ok(([(header::CONTENT_TYPE, JSON)], head).into_response());
    }
    let rest = chunks
        .map_err(|failed| anyhow::Error::from(failed.1))
        .and_then(|rows| std::future::ready(following(&rows)))
        .inspect_err(|error| tracing::error!("a list broke off: {error:#}"));
    let body = stream::iter([Ok(Bytes::from(head))])
        .chain(rest)
        .chain(stream::iter([Ok(Bytes::from_static(b"]"))]));
    let mut response = ([(header::CONTENT_TYPE, JSON)], Body::from_stream(body)).into_response();
    response.extensions_mut().insert(WithoutNumbers);
    Ok(response)
}

fn following<T: Serialize>(rows: &[T]) -> anyhow::Result<Bytes> {
    let mut piece = vec![];
    push(&mut piece, rows, false)?;
    Ok(piece.into())
}

/// Appends rows with a comma before each but the first of all.
fn push<T: Serialize>(piece: &mut Vec<u8>, rows: &[T], is_first: bool) -> serde_json::Result<()> {
    for (number, row) in rows.iter().enumerate() {
        if number > 0 || !is_first {
            piece.push(b',');
        }
        serde_json::to_writer(&mut *piece, row)?;
    }
    Ok(())
}
