//! `cargo xtask house`: prints measures of the sources, one a line, of this tree or of another. Reads sources only.

use std::collections::BTreeMap;
use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

use testbed::house::{Graph, Place, Program, Source, absent_pages, circles, items, rule_references, visit};

/// Number of lines from which a function is counted as long.
const LONG_LINES: usize = 60;
/// Folders with sources.
const SOURCES: [&str; 6] = ["src", "entity/src", "migration/src", "testbed/src", "tests", "web/page"];

/// Prints every measure of the repository at `root`.
pub fn measure(root: &Path) -> Result<()> {
    let graph = Graph::of(Program::read(root)?);
    let sources = &graph.program.0;
    let (folder, files) = fullest(root)?;
    print("files in the fullest folder of src", &format!("{files} ({folder})"));
    for (name, value) in circle_counts(&graph) {
        print(name, &value.to_string());
    }
    for facade in ["Tx", "Store"] {
        let (methods, blocks) = methods(sources, facade);
        print(
            &format!("methods on {facade}"),
            &format!("{methods} in {blocks} blocks"),
        );
    }
    let [api, cli] = ["api", "cli"].map(|room| count(sources, room, |source| words(&source.code, "Value")));
    print(
        "Value in src/api and src/cli",
        &format!("{} ({api} and {cli})", api + cli),
    );
    print(
        "string indexings in src/cli",
        &count(sources, "cli", indexings).to_string(),
    );
    let clones = count(sources, "bridge", |source| source.code.matches(".clone()").count());
    let lines = count(sources, "bridge", |source| source.code.lines().count());
    print(
        "clones per 1,000 lines of src/bridge",
        &format!("{} ({clones} in {lines})", per(1000, clones, lines)),
    );
    let lengths: Vec<usize> = sources
        .values()
        .flat_map(|source| items::functions(&source.code))
        .collect();
    let long = lengths.iter().filter(|lines| **lines > LONG_LINES).count();
    print(
        "functions over 60 lines",
        &format!("{long} of {} ({} %)", lengths.len(), per(100, long, lengths.len())),
    );
    let (bare, items) = documented(sources);
    print(
        "public items without a doc",
        &format!("{bare} of {items} ({} %)", per(100, bare, items)),
    );
    let names = test_names(root)?;
    let characters = names.iter().map(String::len).sum();
    print(
        "characters of a test's name",
        &format!("{} ({} tests)", per(1, characters, names.len()), names.len()),
    );
    let (rules, pages) = references(root)?;
    let book = root.join("docs/rules.md").is_file();
    let absent = if book { pages } else { pages + rules };
    print(
        "references to absent pages",
        &format!(
            "{absent} ({pages} to pages, {rules} to rules{})",
            if book { ", whose page is here" } else { "" }
        ),
    );
    Ok(())
}

fn print(measure: &str, value: &str) {
    println!("{measure:<40} {value}");
}

/// Returns `part` per `unit` of `whole`, with one decimal.
fn per(unit: usize, part: usize, whole: usize) -> String {
    let tenths = (part * unit * 10 + whole / 2).checked_div(whole).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Returns the folder of the program with the most files.
fn fullest(root: &Path) -> Result<(String, usize)> {
    let mut folders: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for path in visit(&root.join("src"))? {
        *folders.entry(path.parent().unwrap_or(root).to_owned()).or_default() += 1;
    }
    let fullest = folders.into_iter().max_by_key(|(_, files)| *files).unwrap_or_default();
    let folder = fullest.0.strip_prefix(root).unwrap_or(&fullest.0);
    Ok((folder.display().to_string(), fullest.1))
}

fn circle_counts(graph: &Graph) -> [(&'static str, usize); 4] {
    let is_face = |place: &[String]| graph.program.0.get(place).is_some_and(|source| source.is_face);
    let rooms = circles(&graph.grouped(|place| Some(place[0].clone())));
    let wings = circles(&graph.grouped(|place| place.get(..2).filter(|wing| is_face(wing)).map(<[String]>::to_vec)));
    let files: Vec<Vec<Place>> = circles(&graph.grouped(|place| (!is_face(place)).then(|| place.to_vec())));
    let large = files.iter().filter(|circle| circle.len() > 2).count();
    [
        ("circles between rooms", rooms.len()),
        ("circles between wings", wings.len()),
        ("circles of more than two files", large),
        (
            "files in the largest circle",
            files.iter().map(Vec::len).max().unwrap_or(0),
        ),
    ]
}

/// Returns the number of functions in the `impl` blocks of a type, and the number of blocks.
fn methods(sources: &BTreeMap<Place, Source>, name: &str) -> (usize, usize) {
    let head = format!("impl {name} {{");
    let (mut methods, mut blocks) = (0, 0);
    for source in sources.values() {
        for (at, _) in source.code.match_indices(&head) {
            let block = &source.code[at..];
            let block = &block[..items::end_of_block(block)];
            methods += block
                .lines()
                .filter(|line| line.starts_with("    ") && items::is_function(line))
                .count();
            blocks += 1;
        }
    }
    (methods, blocks)
}

fn count(sources: &BTreeMap<Place, Source>, room: &str, of: impl Fn(&Source) -> usize) -> usize {
    let in_room = sources.iter().filter(|(place, _)| place[0] == room);
    in_room.map(|(_, source)| of(source)).sum()
}

/// Counts a word as a whole word.
fn words(code: &str, word: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.split(|c| !is_word(c)).filter(|found| *found == word).count()
}

/// Counts look-ups by a string literal, such as `message["state"]`.
fn indexings(source: &Source) -> usize {
    // Its texts are empty in the code.
    let is_looked_up = |at: usize| {
        source.code[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || "_])".contains(c))
    };
    source
        .code
        .match_indices("[\"\"]")
        .filter(|(at, _)| is_looked_up(*at))
        .count()
}

/// Returns the number of public items without a doc comment, and of all.
fn documented(sources: &BTreeMap<Place, Source>) -> (usize, usize) {
    let counts = sources.values().map(|source| items::documented(&source.text));
    counts.fold((0, 0), |(bare, items), (some, of)| (bare + some, items + of))
}

/// Returns the names of all tests.
fn test_names(root: &Path) -> Result<Vec<String>> {
    let mut names = vec![];
    for folder in ["src", "tests", "testbed/src", "testbed/tests"] {
        let files = visit(&root.join(folder))?.into_iter();
        for path in files.filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
            names.extend(items::tests(&fs::read_to_string(path)?));
        }
    }
    Ok(names)
}

/// Returns the number of references to rules by number, and to pages that do not exist.
fn references(root: &Path) -> Result<(usize, usize)> {
    let is_here = |page: &str| root.join(page).is_file() || root.join("docs").join(page).is_file();
    let (mut rules, mut pages) = (0, 0);
    for folder in SOURCES {
        for path in visit(&root.join(folder))? {
            // What checks this names such pages itself.
            let is_checker = path
                .components()
                .any(|part| ["house", "architecture"].iter().any(|name| part.as_os_str() == *name));
            if let Ok(text) = fs::read_to_string(&path)
                && !is_checker
            {
                pages += absent_pages(&text, &is_here).len();
                rules += rule_references(&text);
            }
        }
    }
    Ok((rules, pages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexing_counts_list_literal_does_not() {
        let program = Program::of([("src/cli/a.rs", "fn f() { let x = m[\"a\"][\"b\"]; g([\"c\"]); }")]);
        assert_eq!(program.0.values().map(indexings).sum::<usize>(), 2);
    }
}
