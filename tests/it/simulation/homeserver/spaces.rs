//! Sub-spaces of the fake homeserver.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crm::domain::matrix::{Avatar, Matrix, MatrixError, Speaker, TxnId};
use crm::domain::own_homeserver::OwnHomeserver;
use crm::domain::sub_space::SubSpaceSpec;
use crm::domain::{MatrixEventId, MatrixRoomId, MatrixUserId};

use super::FakeMatrix;

#[derive(Default)]
pub struct Spaces {
    /// Sub-spaces with what was last asked of them.
    pub made: BTreeMap<MatrixRoomId, SubSpaceSpec>,
    /// Rooms in each.
    pub children: BTreeMap<MatrixRoomId, BTreeSet<MatrixRoomId>>,
    /// Requests that have put a room in or out.
    pub puts: usize,
    /// Who belongs into the Space, and who not.
    pub team: Option<(Vec<MatrixUserId>, Vec<MatrixUserId>)>,
    /// Pictures that rooms were given, in order; `None` takes one away.
    pub avatars: Vec<(MatrixRoomId, Option<String>)>,
    /// Events that were redacted as the user of a speaker.
    pub taken_back: Vec<(MatrixEventId, Speaker)>,
    gone: BTreeSet<MatrixRoomId>,
}

impl FakeMatrix {
    /// Names of the sub-spaces in which a room is.
    pub fn places(&self, room: &MatrixRoomId) -> Vec<String> {
        let rooms = self.rooms.lock().unwrap();
        let all = rooms.spaces.children.iter();
        let inside = all.filter(|(space, inside)| inside.contains(room) && !rooms.spaces.gone.contains(*space));
        let spaces = inside.map(|(space, _)| rooms.spaces.made[space].name.clone());
        spaces.collect()
    }

    /// A sub-space is no more.
    pub fn purge_space(&self, name: &str) {
        let mut rooms = self.rooms.lock().unwrap();
        let spaces = &mut rooms.spaces;
        let named = spaces
            .made
            .iter()
            .find(|(id, spec)| spec.name == name && !spaces.gone.contains(*id));
        let id = named.expect("such a sub-space").0.clone();
        spaces.gone.insert(id);
    }
}

impl OwnHomeserver for FakeMatrix {
    fn ensure_sub_space<'a>(&'a self, spec: &'a SubSpaceSpec) -> BoxFuture<'a, Result<MatrixRoomId, MatrixError>> {
        async move {
            self.enter().await?;
            let space = {
                let mut rooms = self.rooms.lock().unwrap();
                let spaces = &mut rooms.spaces;
                let mut known = spaces.made.iter();
                let known = known.find(|(id, made)| made.alias == spec.alias && !spaces.gone.contains(*id));
                let space = match known {
                    Some((id, _)) => id.clone(),
                    None => MatrixRoomId(format!("!space{}", spaces.made.len())),
                };
                spaces.made.insert(space.clone(), spec.clone());
                space
            };
            self.leave(space).await
        }
        .boxed()
    }

    fn put_into<'a>(
        &'a self,
        space: &'a MatrixRoomId,
        room: &'a MatrixRoomId,
        is_in: bool,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.enter().await?;
            {
                let mut rooms = self.rooms.lock().unwrap();
                let spaces = &mut rooms.spaces;
                if spaces.gone.contains(space) {
                    return Err(MatrixError::RoomGone("we are not in it".to_owned()));
                }
                spaces.puts += 1;
                let children = spaces.children.entry(space.clone()).or_default();
                if is_in {
                    children.insert(room.clone());
                } else {
                    children.remove(room);
                }
            }
            self.leave(()).await
        }
        .boxed()
    }

    fn set_room_avatar<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        avatar: Option<&'a Avatar>,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.enter_room(room).await?;
            let address = avatar.map(|avatar| avatar.address.clone());
            self.rooms.lock().unwrap().spaces.avatars.push((room.clone(), address));
            self.leave(()).await
        }
        .boxed()
    }

    fn take_back<'a>(
        &'a self,
        room: &'a MatrixRoomId,
        speaker: &'a Speaker,
        id: &'a MatrixEventId,
        txn: &'a TxnId,
    ) -> BoxFuture<'a, Result<(), MatrixError>> {
        async move {
            self.rooms
                .lock()
                .unwrap()
                .spaces
                .taken_back
                .push((id.clone(), speaker.clone()));
            self.redact(room, id, txn).await
        }
        .boxed()
    }
}
