//! The counts: what each side wrote against the phones, the database, the vault, REST and the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use testbed::standin::{Customer, Message, Received};

use super::agents::{Api, Done, Sent};
use super::customers::Written;
use crate::rig::LOOK;
use crate::rig::desk::Desk;
use crate::rig::files::sha256;
use crate::rig::media::exported;
use crate::torture::Measure;
use crate::torture::tally::UNKNOWN_PER_MESSAGES;

/// What was piled up while parts were down has gone out by then.
const SETTLES_WITHIN: Duration = Duration::from_mins(3);

/// Everything that was done.
pub struct Story<'a> {
    pub desk: &'a Desk,
    pub api: &'a Api,
    pub customers: &'a [Customer],
    pub conversations: &'a [Value],
    pub written: &'a [Written],
    pub done: &'a Done,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub written_by_customers: usize,
    pub sent_by_us: usize,
    /// Deleted by us before they went out.
    pub cancelled: usize,
    pub unknown: usize,
    /// Stanzas that the service took once more under their own id.
    pub again: usize,
    /// Media whose bytes were read in the vault and by REST.
    pub media: usize,
    /// What is wrong, each in a line.
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub disordered: Vec<String>,
    pub wrong: Vec<String>,
}

impl Tally {
    pub fn judge(&self, measure: Measure) {
        assert!(self.written_by_customers >= measure.messages && self.sent_by_us >= measure.messages);
        assert!(self.lost.is_empty(), "lost: {:#?}", self.lost);
        assert!(self.doubled.is_empty(), "doubled: {:#?}", self.doubled);
        assert!(self.disordered.is_empty(), "order: {:#?}", self.disordered);
        assert!(self.wrong.is_empty(), "wrong: {:#?}", self.wrong);
        assert!(
            self.unknown * UNKNOWN_PER_MESSAGES <= self.sent_by_us,
            "{} unknown",
            self.unknown
        );
    }

    fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.wrong.is_empty()
    }
}

/// Waits until all that is under way has come to its end, then counts.
pub async fn settle(story: &Story<'_>) -> Tally {
    story.desk.crm.until_ready().await;
    let deadline = tokio::time::Instant::now() + SETTLES_WITHIN;
    loop {
        let mut tally = story.count().await;
        if tally.is_clean() || tokio::time::Instant::now() > deadline {
            story.count_media(&mut tally).await;
            story.count_exported(&mut tally).await;
            story.count_told(&mut tally).await;
            return tally;
        }
        tokio::time::sleep(LOOK).await;
    }
}

impl Story<'_> {
    async fn count(&self) -> Tally {
        let mut tally = Tally {
            written_by_customers: self.written.len(),
            sent_by_us: self.done.sent.len(),
            ..Tally::default()
        };
        let mut stanzas = BTreeSet::new();
        for (who, conversation) in self.conversations.iter().enumerate() {
            let rows = self.api.conversation(conversation).await;
            stanzas.extend(
                rows.iter()
                    .filter_map(|row| row["whatsapp_id"].as_str().map(str::to_owned)),
            );
            let chat = self.desk.standin.phone().chat(self.customers[who].id());
            self.count_written(&mut tally, who, &rows, &chat);
            self.count_sent(&mut tally, who, &rows, &chat);
        }
        self.count_accepted(&mut tally, &stanzas);
        tally
    }

    /// A customer's messages: on the phone, and in the database.
    fn count_written(&self, tally: &mut Tally, who: usize, rows: &[Value], chat: &[Message]) {
        let written = self.written.iter().filter(|one| one.who == who);
        let meant: Vec<&str> = written.clone().map(|one| one.stanza.as_str()).collect();
        let stored = ids(rows, "inbound");
        compare(tally, &format!("database, customer {who}"), &meant, &stored[1..]);
        count_order(tally, who, rows);
        for one in written {
            let Some(row) = row_of(rows, &one.stanza) else { continue };
            let now = chat
                .iter()
                .find(|message| message.id == one.stanza)
                .expect("the phone has it");
            let place = format!("customer {who}, {}", one.stanza);
            if now.revoked != row["deleted_at"].is_string() {
                tally.wrong.push(format!("{place}: deleted {}, and {row}", now.revoked));
            }
            if now.revoked {
                continue;
            }
            let differs = one.matter.differs_from_row(row, &now.text);
            tally.wrong.extend(differs.map(|what| format!("{place}: {what}")));
            if now.edited != row["edited_at"].is_string() {
                tally.wrong.push(format!("{place}: edited {}, and {row}", now.edited));
            }
            let wished = row["id"].as_i64().and_then(|id| self.done.emojis.get(&id));
            self.count_emojis(tally, &place, who, row, now, wished.map(|emoji| (true, emoji.as_str())));
            count_quote(tally, &place, rows, row, now);
        }
    }

    /// What we sent: in the database, and on the customer's phone.
    fn count_sent(&self, tally: &mut Tally, who: usize, rows: &[Value], chat: &[Message]) {
        let inbox = self.customers[who].inbox();
        let mut meant = vec![];
        for one in self.done.sent.iter().filter(|one| one.who == who) {
            let place = format!("to customer {who}, message {}", one.id);
            let Some(row) = rows.iter().find(|row| row["id"] == one.id) else {
                tally.lost.push(format!("{place}: no row"));
                continue;
            };
            if row["state"] == "unknown" {
                tally.unknown += 1;
                continue;
            }
            if one.deleted && row["failure"]["code"] == "cancelled" {
                tally.cancelled += 1;
                continue;
            }
            let stanza = row["whatsapp_id"].as_str().unwrap_or_default();
            meant.push(stanza);
            let now = chat.iter().find(|message| message.from_me && message.id == stanza);
            let shown = inbox.iter().find(|received| received.stanza_id == stanza);
            let (Some(now), Some(shown)) = (now, shown) else {
                tally.lost.push(format!("{place}: not on the phone: {row}"));
                continue;
            };
            if row["state"] != "read" || now.ack != 3 {
                tally
                    .wrong
                    .push(format!("{place}: {} with ack {}", row["state"], now.ack));
            }
            self.count_changes(tally, &place, one, row, shown, now);
            if !one.deleted {
                count_quote(tally, &place, rows, row, now);
            }
        }
        let shown: Vec<&str> = inbox.iter().map(|received| received.stanza_id.as_str()).collect();
        compare(tally, &format!("phone of customer {who}"), &meant, &shown);
    }

    fn count_changes(&self, tally: &mut Tally, place: &str, one: &Sent, row: &Value, shown: &Received, now: &Message) {
        if (shown.revoked, row["deleted_at"].is_string()) != (one.deleted, one.deleted) {
            tally.wrong.push(format!(
                "{place}: deleted {}, on the phone {}, {row}",
                one.deleted, shown.revoked
            ));
        }
        let text = if one.text == shown.text {
            None
        } else {
            Some(format!("{:?} on the phone for {:?}, {row}", shown.text, one.text))
        };
        let phone = one
            .matter
            .differs_on_phone(&shown.kind, &shown.details, shown.attachment.as_ref());
        let stored = one.matter.differs_from_row(row, &one.text);
        if !one.deleted {
            let differs = text.into_iter().chain(phone).chain(stored);
            tally.wrong.extend(differs.map(|what| format!("{place}: {what}")));
            self.count_emojis(tally, place, one.who, row, now, None);
            count_votes(tally, place, row, now);
        }
    }

    /// Emojis on the phone are those in the row; `wished` is what we asked for.
    fn count_emojis(
        &self,
        tally: &mut Tally,
        place: &str,
        who: usize,
        row: &Value,
        now: &Message,
        wished: Option<(bool, &str)>,
    ) {
        let theirs = self.customers[who].chat();
        let mut shown: Vec<(bool, &str)> = now
            .reactions
            .iter()
            .map(|(by, reaction)| (*by != theirs, reaction.text.as_str()))
            .collect();
        let mut stored: Vec<(bool, &str)> = row["reactions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| Some((one["from_me"].as_bool()?, one["emoji"].as_str()?)))
            .collect();
        shown.sort_unstable();
        stored.sort_unstable();
        if shown != stored || wished.is_some_and(|wished| !shown.contains(&wished)) {
            tally.wrong.push(format!(
                "{place}: emojis {shown:?} on the phone, {stored:?} stored, {wished:?} wished"
            ));
        }
    }

    /// The service took each message under one id, and none that we do not know.
    fn count_accepted(&self, tally: &mut Tally, known: &BTreeSet<String>) {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for accepted in self.desk.standin.accepted() {
            if !["edit", "revoke", "reaction", "vote"].contains(&accepted.kind.as_str()) {
                *times.entry(accepted.stanza_id).or_default() += 1;
            }
        }
        for (stanza, times) in times {
            tally.again += times - 1;
            if !known.contains(&stanza) {
                tally
                    .doubled
                    .push(format!("the service took {stanza}, which no row has"));
            }
        }
    }

    /// Each medium that is held has its hash, in the vault and by REST.
    async fn count_media(&self, tally: &mut Tally) {
        for conversation in self.conversations {
            for row in self.api.conversation(conversation).await {
                let Some(hash) = row["media"]["sha256"].as_str() else {
                    continue;
                };
                let object = self.desk.crm.data_dir().join("media").join(&hash[..2]).join(hash);
                let in_vault = std::fs::read(object).map(|bytes| sha256(&bytes)).unwrap_or_default();
                let by_rest = sha256(&self.api.bytes(&row["media"]["id"]).await);
                if in_vault != hash || by_rest != hash {
                    tally
                        .wrong
                        .push(format!("{in_vault} in the vault, {by_rest} by REST of {row}"));
                }
                tally.media += 1;
            }
        }
    }

    /// The export has each row as REST has it.
    async fn count_exported(&self, tally: &mut Tally) {
        let exported = exported(self.desk).await;
        let exported: BTreeMap<i64, &Value> = exported
            .iter()
            .filter_map(|row| Some((row["id"].as_i64()?, row)))
            .collect();
        for conversation in self.conversations {
            for row in self.api.conversation(conversation).await {
                let same = row["id"].as_i64().and_then(|id| exported.get(&id));
                if same != Some(&&row) {
                    tally.wrong.push(format!("{same:?} in the export for {row}"));
                }
            }
        }
    }

    /// Every message of a customer was told once, and the last word of the journal about each is what its row says.
    async fn count_told(&self, tally: &mut Tally) {
        let events = self
            .desk
            .crm
            .lines(&["tail", "--since", "0", "--idle", "2s", "-o", "ndjson"])
            .await;
        let received = events.iter().filter(|event| event["type"] == "message.received");
        let told: Vec<&str> = received
            .filter_map(|event| event["data"]["whatsapp_id"].as_str())
            .collect();
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for stanza in told {
            *times.entry(stanza).or_default() += 1;
        }
        let words = events
            .iter()
            .filter(|event| event["type"].as_str().is_some_and(|word| word.starts_with("message.")));
        let last: BTreeMap<i64, &Value> = words
            .filter_map(|event| Some((event["data"]["id"].as_i64()?, &event["data"])))
            .collect();
        for row in exported(self.desk).await {
            let told = row["id"].as_i64().and_then(|id| last.get(&id));
            if told != Some(&&row) {
                tally.wrong.push(format!("{told:?} was told last of {row}"));
            }
        }
        for one in self.written {
            match times.get(one.stanza.as_str()) {
                None => tally.lost.push(format!("{} was told to nobody", one.stanza)),
                Some(1) => {}
                Some(more) => tally.doubled.push(format!("{} was told {more} times", one.stanza)),
            }
        }
    }
}

/// A customer's messages were stored in the order in which they stand, so that followers and rooms had them in it.
fn count_order(tally: &mut Tally, who: usize, rows: &[Value]) {
    let inbound: Vec<&Value> = rows.iter().filter(|row| row["direction"] == "inbound").collect();
    for pair in inbound
        .windows(2)
        .filter(|pair| pair[0]["id"].as_i64() > pair[1]["id"].as_i64())
    {
        let [first, second] = [pair[0], pair[1]].map(|row| format!("{} of {}", row["id"], row["timestamp"]));
        tally
            .disordered
            .push(format!("of customer {who}: {first} was stored after {second}"));
    }
}

/// A reply points at the row of what it quotes, unless that was deleted, or the reply says that its quote was lost.
fn count_quote(tally: &mut Tally, place: &str, rows: &[Value], row: &Value, now: &Message) {
    let quoted = now.quote.as_ref().and_then(|quote| row_of(rows, &quote.id));
    let is_deleted = |row: &Value| row["deleted_at"].is_string();
    let target = rows
        .iter()
        .find(|other| !row["reply_to"].is_null() && other["id"] == row["reply_to"]);
    if quoted.is_some_and(is_deleted) || target.is_some_and(is_deleted) {
        return;
    }
    let on_phone = now.quote.as_ref().map(|quote| quote.id.as_str());
    let is_lost = row["details"]["quote_lost"] == true;
    let target = target.filter(|_| !is_lost);
    let stored = target.and_then(|target| target["whatsapp_id"].as_str());
    if on_phone != stored {
        tally
            .wrong
            .push(format!("{place}: quotes {on_phone:?} on the phone, {stored:?} stored"));
    }
}

fn count_votes(tally: &mut Tally, place: &str, row: &Value, now: &Message) {
    let shown: Vec<&Vec<String>> = now.votes.values().map(|vote| &vote.names).collect();
    let stored = row["details"]["poll"]["votes"].as_array().into_iter().flatten();
    let stored: Vec<Vec<String>> = stored
        .filter_map(|vote| serde_json::from_value(vote["options"].clone()).ok())
        .collect();
    if shown != stored.iter().collect::<Vec<_>>() {
        tally
            .wrong
            .push(format!("{place}: votes {shown:?} on the phone, {stored:?} stored"));
    }
}

fn row_of<'a>(rows: &'a [Value], stanza: &str) -> Option<&'a Value> {
    rows.iter().find(|row| row["whatsapp_id"] == stanza)
}

fn ids<'a>(rows: &'a [Value], direction: &str) -> Vec<&'a str> {
    let rows = rows.iter().filter(|row| row["direction"] == direction);
    rows.filter_map(|row| row["whatsapp_id"].as_str()).collect()
}

/// Holds what arrived against what was meant to, in its order.
fn compare(tally: &mut Tally, place: &str, meant: &[&str], arrived: &[&str]) {
    let mut seen = BTreeSet::new();
    for id in arrived {
        if !seen.insert(id) {
            tally.doubled.push(format!("{place}: {id}"));
        } else if !meant.contains(id) {
            tally.doubled.push(format!("{place}: {id} came from nowhere"));
        }
    }
    tally.lost.extend(
        meant
            .iter()
            .filter(|id| !seen.contains(id))
            .map(|id| format!("{place}: {id}")),
    );
    let in_order: Vec<&&str> = meant.iter().filter(|id| seen.contains(id)).collect();
    let came: Vec<&&str> = arrived.iter().filter(|id| meant.contains(id)).collect();
    if let Some(at) = in_order.iter().zip(&came).position(|(meant, came)| meant != came) {
        let around = at.saturating_sub(1)..(at + 4).min(in_order.len());
        tally.disordered.push(format!(
            "{place}, from {at}: {:?} came as {:?}",
            &in_order[around.clone()],
            &came[around]
        ));
    }
}
