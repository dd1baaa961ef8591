//! Later changes of a message's details: votes in a poll, the position of a live location, the timer of a disappearing
//! message. Each is applied once, however often it is reported.

use crate::bridge::core::policy::Policy;
use crate::bridge::core::{names, notice};
use crate::contract::Event;
use crate::domain::details::{Location, PollVote};
use crate::domain::message::Message;
use crate::domain::whatsapp::{WaContact, WaMessage, WaVote};
use crate::domain::{Timestamp, WaUserId};
use crate::store::{StoreError, Tx};

use super::members;

/// Upper bound of the voters kept for one poll: the number of members that a group can have.
const MAX_VOTES: usize = 2048;

/// Stores a vote in place of the same person's last one, unless it is older, and reports it in the room. An empty vote
/// withdraws the last one and is stored in its place, so that an older vote cannot undo that.
pub(crate) async fn vote(tx: &mut Tx, policy: &Policy, message: &Message, told: &WaVote) -> Result<(), StoreError> {
    let vote = named(told, message);
    let by = members::with_other_id(tx, message.conversation_id, &told.contact).await?;
    let shown = cast(tx, message, vec![(vote, by)]).await?;
    show(tx, policy, message, &shown).await
}

/// Reports in the room of a poll that was found just now the votes that it has already.
pub(crate) async fn show_first(tx: &mut Tx, policy: &Policy, message: &Message) -> Result<(), StoreError> {
    let poll = message.details.as_ref().and_then(|details| details.poll.as_ref());
    let votes: Vec<PollVote> = poll.map(|poll| poll.votes.clone()).unwrap_or_default();
    let votes: Vec<PollVote> = votes.into_iter().filter(|vote| !vote.options.is_empty()).collect();
    show(tx, policy, message, &votes).await
}

/// Reports votes in the room: ours apart, since a customer's own user may show the customer's.
async fn show(tx: &mut Tx, policy: &Policy, message: &Message, votes: &[PollVote]) -> Result<(), StoreError> {
    for from_me in [false, true] {
        let votes = votes.iter().filter(|vote| vote.from_me == from_me);
        let lines: Vec<String> = votes.map(|vote| line(policy, message, vote)).collect();
        if !lines.is_empty() {
            notice::show_vote(tx, policy, message, from_me, notice::in_one(lines)).await?;
        }
    }
    Ok(())
}

/// Returns the line that reports a vote, or that it was removed.
fn line(policy: &Policy, message: &Message, vote: &PollVote) -> String {
    let chosen = vote.options.join(", ");
    let who = names::told_doer(policy, message, vote.from_me, &vote.name);
    if chosen.is_empty() {
        format!("{who} removed their vote")
    } else {
        format!("{who} voted for: {chosen}")
    }
}

/// Stores the new position of a live location and emits the edit. Does nothing if it is older, the same, or the message
/// was deleted.
pub(crate) async fn move_to(tx: &mut Tx, message: &Message, to: &Location, at: Timestamp) -> Result<(), StoreError> {
    let mut details = message.details.clone().unwrap_or_default();
    let Some(from) = details.location.take() else {
        return Ok(());
    };
    let is_old = message.edited_at.is_some_and(|known| known > at);
    if is_old || message.deleted_at.is_some() || (from.latitude, from.longitude) == (to.latitude, to.longitude) {
        return Ok(());
    }
    // An update may lack fields that the first report had.
    let mut place = to.clone();
    place.name = place.name.or(from.name);
    place.address = place.address.or(from.address);
    place.live_until = place.live_until.max(from.live_until);
    details.location = Some(place);
    tx.messages().set_details(message.id, &details).await?;
    let moved = tx
        .messages()
        .set_content(message.id, &message.content, Some(at))
        .await?;
    tx.emit(Event::message_edited(&moved));
    Ok(())
}

/// Stores whether people keep a disappearing message: then it stays, otherwise its time counts from its writing again.
/// Does nothing for a message that is gone.
pub(crate) async fn keep(tx: &mut Tx, message: &Message, is_kept: bool) -> Result<(), StoreError> {
    let mut details = message.details.clone().unwrap_or_default();
    if message.deleted_at.is_some() || details.kept == is_kept {
        return Ok(());
    }
    details.kept = is_kept;
    tx.messages()
        .set_disappearing(message.id, details.disappears_at(message.timestamp))
        .await?;
    tx.messages().set_details(message.id, &details).await?;
    Ok(())
}

/// Updates the votes, timer and live location of a stored message to the page's version, and reports new votes in the room.
pub(crate) async fn reconcile(
    tx: &mut Tx,
    policy: &Policy,
    stored: &Message,
    told: &WaMessage,
) -> Result<(), StoreError> {
    if let Some(votes) = &told.votes {
        let votes = votes
            .iter()
            .map(|vote| (named(vote, stored), vote.contact.clone()))
            .collect();
        let shown = cast(tx, stored, votes).await?;
        show(tx, policy, stored, &shown).await?;
    }
    learn_timer(tx, stored, told).await?;
    if told.details.as_ref().is_some_and(|details| details.kept)
        && let Some(stored) = tx.messages().get(stored.id).await?
    {
        keep(tx, &stored, true).await?;
    }
    let place = told.details.as_ref().and_then(|details| details.location.as_ref());
    if let Some(place) = place.filter(|place| place.live_until.is_some()) {
        let now = tx.now();
        // Read again, since the steps above may have changed the row.
        if let Some(stored) = tx.messages().lock(stored.id).await? {
            move_to(tx, &stored, place, now).await?;
        }
    }
    Ok(())
}

/// Stores the timer of a disappearing message that the page reports. Our own messages get their chat's timer only
/// there.
async fn learn_timer(tx: &mut Tx, stored: &Message, told: &WaMessage) -> Result<(), StoreError> {
    let seconds = told.details.as_ref().and_then(|details| details.expires_after_s);
    if seconds.is_none() {
        return Ok(());
    }
    let Some(stored) = tx.messages().lock(stored.id).await? else {
        return Ok(());
    };
    let mut details = stored.details.clone().unwrap_or_default();
    if details.expires_after_s.is_some() || stored.deleted_at.is_some() {
        return Ok(());
    }
    details.expires_after_s = seconds;
    if let Some(at) = details.disappears_at(stored.timestamp) {
        tx.messages().set_disappearing(stored.id, at).await?;
    }
    tx.messages().set_details(stored.id, &details).await.map(|_| ())
}

/// Returns the votes of a poll that is about to be stored, at most [`MAX_VOTES`].
pub(crate) fn votes_of(told: &WaMessage) -> Vec<PollVote> {
    let mut votes = vec![];
    for told in told.votes.iter().flatten().take(MAX_VOTES) {
        let vote = PollVote {
            name: names::name_of(&told.contact).unwrap_or_else(|| names::unnamed(told.from_me)),
            ..bare(told)
        };
        count(&mut votes, vote, &told.contact);
    }
    votes
}

/// Effect of counting a vote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// It changes what the poll shows.
    Shown,
    /// It is the same vote at a later time, which the poll's change tells and the room does not.
    Renewed,
    /// It is stored, and changes nothing that is shown.
    Noted,
    /// It is older than the person's last vote, or one too many.
    Nothing,
}

/// Counts a vote in place of the same person's last one, who has the ids of `contact`. A withdrawn vote is stored though
/// nothing shows it: the vote that it withdraws may still arrive.
fn count(votes: &mut Vec<PollVote>, vote: PollVote, contact: &WaContact) -> Counted {
    let is_theirs = |other: &PollVote| {
        let [other, vote] = [other, &vote].map(|one| (one.from_me, one.sender.as_ref()));
        names::are_of_one_person(other, vote, contact)
    };
    match votes.iter().position(is_theirs) {
        Some(at) if votes[at].at > vote.at => Counted::Nothing,
        Some(at) if votes[at].options == vote.options => {
            let is_newer = votes[at].at < vote.at;
            votes[at].at = vote.at;
            match (is_newer, vote.options.is_empty()) {
                (true, false) => Counted::Renewed,
                (true, true) => Counted::Noted,
                (false, _) => Counted::Nothing,
            }
        }
        Some(at) => {
            votes[at] = vote;
            Counted::Shown
        }
        None if votes.len() >= MAX_VOTES => Counted::Nothing,
        None => {
            let is_shown = !vote.options.is_empty();
            votes.push(vote);
            if is_shown { Counted::Shown } else { Counted::Noted }
        }
    }
}

/// Stores the votes that are new, and emits the poll's change. Returns those by which it shows something else than before.
async fn cast(tx: &mut Tx, message: &Message, votes: Vec<(PollVote, WaContact)>) -> Result<Vec<PollVote>, StoreError> {
    let mut details = message.details.clone().unwrap_or_default();
    let Some(poll) = details.poll.as_mut() else {
        return Ok(vec![]);
    };
    let (mut shown, mut counted) = (vec![], vec![]);
    for (vote, contact) in votes {
        let effect = count(&mut poll.votes, vote.clone(), &contact);
        counted.push(effect);
        if effect == Counted::Shown {
            shown.push(vote);
        }
    }
    if counted.iter().any(|one| *one != Counted::Nothing) {
        let stored = tx.messages().set_details(message.id, &details).await?;
        // Its followers have what is stored, the time of each vote too.
        if counted
            .iter()
            .any(|one| matches!(one, Counted::Shown | Counted::Renewed))
        {
            tx.emit(Event::message_poll(&stored));
        }
    }
    Ok(shown)
}

fn bare(vote: &WaVote) -> PollVote {
    let in_group = !vote.from_me && !vote.sender.as_str().is_empty();
    PollVote {
        from_me: vote.from_me,
        sender: in_group.then(|| WaUserId(vote.sender.as_str().to_owned())),
        name: String::new(),
        options: vote.options.clone(),
        at: vote.at,
    }
}

fn named(vote: &WaVote, message: &Message) -> PollVote {
    let name = names::doer(vote.from_me, &vote.contact, message);
    PollVote { name, ..bare(vote) }
}
