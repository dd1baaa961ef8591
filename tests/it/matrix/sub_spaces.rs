//! Sub-spaces on a real homeserver, as an agent's client sees them.

use crm::domain::matrix::{Matrix, MatrixError};
use crm::domain::sub_space::SubSpaceSpec;
use testbed::agents::Client;
use testbed::quick;

use super::desk::{SOON, person, spec};
use super::service_desk::{ServiceDesk, homeserver};

fn sub_space(name: &str, is_personal: bool, invite: &[&str], exclude: &[&str]) -> SubSpaceSpec {
    let users = |users: &[&str]| users.iter().map(|user| (*user).into()).collect();
    SubSpaceSpec {
        alias: format!("crm_{}", name.to_lowercase()),
        name: name.to_owned(),
        order: "1",
        invite: users(invite),
        exclude: users(exclude),
        is_personal,
    }
}

#[tokio::test]
async fn sub_spaces_hold_rooms_for_those_who_belong_there() {
    if quick() {
        return;
    }
    let (synapse, mut options, port) = homeserver().await;
    let nils = person(&synapse, Client::Nio, "nils").await;
    let nora = person(&synapse, Client::Nio, "nora").await;
    let both = [nils.user_id(), nora.user_id()];
    options.agents = both.map(Into::into).into();
    let name = options.space.name.clone();
    let desk = ServiceDesk::follow(options, port, None).await;
    let service = desk.service.clone();
    let own = service.own_homeserver().unwrap();
    let room = service.ensure_room(&spec("crm_ada", &[&nils, &nora])).await.unwrap();
    let open = sub_space("Unassigned", false, &both, &[]);
    let mine = sub_space("Mine", true, &[nils.user_id()], &[nora.user_id()]);
    let unassigned = own.ensure_sub_space(&open).await.unwrap();
    let his = own.ensure_sub_space(&mine).await.unwrap();
    assert_eq!(own.ensure_sub_space(&mine).await.unwrap(), his, "made once");
    let space = nils.until_room(&name, SOON).await.unwrap().room_id;
    nils.until_room("Mine", SOON).await.unwrap();
    nora.until_room("Unassigned", SOON).await.unwrap();
    let places = async |agent: &testbed::agents::Agent| {
        let all = agent.hierarchy(&space).await.unwrap();
        let inside = all.into_iter().filter(|found| {
            let mut children = found["children_state"].as_array().into_iter().flatten();
            found["room_id"] != space.as_str() && children.any(|child| child["state_key"] == room.as_str())
        });
        let names: Vec<String> = inside.map(|found| found["name"].as_str().unwrap().to_owned()).collect();
        names
    };
    own.put_into(&unassigned, &room, true).await.unwrap();
    own.put_into(&unassigned, &room, true).await.unwrap();
    assert_eq!(places(&nora).await, ["Unassigned"]);
    own.put_into(&his, &room, true).await.unwrap();
    own.put_into(&unassigned, &room, false).await.unwrap();
    assert_eq!(places(&nils).await, ["Mine"]);
    assert!(places(&nora).await.is_empty(), "others do not see what is one person's");
    assert_eq!(nora.membership(his.as_str(), nora.user_id()).await.ok().flatten(), None);

    // Only we let people in: who is in the Space may join its rooms.
    for place in [&space, &unassigned.0, &his.0] {
        assert!(nils.invite(place, "@guest:localhost").await.is_err(), "{place}");
    }
    // One who is no agent any more is put out of all, and theirs is not shown any more.
    service
        .set_team(&[nora.user_id().into()], &[nils.user_id().into()])
        .await
        .unwrap();
    let open = sub_space("Unassigned", false, &[nora.user_id()], &[nils.user_id()]);
    let mine = sub_space("Mine", true, &[], &both);
    own.ensure_sub_space(&open).await.unwrap();
    own.ensure_sub_space(&mine).await.unwrap();
    for place in [&space, &unassigned.0, &his.0] {
        let membership = nils.membership(place, nils.user_id()).await.unwrap();
        assert_eq!(membership.as_deref(), Some("leave"), "{place}");
    }
    let children = nora.space_children(&space).await.unwrap();
    assert!(
        !children.contains(&his.0) && children.contains(&unassigned.0),
        "{children:?}"
    );

    // A stranger's room is none of ours.
    let gone = own.put_into(&"!nowhere:localhost".into(), &room, true).await;
    assert!(matches!(gone, Err(MatrixError::RoomGone(_))), "{gone:?}");
}
