//! `crm sync`: compares with WhatsApp now, and tells how many messages had been missed.

use std::time::Duration;

use clap::Args;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::client::send;
use super::login::account_name;
use super::send::recipient;
use super::{Exit, Shell, output};

/// How long one request waits for the comparison.
const WAIT: &str = "wait=25";
/// Between two looks after that.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Compare with WhatsApp now, and fetch what was missed
#[derive(Debug, Args)]
pub struct Sync {
    /// One chat alone: a number, a name, customer:ID or conversation:ID [default: all]
    #[arg(value_name = "CHAT")]
    chat: Option<String>,
    /// Which account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

impl Sync {
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let name = account_name(&client, self.account).await?;
        let body = match &self.chat {
            Some(chat) => recipient(&client, chat, shell.may_ask()).await?,
            None => json!({}),
        };
        let path = format!("/api/v1/accounts/{name}/sync");
        let request = client.request(Method::POST, &path).header("Prefer", WAIT).json(&body);
        let response = send(request).await?;
        let late = response.status() == StatusCode::ACCEPTED;
        let mut answer: Value = response.json().await?;
        if late {
            let asked_at = answer["asked_at"].clone();
            // Both are written alike, so that the later one is the greater.
            while answer["synced_at"].as_str() < asked_at.as_str() {
                sleep(LOOK_EVERY).await;
                answer = client.get(&path).await?;
            }
        }
        let mut output = shell.output();
        if output.is_for_people() {
            output::note(&format!("Recovered {} messages.", answer["recovered"]));
        } else {
            output.one(&answer)?;
        }
        Ok(Exit::Ok)
    }
}
