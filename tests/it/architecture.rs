//! The directions of the house (`ARCHITECTURE.md`, "The house"), kept by reading the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// What each room of `src/` may use of the others. `domain` and the small pieces at the top are listed where they are used.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("contract", &["domain"]),
    ("clock", &["domain"]),
    ("supervisor", &[]),
    ("telemetry", &["config"]),
    ("config", &["domain"]),
    ("store", &["contract", "domain", "supervisor"]),
    ("vault", &["domain"]),
    ("bridge", &["contract", "domain", "store", "supervisor", "vault"]),
    ("wa", &["domain", "supervisor"]),
    ("matrix", &["domain", "supervisor"]),
    ("api", &["contract", "domain", "store", "bridge", "supervisor"]),
    (
        "cli",
        &[
            "api",
            "bridge",
            "clock",
            "config",
            "contract",
            "domain",
            "matrix",
            "store",
            "supervisor",
            "telemetry",
            "vault",
            "wa",
        ],
    ),
];

/// Libraries that only one room may know, and that room.
const KEPT_IN: &[(&str, &str)] = &[
    ("sea_orm", "store"),
    ("sea_orm_migration", "store"),
    ("entity", "store"),
    ("thirtyfour", "wa"),
    ("matrix_sdk", "matrix"),
    ("object_store", "vault"),
    ("axum", "api"),
    ("clap", "cli"),
];

/// Words of WhatsApp's and Matrix's own ids: whoever writes one parses what is not theirs.
const FOREIGN_IDS: &[(&str, &str)] = &[("@c.us", "wa"), ("@lid", "wa"), ("@g.us", "wa")];

#[test]
fn every_room_uses_only_what_lies_below_it() {
    let mut wrong = vec![];
    for (room, path, text) in sources() {
        let allowed = ALLOWED
            .iter()
            .find(|(name, _)| *name == room)
            .map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else {
            wrong.push(format!("{}: the room `{room}` is not in the plan", path.display()));
            continue;
        };
        for used in uses(&text) {
            if used != room && !allowed.contains(&used.as_str()) && ALLOWED.iter().any(|(name, _)| *name == used) {
                wrong.push(format!("{}: `{room}` uses `{used}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Invariant 8.
#[test]
fn only_store_knows_the_database_only_wa_the_browser_only_matrix_the_homeserver() {
    let mut wrong = vec![];
    for (room, path, text) in sources() {
        for (library, home) in KEPT_IN {
            // The core takes its ids from `entity`, and nothing else.
            let text = text.replace("entity::ids", "");
            if room != *home && code(&text).any(|line| names(line, library)) {
                wrong.push(format!("{}: {library} belongs to `{home}`", path.display()));
            }
        }
        for (word, home) in FOREIGN_IDS {
            if room != *home && room != "cli" && code(before_tests(&text)).any(|line| line.contains(word)) {
                wrong.push(format!("{}: {word} is for `{home}` to read", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_500_lines_and_the_median_is_under_200() {
    let mut lengths: Vec<(usize, PathBuf)> = vec![];
    for folder in [
        "src",
        "entity/src",
        "migration/src",
        "testbed/src",
        "testbed/page",
        "testbed/tests",
        "tests",
        "web/page",
    ] {
        files(&root().join(folder), &mut |path| {
            let text = fs::read_to_string(path).unwrap();
            lengths.push((text.lines().count(), path.to_owned()));
        });
    }
    lengths.sort();
    let too_long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > 500).collect();
    assert!(too_long.is_empty(), "{too_long:#?}");
    let median = lengths[lengths.len() / 2].0;
    assert!(median <= 200, "the median file has {median} lines");
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    files(&root(), &mut |path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        assert!(
            !["utils", "util", "common", "helpers", "helper", "misc"].contains(&stem.as_ref()),
            "{}",
            path.display()
        );
    });
}

/// The pages name the test that keeps each promise; a promise whose test was renamed or deleted is kept by nobody.
#[test]
fn every_test_that_the_map_names_exists() {
    let mut sources = String::new();
    for folder in ["src", "tests", "testbed"] {
        files(&root().join(folder), &mut |path| {
            sources.push_str(&fs::read_to_string(path).unwrap());
        });
    }
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

/// Whether a line uses something of a library.
fn names(line: &str, library: &str) -> bool {
    let path = format!("{library}::");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '"')
    })
}

/// The plain lines of code: comments talk about everything.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// The rooms that a file names through `crate::`.
fn uses(text: &str) -> Vec<String> {
    let mut found = vec![];
    for line in code(before_tests(text)) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

/// Every source of the program: its room, its path and its text.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = root().join("src");
    let mut sources = vec![];
    files(&src, &mut |path| {
        let inside = path.strip_prefix(&src).unwrap();
        let room = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let room = room.trim_end_matches(".rs").to_owned();
        if !["main", "lib"].contains(&room.as_str()) {
            sources.push((room, path.to_owned(), fs::read_to_string(path).unwrap()));
        }
    });
    sources
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, visit: &mut impl FnMut(&Path)) {
    const LEFT_OUT: [&str; 4] = ["target", "node_modules", "dist", ".git"];
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !LEFT_OUT.contains(&name.as_str()) {
            files(&path, visit);
        } else if [".rs", ".ts", ".js", ".mjs", ".py"]
            .iter()
            .any(|ending| name.ends_with(ending))
        {
            visit(&path);
        }
    }
}
