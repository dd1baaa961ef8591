//! `crm customer`: renaming, merging and parting.

use serde_json::json;

use super::rig::Shell;
use crate::api::app::App;

#[tokio::test]
async fn shell_renames_merges_and_unmerges() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "from one number").await;
    app.inbound("Ada", "+447700900124", "from another").await;
    let shell = Shell::of(&app);
    let renamed = shell
        .ok(&["customer", "rename", "1", "Ada L.", "-o", "json"])
        .await
        .json();
    assert_eq!(renamed["name"], "Ada L.");
    let reset = shell
        .ok(&["customer", "rename", "1", "--reset", "-o", "json"])
        .await
        .json();
    assert_eq!(reset["name"], "Ada");
    let merge = shell.ok(&["customer", "merge", "1", "2", "-q"]).await.out;
    insta::assert_snapshot!("merged", shell.ok(&["customer", "view", "2"]).await.out);
    let viewed = shell.ok(&["customer", "view", "2", "-o", "json"]).await.json();
    assert_eq!(
        (&viewed["id"], viewed["identities"].as_array().unwrap().len()),
        (&json!(1), 2)
    );
    shell.ok(&["customer", "unmerge", merge.trim()]).await;
    assert_eq!(shell.ok(&["customer", "list", "-q"]).await.out, "1\n2\n");
    for (arguments, code) in [
        (&["customer", "merge", "1", "1"][..], 7),
        (&["customer", "merge", "1", "9"], 3),
        (&["customer", "unmerge", "9"], 3),
        (&["customer", "rename", "1"], 2),
        (&["customer", "rename", "1", "x", "--reset"], 2),
    ] {
        assert_eq!(shell.run(arguments).await.code, Some(code), "{arguments:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn name_of_agent_means_the_active_one() {
    let app = App::start().await;
    app.inbound("Ada", "+447700900123", "hello").await;
    let shell = Shell::of(&app);
    let add = async || shell.ok(&["agent", "add", "Grace", "-q"]).await.out.trim().to_owned();
    let former = add().await;
    shell.ok(&["agent", "deactivate", &former]).await;
    let present = add().await;
    let assigned = shell
        .ok(&["conversation", "assign", "1", "grace", "-o", "json"])
        .await
        .json();
    assert_eq!(assigned["assignee_id"].to_string(), present);
    let list = &["conversation", "list", "--assignee", "grace", "-q"];
    assert_eq!(shell.ok(list).await.out, "1\n");
    app.stop().await;
}
