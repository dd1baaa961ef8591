//! `crm account`, with a server and without.

use rustix::process::Signal;

use serde_json::json;

use super::rig::Shell;
use super::serving::Served;

/// The next server drives the accounts that were added without one.
#[tokio::test]
async fn accounts_are_managed_without_server() {
    let shell = Shell::bare().with("CRM_WHATSAPP_BROWSER", "/nowhere/chromium");
    assert_eq!(
        shell.ok(&["account", "add", "sales", "-o", "json"]).await.json()["name"],
        "sales"
    );
    shell.ok(&["account", "add", "shop-2"]).await;
    let taken = shell.run(&["account", "add", "sales"]).await;
    assert_eq!(taken.code, Some(7), "{taken:?}");
    assert!(taken.err.contains("already"), "{taken:?}");
    let bad = shell.run(&["account", "add", "../sales"]).await;
    assert_eq!(bad.code, Some(2), "{bad:?}");
    assert!(bad.err.contains("small letters"), "{bad:?}");
    assert_eq!(shell.ok(&["account", "list", "-q"]).await.out.lines().count(), 2);
    let login = shell.run(&["login"]).await;
    assert_eq!(login.code, Some(2), "{login:?}");
    assert!(login.err.contains("sales, shop-2"), "{login:?}");
    let unknown = shell.run(&["login", "--account", "nobody"]).await;
    assert_eq!(unknown.code, Some(3), "{unknown:?}");

    let unasked = shell.run(&["account", "remove", "shop-2"]).await;
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    assert!(unasked.err.contains("--yes"), "{unasked:?}");
    let gone = shell
        .ok(&["account", "remove", "shop-2", "--yes", "-o", "json"])
        .await
        .json();
    assert!(gone["removed_at"].is_string(), "{gone}");
    let nobody = shell.run(&["account", "remove", "nobody", "--yes"]).await;
    assert_eq!(nobody.code, Some(3), "{nobody:?}");

    let served = Served::start(shell).await;
    let status = served.shell.ok(&["status", "-o", "json"]).await.json();
    let names: Vec<_> = status["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| account["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["sales"], "and no default account beside it");
    served.shell.ok(&["account", "add", "shop-2"]).await;
    let login = served.shell.run(&["login"]).await;
    assert_eq!(login.code, Some(2), "{login:?}");
    let gone = served
        .shell
        .ok(&["account", "remove", "shop-2", "--yes", "-o", "json"])
        .await
        .json();
    assert!(gone["removed_at"].is_string() && gone["detail"].is_null(), "{gone}");
    let all = served
        .shell
        .ok(&["account", "list", "--removed", "-o", "json"])
        .await
        .json();
    assert_eq!(all.as_array().unwrap().len(), 2);
    let (_, code) = served.end().await;
    assert_eq!(code, Some(0));
}

/// rule 7: with a server and without, and what is refused.
#[tokio::test]
async fn rebind_is_told_audited_and_refused_by_name() {
    let shell = Shell::bare().with("CRM_WHATSAPP_BROWSER", "/nowhere/chromium");
    shell.ok(&["account", "add", "sales"]).await;
    shell.ok(&["account", "add", "shop"]).await;
    let rebind = |name: &'static str, phone: &'static str| ["account", "rebind", name, "--phone", phone, "-o", "json"];
    let alone = shell.ok(&rebind("sales", "+447700900123")).await;
    assert_eq!(alone.json()["phone"], "+447700900123");
    let refusals = async |shell: &Shell| {
        let nobody = shell.run(&rebind("nobody", "+447700900555")).await;
        assert_eq!((nobody.code, nobody.out.as_str()), (Some(3), ""), "{nobody:?}");
        assert!(nobody.err.contains("nobody"), "{nobody:?}");
        let taken = shell.run(&rebind("shop", "+447700900123")).await;
        assert_eq!((taken.code, taken.out.as_str()), (Some(7), ""), "{taken:?}");
        assert!(
            taken.err.contains("belongs to the account sales") && taken.err.contains("another number"),
            "{taken:?}"
        );
        let odd = shell.run(&rebind("shop", "sales")).await;
        assert_eq!((odd.code, odd.out.as_str()), (Some(2), ""), "{odd:?}");
    };
    refusals(&shell).await;

    let served = Served::start(shell).await;
    let shell = &served.shell;
    refusals(shell).await;
    let told = shell
        .ok(&["account", "rebind", "sales", "--phone", "+44 7700 900555"])
        .await;
    assert!(told.out.contains("+447700900555"), "{told:?}");
    assert!(told.err.contains("crm login --account sales"), "{told:?}");
    let again = shell.ok(&rebind("sales", "+447700900555")).await.json();
    assert_eq!(
        (&again["name"], &again["phone"]),
        (&json!("sales"), &json!("+447700900555"))
    );
    let free = shell.ok(&rebind("shop", "+447700900123")).await.json();
    assert_eq!(
        free["phone"], "+447700900123",
        "the old number is free for another account"
    );
    let audit = shell.ok(&["audit", "-o", "json"]).await.json();
    let rows: Vec<_> = audit.as_array().unwrap().iter().collect();
    let done = |row: &&&serde_json::Value| {
        row["action"] == "POST /api/v1/accounts/{name}/rebind" && row["subject"] == "/api/v1/accounts/sales/rebind"
    };
    assert_eq!(rows.iter().filter(done).count(), 2, "{audit}");
    assert!(rows.iter().find(done).unwrap()["actor"].is_string(), "{audit}");
    shell.ok(&["account", "remove", "shop", "--yes"]).await;
    let gone = shell.run(&rebind("shop", "+447700900777")).await;
    assert_eq!(gone.code, Some(7), "{gone:?}");
    assert!(gone.err.contains("crm account add shop"), "{gone:?}");
    let (_, code) = served.end().await;
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn section_of_unknown_account_is_a_warning() {
    let shell = Shell::bare().with("CRM_WHATSAPP_BROWSER", "/nowhere/chromium");
    std::fs::write(
        shell.folder.path().join("crm.toml"),
        "[account.sales]\nspacing = '1s'\n",
    )
    .unwrap();
    let finding = |told: serde_json::Value| {
        let findings = told.as_array().unwrap().clone();
        findings.into_iter().find(|finding| finding["check"] == "accounts")
    };
    let before = finding(shell.run(&["doctor", "-o", "json"]).await.json()).unwrap();
    assert_eq!(before["verdict"], "warning", "{before}");
    assert!(
        before["detail"].as_str().unwrap().contains("[account.sales]"),
        "{before}"
    );
    shell.ok(&["account", "add", "sales"]).await;
    let after = finding(shell.run(&["doctor", "-o", "json"]).await.json()).unwrap();
    assert_eq!(after["verdict"], "ok", "{after}");
}

/// rule 26.
#[tokio::test]
async fn released_account_starts_elsewhere() {
    let database = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/crm.db", database.path().display());
    let one = Shell::bare().with("CRM_DATABASE_URL", &url);
    let two = Shell::bare().with("CRM_DATABASE_URL", &url);
    let (one, _) = Served::start(one).await.end_with(Signal::KILL).await;

    // The folder that the account lives in is another, and nobody has let it go.
    let login = ["login", "--timeout", "10s"];
    let elsewhere = two.run(&login).await;
    assert_ne!(elsewhere.code, Some(0), "{elsewhere:?}");
    assert!(elsewhere.err.contains("crm account release"), "{elsewhere:?}");
    let nobody = two.run(&["account", "release", "nobody"]).await;
    assert_eq!(nobody.code, Some(3), "{nobody:?}");
    let free = two.ok(&["account", "release", "default", "-o", "json"]).await.json();
    assert_eq!(free["name"], "default");
    let served = Served::start(two).await;

    // Whoever drives it keeps it: as its server knows, and as the lock on its folder tells.
    for shell in [&served.shell, &one] {
        let held = shell.run(&["account", "release", "default"]).await;
        assert_eq!(held.code, Some(7), "{held:?}");
        assert!(held.err.contains("; stop "), "{held:?}");
    }
    let (_, code) = served.end().await;
    assert_eq!(code, Some(0));

    // Who stops in order lets go.
    let (_, code) = Served::start(one).await.end().await;
    assert_eq!(code, Some(0));
}
