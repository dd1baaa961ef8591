//! Finds browsers of ours that no server drives, by the profile among their arguments.

use std::path::Path;

use super::{Finding, Verdict};

/// Searches the processes of this host. Only where no server runs, because a running server uses its browsers.
pub fn left_over(data_dir: &Path) -> Finding {
    const CHECK: &str = "processes";
    let mark = format!("--user-data-dir={}", data_dir.join("whatsapp").display());
    let found: Vec<String> = arguments_of_all()
        .filter(|(_, arguments)| arguments.contains(&mark))
        .map(|(pid, _)| pid)
        .collect();
    if found.is_empty() {
        return Finding::new(CHECK, Verdict::Ok, "no browser of ours is left over");
    }
    let detail = format!(
        "browsers of ours run without a server ({}); the next start ends them",
        found.join(", ")
    );
    Finding::new(CHECK, Verdict::Warning, detail)
}

/// Returns process id and arguments of every process that lets us read them.
fn arguments_of_all() -> impl Iterator<Item = (String, String)> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().into_string().ok()?;
            pid.parse::<u32>().ok()?;
            let arguments = std::fs::read(entry.path().join("cmdline")).ok()?;
            Some((pid, String::from_utf8_lossy(&arguments).replace('\0', " ")))
        })
}
