//! Output of commands: tables for people, JSON and CSV for programs. Content from outside is stripped of everything
//! that a terminal or a spreadsheet would execute (rule 31).

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::api::csv;

/// Format of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
    Ndjson,
    Csv,
}

/// Standard output in the chosen format.
pub struct Output {
    format: Format,
    quiet: bool,
    out: io::Stdout,
}

impl Output {
    /// Creates an output. `quiet` prints only ids.
    pub fn new(format: Format, quiet: bool) -> Self {
        Self {
            format,
            quiet,
            out: io::stdout(),
        }
    }

    /// Returns whether colours are shown: on a terminal that has them, unless `NO_COLOR` is set.
    pub fn has_colours(&self) -> bool {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        self.is_terminal() && !set("NO_COLOR") && !is_dumb
    }

    /// Prints rows: `columns` in tables and CSV, all fields in JSON.
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

    /// Prints one object: for people one line a field.
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

    /// Prints a line for people; nothing in other formats.
    pub fn line(&mut self, text: &str) -> anyhow::Result<()> {
        if self.is_for_people() {
            writeln!(self.out, "{}", plain(text))?;
        }
        Ok(())
    }

    /// Prints an object as one line of JSON.
    pub fn event(&mut self, event: &impl Serialize) -> anyhow::Result<()> {
        self.raw(&serde_json::to_string(event)?)
    }

    /// Prints a line as it is, without cleaning it.
    pub fn raw(&mut self, text: &str) -> anyhow::Result<()> {
        let out = &mut self.out;
        // Writing blocks while the reader of a pipe is slow; Ctrl-C has to work meanwhile.
        tokio::task::block_in_place(|| {
            writeln!(out, "{text}")?;
            Ok(out.flush()?)
        })
    }

    /// Returns whether the output is a table.
    pub fn is_for_people(&self) -> bool {
        self.format == Format::Table && !self.quiet
    }

    /// Returns whether standard output is a terminal.
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

    /// Prints JSON: indented on a terminal, else on one line.
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

/// Prints a note for people to standard error.
pub fn note(text: &str) {
    // Standard error may be closed; then there is no place to print to.
    let _ = writeln!(io::stderr(), "{}", plain(text));
}

fn one_line(text: &str) -> String {
    plain(&text.replace(['\n', '\t'], " "))
}

/// Replaces everything that a terminal would execute: escapes, other controls, and marks that reorder the text. Line
/// ends and tabs stay.
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
