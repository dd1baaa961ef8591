//! Commands that agents write in a room, which are not sent to the customer: lines that begin with `!`. This is only
//! the parser; `effects` executes them.

use crate::domain::Operation;

/// Command of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Lists the commands.
    Help,
    /// Sends a stale message after all; the command replies to it.
    Send,
    /// Unknown command: answered, and never sent to a customer.
    Unknown,
}

impl Command {
    /// Returns the operation that it is; `None` for what needs no right.
    pub(crate) const fn operation(self) -> Option<Operation> {
        match self {
            Self::Send => Some(Operation::SendMessage),
            Self::Help | Self::Unknown => None,
        }
    }
}

/// Returns the command in a text; `None` if the text is for the customer.
pub(crate) fn parse(body: &str) -> Option<Command> {
    match body.trim() {
        "!help" => Some(Command::Help),
        "!send" => Some(Command::Send),
        other => other.starts_with('!').then_some(Command::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_leading_exclamation_mark_is_command() {
        for (body, command) in [
            ("!help", Some(Command::Help)),
            ("  !help\n", Some(Command::Help)),
            ("!send", Some(Command::Send)),
            ("\t!send ", Some(Command::Send)),
            ("!Help", Some(Command::Unknown)),
            ("!help me", Some(Command::Unknown)),
            ("!send it", Some(Command::Unknown)),
            ("!sendit", Some(Command::Unknown)),
            ("! send", Some(Command::Unknown)),
            ("!", Some(Command::Unknown)),
            ("!!", Some(Command::Unknown)),
            ("!no\n!send", Some(Command::Unknown)),
            (" \n!x", Some(Command::Unknown)),
            ("hello", None),
            ("hello !send", None),
            ("hello\n!send", None),
            ("¡hola!", None),
            ("> !send", None),
            ("", None),
            (" ", None),
        ] {
            assert_eq!(parse(body), command, "{body:?}");
        }
    }
}
