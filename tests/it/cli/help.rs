//! What the shell says of itself is a contract.

use std::fmt::Write as _;

use super::rig::Shell;

#[tokio::test]
async fn every_command_has_help() {
    let shell = Shell::bare();
    let mut all = String::new();
    let mut open = vec![Vec::new()];
    while let Some(command) = open.pop() {
        let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = shell.ok(&arguments).await.out;
        writeln!(all, "## crm {}\n{}\n", command.join(" "), help.trim_end()).unwrap();
        assert_eq!(undescribed(&help), None, "crm {}", command.join(" "));
        let listed = commands_in(&help).rev();
        open.extend(listed.map(|name| command.iter().cloned().chain([name.to_owned()]).collect()));
    }
    insta::assert_snapshot!(all);
}

/// Returns the commands that a help text lists, but for `help`, which has none.
fn commands_in(help: &str) -> impl DoubleEndedIterator<Item = &str> {
    let list = help.split_once("\nCommands:\n").map_or("", |(_, list)| list);
    let list = list.split_once("\n\n").map_or(list, |(list, _)| list);
    // What continues a line is indented further.
    let names = list.lines().filter_map(|line| line.strip_prefix("  "));
    names
        .filter(|rest| !rest.starts_with(' '))
        .filter_map(|rest| rest.split_whitespace().next())
        .filter(|name| *name != "help")
}

/// Returns the first argument or option of a help text that it does not describe.
fn undescribed(help: &str) -> Option<&str> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = help.lines().collect();
    let found = lines.windows(2).find(|pair| {
        let is_named = (2..=6).contains(&indent(pair[0])) && pair[0].trim_start().starts_with(['<', '[', '-']);
        // A long list has the description on the next line.
        is_named && !pair[0].trim().contains("  ") && indent(pair[1]) <= 6
    });
    found.map(|pair| pair[0])
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
