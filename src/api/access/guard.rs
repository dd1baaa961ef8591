//! Checks `Host` and `Origin` (rule 30). `Host` has to be a name of this server, against DNS rebinding, where a foreign
//! page's name is made to resolve to our address. Requests that change something or open a WebSocket also need an
//! allowed `Origin`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::api::http::problem::{Code, Problem};

/// The methods of RFC 9110 and RFC 5789. Whatever else a client sends as a method is taken by no path, and named nowhere: the
/// text is the client's own.
pub const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::CONNECT,
    Method::OPTIONS,
    Method::TRACE,
    Method::PATCH,
];

/// Headers of which a second line would leave open which of the two counts, here or in a proxy before us.
static ONCE: [HeaderName; 4] = [
    header::HOST,
    header::ORIGIN,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
];

/// The names of this server, without ports, in lower case, and the origins of other servers' pages that may use it.
#[derive(Clone, Debug)]
pub struct Hosts {
    names: Arc<BTreeSet<String>>,
    origins: Arc<BTreeSet<String>>,
}

impl Hosts {
    /// Allows the loopback names, the address of the listener, and `configured`.
    pub fn new(listen: SocketAddr, configured: &[String]) -> Self {
        let own = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let names = own
            .into_iter()
            .chain([listen.ip().to_string()])
            .chain(configured.iter().map(|name| bare(name)));
        Self {
            names: Arc::new(names.collect()),
            origins: Arc::default(),
        }
    }

    /// Allows pages of these origins, such as `https://shop.example.org`, to write.
    #[must_use]
    pub fn with_origins(self, origins: &[String]) -> Self {
        let origins = origins.iter().map(|origin| origin.to_ascii_lowercase());
        Self {
            origins: Arc::new(origins.collect()),
            ..self
        }
    }

    /// Returns the origins of other servers' pages.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.origins.iter().map(String::as_str)
    }

    fn allows(&self, host: &str) -> bool {
        self.names.contains(&bare(host))
    }

    fn allows_origin(&self, origin: &str) -> bool {
        let of_ours = origin.split_once("://").is_some_and(|(_, host)| self.allows(host));
        of_ours || self.origins.contains(&origin.to_ascii_lowercase())
    }

    fn check(&self, method: &Method, headers: &HeaderMap, target: Option<&str>) -> Result<(), Problem> {
        if let Some(twice) = ONCE.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
            let detail = format!("the header `{twice}` is there more than once; send it once");
            return Err(Problem::new(Code::MalformedRequest, detail));
        }
        let host = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
        let mut named = host.into_iter().chain(target).peekable();
        // The target may name a host as well (RFC 9112, absolute form): neither may be another's.
        if named.peek().is_none() || !named.all(|host| self.allows(host)) {
            return Err(Problem::new(
                Code::HostNotAllowed,
                "the request is for a name that is not this server's; add it to `allowed_hosts` if it is",
            ));
        }
        let opens_socket = headers.contains_key(header::UPGRADE);
        if method.is_safe() && !opens_socket {
            return Ok(());
        }
        // Programs send no origin; browsers always do.
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(());
        };
        if origin.to_str().is_ok_and(|origin| self.allows_origin(origin)) {
            Ok(())
        } else {
            Err(Problem::new(
                Code::OriginNotAllowed,
                "a page of another origin asks; if it is yours, add it to `allowed_origins`, or its host to `allowed_hosts`",
            ))
        }
    }
}

/// Returns a host in lower case, without port, brackets and final dot.
fn bare(host: &str) -> String {
    let host = host.trim();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None if host.matches(':').count() == 1 => host.split(':').next().unwrap_or(host),
        None => host,
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Layer that refuses requests for a foreign `Host` or from a foreign `Origin`.
pub async fn guard(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match hosts.check(request.method(), request.headers(), request.uri().host()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, host: Option<&str>, origin: Option<&str>, upgrade: bool) -> Option<Code> {
        let hosts = Hosts::new("192.0.2.7:8000".parse().unwrap(), &["CRM.example.org".to_owned()]);
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        if upgrade {
            headers.insert(header::UPGRADE, "websocket".parse().unwrap());
        }
        if let Some(host) = host {
            headers.insert(header::HOST, host.parse().unwrap());
        }
        hosts.check(method, &headers, None).err().map(|problem| problem.code)
    }

    /// rule 30.
    #[test]
    fn unknown_host_name_is_refused() {
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1:1",
            "[::1]:8000",
            "192.0.2.7",
            "crm.example.org.",
        ] {
            assert_eq!(check(&Method::GET, Some(host), None, false), None, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8000",
            "",
            "[::2]",
        ] {
            let code = check(&Method::GET, Some(host), None, false);
            assert_eq!(code, Some(Code::HostNotAllowed), "{host}");
        }
        assert_eq!(check(&Method::GET, None, None, false), Some(Code::HostNotAllowed));
    }

    /// rule 30.
    #[test]
    fn second_or_contradicting_host_is_refused() {
        let hosts = Hosts::new("192.0.2.7:8000".parse().unwrap(), &[]);
        let refused = |lines: &[&str], target: Option<&str>| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::HOST, line.parse().unwrap());
            }
            hosts
                .check(&Method::GET, &headers, target)
                .err()
                .map(|problem| problem.code)
        };
        for lines in [
            ["localhost", "evil.example"],
            ["evil.example", "localhost"],
            ["localhost", "localhost"],
        ] {
            assert_eq!(refused(&lines, None), Some(Code::MalformedRequest), "{lines:?}");
        }
        assert_eq!(
            refused(&["localhost"], Some("evil.example")),
            Some(Code::HostNotAllowed)
        );
        assert_eq!(
            refused(&["evil.example"], Some("localhost")),
            Some(Code::HostNotAllowed)
        );
        assert_eq!(refused(&["localhost"], Some("127.0.0.1")), None);
        assert_eq!(refused(&[], Some("localhost")), None);
    }

    /// rule 30.
    #[test]
    fn foreign_origin_cannot_write_or_open_socket() {
        let evil = Some("https://evil.example");
        let refused = Some(Code::OriginNotAllowed);
        assert_eq!(check(&Method::POST, Some("localhost"), evil, false), refused);
        assert_eq!(check(&Method::DELETE, Some("localhost"), Some("null"), false), refused);
        assert_eq!(check(&Method::GET, Some("localhost"), evil, true), refused);
        assert_eq!(check(&Method::GET, Some("localhost"), evil, false), None);
        let hosts =
            Hosts::new("192.0.2.7:8000".parse().unwrap(), &[]).with_origins(&["https://Shop.example".to_owned()]);
        assert!(hosts.allows_origin("https://shop.example") && !hosts.allows_origin("http://shop.example"));
        assert!(!hosts.allows_origin("https://shop.example:8443") && !hosts.allows_origin("null"));
        let ours = Some("http://localhost:8000");
        assert_eq!(check(&Method::POST, Some("localhost"), ours, false), None);
        assert_eq!(check(&Method::POST, Some("localhost"), None, false), None);
    }
}
