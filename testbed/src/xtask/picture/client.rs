//! The graphical client: nheko on a virtual screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testbed::servers::{Folder, Launch, Process, find};
use tokio::time::{Instant, sleep};

/// Size of the client's window, in pixels. The places below belong to it.
const SIZE: (u32, u32) = (1060, 900);
/// Width of its list of rooms.
const LIST: u32 = 230;
/// Button that leaves its question about encryption, of which this user has none.
const CANCEL: (u32, u32) = (SIZE.0 - 67, SIZE.1 - 38);
/// Button that removes its banner about the same.
const DISMISS: (u32, u32) = (254, 66);
/// The first room of its list, which is the one with the newest message.
const ROOM: (u32, u32) = (150, 78);

const START: Duration = Duration::from_secs(30);
/// How long the picture must stay the same, and how long that may take.
const STILL: Duration = Duration::from_secs(3);
const DRAWN: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(500);

/// Programs that are needed, each with its Debian package.
const PROGRAMS: [(&str, &str); 5] = [
    ("nheko", "nheko"),
    ("Xvfb", "xvfb"),
    ("xdotool", "xdotool"),
    ("import", "imagemagick"),
    ("dbus-run-session", "dbus"),
];

/// Opens the newest room in the client as this user, and writes the picture of its window.
pub async fn photograph(homeserver: &str, (user, password): (&str, &str), to: &Path) -> Result<()> {
    let folder = Folder::new("picture")?;
    configure(folder.path(), homeserver, user, password).await?;
    let screen = Screen::start(folder.path()).await?;
    let mut client = screen.launch("dbus-run-session")?.arguments(["--", "nheko"]).start()?;
    let window = screen.window(&mut client).await?;
    let (width, height) = SIZE;
    screen
        .mouse(&["windowsize", &window, &width.to_string(), &height.to_string()])
        .await?;
    for place in [CANCEL, DISMISS, ROOM] {
        screen.until_still().await?;
        screen.click(place).await?;
    }
    fs::copy(screen.until_still().await?, to).with_context(|| format!("{} cannot be written", to.display()))?;
    eprintln!("    {}", to.display());
    Ok(())
}

/// Logs the user in, and writes that with what else the client needs to know into its configuration.
async fn configure(folder: &Path, homeserver: &str, user: &str, password: &str) -> Result<()> {
    let body = json!({
        "type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": password,
    });
    let client = reqwest::Client::builder().no_proxy().build()?;
    let address = format!("{homeserver}/_matrix/client/v3/login");
    let answer = client.post(address).json(&body).send().await?.error_for_status()?;
    let login: Value = answer.json().await?;
    let [token, device, id] = ["access_token", "device_id", "user_id"].map(|field| login[field].as_str().unwrap_or(""));
    let configuration = folder.join("nheko");
    fs::create_dir(&configuration)?;
    fs::write(
        configuration.join("nheko.conf"),
        format!(
            "[General]\nrun_without_secure_secrets_service=true\n\n\
             [auth]\naccess_token={token}\ndevice_id={device}\nhome_server={homeserver}\nuser_id=@{id}\n\n\
             [user]\ntheme=light\nbubbles_enabled=true\nminor_events=false\nsidebar\\room_list_width={LIST}\n"
        ),
    )?;
    Ok(())
}

/// A virtual screen.
struct Screen {
    _process: Process,
    display: String,
    folder: PathBuf,
}

impl Screen {
    async fn start(folder: &Path) -> Result<Self> {
        use tokio::io::{AsyncBufReadExt as _, BufReader};
        let (width, height) = SIZE;
        let launch = Launch::new("Xvfb", program("Xvfb")?, folder)
            .arguments(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arguments([format!("{width}x{height}x24")]);
        let (process, _input, output) = launch.start_talking()?;
        let mut lines = BufReader::new(tokio::process::ChildStdout::from_std(output)?).lines();
        let number = tokio::time::timeout(START, lines.next_line()).await??;
        let number = number.with_context(|| format!("no screen:\n{}", process.last_words()))?;
        Ok(Self {
            _process: process,
            display: format!(":{number}"),
            folder: folder.to_owned(),
        })
    }

    /// Returns a program on this screen, with nothing but the folder to call its home.
    fn launch(&self, name: &'static str) -> Result<Launch> {
        let launch = Launch::new(name, program(name)?, &self.folder).variable("DISPLAY", &self.display);
        let homes = [
            "HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_CACHE_HOME",
            "XDG_RUNTIME_DIR",
        ];
        let launch = homes
            .into_iter()
            .fold(launch, |launch, home| launch.variable(home, &self.folder));
        Ok(launch.variable("QT_QUICK_BACKEND", "software"))
    }

    /// Waits for the client's window.
    async fn window(&self, client: &mut Process) -> Result<String> {
        let until = Instant::now() + START;
        loop {
            let found = self
                .launch("xdotool")?
                .arguments(["search", "--onlyvisible", "--class", "nheko"])
                .run()
                .await;
            if let Some(window) = found.ok().and_then(|ids| ids.lines().last().map(str::to_owned)) {
                return Ok(window);
            }
            if client.ended().is_some() || Instant::now() > until {
                bail!("nheko shows no window:\n{}", client.last_words());
            }
            sleep(POLL).await;
        }
    }

    async fn click(&self, (x, y): (u32, u32)) -> Result<()> {
        self.mouse(&[
            "mousemove",
            &x.to_string(),
            &y.to_string(),
            "sleep",
            "0.2",
            "click",
            "1",
        ])
        .await
    }

    async fn mouse(&self, words: &[&str]) -> Result<()> {
        self.launch("xdotool")?.arguments(words).run().await.map(drop)
    }

    /// Waits until the screen shows nothing new any more. Returns its picture.
    async fn until_still(&self) -> Result<PathBuf> {
        let file = self.folder.join("screen.png");
        let until = Instant::now() + DRAWN;
        // A cursor blinks, so the same two may take turns.
        let (mut seen, mut since) = ([Vec::new(), Vec::new()], Instant::now());
        while since.elapsed() < STILL {
            let import =
                self.launch("import")?
                    .arguments(["-window", "root", "+set", "date:create", "+set", "date:modify"]);
            import
                .arguments(["-define", "png:exclude-chunks=date,time"])
                .arguments([&file])
                .run()
                .await?;
            let now = fs::read(&file)?;
            if !seen.contains(&now) {
                seen.swap(0, 1);
                (seen[0], since) = (now, Instant::now());
            }
            if Instant::now() > until {
                bail!("the picture does not come to rest");
            }
            sleep(POLL).await;
        }
        Ok(file)
    }
}

/// Returns the client's path if all programs are there.
pub fn found() -> Result<PathBuf> {
    for (name, package) in PROGRAMS {
        find(&[name], &[], package)?;
    }
    program("nheko")
}

fn program(name: &str) -> Result<PathBuf> {
    find(&[name], &[], name)
}
