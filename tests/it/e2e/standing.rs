//! How an account stands, as its owner meets it: deaf and healed, and customers who do not want to be written to.

use crate::rig::customers::{phone_shows, times_accepted};
use crate::rig::desk::{Desk, Plan};
use crate::rig::until;

const NUMBER: &str = "447700900131";

async fn metrics(desk: &Desk) -> String {
    let client = reqwest::Client::new();
    let asked = client.get(format!("{}/metrics", desk.crm.url));
    let answer = asked.bearer_auth(desk.crm.admin_key()).send().await.unwrap();
    answer.text().await.unwrap()
}

async fn received(desk: &Desk) -> Vec<String> {
    let messages = desk.crm.lines(&["export", "messages", "--format", "ndjson"]).await;
    let inbound = messages.into_iter().filter(|message| message["direction"] == "inbound");
    inbound
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect()
}

/// rule 16.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deaf_page_loses_nothing_and_is_counted() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    customer.write("heard");
    until("the first message", async || {
        (received(&desk).await.len() == 1).then_some(())
    })
    .await;
    desk.standin.freeze_listener("add");
    for (number, text) in ["unheard", "unheard again"].into_iter().enumerate() {
        customer.write(text);
        let counted = format!(
            "crm_deaf_total{{account=\"default\",how=\"listener\"}} {}\n",
            number + 1
        );
        until("its deafness to be counted", async || {
            metrics(&desk).await.contains(&counted).then_some(())
        })
        .await;
    }
    until("the page to be loaded anew", async || {
        metrics(&desk)
            .await
            .contains("crm_page_reloads_total{account=\"default\"} 1\n")
            .then_some(())
    })
    .await;
    desk.crm.until_ready().await;
    customer.write("heard again");
    until("the last message", async || {
        (received(&desk).await.len() >= 4).then_some(())
    })
    .await;
    assert_eq!(
        received(&desk).await,
        ["heard", "unheard", "unheard again", "heard again"],
        "each once, in their order"
    );
    let metrics = metrics(&desk).await;
    assert!(
        metrics.contains("crm_page_heap_bytes{account=\"default\"} ") || metrics.contains("crm_browser_memory_bytes")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_word_blocks_sends_until_opt_in() {
    let desk = Desk::ready(Plan::plain()).await;
    let customer = desk.standin.customer("Ada", NUMBER);
    customer.write("Stop.");
    let opted_out = until("the opt-out", async || {
        let customers = desk.crm.lines(&["customer", "list", "-o", "ndjson"]).await;
        customers
            .into_iter()
            .find(|customer| customer["opted_out_at"].is_string())
    })
    .await;
    assert_eq!(opted_out["opted_out_by"], "Stop.");
    let id = opted_out["id"].to_string();
    let to = format!("customer:{id}");
    let refused = desk.crm.run(&["send", &to, "an offer"]).await;
    assert_eq!(refused.status.code(), Some(7));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains(&format!("crm customer opt-in {id}")), "{said}");

    desk.crm.json(&["customer", "opt-in", &id, "-o", "json"]).await;
    desk.crm.json(&["send", &to, "welcome back", "-o", "json"]).await;
    phone_shows(&customer, "welcome back").await;
    assert_eq!(times_accepted(&desk.standin, "an offer"), 0);
}
