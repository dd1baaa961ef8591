//! Cleaning of a name that somebody else chose (a customer or a group). Characters that control a terminal, change the
//! order of the text around it or break a line are removed, and the length is limited.

/// Longest name, in Unicode scalar values. WhatsApp allows 25 for a person and 100 for a group; an address book allows
/// more.
pub const MAX_NAME_CHARS: usize = 200;

/// Zero-width joiner, which combines emoji; meaningless at the end of a name.
const JOINER: char = '\u{200d}';

/// Returns the name cleaned for display, or `None` if nothing of it is visible.
pub fn clean(name: &str) -> Option<String> {
    let mut shown = String::new();
    let mut chars = 0;
    for word in name.split(is_break).filter(|word| word.contains(is_seen)) {
        if chars == MAX_NAME_CHARS {
            break;
        }
        if !shown.is_empty() {
            shown.push(' ');
            chars += 1;
        }
        for c in word.chars().filter(|c| !is_hostile(*c)).take(MAX_NAME_CHARS - chars) {
            shown.push(c);
            chars += 1;
        }
    }
    shown.truncate(shown.trim_end_matches([JOINER, ' ']).len());
    (!shown.is_empty()).then_some(shown)
}

/// Returns whether a name reads as one of ours in a room, `… (phone)` or `You`, where a customer could speak as the desk.
/// Letters that look alike count as the same (Unicode Technical Standard 39). `places` are the words in our brackets.
pub fn poses_as_ours<'a>(name: &str, mut places: impl Iterator<Item = &'a str>) -> bool {
    let shape = shape(name);
    shape == self::shape("you") || places.any(|place| shape.contains(&self::shape(&format!("({place})"))))
}

/// Returns whether two names look alike.
pub fn looks_like(name: &str, other: &str) -> bool {
    shape(name) == shape(other)
}

/// Returns what a name looks like, without spaces and case.
fn shape(name: &str) -> String {
    let lower = name.to_lowercase();
    let seen = unicode_security::skeleton(&lower).filter(|c| is_seen(*c));
    seen.flat_map(char::to_lowercase).collect()
}

fn is_break(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Returns whether a character changes the reading order, or is invisible and may hide in a name: two names that look
/// alike must be alike. Joiners are kept, because emoji and several scripts need them.
const fn is_hostile(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

/// Returns whether a character is visible.
fn is_seen(c: char) -> bool {
    // Joiners, variation selectors and blank letters.
    let is_blank = matches!(c, '\u{200c}' | JOINER | '\u{fe00}'..='\u{fe0f}')
        || matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}');
    !is_blank && !is_hostile(c) && !is_break(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_keeps_emoji_and_script() {
        for (told, shown) in [
            ("  Ada \t Lovelace\n", "Ada Lovelace"),
            ("👩‍👧 José", "👩‍👧 José"),
            ("نورا", "نورا"),
        ] {
            assert_eq!(clean(told).as_deref(), Some(shown));
        }
    }

    #[test]
    fn bidi_and_control_characters_are_removed() {
        assert_eq!(
            clean("\u{202e}evil\u{202c}\u{1b}[31m\0x\u{2028}y\u{200b}z").as_deref(),
            Some("evil [31m x yz")
        );
    }

    #[test]
    fn name_that_looks_like_ours_is_found() {
        let poses = |name: &str| poses_as_ours(name, ["phone", "shell"].into_iter());
        for name in [
            "You (phone)",
            "you ( PHONE )",
            "Anna（shell）",
            "You (ph\u{43e}ne)",
            "YOU",
            "Y\u{200d}ou",
            "(shell) Anna",
        ] {
            assert!(poses(name), "{name}");
        }
        for name in ["Ada", "Anna (Work)", "Phone shop", "Your (mother)", "youth"] {
            assert!(!poses(name), "{name}");
        }
    }

    #[test]
    fn invisible_name_is_none() {
        for nothing in [
            "",
            " \u{200b}\u{feff}",
            "\u{202e}",
            "\u{3164}",
            "\u{200d}\u{200d}",
            "\u{0}\u{7}",
        ] {
            assert_eq!(clean(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn long_name_is_cut_at_visible_character() {
        let emoji = clean(&"👍".repeat(4000)).unwrap();
        assert_eq!(emoji.chars().count(), MAX_NAME_CHARS);
        let joined = clean(&"a\u{200d}".repeat(4000)).unwrap();
        assert!(joined.ends_with('a'), "{joined:?}");
        assert!(clean(&"ab ".repeat(4000)).unwrap().chars().count() <= MAX_NAME_CHARS);
    }
}
