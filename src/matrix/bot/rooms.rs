//! Rooms, made exactly once: the alias is the key, and whatever a crash has left undone is done at the next call
//! (rule 19).

use std::time::Duration;

use matrix_sdk::Client;
use matrix_sdk::ruma::api::client::alias::{delete_alias, get_alias};
use matrix_sdk::ruma::api::client::membership::invite_user;
use matrix_sdk::ruma::api::client::room::create_room;
use matrix_sdk::ruma::api::client::room::create_room::v3::RoomPreset;
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedRoomId, RoomAliasId, RoomId, UserId};
use serde_json::json;
use serde_json::value::to_raw_value;

use super::state;
use crate::domain::MatrixUserId;
use crate::domain::matrix::RoomSpec;
use crate::matrix::wire::{Fault, Found, Wanted, via};

/// A room whose alias is there and that cannot be read may still be in the making, on behalf of a request of ours that
/// was cut off: it is looked at again this often, after this pause.
const LOOKS: usize = 5;
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Aliases that are tried for one room: its own, and derived ones where somebody else has taken that.
const MAX_ALIASES: usize = 4;

/// A room as it should be, conversation or Space.
pub(super) struct Plan<'a> {
    /// Local part.
    pub(super) alias: &'a str,
    pub(super) wanted: Vec<Wanted>,
    pub(super) invite: &'a [MatrixUserId],
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Room,
    Direct,
    Space,
}

/// What a conversation's room should be. `space` is where it hangs; a direct room hangs nowhere.
pub(super) fn plan<'a>(spec: &'a RoomSpec, space: Option<&RoomId>, us: &UserId, is_encrypted: bool) -> Plan<'a> {
    let mut wanted = vec![Wanted::new("m.room.name", "", json!({"name": spec.name}))];
    wanted.push(Wanted::new("m.room.topic", "", json!({"topic": spec.topic})));
    if is_encrypted {
        let encryption = json!({"algorithm": "m.megolm.v1.aes-sha2"});
        wanted.push(Wanted::new("m.room.encryption", "", encryption).once());
    }
    if let Some(space) = space {
        // Members of the Space come in by themselves: an agent who begins later needs no thousand invitations.
        let allow = json!([{"type": "m.room_membership", "room_id": space}]);
        wanted.push(Wanted::new(
            "m.room.join_rules",
            "",
            json!({"join_rule": "restricted", "allow": allow}),
        ));
        let mut parent = json!(via(us.server_name().as_str()));
        parent["canonical"] = json!(true);
        wanted.push(Wanted::new("m.space.parent", space.as_str(), parent));
    }
    if !spec.direct {
        let bridge = json!({
            "bridgebot": us,
            "protocol": {"id": "whatsapp", "displayname": "WhatsApp"},
            "channel": {"id": spec.alias, "displayname": spec.name},
        });
        wanted.push(Wanted::new("m.bridge", format!("crm.{}", spec.alias), bridge));
    }
    Plan {
        alias: &spec.alias,
        wanted,
        invite: &spec.invite,
        kind: if spec.direct { Kind::Direct } else { Kind::Room },
    }
}

/// The room of the plan, found or made, and as it should be.
pub(super) async fn ensure(client: &Client, us: &UserId, plan: &Plan<'_>) -> Result<OwnedRoomId, Fault> {
    for number in 1..=MAX_ALIASES {
        let local = match number {
            1 => plan.alias.to_owned(),
            number => format!("{}-{number}", plan.alias),
        };
        let alias = RoomAliasId::parse(format!("#{local}:{}", us.server_name()))?;
        let room = match resolve(client, &alias).await? {
            Some(room) => room,
            None => match create(client, plan, &local).await {
                Ok(room) => return Ok(room),
                // Somebody was faster, or it was made half-way: look at what is there.
                Err(fault) => resolve(client, &alias).await?.ok_or(fault)?,
            },
        };
        match settled(client, &room).await {
            Ok(found) if !found.is_created_by(us) => {}
            Ok(found) if found.has_joined(us.as_str()) => {
                complete(client, &room, &found, plan).await?;
                return Ok(room);
            }
            Ok(_) => {
                // We made it and were put out of it since: the alias goes to a new room.
                client.send(delete_alias::v3::Request::new(alias)).await?;
                return create(client, plan, &local).await;
            }
            // A stranger's room, or one of ours that a crash of the homeserver has left without a beginning: Synapse gives
            // the alias away before it makes the room.
            Err(Fault::Forbidden(_) | Fault::Missing(_)) => {}
            Err(fault) => return Err(fault),
        }
        tracing::warn!(%room, "the alias of a room of ours leads to a room that is not: another is taken");
    }
    Err(Fault::Refused(format!(
        "the alias {} and {} derived from it lead to rooms that we did not make: remove one of them from the homeserver",
        plan.alias,
        MAX_ALIASES - 1
    )))
}

/// Makes an existing room what it should be.
///
/// # Errors
/// `Gone` when we are not in it.
pub(super) async fn update(client: &Client, us: &UserId, room: &RoomId, plan: &Plan<'_>) -> Result<(), Fault> {
    let found = match state::read(client, room).await {
        Err(Fault::Forbidden(why) | Fault::Missing(why)) => return Err(Fault::Gone(why)),
        found => found?,
    };
    if !found.has_joined(us.as_str()) {
        return Err(Fault::Gone(format!("we are no longer in {room}")));
    }
    complete(client, room, &found, plan).await
}

/// The state of the room to which an alias leads, once it can be read.
async fn settled(client: &Client, room: &RoomId) -> Result<Found, Fault> {
    for _ in 1..LOOKS {
        match state::read(client, room).await {
            Err(Fault::Forbidden(_) | Fault::Missing(_)) => tokio::time::sleep(LOOK_PAUSE).await,
            found => return found,
        }
    }
    state::read(client, room).await
}

async fn resolve(client: &Client, alias: &RoomAliasId) -> Result<Option<OwnedRoomId>, Fault> {
    match client
        .send(get_alias::v3::Request::new(alias.to_owned()))
        .await
        .map_err(Fault::from)
    {
        Ok(found) => Ok(Some(found.room_id)),
        Err(Fault::Missing(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn create(client: &Client, plan: &Plan<'_>, alias: &str) -> Result<OwnedRoomId, Fault> {
    let mut request = create_room::v3::Request::new();
    request.room_alias_name = Some(alias.to_owned());
    request.preset = Some(match plan.kind {
        Kind::Direct => RoomPreset::TrustedPrivateChat,
        Kind::Room | Kind::Space => RoomPreset::PrivateChat,
    });
    request.is_direct = plan.kind == Kind::Direct;
    for wanted in &plan.wanted {
        request.initial_state.push(wanted.initial()?);
    }
    for user in plan.invite {
        request.invite.push(UserId::parse(user.as_str())?);
    }
    if plan.kind == Kind::Space {
        request.creation_content = Some(raw(&json!({"type": "m.space"}))?);
        // A Space holds rooms, not talk. No users are named: since room version 12 the creator must not be.
        request.power_level_content_override = Some(raw(&json!({"events_default": 100}))?);
    }
    // Through the SDK, which then knows of the room before the next sync says so.
    let room = client.create_room(request).await?;
    tracing::info!(room = %room.room_id(), "a room was made");
    Ok(room.room_id().to_owned())
}

fn raw<T>(value: &serde_json::Value) -> Result<Raw<T>, Fault> {
    Ok(Raw::from_json(to_raw_value(value)?))
}

async fn complete(client: &Client, room: &RoomId, found: &Found, plan: &Plan<'_>) -> Result<(), Fault> {
    state::make_good(client, room, found, &plan.wanted).await?;
    for user in plan.invite {
        if found.is_expected(user.as_str()) || found.is_banned(user.as_str()) {
            continue;
        }
        match invite(client, room, user).await {
            // One agent whose homeserver is down or who is no more must not keep the others out.
            Err(fault @ (Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_))) => {
                tracing::warn!(%room, %user, "an agent could not be invited: {fault}");
            }
            done => done?,
        }
    }
    Ok(())
}

async fn invite(client: &Client, room: &RoomId, user: &MatrixUserId) -> Result<(), Fault> {
    let user = UserId::parse(user.as_str())?;
    if let Some(known) = client.get_room(room) {
        // Through the SDK, which hands the keys of what was said before to whoever's client can take them (MSC4268).
        match known.invite_user_by_id(&user).await.map_err(Fault::from) {
            Ok(()) => return Ok(()),
            Err(passing @ (Fault::Network(_) | Fault::LoggedOut(_))) => return Err(passing),
            Err(Fault::Busy {
                why,
                retry_after: Some(pause),
            }) => {
                return Err(Fault::Busy {
                    why,
                    retry_after: Some(pause),
                });
            }
            Err(fault) => tracing::warn!(%room, %user, "older keys could not be shared: {fault}"),
        }
        known.mark_members_missing();
    }
    let recipient = invite_user::v3::InvitationRecipient::UserId(invite_user::v3::InviteUserId::new(user));
    client
        .send(invite_user::v3::Request::new(room.to_owned(), recipient))
        .await?;
    Ok(())
}
