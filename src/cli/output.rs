//! What a command prints: a table for people, JSON lines and CSV for programs. Content from outside is stripped of what a
//! terminal or a spreadsheet would obey (`RULES` 31).

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
    Ndjson,
    Csv,
}

/// What a row shows in a table or CSV: its column names and cells.
pub trait Row: Serialize {
    const COLUMNS: &'static [&'static str];

    fn cells(&self) -> Vec<String>;

    /// What `-q` prints.
    fn id(&self) -> String;
}

/// Prints `rows` as a list.
pub fn list<R: Row>(rows: &[R], format: Format, quiet: bool, out: &mut impl Write) -> anyhow::Result<()> {
    if quiet {
        for row in rows {
            writeln!(out, "{}", plain(&row.id()))?;
        }
        return Ok(());
    }
    match format {
        Format::Table => table(rows, out)?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(rows)?)?,
        Format::Ndjson => {
            for row in rows {
                writeln!(out, "{}", serde_json::to_string(row)?)?;
            }
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(R::COLUMNS)?;
            for row in rows {
                csv.write_record(row.cells().iter().map(|cell| defused(cell).into_owned()))?;
            }
            csv.flush()?;
        }
    }
    Ok(())
}

fn table<R: Row>(rows: &[R], out: &mut impl Write) -> io::Result<()> {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(R::COLUMNS.iter().map(|column| column.to_uppercase()));
    if io::stdout().is_terminal() {
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    }
    for row in rows {
        table.add_row(row.cells().iter().map(|cell| plain(&cell.replace('\n', " "))));
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// Prints one thing: JSON as it is, or `name: value` lines for people.
pub fn one(value: &impl Serialize, format: Format, out: &mut impl Write) -> anyhow::Result<()> {
    let value = serde_json::to_value(value)?;
    match (format, &value) {
        (Format::Json, _) => writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?,
        (Format::Table, Value::Object(fields)) => {
            let width = fields.keys().map(String::len).max().unwrap_or(0);
            for (name, value) in fields {
                writeln!(out, "{name:width$}  {}", plain(&cell(value)))?;
            }
        }
        (Format::Csv, Value::Object(fields)) => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(fields.keys())?;
            csv.write_record(fields.values().map(|value| defused(&cell(value)).into_owned()))?;
            csv.flush()?;
        }
        _ => writeln!(out, "{value}")?,
    }
    Ok(())
}

/// A JSON value in a cell.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The text without what a terminal would obey: escapes, other controls, and marks that reorder what is read. Lines and
/// tabs stay.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A CSV cell that no spreadsheet takes for a formula. A number with its sign (every phone number is one) is none.
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

    /// `RULES` 31.
    #[test]
    fn a_csv_cell_never_begins_a_formula_and_a_phone_number_stays_one() {
        for formula in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "+", "\r=1"] {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for harmless in ["+447700900123", "-5", "", "a=b", "hello"] {
            assert_eq!(defused(harmless), harmless);
        }
    }

    /// `RULES` 31.
    #[test]
    fn a_terminal_is_told_nothing_that_it_would_obey() {
        let hostile = "\x1b]0;owned\x07 \u{9b}31m \u{202e}txt.exe\r\nnext\ttab é 👍";
        let shown = plain(hostile);
        assert!(
            !shown.contains(['\x1b', '\x07', '\u{9b}', '\u{202e}', '\r']),
            "{shown:?}"
        );
        assert!(shown.ends_with("\nnext\ttab é 👍"));
    }
}
