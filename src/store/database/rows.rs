//! Reading many rows at once. The SQLite driver has a thread for each connection and passes it every row by itself: a
//! page of fifty rows costs fifty changes between threads, several times what SQLite takes to find them. So SQLite packs
//! the rows into one JSON text, and that comes over as one row. The other databases send rows together anyway.

use sea_orm::sea_query::ColumnType;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, Iterable, QueryTrait, Select, Statement};
use serde::de::DeserializeOwned;

use super::row::from_json;
use crate::store::StoreError;

/// Returns all rows of `query`, which selects the columns of `E` and nothing else.
pub async fn all<E>(query: Select<E>, database: &impl ConnectionTrait) -> Result<Vec<E::Model>, StoreError>
where
    E: EntityTrait<Model: DeserializeOwned>,
{
    let packed = match database.get_database_backend() {
        DbBackend::Sqlite => packed(&query),
        _ => None,
    };
    let Some(packed) = packed else {
        return Ok(query.all(database).await?);
    };
    let Some(row) = database.query_one_raw(packed).await? else {
        return Ok(Vec::new());
    };
    let text: String = row.try_get_by_index(0)?;
    from_json(E::default().table_name(), &text)
}

/// Returns the statement that answers with the rows of `query` as one JSON array of arrays, in their order. `None` if a
/// column holds bytes, which JSON cannot.
fn packed<E: EntityTrait>(query: &Select<E>) -> Option<Statement> {
    let values: Option<Vec<String>> = E::Column::iter().map(|column| value(&column)).collect();
    let mut statement = query.build(DbBackend::Sqlite);
    statement.sql = format!(
        "SELECT json_group_array(json_array({})) FROM ({})",
        values?.join(","),
        statement.sql
    );
    Some(statement)
}

/// Returns the expression for a column's value in JSON. SQLite has no type for truth values, and JSON has.
fn value<C: ColumnTrait>(column: &C) -> Option<String> {
    let name = column.as_str();
    match column.def().get_column_type() {
        ColumnType::Boolean => Some(format!(
            "json(CASE \"{name}\" WHEN 0 THEN 'false' WHEN 1 THEN 'true' END)"
        )),
        ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => None,
        _ => Some(format!("\"{name}\"")),
    }
}
