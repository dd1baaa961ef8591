//! `/tables`: the superseded system's two tables, to be looked at.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::api::access::sight::Word;
use crate::api::http::extract::{Path, Query};
use crate::api::http::problem::{Code, Problem};
use crate::api::openapi::answers::{EitherArray, Shaped};
use crate::contract::{CustomerView, SeedCustomerRow, SeedMessage};
use crate::store::{MAX_PAGE, Store};

/// The names of the tables.
const TABLES: [&str; 2] = ["customers", "messages"];
/// Default of `limit`, in rows.
const DEFAULT_LIMIT: u64 = 50;

/// Page of a table.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// Most rows; 50 by default, 1000 at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u64>,
    /// Rows to leave out first.
    offset: Option<u64>,
}

/// `GET /tables`, scope `manage`: lists the names of the tables.
pub async fn list() -> Json<[&'static str; 2]> {
    Json(TABLES)
}

/// `GET /tables/{name}`, scope `manage`: lists rows of a table by id.
pub async fn show(
    State(store): State<Store>,
    Path(Word(name)): Path<Word>,
    Query(rows): Query<Rows>,
) -> Result<Shaped<EitherArray<SeedCustomerRow, SeedMessage>>, Problem> {
    let limit = rows.limit.unwrap_or(DEFAULT_LIMIT);
    // Databases count with a sign.
    let offset = rows.offset.unwrap_or(0).min(i64::MAX.unsigned_abs());
    if !(1..=MAX_PAGE).contains(&limit) {
        let detail = format!("`limit` is {limit}; it can be 1 to {MAX_PAGE}");
        return Err(Problem::new(Code::InvalidQuery, detail).at("/limit"));
    }
    match name.as_str() {
        "customers" => {
            let rows = store.customers().by_id(limit, offset).await?;
            let rows = rows.into_iter().map(|row| CustomerView::from(row).into());
            Ok(Json(rows.collect::<Vec<SeedCustomerRow>>()).into_response().into())
        }
        "messages" => {
            let rows = store.messages().lines_by_id(limit, offset).await?;
            let rows = rows.into_iter().map(messages::view);
            Ok(Json(rows.collect::<Vec<SeedMessage>>()).into_response().into())
        }
        _ => Err(Problem::not_found(
            "table",
            format!("{name}; there are {}", TABLES.join(" and ")),
        )),
    }
}
