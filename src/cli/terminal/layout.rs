//! Layout for a terminal: widths as a terminal counts them, cells that are cut or wrapped, and times as people say them.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::domain::Timestamp;

/// Stands for what was cut off; one column wide.
const CUT: &str = "…";
/// Space around a cell: one column on each side.
const PADDING: usize = 2;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Days within which a time is told relative to now; others are told as a date.
const NEAR_DAYS: u64 = 30;

/// Returns how many columns of a terminal a text takes: two for each wide character, none for a combining mark.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a text to so many columns, between two characters as people see them.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    for grapheme in text.graphemes(true) {
        // The whole is measured, because the width of some characters depends on their neighbours.
        if width(&kept) + width(grapheme) + width(CUT) > columns {
            break;
        }
        kept.push_str(grapheme);
    }
    if columns > 0 {
        kept.push_str(CUT);
    }
    kept
}

/// Breaks a text into lines of so many columns: at spaces, and within words that are longer than a line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = vec![];
    for line in text.split('\n') {
        let mut current = String::new();
        for word in line.split_inclusive(' ') {
            if width(&current) + width(word.trim_end()) > columns && !current.is_empty() {
                lines.push(std::mem::take(&mut current));
            }
            for grapheme in word.graphemes(true) {
                if width(&current) + width(grapheme) > columns {
                    lines.push(std::mem::take(&mut current));
                    if grapheme == " " {
                        continue;
                    }
                }
                current.push_str(grapheme);
            }
        }
        lines.push(current);
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Returns the widths of a table's columns so that a line fits into `columns`. The widest columns give way first.
pub fn fit(wanted: &[usize], columns: usize) -> Vec<usize> {
    // Spaces at the end of a line are not printed.
    let room = (columns + 1).saturating_sub(wanted.len() * PADDING);
    let taken = |most: usize| wanted.iter().map(|width| (*width).min(most)).sum::<usize>();
    let widest = wanted.iter().copied().max().unwrap_or(0);
    let most = (1..=widest).rev().find(|most| taken(*most) <= room).unwrap_or(1);
    // What is left over goes to the columns that gave way.
    let mut left = room.saturating_sub(taken(most));
    wanted
        .iter()
        .map(|&width| {
            let more = width.saturating_sub(most).min(left);
            left -= more;
            width.min(most) + more
        })
        .collect()
}

/// Returns the title of a column: without the ends that only programs need.
pub fn title(column: &str) -> String {
    let short = column.strip_suffix("_at").or_else(|| column.strip_suffix("_count"));
    short.unwrap_or(column).replace('_', " ").to_uppercase()
}

/// Returns whether a field holds a time, alone or at its end.
pub fn is_time(field: &str) -> bool {
    let ends = ["_at", "_until", "_since", "_seen"];
    ends.iter().any(|end| field.ends_with(end))
        || matches!(field, "at" | "until" | "timestamp" | "state" | "waiting" | "oldest")
}

/// Says a text that is a time, or ends with one, relative to now.
pub fn relative(text: &str, now: Timestamp) -> String {
    let (before, last) = match text.rsplit_once(' ') {
        Some((before, last)) => (Some(before), last),
        None => (None, text),
    };
    match (absolute(last), before) {
        (Some(time), None) => since(time, now),
        (Some(time), Some(before)) => format!("{before} {}", since(time, now)),
        (None, _) => text.to_owned(),
    }
}

/// Returns the time that a text is.
pub fn absolute(text: &str) -> Option<Timestamp> {
    text.ends_with('Z').then(|| Timestamp::read(text)).flatten()
}

/// Returns a time relative to now; a date if that is long ago or far ahead.
pub fn since(time: Timestamp, now: Timestamp) -> String {
    let is_ahead = time > now;
    let seconds = if is_ahead { time.since(now) } else { now.since(time) }.as_secs();
    let span = match seconds {
        0 => return "now".to_owned(),
        1..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        _ if seconds < NEAR_DAYS * DAY => format!("{} d", seconds / DAY),
        _ => {
            let text = time.to_string();
            return text.split('T').next().unwrap_or(&text).to_owned();
        }
    };
    if is_ahead {
        format!("in {span}")
    } else {
        format!("{span} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_text_never_exceeds_its_columns() {
        for (text, columns, expected) in [
            ("Ada", 3, "Ada"),
            ("Ada Lovelace", 6, "Ada L…"),
            // Two columns each.
            ("山田太郎", 8, "山田太郎"),
            ("山田太郎", 7, "山田太…"),
            ("山田太郎", 6, "山田…"),
            // Right to left; the marks take no column.
            ("שָׁלוֹם", 4, "שָׁלוֹם"),
            ("مرحبا بالعالم", 6, "مرحبا…"),
            // One picture of several characters is not taken apart.
            ("👩‍👩‍👧‍👦 family", 3, "👩‍👩‍👧‍👦…"),
            ("👩‍👩‍👧‍👦 family", 2, "…"),
            ("🇬🇧🇩🇪", 3, "🇬🇧…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("anything", 1, "…"),
            ("anything", 0, ""),
        ] {
            let kept = cut(text, columns);
            assert_eq!(kept, expected, "{text} in {columns}");
            assert!(width(&kept) <= columns, "{kept}: {}", width(&kept));
        }
    }

    #[test]
    fn widest_columns_of_table_give_way() {
        for (wanted, columns, expected) in [
            (&[2, 10, 12][..], 80, &[2, 10, 12][..]),
            (&[2, 100, 12], 40, &[2, 21, 12]),
            (&[2, 100, 100], 40, &[2, 17, 16]),
            (&[50, 50, 50, 50], 9, &[1, 1, 1, 1]),
            (&[], 80, &[]),
        ] {
            let widths = fit(wanted, columns);
            assert_eq!(widths, expected, "{wanted:?} in {columns}");
        }
    }

    #[test]
    fn wrapped_lines_break_at_spaces_if_they_can() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("山田太郎", 5), ["山田", "太郎"]);
        assert_eq!(wrap("one\n\ntwo", 10), ["one", "", "two"]);
        assert_eq!(wrap("", 10), [""]);
        for columns in 1..20 {
            let lines = wrap("a 山田太郎 b👩‍👩‍👧‍👦c مرحبا بالعالم-verylongwordindeed", columns);
            assert!(lines.iter().all(|line| width(line) <= columns.max(2)), "{lines:?}");
        }
    }

    #[test]
    fn times_are_told_relative_to_now() {
        let now = Timestamp::read("2026-11-29T12:00:00.000Z").unwrap();
        for (text, expected) in [
            ("2026-11-29T12:00:00.000Z", "now"),
            ("2026-11-29T11:59:48.000Z", "12 s ago"),
            ("2026-11-29T11:57:00.000Z", "3 min ago"),
            ("2026-11-29T12:03:00.000Z", "in 3 min"),
            ("2026-11-29T07:00:01.000Z", "4 h ago"),
            ("2026-11-28T12:00:00.000Z", "1 d ago"),
            ("2026-11-01T12:00:00.000Z", "28 d ago"),
            ("2026-10-01T12:00:00.000Z", "2026-10-01"),
            ("2027-10-01T12:00:00.000Z", "2027-10-01"),
            (
                "queued: quiet_hours until 2026-11-29T20:00:00.000Z",
                "queued: quiet_hours until in 8 h",
            ),
            ("sent", "sent"),
            ("", ""),
        ] {
            assert_eq!(relative(text, now), expected);
        }
    }
}
