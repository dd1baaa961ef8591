//! Automatic actions of a customer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::messages::doings::Draft;
use super::people::CustomerId;
use super::people::place::Place;
use super::world::World;

/// Reactions of a customer to incoming messages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Delay before they read a message, in milliseconds; none: they do not.
    pub read_after_ms: Option<u64>,
    /// Delay before they answer, in milliseconds; none: they do not.
    pub answer_after_ms: Option<u64>,
    /// Answers to texts that contain something; the first rule that matches. `{}` stands for the received text.
    pub rules: Vec<Rule>,
    /// What they answer when no rule fits; empty for nothing.
    pub answer: String,
}

/// One rule of a script.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Text that the message contains; case is ignored.
    pub when: String,
    /// Answer of this rule.
    pub answer: String,
}

impl Script {
    /// Repeats every text after a delay.
    pub fn echo(after: Duration) -> Self {
        Self {
            answer_after_ms: u64::try_from(after.as_millis()).ok(),
            answer: "{}".to_owned(),
            ..Self::default()
        }
    }

    fn answer_to(&self, text: &str) -> Option<String> {
        let lower = text.to_lowercase();
        let rule = self.rules.iter().find(|rule| lower.contains(&rule.when.to_lowercase()));
        let answer = rule.map_or(&self.answer, |rule| &rule.answer);
        let answer = answer.replace("{}", text);
        // A medium without a caption has no text to repeat.
        (!answer.is_empty()).then_some(answer)
    }
}

impl World {
    /// Runs a customer's script for a received text.
    pub(crate) fn play_script(&mut self, place: Place, id: CustomerId, text: &str) {
        let script = &self.customers[id.0].script;
        let answer = script.answer_after_ms.zip(script.answer_to(text));
        if let Some(after) = script.read_after_ms {
            self.later
                .push((Duration::from_millis(after), Box::new(move |world| world.read_all(id))));
        }
        if let Some((after, answer)) = answer {
            let write = move |world: &mut World| {
                world.write(place, id, &Draft::text(&answer));
            };
            self.later.push((Duration::from_millis(after), Box::new(write)));
        }
    }
}
