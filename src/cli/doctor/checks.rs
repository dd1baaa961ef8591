//! The single checks.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::FsWord;

use super::{Finding, Verdict};
use crate::cli::client::{self, Client};
use crate::cli::home::Home;
use crate::cli::{Exit, Shell, exit, neighbours};
use crate::config::{Config, DataDir, DataDirError, SecretSource};
use crate::contract::{AccountStatusView, ApiStatusView, MatrixView, MediaRoomView, StatusView};
use crate::domain::MatrixUserId;
use crate::domain::matrix::MatrixState;
use crate::domain::media::readable_size;
use crate::domain::session::SessionState;
use crate::wa;

/// Network file systems, by the number that `statfs` gives (statfs(2)).
const NETWORK_FILE_SYSTEMS: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x6573_5546, "FUSE"),
];

/// Limit of open files below which browsers, database and clients get into each other's way.
const FEW_FILES: u64 = 1024;

/// Maximum time for a program or a homeserver to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Check of the server's clock.
pub const CLOCK: &str = "clock";

/// Returns what is wrong with the server's clock, if it has leapt ahead.
pub fn clock(status: &StatusView) -> Option<Finding> {
    let until = status.database.clock_doubted_until?;
    let detail = format!(
        "it is far ahead of when the server last ran, so that until {until} nothing is deleted or expires; correct it, or if \
         it is right, run `crm doctor --confirm-clock`"
    );
    Some(Finding::new(CLOCK, Verdict::Warning, detail))
}

/// Checks the data folder, and that only its owner can read `admin.key`.
pub fn data_folder(config: &Config) -> Finding {
    const CHECK: &str = "data folder";
    let path = &config.data_dir;
    if !path.exists() {
        let detail = format!("{} is made at the first start", path.display());
        return Finding::new(CHECK, Verdict::Ok, detail);
    }
    if let Err(error) = DataDir::open(path) {
        return Finding::new(CHECK, Verdict::Failed, error.to_string());
    }
    let open_key = std::fs::metadata(path.join("admin.key")).is_ok_and(|key| key.mode() & 0o077 != 0);
    if open_key {
        let key = path.join("admin.key");
        let detail = format!(
            "others may read {}; close it: chmod 600 {}",
            key.display(),
            key.display()
        );
        return Finding::new(CHECK, Verdict::Failed, detail);
    }
    Finding::new(CHECK, Verdict::Ok, format!("{}, for its owner alone", path.display()))
}

/// Checks that the browser and its driver exist, start and have the same major version. `chromedriver` refuses to drive
/// a browser of another version.
pub async fn programs(config: &Config) -> Vec<Finding> {
    let whatsapp = &config.whatsapp;
    let browser = wa::find_browser(whatsapp.browser.as_deref());
    let driver = wa::find_driver(whatsapp.driver.as_deref());
    let mut findings = vec![];
    let mut majors = vec![];
    for (check, found) in [("browser", browser), ("driver", driver)] {
        let version = match found {
            Ok(program) => version(&program).await,
            Err(missing) => Err(missing.to_string()),
        };
        majors.extend(version.as_deref().ok().and_then(wa::major));
        findings.push(match version {
            Ok(version) => Finding::new(check, Verdict::Ok, version),
            Err(why) => Finding::new(check, Verdict::Failed, why),
        });
    }
    if let [browser, driver] = majors[..]
        && browser != driver
    {
        let detail = format!("the browser is version {browser} and the driver {driver}; install two of one version");
        findings.push(Finding::new("driver", Verdict::Failed, detail));
    }
    findings
}

/// Returns the version that a program prints, without the commit that chromedriver adds, and its path.
async fn version(program: &Path) -> Result<String, String> {
    let said = wa::version(program, PATIENCE)
        .await
        .map_err(|error| error.to_string())?;
    let version = said.split(" (").next().unwrap_or(&said);
    Ok(format!("{version}, {}", program.display()))
}

/// Checks that the configured homeserver answers.
pub async fn homeserver(config: &Config) -> Finding {
    const CHECK: &str = "homeserver";
    let Some(homeserver) = &config.matrix.homeserver else {
        return Finding::new(CHECK, Verdict::Ok, "none is configured");
    };
    let url = format!("{}/_matrix/client/versions", homeserver.trim_end_matches('/'));
    let asked = async { Ok::<_, anyhow::Error>(client::http(homeserver)?.get(url).timeout(PATIENCE).send().await?) };
    match asked.await {
        Ok(answer) if answer.status().is_success() => Finding::new(CHECK, Verdict::Ok, format!("{homeserver} answers")),
        Ok(answer) => {
            let detail = format!(
                "{homeserver} answers {}; is it a homeserver's address?",
                answer.status()
            );
            Finding::new(CHECK, Verdict::Failed, detail)
        }
        Err(error) => {
            let detail = format!("{homeserver} cannot be reached ({error}); start it, or set CRM_MATRIX_HOMESERVER");
            Finding::new(CHECK, Verdict::Failed, detail)
        }
    }
}

/// Returns a client and the server's status, or a finding if the server does not answer.
pub async fn server(shell: &Shell) -> Result<(Client, StatusView), Finding> {
    // Without a key in the data folder no server has ever run here.
    let never_ran = !shell.config.data_dir.join("admin.key").exists();
    let client = shell.client().map_err(|error| no_server(&error, never_ran))?;
    let status = client.get("/api/v1/status").await;
    let status: StatusView = status.map_err(|error| no_server(&error, exit::code(&error) == Exit::Unreachable))?;
    Ok((client, status))
}

fn no_server(error: &anyhow::Error, not_running: bool) -> Finding {
    let verdict = if not_running { Verdict::Warning } else { Verdict::Failed };
    Finding::new("server", verdict, format!("{error:#}"))
}

/// Returns findings about the accounts, Matrix, the database, the outbox and the quarantine, as the server reports
/// them.
pub fn status(status: &StatusView) -> Vec<Finding> {
    let mut findings = vec![];
    for AccountStatusView { account, .. } in &status.accounts {
        let verdict = match account.state {
            SessionState::Ready => Verdict::Ok,
            _ => Verdict::Warning,
        };
        let detail = told(Some(&account.name), account.state.as_str(), account.detail.as_deref());
        findings.push(Finding::new("whatsapp", verdict, detail));
    }
    let MatrixView { state, detail, user } = &status.matrix;
    let verdict = match state {
        MatrixState::Ready | MatrixState::Off | MatrixState::Elsewhere => Verdict::Ok,
        MatrixState::Refused => Verdict::Failed,
        MatrixState::Starting | MatrixState::Unreachable => Verdict::Warning,
    };
    let detail = told(
        user.as_ref().map(MatrixUserId::as_str),
        state.as_str(),
        detail.as_deref(),
    );
    findings.push(Finding::new("matrix", verdict, detail));
    let events = format!("{} events", status.database.head);
    findings.push(match &status.database.detail {
        None => Finding::new("database", Verdict::Ok, events),
        Some(problem) => Finding::new("database", Verdict::Failed, format!("{events}; {problem}")),
    });
    findings.extend(status.media.as_ref().map(room));
    findings.extend(status.api.as_ref().map(connections));
    if status.outbox.parked {
        let detail = "parked after a restore; look through it, then `crm outbox resume`";
        findings.push(Finding::new("outbox", Verdict::Warning, detail));
    }
    let quarantined = status.quarantined;
    if quarantined > 0 {
        let detail = format!("{quarantined} events could not be stored; --replay tries again");
        findings.push(Finding::new("quarantine", Verdict::Warning, detail));
    }
    findings
}

/// Checks the free space where media are stored.
fn room(room: &MediaRoomView) -> Finding {
    const CHECK: &str = "media";
    let floor = readable_size(room.floor_bytes);
    if room.short {
        let detail = format!(
            "less than {floor} are free (CRM_MEDIA_FREE_SPACE_FLOOR), so none are fetched or taken; free some space on the server"
        );
        return Finding::new(CHECK, Verdict::Warning, detail);
    }
    let detail = match room.free_bytes {
        Some(free) => format!("{} are free, {floor} are kept free", readable_size(free)),
        None => "the system does not tell how much space is free".to_owned(),
    };
    Finding::new(CHECK, Verdict::Ok, detail)
}

/// Checks that the server may open enough files for its connections.
fn connections(api: &ApiStatusView) -> Finding {
    const CHECK: &str = "connections";
    let ApiStatusView {
        connections,
        max_connections,
        max_open_files,
        ..
    } = api;
    let files = max_open_files.map_or_else(|| "an unknown number of".to_owned(), |files| files.to_string());
    let detail = format!("{connections} of {max_connections} are open; the server may open {files} files");
    if max_open_files.is_some_and(|files| files < FEW_FILES) {
        let advice = "raise the hard limit of open files (LimitNOFILE= in the unit, or `ulimit -Hn`)";
        return Finding::new(CHECK, Verdict::Warning, format!("{detail}, which is few; {advice}"));
    }
    Finding::new(CHECK, Verdict::Ok, detail)
}

fn told(who: Option<&str>, state: &str, why: Option<&str>) -> String {
    let who = who.map(|who| format!("{who}: ")).unwrap_or_default();
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{who}{state}{why}")
}

/// Checks that the database can be opened. Only where no server runs, because the server holds the folder.
pub async fn database(config: &Config) -> Finding {
    const CHECK: &str = "database";
    if !config.data_dir.exists() {
        return Finding::new(CHECK, Verdict::Ok, "is made at the first start");
    }
    match Home::open(config, "crm doctor").await {
        Ok(home) => {
            let range = home.store.journal().range().await;
            home.store.close().await;
            match range {
                Ok(range) => Finding::new(CHECK, Verdict::Ok, format!("{} events", range.head)),
                Err(error) => Finding::new(CHECK, Verdict::Failed, error.to_string()),
            }
        }
        Err(error) => {
            let held = matches!(error.downcast_ref(), Some(DataDirError::Held { .. }));
            let verdict = if held { Verdict::Warning } else { Verdict::Failed };
            Finding::new(CHECK, verdict, format!("{error:#}"))
        }
    }
}

/// Checks that nobody else uses this host, or that they can be shut out of what the browser leaves open (rule 29).
pub async fn neighbours() -> Finding {
    const CHECK: &str = "neighbours";
    match neighbours::advice(&neighbours::others()) {
        Some(_) if wa::can_shut_ports().await.is_ok() => Finding::new(
            CHECK,
            Verdict::Ok,
            "others use this host, and are shut out of the browser's debugging port and of chromedriver",
        ),
        Some(advice) => Finding::new(CHECK, Verdict::Warning, advice),
        None => Finding::new(
            CHECK,
            Verdict::Ok,
            "nobody else uses this host; whoever does can reach the browser's debugging port",
        ),
    }
}

/// Checks that an SQLite database is not on a network file system, where its locks and its shared memory do not hold.
/// `None` for another database.
pub fn file_system(config: &Config) -> Option<Finding> {
    // Only a server's database has a password, and so a file of its own, which may be standard input.
    let SecretSource::Given(url) = &config.database_url else {
        return None;
    };
    let path = file_of(url.expose())?;
    // The database is made at the first start; until then its folder, or what is above it, tells where it will be.
    let present = path.ancestors().find(|path| path.exists())?;
    of_file_system(path, rustix::fs::statfs(present).ok()?.f_type)
}

/// Returns the file of a SQLite database; `None` for the address of another database.
fn file_of(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("sqlite:")?;
    Some(Path::new(
        path.trim_start_matches("//").split('?').next().unwrap_or_default(),
    ))
}

/// Returns what is wrong with a database file on a file system of this kind, as `statfs` gives it.
fn of_file_system(path: &Path, kind: FsWord) -> Option<Finding> {
    const CHECK: &str = "file system";
    let magic = u32::try_from(kind & 0xffff_ffff).ok()?;
    let (_, name) = NETWORK_FILE_SYSTEMS.iter().find(|(known, _)| *known == magic)?;
    let detail = format!(
        "the database {} is on a network file system ({name}), where SQLite can lose data; move the data folder to a local \
         disk, or use PostgreSQL",
        path.display()
    );
    Some(Finding::new(CHECK, Verdict::Warning, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_on_network_disk_is_warned_of() {
        let path = Path::new("/srv/crm/crm.db");
        // CIFS and SMB fill the word's sign on some machines.
        for (kind, name) in [
            (0x6969, "NFS"),
            (0xff53_4d42, "CIFS"),
            (i64::from(0xff53_4d42_u32.cast_signed()), "CIFS"),
            (0x6573_5546, "FUSE"),
        ] {
            let finding = of_file_system(path, kind).unwrap();
            assert_eq!(finding.verdict, Verdict::Warning, "{name}");
            let has = |words: &str| finding.detail.contains(words);
            assert!(has(name) && has("/srv/crm/crm.db") && has("PostgreSQL"), "{finding:?}");
        }
        // ext4, btrfs, xfs, tmpfs, overlayfs.
        for kind in [0xef53, 0x9123_683e, 0x5846_5342, 0x0102_1994, 0x794c_7630] {
            assert_eq!(of_file_system(path, kind), None, "{kind:x}");
        }
    }

    #[test]
    fn only_sqlite_address_names_database_file() {
        for (url, path) in [
            ("sqlite:///srv/crm/crm.db?mode=rwc", Some("/srv/crm/crm.db")),
            ("sqlite://crm.db", Some("crm.db")),
            ("sqlite:crm.db", Some("crm.db")),
            ("postgres://crm@db.example.org/crm", None),
            ("mysql://crm@db.example.org/crm", None),
        ] {
            assert_eq!(file_of(url), path.map(Path::new), "{url}");
        }
    }
}
