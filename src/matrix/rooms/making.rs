//! Creation and update of rooms. A room is created exactly once: its alias is the key, and the next call completes what
//! a crash left unfinished (rule 19).

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use matrix_sdk::ruma::api::client::alias::{delete_alias, get_alias};
use matrix_sdk::ruma::api::client::membership::{invite_user, kick_user};
use matrix_sdk::ruma::api::client::room::create_room;
use matrix_sdk::ruma::api::client::room::create_room::v3::RoomPreset;
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{OwnedRoomAliasId, OwnedRoomId, RoomAliasId, RoomId, RoomVersionId, UserId};
use serde_json::json;
use serde_json::value::to_raw_value;

use super::caller::{Caller, send};
use super::state;
use crate::domain::matrix::RoomSpec;
use crate::domain::moving::Logins;
use crate::domain::{MatrixRoomId, MatrixUserId};
use crate::matrix::wire::{Fault, INVITE_LEVEL, RoomState, Wanted, via};

/// Attempts to read a room that its alias leads to, and the pause between them. A room that cannot be read may still be
/// in creation, by a request of ours that was cut off.
const READ_ATTEMPTS: usize = 5;
const READ_PAUSE: Duration = Duration::from_secs(1);
/// How long an invitation to another server may take. A homeserver answers it when that server has, or after minutes of tries.
const ABROAD_WITHIN: Duration = Duration::from_secs(10);
/// Aliases tried for one room: its own, and derived ones if that is taken by somebody else.
const MAX_ALIASES: usize = 4;

/// The desired room or Space.
pub struct Plan<'a> {
    /// Local part of the alias.
    pub alias: &'a str,
    /// Its state.
    pub wanted: Vec<Wanted>,
    /// Users to invite.
    pub invite: &'a [MatrixUserId],
    /// Users who may be in it as well.
    pub allow: &'a [MatrixUserId],
    /// Users to put out.
    pub exclude: &'a [MatrixUserId],
    /// Its kind.
    pub kind: Kind,
    /// User who makes or made it; none: any login of this desk.
    pub creator: Option<&'a MatrixUserId>,
    /// Users that are or were this desk's own.
    pub logins: &'a Logins,
    /// Room that it replaces.
    pub replaces: Option<&'a MatrixRoomId>,
    /// Its version, if it is made; none: the homeserver's own.
    pub version: Option<&'a str>,
}

impl Plan<'_> {
    /// Returns whether a user may be in the room.
    fn has_place_for(&self, user: &str, us: &UserId) -> bool {
        let mut users = self.invite.iter().chain(self.allow);
        user == us.as_str() || self.logins.has(user) || users.any(|other| other.as_str() == user)
    }
}

/// Kind of a room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A conversation's room, in the Space.
    Room,
    /// A direct chat, outside the Space.
    Direct,
    /// A room by invitation alone, outside the Space.
    Closed,
    /// The Space itself.
    Space,
}

/// Returns the plan of a conversation's room. `space` is its parent; a direct or a closed room has none.
pub fn plan<'a>(
    spec: &'a RoomSpec,
    (space, logins): (Option<&RoomId>, &'a Logins),
    us: &UserId,
    is_encrypted: bool,
) -> Plan<'a> {
    let mut wanted = vec![Wanted::new("m.room.name", "", json!({"name": spec.name}))];
    wanted.push(Wanted::new("m.room.topic", "", json!({"topic": spec.topic})));
    if is_encrypted {
        let encryption = json!({"algorithm": "m.megolm.v1.aes-sha2"});
        wanted.push(Wanted::new("m.room.encryption", "", encryption).once());
    }
    if let Some(space) = space {
        // Members of the Space may join by themselves: a new agent needs no thousand invitations.
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
    let kind = match spec {
        RoomSpec { direct: true, .. } => Kind::Direct,
        RoomSpec { closed: true, .. } => Kind::Closed,
        _ => Kind::Room,
    };
    if kind == Kind::Room {
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
        allow: &spec.allow,
        exclude: &spec.exclude,
        kind,
        creator: spec.creator.as_ref(),
        logins,
        replaces: spec.replaces.as_ref(),
        version: None,
    }
}

/// Returns the room of the plan: found by its alias or created, and brought up to date.
pub async fn ensure(caller: Caller<'_>, plan: &Plan<'_>) -> Result<OwnedRoomId, Fault> {
    let us = caller.us();
    for alias in aliases(plan.alias, us)? {
        let room = match resolve(caller, &alias).await? {
            Some(room) => room,
            None => match create(caller, plan, alias.alias()).await {
                Ok(room) => return Ok(room),
                // Another request was faster, or the creation was cut off after the alias was set: use what is there.
                Err(fault) => resolve(caller, &alias).await?.ok_or(fault)?,
            },
        };
        match read_settled(caller, &room).await {
            Ok(current) if !is_of(&current, us, plan.creator, plan.logins) => {}
            Ok(current) if current.has_joined(us.as_str()) && !current.is_replaced() => {
                apply(caller, &room, &current, plan).await?;
                return Ok(room);
            }
            Ok(_) => {
                // We created it, and were removed from it or somebody has upgraded it: the alias moves to a new room.
                send!(caller, delete_alias::v3::Request::new(alias.clone()))?;
                return create(caller, plan, alias.alias()).await;
            }
            // A stranger's room, or one of ours that a crash of the homeserver left without its first event: Synapse
            // stores the alias before it creates the room.
            Err(Fault::Forbidden(_) | Fault::Missing(_)) => {}
            Err(fault) => return Err(fault),
        }
        tracing::warn!(%room, "the alias of our room leads to a room that we did not create; using another alias");
    }
    Err(Fault::Refused(format!(
        "the alias {} and {} aliases derived from it lead to rooms that we did not create; remove one of them from the homeserver",
        plan.alias,
        MAX_ALIASES - 1
    )))
}

/// Returns the aliases that a room may have, in the order in which they are tried.
pub(super) fn aliases(local: &str, us: &UserId) -> Result<Vec<OwnedRoomAliasId>, Fault> {
    let aliases = (1..=MAX_ALIASES).map(|number| match number {
        1 => RoomAliasId::parse(format!("#{local}:{}", us.server_name())),
        number => RoomAliasId::parse(format!("#{local}-{number}:{}", us.server_name())),
    });
    Ok(aliases.collect::<Result<_, _>>()?)
}

/// Returns whether a room was made by `creator`, or, if that is not known, by any login of this desk.
pub(super) fn is_of(current: &RoomState, us: &UserId, creator: Option<&MatrixUserId>, logins: &Logins) -> bool {
    let Some(made_by) = current.creator() else { return false };
    match creator {
        Some(creator) => made_by == creator.as_str(),
        None => made_by == us.as_str() || logins.has(made_by),
    }
}

/// Brings an existing room up to date.
///
/// # Errors
/// [`Fault::Gone`] if we are not in it.
pub async fn update(caller: Caller<'_>, room: &RoomId, plan: &Plan<'_>) -> Result<(), Fault> {
    let us = caller.us();
    let current = match state::read(caller, room).await {
        Err(Fault::Forbidden(why) | Fault::Missing(why)) => return Err(Fault::Gone(why)),
        read => read?,
    };
    if !current.has_joined(us.as_str()) {
        return Err(Fault::Gone(format!("our user is no longer in the room {room}")));
    }
    apply(caller, room, &current, plan).await
}

/// Reads the state of a room; retries while the room may still be in creation.
async fn read_settled(caller: Caller<'_>, room: &RoomId) -> Result<RoomState, Fault> {
    for _ in 1..READ_ATTEMPTS {
        match state::read(caller, room).await {
            Err(Fault::Forbidden(_) | Fault::Missing(_)) => tokio::time::sleep(READ_PAUSE).await,
            read => return read,
        }
    }
    state::read(caller, room).await
}

pub(super) async fn resolve(caller: Caller<'_>, alias: &RoomAliasId) -> Result<Option<OwnedRoomId>, Fault> {
    match send!(caller, get_alias::v3::Request::new(alias.to_owned())) {
        Ok(found) => Ok(Some(found.room_id)),
        Err(Fault::Missing(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn create(caller: Caller<'_>, plan: &Plan<'_>, alias: &str) -> Result<OwnedRoomId, Fault> {
    let mut request = create_room::v3::Request::new();
    request.room_alias_name = Some(alias.to_owned());
    request.preset = Some(match plan.kind {
        Kind::Direct => RoomPreset::TrustedPrivateChat,
        Kind::Room | Kind::Closed | Kind::Space => RoomPreset::PrivateChat,
    });
    request.is_direct = plan.kind == Kind::Direct;
    request.room_version = plan.version.map(RoomVersionId::try_from).transpose()?;
    for wanted in &plan.wanted {
        request.initial_state.push(wanted.initial()?);
    }
    // An invitation that fails makes the whole request fail, though the room is there; so those to other servers follow. The
    // mark of a direct chat is on the invitations of this request alone.
    let (invited, abroad): (Vec<_>, Vec<_>) = plan
        .invite
        .iter()
        .partition(|user| plan.kind == Kind::Direct || is_at_home(user, caller.us()));
    for user in invited {
        request.invite.push(UserId::parse(user.as_str())?);
    }
    if matches!(plan.kind, Kind::Room | Kind::Closed) {
        request.power_level_content_override = Some(raw(&json!({"invite": INVITE_LEVEL}))?);
    }
    if plan.kind == Kind::Space {
        request.creation_content = Some(raw(&json!({"type": "m.space"}))?);
        // Nobody may write into the Space, or let somebody in, who could then join its rooms. No user is named: since room
        // version 12 the creator must not be.
        let levels = json!({"events_default": 100, "invite": INVITE_LEVEL});
        request.power_level_content_override = Some(raw(&levels)?);
    }
    if let Some(replaced) = plan.replaces {
        let predecessor = json!({"predecessor": {"room_id": replaced.as_str()}});
        request.creation_content = Some(raw(&predecessor)?);
    }
    let room = match caller {
        // Through the SDK, so that it knows the room before the next sync reports it.
        Caller::Bot { client, .. } => client.create_room(request).await?.room_id().to_owned(),
        Caller::Service(acting) => acting.send(request).await?.room_id,
    };
    tracing::info!(%room, "created a room");
    ask_abroad(caller, &room, abroad).await?;
    Ok(room)
}

/// Returns whether a user is at our own homeserver.
fn is_at_home(user: &MatrixUserId, us: &UserId) -> bool {
    let server = user.as_str().split_once(':').map(|(_, server)| server);
    server == Some(us.server_name().as_str())
}

fn raw<T>(value: &serde_json::Value) -> Result<Raw<T>, Fault> {
    Ok(Raw::from_json(to_raw_value(value)?))
}

/// Sets missing state, sends missing invitations, and puts out who is excluded.
async fn apply(caller: Caller<'_>, room: &RoomId, current: &RoomState, plan: &Plan<'_>) -> Result<(), Fault> {
    state::apply(caller, room, current, &plan.wanted).await?;
    if matches!(plan.kind, Kind::Room | Kind::Closed | Kind::Space)
        && let Some(levels) = current.closed_to_guests()
    {
        // While members could invite, they may have let in others, who would go on getting the keys. Before it is closed: after
        // a crash the next update begins with this.
        for guest in current.guests().filter(|user| !plan.has_place_for(user, caller.us())) {
            put_out(caller, room, guest).await?;
        }
        let levels = Wanted::new("m.room.power_levels", "", levels);
        state::set(caller, room.to_owned(), &levels).await?;
    }
    for user in plan.exclude {
        if current.is_member_or_invited(user.as_str()) {
            put_out(caller, room, user.as_str()).await?;
        }
    }
    let is_deserted = !plan
        .invite
        .iter()
        .any(|user| current.is_member_or_invited(user.as_str()));
    let is_asked = |user: &&MatrixUserId| {
        let user = user.as_str();
        if current.is_member_or_invited(user) || current.is_banned(user) {
            return false;
        }
        // Who left on purpose stays out, and can join again through the Space, unless the customer would write to nobody: who is
        // given a conversation is asked in again. Who is told of trouble always is.
        let may_stay_out = plan.kind == Kind::Space || plan.kind == Kind::Room && !is_deserted;
        !(may_stay_out && current.has_left(user))
    };
    let asked = plan.invite.iter().filter(is_asked);
    let (at_home, abroad): (Vec<_>, Vec<_>) = asked.partition(|user| is_at_home(user, caller.us()));
    for user in at_home {
        ask(caller, room, user).await?;
    }
    ask_abroad(caller, room, abroad).await
}

/// Invites agents of other servers, all at once and each for a time only: one whose server is down keeps neither the room nor
/// the others waiting, and is invited at the room's next update.
async fn ask_abroad(caller: Caller<'_>, room: &RoomId, users: Vec<&MatrixUserId>) -> Result<(), Fault> {
    let asked = users.into_iter().map(|user| ask_for_a_time(caller, room, user).boxed());
    join_all(asked).await.into_iter().collect()
}

async fn ask_for_a_time(caller: Caller<'_>, room: &RoomId, user: &MatrixUserId) -> Result<(), Fault> {
    let why = match tokio::time::timeout(ABROAD_WITHIN, ask(caller, room, user)).await {
        // With a time to retry it is our own homeserver that is busy.
        Ok(Err(Fault::Busy { why, retry_after: None })) => why,
        Ok(done) => return done,
        Err(_) => "their homeserver does not answer".to_owned(),
    };
    not_invited(room, user, &why);
    Ok(())
}

/// Invites an agent, unless that is refused: one who no longer exists must not keep the others out.
async fn ask(caller: Caller<'_>, room: &RoomId, user: &MatrixUserId) -> Result<(), Fault> {
    let invited = async { invite(caller, room, &UserId::parse(user.as_str())?).await };
    match invited.await {
        Err(fault @ (Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_))) => {
            not_invited(room, user, &fault.to_string());
            Ok(())
        }
        done => done,
    }
}

fn not_invited(room: &RoomId, user: &MatrixUserId, why: &str) {
    tracing::warn!(%room, %user, "could not invite an agent: {why}; check the user id in CRM_MATRIX_AGENTS");
}

/// Removes a former agent, or whom one has let in, from a room.
async fn put_out(caller: Caller<'_>, room: &RoomId, user: &str) -> Result<(), Fault> {
    let mut request = kick_user::v3::Request::new(room.to_owned(), UserId::parse(user)?);
    request.reason = Some("not an agent of this desk".to_owned());
    match send!(caller, request) {
        // One who cannot be removed must not keep the room's other changes back.
        Err(fault @ (Fault::Forbidden(_) | Fault::Missing(_) | Fault::Refused(_))) => {
            tracing::warn!(%room, %user, "could not remove who is no agent: {fault}; remove them in Element");
            Ok(())
        }
        done => done.map(|_| ()),
    }
}

/// Invites a user.
pub async fn invite(caller: Caller<'_>, room: &RoomId, user: &UserId) -> Result<(), Fault> {
    let user = user.to_owned();
    if let Caller::Bot { client, .. } = caller
        && let Some(known) = client.get_room(room)
    {
        // Through the SDK, which shares the keys of earlier messages with clients that support it (MSC4268).
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
            Err(fault) => {
                tracing::warn!(%room, %user, "could not share the keys of earlier messages: {fault}; inviting without them");
            }
        }
        known.mark_members_missing();
    }
    let recipient = invite_user::v3::InvitationRecipient::UserId(invite_user::v3::InviteUserId::new(user));
    send!(caller, invite_user::v3::Request::new(room.to_owned(), recipient))?;
    Ok(())
}
