//! Failures of a request, reduced from the SDK's many errors to the few kinds that are handled differently.

use std::error::Error as _;
use std::time::Duration;

use matrix_sdk::ruma::api::error::{ErrorBody, ErrorKind, FromHttpResponseError, RetryAfter};
use matrix_sdk::{HttpError, reqwest};

use crate::domain::matrix::{MatrixError, RoomFileError};

/// A failed request.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Fault {
    /// The homeserver does not answer, or its proxy says that it is down.
    #[error("{0}")]
    Network(String),
    /// Temporary: too many requests, or a passing failure of the homeserver, of another one that it asks, or of our own store.
    #[error("{why}")]
    Busy {
        /// A sentence for the log.
        why: String,
        /// The homeserver's own word on when to retry.
        retry_after: Option<Duration>,
    },
    /// The homeserver no longer knows our session.
    #[error("{0}")]
    LoggedOut(String),
    /// The homeserver does not allow it (403).
    #[error("{0}")]
    Forbidden(String),
    /// The homeserver does not have it (404).
    #[error("{0}")]
    Missing(String),
    /// The name is taken (`M_USER_IN_USE`).
    #[error("{0}")]
    Taken(String),
    /// The request is wrong, and would be again.
    #[error("{0}")]
    Refused(String),
    /// We are not in the room, or there is none.
    #[error("{0}")]
    Gone(String),
}

impl Fault {
    /// Returns a temporary failure without a time to retry.
    pub fn busy(why: impl Into<String>) -> Self {
        Self::Busy {
            why: why.into(),
            retry_after: None,
        }
    }
}

impl From<Fault> for MatrixError {
    fn from(fault: Fault) -> Self {
        let why = fault.to_string();
        match fault {
            Fault::Busy { retry_after, .. } => Self::Unreachable { why, retry_after },
            // A lost session must not fail messages: a person will log in again.
            Fault::Network(_) | Fault::LoggedOut(_) => Self::Unreachable { why, retry_after: None },
            Fault::Forbidden(_) | Fault::Missing(_) | Fault::Taken(_) | Fault::Refused(_) => Self::Refused(why),
            Fault::Gone(_) => Self::RoomGone(why),
        }
    }
}

impl From<Fault> for RoomFileError {
    fn from(fault: Fault) -> Self {
        Self::Matrix(fault.into())
    }
}

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        of_http(&error)
    }
}

impl From<matrix_sdk::Error> for Fault {
    fn from(error: matrix_sdk::Error) -> Self {
        use matrix_sdk::Error;
        match error {
            Error::Http(error) => of_http(&error),
            Error::WrongRoomState(error) => Self::Gone(error.to_string()),
            Error::SerdeJson(_) | Error::Identifier(_) | Error::Url(_) => Self::Refused(error.to_string()),
            // The rest is inside the SDK: its store, its keys, another request that it waited for.
            other => Self::busy(other.to_string()),
        }
    }
}

impl From<matrix_sdk::IdParseError> for Fault {
    fn from(error: matrix_sdk::IdParseError) -> Self {
        Self::Refused(format!("not a Matrix id: {error}"))
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Refused(format!("the homeserver's answer is not valid: {error}"))
    }
}

impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        Self::Network(of_reqwest(&error))
    }
}

impl Fault {
    /// Returns the failure that an answer without a Matrix error in it means.
    pub fn of_status(status: u16, why: String) -> Self {
        of_answer(status, None, why)
    }
}

fn of_http(error: &HttpError) -> Fault {
    match error {
        HttpError::Reqwest(error) => Fault::Network(of_reqwest(error)),
        HttpError::Cached(error) => of_http(error),
        HttpError::Api(error) => match &**error {
            FromHttpResponseError::Server(matrix_sdk::RumaApiError::MatrixError(error)) => {
                let status = error.status_code.as_u16();
                of_answer(status, error.error_kind(), describe(status, &error.body))
            }
            other => Fault::Refused(format!("the homeserver's answer cannot be parsed: {other}")),
        },
        other => Fault::Refused(other.to_string()),
    }
}

fn of_answer(status: u16, kind: Option<&ErrorKind>, why: String) -> Fault {
    match (status, kind) {
        (_, Some(ErrorKind::UnknownToken(_) | ErrorKind::MissingToken)) => Fault::LoggedOut(why),
        (_, Some(ErrorKind::LimitExceeded(limit))) => Fault::Busy {
            why,
            retry_after: limit.retry_after.as_ref().and_then(|after| match after {
                RetryAfter::Delay(span) => Some(*span),
                // A date would need a clock here; the caller's own back-off does as well.
                RetryAfter::DateTime(_) => None,
            }),
        },
        (_, Some(ErrorKind::UserInUse)) => Fault::Taken(why),
        // It is the homeserver that could not reach us, in answer to a ping.
        (
            _,
            Some(
                ErrorKind::ConnectionFailed
                | ErrorKind::ConnectionTimeout
                | ErrorKind::BadStatus(_)
                | ErrorKind::UrlNotSet,
            ),
        ) => Fault::Refused(why),
        // A proxy's answer when the homeserver is down. With a Matrix error it is the homeserver's own, about another server that
        // it cannot reach.
        (502..=504, None) => Fault::Network(why),
        (429 | 500.., _) => Fault::busy(why),
        (403, _) => Fault::Forbidden(why),
        (404, _) => Fault::Missing(why),
        _ => Fault::Refused(why),
    }
}

/// Returns the homeserver's own message, without the long address of the request.
fn describe(status: u16, body: &ErrorBody) -> String {
    match body {
        ErrorBody::Standard(body) => format!("{} ({status} {})", body.message, body.kind.errcode()),
        ErrorBody::Json(_) | ErrorBody::NotJson { .. } => {
            format!(
                "the answer (status {status}) is not Matrix's; check that CRM_MATRIX_HOMESERVER is a homeserver's address"
            )
        }
    }
}

fn of_reqwest(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause = error.source();
    let mut why = None;
    while let Some(inner) = cause {
        why = Some(inner.to_string());
        cause = inner.source();
    }
    match why {
        Some(why) if error.is_connect() => format!("no connection: {why}"),
        Some(why) => format!("the connection failed: {why}"),
        None => "the connection failed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Fault {
        use matrix_sdk::ruma::api::EndpointError as _;
        let response = http::Response::builder().status(status).body(body.as_bytes()).unwrap();
        let error = matrix_sdk::RumaApiError::from_http_response(response);
        of_http(&HttpError::from(FromHttpResponseError::Server(error)))
    }

    #[test]
    fn rate_limit_carries_retry_after() {
        let fault = answered(
            429,
            r#"{"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":2500}"#,
        );
        let MatrixError::Unreachable { retry_after, .. } = fault.into() else {
            panic!("a passing refusal must cost no attempt");
        };
        assert_eq!(retry_after, Some(Duration::from_millis(2500)));
    }

    /// One agent whose server is down must not look as if ours were.
    #[test]
    fn homeservers_own_502_loses_no_connection() {
        for status in [502, 503, 504] {
            let own = r#"{"errcode":"M_UNKNOWN","error":"Can't connect to server other.org"}"#;
            let own = answered(status, own);
            assert!(matches!(own, Fault::Busy { retry_after: None, .. }), "{own:?}");
            for proxys in ["<html>", "{}", ""] {
                let proxys = answered(status, proxys);
                assert!(matches!(proxys, Fault::Network(_)), "{proxys:?}");
            }
        }
    }

    #[test]
    fn status_maps_to_fault_kind() {
        let lost = answered(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"Invalid access token"}"#);
        assert!(matches!(lost, Fault::LoggedOut(_)), "{lost:?}");
        assert!(matches!(MatrixError::from(lost), MatrixError::Unreachable { .. }));
        let forbidden = answered(403, r#"{"errcode":"M_FORBIDDEN","error":"no"}"#);
        assert_eq!(forbidden, Fault::Forbidden("no (403 M_FORBIDDEN)".to_owned()));
        assert!(matches!(answered(404, "{}"), Fault::Missing(_)));
        assert!(matches!(answered(502, "<html>"), Fault::Network(_)));
        assert!(matches!(
            answered(500, r#"{"errcode":"M_UNKNOWN","error":"oops"}"#),
            Fault::Busy { .. }
        ));
        assert!(matches!(
            answered(400, r#"{"errcode":"M_BAD_JSON","error":"bad"}"#),
            Fault::Refused(_)
        ));
    }
}
