//! Rows as CSV, with cells that no spreadsheet evaluates as a formula (rule 31).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// Columns of exported messages: field names of the message's JSON, and those of its customer and its file.
pub const MESSAGE_COLUMNS: &[&str] = &[
    "id",
    "customer_id",
    "conversation_id",
    "account_id",
    "direction",
    "kind",
    "content",
    "timestamp",
    "ack",
    "state",
    "whatsapp_id",
    "author",
    "reply_to",
    "edited_at",
    "deleted_at",
    "customer_name",
    "customer_phone",
    "filename",
];

/// Begins a file: without this mark Excel takes UTF-8 for the code page of its own country.
pub const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Columns of exported customers: field names of the customer's JSON.
pub const CUSTOMER_COLUMNS: &[&str] = &[
    "id",
    "name",
    "phone",
    "status",
    "photo_url",
    "unread_count",
    "attributes",
    "opted_out_at",
    "created_at",
    "updated_at",
];

/// Returns the header line, with its line end.
pub fn header(columns: &[&str]) -> Vec<u8> {
    line(columns.iter().copied())
}

/// Returns the line of one row, with its line end.
pub fn row(row: &impl Serialize, columns: &[&str]) -> serde_json::Result<Vec<u8>> {
    let row = serde_json::to_value(row)?;
    Ok(line(columns.iter().map(|column| cell(&row[*column]))))
}

fn line<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> Vec<u8> {
    let mut csv = csv::Writer::from_writer(vec![]);
    // Writing into memory cannot fail. If it ever did, the line would be empty, which a reader notices by the
    // missing columns.
    let _ = csv.write_record(cells.into_iter().map(|cell| defused(cell.as_ref()).into_owned()));
    csv.into_inner().unwrap_or_default()
}

/// Returns a JSON value as the text of a cell: the name of an object that has one, "reason until time" for a wait,
/// other objects as JSON.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => match fields.get("name") {
            Some(Value::String(name)) => name.clone(),
            _ => match (fields.get("reason"), fields.get("until")) {
                (Some(Value::String(reason)), Some(Value::String(until))) => format!("{reason} until {until}"),
                _ => value.to_string(),
            },
        },
        other => other.to_string(),
    }
}

/// Prefixes a cell with `'` if a spreadsheet would evaluate it as a formula. A number with a sign, such as every phone
/// number, stays as it is.
pub fn defused(cell: &str) -> Cow<'_, str> {
    let is_number = cell
        .strip_prefix(['+', '-'])
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{cell}").into()
    } else {
        cell.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// rule 31.
    #[test]
    fn formula_gets_apostrophe_phone_does_not() {
        for formula in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "+", "\r=1"] {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for harmless in ["+447700900123", "-5", "", "a=b", "hello"] {
            assert_eq!(defused(harmless), harmless);
        }
    }

    #[test]
    fn csv_row_orders_columns_and_quotes_cells() {
        let value = serde_json::json!({ "b": "x,\"y\"\nz", "a": 1, "author": { "name": "Ada" } });
        let line = String::from_utf8(row(&value, &["a", "b", "author", "none"]).unwrap()).unwrap();
        assert_eq!(line, "1,\"x,\"\"y\"\"\nz\",Ada,\n");
    }
}
