//! Labels of customers, from the same list as those of conversations.

use axum::extract::State;

use super::{seen, tagged};
use crate::api::access::auth::Caller;
use crate::api::access::sight::{Path, Word};
use crate::api::desk::labels::named;
use crate::api::http::answer::Tagged;
use crate::api::http::problem::Problem;
use crate::api::http::tags::IfMatch;
use crate::bridge::Desk;
use crate::contract::CustomerView;
use crate::domain::rights::Sight;
use crate::domain::{CustomerId, Operation};
use crate::store::Store;

type Changed = Result<Tagged<CustomerView>, Problem>;

/// `PUT /customers/{id}/labels/{name}`, scope `send`: puts a label on a customer. A caller with the scope `manage` creates
/// the label by that, if there is none of this name. Answers 412 if `If-Match` names an older state of the customer.
pub async fn put(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    Path((id, Word(name))): Path<(CustomerId, Word)>,
    if_match: IfMatch,
) -> Changed {
    let may_create = caller.may(Operation::EditLabels).is_ok();
    let name = named(&name)?;
    let expected = seen(&store, &caller.sight, id, if_match).await?;
    let labelled = desk.put_customer_label(id, name, may_create, expected).await?;
    tagged(&store, labelled, &caller.sight).await
}

/// `DELETE /customers/{id}/labels/{name}`, scope `send`: takes a label off a customer. Answers 412 if `If-Match` names an
/// older state of the customer.
pub async fn take(
    State(desk): State<Desk>,
    State(store): State<Store>,
    sight: Sight,
    Path((id, Word(name))): Path<(CustomerId, Word)>,
    if_match: IfMatch,
) -> Changed {
    let name = named(&name)?;
    let expected = seen(&store, &sight, id, if_match).await?;
    tagged(&store, desk.take_customer_label(id, name, expected).await?, &sight).await
}
