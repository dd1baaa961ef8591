//! Later changes of a message's details: votes in a poll, the position of a live location, the timer of a disappearing
//! message. Each is applied once, however often it is reported.

use crate::bridge::core::policy::Policy;
use crate::bridge::core::{names, notice};
use crate::contract::Event;
use crate::domain::details::{Location, PollVote};
use crate::domain::message::Message;
use crate::domain::whatsapp::{WaMessage, WaVote};
use crate::domain::{Timestamp, WaUserId};
use crate::store::{StoreError, Tx};

/// Upper bound of the voters kept for one poll: the number of members that a group can have.
const MAX_VOTES: usize = 2048;

/// Stores a vote in place of the same person's last one, unless it is older, and reports it in the room. An empty vote
/// withdraws the last one and is stored in its place, so that an older vote cannot undo that.
pub(crate) async fn vote(tx: &mut Tx, policy: &Policy, message: &Message, told: &WaVote) -> Result<(), StoreError> {
    let vote = named(told, message);
    let chosen = vote.options.join(", ");
    let line = if chosen.is_empty() {
        format!("{} removed their vote", vote.name)
    } else {
        format!("{} voted for: {chosen}", vote.name)
    };
    if !cast(tx, message, vec![vote]).await? {
        return Ok(());
    }
    notice::tell(tx, policy, message, line).await
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

/// Updates the votes, timer and live location of a stored message to the page's version.
pub(crate) async fn reconcile(tx: &mut Tx, stored: &Message, told: &WaMessage) -> Result<(), StoreError> {
    if let Some(votes) = &told.votes {
        let votes = votes.iter().map(|vote| named(vote, stored)).collect();
        cast(tx, stored, votes).await?;
    }
    learn_timer(tx, stored, told).await?;
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
    let Some(stored) = tx.messages().lock(stored.id).await? else {
        return Ok(());
    };
    let mut details = stored.details.clone().unwrap_or_default();
    if seconds.is_none() || details.expires_after_s.is_some() || stored.deleted_at.is_some() {
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
    let told = told.votes.iter().flatten().take(MAX_VOTES);
    told.map(|vote| PollVote {
        name: names::name_of(&vote.contact).unwrap_or_else(|| names::unnamed(vote.from_me)),
        ..bare(vote)
    })
    .collect()
}

/// Stores the votes that are new, and emits the poll's change. Returns whether there were any.
async fn cast(tx: &mut Tx, message: &Message, votes: Vec<PollVote>) -> Result<bool, StoreError> {
    let mut details = message.details.clone().unwrap_or_default();
    let Some(poll) = details.poll.as_mut() else {
        return Ok(false);
    };
    let mut changed = false;
    for vote in votes {
        match poll.votes.iter().position(|other| other.is_of_same(&vote)) {
            Some(at) if poll.votes[at].at > vote.at || poll.votes[at].options == vote.options => {}
            Some(at) => {
                poll.votes[at] = vote;
                changed = true;
            }
            None if vote.options.is_empty() || poll.votes.len() >= MAX_VOTES => {}
            None => {
                poll.votes.push(vote);
                changed = true;
            }
        }
    }
    if changed {
        let counted = tx.messages().set_details(message.id, &details).await?;
        tx.emit(Event::message_poll(&counted));
    }
    Ok(changed)
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
