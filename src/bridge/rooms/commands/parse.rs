//! Reads commands. Pure: whom or what the words mean is found out when the command is carried out.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::domain::mark::{self, Dress, Marked};
use crate::domain::template::MAX_FIELD_NAME;
use crate::domain::{CustomerId, MessageId, Timestamp, when};

use super::{Command, ENTRIES, Labelling, Other, Parsed, Whom};

/// Messages that `!history` shows if it is not told how many.
pub(super) const HISTORY: u64 = 10;
/// Most of them.
const MAX_HISTORY: u64 = 50;
/// Most words of a time that stands before a text: `in 1day 2h 30m`.
const MAX_WORDS_OF_TIME: usize = 4;
/// Most labels that one command changes.
const MAX_LABELS: usize = 20;
/// Digits that are an id and no phone number.
const MAX_ID_DIGITS: usize = 6;

/// Returns whether a text is a command, known or not: it begins with `!`, whatever dresses it or cannot be seen before that.
pub(crate) fn is_command(body: &str) -> bool {
    mark::behind(body).is_some()
}

/// Returns the command in a text; `None` if the text is for the customer.
pub(crate) fn parse(body: &str) -> Option<Parsed> {
    let Marked { command, dress } = mark::behind(body)?;
    if dress == Dress::Quote {
        let text =
            "Not sent: this quotes a command. Write the command without the quotation, or your answer as a reply.";
        return Some(Parsed::Misuse(text.to_owned()));
    }
    let rest = command.trim_end();
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (word, given) = rest.split_at(end);
    let word = match dress {
        Dress::Plain => word,
        Dress::Format | Dress::Quote => mark::undressed(word),
    };
    let word = word.to_lowercase();
    let Some(entry) = ENTRIES.iter().find(|entry| entry.word == word) else {
        let text =
            "Not sent: unknown command. Write !help for the list. What begins with ! is never sent to the customer.";
        return Some(Parsed::Misuse(text.to_owned()));
    };
    Some(match read(entry.word, given.trim()) {
        Ok(command) => Parsed::Command(entry, command),
        Err(why) => Parsed::Misuse(format!("Not done: {why}. Write {}", entry.usage())),
    })
}

/// Returns the command that a text among notes is: it is a note too.
pub(crate) fn note(body: &str) -> Parsed {
    parse(&format!("!note {body}")).unwrap_or_else(|| Parsed::Misuse("Not done: the note is empty.".to_owned()))
}

pub(super) fn read(word: &str, given: &str) -> Result<Command, String> {
    match word {
        "help" => bare(given, Command::Help),
        "customer" => bare(given, Command::Customer),
        "status" => bare(given, Command::Status),
        "close" => bare(given, Command::Close),
        "reopen" => bare(given, Command::Reopen),
        "pending" => bare(given, Command::Pending),
        "send" => bare(given, Command::Send),
        "retry" => bare(given, Command::Retry),
        "history" => lines(given).map(Command::History),
        "assign" => Ok(Command::Assign(whom(given))),
        "snooze" if given.is_empty() => Ok(Command::Snooze(None)),
        "snooze" => time(given).map(|time| Command::Snooze(Some(time))),
        "note" => said(given, "the note is empty").map(Command::Note),
        "label" if given.is_empty() => Ok(Command::Labels),
        "label" => labels(given).map(Command::Label),
        "name" => name(given).map(Command::Name),
        "merge" => said(given, "the other customer is missing").map(|other| Command::Merge(self::other(&other))),
        "template" if given.is_empty() => Ok(Command::Templates),
        "template" => template(given),
        "send-at" => later(given),
        "release" => id(given).map(Command::Release),
        "cancel" => id(given).map(Command::Cancel),
        "new" => new(given),
        "login" => login(given),
        "logout" => account(given).map(Command::Logout),
        "sync" => account(given).map(Command::Sync),
        other => Err(format!("`{other}` is not a command")),
    }
}

fn bare(given: &str, command: Command) -> Result<Command, String> {
    if given.is_empty() {
        Ok(command)
    } else {
        Err("nothing stands behind this command".to_owned())
    }
}

/// Reads the name of an account; `None` if nothing stands there.
fn account(given: &str) -> Result<Option<String>, String> {
    if given.contains(char::is_whitespace) {
        return Err("the name of one account stands here".to_owned());
    }
    Ok((!given.is_empty()).then(|| given.to_lowercase()))
}

/// Reads the name of an account and a phone number behind it, either of which may be missing.
fn login(given: &str) -> Result<Command, String> {
    let (named, number) = match given.find('+') {
        Some(at) => (given[..at].trim(), Some(given[at..].to_owned())),
        None => (given, None),
    };
    let account = account(named)?;
    Ok(Command::Login { account, number })
}

/// Reads the text of a message that a command sends.
fn for_customer(text: &str) -> Result<String, String> {
    if is_command(text) {
        return Err("its text begins with !, and what begins with ! is never sent to the customer".to_owned());
    }
    said(text, "the text is missing")
}

fn said(given: &str, otherwise: &str) -> Result<String, String> {
    if given.is_empty() {
        Err(otherwise.to_owned())
    } else {
        Ok(given.to_owned())
    }
}

fn lines(given: &str) -> Result<u64, String> {
    if given.is_empty() {
        return Ok(HISTORY);
    }
    let lines = given.parse().ok().filter(|lines| (1..=MAX_HISTORY).contains(lines));
    lines.ok_or_else(|| format!("a number from 1 to {MAX_HISTORY} stands here"))
}

fn whom(given: &str) -> Whom {
    match given.to_lowercase().as_str() {
        "" | "me" => Whom::Me,
        "nobody" | "none" => Whom::Nobody,
        _ => Whom::Agent(given.to_owned()),
    }
}

fn name(given: &str) -> Result<String, String> {
    match said(given, "the name is missing")? {
        name if name.contains('\n') => Err("a name has one line".to_owned()),
        name => Ok(name),
    }
}

/// Returns a time in the form in which [`when::read`] takes it: a span may stand alone.
fn time(given: &str) -> Result<String, String> {
    // Whether it is one does not depend on when and where it is read.
    let read = |text: &str| when::read(text, Timestamp(0), &TimeZone::UTC);
    let single = given.split_whitespace().collect::<Vec<_>>().join(" ");
    match read(&single) {
        Ok(_) => Ok(single),
        Err(error) => {
            let span = format!("in {single}");
            read(&span).map(|_| span).map_err(|_| error.to_string())
        }
    }
}

/// Reads a time and the text behind it: the first line, or as many words as are a time.
fn later(given: &str) -> Result<Command, String> {
    if let Some((first, text)) = given.split_once('\n')
        && let Ok(when) = time(first)
    {
        let text = for_customer(text.trim())?;
        return Ok(Command::SendAt { when, text });
    }
    let mut ends = vec![];
    let mut rest = given;
    while ends.len() < MAX_WORDS_OF_TIME && !rest.is_empty() {
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        ends.push(given.len() - rest.len() + word);
        rest = rest[word..].trim_start();
    }
    for end in ends.into_iter().rev() {
        if let Ok(when) = time(&given[..end]) {
            let text = for_customer(given[end..].trim())?;
            return Ok(Command::SendAt { when, text });
        }
    }
    if given.is_empty() {
        return Err("time and text are missing".to_owned());
    }
    let first: String = given
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .chars()
        .take(20)
        .collect();
    Err(format!(
        "`{first}` does not begin with a time, such as 18:00, tomorrow 9:00, monday 9:00 or in 2h"
    ))
}

fn id(given: &str) -> Result<Option<MessageId>, String> {
    if given.is_empty() {
        return Ok(None);
    }
    let digits = given.strip_prefix('#').unwrap_or(given);
    let id = digits.parse().ok().filter(|id| *id > 0);
    let id = id.ok_or_else(|| "the number of a message stands here; without it the command lists them".to_owned())?;
    Ok(Some(MessageId(id)))
}

fn other(given: &str) -> Other {
    let digits = given.strip_prefix('#').unwrap_or(given);
    let is_id = given.starts_with('#') || digits.len() <= MAX_ID_DIGITS;
    match digits.parse().ok().filter(|id| is_id && *id > 0) {
        Some(id) => Other::Id(CustomerId(id)),
        None => Other::Called(given.to_owned()),
    }
}

fn new(given: &str) -> Result<Command, String> {
    let (number, text) = given
        .split_once(char::is_whitespace)
        .ok_or_else(|| "number and text are missing".to_owned())?;
    let text = for_customer(text.trim())?;
    // `+44 7700 900123 hello` would be a message to another number.
    if text.starts_with(|c: char| c.is_ascii_digit()) && number.len() < MIN_NUMBER {
        return Err("write the number without spaces".to_owned());
    }
    Ok(Command::New {
        number: number.to_owned(),
        text,
    })
}

/// Fewest characters of a number that is followed by digits.
const MIN_NUMBER: usize = 8;

/// Reads `+vip -new customer`: a name goes up to the next sign.
fn labels(given: &str) -> Result<Vec<Labelling>, String> {
    let mut signed: Vec<(bool, String)> = vec![];
    for word in given.split_whitespace() {
        let sign = match word.chars().next() {
            Some('+') => Some(true),
            // Some keyboards write the sign of subtraction, or a dash.
            Some('-' | '\u{2212}' | '\u{2013}') => Some(false),
            _ => None,
        };
        match (sign, signed.last_mut()) {
            (Some(put), _) => {
                let name = word.chars().skip(1).collect();
                signed.push((put, name));
            }
            (None, Some((_, name))) => {
                name.push(' ');
                name.push_str(word);
            }
            (None, None) => return Err(format!("`{word}` has no sign: + puts a label on, - takes it off")),
        }
    }
    if signed.is_empty() || signed.len() > MAX_LABELS {
        return Err(format!("1 to {MAX_LABELS} labels stand here, each with its sign"));
    }
    let labelling = |(put, name): (bool, String)| {
        let name = name
            .parse()
            .map_err(|error: crate::domain::label::NotALabelName| error.to_string())?;
        Ok(if put {
            Labelling::Put(name)
        } else {
            Labelling::Take(name)
        })
    };
    signed.into_iter().map(labelling).collect()
}

/// Reads `NAME field=value other="two words"`. A word that belongs to no field belongs to the value before it.
fn template(given: &str) -> Result<Command, String> {
    let mut words = words(given).into_iter();
    let name = words
        .next()
        .ok_or_else(|| "the name of the template is missing".to_owned())?;
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut last: Option<String> = None;
    for word in words {
        match (word.split_once('=').filter(|(field, _)| is_field(field)), &last) {
            (Some((field, value)), _) => {
                if fields.insert(field.to_owned(), value.to_owned()).is_some() {
                    return Err(format!("the field {field} is there twice"));
                }
                last = Some(field.to_owned());
            }
            (None, Some(field)) => {
                if let Some(value) = fields.get_mut(field) {
                    value.push(' ');
                    value.push_str(&word);
                }
            }
            (None, None) => {
                let word: String = word.chars().take(20).collect();
                return Err(format!("`{word}` is no FIELD=VALUE"));
            }
        }
    }
    Ok(Command::Template { name, fields })
}

fn is_field(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.len() <= MAX_FIELD_NAME && text.chars().all(is_word)
}

/// Splits a text at spaces that do not stand in quotes, and leaves the quotes out. Phones write typographic ones.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (vec![], None::<String>, false);
    for c in text.chars() {
        match c {
            '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
