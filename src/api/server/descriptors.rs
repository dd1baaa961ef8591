//! File descriptors of this process: each connection takes one, and the database, the vault and the browsers need theirs.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Limit to which the process raises itself. More would let a flood of connections take memory without end.
const WANTED: u64 = 65_536;

/// Descriptors of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// Number of open ones.
    pub open: u64,
    /// Number that may be open.
    pub limit: u64,
}

/// Raises the limit of this process as far as the system allows, at most to 65,536. Returns the limit that holds now.
pub fn raise() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(WANTED).min(WANTED);
    if limit.current.is_some_and(|current| current < most) {
        limit.current = Some(most);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!("the limit of open files cannot be raised: {error}");
        }
    }
    current()
}

fn current() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Returns the descriptors at this moment. `None` where `/proc` does not exist.
pub fn now() -> Option<Descriptors> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(Descriptors {
        open: u64::try_from(open).unwrap_or(u64::MAX),
        limit: current(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn raised_limit_is_told() {
        let limit = super::raise();
        let now = super::now().unwrap();
        assert_eq!(now.limit, limit);
        assert!(now.open > 0 && now.open < limit, "{now:?}");
    }
}
