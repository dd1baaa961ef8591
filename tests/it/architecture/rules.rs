//! The rules, each with what breaks it: empty where it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use testbed::house::{Graph, Place, Program, absent_pages, circles};

/// Rooms that each room of `src/` may use. The small pieces at the top are listed where they are used.
pub const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("contract", &["domain"]),
    ("clock", &["domain"]),
    ("supervisor", &[]),
    ("telemetry", &["config"]),
    ("config", &["domain"]),
    ("store", &["contract", "domain", "supervisor"]),
    ("vault", &["domain"]),
    ("fetch", &[]),
    ("bridge", &["contract", "domain", "store", "supervisor", "vault"]),
    ("wa", &["domain", "supervisor"]),
    ("matrix", &["domain", "supervisor"]),
    ("api", &["contract", "domain", "fetch", "store", "bridge", "supervisor"]),
    (
        "cli",
        &[
            "api",
            "bridge",
            "clock",
            "config",
            "contract",
            "domain",
            "fetch",
            "matrix",
            "store",
            "supervisor",
            "telemetry",
            "vault",
            "wa",
        ],
    ),
];

/// The bridge's wings: each uses only those before it.
pub const WINGS: &[&str] = &[
    "core", "media", "inbound", "history", "outbound", "desk", "rooms", "accounts",
];

/// Folders hold no more files.
pub const MAX_FILES: usize = 20;

/// Tasks are started in one place: what else starts or drives some at once.
const STARTS_TASKS: [&str; 2] = ["JoinSet", "FuturesUnordered"];

/// Where tasks are started.
const SUPERVISOR: &str = "src/supervisor.rs";

/// Each room uses only those below it, also where a third passes it on.
pub fn rooms(graph: &Graph) -> Vec<String> {
    let mut wrong = vec![];
    for (place, source) in &graph.program.0 {
        let room = &place[0];
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| name == room) else {
            wrong.push(format!("{}: the room `{room}` is not in the plan", source.file));
            continue;
        };
        let passed_on = graph.names[place]
            .passed_on
            .values()
            .filter_map(|path| graph.home(path));
        let used: BTreeSet<String> = graph
            .uses(place)
            .into_iter()
            .chain(passed_on)
            .map(|used| used[0].clone())
            .collect();
        for used in used {
            if used != *room && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: `{room}` uses `{used}`", source.file));
            }
        }
    }
    wrong
}

/// No room is used by one that it uses, however far round.
pub fn circles_of_rooms(graph: &Graph) -> Vec<String> {
    told(&circles(&graph.grouped(|place| Some(place[0].clone()))))
}

/// The same of the first-level folders inside each room; and the bridge's are in their order.
pub fn wings(graph: &Graph) -> Vec<String> {
    let edges = graph.grouped(|place| wing(graph, place));
    let mut wrong = told(
        &circles(&edges)
            .into_iter()
            .map(|circle| circle.into_iter().map(|wing| wing.join("::")).collect())
            .collect::<Vec<_>>(),
    );
    for (from, used) in &edges {
        for to in used {
            if from[0] != "bridge" || to[0] != "bridge" {
                continue;
            }
            let rank = |wing: &Place| WINGS.iter().position(|name| *name == wing[1]);
            match (rank(from), rank(to)) {
                (Some(from), Some(to)) if to < from => {}
                (Some(_), Some(_)) => wrong.push(format!(
                    "`{}` uses `{}`, which is above it",
                    from.join("::"),
                    to.join("::")
                )),
                _ => wrong.push(format!(
                    "`{}` or `{}` is not in the list of wings",
                    from.join("::"),
                    to.join("::")
                )),
            }
        }
    }
    wrong
}

/// The wing that a module is in, if it is in one.
fn wing(graph: &Graph, place: &[String]) -> Option<Place> {
    let wing = place.get(..2)?;
    graph
        .program
        .0
        .get(wing)
        .is_some_and(|source| source.is_face)
        .then(|| wing.to_vec())
}

/// No circle of more than two files. A face is over what it declares, and no part of one.
pub fn circles_of_files(graph: &Graph) -> Vec<String> {
    let is_face = |place: &[String]| graph.program.0.get(place).is_some_and(|source| source.is_face);
    let edges = graph.grouped(|place| (!is_face(place)).then(|| place.join("::")));
    told(
        &circles(&edges)
            .into_iter()
            .filter(|circle| circle.len() > 2)
            .collect::<Vec<_>>(),
    )
}

fn told(circles: &[Vec<String>]) -> Vec<String> {
    circles
        .iter()
        .map(|circle| format!("a circle: {}", circle.join(", ")))
        .collect()
}

/// From outside a folder one names only what its face declares or passes on.
pub fn faces(graph: &Graph) -> Vec<String> {
    let mut wrong = vec![];
    for (place, source) in &graph.program.0 {
        let named = &graph.names[place];
        for path in named.used.iter().chain(named.passed_on.values()) {
            if let Some(folder) = passed(graph, place, path) {
                wrong.push(format!(
                    "{}: `{}` goes past the face of `{}`",
                    source.file,
                    path.join("::"),
                    folder.join("::")
                ));
            }
        }
    }
    wrong
}

/// The folder past whose face a path goes, if it does.
fn passed(graph: &Graph, place: &[String], path: &[String]) -> Option<Place> {
    let common = place.iter().zip(path).take_while(|(one, other)| one == other).count();
    // The outermost folder on the way that the file is not in; a file is in the folder whose face it is.
    let folder = (common.max(1)..=path.len()).map(|end| &path[..end]).find(|folder| {
        let is_folder = graph.program.0.get(*folder).is_some_and(|source| source.is_face);
        is_folder && !place.starts_with(folder)
    })?;
    let inside = &path[folder.len()..];
    // A function may have the name of its module.
    if inside
        .first()
        .is_some_and(|name| graph.names[folder].passed_on.contains_key(name))
    {
        return None;
    }
    let modules = (1..=inside.len())
        .take_while(|end| graph.is_module(&[folder, &inside[..*end]].concat()))
        .count();
    let is_open = modules == 0 || graph.names[folder].open_modules.contains(&inside[0]);
    (modules > 1 || !is_open).then(|| folder.to_vec())
}

/// A path names its room in place of climbing.
pub fn climbing(files: &[(String, String)]) -> Vec<String> {
    let climbs = files.iter().filter(|(_, code)| code.contains("super::super::"));
    climbs
        .map(|(file, _)| format!("{file}: `super::super`; begin the path with `crate::`"))
        .collect()
}

/// Tasks are started by the supervisor.
pub fn tasks(program: &Program) -> Vec<String> {
    let mut wrong = vec![];
    for source in program.0.values().filter(|source| source.file != SUPERVISOR) {
        if let Some(name) = STARTS_TASKS.iter().find(|name| source.code.contains(*name)) {
            wrong.push(format!("{}: `{name}`; start tasks with the supervisor", source.file));
        }
    }
    wrong
}

/// No folder holds more than [`MAX_FILES`]. `not_yet`: folders that still do.
pub fn fullness<'a>(files: impl IntoIterator<Item = &'a Path>) -> Vec<String> {
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        let folder = file.parent().unwrap_or(file).to_string_lossy().into_owned();
        *folders.entry(folder).or_default() += 1;
    }
    let full = folders.into_iter().filter(|(_, files)| *files > MAX_FILES);
    full.map(|(folder, files)| format!("{folder}: {files} files; {MAX_FILES} at most"))
        .collect()
}

/// Whatever page a source refers to is in the repository. `is_here` tells of a page whether it is.
pub fn pages(files: &[(String, String)], is_here: &dyn Fn(&str) -> bool) -> Vec<String> {
    let absent = |(file, text): &(String, String)| -> Vec<String> {
        let pages = absent_pages(text, is_here).into_iter();
        pages
            .map(|page| format!("{file}: refers to {page}, which is no page of this repository"))
            .collect()
    };
    files.iter().flat_map(absent).collect()
}
