//! Reading many rows at once. The SQLite driver has a thread for each connection and passes it every row by itself: a
//! page of fifty rows costs fifty changes between threads, several times what SQLite takes to find them. So SQLite packs
//! the rows into one JSON text, and that comes over as one row. The other databases send rows together anyway; in
//! PostgreSQL, packing costs about what it saves us.

use sea_orm::sea_query::ColumnType;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, Iterable, QueryTrait, Select};
use serde::de::DeserializeOwned;

use super::row::from_json;
use crate::store::StoreError;

/// Returns all rows of `query`, which selects the columns of `E` and nothing else.
pub async fn all<E>(query: Select<E>, database: &impl ConnectionTrait) -> Result<Vec<E::Model>, StoreError>
where
    E: EntityTrait<Model: DeserializeOwned>,
{
    let is_packed = database.get_database_backend() == DbBackend::Sqlite;
    if is_packed && let Some(values) = E::Column::iter().map(|column| value(&column)).collect() {
        return unpacked(&query, values, database).await;
    }
    Ok(query.all(database).await?)
}

/// Returns all rows of `query`, which selects columns of these names: the fields of `T`, in their order. None of them
/// holds truth values or bytes.
pub async fn all_as<E, T>(
    query: Select<E>,
    columns: &[&str],
    database: &impl ConnectionTrait,
) -> Result<Vec<T>, StoreError>
where
    E: EntityTrait,
    T: DeserializeOwned + FromQueryResult,
{
    if database.get_database_backend() == DbBackend::Sqlite {
        return unpacked(&query, columns.iter().map(|name| quoted(name)).collect(), database).await;
    }
    Ok(query.into_model().all(database).await?)
}

/// Returns these values of the rows of `query`, packed by SQLite into one JSON array of arrays.
async fn unpacked<E: EntityTrait, T: DeserializeOwned>(
    query: &Select<E>,
    values: Vec<String>,
    database: &impl ConnectionTrait,
) -> Result<Vec<T>, StoreError> {
    let mut statement = query.build(DbBackend::Sqlite);
    statement.sql = format!(
        "SELECT json_group_array(json_array({})) FROM ({})",
        values.join(","),
        statement.sql
    );
    let Some(row) = database.query_one_raw(statement).await? else {
        return Ok(Vec::new());
    };
    let text: String = row.try_get_by_index(0)?;
    from_json(E::default().table_name(), &text)
}

/// Returns the expression for a column's value in JSON; `None` if it holds bytes, which JSON cannot. SQLite has no type for
/// truth values, and JSON has.
fn value<C: ColumnTrait>(column: &C) -> Option<String> {
    let name = quoted(column.as_str());
    match column.def().get_column_type() {
        ColumnType::Boolean => Some(format!("json(CASE {name} WHEN 0 THEN 'false' WHEN 1 THEN 'true' END)")),
        ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => None,
        _ => Some(name),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
