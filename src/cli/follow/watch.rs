//! `--watch`: keeps a list current. On a terminal it is drawn again in place; elsewhere each changed list is printed anew.

use std::io::Write as _;
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::{Follower, News, Patience, reached};
use crate::cli::terminal::output::{Format, Output, Page, height, note};
use crate::cli::{Exit, Shell, exit};
use crate::contract::FilterRequest;

/// Least time between two fetches, however many events come.
const CALM: Duration = Duration::from_secs(1);
/// Greatest time between two fetches, for what changes without an event: how long ago it was, who waits for long.
const FRESHEN: Duration = Duration::from_mins(1);

/// Puts the cursor to the top left corner.
const HOME: &str = "\x1b[H";
/// Clears the rest of the line, and goes to the next.
const LINE_END: &str = "\x1b[K\n";
/// Clears what is below the cursor.
const CLEAR_BELOW: &str = "\x1b[J";
/// Lines of the terminal that are left for notes.
const NOTES: usize = 2;

const LOST: &str = "The connection to the server is lost; connecting again.";

#[derive(Clone, Copy, Debug, Args)]
pub struct Watch {
    /// Keep it current until Ctrl-C; not on a terminal, print it anew after each change
    #[arg(long)]
    watch: bool,
}

impl Watch {
    /// Calls `show`, which fetches and prints. With `--watch` again after each event that `about` selects, at most once a
    /// second, and once a minute without one.
    pub async fn run<F>(
        self,
        shell: &Shell,
        about: FilterRequest<String>,
        show: impl Fn(Output) -> F,
    ) -> anyhow::Result<Exit>
    where
        F: Future<Output = anyhow::Result<Output>>,
    {
        if !self.watch {
            show(shell.output()).await?;
            return Ok(Exit::Ok);
        }
        let mut follower = Follower::new(&shell.client()?, about, None, Patience::Connected);
        let mut screen = Screen::of(shell);
        // Fetched first when the connection stands, so that no change falls between the two.
        let mut due = None;
        loop {
            let news = tokio::select! {
                news = follower.next() => Some(news?),
                () = reached(due) => None,
            };
            match news {
                Some(News::Lost) => screen.note_loss(),
                Some(News::Connected | News::Event(_) | News::Pruned(_)) => due = Some(screen.next_turn(due)),
                None => {
                    match show(shell.page()).await {
                        Ok(page) => screen.show(page.into_page())?,
                        Err(error) if exit::code(&error) == Exit::Unreachable => screen.note_loss(),
                        Err(error) => return Err(error),
                    }
                    due = Some(Instant::now() + FRESHEN);
                }
            }
        }
    }
}

/// Output that is shown now.
struct Screen {
    format: Format,
    quiet: bool,
    /// Text that was printed last.
    shown: Option<Vec<u8>>,
    shown_at: Option<Instant>,
    /// Whether the loss of the connection has been told.
    lost: bool,
}

impl Screen {
    fn of(shell: &Shell) -> Self {
        Self {
            format: shell.options.output.unwrap_or_default(),
            quiet: shell.options.quiet,
            shown: None,
            shown_at: None,
            lost: false,
        }
    }

    /// Returns when to fetch after an event: at once, unless that was done within the last second.
    fn next_turn(&self, due: Option<Instant>) -> Instant {
        let now = Instant::now();
        let turn = self.shown_at.map_or(now, |at| now.max(at + CALM));
        due.map_or(turn, |due| due.min(turn))
    }

    /// Tells once that the connection is lost.
    fn note_loss(&mut self) {
        if !self.lost {
            note(LOST);
        }
        self.lost = true;
    }

    /// Draws a page in place on a terminal. Elsewhere prints it if it differs from the last.
    fn show(&mut self, page: Page) -> anyhow::Result<()> {
        self.shown_at = Some(Instant::now());
        self.lost = false;
        let is_new = self.shown.as_ref() != Some(&page.text);
        let output = Output::new(self.format, self.quiet);
        let bytes = if output.is_terminal() {
            drawing(&page.text, height())
        } else if is_new {
            // JSON is one line a list. Of all else a list is several lines, so that an empty one marks its end.
            let ends = self.format == Format::Json && !self.quiet;
            let end: &[u8] = if ends { b"" } else { b"\n" };
            [&page.text, end].concat()
        } else {
            return Ok(());
        };
        // Writing blocks while the reader of a pipe is slow; Ctrl-C has to work meanwhile.
        tokio::task::block_in_place(|| {
            let mut out = std::io::stdout().lock();
            out.write_all(&bytes)?;
            out.flush()
        })?;
        for text in page.notes.iter().filter(|_| is_new || output.is_terminal()) {
            note(text);
        }
        self.shown = Some(page.text);
        Ok(())
    }
}

/// Returns what draws a page over the one before: as many lines as the terminal has, and a word on those that are left out.
fn drawing(text: &[u8], lines_of_terminal: Option<usize>) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().collect();
    let room = lines_of_terminal.map_or(usize::MAX, |lines| lines.saturating_sub(NOTES).max(1));
    let mut drawn = String::from(HOME);
    let shown = if lines.len() > room { room - 1 } else { lines.len() };
    for line in &lines[..shown] {
        drawn.push_str(line);
        drawn.push_str(LINE_END);
    }
    match lines.len() - shown {
        0 if lines.is_empty() => {
            drawn.push_str("Nothing yet.");
            drawn.push_str(LINE_END);
        }
        0 => {}
        hidden => {
            drawn.extend(["… and ", &hidden.to_string(), " more lines"]);
            drawn.push_str(LINE_END);
        }
    }
    drawn.push_str(CLEAR_BELOW);
    drawn.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_covers_page_of_before_and_fits() {
        let drawn = |text: &str, lines| String::from_utf8(drawing(text.as_bytes(), lines)).unwrap();
        assert_eq!(drawn("a\nb\n", Some(24)), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
        assert_eq!(
            drawn("a\nb\nc\nd\n", Some(5)),
            "\x1b[Ha\x1b[K\nb\x1b[K\n… and 2 more lines\x1b[K\n\x1b[J"
        );
        assert_eq!(drawn("a\nb\nc\n", Some(5)), "\x1b[Ha\x1b[K\nb\x1b[K\nc\x1b[K\n\x1b[J");
        assert!(drawn("", Some(24)).contains("Nothing yet."));
        assert!(drawn("a\nb\n", None).ends_with("\x1b[J"));
    }
}
