//! Requests to a homeserver without the SDK: with the token of an application service, as any of its users.

use std::borrow::Cow;
use std::time::Duration;

use matrix_sdk::HttpError;
use matrix_sdk::ruma::api::auth_scheme::{AuthScheme, SendAccessToken};
use matrix_sdk::ruma::api::client::discovery::get_supported_versions;
use matrix_sdk::ruma::api::error::FromHttpResponseError;
use matrix_sdk::ruma::api::path_builder::VersionHistory;
use matrix_sdk::ruma::api::{
    AppserviceUserIdentity, IncomingResponse, OutgoingRequest, OutgoingRequestAppserviceExt as _, SupportedVersions,
};
use matrix_sdk::ruma::{DeviceId, UserId};

use super::download;
use super::options::Password;
use super::wire::Fault;

/// Maximum time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval between two signs of life that the system asks of a connection on which nothing is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Largest answer, in bytes. The state of a room with some ten thousand members is below it.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A homeserver and our token for it.
pub struct Homeserver {
    http: reqwest::Client,
    base: String,
    url: reqwest::Url,
    token: Password,
    versions: SupportedVersions,
}

impl Homeserver {
    /// Asks the homeserver for the versions of the protocol that it speaks.
    pub async fn open(base: &str, token: Password) -> Result<Self, Fault> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(KEEP_ALIVE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(HttpError::Reqwest)?;
        let url = reqwest::Url::parse(base);
        let url = url.map_err(|error| Fault::Refused(format!("{base} is not an address: {error}")))?;
        let mut server = Self {
            http,
            url,
            base: base.trim_end_matches('/').to_owned(),
            token,
            versions: SupportedVersions::from_parts(&[], &std::collections::BTreeMap::new()),
        };
        let request = get_supported_versions::Request::new();
        let request = request.try_into_http_request::<Vec<u8>>(&server.base, SendAccessToken::None, ());
        let known: get_supported_versions::Response = server.exchange(request.map_err(HttpError::IntoHttp)?).await?;
        server.versions = known.as_supported_versions();
        Ok(server)
    }

    /// Returns a handle that acts as one of our users, on a device of theirs.
    pub fn acting<'a>(&'a self, user: &'a UserId, device: Option<&'a DeviceId>) -> Acting<'a> {
        Acting {
            server: self,
            user,
            device,
        }
    }

    /// Returns where files are fetched from.
    pub fn files(&self) -> download::Source<'_> {
        download::Source {
            http: &self.http,
            homeserver: &self.url,
            token: self.token.reveal(),
        }
    }

    /// Sends a request as the user to whom the token belongs.
    pub async fn send<R>(&self, request: R) -> Result<R::IncomingResponse, Fault>
    where
        R: OutgoingRequest<PathBuilder = VersionHistory>,
        for<'t> R::Authentication: AuthScheme<Input<'t> = SendAccessToken<'t>>,
        HttpError: From<FromHttpResponseError<R::EndpointError>>,
    {
        self.send_as(request, AppserviceUserIdentity::default()).await
    }

    async fn send_as<R>(&self, request: R, identity: AppserviceUserIdentity<'_>) -> Result<R::IncomingResponse, Fault>
    where
        R: OutgoingRequest<PathBuilder = VersionHistory>,
        for<'t> R::Authentication: AuthScheme<Input<'t> = SendAccessToken<'t>>,
        HttpError: From<FromHttpResponseError<R::EndpointError>>,
    {
        let token = SendAccessToken::Appservice(self.token.reveal());
        let versions = Cow::Borrowed(&self.versions);
        let request = request.try_into_http_request_with_identity::<Vec<u8>>(&self.base, token, identity, versions);
        self.exchange(request.map_err(HttpError::IntoHttp)?).await
    }

    async fn exchange<A>(&self, request: http::Request<Vec<u8>>) -> Result<A, Fault>
    where
        A: IncomingResponse,
        HttpError: From<FromHttpResponseError<A::EndpointError>>,
    {
        let request = reqwest::Request::try_from(request).map_err(HttpError::Reqwest)?;
        let mut answer = self.http.execute(request).await.map_err(HttpError::Reqwest)?;
        let mut parts = http::Response::builder().status(answer.status());
        if let Some(headers) = parts.headers_mut() {
            std::mem::swap(headers, answer.headers_mut());
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(HttpError::Reqwest)? {
            if body.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(Fault::Refused("the homeserver's answer is too long".to_owned()));
            }
            body.extend_from_slice(&piece);
        }
        let answer = parts
            .body(body)
            .map_err(|error| Fault::Refused(format!("the homeserver's answer is not valid: {error}")))?;
        A::try_from_http_response(answer).map_err(|error| HttpError::from(error).into())
    }
}

/// One of our users, as whom requests are sent. With a device, a repeated transaction id is the same event also after a
/// restart of the homeserver; without one Synapse makes a second event.
#[derive(Clone, Copy)]
pub struct Acting<'a> {
    server: &'a Homeserver,
    user: &'a UserId,
    device: Option<&'a DeviceId>,
}

impl<'a> Acting<'a> {
    /// Returns the user.
    pub fn user(&self) -> &'a UserId {
        self.user
    }

    /// Returns the same user without a device.
    pub fn without_device(self) -> Self {
        Self { device: None, ..self }
    }

    /// Sends a request.
    pub async fn send<R>(&self, request: R) -> Result<R::IncomingResponse, Fault>
    where
        R: OutgoingRequest<PathBuilder = VersionHistory>,
        for<'t> R::Authentication: AuthScheme<Input<'t> = SendAccessToken<'t>>,
        HttpError: From<FromHttpResponseError<R::EndpointError>>,
    {
        let mut identity = AppserviceUserIdentity::new(self.user);
        identity.device_id = self.device;
        // In a box: each kind of request has a future of its own, and callers hold several.
        Box::pin(self.server.send_as(request, identity)).await
    }
}
