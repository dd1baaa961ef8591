//! Which folder may use which (`ARCHITECTURE.md`, "Folders"), and other rules of the sources, kept by reading them. A room is a
//! folder of `src/`, a wing a folder of `src/bridge/`, a face what either shows to others. Each rule is held against small
//! programs with a breach planted in them as well (`planted`).

mod pages;
mod planted;
mod rules;

use std::fs;
use std::path::PathBuf;

use testbed::house::{Graph, Program, visit, without_texts};

/// Where people have written sources.
const SOURCES: &[&str] = &[
    "src",
    "entity/src",
    "migration/src",
    "testbed/src",
    "testbed/page",
    "testbed/tests",
    "tests",
    "web/page",
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

fn kept(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn graph() -> Graph {
    Graph::of(Program::read(&root()).unwrap())
}

#[test]
fn room_uses_only_lower_rooms() {
    let graph = graph();
    kept(&rules::rooms(&graph));
    kept(&rules::circles_of_rooms(&graph));
}

#[test]
fn wing_uses_only_earlier_wings() {
    kept(&rules::wings(&graph()));
}

#[test]
fn no_three_files_use_each_other() {
    kept(&rules::circles_of_files(&graph()));
}

#[test]
fn no_path_goes_past_a_face() {
    kept(&rules::faces(&graph()));
}

#[test]
fn no_path_climbs_twice() {
    let code: Vec<_> = texts(&["src", "tests", "testbed/src"])
        .into_iter()
        .map(|(file, text)| (file, without_texts(&text)))
        .collect();
    kept(&rules::climbing(&code));
}

#[test]
fn only_supervisor_starts_tasks() {
    kept(&rules::tasks(&Program::read(&root()).unwrap()));
}

#[test]
fn no_folder_is_overfull() {
    let files: Vec<PathBuf> = texts(SOURCES)
        .into_iter()
        .map(|(file, _)| PathBuf::from(file))
        .collect();
    kept(&rules::fullness(files.iter().map(PathBuf::as_path)));
}

#[test]
fn no_absent_page_is_referred_to() {
    // What checks this names such pages itself.
    let is_checker = |file: &str| file.starts_with("tests/it/architecture") || file.starts_with("testbed/src/house");
    let here = |page: &str| root().join(page).is_file() || root().join("docs").join(page).is_file();
    let texts = texts(SOURCES).into_iter().filter(|(file, _)| !is_checker(file));
    kept(&rules::pages(&texts.collect::<Vec<_>>(), &here));
}

/// Invariant 8. Only `store` knows the database, only `wa` the browser, only `matrix` the homeserver.
#[test]
fn each_adapter_library_stays_in_its_room() {
    let mut wrong = vec![];
    for (room, file, text) in sources() {
        for (library, home) in KEPT_IN {
            // The core takes its ids from `entity`, and nothing else.
            let text = text.replace("entity::ids", "");
            if room != *home && code(&text).any(|line| names(line, library)) {
                wrong.push(format!("{file}: {library} belongs to `{home}`"));
            }
        }
        for (word, home) in FOREIGN_IDS {
            if room != *home && room != "cli" && code(before_tests(&text)).any(|line| line.contains(word)) {
                wrong.push(format!("{file}: {word} is for `{home}` to read"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No file has more than 500 lines, and the median has at most 200.
#[test]
fn files_stay_within_length_limits() {
    let mut lengths: Vec<(usize, String)> = vec![];
    for (file, text) in texts(SOURCES) {
        lengths.push((text.lines().count(), file));
    }
    lengths.sort();
    let too_long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > 500).collect();
    assert!(too_long.is_empty(), "{too_long:#?}");
    let median = lengths[lengths.len() / 2].0;
    assert!(median <= 200, "the median file has {median} lines");
}

#[test]
fn no_module_has_meaningless_name() {
    for path in visit(&root()).unwrap() {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        assert!(
            !["utils", "util", "common", "helpers", "helper", "misc"].contains(&stem.as_ref()),
            "{}",
            path.display()
        );
    }
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

/// Every source of the program: its room, its path and its text.
fn sources() -> Vec<(String, String, String)> {
    let of_room = |(file, text): (String, String)| {
        let inside = file.strip_prefix("src/")?;
        let room = inside.split('/').next()?.trim_end_matches(".rs").to_owned();
        (!["main", "lib"].contains(&room.as_str())).then_some((room, file, text))
    };
    texts(&["src"]).into_iter().filter_map(of_room).collect()
}

/// Every source below these folders: its path in the repository and its text.
fn texts(folders: &[&str]) -> Vec<(String, String)> {
    const ENDINGS: [&str; 5] = ["rs", "ts", "js", "mjs", "py"];
    let mut found = vec![];
    for folder in folders {
        for path in visit(&root().join(folder)).unwrap() {
            if path
                .extension()
                .is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
            {
                let file = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((file, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
