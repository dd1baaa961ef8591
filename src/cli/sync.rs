//! `crm sync`: compares with WhatsApp now, and prints how many missed messages were found.

use clap::Args;
use reqwest::{Method, StatusCode};

use super::client::{read, send};
use super::follow::{self, Follower, Patience};
use super::generate::complete;
use super::login::account_name;
use super::send::{Recipient, recipient};
use super::terminal::output;
use super::{Exit, Shell};
use crate::contract::{FilterRequest, RawJson, SyncRequest, SyncStarted, SyncView};

/// Maximum time that one request waits for the comparison, in seconds.
const WAIT: &str = "wait=25";

/// Compare with WhatsApp now, and fetch what was missed
#[derive(Debug, Args)]
pub struct Sync {
    /// Compare only this chat: a number, a name, customer:ID or conversation:ID [default: all]
    #[arg(value_name = "CHAT", add = complete::recipients())]
    chat: Option<String>,
    /// Use this account
    #[arg(long, value_name = "NAME", add = complete::accounts())]
    account: Option<String>,
}

impl Sync {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        let name = account_name(&client, self.account).await?;
        let mut body = SyncRequest::default();
        if let Some(chat) = &self.chat {
            match recipient(&client, chat, shell.may_ask()).await? {
                Recipient::Phone(phone) => body.to = Some(phone),
                Recipient::Customer(id) => body.customer_id = Some(id),
                Recipient::Conversation(id) => body.conversation_id = Some(id),
            }
        }
        let path = format!("/api/v1/accounts/{name}/sync");
        let request = client.request(Method::POST, &path).header("Prefer", WAIT).json(&body);
        let response = send(request).await?;
        let late = response.status() == StatusCode::ACCEPTED;
        let mut answer: RawJson = response.json().await?;
        if late {
            let SyncStarted { asked_at } = read(&answer)?;
            let filter = FilterRequest {
                account: Some(name),
                ..follow::events(&["account.synced"])
            };
            let follower = Follower::new(&client, filter, None, Patience::Connected);
            let compared = follower.until(&path, |state| {
                let is_done = read::<SyncView>(&state)?.synced_at >= asked_at;
                answer = state;
                Ok(is_done)
            });
            compared.await?;
        }
        let mut output = shell.output();
        if output.is_for_people() {
            let SyncView { recovered, .. } = read(&answer)?;
            output::note(&format!("Recovered {recovered} messages."));
        } else {
            output.one(&answer)?;
        }
        Ok(Exit::Ok)
    }
}
