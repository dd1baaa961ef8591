//! Holds `docs/schema.md` against a new database: every table, column, foreign key and index stands on both sides.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use super::databases::{Database, Kind};
use super::raw;

/// Table, column, type, 1 where it may not be null, and the column that a foreign key names: with `|` between them.
const COLUMNS: &str = r#"
    SELECT t.name || '|' || c.name || '|' || c.type || '|' || c."notnull" || '|' || coalesce(f."table" || '.' || f."to", '')
    FROM sqlite_master t JOIN pragma_table_info(t.name) c
    LEFT JOIN pragma_foreign_key_list(t.name) f ON f."from" = c.name
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'seaql_migrations'"#;

/// Table, 1 where it is unique, and the columns in their order, of each index that a migration has made.
const INDEXES: &str = r#"
    SELECT t.name || '|' || i."unique" || '|' || (
        SELECT group_concat('`' || name || '`', ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))
    FROM sqlite_master t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND i.origin = 'c'"#;

/// A table, and one line that the page has below its heading: the first four cells of a column's row, or an index.
type Fact = (String, String);

#[tokio::test]
async fn schema_page_matches_database() {
    let database = Database::new(Kind::Sqlite).await;
    database.open().await.close().await;
    let real = in_database(&database).await;
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema.md")).unwrap();
    let told = on_page(&page);
    let mut wrong = String::new();
    for (table, line) in real.difference(&told) {
        let meaning = if line.starts_with('|') { " <meaning> |" } else { "" };
        writeln!(wrong, "docs/schema.md: below `### {table}`, add: {line}{meaning}").unwrap();
    }
    for (table, line) in told.difference(&real) {
        writeln!(
            wrong,
            "docs/schema.md: below `### {table}`, take out what the database does not have: {line}"
        )
        .unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

async fn in_database(database: &Database) -> BTreeSet<Fact> {
    let mut facts = BTreeSet::new();
    for row in raw::texts(database, COLUMNS).await {
        let [table, name, declared, not_null, refers] = cells(&row);
        let null = if not_null == "1" { "" } else { "yes" };
        let refers = if refers.is_empty() {
            String::new()
        } else {
            format!("`{refers}`")
        };
        let kind = match declared.to_lowercase().as_str() {
            "integer" => "number",
            "boolean" => "flag",
            "varchar(32)" => "word",
            "varchar(255)" => "key",
            "text" => "text",
            "blob" => "bytes",
            other => panic!("{table}.{name}: the page has no word for the type {other}"),
        };
        facts.insert((table, row_of(&[&format!("`{name}`"), kind, null, &refers])));
    }
    for row in raw::texts(database, INDEXES).await {
        let [table, unique, columns] = cells(&row);
        let kind = if unique == "1" { "unique" } else { "index" };
        facts.insert((table, format!("- {kind} ({columns})")));
    }
    facts
}

/// Reads the page: `### table`, then a row for each column, then a line for each index.
fn on_page(page: &str) -> BTreeSet<Fact> {
    let mut facts = BTreeSet::new();
    let mut table = "";
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            table = name;
        } else if line.starts_with("- unique (") || line.starts_with("- index (") {
            facts.insert((table.to_owned(), line.to_owned()));
        } else if line.starts_with("| `") {
            let [_, name, kind, null, refers, ..] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                panic!("docs/schema.md: a column's row has five cells: {line}");
            };
            // SQLite has one type for these three.
            let kind = if ["id", "small"].contains(&kind) {
                "number"
            } else {
                kind
            };
            // In parentheses: the database knows nothing of it.
            let refers = if refers.starts_with('(') { "" } else { refers };
            facts.insert((table.to_owned(), row_of(&[name, kind, null, refers])));
        }
    }
    facts
}

fn cells<const N: usize>(row: &str) -> [String; N] {
    let cells: Vec<String> = row.split('|').map(ToOwned::to_owned).collect();
    cells.try_into().unwrap()
}

/// A row's beginning, as the page writes it.
fn row_of(cells: &[&str]) -> String {
    cells.iter().fold("|".to_owned(), |row, cell| {
        let space = if cell.is_empty() { "" } else { " " };
        format!("{row}{space}{cell} |")
    })
}
