//! Output of commands: tables for people, JSON and CSV for programs. Content from outside is stripped of everything
//! that a terminal or a spreadsheet would execute (rule 31).

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::Value;

use super::layout::{absolute, cut, fit, is_time, relative, since, title, width, wrap};
use crate::bridge::csv;
use crate::clock::SystemClock;
use crate::domain::Clock as _;

/// Width that a terminal has if it does not tell.
const USUAL_COLUMNS: usize = 80;
/// Least width of a column in which a text is wrapped.
const NARROWEST: usize = 8;
/// Indent of the lines that continue a line.
const INDENT: &str = "    ";

/// Format of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
    Ndjson,
    Csv,
}

/// Data in the chosen format, for standard output.
pub struct Output {
    format: Format,
    quiet: bool,
    /// Columns of the terminal; `None`: standard output is none.
    columns: Option<usize>,
    sink: Sink,
}

/// Where data is written to.
enum Sink {
    Direct(io::Stdout),
    Page(Page),
}

/// Data that is kept, to be printed at once.
#[derive(Default)]
pub struct Page {
    pub text: Vec<u8>,
    /// Notes for standard error.
    pub notes: Vec<String>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Direct(out) => out.write(bytes),
            Self::Page(page) => page.text.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Direct(out) => out.flush(),
            Self::Page(_) => Ok(()),
        }
    }
}

impl Output {
    /// Creates an output. `quiet` prints only ids, and nothing where there are none.
    pub fn new(format: Format, quiet: bool) -> Self {
        Self {
            format,
            quiet,
            columns: columns(),
            sink: Sink::Direct(io::stdout()),
        }
    }

    /// Creates an output that prints nothing and keeps a page.
    pub fn page(format: Format, quiet: bool) -> Self {
        Self {
            sink: Sink::Page(Page::default()),
            ..Self::new(format, quiet)
        }
    }

    /// Returns the page that was kept; empty if all was printed.
    pub fn into_page(self) -> Page {
        match self.sink {
            Sink::Page(page) => page,
            Sink::Direct(_) => Page::default(),
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
                    writeln!(self.sink, "{row}")?;
                }
            }
            Format::Csv => {
                self.sink.write_all(&csv::header(columns))?;
                for row in &rows {
                    self.sink.write_all(&csv::row(row, columns)?)?;
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
                for (name, value) in fields.iter().filter(|(_, value)| !is_empty(value)) {
                    self.field(name, width, &plain(&cell(value)))?;
                }
            }
            (Format::Csv, Value::Object(fields)) => {
                let columns: Vec<&str> = fields.keys().map(String::as_str).collect();
                self.sink.write_all(&csv::header(&columns))?;
                self.sink.write_all(&csv::row(&value, &columns)?)?;
            }
            (Format::Json, _) => self.json(&value)?,
            _ => writeln!(self.sink, "{value}")?,
        }
        Ok(())
    }

    /// Prints a line for people; nothing in other formats.
    pub fn line(&mut self, text: &str) -> anyhow::Result<()> {
        if self.is_for_people() {
            let text = plain(text);
            match self.columns {
                Some(columns) if width(&text) > columns => {
                    let lines = wrap(&text, columns.saturating_sub(INDENT.len()));
                    writeln!(self.sink, "{}", lines.join(&format!("\n{INDENT}")))?;
                }
                _ => writeln!(self.sink, "{text}")?,
            }
        }
        Ok(())
    }

    /// Prints a text for people without wrapping it, because it is copied: a file, a key, a text for a customer. Nothing in
    /// other formats.
    pub fn text(&mut self, text: &str) -> anyhow::Result<()> {
        if self.is_for_people() {
            writeln!(self.sink, "{}", plain(text))?;
        }
        Ok(())
    }

    /// Prints a field of an object; on a terminal within its columns, and a time also relative to now. What continues a
    /// value is indented: a line of somebody's text must not look like a field.
    fn field(&mut self, name: &str, names: usize, value: &str) -> io::Result<()> {
        let indent = " ".repeat(names + 2);
        let Some(columns) = self.columns else {
            let value = value.replace('\n', &format!("\n{indent}"));
            return writeln!(self.sink, "{name:names$}  {value}");
        };
        let value = match absolute(value).filter(|_| is_time(name)) {
            Some(time) => format!("{value} ({})", since(time, SystemClock.now())),
            None => value.replace('\t', " "),
        };
        let lines = wrap(&value, columns.saturating_sub(indent.len()));
        writeln!(self.sink, "{name:names$}  {}", lines.join(&format!("\n{indent}")))
    }

    /// Prints an object as one line of JSON.
    pub fn event(&mut self, event: &impl Serialize) -> anyhow::Result<()> {
        self.raw(&serde_json::to_string(event)?)
    }

    /// Prints a line as it is, without cleaning it.
    pub fn raw(&mut self, text: &str) -> anyhow::Result<()> {
        let out = &mut self.sink;
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
    pub const fn is_terminal(&self) -> bool {
        self.columns.is_some()
    }

    /// Prints a note for people to standard error, or keeps it with the page.
    pub fn note(&mut self, text: &str) {
        match &mut self.sink {
            Sink::Direct(_) => note(text),
            Sink::Page(page) => page.notes.push(text.to_owned()),
        }
    }

    fn ids(&mut self, rows: &[Value]) -> anyhow::Result<()> {
        for row in rows {
            let field = |name| row.get(name).filter(|value| !value.is_null());
            // What has no id prints nothing, not an empty line.
            if let Some(id) = field("id").or_else(|| field("name")) {
                writeln!(self.sink, "{}", plain(&csv::cell(id)))?;
            }
        }
        Ok(())
    }

    /// Prints JSON: indented on a terminal, else on one line.
    fn json(&mut self, value: &Value) -> anyhow::Result<()> {
        if self.is_terminal() {
            writeln!(self.sink, "{value:#}")?;
        } else {
            writeln!(self.sink, "{value}")?;
        }
        Ok(())
    }

    fn table(&mut self, rows: &[Value], columns: &[&str]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let cells = |row: &Value| columns.iter().map(|column| one_line(&cell(&row[*column]))).collect();
        let mut cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
        let mut titles: Vec<String> = columns.iter().map(|column| column.to_uppercase()).collect();
        if let Some(room) = self.columns {
            (titles, cells) = arranged(columns, cells, room);
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).force_no_tty();
        table.set_header(titles);
        table.add_rows(cells);
        writeln!(self.sink, "{}", table.trim_fmt())
    }
}

/// Arranges a table for a terminal of so many columns: short titles, times relative to now, no empty columns, and one line
/// a row, in which long cells are cut. Details are wrapped: what to do stands at their end.
fn arranged(columns: &[&str], mut rows: Vec<Vec<String>>, room: usize) -> (Vec<String>, Vec<Vec<String>>) {
    let now = SystemClock.now();
    let is_filled = |column: usize| rows.iter().any(|row| !row[column].is_empty());
    let filled: Vec<usize> = (0..columns.len()).filter(|column| is_filled(*column)).collect();
    for row in &mut rows {
        *row = filled
            .iter()
            .map(|&column| {
                let cell = std::mem::take(&mut row[column]);
                if is_time(columns[column]) {
                    relative(&cell, now)
                } else {
                    cell
                }
            })
            .collect();
    }
    let mut titles: Vec<String> = filled.iter().map(|&column| title(columns[column])).collect();
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([width(&titles[column])]).max().unwrap_or(0)
    };
    let wanted: Vec<usize> = (0..titles.len()).map(widest).collect();
    let widths = fit(&wanted, room);
    let wraps: Vec<bool> = filled.iter().map(|&column| is_wrapped(columns[column])).collect();
    for row in std::iter::once(&mut titles).chain(&mut rows) {
        for ((cell, &columns), &wraps) in row.iter_mut().zip(&widths).zip(&wraps) {
            *cell = if wraps && columns >= NARROWEST {
                wrap(cell, columns).join("\n")
            } else {
                cut(cell, columns)
            };
        }
    }
    (titles, rows)
}

/// Returns whether a column is wrapped in place of cut.
fn is_wrapped(column: &str) -> bool {
    matches!(column, "detail" | "error")
}

/// Returns the columns of the terminal on standard output; `None` if there is none.
fn columns() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let told = size.map(|size| usize::from(size.ws_col));
    Some(told.filter(|columns| *columns > 0).unwrap_or(USUAL_COLUMNS))
}

/// Returns the lines of the terminal on standard output, if it tells.
pub fn height() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_row)).filter(|lines| *lines > 0)
}

/// Prints a note for people to standard error.
pub fn note(text: &str) {
    // Standard error may be closed; then there is no place to print to.
    let _ = writeln!(io::stderr(), "{}", plain(text));
}

/// Reads the answer to a question that ends with `[y/N]`, and returns whether it is yes. Reading blocks until the user
/// answers; Ctrl-C works meanwhile.
pub async fn agreed() -> anyhow::Result<bool> {
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    Ok(matches!(answer.await??.trim(), "y" | "Y" | "yes"))
}

/// Returns whether a value is none: null, or a list without elements.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Returns a value as people read it: a list of words or numbers without brackets and quotation marks.
fn cell(value: &Value) -> String {
    match value {
        Value::Array(all) if all.iter().all(|one| !one.is_object() && !one.is_array()) => {
            let all: Vec<String> = all.iter().map(csv::cell).collect();
            all.join(", ")
        }
        other => csv::cell(other),
    }
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
    use serde_json::json;

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

    #[test]
    fn second_line_of_value_is_no_field() {
        let mut output = Output::page(Format::Table, false);
        output.columns = None;
        output.one(&json!({"content": "good\nstate  read", "id": 1})).unwrap();
        let page = String::from_utf8(output.into_page().text).unwrap();
        assert_eq!(page, "content  good\n         state  read\nid       1\n");
    }
}
