//! Labels of customers, from the same list as those of conversations.

use axum::extract::State;

use super::tagged;
use crate::api::access::auth::Caller;
use crate::api::access::sight::{Path, Word};
use crate::api::desk::labels::named;
use crate::api::http::answer::Tagged;
use crate::api::http::problem::Problem;
use crate::bridge::Desk;
use crate::contract::CustomerView;
use crate::domain::rights::Sight;
use crate::domain::{CustomerId, Operation};

type Changed = Result<Tagged<CustomerView>, Problem>;

/// `PUT /customers/{id}/labels/{name}`, scope `send`: puts a label on a customer. A caller with the scope `manage` creates
/// the label by that, if there is none of this name.
pub async fn put(
    State(desk): State<Desk>,
    caller: Caller,
    Path((id, Word(name))): Path<(CustomerId, Word)>,
) -> Changed {
    let may_create = caller.may(Operation::EditLabels).is_ok();
    let labelled = desk.put_customer_label(id, named(&name)?, may_create).await?;
    Ok(tagged(labelled, &caller.sight))
}

/// `DELETE /customers/{id}/labels/{name}`, scope `send`: takes a label off a customer.
pub async fn take(State(desk): State<Desk>, sight: Sight, Path((id, Word(name))): Path<(CustomerId, Word)>) -> Changed {
    Ok(tagged(desk.take_customer_label(id, named(&name)?).await?, &sight))
}
