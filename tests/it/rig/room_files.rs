//! Files of rooms, as an agent's client reads and sends them.

use std::io::Cursor;

use matrix_sdk::Client;
use matrix_sdk::media::{MediaFormat, MediaRequestParameters};
use matrix_sdk::ruma::events::room::MediaSource;
use serde_json::{Value, json};
use testbed::agents::Agent;
use testbed::servers::Synapse;

use super::desk::PASSWORD;

/// A client of an agent for files alone.
pub struct RoomFiles(Client);

impl RoomFiles {
    pub async fn of(synapse: &Synapse, agent: &Agent) -> Self {
        let client = Client::builder().homeserver_url(synapse.url()).build().await.unwrap();
        let auth = client.matrix_auth();
        auth.login_username(agent.user_id(), PASSWORD).send().await.unwrap();
        Self(client)
    }

    /// The bytes of the file in an event's content, decrypted where they are encrypted.
    pub async fn bytes_in(&self, content: &Value) -> Vec<u8> {
        let source = match content.get("file") {
            Some(file) => MediaSource::Encrypted(serde_json::from_value(file.clone()).unwrap()),
            None => MediaSource::Plain(serde_json::from_value(content["url"].clone()).unwrap()),
        };
        let request = MediaRequestParameters {
            source,
            format: MediaFormat::File,
        };
        self.0.media().get_media_content(&request, false).await.unwrap()
    }

    /// Uploads a file, encrypted or not, and adds where it is to an event's content.
    pub async fn upload(&self, bytes: &[u8], encrypted: bool, mut content: Value) -> Value {
        if encrypted {
            let mut reader = Cursor::new(bytes.to_vec());
            let file = self.0.upload_encrypted_file(&mut reader).await.unwrap();
            content["file"] = json!(file);
        } else {
            let mime = content["info"]["mimetype"]
                .as_str()
                .unwrap_or("application/octet-stream");
            let mime = mime.parse().unwrap();
            let uploaded = self.0.media().upload(&mime, bytes.to_vec(), None).await.unwrap();
            content["url"] = json!(uploaded.content_uri);
        }
        content
    }
}
