//! Mentions in a text. WhatsApp writes the mentioned user's digits after `@`; people read and write names.

use std::borrow::Cow;
use std::ops::Range;

use crate::domain::customer::display_name;

/// Returns the text with names in place of the digits of mentioned users; those without a name keep theirs. `people`
/// holds user and name of each.
pub fn with_names<'t, 'p>(
    text: &'t str,
    people: &(impl Iterator<Item = (&'p str, Option<&'p str>)> + Clone),
) -> Cow<'t, str> {
    replaced(text, |rest| {
        let end = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
        let user = &rest[..end];
        let name = people.clone().find(|(known, _)| *known == user)?.1;
        Some((end, plain(name?)?))
    })
}

/// Returns where the text mentions somebody by this name, as [`with_names`] writes it; the `@` is part of each place.
pub fn places_of(text: &str, name: &str) -> Vec<Range<usize>> {
    let Some(name) = plain(name) else {
        return vec![];
    };
    let is_there = |at: &usize| {
        let rest = text[*at..].strip_prefix(name.as_str());
        rest.is_some_and(|rest| !rest.starts_with(is_of_word))
    };
    let found = places(text).filter(is_there);
    found.map(|at| at - 1..at + name.len()).collect()
}

/// Returns the text with the users' digits in place of their names, as WhatsApp wants it. `people` holds user and name of
/// each.
pub fn with_users<'t, 'p>(text: &'t str, people: &(impl Iterator<Item = (&'p str, &'p str)> + Clone)) -> Cow<'t, str> {
    replaced(text, |rest| {
        let of_length = people
            .clone()
            .filter_map(|(user, name)| Some((prefix(rest, name)?, user)));
        let (length, user) = of_length.max_by_key(|(length, _)| *length)?;
        Some((length, user.to_owned()))
    })
}

/// Returns which of these names the text mentions by `@`: the place of the name in `names`, and its place in the text. A
/// whole name counts, or the first word of exactly one name. What could be several is nobody.
pub fn named(text: &str, names: &[&str]) -> Vec<(usize, Range<usize>)> {
    places(text)
        .filter_map(|at| {
            let rest = &text[at..];
            let whole = names
                .iter()
                .enumerate()
                .filter_map(|(place, name)| Some((prefix(rest, name)?, place)));
            let whole: Vec<_> = whole.collect();
            let found = if let Some(longest) = whole.iter().map(|(length, _)| *length).max() {
                whole.into_iter().filter(|(length, _)| *length == longest).collect()
            } else {
                let first = |name: &str| name.split_whitespace().next().map(str::to_owned);
                let words = names
                    .iter()
                    .enumerate()
                    .filter_map(|(place, name)| Some((prefix(rest, &first(name)?)?, place)));
                words.collect::<Vec<_>>()
            };
            match found[..] {
                [(length, place)] => Some((place, at..at + length)),
                _ => None,
            }
        })
        .collect()
}

/// Replaces what stands after an `@`: `found` returns how much of the rest it is, and what comes in its place.
fn replaced(text: &str, found: impl Fn(&str) -> Option<(usize, String)>) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut done = 0;
    for at in places(text) {
        if let Some((length, instead)) = found(&text[at..]) {
            shown.push_str(&text[done..at]);
            shown.push_str(&instead);
            done = at + length;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[done..]);
    Cow::Owned(shown)
}

/// Returns the places after each `@` that begins a word, so not those in an e-mail address.
fn places(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices('@')
        .filter(|(at, _)| !text[..*at].ends_with(is_of_word))
        .map(|(at, _)| at + 1)
}

/// Returns how many bytes of the text this name is, if the text begins with it as a whole word, in whatever case.
fn prefix(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.char_indices();
    for wanted in name.chars() {
        let (_, c) = rest.next()?;
        if !c.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    let (end, next) = rest.next().map_or((text.len(), None), |(end, c)| (end, Some(c)));
    (end > 0 && !next.is_some_and(is_of_word)).then_some(end)
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns a name that cannot be taken for markup or for another mention.
fn plain(name: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = name;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        rest = tag.split_once('>').map_or(tag, |(_, after)| after);
    }
    text.push_str(rest);
    text.retain(|c| !matches!(c, '<' | '>' | '*' | '~' | '`' | '@' | '[' | ']' | '|'));
    display_name::clean(text.trim_matches('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, people: &[(&str, Option<&str>)]) -> String {
        with_names(text, &people.iter().copied()).into_owned()
    }

    #[test]
    fn mentioned_user_is_shown_by_name() {
        let bob = [("9001", Some("Bob"))];
        assert_eq!(shown("@9001 please", &bob), "@Bob please");
        assert_eq!(shown("(@9001), @9001.", &bob), "(@Bob), @Bob.");
        for untouched in ["@90012", "@900", "x@9001", "@9001a", "@ 9001", "@", ""] {
            assert_eq!(shown(untouched, &bob), untouched);
        }
        assert_eq!(shown("@9001", &[("9001", None)]), "@9001");
    }

    #[test]
    fn mentioned_name_is_plain() {
        for (name, text) in [
            ("<b>Bob</b>", "@Bob"),
            ("*Bob* `x`", "@Bob x"),
            ("B\u{202e}ob", "@Bob"),
            ("@room", "@room"),
            ("Bob < Eve", "@Bob Eve"),
            ("<>", "@9001"),
            ("\u{202e}", "@9001"),
        ] {
            assert_eq!(shown("@9001", &[("9001", Some(name))]), text, "{name:?}");
        }
    }

    #[test]
    fn shown_mention_is_found_again() {
        assert_eq!(places_of("@Bob, @Bobby x@Bob (@Bob)", "*Bob*"), [0..4, 20..24]);
        assert!(places_of("@", "<>").is_empty() && places_of("", "Bob").is_empty());
    }

    #[test]
    fn unambiguous_name_is_found() {
        let names = ["Bob Smith", "Bob Jones", "Ada", "Ada Lovelace", "Zoë"];
        let found = |text: &str| {
            named(text, &names)
                .into_iter()
                .map(|(place, _)| place)
                .collect::<Vec<_>>()
        };
        assert_eq!(found("@Bob Smith, @ada lovelace and @ZOË!"), [0, 3, 4]);
        assert_eq!(found("@Ada please"), [2]);
        assert!(found("@Bob please").is_empty(), "two have this name");
        assert!(found("ada@ada.org @Zo @Zoëy").is_empty());
        assert_eq!(named("hi @eve x", &["Eve Adams"]), [(0, 4..7)]);
        assert!(named("@Eve", &["Eve", "Eve"]).is_empty());
    }

    #[test]
    fn name_goes_out_as_user() {
        let people = [("9001", "Bob"), ("9002", "Bob Smith")];
        let out = |text| with_users(text, &people.iter().copied()).into_owned();
        assert_eq!(
            out("@bob and @Bob Smith; @Bobby x@Bob"),
            "@9001 and @9002; @Bobby x@Bob"
        );
    }
}
