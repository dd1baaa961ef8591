//! What a command prints: a table for people, JSON and CSV for programs. Content from outside is stripped of what a terminal
//! or a spreadsheet would obey (rule 31).

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::api::csv;

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
    Ndjson,
    Csv,
}

/// Where and how a command writes its data.
pub struct Output {
    format: Format,
    quiet: bool,
    out: io::Stdout,
}

impl Output {
    pub fn new(format: Format, quiet: bool) -> Self {
        Self {
            format,
            quiet,
            out: io::stdout(),
        }
    }

    /// Many rows: the columns in tables and CSV, everything in JSON.
    pub fn list(&mut self, rows: &[impl Serialize], columns: &[&str]) -> anyhow::Result<()> {
        let rows: Vec<Value> = rows.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
        if self.quiet {
            return self.ids(&rows);
        }
        match self.format {
            Format::Table => self.table(&rows, columns)?,
            Format::Json => self.json(&Value::Array(rows))?,
            Format::Ndjson => {
                for row in rows {
                    writeln!(self.out, "{row}")?;
                }
            }
            Format::Csv => {
                self.out.write_all(&csv::header(columns))?;
                for row in &rows {
                    self.out.write_all(&csv::row(row, columns)?)?;
                }
            }
        }
        Ok(())
    }

    /// One thing: its fields in lines for people.
    pub fn one(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let value = serde_json::to_value(value)?;
        if self.quiet {
            return self.ids(&[value]);
        }
        match (self.format, &value) {
            (Format::Table, Value::Object(fields)) => {
                let width = fields.keys().map(String::len).max().unwrap_or(0);
                for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                    writeln!(self.out, "{name:width$}  {}", plain(&csv::cell(value)))?;
                }
            }
            (Format::Csv, Value::Object(fields)) => {
                let columns: Vec<&str> = fields.keys().map(String::as_str).collect();
                self.out.write_all(&csv::header(&columns))?;
                self.out.write_all(&csv::row(&value, &columns)?)?;
            }
            (Format::Json, _) => self.json(&value)?,
            _ => writeln!(self.out, "{value}")?,
        }
        Ok(())
    }

    /// A line for people, and nothing for programs.
    pub fn line(&mut self, text: &str) -> anyhow::Result<()> {
        if self.is_for_people() {
            writeln!(self.out, "{}", plain(text))?;
        }
        Ok(())
    }

    /// A line of JSON for programs.
    pub fn event(&mut self, event: &impl Serialize) -> anyhow::Result<()> {
        self.raw(&serde_json::to_string(event)?)
    }

    /// A line as it is.
    pub fn raw(&mut self, text: &str) -> anyhow::Result<()> {
        let out = &mut self.out;
        // Whoever reads us may take his time; Ctrl-C has to be heard meanwhile.
        tokio::task::block_in_place(|| {
            writeln!(out, "{text}")?;
            Ok(out.flush()?)
        })
    }

    pub fn is_for_people(&self) -> bool {
        self.format == Format::Table && !self.quiet
    }

    pub fn is_terminal(&self) -> bool {
        self.out.is_terminal()
    }

    fn ids(&mut self, rows: &[Value]) -> anyhow::Result<()> {
        for row in rows {
            let field = |name| row.get(name).filter(|value| !value.is_null());
            let id = field("id").or_else(|| field("name")).unwrap_or(&Value::Null);
            writeln!(self.out, "{}", plain(&csv::cell(id)))?;
        }
        Ok(())
    }

    /// One line for programs, several for people.
    fn json(&mut self, value: &Value) -> anyhow::Result<()> {
        if self.is_terminal() {
            writeln!(self.out, "{value:#}")?;
        } else {
            writeln!(self.out, "{value}")?;
        }
        Ok(())
    }

    fn table(&mut self, rows: &[Value], columns: &[&str]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if self.is_terminal() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        table.set_header(columns.iter().map(|column| column.to_uppercase()));
        for row in rows {
            table.add_row(columns.iter().map(|column| one_line(&csv::cell(&row[*column]))));
        }
        writeln!(self.out, "{}", table.trim_fmt())
    }
}

/// A note for people, on standard error.
pub fn note(text: &str) {
    // Where standard error is closed there is nobody to be told.
    let _ = writeln!(io::stderr(), "{}", plain(text));
}

fn one_line(text: &str) -> String {
    plain(&text.replace(['\n', '\t'], " "))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// rule 31.
    #[test]
    fn control_characters_never_reach_terminal() {
        let hostile = "\x1b]0;owned\x07 \u{9b}31m \u{202e}txt.exe\r\nnext\ttab é 👍";
        let shown = plain(hostile);
        assert!(
            !shown.contains(['\x1b', '\x07', '\u{9b}', '\u{202e}', '\r']),
            "{shown:?}"
        );
        assert!(shown.ends_with("\nnext\ttab é 👍"));
    }
}
