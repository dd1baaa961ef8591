//! Uploads a file as a stream, so that it never has to fit into memory.

use std::path::Path;

use anyhow::Context as _;
use futures_util::TryStreamExt as _;
use reqwest::{Body, Method, header};
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::time::sleep;
use tokio_util::io::ReaderStream;

use crate::bridge::MAX_IDEMPOTENCY_KEY;
use crate::cli::client::Client;
use crate::cli::terminal::bar;
use crate::cli::{Exit, Fault, client};
use crate::contract::MediaView;
use crate::domain::hex::hex;

/// Size of one piece, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// Uploads a file, with retries while the server cannot be reached. The idempotency key makes the retries one file.
/// Returns the stored medium.
pub async fn upload(client: &Client, path: &Path, key: &str) -> anyhow::Result<MediaView> {
    let mut pauses = client::TRY_AGAIN.into_iter();
    loop {
        let error = match once(client, path, key).await {
            Ok(media) => return Ok(media),
            Err(error) => error,
        };
        match pauses.next() {
            Some(pause) if crate::cli::exit::code(&error) == Exit::Unreachable => sleep(pause).await,
            _ => return Err(error),
        }
    }
}

async fn once(client: &Client, path: &Path, key: &str) -> anyhow::Result<MediaView> {
    let (file, size) = open(path).await?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let address = client::with_query("/api/v1/media", [("filename", &*name)]);
    let bar = bar::bytes(Some(size));
    let told = bar.clone();
    let pieces = ReaderStream::with_capacity(file, PIECE_BYTES).inspect_ok(move |piece| told.inc(piece.len() as u64));
    let request = client
        .request(Method::POST, &address)
        .header("Idempotency-Key", key_of_file(key))
        .header(header::CONTENT_LENGTH, size)
        .header(header::CONTENT_TYPE, type_of(path))
        .body(Body::wrap_stream(pieces));
    let response = client::send(request).await;
    bar.finish_and_clear();
    response?.json().await.context("the server's answer broke off")
}

/// Returns the idempotency key of the file of a message with this one. A long key is hashed: with an ending it would be longer
/// than the server takes.
fn key_of_file(key: &str) -> String {
    let plain = format!("{key}.file");
    if plain.len() <= MAX_IDEMPOTENCY_KEY || key.len() > MAX_IDEMPOTENCY_KEY {
        return plain;
    }
    format!("sha256:{}.file", hex(&Sha256::digest(key)))
}

/// Opens the file, and refuses what cannot be sent before anything is sent.
async fn open(path: &Path) -> anyhow::Result<(File, u64)> {
    let unusable = |why: &str| Fault::new(Exit::Usage, format!("{} cannot be sent: {why}", path.display()));
    let file = File::open(path).await.map_err(|error| unusable(&error.to_string()))?;
    let about = file.metadata().await.map_err(|error| unusable(&error.to_string()))?;
    if !about.is_file() {
        return Err(unusable("it is not a file").into());
    }
    if about.len() == 0 {
        return Err(unusable("it is empty").into());
    }
    Ok((file, about.len()))
}

/// Returns the type by the file's name. The server checks the bytes.
fn type_of(path: &Path) -> String {
    mime_guess::from_path(path).first_or_octet_stream().to_string()
}
