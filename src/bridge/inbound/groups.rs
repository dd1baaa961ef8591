//! Groups: stores their names and members as WhatsApp reports them.

use crate::bridge::core::names;
use crate::bridge::core::notice::announce;
use crate::bridge::core::policy::Policy;
use crate::domain::WaUserId;
use crate::domain::account::Account;
use crate::domain::conversation::{ChatKind, Conversation};
use crate::domain::customer::IdentityKind;
use crate::domain::details::Mention;
use crate::domain::group::{Group, Participant};
use crate::domain::mentions;
use crate::domain::whatsapp::{WaGroup, WaParticipant};
use crate::store::{StoreError, Tx, WorkFor};

/// Maximum number of mentions by name in one text.
const MAX_MENTIONS: usize = 1024;

/// Stores a group's name and members, and has its avatar checked. Does nothing for a group without a conversation, in
/// which nobody has written yet; the page reports it again with its first message.
pub(crate) async fn take_in(tx: &mut Tx, policy: &Policy, account: &Account, told: &WaGroup) -> Result<(), StoreError> {
    let Some(conversation) = tx.conversations().of_chat(account.id, &told.chat).await? else {
        return Ok(());
    };
    let known = tx.groups().get(conversation.id).await?.unwrap_or_default();
    let participants = match &told.participants {
        Some(participants) => participants.iter().map(participant).collect(),
        None => known.participants,
    };
    let mut changed = tx.groups().set(conversation.id, &participants).await?;
    tx.avatars().recheck_group(conversation.id).await?;
    tx.wake(WorkFor::Avatars(account.id));
    if let Some(name) = told.name.as_ref().filter(|name| **name != conversation.name) {
        tx.conversations()
            .resolve(account.id, None, Some(&told.chat), ChatKind::Group, name)
            .await?;
        changed = true;
    }
    if changed {
        announce(tx, policy, conversation.id).await?;
    }
    Ok(())
}

/// Returns the mentions of a text, which only a group has, by its members now.
pub(crate) async fn mentions_in(tx: &Tx, conversation: &Conversation, text: &str) -> Result<Vec<Mention>, StoreError> {
    if !may_mention(conversation, text) {
        return Ok(vec![]);
    }
    let group = tx.groups().get(conversation.id).await?;
    Ok(group.map(|group| mentions_of(text, &group)).unwrap_or_default())
}

/// Returns whether a text can mention somebody.
pub(crate) fn may_mention(conversation: &Conversation, text: &str) -> bool {
    conversation.kind == ChatKind::Group && text.contains('@')
}

/// Returns the mentions of a text: the group's members whose number or LID follows an `@`, or whose name does, if it
/// cannot be another member's.
pub(crate) fn mentions_of(text: &str, group: &Group) -> Vec<Mention> {
    let others: Vec<&Participant> = group.participants.iter().filter(|member| !member.from_me).collect();
    let names: Vec<&str> = others.iter().map(|member| member.name.as_str()).collect();
    let mut found: Vec<Mention> = mentioned(text, group)
        .into_iter()
        .map(|member| Mention {
            user: member.user,
            name: Some(member.name),
        })
        .collect();
    for (member, place) in mentions::named(text, &names) {
        let mention = Mention {
            user: others[member].user.clone(),
            // As the text has it, so that the text can be sent with the user in its place.
            name: Some(text[place].to_owned()),
        };
        if !found.contains(&mention) && found.len() < MAX_MENTIONS {
            found.push(mention);
        }
    }
    found
}

/// Returns the group's members whom the text mentions by `@user`.
fn mentioned(text: &str, group: &Group) -> Vec<Participant> {
    let named = |user: &WaUserId| {
        text.match_indices('@').any(|(at, _)| {
            let rest = &text[at + 1..];
            rest.strip_prefix(user.as_str())
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        })
    };
    let members = group.participants.iter();
    members.filter(|member| named(&member.user)).cloned().collect()
}

fn participant(told: &WaParticipant) -> Participant {
    let identity = |kind| {
        let mut identities = told.contact.identities.iter();
        identities.find(move |identity| identity.kind == kind)
    };
    let phone = identity(IdentityKind::Phone).and_then(|phone| phone.value.parse().ok());
    let user = told.user.as_str();
    let user = user.split_once('@').map_or(user, |(user, _)| user);
    let name = if told.from_me {
        Some("You".to_owned())
    } else {
        names::name_of(&told.contact)
    };
    Participant {
        user: WaUserId(user.to_owned()),
        name: name
            .or_else(|| identity(IdentityKind::Phone).map(|phone| phone.value.clone()))
            .unwrap_or_else(|| user.to_owned()),
        phone,
        from_me: told.from_me,
        is_admin: told.is_admin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_sign_and_user_id_mention_member() {
        let member = |user: &str| Participant {
            user: WaUserId::from(user),
            name: user.to_owned(),
            phone: None,
            from_me: false,
            is_admin: false,
        };
        let group = Group {
            photo_url: None,
            participants: vec![member("9001"), member("900"), member("9003")],
        };
        let called: Vec<String> = mentioned("@9001, and x@9003; @90031", &group)
            .into_iter()
            .map(|member| member.name)
            .collect();
        assert_eq!(called, ["9001", "9003"]);
        assert!(mentioned("nobody at all @", &group).is_empty());
    }
}
