//! The one table of rights, through every command in a room, and the audit log of it.

use std::fmt::Write as _;

use crm::bridge::ROOM_COMMANDS;
use crm::domain::{Clock as _, Role};
use crm::store::{AuditFilter, PageRequest};

use super::ADA;
use crate::bridge::Rig;

/// A way to write each command that is read.
fn written(word: &str) -> String {
    let with = match word {
        "note" => " text",
        "label" => " +vip",
        "name" => " Ada",
        "template" => " absent",
        "send-at" => " 2h text",
        "new" => " 12 text",
        "merge" => " 99",
        _ => "",
    };
    format!("!{word}{with}")
}

/// Shows who may do what, as one table. `ok`: it was carried out, whatever came of it.
#[tokio::test]
async fn every_command_asks_the_table_of_rights() {
    let mut rig = Rig::of_customer().await;
    let mut table = String::new();
    writeln!(
        table,
        "{:10} {:22} {:>8} {:>8} {:>8}",
        "", "", "agent", "manager", "admin"
    )
    .unwrap();
    for (word, operation) in ROOM_COMMANDS {
        let name = operation.map_or_else(|| "-".to_owned(), |operation| operation.to_string());
        write!(table, "!{word:9} {name:22}").unwrap();
        for role in [Role::Agent, Role::Manager, Role::Admin] {
            rig.promote(role).await;
            let told = rig.answer_to(&written(word)).await;
            assert!(
                !told.contains("unknown command") && !told.contains("Write !"),
                "{word} was not read: {told}"
            );
            let is_refused = told.contains("your role");
            let may = operation.is_none_or(|operation| role.scope() >= operation.scope());
            assert_eq!(is_refused, !may, "{word} {role}: {told}");
            write!(table, " {:>8}", if is_refused { "role" } else { "ok" }).unwrap();
        }
        writeln!(table).unwrap();
    }
    insta::assert_snapshot!(table);
}

/// As in the other faces: decisions have a line, with who it was by which key or user, and what only reads has none.
#[tokio::test]
async fn audited_commands_are_in_the_audit_log() {
    let mut rig = Rig::of_customer().await;
    for (word, _) in ROOM_COMMANDS {
        rig.answer_to(&written(word)).await;
    }
    let note = rig.agent_says(ADA, "!note one", None).await;
    rig.agent_says(ADA, "answers it", Some(&note)).await;
    rig.redacts(ADA, &note).await;
    let page = PageRequest::first(200);
    let lines = rig
        .program
        .store
        .audit()
        .page(page, &AuditFilter::default())
        .await
        .unwrap()
        .data;
    let mut expected: Vec<String> = ROOM_COMMANDS
        .iter()
        .filter_map(|(word, operation)| Some((word, (*operation)?)))
        .filter(|(_, operation)| operation.is_audited() && Role::Agent.scope() >= operation.scope())
        .map(|(word, operation)| format!("ROOM !{word} {operation}"))
        .collect();
    expected.extend(["!note", "!note", "redaction"].map(|how| format!("ROOM {how} note.write")));
    let told: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {}", line.action, line.detail["operation"].as_str().unwrap()))
        .collect();
    assert_eq!(told, expected);
    let ada = rig.program.store.agents().list().await.unwrap()[0].id;
    for line in &lines {
        assert_eq!(line.actor, format!("agent {ada} (ada), {ADA}"));
        assert_eq!(
            line.subject,
            format!("/api/v1/conversations/{}", rig.conversation().await.id)
        );
    }
    assert!(lines.iter().all(|line| line.at <= rig.run.clock.now()));
}
