//! The pages of the project hold what they promise: tests, paths and functions that they name exist.

use std::fs;

use super::{root, texts};

/// The pages name the test that keeps each promise; a promise whose test was renamed or deleted is kept by nobody.
#[test]
fn every_test_named_in_pages_exists() {
    let sources: String = texts(&["src", "tests", "testbed"])
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let mut named = 0;
    for page in ["docs/invariants.md", "docs/rules.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for name in text.split("\n\n").flat_map(tests_named) {
            named += 1;
            assert!(
                sources.contains(&format!("fn {name}(")),
                "{page}: no test is called {name}"
            );
        }
    }
    assert!(named > 150, "{named} tests are named");
}

/// The tests that a paragraph names in backticks: behind `Tests:`, or in the last column of a table, where that is `kept by`.
/// Paths of files are passed over.
fn tests_named(paragraph: &str) -> Vec<&str> {
    let places: Vec<&str> = if paragraph.starts_with("Tests:") {
        vec![paragraph]
    } else if paragraph.contains("| kept by |") {
        let rows = paragraph.lines().map(|row| row.trim_end_matches(['|', ' ']));
        rows.filter_map(|row| row.rsplit('|').next()).collect()
    } else {
        vec![]
    };
    let quoted = places.into_iter().flat_map(|place| place.split('`').skip(1).step_by(2));
    quoted.filter(|name| !name.contains(['/', '.'])).collect()
}

/// Paths from the top or from `src/`, and the functions behind their `::`.
#[test]
fn pages_name_existing_paths() {
    let mut wrong = vec![];
    for page in [
        "ARCHITECTURE.md",
        "docs/adding.md",
        "docs/how-it-works.md",
        "docs/invariants.md",
        "docs/rules.md",
        "docs/schema.md",
    ] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let (path, function) = quoted.split_once("::").unwrap_or((quoted, ""));
            let is_path = path.contains('/') || path.contains(".rs");
            if !is_path || path.starts_with('/') || path.contains([' ', '\n', '<', ':']) {
                continue;
            }
            let places = [root().join(path), root().join("src").join(path)];
            match places.iter().find(|place| place.exists()) {
                None => wrong.push(format!("{page}: there is no {path}")),
                Some(_) if function.is_empty() => {}
                Some(file) if fs::read_to_string(file).unwrap().contains(&format!("{function}(")) => {}
                Some(_) => wrong.push(format!("{page}: {path} has no {function}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
