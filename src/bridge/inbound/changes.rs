//! Changes of stored messages: edits, deletions, reactions. A change is applied once, however often and in whatever way
//! it is reported (an event, a comparison with the page, our own request).

use std::borrow::Cow;

use crate::bridge::core::names;
use crate::bridge::core::names::unnamed;
use crate::bridge::core::notice;
use crate::bridge::core::policy::Policy;
use crate::contract::Event;
use crate::domain::account::Account;
use crate::domain::conversation::ChatKind;
use crate::domain::details::Mention;
use crate::domain::message::{Direction, Message, Reaction};
use crate::domain::whatsapp::{MessageKey, PageEvent, WaContact, WaMessage, WaReaction};
use crate::domain::{Timestamp, WaUserId, mentions};
use crate::store::{StoreError, Tx};

use super::{groups, members, polls};

/// Upper bound of the reactions kept for one message; in a large group every member may react.
const MAX_REACTIONS: usize = 1024;

/// Applies an event about a message. Returns `false` if we do not have that message.
pub(crate) async fn apply(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    event: &PageEvent,
) -> Result<bool, StoreError> {
    let Some(target) = event.target() else {
        return Ok(true);
    };
    let Some(message) = find(tx, account, target).await? else {
        return Ok(false);
    };
    let by = names::writer(target.from_me, &target.contact, &message);
    match event {
        PageEvent::Edited { content, at, .. } => edit(tx, policy, &message, content, *at, &by).await?,
        PageEvent::Deleted { at, by: admin, .. } => match admin {
            Some(admin) => delete_as_admin(tx, policy, &message, *at, admin).await?,
            None => delete(tx, policy, &message, *at, &by).await?,
        },
        PageEvent::Kept { is_kept, .. } => polls::keep(tx, &message, *is_kept).await?,
        PageEvent::Reacted { reaction, .. } => {
            let by = members::with_other_id(tx, message.conversation_id, &reaction.contact).await?;
            let reaction = named(reaction, &message);
            react_as(tx, policy, &message, reaction, &by).await?;
        }
        PageEvent::Voted { vote, .. } => polls::vote(tx, policy, &message, vote).await?,
        PageEvent::Moved { location, at, .. } => polls::move_to(tx, &message, location, *at).await?,
        PageEvent::Message(_) | PageEvent::Ack { .. } | PageEvent::Group(_) | PageEvent::Poison { .. } => {}
    }
    Ok(true)
}

/// Updates the stored message to the page's current version; does nothing if we do not have it.
pub(crate) async fn reconcile_known(
    tx: &mut Tx,
    policy: &Policy,
    account: &Account,
    told: &WaMessage,
) -> Result<(), StoreError> {
    match find(tx, account, &told.key()).await? {
        Some(stored) => reconcile(tx, policy, &stored, told).await,
        None => Ok(()),
    }
}

/// Updates a stored message to the page's current version: deletion, edit, reactions, votes, location, timer.
pub(crate) async fn reconcile(
    tx: &mut Tx,
    policy: &Policy,
    stored: &Message,
    told: &WaMessage,
) -> Result<(), StoreError> {
    let by = names::writer(told.from_me, &told.contact, stored);
    if told.is_deleted {
        let now = tx.now();
        match told.details.as_ref().and_then(|details| details.deleted_by.as_ref()) {
            Some(admin) => delete_as_admin(tx, policy, stored, now, admin).await?,
            None => delete(tx, policy, stored, now, &by).await?,
        }
    } else if let Some(at) = told.edited_at {
        edit(tx, policy, stored, &told.content, at, &by).await?;
    }
    if let Some(reactions) = &told.reactions {
        compare_reactions(tx, policy, stored, reactions).await?;
    }
    polls::reconcile(tx, policy, stored, told).await
}

/// Replaces a message's reactions by those that the page has, and reports what differs in the room.
async fn compare_reactions(
    tx: &mut Tx,
    policy: &Policy,
    stored: &Message,
    told: &[WaReaction],
) -> Result<(), StoreError> {
    let present = each_person_once(told, |reaction| named(reaction, stored));
    let is_told = |old: &Reaction| {
        let mut all = told.iter();
        all.any(|one| is_of(old, &named(one, stored), &one.contact))
    };
    let is_new = |(new, contact): &&(Reaction, &WaContact)| {
        let before = stored.reactions.iter().find(|old| is_of(old, new, contact));
        before.map_or("", |before| before.emoji.as_str()) != new.emoji
    };
    let mut lines: Vec<String> = present
        .iter()
        .filter(is_new)
        .map(|(new, _)| line(policy, stored, new))
        .collect();
    let (removed, others): (Vec<_>, Vec<_>) = stored.reactions.iter().partition(|old| old.emoji.is_empty());
    let taken_back = others.into_iter().filter(|old| !is_told(old)).map(|old| Reaction {
        emoji: String::new(),
        ..old.clone()
    });
    lines.extend(taken_back.map(|old| line(policy, stored, &old)));
    let removed = removed.into_iter().filter(|old| !is_told(old)).cloned();
    let present = present.into_iter().map(|(reaction, _)| reaction);
    let reactions = present.chain(removed).take(MAX_REACTIONS).collect();
    set_reactions(tx, stored, reactions).await?;
    show_reactions(tx, policy, stored, lines).await
}

/// Reports in the room of a message that was found just now what others have done about it already.
pub(crate) async fn show_first(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<(), StoreError> {
    let lines = message
        .shown_reactions()
        .map(|reaction| line(policy, message, reaction));
    show_reactions(tx, policy, message, lines.collect()).await?;
    polls::show_first(tx, policy, message).await
}

async fn show_reactions(tx: &mut Tx, policy: &Policy, message: &Message, lines: Vec<String>) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    notice::show_reactions(tx, policy, message, notice::in_one(lines)).await
}

/// Returns the line that reports a reaction, or that it was removed.
fn line(policy: &Policy, message: &Message, reaction: &Reaction) -> String {
    let who = names::told_doer(policy, message, reaction.from_me, &reaction.name);
    if reaction.emoji.is_empty() {
        format!("{who} removed their reaction")
    } else {
        format!("{who} reacted with {}", reaction.emoji)
    }
}

/// Returns the reactions of a message that is about to be stored, at most [`MAX_REACTIONS`].
pub(crate) fn reactions_of(told: &WaMessage) -> Vec<Reaction> {
    let told = told.reactions.as_deref().unwrap_or_default();
    let present = each_person_once(told, |reaction| Reaction {
        name: names::name_of(&reaction.contact).unwrap_or_else(|| unnamed(reaction.from_me)),
        ..bare(reaction)
    });
    present.into_iter().map(|(reaction, _)| reaction).collect()
}

/// Returns the newest reaction of each person, at most [`MAX_REACTIONS`], with the person: the page may list one under number
/// and LID.
fn each_person_once(told: &[WaReaction], named: impl Fn(&WaReaction) -> Reaction) -> Vec<(Reaction, &WaContact)> {
    let mut reactions: Vec<(Reaction, &WaContact)> = vec![];
    for one in told.iter().take(MAX_REACTIONS) {
        let reaction = named(one);
        let same = |(other, _): &(Reaction, &WaContact)| is_of(other, &reaction, &one.contact);
        match reactions.iter().position(same) {
            Some(at) if reactions[at].0.at > reaction.at => {}
            Some(at) => reactions[at] = (reaction, &one.contact),
            None => reactions.push((reaction, &one.contact)),
        }
    }
    reactions
}

/// Returns whether two reactions are of one person, who has the ids of `contact`.
fn is_of(other: &Reaction, reaction: &Reaction, contact: &WaContact) -> bool {
    let [other, reaction] = [other, reaction].map(|one| (one.from_me, one.sender.as_ref()));
    names::are_of_one_person(other, reaction, contact)
}

/// Replaces a message's text and its mentions, emits the edit, and reports it in the room. Does nothing if the text is the
/// same, the edit is older than the last one, or the message was deleted.
pub(crate) async fn edit(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    content: &str,
    at: Timestamp,
    by: &str,
) -> Result<(), StoreError> {
    let is_old = message.edited_at.is_some_and(|known| known > at);
    if message.content == content || is_old || message.deleted_at.is_some() {
        return Ok(());
    }
    let mentioned = mentioned(tx, message, content).await?;
    // WhatsApp tells our own edit with users' digits where its author wrote names, before or after we store it.
    let content = if message.direction == Direction::Outbound {
        let people = mentioned.iter().map(|one| (one.user.as_str(), one.name.as_deref()));
        mentions::with_names(content, &people)
    } else {
        Cow::from(content)
    };
    if is_text_of(message, &content, &mentioned) {
        return Ok(());
    }
    call(tx, message, mentioned).await?;
    let edited = tx.messages().set_content(message.id, &content, Some(at)).await?;
    tx.emit(Event::message_edited(&edited));
    let shown = policy.shown_message(edited.clone());
    let shown = shown.named(&shown.content);
    let by = names::told_doer(policy, message, message.direction == Direction::Outbound, by);
    notice::show_edit(tx, policy, &edited, format!("{by} edited this to: {shown}")).await
}

/// Returns whether a text is the message's, also where one of them has a user's digits and the other the name.
fn is_text_of(message: &Message, content: &str, mentioned: &[Mention]) -> bool {
    let known = message.details.iter().flat_map(|details| &details.mentions);
    let people = known.chain(mentioned);
    let people = people.filter_map(|one| Some((one.user.as_str(), one.name.as_deref()?)));
    mentions::with_users(&message.content, &people) == mentions::with_users(content, &people)
}

/// Returns whom a message's new text mentions.
async fn mentioned(tx: &Tx, message: &Message, content: &str) -> Result<Vec<Mention>, StoreError> {
    match tx.conversations().get(message.conversation_id).await? {
        Some(conversation) => groups::mentions_in(tx, &conversation, content).await,
        None => Ok(vec![]),
    }
}

/// Stores whom a message mentions.
async fn call(tx: &Tx, message: &Message, mentions: Vec<Mention>) -> Result<(), StoreError> {
    let mut details = message.details.clone().unwrap_or_default();
    if details.mentions != mentions {
        details.mentions = mentions;
        tx.messages().set_details(message.id, &details).await?;
    }
    Ok(())
}

/// Marks a message as deleted for everyone, emits that, and reports it in the room. Does nothing if it was deleted
/// before.
pub(crate) async fn delete(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    at: Timestamp,
    by: &str,
) -> Result<(), StoreError> {
    let by = names::told_doer(policy, message, message.direction == Direction::Outbound, by);
    delete_as(tx, policy, message, at, &by).await
}

/// Like [`delete`]; `by` is named as it stands.
async fn delete_as(tx: &mut Tx, policy: &Policy, message: &Message, at: Timestamp, by: &str) -> Result<(), StoreError> {
    if message.deleted_at.is_some() {
        return Ok(());
    }
    let deleted = tx.messages().set_deleted(message.id, at).await?;
    tx.emit(Event::message_deleted(&deleted));
    notice::show_deletion(tx, policy, &deleted, format!("{by} deleted this for everyone")).await
}

/// Like [`delete`], for an admin of the group who is not the author. The message names the admin.
async fn delete_as_admin(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    at: Timestamp,
    admin: &str,
) -> Result<(), StoreError> {
    if message.deleted_at.is_some() {
        return Ok(());
    }
    let mut details = message.details.clone().unwrap_or_default();
    details.deleted_by = Some(admin.to_owned());
    let message = tx.messages().set_details(message.id, &details).await?;
    delete_as(tx, policy, &message, at, &policy.shown_name(admin, None)).await
}

/// Sets a person's reaction to a message in place of their last one; an empty emoji removes it. Does nothing if it is
/// older than the last one, or the same.
pub(crate) async fn react(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    reaction: Reaction,
) -> Result<(), StoreError> {
    react_as(tx, policy, message, reaction, &WaContact::default()).await
}

/// Like [`react`], for a person with the ids of `contact`.
async fn react_as(
    tx: &mut Tx,
    policy: &Policy,
    message: &Message,
    reaction: Reaction,
    contact: &WaContact,
) -> Result<(), StoreError> {
    let is_theirs = |other: &Reaction| is_of(other, &reaction, contact);
    let before = message.reactions.iter().find(|other| is_theirs(other));
    if before.is_some_and(|before| before.at > reaction.at) {
        return Ok(());
    }
    let is_same = before.map_or("", |before| before.emoji.as_str()) == reaction.emoji;
    if is_same && before.is_some_and(|before| before.at == reaction.at) {
        return Ok(());
    }
    let mut reactions = message.reactions.clone();
    reactions.retain(|other| !is_theirs(other));
    if reactions.len() >= MAX_REACTIONS {
        match reactions.iter().position(|other| other.emoji.is_empty()) {
            Some(removed) => drop(reactions.remove(removed)),
            None if is_same || !reaction.emoji.is_empty() => return Ok(()),
            None => {}
        }
    }
    let is_shown = !reaction.emoji.is_empty();
    let line = line(policy, message, &reaction);
    // A removed reaction stays, without an emoji: the reaction that it removes may still arrive.
    if reactions.len() < MAX_REACTIONS {
        reactions.push(reaction);
    }
    if is_same {
        let changed = tx.messages().set_reactions(message.id, &reactions).await?;
        // No news for the room, but followers know the message with its author of the reaction, and with its time.
        if is_shown {
            tx.emit(Event::message_reaction(&changed));
        }
        return Ok(());
    }
    set_reactions(tx, message, reactions).await?;
    notice::show_reactions(tx, policy, message, line).await
}

async fn set_reactions(tx: &mut Tx, message: &Message, reactions: Vec<Reaction>) -> Result<(), StoreError> {
    if emojis(&message.reactions) == emojis(&reactions) {
        return Ok(());
    }
    let changed = tx.messages().set_reactions(message.id, &reactions).await?;
    tx.emit(Event::message_reaction(&changed));
    Ok(())
}

/// Returns reactions as sorted tuples of sender and emoji, to compare two lists; without those that were removed.
fn emojis(reactions: &[Reaction]) -> Vec<(bool, Option<&WaUserId>, &str)> {
    let all = reactions.iter().filter(|one| !one.emoji.is_empty());
    let mut all: Vec<_> = all
        .map(|one| (one.from_me, one.sender.as_ref(), one.emoji.as_str()))
        .collect();
    all.sort();
    all
}

/// Returns the message that an event is about. A customer's message is searched in that customer's conversation only,
/// since the sender chooses the id (rule 12).
async fn find(tx: &mut Tx, account: &Account, target: &MessageKey) -> Result<Option<Message>, StoreError> {
    if target.from_me {
        return tx.messages().ours(account.id, &target.id, Some(&target.chat)).await;
    }
    let sender = names::sender_key(target.chat_kind, target.from_me, &target.sender, &target.contact);
    let mut conversation = tx.conversations().of_chat(account.id, &target.chat).await?;
    if conversation.is_none() && target.chat_kind == ChatKind::Direct {
        for identity in &target.contact.identities {
            if let Some(customer) = tx.customers().by_identity(identity).await? {
                conversation = tx.conversations().of_customer(account.id, customer.id).await?;
                break;
            }
        }
    }
    let Some(conversation) = conversation else {
        return Ok(None);
    };
    if target.chat_kind == ChatKind::Direct {
        return tx.messages().under(conversation.id, &target.id, false, &sender).await;
    }
    let by = members::with_other_id(tx, conversation.id, &target.contact).await?;
    let sender = names::sender_key(target.chat_kind, target.from_me, &target.sender, &by);
    members::message_of(tx, conversation.id, &target.id, &sender, &by).await
}

fn bare(reaction: &WaReaction) -> Reaction {
    let in_group = !reaction.from_me && !matches!(reaction.sender.as_str(), "" | "me" | "them");
    Reaction {
        emoji: reaction.emoji.clone(),
        from_me: reaction.from_me,
        sender: in_group.then(|| WaUserId(reaction.sender.as_str().to_owned())),
        name: String::new(),
        at: reaction.at,
    }
}

fn named(reaction: &WaReaction, message: &Message) -> Reaction {
    let name = names::doer(reaction.from_me, &reaction.contact, message);
    Reaction { name, ..bare(reaction) }
}
