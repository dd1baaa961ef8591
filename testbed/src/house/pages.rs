//! References to pages and rules in texts.

/// Names of pages that sources once referred to and that exist in no repository.
const ABSENT: [&str; 8] = [
    "RULES",
    "WHATSAPP",
    "MATRIX",
    "CONVENTIONS",
    "FAULTS",
    "HOUSE",
    "DESIGN",
    "STYLE",
];

/// Lists the pages that a text refers to and that do not exist. `is_here` returns whether a page exists.
pub fn absent_pages<'a>(text: &'a str, is_here: &dyn Fn(&str) -> bool) -> Vec<&'a str> {
    let is_absent = |word: &&str| {
        ABSENT.contains(word)
            || word.strip_suffix(".md").is_some_and(|stem| !stem.is_empty()) && !is_here(word.trim_start_matches('/'))
    };
    words(text).filter(is_absent).collect()
}

/// Counts the references to rules by number.
pub fn rule_references(text: &str) -> usize {
    let words: Vec<&str> = words(text).collect();
    let is_reference =
        |pair: &&[&str]| ["rule", "rules"].contains(&pair[0]) && pair[1].chars().all(|c| c.is_ascii_digit());
    words.windows(2).filter(is_reference).count()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    text.split(move |c| !is_name(c))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| !word.is_empty())
}
