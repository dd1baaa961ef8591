//! HTTP client of the API: one request, one answer, and the exit code that an error means.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Exit, Fault};
use crate::api::SHELL_AGENT;
use crate::config::{Config, Secret};
use crate::contract::{FieldError, Page, ProblemBody, RawJson};

/// Maximum time to connect to the server.
const CONNECT: Duration = Duration::from_secs(5);

/// Pauses before each retry while the server cannot be reached. Each retry carries the same idempotency key.
pub const TRY_AGAIN: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Rows requested in one page.
const PAGE_ROWS: u64 = 500;

/// Says what to do about a refused key. Not only `crm key create`, which needs a key itself.
pub const KEY_REFUSED: &str = "the key is unknown, expired or revoked; set CRM_API_KEY to another, which an administrator makes \
    with `crm key create`. If none is left: stop the server, delete admin.key in its data folder and start it again, which \
    makes a new one there";

const OTHER_VERSION: &str = "the server's answer is not what this version expects; is it another version?";

/// Client of one server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: Secret,
}

impl Client {
    /// Creates a client with the address and key of the configuration; without a configured key it reads `admin.key` in
    /// the data folder.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            http: http(&config.url)?,
            base: config.url.trim_end_matches('/').to_owned(),
            key: key(config)?,
        })
    }

    /// Starts a request to `path`, with the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(self.key.expose())
    }

    /// Sends a GET and parses the answer.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        json(send(self.request(Method::GET, path)).await?).await
    }

    /// Sends a POST with a JSON body and parses the answer.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        json(send(self.request(Method::POST, path).json(body)).await?).await
    }

    /// Sends a request with a JSON body and another method, and parses the answer.
    pub async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        json(send(self.request(method, path).json(body)).await?).await
    }

    /// Sends a DELETE whose answer is empty.
    pub async fn delete(&self, path: &str) -> anyhow::Result<()> {
        send(self.request(Method::DELETE, path)).await.map(|_| ())
    }

    /// Reads a list page by page until there are `limit` rows or no more. Returns the rows, and whether there are more.
    pub async fn list<T: DeserializeOwned>(&self, path: &str, limit: Option<u64>) -> anyhow::Result<(Vec<T>, bool)> {
        let mut rows: Vec<T> = vec![];
        let mut next = Some(with_limit(path, limit.unwrap_or(PAGE_ROWS).min(PAGE_ROWS)));
        while let Some(path) = next {
            let response = send(self.request(Method::GET, &path)).await?;
            next = next_page(&response);
            let page: Page<T> = json(response).await?;
            rows.extend(page.data);
            if limit.is_some_and(|limit| rows.len() as u64 >= limit) {
                break;
            }
        }
        let wanted = limit.map_or(rows.len(), |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let more = next.is_some() || rows.len() > wanted;
        rows.truncate(wanted);
        Ok((rows, more))
    }
}

/// Creates an HTTP client for `url`. A loopback address is reached directly, even if the environment sets a proxy.
pub fn http(url: &str) -> anyhow::Result<reqwest::Client> {
    let loopback = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|host| url.split("://").nth(1).is_some_and(|rest| rest.starts_with(host)));
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .http1_only()
        .user_agent(format!("{SHELL_AGENT}{}", env!("CARGO_PKG_VERSION")));
    let builder = if loopback { builder.no_proxy() } else { builder };
    builder.build().context("starting the HTTP client")
}

fn key(config: &Config) -> anyhow::Result<Secret> {
    if let Some(source) = &config.api_key {
        return Ok(source.read()?);
    }
    let path = config.data_dir.join("admin.key");
    match std::fs::read_to_string(&path) {
        Ok(key) => Ok(Secret::new(key.trim())),
        Err(error) => Err(Fault::new(
            Exit::Failed,
            format!(
                "there is no key: {} cannot be read ({error}); set CRM_API_KEY, or pass --data-dir",
                path.display()
            ),
        )
        .into()),
    }
}

/// Sends a request. An error answer becomes a [`Fault`] with its exit code; 304 is no error.
pub async fn send(request: RequestBuilder) -> anyhow::Result<Response> {
    send_expecting(request, StatusCode::NOT_MODIFIED).await
}

/// Sends a request. `also` is a status that is accepted in addition to the 2xx.
pub async fn send_expecting(request: RequestBuilder, also: StatusCode) -> anyhow::Result<Response> {
    let response = request.send().await.map_err(unreachable)?;
    if response.status().is_success() || response.status() == also {
        return Ok(response);
    }
    let status = response.status();
    let problem = response.json().await.ok();
    Err(fault(status, problem.as_ref()).into())
}

/// Parses an answer.
pub async fn json<T: DeserializeOwned>(response: Response) -> anyhow::Result<T> {
    let bytes = response.bytes().await.map_err(unreachable)?;
    serde_json::from_slice(&bytes).context(OTHER_VERSION)
}

/// Parses an answer that is also printed byte for byte.
pub fn read<T: DeserializeOwned>(answer: &RawJson) -> anyhow::Result<T> {
    answer.parse().context(OTHER_VERSION)
}

/// Maps a problem to an exit code and its text.
pub fn fault(status: StatusCode, problem: Option<&ProblemBody>) -> Fault {
    let exit = match status {
        _ if problem.is_some_and(names_absent) => Exit::NotFound,
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Exit::Conflict,
        StatusCode::TOO_MANY_REQUESTS => Exit::RateLimited,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Exit::Unreachable,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => Exit::Usage,
        _ => Exit::Failed,
    };
    let text = match problem {
        Some(_) if status == StatusCode::UNAUTHORIZED => KEY_REFUSED.to_owned(),
        // The server speaks of its API.
        Some(problem) => super::terminal::output::plain(&problem.detail)
            .replace("`force`", "--force")
            .replace("`GET /api/v1/accounts`", "those of `crm account list`"),
        None => format!("the server answered {status}; is it crm that listens there?"),
    };
    Fault::new(exit, text)
}

/// Returns whether the request names something that is not there in its query or its body: the status is that of a wrong
/// request then, and not 404.
fn names_absent(problem: &ProblemBody) -> bool {
    const NAMES: &[&str] = &["/label", "/account", "/agent_id", "/seen_up_to", "/reply_to"];
    let is_wrong = matches!(problem.code.as_str(), "invalid_query" | "invalid_body");
    // The same field can be wrong in another way: an agent may be deactivated.
    let is_absent = |error: &FieldError| {
        let is_name = NAMES.contains(&error.pointer.as_str()) || error.pointer.starts_with("/accounts/");
        is_name && error.detail.starts_with("there is no ")
    };
    is_wrong && problem.errors.iter().any(is_absent)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn unreachable(error: reqwest::Error) -> anyhow::Error {
    let address = error
        .url()
        .map_or_else(|| "the server".to_owned(), |url| url.origin().ascii_serialization());
    tracing::debug!("{error:?}");
    let text = format!("{address} cannot be reached; start it with `crm serve`, or set CRM_URL");
    Fault::new(Exit::Unreachable, text).into()
}

/// Returns `path` with these query parameters, percent-encoded.
pub fn with_query<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

fn with_limit(path: &str, limit: u64) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}limit={limit}")
}

/// Returns the path in `Link: <…>; rel="next"`.
fn next_page(response: &Response) -> Option<String> {
    let link = response.headers().get(reqwest::header::LINK)?.to_str().ok()?;
    let (path, rel) = link.strip_prefix('<')?.split_once('>')?;
    rel.contains("rel=\"next\"").then(|| path.to_owned())
}
