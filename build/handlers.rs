//! Collects the doc comments of the API's handlers, for the description of the API (`src/api/openapi`): they say once, next to
//! the code, what a route does.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the handlers are.
const FOLDER: &str = "src/api";
/// Beginnings of lines that declare a handler.
const DECLARED: [&str; 2] = ["pub async fn ", "pub(super) async fn "];

/// Writes `handlers.rs` into `out`: an array of each handler's path and its documentation.
pub fn write(root: &Path, out: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut files = vec![];
    visit(&root.join(FOLDER), &mut files)?;
    files.sort();
    let mut array = "[\n".to_owned();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let module = module(file.strip_prefix(root.join("src")).unwrap_or(&file));
        for (name, doc) in documented(&text) {
            let _ = writeln!(array, "    ({:?}, {doc:?}),", format!("crm::{module}::{name}"));
        }
    }
    array.push(']');
    let file = out.join("handlers.rs");
    fs::write(&file, array).map_err(|error| format!("{}: {error}", file.display()))
}

fn visit(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            visit(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Returns the path of a file's module, such as `api::customers::merges`.
fn module(file: &Path) -> String {
    let parts = file.with_extension("");
    let parts = parts.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| part != "mod").collect::<Vec<_>>().join("::")
}

/// Returns the name and the doc comment of each handler.
fn documented(text: &str) -> Vec<(String, String)> {
    let (mut found, mut doc) = (vec![], String::new());
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("///") {
            if !doc.is_empty() {
                doc.push(' ');
            }
            doc.push_str(comment.trim());
            continue;
        }
        if line.starts_with("#[") {
            continue;
        }
        let rest = DECLARED.iter().find_map(|declared| line.strip_prefix(declared));
        let name: Option<String> =
            rest.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        let doc = std::mem::take(&mut doc);
        found.extend(name.filter(|_| !doc.is_empty()).map(|name| (name, doc)));
    }
    found
}
