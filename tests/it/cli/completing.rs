//! Completion of names and ids, by the script that a real bash reads.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::rig::{BINARY, Shell};
use crate::api::app::App;

/// How often a shell asks again: a busy machine answers later than completion waits.
const ATTEMPTS: usize = 20;

impl Shell {
    /// Candidates, asked for until these are among them.
    async fn offered(&self, words: &[&str], expected: &[&str]) -> Vec<String> {
        for _ in 1..ATTEMPTS {
            let found = self.candidates(words).await;
            if expected.iter().all(|wanted| found.iter().any(|one| one == wanted)) {
                return found;
            }
        }
        self.candidates(words).await
    }

    /// Candidates of bash for the last of these words, in the order of the shell.
    async fn candidates(&self, words: &[&str]) -> Vec<String> {
        let script = format!(
            "source <('{BINARY}' completion bash)\n\
             COMP_WORDS=(crm \"$@\"); COMP_CWORD=$#; COMP_TYPE=9\n\
             complete -p crm > /dev/null || exit 1\n\
             _clap_complete_crm crm \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             for candidate in \"${{COMPREPLY[@]}}\"; do printf '%s\\n' \"$candidate\"; done\n"
        );
        let arguments = [&["--norc", "-c", script.as_str(), "bash"], words].concat();
        let ended = self.program("/bin/bash", &arguments).await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{words:?}: {ended:?}");
        ended.out.lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn bash_completes_names_and_ids_of_server() {
    let app = App::start().await;
    for (name, phone) in [
        ("Ada Lovelace", "+447700900123"),
        ("Bob", "+447700900124"),
        ("bob", "+447700900125"),
        ("$(touch owned); `touch owned`", "+447700900126"),
        ("new\u{1b}[2Jline", "+447700900127"),
    ] {
        app.inbound(name, phone, "hello").await;
    }
    for (path, body) in [
        ("agents", json!({ "name": "Grace" })),
        ("labels", json!({ "name": "vip" })),
        ("templates", json!({ "name": "greeting", "body": "Hello" })),
    ] {
        assert!(app.post(&format!("/api/v1/{path}"), &body).await.status().is_success());
    }
    let shell = Shell::of(&app);
    for (words, expected) in [
        (&["send", "ada"][..], &["Ada\\ Lovelace"][..]),
        (&["send", "Ada\\ L"], &["Ada\\ Lovelace"]),
        (&["send", "B"], &["customer:2", "customer:3"]),
        (
            &["send", "+44770090012"],
            &[
                "+447700900123",
                "+447700900124",
                "+447700900125",
                "+447700900126",
                "+447700900127",
            ],
        ),
        (&["send", "$"], &["\\$\\(touch\\ owned\\)\\;\\ \\`touch\\ owned\\`"]),
        (&["send", "Bob", "--template", ""], &["greeting"]),
        (&["send", "Bob", "hi", "--account", "d"], &["default"]),
        (&["send", "nobody"], &[]),
        (&["conversation", "view", ""], &["1", "2", "3", "4", "5"]),
        (&["conversation", "assign", "1", ""], &["Grace", "none"]),
        (&["conversation", "list", "--assignee", "g"], &["Grace"]),
        (&["conversation", "list", "--label", ""], &["vip"]),
        (&["conversation", "label", "1", "+"], &["+vip"]),
        (&["customer", "label", "1", "+"], &["+vip"]),
        (&["customer", "view", "3"], &["3"]),
        (&["agent", "view", ""], &["Grace"]),
        (&["label", "view", ""], &["vip"]),
        (&["template", "view", "gr"], &["greeting"]),
        (&["account", "remove", ""], &["default"]),
        // Within a quotation that is still open, bash closes it itself.
        (&["send", "\"Ada"], &["Ada Lovelace"]),
        (&["send", "'Ada L"], &["Ada Lovelace"]),
        (&["send", "\"$"], &["\\$(touch owned); \\`touch owned\\`"]),
        (&["send", "'$"], &["$(touch owned); `touch owned`"]),
        (&["message", "forward", "1", "ada"], &["Ada\\ Lovelace"]),
        (&["message", "forward", "1", "ada", "--account", "d"], &["default"]),
        (&["conversation", "status", "1", "s"], &["snoozed"]),
        (
            &["conversation", "list", "--status", ""],
            &["closed", "open", "pending", "snoozed"],
        ),
        (&["customer", "list", "--label", ""], &["vip"]),
        (&["send", "Bob", "--as", "vo"], &["voice"]),
        (&["attribute", "create", "plan", "--kind", "c"], &["choice"]),
        (&["tail", "--type", "message.st"], &["message.state"]),
        // Commands and options as well.
        (&["outb"], &["outbox"]),
        (&["send", "--idem"], &["--idempotency-key"]),
    ] {
        let mut found = shell.offered(words, expected).await;
        // Options are candidates wherever nothing is typed yet.
        found.retain(|candidate| !candidate.starts_with('-') || words.iter().any(|word| word.starts_with("--i")));
        found.sort();
        assert_eq!(found, expected, "{words:?}");
    }
    // The folder of the test has no file `owned`: nothing of a name was run.
    assert!(!shell.folder.path().join("owned").exists());
    // What stands in the line goes before the environment.
    let elsewhere = Shell::bare()
        .with("CRM_URL", "http://127.0.0.1:9")
        .with("CRM_API_KEY", &app.key);
    let words = ["--url", app.url.as_str(), "template", "view", "g"];
    let given = elsewhere.offered(&words, &["greeting"]).await;
    assert_eq!(given, ["greeting"]);
    app.stop().await;
}

/// Who types is not kept waiting, and reads no error.
#[tokio::test]
async fn completion_without_server_is_silent_and_brief() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    for shell in [
        Shell::bare(),
        Shell::bare()
            .with("CRM_URL", "http://127.0.0.1:9")
            .with("CRM_API_KEY", "crm_x"),
        Shell::bare().with("CRM_URL", &silent).with("CRM_API_KEY", "crm_x"),
    ] {
        let begun = Instant::now();
        assert_eq!(shell.candidates(&["conversation", "view", "1"]).await, [""; 0]);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
    let misconfigured = Shell::bare()
        .with("CRM_NO_SUCH_SETTING", "1")
        .with("_CRM_COMPLETE", "bash")
        .with("_CLAP_COMPLETE_INDEX", "3");
    let ended = misconfigured.run(&["--", "crm", "conversation", "view", "1"]).await;
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(0), "", ""));
    let app = App::start().await;
    let stranger = Shell::bare().with("CRM_URL", &app.url).with("CRM_API_KEY", "crm_x");
    assert_eq!(stranger.candidates(&["account", "remove", "d"]).await, [""; 0]);
    let seen = app.request(Method::GET, "/api/v1/accounts").send().await.unwrap();
    assert_eq!(seen.status(), 200);
    app.stop().await;
}

/// zsh and fish get descriptions, and quote by themselves; shells of which we do not know get no name that needs quoting.
#[tokio::test]
async fn other_shells_get_descriptions_or_safe_names() {
    let app = App::start().await;
    app.inbound("Ada Lovelace", "+447700900123", "hello").await;
    let asked = async |dialect: &str, words: &[&str]| {
        let index = (words.len() - 1).to_string();
        let shell = Shell::of(&app)
            .with("_CRM_COMPLETE", dialect)
            .with("_CLAP_COMPLETE_INDEX", &index)
            .with("_CLAP_IFS", "\n");
        for _ in 0..ATTEMPTS {
            let ended = shell.run(&[&["--"], words].concat()).await;
            assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
            if !ended.out.is_empty() {
                return ended.out;
            }
        }
        String::new()
    };
    assert_eq!(
        asked("fish", &["crm", "send", "A"]).await,
        "Ada Lovelace\t+447700900123\n"
    );
    assert_eq!(
        asked("fish", &["crm", "conversation", "view", "1"]).await,
        "1\tAda Lovelace\n"
    );
    assert_eq!(
        asked("zsh", &["crm", "conversation", "view", "1"]).await,
        "1:Ada Lovelace"
    );
    let elvish = asked("elvish", &["crm", "send", "A"]).await;
    assert_eq!(elvish, "customer:1");
    app.stop().await;
}
