//! The unprivileged user that runs database servers when the tests run as root, because those servers refuse to run as
//! root.

use std::path::Path;

use anyhow::{Context as _, Result};

/// A user of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Returns the user for a server: `None` if we are not root; else the package's own user, else `nobody`.
    pub fn for_server(name: &str) -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let users = std::fs::read_to_string("/etc/passwd").context("the list of users cannot be read")?;
        let account = find(&users, name).or_else(|| find(&users, "nobody"));
        account
            .map(Some)
            .with_context(|| format!("neither a user {name} nor nobody to run the server as"))
    }

    /// Changes the owner of the folder to this user.
    pub fn own(self, folder: &Path) -> Result<()> {
        std::os::unix::fs::chown(folder, Some(self.uid), Some(self.gid))
            .with_context(|| format!("{} cannot be given to user {}", folder.display(), self.uid))
    }
}

/// Finds a user in the text of passwd(5): `name:password:uid:gid:…`.
fn find(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [user, _, uid, gid, ..] if *user == name => Some(Account {
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
            }),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_is_found_by_whole_name() {
        let users = "root:x:0:0:root:/:/bin/sh\npostgres2:x:9:9::/:/\npostgres:x:101:104:,,,:/var:/bin/bash\n";
        assert_eq!(find(users, "postgres"), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(find(users, "mysql"), None);
    }
}
