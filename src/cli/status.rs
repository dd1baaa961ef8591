//! `crm status`: how the desk stands.

use clap::Args;
use serde_json::Value;

use super::{Exit, Shell};

/// Show how the desk stands
#[derive(Debug, Args)]
pub struct Status {}

impl Status {
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let status: Value = shell.client()?.get("/api/v1/status").await?;
        let mut output = shell.output();
        if !output.is_for_people() {
            output.one(&status)?;
            return Ok(Exit::Ok);
        }
        for account in rows(&status["accounts"]) {
            let who = account["phone"].as_str().unwrap_or("no number yet");
            output.line(&format!(
                "account {} ({who}): {}{}",
                text(&account["name"]),
                if account["removing_at"].is_string() {
                    "being removed"
                } else {
                    text(&account["state"])
                },
                because(&account["detail"])
            ))?;
            let history = &account["history"];
            if history["state"] == "running" {
                output.line(&format!(
                    "  history: {} of {} chats, {} messages",
                    history["chats_done"], history["chats_total"], history["messages"]
                ))?;
            }
        }
        let matrix = &status["matrix"];
        output.line(&format!(
            "matrix: {}{}",
            text(&matrix["state"]),
            because(&matrix["detail"])
        ))?;
        let database = &status["database"];
        output.line(&format!(
            "database: {}, {} events",
            text(&database["state"]),
            database["head"]
        ))?;
        let outbox = &status["outbox"];
        if outbox["parked"] == true {
            output.line("outbox: parked after a restore; look through it, then `crm outbox resume`")?;
        }
        for work in rows(&outbox["waiting"]) {
            output.line(&format!(
                "outbox to {}: {} waiting",
                text(&work["target"]),
                work["waiting"]
            ))?;
        }
        if status["quarantined"].as_u64().unwrap_or(0) > 0 {
            output.line(&format!(
                "quarantine: {} events; `crm doctor` lists them",
                status["quarantined"]
            ))?;
        }
        Ok(Exit::Ok)
    }
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

fn because(detail: &Value) -> String {
    detail.as_str().map(|detail| format!(" ({detail})")).unwrap_or_default()
}
