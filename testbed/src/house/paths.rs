//! Names in a source: the modules that it declares, its re-exports, and the paths that it uses.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Place, Source};

/// Names of one source.
#[derive(Debug, Default)]
pub struct Named {
    /// Its public modules.
    pub open_modules: BTreeSet<String>,
    /// Its re-exports, by the name under which they are exported.
    pub passed_on: BTreeMap<String, Place>,
    /// All other paths, from the root of the crate.
    pub used: BTreeSet<Place>,
}

/// Reads the names of a module's source. `is_module` returns whether a path is a module.
pub fn named(place: &[String], source: &Source, is_module: &dyn Fn(&[String]) -> bool) -> Named {
    let mut found = Named::default();
    let mut rest = source.code.as_str();
    let mut other = String::new();
    while let Some(at) = keyword(rest, "use") {
        let end = rest[at..].find(';').map_or(rest.len(), |end| at + end);
        let before = rest[..at].trim_end();
        let is_open = before.ends_with("pub")
            || before.ends_with(')')
                && before
                    .rfind("pub(")
                    .is_some_and(|at| !before[at..].contains(';') && !before[at..].contains('}'));
        for (path, name) in expand(&rest[at + "use".len()..end]) {
            let Some(path) = from_top(place, &path, is_module) else {
                continue;
            };
            if is_open {
                found.passed_on.insert(name, path);
            } else {
                found.used.insert(path);
            }
        }
        other.push_str(&rest[..at]);
        rest = &rest[end..];
    }
    other.push_str(rest);
    found.open_modules = modules(&other);
    for path in inline(&other) {
        found.used.extend(from_top(place, &path, is_module));
    }
    found
}

/// Returns the position of `word` as a whole word.
fn keyword(code: &str, word: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).find(|at| {
        let (before, after) = (code[..*at].chars().next_back(), code[at + word.len()..].chars().next());
        !before.is_some_and(is_word) && after.is_some_and(char::is_whitespace)
    })
}

/// Returns the modules that are declared with any form of `pub`.
fn modules(code: &str) -> BTreeSet<String> {
    code.lines()
        .filter_map(|line| {
            let line = line.trim().strip_prefix("pub")?;
            let (_, name) = line.split_once("mod ")?;
            Some(name.trim_end_matches(['{', ';', ' ']).to_owned())
        })
        .collect()
}

/// Returns the paths of a `use`, each with the name that it gets.
fn expand(tree: &str) -> Vec<(Place, String)> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let (path, alias) = tree
            .split_once(" as ")
            .map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let mut path: Place = path.split("::").map(|part| part.trim().to_owned()).collect();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = alias
            .unwrap_or_else(|| path.last().map_or("", String::as_str))
            .trim()
            .to_owned();
        return vec![(path, name)];
    };
    let (front, inside) = (&tree[..open], &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())]);
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in inside.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
        .iter()
        .flat_map(|part| expand(&format!("{front}{}", part.trim())))
        .collect()
}

/// Returns every path in code, such as `super::render::body`.
fn inline(code: &str) -> BTreeSet<Place> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    code.split(|c| !is_path(c))
        .filter(|word| word.contains("::"))
        .map(|word| word.split("::").map(str::to_owned).collect::<Place>())
        .filter(|path| {
            path.iter().all(|part| !part.is_empty() && !part.contains(':')) || path.last().is_some_and(String::is_empty)
        })
        .map(|path| path.into_iter().filter(|part| !part.is_empty()).collect())
        .collect()
}

/// Returns a path from the root of the crate; `None` if it belongs to a library.
fn from_top(place: &[String], path: &[String], is_module: &dyn Fn(&[String]) -> bool) -> Option<Place> {
    let mut rest = path.iter().peekable();
    let mut start: Place = match rest.peek()?.as_str() {
        "crate" => {
            rest.next();
            vec![]
        }
        "self" => {
            rest.next();
            place.to_vec()
        }
        "super" => {
            let mut start = place.to_vec();
            while rest.next_if(|part| *part == "super").is_some() {
                start.pop();
            }
            start
        }
        first => {
            let mut child = place.to_vec();
            child.push(first.to_owned());
            if !is_module(&child) {
                return None;
            }
            place.to_vec()
        }
    };
    start.extend(rest.cloned());
    Some(start)
}
