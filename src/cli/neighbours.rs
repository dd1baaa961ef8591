//! Other users of this host. Neither the browser's debugging port nor chromedriver asks who connects, and both can be
//! used to run programs as our user (rule 29). Where we have no right to shut their ports, it is told, or refused.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Smallest user id of people's accounts, and the greatest; those below belong to the system.
const PEOPLE: std::ops::Range<u32> = 1000..60_000;

/// Most names that are told.
const TOLD: usize = 5;

/// Returns the users, besides root and ours, who can log in or whose programs run now. Empty if this host is ours alone,
/// as in a container.
pub fn others() -> BTreeSet<String> {
    let own = rustix::process::geteuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    of(&passwd, &owners_of_processes(Path::new("/proc")), own)
}

/// Returns the advice for these users; `None` if there are none.
pub fn advice(others: &BTreeSet<String>) -> Option<String> {
    if others.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = others.iter().take(TOLD).map(String::as_str).collect();
    if others.len() > TOLD {
        names.push("…");
    }
    Some(format!(
        "other users of this host ({}) can reach the browser's debugging port and chromedriver, and through them everything \
         that this user may do; install nftables and give crm CAP_NET_ADMIN, or run it in its own container or on its own host",
        names.join(", ")
    ))
}

fn of(passwd: &str, running: &BTreeSet<u32>, own: u32) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut unnamed = running.clone();
    for line in passwd.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, id, _, _, _, shell] = fields[..] else {
            continue;
        };
        let Ok(id) = id.parse::<u32>() else { continue };
        let logs_in = PEOPLE.contains(&id) && !shell.ends_with("/nologin") && !shell.ends_with("/false");
        let runs = unnamed.remove(&id);
        if id != 0 && id != own && (logs_in || runs) {
            names.insert(name.to_owned());
        }
    }
    let strangers = unnamed.into_iter().filter(|id| *id != 0 && *id != own);
    names.extend(strangers.map(|id| format!("user id {id}")));
    names
}

fn owners_of_processes(proc: &Path) -> BTreeSet<u32> {
    let entries = std::fs::read_dir(proc).into_iter().flatten().flatten();
    let processes = entries.filter(|entry| {
        entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.parse::<u32>().is_ok())
    });
    processes
        .filter_map(|process| Some(process.metadata().ok()?.uid()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        daemon:x:1:1::/:/usr/sbin/nologin\n\
        crm:x:999:999::/var/lib/crm:/bin/false\n\
        ada:x:1000:1000:Ada:/home/ada:/bin/bash\n\
        off:x:1001:1001::/home/off:/usr/sbin/nologin\n\
        nobody:x:65534:65534::/:/bin/sh\n";

    #[test]
    fn other_users_are_those_who_log_in_or_run() {
        let others = |running: &[u32], own| {
            let others = of(PASSWD, &running.iter().copied().collect(), own);
            others.into_iter().collect::<Vec<_>>().join(",")
        };
        assert_eq!(others(&[0, 999], 999), "ada");
        assert_eq!(others(&[0, 1000], 1000), "");
        assert_eq!(others(&[0, 1, 999, 65534, 7], 1000), "crm,daemon,nobody,user id 7");
        assert_eq!(advice(&BTreeSet::new()), None);
        assert!(advice(&of(PASSWD, &BTreeSet::new(), 999)).unwrap().contains("(ada)"));
    }
}
