//! Fetches pictures from addresses that a client of the API names. Such an address may be a trap: it may lead into our own
//! network, never end, or be no picture. Knows nothing of what becomes of the bytes.

mod address;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

/// Maximum time for connecting.
const CONNECT: Duration = Duration::from_secs(5);
/// Maximum time for the whole, redirects and all.
const WITHIN: Duration = Duration::from_secs(10);
/// Most redirects that are followed; each address is checked like the first.
const MAX_REDIRECTS: usize = 3;
/// Longest address, in bytes.
const MAX_ADDRESS_BYTES: usize = 2048;

/// Reason why a picture was not fetched. The text is for the client that named the address, and tells nothing about the
/// network behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// The text is no address of this kind.
    #[error(
        "this is no address of a picture; give one that begins with http:// or https://, without user and password"
    )]
    NotAnAddress,
    /// It leads to an address that is not public.
    #[error("this address is not on the public internet; give one that is, or send the picture as a data: URL")]
    Private,
    /// Nobody answered in time.
    #[error("the address does not answer; try again later")]
    NoAnswer,
    /// The answer was an error, or redirects without end.
    #[error("the address does not answer with a picture; check it")]
    Refused,
    /// The answer is larger than allowed.
    #[error("the picture is larger than {max} bytes; give a smaller one")]
    TooLarge { max: u64 },
    /// The answer is not said to be a picture.
    #[error("the answer is no picture; give the address of one")]
    NotAPicture,
}

/// Fetches pictures. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    client: Client,
    may_be_private: bool,
}

impl Fetcher {
    /// Creates a fetcher. With `may_be_private` it also asks addresses in private networks and on this host.
    pub fn new(may_be_private: bool) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(WITHIN)
            .redirect(Policy::none())
            // A proxy would resolve names itself, past the check.
            .no_proxy()
            .dns_resolver(Checked { may_be_private })
            .build()?;
        Ok(Self { client, may_be_private })
    }

    /// Returns the bytes of a picture, at most `max`.
    pub async fn picture(&self, address: &str, max: u64) -> Result<Vec<u8>, FetchFault> {
        let fetched = tokio::time::timeout(WITHIN, self.follow(address, max)).await;
        fetched.unwrap_or(Err(FetchFault::NoAnswer))
    }

    async fn follow(&self, address: &str, max: u64) -> Result<Vec<u8>, FetchFault> {
        if address.len() > MAX_ADDRESS_BYTES {
            return Err(FetchFault::NotAnAddress);
        }
        let mut url: Url = address.parse().map_err(|_| FetchFault::NotAnAddress)?;
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url)?;
            let answer = self
                .client
                .get(url.clone())
                .send()
                .await
                .map_err(|error| fault(&error))?;
            if !answer.status().is_redirection() {
                return read(answer, max).await;
            }
            let next = answer.headers().get(LOCATION).and_then(|next| next.to_str().ok());
            let next = next.ok_or(FetchFault::Refused)?;
            url = url.join(next).map_err(|_| FetchFault::Refused)?;
        }
        Err(FetchFault::Refused)
    }

    /// Checks an address as far as that is possible without its name's resolution, which [`Checked`] checks.
    fn check(&self, url: &Url) -> Result<(), FetchFault> {
        let has_user = !url.username().is_empty() || url.password().is_some();
        let host = url.host_str().filter(|host| !host.is_empty());
        let (Some(host), "http" | "https", false) = (host, url.scheme(), has_user) else {
            return Err(FetchFault::NotAnAddress);
        };
        // The parser has turned every way of writing an IPv4 address into the usual one.
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match literal {
            Ok(ip) if !self.may_be_private && !address::is_public(ip) => Err(FetchFault::Private),
            _ => Ok(()),
        }
    }
}

async fn read(answer: Response, max: u64) -> Result<Vec<u8>, FetchFault> {
    if !answer.status().is_success() {
        return Err(FetchFault::Refused);
    }
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("image/")) {
        return Err(FetchFault::NotAPicture);
    }
    let too_large = FetchFault::TooLarge { max };
    if answer.content_length().is_some_and(|length| length > max) {
        return Err(too_large);
    }
    let mut bytes = vec![];
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(|_| FetchFault::NoAnswer)?);
        if bytes.len() as u64 > max {
            return Err(too_large);
        }
    }
    Ok(bytes)
}

/// Resolves names to public addresses only. The connection is made to what it returns, so nobody can resolve the name to
/// another address in between.
struct Checked {
    may_be_private: bool,
}

/// Error of a name that has private addresses only.
#[derive(Debug, thiserror::Error)]
#[error("the name has no public address")]
struct NoPublicAddress;

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let may_be_private = self.may_be_private;
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = all.filter(|at| may_be_private || address::is_public(at.ip()));
            let allowed: Vec<SocketAddr> = allowed.collect();
            if allowed.is_empty() {
                return Err(NoPublicAddress.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

fn fault(error: &(dyn std::error::Error + 'static)) -> FetchFault {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        let of_io = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if inner.is::<NoPublicAddress>()
            || of_io.is_some_and(<dyn std::error::Error + Send + Sync>::is::<NoPublicAddress>)
        {
            return FetchFault::Private;
        }
        cause = inner.source();
    }
    FetchFault::NoAnswer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn private_and_odd_addresses_are_refused() {
        let fetcher = Fetcher::new(false).unwrap();
        for address in [
            "http://127.0.0.1/a.png",
            "http://127.1/",
            "http://0x7f.0.0.1/",
            "http://2130706433/",
            "http://0/",
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fe80::1]/",
            "https://localhost/",
        ] {
            assert_eq!(fetcher.picture(address, 1).await, Err(FetchFault::Private), "{address}");
        }
        let long = format!("http://example.org/{}", "a".repeat(MAX_ADDRESS_BYTES));
        for address in [
            "",
            "picture.png",
            "//example.org/a.png",
            "file:///etc/passwd",
            "ftp://example.org/a.png",
            "http://user:secret@example.org/",
            "http://",
            &long,
        ] {
            assert_eq!(
                fetcher.picture(address, 1).await,
                Err(FetchFault::NotAnAddress),
                "{address}"
            );
        }
    }
}
