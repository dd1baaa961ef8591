//! Lists: pages by key, `{data, next_cursor, has_more}` and a `Link` (RFC 8288) to the next page. One extractor for the
//! query of every list.

use std::borrow::Cow;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize};

use super::cursor::Cursors;
use super::extract::query;
use super::problem::{Code, Problem};
use crate::contract::Page;
use crate::store::{self, Cursor, MAX_PAGE, Order, PageRequest};

/// Default of `limit`, in rows.
const DEFAULT_LIMIT: u64 = 50;

/// Parameters that every list accepts.
const PAGING: [&str; 4] = ["limit", "after", "before", "order"];

/// Value of `order=`: by ascending or descending key.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OrderWord {
    Asc,
    Desc,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Paging {
    limit: Option<u64>,
    after: Option<String>,
    before: Option<String>,
    order: Option<OrderWord>,
}

/// Filter that chooses one page of a list, and no part of the list.
const AROUND: &str = "around";

/// Query of a list: the page, and the list's own filters `F`. Unknown parameters are refused.
pub struct Listing<F> {
    limit: u64,
    after: Option<Cursor>,
    before: Option<Cursor>,
    order: Option<OrderWord>,
    cursors: Cursors,
    uri: Uri,
    pub filter: F,
}

/// Filters of a list that has none.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct NoFilter {}

impl<F> Listing<F> {
    /// Returns the requested page. `usual` is the list's default order. With `before` alone the order is descending, so
    /// that the page is the one right before it.
    pub const fn page(&self, usual: Order) -> PageRequest {
        let order = match self.order {
            Some(OrderWord::Asc) => Order::Ascending,
            Some(OrderWord::Desc) => Order::Descending,
            None if self.before.is_some() && self.after.is_none() => Order::Descending,
            None => usual,
        };
        PageRequest {
            limit: self.limit,
            after: self.after,
            before: self.before,
            order,
        }
    }

    /// Returns the answer for a page that was read for `request`.
    pub fn answer<R, T: From<R>>(&self, request: PageRequest, page: store::Page<R>) -> Listed<T> {
        let next_cursor = page.ends.filter(|_| page.has_more);
        let next_cursor = next_cursor.map(|(_, last)| self.cursors.write(last));
        Listed {
            next: next_cursor
                .as_deref()
                .map(|cursor| next_link(&self.uri, request.order, cursor)),
            page: Page {
                data: page.data.into_iter().map(T::from).collect(),
                next_cursor,
                has_more: page.has_more,
                previous_cursor: None,
            },
        }
    }
}

impl<F> Listing<F> {
    /// Returns the answer for a page around a row: those before it, which were read backwards, then the others.
    pub fn answer_around<R, T: From<R>>(
        &self,
        request: PageRequest,
        before: store::Page<R>,
        after: store::Page<R>,
    ) -> Listed<T> {
        let previous_cursor = before
            .ends
            .filter(|_| before.has_more)
            .map(|(_, first)| self.cursors.write(first));
        let mut listed = self.answer::<R, T>(request, after);
        let earlier = before.data.into_iter().rev().map(T::from);
        listed.page.data = earlier.chain(listed.page.data).collect();
        listed.page.previous_cursor = previous_cursor;
        listed
    }
}

impl<S: Send + Sync, F: DeserializeOwned> FromRequestParts<S> for Listing<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        let (paging, filter): (Pairs, Pairs) =
            form_urlencoded::parse(text.as_bytes()).partition(|(name, _)| PAGING.contains(&name.as_ref()));
        let filters = field_names::<F>();
        if let Some((unknown, _)) = filter.iter().find(|(name, _)| !filters.contains(&name.as_ref())) {
            return Err(unknown_parameter(unknown, filters));
        }
        let of_list = filter.iter().filter(|(name, _)| name != AROUND);
        let cursors = Cursors::new(&parts.uri, of_list.map(|(name, value)| (name.as_ref(), value.as_ref())));
        let Paging {
            limit,
            after,
            before,
            order,
        } = query(&encoded(paging))?;
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_PAGE).contains(&limit) {
            let detail = format!("`limit` is {limit}; it can be 1 to {MAX_PAGE}");
            return Err(Problem::new(Code::InvalidQuery, detail).at("/limit"));
        }
        let filter = query(&encoded(filter))?;
        let read = |name, text: Option<String>| text.map(|text| cursors.read(name, &text)).transpose();
        Ok(Self {
            limit,
            after: read("after", after)?,
            before: read("before", before)?,
            order,
            cursors,
            uri: parts.uri.clone(),
            filter,
        })
    }
}

type Pairs<'q> = Vec<(Cow<'q, str>, Cow<'q, str>)>;

fn encoded(pairs: Pairs<'_>) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn unknown_parameter(name: &str, filters: &[&str]) -> Problem {
    let known: Vec<String> = PAGING.iter().chain(filters).map(|known| format!("`{known}`")).collect();
    let detail = format!("unknown field `{name}`, expected one of {}", known.join(", "));
    Problem::new(Code::InvalidQuery, detail).at(format!("/{name}"))
}

/// Returns the names of a struct's fields. It runs the struct's `Deserialize` with a deserializer that records the
/// names and then fails.
fn field_names<F: DeserializeOwned>() -> &'static [&'static str] {
    struct Names<'n>(&'n mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for Names<'_> {
        type Error = serde::de::value::Error;

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = fields;
            self.deserialize_any(visitor)
        }

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(Self::Error::custom("only the names are wanted"))
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
            seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut names: &'static [&'static str] = &[];
    let _ = F::deserialize(Names(&mut names));
    names
}

/// A page of a list, with the link to the next page.
pub struct Listed<T> {
    page: Page<T>,
    next: Option<String>,
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.page).into_response();
        if let Some(Ok(link)) = self.next.map(|link| HeaderValue::from_str(&link)) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// Returns the `Link` to the next page: the same request with a new cursor.
fn next_link(uri: &Uri, order: Order, cursor: &str) -> String {
    let (bound, order) = match order {
        Order::Ascending => ("after", "asc"),
        Order::Descending => ("before", "desc"),
    };
    let kept = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .filter(|(name, _)| name != bound && name != "order" && name != AROUND);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("order", order)
        .append_pair(bound, cursor)
        .finish();
    format!("<{}?{query}>; rel=\"next\"", uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Colours {
        #[expect(dead_code, reason = "only its name is looked at")]
        colour: Option<String>,
    }

    #[test]
    fn unknown_parameter_lists_known_ones() {
        assert_eq!(field_names::<Colours>(), ["colour"]);
        assert!(field_names::<NoFilter>().is_empty());
        let problem = unknown_parameter("shade", field_names::<Colours>());
        assert_eq!(
            problem.detail,
            "unknown field `shade`, expected one of `limit`, `after`, `before`, `order`, `colour`"
        );
        assert_eq!(problem.errors[0].pointer, "/shade");
    }
}
