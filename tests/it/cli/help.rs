//! What the shell says of itself is a contract.

use std::fmt::Write as _;

use super::rig::Shell;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["serve"],
    &["login"],
    &["logout"],
    &["status"],
    &["sync"],
    &["doctor"],
    &["send"],
    &["tail"],
    &["account"],
    &["account", "list"],
    &["account", "add"],
    &["account", "rebind"],
    &["account", "release"],
    &["account", "remove"],
    &["agent"],
    &["agent", "list"],
    &["agent", "view"],
    &["agent", "add"],
    &["agent", "edit"],
    &["agent", "deactivate"],
    &["agent", "activate"],
    &["customer"],
    &["customer", "list"],
    &["customer", "view"],
    &["customer", "label"],
    &["customer", "edit"],
    &["customer", "rename"],
    &["customer", "merge"],
    &["customer", "unmerge"],
    &["attribute"],
    &["attribute", "list"],
    &["attribute", "view"],
    &["attribute", "create"],
    &["attribute", "edit"],
    &["attribute", "delete"],
    &["conversation"],
    &["conversation", "list"],
    &["conversation", "view"],
    &["conversation", "notes"],
    &["conversation", "counts"],
    &["conversation", "read"],
    &["label"],
    &["label", "list"],
    &["message"],
    &["message", "list"],
    &["message", "view"],
    &["message", "forward"],
    &["message", "retry"],
    &["message", "resolve"],
    &["message", "cancel"],
    &["matrix"],
    &["matrix", "registration"],
    &["matrix", "check"],
    &["matrix", "verify"],
    &["matrix", "reset"],
    &["matrix", "abandon"],
    &["matrix", "recovery-key"],
    &["media"],
    &["media", "view"],
    &["media", "get"],
    &["media", "fetch"],
    &["template"],
    &["template", "list"],
    &["template", "view"],
    &["template", "create"],
    &["template", "edit"],
    &["template", "delete"],
    &["template", "render"],
    &["outbox"],
    &["outbox", "status"],
    &["outbox", "resume"],
    &["export"],
    &["export", "job"],
    &["export", "job", "list"],
    &["export", "job", "view"],
    &["export", "job", "download"],
    &["export", "job", "cancel"],
    &["key"],
    &["key", "create"],
    &["key", "list"],
    &["key", "rotate"],
    &["key", "revoke"],
    &["audit"],
    &["backup"],
    &["restore"],
    &["completion"],
    &["man"],
];

#[tokio::test]
async fn every_command_has_help() {
    let shell = Shell::bare();
    let mut all = String::new();
    for command in COMMANDS {
        let arguments = [*command, &["--help"]].concat();
        let help = shell.ok(&arguments).await.out;
        writeln!(all, "## crm {}\n{}\n", command.join(" "), help.trim_end()).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn completions_and_manual_pages_are_written() {
    let shell = Shell::bare();
    for dialect in ["bash", "zsh", "fish"] {
        let script = shell.ok(&["completion", dialect]).await.out;
        assert!(
            script.contains(&format!("_CRM_COMPLETE={dialect}"))
                || script.contains(&format!("_CRM_COMPLETE=\"{dialect}\"")),
            "{script}"
        );
    }
    assert!(shell.ok(&["man"]).await.out.contains(".TH crm 1"));
    shell.ok(&["man", "--out", "pages"]).await;
    for page in ["crm.1", "crm-send.1", "crm-message-resolve.1"] {
        assert!(shell.folder.path().join("pages").join(page).exists(), "{page}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_a_usage_error() {
    let shell = Shell::bare();
    for arguments in [
        &["fly"][..],
        &["send"],
        &["tail", "--idle", "soon"],
        &["export", "everything"],
        &["customer", "list", "-o", "xml"],
        &["login", "--phone", "07700900123"],
    ] {
        let ended = shell.run(arguments).await;
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {ended:?}"
        );
    }
}
