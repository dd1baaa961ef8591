//! Files on their way to the homeserver.

use std::path::Path;

use matrix_sdk::ruma::api::client::media::create_content;

use crate::matrix::wire::Fault;

/// Reads a file that is to be uploaded. `name` is what people call it.
pub async fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, Fault> {
    let bytes = tokio::fs::read(path).await;
    bytes.map_err(|error| Fault::Refused(format!("the file {name} cannot be read: {error}")))
}

/// Returns the request that uploads a file as it is.
pub fn upload_request(bytes: Vec<u8>, mimetype: &str, name: Option<&str>) -> create_content::v3::Request {
    let mut request = create_content::v3::Request::new(bytes);
    request.content_type = Some(mimetype.to_owned());
    request.filename = name.map(str::to_owned);
    request
}
