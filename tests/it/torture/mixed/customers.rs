//! What customers do meanwhile: they send everything that can be sent, reply, change and delete what they wrote, react to what
//! we wrote, and vote.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedMutRandom as _, IndexedRandom as _};
use testbed::standin::{Customer, Draft, Received};

use super::matter::{self, Matter};
use super::{CHANGES, EMOJIS, REPLIES};
use crate::torture::{Measure, writers};

/// A message of a customer's.
#[derive(Clone, Debug)]
pub struct Written {
    /// Which customer.
    pub who: usize,
    pub stanza: String,
    pub matter: Matter,
    /// They have deleted it, and leave it alone.
    deleted: bool,
}

/// Gives what was written, in order, and how many changes were made.
pub async fn write(customers: &[Customer], measure: Measure, mut dice: StdRng) -> (Vec<Written>, usize) {
    let mut written: Vec<Written> = vec![];
    let mut changes = 0;
    for k in 0..measure.messages {
        let who = dice.random_range(0..customers.len());
        let ours: Vec<Received> = customers[who].inbox().into_iter().filter(|one| !one.revoked).collect();
        let matter = matter::as_a_phone_sends(Matter::draw(&mut dice, k, &format!("in {k}")));
        let quoted = ours.choose(&mut dice).filter(|_| dice.random_bool(REPLIES));
        let stanza = customers[who].send(Draft {
            quote: quoted.map(|quoted| quoted.stanza_id.clone()),
            forwarded: dice.random_bool(0.1),
            ..matter.draft()
        });
        written.push(Written {
            who,
            stanza,
            matter,
            deleted: false,
        });
        if dice.random_bool(CHANGES) {
            let theirs = written.iter_mut().filter(|one| one.who == who && !one.deleted);
            change(&customers[who], theirs.collect(), &ours, k, &mut dice);
            changes += 1;
        }
        writers::pause(&mut dice).await;
    }
    (written, changes)
}

fn change(customer: &Customer, mut theirs: Vec<&mut Written>, ours: &[Received], k: usize, dice: &mut StdRng) {
    match dice.random_range(0..4) {
        0 => {
            theirs.retain(|one| one.matter.is_text());
            if let Some(text) = theirs.choose(dice) {
                customer.edit(&text.stanza, &format!("in, changed {k}"));
            }
        }
        1 => {
            if let Some(one) = theirs.choose_mut(dice) {
                customer.delete(&one.stanza);
                one.deleted = true;
            }
        }
        2 => {
            // Now and then one is taken back.
            let emojis = [&EMOJIS[..], &[""]].concat();
            if let (Some(one), Some(emoji)) = (ours.choose(dice), emojis.choose(dice)) {
                customer.react(&one.stanza_id, emoji);
            }
        }
        _ => {
            let polls: Vec<_> = ours.iter().filter(|one| one.kind == "poll_creation").collect();
            if let Some(poll) = polls.choose(dice) {
                let options = poll.details["pollOptions"].as_array().into_iter().flatten();
                let names: Vec<&str> = options.filter_map(|option| option["name"].as_str()).collect();
                if let Some(name) = names.choose(dice) {
                    customer.vote(&poll.stanza_id, &[name]);
                }
            }
        }
    }
}
