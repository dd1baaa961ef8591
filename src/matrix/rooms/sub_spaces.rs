//! Spaces inside the Space, in which conversations' rooms are as the desk has them.

use matrix_sdk::ruma::{OwnedRoomId, RoomId};
use serde_json::json;

use super::caller::Caller;
use super::making::{self, Kind, Plan};
use super::space::{Team, has_child, link, unlink};
use super::{Rooms, or_gone};
use crate::domain::sub_space::SubSpaceSpec;
use crate::matrix::wire::{Fault, Wanted, via};

impl Rooms {
    /// Finds or creates a sub-space, brings it up to date, and shows it in the Space as long as somebody belongs into it.
    pub async fn ensure_sub_space(
        &self,
        caller: Caller<'_>,
        team: Team<'_>,
        spec: &SubSpaceSpec,
    ) -> Result<OwnedRoomId, Fault> {
        let _exclusive = self.lock(&spec.alias).await;
        let space = Box::pin(self.ensure_space(caller, team, &[])).await?;
        let mut parent = json!(via(caller.us().server_name().as_str()));
        parent["canonical"] = json!(true);
        let mut wanted = vec![
            Wanted::new("m.room.name", "", json!({"name": spec.name})),
            Wanted::new("m.space.parent", space.as_str(), parent),
        ];
        if !spec.is_personal {
            // Who has left it can come back.
            let allow = json!([{"type": "m.room_membership", "room_id": space}]);
            let rule = json!({"join_rule": "restricted", "allow": allow});
            wanted.push(Wanted::new("m.room.join_rules", "", rule));
        }
        let plan = Plan {
            alias: &spec.alias,
            wanted,
            invite: &spec.invite,
            allow: &[],
            exclude: &spec.exclude,
            kind: Kind::Space,
            creator: None,
            logins: team.logins,
            replaces: None,
            version: team.room_version,
        };
        let room = Box::pin(making::ensure(caller, &plan)).await?;
        let is_shown = has_child(caller, &space, &room).await?;
        match (is_shown, spec.invite.is_empty()) {
            (false, false) => link(caller, &space, &room, Some(spec.order)).await?,
            (true, true) => unlink(caller, &space, &room).await?,
            (true, false) | (false, true) => {}
        }
        Ok(room)
    }
}

/// Puts a room into a sub-space, or takes it out.
///
/// # Errors
/// [`Fault::Gone`] if we are not in the sub-space.
pub async fn put_into(caller: Caller<'_>, space: &RoomId, room: &RoomId, is_in: bool) -> Result<(), Fault> {
    let done = if is_in {
        link(caller, space, room, None).await
    } else {
        unlink(caller, space, room).await
    };
    match done {
        Ok(()) => Ok(()),
        Err(fault) => Err(or_gone(caller, space, fault).await),
    }
}
