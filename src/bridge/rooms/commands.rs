//! What agents write in a room for the desk and not for the customer: a line that begins with `!`. Only what it means; what
//! it does stands in `effects`.

/// A command of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Say what can be written here.
    Help,
    /// Send a message after all that came too late; the command replies to it.
    Send,
    /// None that we know: answered, and never sent to a customer.
    Unknown,
}

/// Returns the command that a text is; none where the text is for the customer.
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
