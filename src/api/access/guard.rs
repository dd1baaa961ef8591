//! Checks `Host` and `Origin` (rule 30). `Host` has to be a name of this server, against DNS rebinding, where a foreign
//! page's name is made to resolve to our address. Requests that change something or open a WebSocket also need an
//! allowed `Origin`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::api::http::problem::{Code, Problem};

/// The names of this server, without ports, in lower case.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<BTreeSet<String>>);

impl Hosts {
    /// Allows the loopback names, the address of the listener, and `configured`.
    pub fn new(listen: SocketAddr, configured: &[String]) -> Self {
        let own = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let names = own
            .into_iter()
            .chain([listen.ip().to_string()])
            .chain(configured.iter().map(|name| bare(name)));
        Self(Arc::new(names.collect()))
    }

    fn allows(&self, host: &str) -> bool {
        self.0.contains(&bare(host))
    }

    fn check(&self, method: &Method, headers: &HeaderMap, host: Option<&str>) -> Result<(), Problem> {
        if !host.is_some_and(|host| self.allows(host)) {
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
        let allowed = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.split_once("://"))
            .is_some_and(|(_, host)| self.allows(host));
        if allowed {
            Ok(())
        } else {
            Err(Problem::new(
                Code::OriginNotAllowed,
                "a page of another origin asks; add its host to `allowed_hosts` if it is yours",
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
    let host = match request.headers().get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => request.uri().host(),
    };
    match hosts.check(request.method(), request.headers(), host) {
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
        hosts.check(method, &headers, host).err().map(|problem| problem.code)
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
    fn foreign_origin_cannot_write_or_open_socket() {
        let evil = Some("https://evil.example");
        let refused = Some(Code::OriginNotAllowed);
        assert_eq!(check(&Method::POST, Some("localhost"), evil, false), refused);
        assert_eq!(check(&Method::DELETE, Some("localhost"), Some("null"), false), refused);
        assert_eq!(check(&Method::GET, Some("localhost"), evil, true), refused);
        assert_eq!(check(&Method::GET, Some("localhost"), evil, false), None);
        let ours = Some("http://localhost:8000");
        assert_eq!(check(&Method::POST, Some("localhost"), ours, false), None);
        assert_eq!(check(&Method::POST, Some("localhost"), None, false), None);
    }
}
