//! Fetches files from the homeserver, in pieces: a file may be larger than memory allows.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::time::Duration;

use matrix_sdk::reqwest::{self, Client, Url};
use matrix_sdk::ruma::MxcUri;
use matrix_sdk::ruma::events::room::MediaSource;
use matrix_sdk_crypto::AttachmentDecryptor;
use tokio::io::AsyncWriteExt as _;

use crate::domain::matrix::RoomFileError;
use crate::domain::media::Sink;

use super::wire::Fault;

/// Size of one piece of a decrypted file, in bytes.
const PIECE: usize = 64 * 1024;

/// Deadline of a file.
const TIMEOUT: Duration = Duration::from_mins(5);
/// How long the homeserver may take to be reached, and between two pieces.
const PATIENCE: Duration = Duration::from_secs(30);

/// Builds the client for the requests of [`Source`].
pub fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE)
        .build()
}

/// Where files are fetched from, and as whom.
pub struct Source<'a> {
    /// Client for these requests.
    pub http: &'a Client,
    /// The homeserver's base address.
    pub homeserver: &'a Url,
    /// Access token of our user.
    pub token: &'a str,
}

impl Source<'_> {
    /// Writes the bytes of a file to `sink`, decrypted where they are encrypted. Fails before the end of a file with more
    /// than `max` bytes, at the end of one whose hash is wrong, and after [`TIMEOUT`].
    pub async fn fetch(&self, file: &str, max: u64, sink: &mut dyn Sink) -> Result<(), RoomFileError> {
        let fetched = tokio::time::timeout(TIMEOUT, self.fetch_all(file, max, sink)).await;
        fetched.unwrap_or_else(|_| Err(Fault::busy("the file did not come in time").into()))
    }

    async fn fetch_all(&self, file: &str, max: u64, sink: &mut dyn Sink) -> Result<(), RoomFileError> {
        let file: MediaSource = serde_json::from_str(file).map_err(Fault::from)?;
        match file {
            MediaSource::Plain(uri) => self.download(&uri, max, sink).await,
            MediaSource::Encrypted(file) => {
                let mut encrypted = Spool::new()?;
                self.download(&file.url, max, &mut encrypted).await?;
                let mut encrypted = encrypted.finish().await?;
                let info = (*file).into();
                let mut decrypted = AttachmentDecryptor::new(&mut encrypted, info)
                    .map_err(|error| Fault::Refused(format!("the file cannot be decrypted: {error}")))?;
                let mut piece = vec![0; PIECE];
                loop {
                    let read = decrypted.read(&mut piece);
                    let read = read.map_err(|error| Fault::Refused(format!("the file is damaged: {error}")))?;
                    if read == 0 {
                        return Ok(());
                    }
                    sink.write(&piece[..read]).await?;
                }
            }
        }
    }

    async fn download(&self, uri: &MxcUri, max: u64, sink: &mut dyn Sink) -> Result<(), RoomFileError> {
        let mut answer = self
            .http
            .get(self.address(uri)?)
            .bearer_auth(self.token)
            .send()
            .await
            .map_err(Fault::from)?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(Fault::of_status(status, format!("the file is not there (status {status})")).into());
        }
        if answer.content_length().is_some_and(|length| length > max) {
            return Err(std::io::Error::from(std::io::ErrorKind::FileTooLarge).into());
        }
        let mut left = max;
        while let Some(piece) = answer.chunk().await.map_err(Fault::from)? {
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            left = left
                .checked_sub(length)
                .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::FileTooLarge))?;
            sink.write(&piece).await?;
        }
        Ok(())
    }

    /// Returns the address of a file (authenticated media, Matrix 1.11).
    fn address(&self, uri: &MxcUri) -> Result<Url, Fault> {
        let wrong = || Fault::Refused("the event does not say where the file is".to_owned());
        let (server, id) = uri.parts().map_err(|_| wrong())?;
        let mut address = self.homeserver.clone();
        address
            .path_segments_mut()
            .map_err(|()| wrong())?
            .pop_if_empty()
            .extend(["_matrix", "client", "v1", "media", "download", server.as_str(), id]);
        Ok(address)
    }
}

/// An encrypted file on its way, which nobody else can open.
struct Spool(tokio::fs::File);

impl Spool {
    fn new() -> std::io::Result<Self> {
        Ok(Self(tokio::fs::File::from_std(tempfile::tempfile()?)))
    }

    /// Returns the file, from its beginning.
    async fn finish(mut self) -> std::io::Result<File> {
        self.0.flush().await?;
        let mut file = self.0.into_std().await;
        file.rewind()?;
        Ok(file)
    }
}

#[async_trait::async_trait]
impl Sink for Spool {
    async fn write(&mut self, slice: &[u8]) -> std::io::Result<()> {
        self.0.write_all(slice).await
    }
}
