//! The mark of a command, `!`, at the start of what an agent writes. What stands before it and cannot be seen, or only dresses
//! the words, does not make them words for the customer (rule 1).

/// A command, as it stands behind its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked<'t> {
    /// The command, without the marks around it.
    pub command: &'t str,
    /// How the mark was dressed.
    pub dress: Dress,
}

/// Marks of format before the mark of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dress {
    /// None.
    Plain,
    /// Bold, italic, struck, code, a heading, or an item of a list.
    Format,
    /// A quotation.
    Quote,
}

/// Marks that stand around words: WhatsApp's, and those of Markdown.
const AROUND: [char; 4] = ['*', '_', '~', '`'];
/// Marks at the start of a line: of headings and lists.
const AT_START: [char; 5] = ['#', '-', '+', '\u{2022}', '\u{2013}'];
const QUOTE: char = '>';
/// Marks of a command. Keyboards of East Asia write wide, small and upright ones.
const MARKS: [char; 4] = ['!', '\u{ff01}', '\u{fe57}', '\u{fe15}'];

/// Returns what stands behind the mark of a command; `None` if the text has none at its start.
pub fn behind(text: &str) -> Option<Marked<'_>> {
    let mut rest = text;
    let mut dress = Dress::Plain;
    loop {
        rest = rest.trim_start_matches(shows_nothing);
        let bare = rest.trim_start_matches(AROUND).trim_start_matches(AT_START);
        let bare = behind_number(bare).unwrap_or(bare);
        let unquoted = bare.trim_start_matches(QUOTE);
        if unquoted.len() < bare.len() {
            dress = Dress::Quote;
        } else if bare.len() == rest.len() {
            break;
        } else if dress == Dress::Plain {
            dress = Dress::Format;
        }
        rest = unquoted;
    }
    let command = rest.strip_prefix(MARKS)?;
    if dress == Dress::Plain {
        return Some(Marked { command, dress });
    }
    let command = command.trim_end().trim_end_matches(AROUND);
    Some(Marked { command, dress })
}

/// Removes the marks of format at the end of a word, as in `*!note* …`.
pub fn undressed(word: &str) -> &str {
    word.trim_end_matches(AROUND)
}

/// Returns what stands behind the number of an item of a list.
fn behind_number(text: &str) -> Option<&str> {
    let behind = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_number = behind.len() < text.len();
    behind.strip_prefix(['.', ')']).filter(|_| is_number)
}

/// Returns whether a character shows nothing: spaces, controls, and what fills, joins, turns or varies others.
fn shows_nothing(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_is_found_behind_dress_and_the_unseen() {
        for (text, command, dress) in [
            ("!help", "help", Dress::Plain),
            ("\u{3164}\u{ff01}help", "help", Dress::Plain),
            ("! *help*", " *help*", Dress::Plain),
            ("*!help*", "help", Dress::Format),
            ("- **!help me**", "help me", Dress::Format),
            ("2) `!help`", "help", Dress::Format),
            ("> - !help", "help", Dress::Quote),
            ("* > !help", "help", Dress::Quote),
        ] {
            assert_eq!(behind(text), Some(Marked { command, dress }), "{text:?}");
        }
        for text in [
            "",
            "hello !",
            "*hello* !",
            "2 !",
            "42",
            "> hello",
            "?!",
            "¡!",
            "-",
            "***",
        ] {
            assert_eq!(behind(text), None, "{text:?}");
        }
    }
}
