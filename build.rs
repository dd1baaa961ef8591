//! Builds the script that the server puts into WhatsApp Web (`web/page`) and lays it, with the library that it stands on,
//! into `OUT_DIR` for `src/wa/page/library.rs` to embed. Runs again only when a source of it changed; the packages from npm
//! are installed only when the lock file changed. Also collects what is documented of the API's handlers (`handlers`).

#[path = "build/handlers.rs"]
mod handlers;

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: &[&str] = &[
    "web/package.json",
    "web/package-lock.json",
    "web/tsconfig.json",
    "web/page",
];
const LIBRARY: &str = "node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js";
/// A copy of the lock file that the installed packages belong to.
const INSTALLED: &str = "node_modules/.installed-lock.json";
/// Next to what was built: a hash of the sources.
const BUILT: &str = ".built";
/// What Vite asks for.
const NODE_MAJOR: u32 = 20;

fn main() {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    if let Err(error) = build() {
        for line in error.lines() {
            println!("cargo::error={line}");
        }
    }
}

fn build() -> Result<(), String> {
    let folder = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .ok_or_else(|| format!("{name} is not set"))
    };
    let (root, out) = (folder("CARGO_MANIFEST_DIR")?, folder("OUT_DIR")?);
    handlers::write(&root, &out)?;
    let (web, out) = (root.join("web"), out.join("web"));
    // This runs whenever a handler changes.
    let sources = sources(&root).map_err(|error| format!("the sources of the page script cannot be read: {error}"))?;
    if fs::read_to_string(out.join(BUILT)).is_ok_and(|built| built == sources) {
        return Ok(());
    }
    check_node()?;
    install(&web)?;
    let arguments = ["run", "--silent", "build", "--", "--outDir", &out.to_string_lossy()];
    npm(&web, &arguments, "the page script does not build")?;
    let library = web.join(LIBRARY);
    fs::copy(&library, out.join("library.js"))
        .map_err(|error| format!("{} cannot be copied: {error}", library.display()))?;
    fs::write(out.join(BUILT), sources).map_err(|error| format!("{} cannot be written: {error}", out.display()))
}

/// Returns a hash of the page script's sources.
fn sources(root: &Path) -> std::io::Result<String> {
    let mut hash = DefaultHasher::new();
    let mut paths: Vec<PathBuf> = SOURCES.iter().map(|source| root.join(source)).collect();
    while let Some(path) = paths.pop() {
        path.hash(&mut hash);
        if path.is_dir() {
            let mut inside = fs::read_dir(&path)?
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<Vec<_>>>()?;
            inside.sort();
            paths.append(&mut inside);
        } else {
            fs::read(&path)?.hash(&mut hash);
        }
    }
    Ok(hash.finish().to_string())
}

fn check_node() -> Result<(), String> {
    let need = format!("install Node.js {NODE_MAJOR} or newer with npm (on Debian: `apt install nodejs npm`)");
    let output = Command::new("node").arg("--version").output().map_err(|error| {
        format!("Node.js is needed to build the page script, and `node` cannot be run ({error}); {need}")
    })?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE_MAJOR) {
        Ok(())
    } else {
        Err(format!("Node.js {version} is too old to build the page script; {need}"))
    }
}

/// Under a lock, because two builds (a check and a test, say) share the folder of packages.
fn install(web: &Path) -> Result<(), String> {
    let lock_file = web.join("package-lock.json");
    let failed = |error: std::io::Error| format!("{}: {error}", lock_file.display());
    let held = File::open(&lock_file).map_err(failed)?;
    held.lock().map_err(failed)?;
    let wanted = fs::read(&lock_file).map_err(failed)?;
    let installed = web.join(INSTALLED);
    if fs::read(&installed).is_ok_and(|bytes| bytes == wanted) && web.join(LIBRARY).exists() {
        return Ok(());
    }
    let arguments = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    npm(
        web,
        &arguments,
        "the page script's packages cannot be installed from npm",
    )?;
    fs::write(installed, wanted).map_err(failed)
}

fn npm(web: &Path, arguments: &[&str], failure: &str) -> Result<(), String> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(web)
        .output()
        .map_err(|error| format!("`npm` cannot be run ({error}); install it with Node.js"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    Err(format!(
        "{failure}; `npm {}` in web/ said:\n{said}",
        arguments.join(" ")
    ))
}
