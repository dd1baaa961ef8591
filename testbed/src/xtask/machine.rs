//! Requirements of the machine: reports what is missing, and installs it from Debian's packages, PyPI and npm if
//! allowed.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use testbed::servers;

use super::section::{run, section, succeeds, workspace};

/// Oldest major version of Node that works.
const NODE_MAJOR: u32 = 20;

/// Amount of requirements; each includes the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// What the build needs.
    Build,
    /// Also a browser and a homeserver.
    Demo,
    /// Also every database and every independent client.
    Full,
    /// Also a graphical client and a screen for it.
    Picture,
}

/// A package of the system that is required.
struct Need {
    name: &'static str,
    packages: &'static [&'static str],
    extent: Extent,
    found: fn() -> Result<PathBuf>,
}

const NEEDS: [Need; 8] = [
    Need {
        name: "Node 20 or newer",
        packages: &["nodejs", "npm"],
        extent: Extent::Build,
        found: node,
    },
    Need {
        name: "Python 3 with venv",
        packages: &["python3", "python3-venv"],
        extent: Extent::Demo,
        found: python,
    },
    Need {
        name: "Chromium",
        packages: &["chromium", "chromium-sandbox", "fonts-liberation"],
        extent: Extent::Demo,
        found: servers::chromium,
    },
    Need {
        name: "ChromeDriver",
        packages: &["chromium-driver"],
        extent: Extent::Demo,
        found: servers::chromedriver,
    },
    Need {
        name: "PostgreSQL",
        packages: &["postgresql"],
        extent: Extent::Full,
        found: servers::Postgres::program,
    },
    Need {
        name: "MariaDB",
        packages: &["mariadb-server"],
        extent: Extent::Full,
        found: servers::MariaDb::program,
    },
    Need {
        name: "nftables",
        packages: &["nftables"],
        extent: Extent::Full,
        found: servers::nft,
    },
    Need {
        name: "nheko",
        packages: &[
            "nheko",
            "xvfb",
            "xdotool",
            "imagemagick",
            "dbus",
            "fonts-noto-color-emoji",
        ],
        extent: Extent::Picture,
        found: super::picture::found,
    },
];

/// Installs what is missing.
///
/// # Errors Something is missing that we may not install; the message says what to type.
pub async fn prepare(extent: Extent) -> Result<()> {
    section("system", install(extent)).await?;
    section("npm", install_npm(extent)).await?;
    if extent >= Extent::Demo {
        section("python", async {
            servers::python_environment()
                .await
                .map(|python| eprintln!("    {}", python.display()))
        })
        .await?;
    }
    Ok(())
}

async fn install(extent: Extent) -> Result<()> {
    let needed = || NEEDS.iter().filter(|need| need.extent <= extent);
    let mut packages = Vec::new();
    for need in needed() {
        match (need.found)() {
            Ok(place) => eprintln!("    {}: {}", need.name, place.display()),
            Err(missing) => {
                eprintln!("    {}: {missing:#}", need.name);
                packages.extend_from_slice(need.packages);
            }
        }
    }
    if packages.is_empty() {
        return Ok(());
    }
    install_packages(&packages).await?;
    for need in needed() {
        (need.found)().with_context(|| format!("{} is still missing after its installation", need.name))?;
    }
    Ok(())
}

async fn install_packages(packages: &[&str]) -> Result<()> {
    let root = rustix::process::geteuid().is_root();
    let allowed = root || succeeds("sudo", &["-n", "true"]).await;
    if !allowed || !succeeds("apt-get", &["--version"]).await {
        bail!(
            "these are missing and cannot be installed from here: `apt-get install {}`",
            packages.join(" ")
        );
    }
    let sudo: &[&str] = if root { &[] } else { &["sudo", "-n"] };
    let apt = [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-qq",
        "-o",
        "Dpkg::Use-Pty=0",
    ];
    for task in [
        vec!["update"],
        [&["install", "-y", "--no-install-recommends"], packages].concat(),
    ] {
        let words = [sudo, &apt, &task].concat();
        run(words[0], &words[1..]).await?;
    }
    Ok(())
}

/// Installs the npm projects: the program's own, the independent Matrix client, and the independent WhatsApp clients.
async fn install_npm(extent: Extent) -> Result<()> {
    let projects = [
        ("web", Extent::Build),
        ("testbed/agents", Extent::Demo),
        ("testbed/clients", Extent::Full),
    ];
    for (project, _) in projects.iter().filter(|(_, needed)| *needed <= extent) {
        let folder = workspace().join(project);
        if folder.join("package-lock.json").is_file() {
            eprintln!("    {project}");
            servers::npm_ci(&folder).await?;
        }
    }
    Ok(())
}

fn node() -> Result<PathBuf> {
    let node = servers::node()?;
    servers::find(&["npm"], &[], "npm")?;
    let output = std::process::Command::new(&node).arg("--version").output()?;
    let version = String::from_utf8_lossy(&output.stdout);
    let major = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE_MAJOR) {
        bail!(
            "Node {} is too old: {NODE_MAJOR} or newer is needed (https://nodejs.org)",
            version.trim()
        );
    }
    Ok(node)
}

fn python() -> Result<PathBuf> {
    let python = servers::find(&["python3"], &[], "python3")?;
    let status = std::process::Command::new(&python)
        .args(["-c", "import venv, ensurepip"])
        .output()?
        .status;
    if !status.success() {
        bail!("Python's venv is missing: `apt-get install python3-venv`");
    }
    Ok(python)
}
