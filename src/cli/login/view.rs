//! Output of `crm login`: codes and states, redrawn in place for people, one line an event for programs.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use super::qr::{self, Ink};
use crate::cli::terminal::output::{Output, note};
use crate::cli::{Exit, Fault, Shell};
use crate::contract::{HistoryEvent, HistoryView, LoginEvent, SessionView};
use crate::domain::history::HistoryState;
use crate::domain::session::SessionState;

/// State of the output, so that only changes are printed.
pub struct Display {
    output: Output,
    for_people: bool,
    qr_file: Option<PathBuf>,
    invert: bool,
    state: Option<SessionState>,
    code: Option<String>,
    /// Number of lines of the QR code on the terminal; the next code is drawn over it.
    drawn: usize,
    history: Option<HistoryView>,
    bar: Option<ProgressBar>,
}

impl Display {
    /// Creates a display that has shown nothing yet. `qr_file` gets each QR code as well; `invert` draws it for a light
    /// terminal.
    pub fn new(shell: &Shell, qr_file: Option<PathBuf>, invert: bool) -> Self {
        let output = shell.output();
        Self {
            for_people: output.is_for_people(),
            output,
            qr_file,
            invert,
            state: None,
            code: None,
            drawn: 0,
            history: None,
            bar: None,
        }
    }

    /// Prints what has changed in the session.
    pub fn show(&mut self, view: &SessionView) -> anyhow::Result<()> {
        if self.state != Some(view.state) {
            self.state = Some(view.state);
            self.state(view)?;
        }
        let code = view.pairing_code.as_ref().or(view.qr.as_ref());
        if code.is_some() && code != self.code.as_ref() {
            self.code = code.cloned();
            match (&view.pairing_code, &view.qr) {
                (Some(code), _) => self.pairing_code(code)?,
                (None, Some(qr)) => self.qr(qr)?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn state(&mut self, view: &SessionView) -> anyhow::Result<()> {
        if !self.for_people {
            return self.output.event(&LoginEvent::State {
                state: view.state,
                detail: view.detail.clone(),
            });
        }
        let text = match view.state {
            SessionState::Qr => {
                "Scan this code: WhatsApp on the phone, Settings, Linked devices, Link a device.".to_owned()
            }
            SessionState::Code => {
                "Type this code on the phone: Settings, Linked devices, Link with phone number.".to_owned()
            }
            state => match &view.detail {
                Some(detail) => format!("{state}: {detail}"),
                None => state.to_string(),
            },
        };
        self.drawn = 0;
        note(&text);
        Ok(())
    }

    fn pairing_code(&mut self, code: &str) -> anyhow::Result<()> {
        if self.for_people {
            self.output.raw(code)
        } else {
            self.output.event(&LoginEvent::PairingCode { code: code.to_owned() })
        }
    }

    fn qr(&mut self, content: &str) -> anyhow::Result<()> {
        if let Some(path) = &self.qr_file {
            qr::into_file(content, path)?;
        }
        if !self.for_people {
            let code = content.to_owned();
            return self.output.event(&LoginEvent::Qr { code });
        }
        let drawing = qr::text(content, Ink::of(self.output.has_colours(), self.invert))?;
        if self.drawn > 0 && self.output.is_terminal() {
            let mut out = std::io::stdout();
            write!(out, "\x1b[{}A\x1b[J", self.drawn)?;
        }
        self.drawn = drawing.lines().count();
        self.output.raw(&drawing)
    }

    /// Returns whether a progress bar is visible.
    pub fn has_bar(&self) -> bool {
        self.for_people && std::io::stderr().is_terminal()
    }

    /// Shows the progress of the history import. Returns whether it still runs.
    pub fn history(&mut self, history: &HistoryView) -> anyhow::Result<bool> {
        let goes_on = history.state == HistoryState::Running;
        if self.history.as_ref() != Some(history) {
            self.history = Some(history.clone());
            if self.for_people {
                self.draw_history(history);
            } else {
                self.output.event(&HistoryEvent::from(history.clone()))?;
            }
        }
        Ok(goes_on)
    }

    fn draw_history(&mut self, history: &HistoryView) {
        let hidden = !self.has_bar();
        let bar = self.bar.get_or_insert_with(|| {
            let bar = if hidden {
                ProgressBar::hidden()
            } else {
                ProgressBar::new(0)
            };
            match ProgressStyle::with_template("{bar:30} {pos}/{len} chats  {msg} messages  {eta}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        bar.set_length(history.chats_total.unsigned_abs());
        bar.set_position(history.chats_done.unsigned_abs());
        bar.set_message(history.messages.to_string());
        if history.state == HistoryState::Done {
            bar.finish_and_clear();
            if history.messages > 0 {
                note(&format!(
                    "Imported {} messages of {} chats.",
                    history.messages, history.chats_done
                ));
            }
        }
    }

    /// Deletes the QR code's file: the code is used up, and nobody should find it.
    pub fn close(&mut self) {
        if let Some(path) = self.qr_file.take() {
            let _ = std::fs::remove_file(path);
        }
        if self.drawn > 0 && std::io::stdout().is_terminal() && self.state == Some(SessionState::Ready) {
            note("Linked.");
        }
    }
}

/// Returns the result if the login has ended, or `None` while it goes on.
pub fn end(view: &SessionView) -> Option<anyhow::Result<Exit>> {
    match view.state {
        SessionState::Ready => Some(Ok(Exit::Ok)),
        SessionState::WrongNumber => {
            let detail = view
                .detail
                .clone()
                .unwrap_or_else(|| "a phone with another number has scanned the code".to_owned());
            Some(Err(Fault::new(Exit::Conflict, detail).into()))
        }
        SessionState::Restricted => {
            let detail = view
                .detail
                .clone()
                .unwrap_or_else(|| "WhatsApp has blocked this account".to_owned());
            Some(Err(Fault::new(Exit::Failed, detail).into()))
        }
        _ => None,
    }
}
