//! Invitations of our users: all are declined (rule 1), because we make our rooms ourselves and join no other.

use std::sync::Arc;
use std::time::Duration;

use matrix_sdk::ruma::api::client::membership::leave_room;
use matrix_sdk::ruma::{RoomId, UserId};

use super::session::Session;
use crate::domain::matrix::{Membership, RoomEvent, RoomEventKind};
use crate::domain::moving::Logins;
use crate::domain::{MatrixRoomId, MatrixUserId};
use crate::matrix::wire::Fault;

/// Deadline of one refusal: a foreign homeserver may never answer.
const DECLINE_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns who of us is invited by strangers, and where. Who was this desk's login before hands its rooms over.
pub(super) fn of(session: &Session, logins: &Logins, events: &[RoomEvent]) -> Vec<(MatrixRoomId, MatrixUserId)> {
    let invitations = events.iter().filter_map(|event| match &event.what {
        RoomEventKind::Member {
            user,
            membership: Membership::Invite,
        } if session.is_ours(user.as_str())
            && !session.is_ours(event.sender.as_str())
            && !logins.has(event.sender.as_str()) =>
        {
            Some((event.room.clone(), user.clone()))
        }
        _ => None,
    });
    invitations.collect()
}

/// Declines invitations. One that cannot be declined stays: nothing is read from a room that we are not in.
pub(super) async fn decline(session: Arc<Session>, invitations: Vec<(MatrixRoomId, MatrixUserId)>) {
    for (room, user) in invitations {
        let leave = async {
            let user = UserId::parse(user.as_str())?;
            let request = leave_room::v3::Request::new(RoomId::parse(room.as_str())?);
            session.acting_as(&user).send(request).await?;
            Ok::<_, Fault>(())
        };
        match tokio::time::timeout(DECLINE_TIMEOUT, leave).await {
            Ok(Ok(())) => tracing::info!(%room, %user, "declined an invitation: we join only rooms that we created"),
            Ok(Err(fault)) => tracing::warn!(%room, %user, "could not decline an invitation: {fault}"),
            Err(_) => tracing::warn!(%room, %user, "could not decline an invitation: no answer in time"),
        }
    }
}
