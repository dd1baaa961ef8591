//! Pages by key: `{data, next_cursor, has_more}` and a `Link` to the next one.

use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};

use super::problem::{Code, Problem};
use crate::store::{MAX_PAGE, Order, Page, PageKey, PageRequest};

/// Rows in a page when nobody says how many.
const DEFAULT_LIMIT: u64 = 50;

/// `order=`: by growing or by falling key.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderWord {
    Asc,
    Desc,
}

/// A place in a list, as a query parameter.
#[derive(Clone, Copy, Debug)]
pub struct Cursor(PageKey);

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// The parameters that every list takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paging {
    pub limit: Option<u64>,
    pub after: Option<Cursor>,
    pub before: Option<Cursor>,
    pub order: Option<OrderWord>,
}

impl Paging {
    /// The page that is asked for. Whoever gives only `before` wants what is next to it.
    pub fn request(self, usual: Order) -> Result<PageRequest, Problem> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Problem::new(
                Code::InvalidQuery,
                format!("`limit` is {limit}; it can be 1 to {MAX_PAGE}"),
            )
            .at("/limit"));
        }
        let order = match self.order {
            Some(OrderWord::Asc) => Order::Ascending,
            Some(OrderWord::Desc) => Order::Descending,
            None if self.before.is_some() && self.after.is_none() => Order::Descending,
            None => usual,
        };
        Ok(PageRequest {
            limit,
            after: self.after.map(|cursor| cursor.0),
            before: self.before.map(|cursor| cursor.0),
            order,
        })
    }
}

/// A page as it is told.
#[derive(Debug, Serialize)]
struct Told<T> {
    data: Vec<T>,
    /// Give it as `after` (as `before` in falling order) for the next page; null at the end.
    next_cursor: Option<String>,
    has_more: bool,
}

/// The answer with a page, and the link to the next one.
pub fn answer<T: Serialize>(page: Page<T>, order: Order, uri: &Uri) -> Response {
    let next_cursor = page.ends.filter(|_| page.has_more).map(|(_, last)| last.to_string());
    let link = next_cursor.as_deref().map(|cursor| next_link(uri, order, cursor));
    let mut response = Json(Told {
        data: page.data,
        next_cursor,
        has_more: page.has_more,
    })
    .into_response();
    if let Some(Ok(link)) = link.map(|link| HeaderValue::from_str(&link)) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// The same request, moved on.
fn next_link(uri: &Uri, order: Order, cursor: &str) -> String {
    let (bound, order) = match order {
        Order::Ascending => ("after", "asc"),
        Order::Descending => ("before", "desc"),
    };
    let kept = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .filter(|(name, _)| name != bound && name != "order");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("order", order)
        .append_pair(bound, cursor)
        .finish();
    format!("<{}?{query}>; rel=\"next\"", uri.path())
}
