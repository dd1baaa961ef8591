//! `/backup`: a consistent copy of the whole database, streamed while other requests go on.

use anyhow::Context as _;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse as _;
use futures_util::stream;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::sync::oneshot;

use super::http::problem::Problem;
use super::openapi::answers::{Lines, Shaped};
use crate::store::{Store, StoreError};
use crate::supervisor::Supervisor;

/// Size of the buffer between the database and the connection, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Size of one piece of the answer, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// `GET /backup`, scope `admin`: streams a backup as NDJSON. Answers 409 while another one is being written.
pub async fn download(
    State(store): State<Store>,
    State(supervisor): State<Supervisor>,
) -> Result<Shaped<Lines<Value>>, Problem> {
    let backup = store.backup()?;
    let (reader, writer) = tokio::io::duplex(BUFFER_BYTES);
    let (tell, told) = oneshot::channel();
    supervisor.spawn_short("backup", async move {
        // The receiver is dropped when the client has disconnected; nobody needs the result then.
        let _ = tell.send(backup.write(writer).await.map(drop));
    });
    let pieces = stream::try_unfold((reader, Some(told)), |(reader, told)| piece(reader, told));
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(pieces)).into_response().into())
}

type Outcome = oneshot::Receiver<Result<(), StoreError>>;
type Progress = (DuplexStream, Option<Outcome>);

/// Returns the next piece. After a failed backup it returns an error, which breaks the connection, so that the client
/// does not take an incomplete file for a whole one.
async fn piece(mut reader: DuplexStream, mut told: Option<Outcome>) -> anyhow::Result<Option<(Bytes, Progress)>> {
    let mut bytes = Vec::with_capacity(PIECE_BYTES);
    if reader.read_buf(&mut bytes).await? > 0 {
        return Ok(Some((bytes.into(), (reader, told))));
    }
    if let Some(outcome) = told.take() {
        let outcome = outcome.await.context("the backup's task ended without a result")?;
        outcome.inspect_err(|error| tracing::error!("a backup broke off: {error}"))?;
    }
    Ok(None)
}
