//! Sources of the program: the module of each file, and its code without comments, string literals and tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Path of a module below `src`, such as `bridge`, `core`, `people`.
pub type Place = Vec<String>;

/// Attribute of items that are compiled for tests only.
const TESTS_ONLY: &str = "#[cfg(test)]";

/// One file of the program.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path in the repository, for people.
    pub file: String,
    /// Text as it is written.
    pub text: String,
    /// Text after [`code`].
    pub code: String,
    /// Whether it is a `mod.rs`.
    pub is_face: bool,
}

/// The program, by module.
pub struct Program(pub BTreeMap<Place, Source>);

impl Program {
    /// Reads the sources of the repository at `root`.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut files = vec![];
        for path in visit(&root.join("src"))? {
            if path.extension().is_some_and(|ending| ending == "rs") {
                let file = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                files.push((file, fs::read_to_string(path)?));
            }
        }
        Ok(Self::of(
            files.iter().map(|(file, text)| (file.as_str(), text.as_str())),
        ))
    }

    /// Creates a program of these sources, each with its path.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut only_tests = BTreeSet::new();
        let sources = files.into_iter().filter_map(|(file, text)| {
            let inside = file.strip_prefix("src/")?.strip_suffix(".rs")?;
            let mut place: Place = inside.split('/').map(str::to_owned).collect();
            let last = place.last()?.clone();
            if last.ends_with("tests") || inside == "main" || inside == "lib" {
                return None;
            }
            let is_face = last == "mod";
            if is_face {
                place.pop();
            }
            for name in test_modules(text) {
                only_tests.insert([place.as_slice(), &[name]].concat());
            }
            let source = Source {
                file: file.to_owned(),
                text: text.to_owned(),
                code: code(text),
                is_face,
            };
            Some((place, source))
        });
        let mut sources: BTreeMap<Place, Source> = sources.collect();
        sources.retain(|place, _| (1..=place.len()).all(|end| !only_tests.contains(&place[..end])));
        Self(sources)
    }
}

/// Lists the modules that have their own file and are compiled for tests only.
fn test_modules(text: &str) -> Vec<String> {
    let code = without_texts(text);
    let items = code.split(TESTS_ONLY).skip(1).filter_map(|item| {
        let (_, module) = item.split(['{', ';']).next()?.split_once("mod ")?;
        Some(module.trim().to_owned())
    });
    items.collect()
}

/// Lists all source files below a folder.
pub fn visit(folder: &Path) -> io::Result<Vec<PathBuf>> {
    const LEFT_OUT: [&str; 5] = ["target", "node_modules", "dist", ".git", "snapshots"];
    let mut found = vec![];
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !LEFT_OUT.contains(&name.as_str()) {
            found.extend(visit(&path)?);
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the code of a source that is compiled into the program: without comments and tests, with empty string
/// literals.
pub fn code(text: &str) -> String {
    without_tests(&without_texts(text))
}

/// Blanks out comments and quoted text; line ends stay.
pub fn without_texts(text: &str) -> String {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = quoted(rest, code.chars().next_back()) {
            code.push_str("\"\"");
            code.extend(rest[..length].chars().filter(|c| *c == '\n'));
            length
        } else {
            code.push(first);
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    code
}

/// Returns the length of the string or character literal that starts here, if there is one.
fn quoted(rest: &str, before: Option<char>) -> Option<usize> {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if let Some(raw) = rest.strip_prefix('r').filter(|_| !in_word) {
        let hashes = raw.chars().take_while(|c| *c == '#').count();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = &raw[hashes + 1..];
            return Some(1 + hashes + 1 + inside.find(&end)? + end.len());
        }
    }
    if let Some(inside) = rest.strip_prefix('"') {
        return Some(1 + closing(inside, '"')?);
    }
    // `'a'` and `'\n'`, but neither `'a` nor `'_`.
    let inside = rest.strip_prefix('\'')?;
    let mut characters = inside.chars();
    match (characters.next()?, characters.next()?) {
        ('\\', _) => Some(1 + closing(inside, '\'')?),
        (one, '\'') => Some(1 + one.len_utf8() + 1),
        _ => None,
    }
}

/// Returns the length of a string literal up to and including its closing quote.
fn closing(inside: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in inside.char_indices() {
        if c == quote && !is_escaped {
            return Some(at + 1);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    None
}

/// Removes each item that is compiled for tests only.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(TESTS_ONLY) {
        kept.push_str(&rest[..at]);
        let item = &rest[at + TESTS_ONLY.len()..];
        rest = &item[end_of_item(item)..];
    }
    kept.push_str(rest);
    kept
}

fn end_of_item(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    item.len()
}
