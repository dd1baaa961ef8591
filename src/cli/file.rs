//! Files that commands write: each is whole or absent, and one that is there is replaced only with `--force`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use super::{Exit, Fault};

/// Returns the file to write, or `None` for standard output: if none is given, and for `-`. Fails if the file is there,
/// unless `force`.
pub fn target(out: Option<PathBuf>, force: bool) -> anyhow::Result<Option<PathBuf>> {
    let Some(path) = out.filter(|path| path.as_os_str() != "-") else {
        return Ok(None);
    };
    if path.is_dir() {
        let text = format!("{} is a folder; name a file in it", path.display());
        return Err(Fault::new(Exit::Usage, text).into());
    }
    if !force && path.exists() {
        let text = format!("{} exists already; name another file, or pass --force", path.display());
        return Err(Fault::new(Exit::Conflict, text).into());
    }
    Ok(Some(path))
}

/// Creates a temporary file beside `path`, under a name that nobody else has: two commands for one file do not write into
/// each other. Dropped with an error it is deleted, because an incomplete file is of no use.
pub fn begin(path: &Path) -> anyhow::Result<NamedTempFile> {
    path.file_name().context("the path names no file")?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    NamedTempFile::new_in(folder).map_err(|error| {
        // The error itself names the temporary file, of which nobody knows.
        let text = match error.kind() {
            ErrorKind::NotFound => format!("there is no folder {}; make it, or name another file", folder.display()),
            ErrorKind::PermissionDenied => {
                format!("{} may not be written to; name a file elsewhere", folder.display())
            }
            kind => format!("{} cannot be written: {kind}", path.display()),
        };
        Fault::new(Exit::Failed, text).into()
    })
}

/// Puts a complete file in its place.
pub fn finish(part: NamedTempFile, path: &Path) -> anyhow::Result<()> {
    let writing = || format!("writing {}", path.display());
    part.as_file().sync_all().with_context(writing)?;
    part.persist(path)
        .map_err(|error| error.error)
        .with_context(|| format!("putting {} in its place", path.display()))?;
    Ok(())
}
