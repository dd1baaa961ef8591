//! Requests of faces: each is repeated with its key until it has an answer.

use crm::bridge::{Answered, Idempotency, Refusal, SendCommand, SendTo};
use crm::domain::{MessageId, OwnerId};
use rand::RngExt;

use super::desk::DeskLife;
use super::run::{CHATS, Program, Run};
use crate::bridge::owner;

impl Run {
    /// Lets people at the desk plan messages and answer under the guard.
    pub fn with_desk(mut self) -> Self {
        self.desk = Some(DeskLife::default());
        self
    }

    /// A face sends, and asks again with the same key until it has an answer. Tells whether the program was killed in it.
    pub(super) async fn request(&mut self, program: &Program) -> bool {
        let command = match self.asked.take() {
            Some(command) => command,
            None if self.desk.is_some() => {
                let command = self.next_request();
                self.of_desk(program, command).await
            }
            None => self.next_request(),
        };
        let Some(first) = self.gate.watch(program.desk.send(command.clone())).await else {
            self.asked = Some(command);
            return true;
        };
        if let Some(desk) = &mut self.desk {
            match &first {
                // Its time has passed while no program ran, and it was never stored.
                Err(Refusal::WrongTime { .. }) => return false,
                Err(Refusal::Overtaken { missed }) => {
                    assert!(!missed.is_empty());
                    desk.stopped += 1;
                    return false;
                }
                _ => {}
            }
        }
        // A program that was killed may have stored the answer before.
        let first = match first.unwrap() {
            Answered::New(message) => message.id,
            Answered::Replayed(answer) => answer.message.unwrap(),
        };
        if self.rng.random_bool(0.3) {
            let Some(again) = self.gate.watch(program.desk.send(command.clone())).await else {
                self.asked = Some(command);
                return true;
            };
            match again.unwrap() {
                Answered::Replayed(answer) => {
                    assert_eq!(answer.message, Some(first), "the same key is the same message");
                }
                Answered::New(message) => panic!("made a second time: {message:?}"),
            }
        }
        self.answered(&command, first);
        false
    }

    pub fn next_request(&mut self) -> SendCommand {
        self.requests += 1;
        let chat = self.rng.random_range(0..CHATS);
        let phone = self.whatsapp.world.lock().unwrap().chats[chat].phone.clone();
        SendCommand {
            idempotency: Some(Idempotency {
                scope: OwnerId(1),
                key: format!("key-{}", self.requests),
                body_hash: [7; 32],
            }),
            ..SendCommand::of(SendTo::Phone(phone), &format!("shell {}", self.requests), owner())
        }
    }

    fn answered(&mut self, command: &SendCommand, message: MessageId) {
        let world = self.whatsapp.world.lock().unwrap();
        let chat = world
            .chats
            .iter()
            .position(|chat| SendTo::Phone(chat.phone.clone()) == command.to);
        self.accepted.push((chat.expect("one of the chats"), message));
        drop(world);
        if let Some(desk) = &mut self.desk {
            if command.send_at.is_some() {
                desk.planned.push(message);
            }
            desk.guarded.extend(command.seen_up_to.map(|seen| (message, seen)));
        }
    }
}
