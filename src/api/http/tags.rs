//! Entity tags in conditional requests (RFC 9110, section 13).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

/// Precondition of `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// There is none, or `*`: any present state will do.
    Any,
    /// One of these opaque tags, without their quotation marks. Weak tags are left out: they never match here, because
    /// the comparison is strong.
    One(Vec<String>),
}

impl IfMatch {
    /// Reads the header, which may be a list and on several lines.
    pub fn read(headers: &HeaderMap) -> Self {
        if !headers.contains_key(header::IF_MATCH) {
            return Self::Any;
        }
        let tags = tags(headers, &header::IF_MATCH);
        if tags.iter().any(|tag| tag == "*") {
            return Self::Any;
        }
        let strong = tags.iter().filter_map(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
        Self::One(strong.map(str::to_owned).collect())
    }

    /// Returns the tag to expect: that of the present state if it is named, else the first that is named. `None` if any will
    /// do; the present state is then not loaded.
    pub async fn expected<E>(self, present: impl Future<Output = Result<String, E>>) -> Result<Option<String>, E> {
        match self {
            Self::Any => Ok(None),
            Self::One(_) => Ok(self.against(&present.await?)),
        }
    }

    /// As [`Self::expected`], where the present state is at hand.
    pub fn against(self, present: &str) -> Option<String> {
        match self {
            Self::Any => None,
            Self::One(tags) if tags.iter().any(|tag| tag == present) => Some(present.to_owned()),
            Self::One(tags) => Some(tags.into_iter().next().unwrap_or_default()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.headers))
    }
}

/// Returns whether `If-None-Match` names `tag`, which has its quotation marks. The comparison is weak.
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let weak = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let known = tags(headers, &header::IF_NONE_MATCH);
    known.iter().any(|known| known == "*" || weak(known) == weak(tag))
}

/// Returns the members of a list of tags. A comma within quotation marks belongs to its tag.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let mut tags = vec![];
    for line in headers.get_all(name).iter().filter_map(|value| value.to_str().ok()) {
        let (mut tag, mut quoted) = (String::new(), false);
        for c in line.chars().chain([',']) {
            quoted ^= c == '"';
            if c == ',' && !quoted {
                tags.push(std::mem::take(&mut tag).trim().to_owned());
            } else {
                tag.push(c);
            }
        }
        tags.push(tag.trim().to_owned());
    }
    tags.retain(|tag| !tag.is_empty());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn if_match_compares_strongly_over_list() {
        let against = |lines: &[&str]| IfMatch::read(&headers(&header::IF_MATCH, lines)).against("now");
        assert_eq!(against(&[]), None);
        assert_eq!(against(&["*"]), None);
        for known in [
            &["\"now\""][..],
            &["\"old\", \"now\""],
            &["\"old\"", "\"now\""],
            &["\"a,b\" ,\"now\""],
        ] {
            assert_eq!(against(known), Some("now".to_owned()), "{known:?}");
        }
        assert_eq!(against(&["\"old\", \"older\""]), Some("old".to_owned()));
        for other in ["W/\"now\"", "now", "\"", ","] {
            assert_eq!(against(&[other]), Some(String::new()), "{other}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly_over_list() {
        let known = |line: &str| is_known(&headers(&header::IF_NONE_MATCH, &[line]), "\"now\"");
        assert!(known("\"now\"") && known("W/\"now\"") && known("*") && known("\"old\", W/\"now\""));
        assert!(!known("\"old\"") && !known("now") && !known("\"a, now\""));
    }
}
