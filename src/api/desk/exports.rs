//! `/exports`: exports that are written to a file while nobody waits.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};

use crate::api::access::auth::Caller;
use crate::api::access::sight::Path;
use crate::api::filters::{OfMessages, Place};
use crate::api::http::answer::{Accepted, Keyed, Replay};
use crate::api::http::extract::Body;
use crate::api::http::listing::{Listed, Listing, NoFilter};
use crate::api::http::problem::Problem;
use crate::api::http::takes::IdempotencyKey;
use crate::api::media::{self, Stored};
use crate::api::messages::idempotency;
use crate::api::openapi::answers::{FileBytes, Shaped};
use crate::bridge::{Answered, Desk};
use crate::contract::{ExportRequest, ExportView, Scope};
use crate::domain::ExportId;
use crate::domain::export::{ExportFilter, ExportJob, ExportOrder, ExportWhat};
use crate::domain::rights::Sight;
use crate::store::{Order, Store};

/// `POST /exports`, scope `read`: accepts an export that is written to a file. It has the bytes of `GET /export/messages`
/// and `GET /export/customers`. Answers 409 while ten exports of the caller wait.
pub async fn create(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    sight: Sight,
    IdempotencyKey(key): IdempotencyKey,
    Body(request): Body<ExportRequest>,
) -> Result<Keyed<Accepted<ExportView>>, Problem> {
    // `Idempotency-Key` belongs to the owner.
    let asked = idempotency(&caller, key, "/exports ", &request)?;
    let order = ExportOrder {
        what: request.what,
        format: request.format.unwrap_or_default(),
        filter: filter(&store, &sight, &request).await?,
        sight,
        owner: caller.owner,
        asked_by: caller.name,
    };
    let place = |id: ExportId| format!("/api/v1/exports/{id}");
    Ok(match desk.ask_export(order, asked).await? {
        Answered::New(job) => Keyed::New(Accepted::at(place(job.id), job.into())),
        Answered::Replayed(stored) => {
            let job = stored.response.parse::<ExportView>().ok();
            let location = job.map(|job| place(job.id));
            Keyed::Replayed(Replay::of(stored, location)?)
        }
    })
}

/// `GET /exports`, scope `read`: lists the caller's exports, the newest first; with scope `manage`, those of all. They are
/// listed for a week after they have ended.
pub async fn list(
    State(store): State<Store>,
    caller: Caller,
    list: Listing<NoFilter>,
) -> Result<Listed<ExportView>, Problem> {
    let request = list.page(Order::Descending);
    let owner = (caller.scope < Scope::Manage).then_some(caller.owner);
    let mut page = store.exports().page(request, owner).await?;
    page.data.retain(|job| caller.sees_export(job));
    Ok(list.answer(request, page))
}

/// `GET /exports/{id}`, scope `read`: returns an export.
pub async fn view(
    State(store): State<Store>,
    caller: Caller,
    Path(id): Path<ExportId>,
) -> Result<Json<ExportView>, Problem> {
    Ok(Json(theirs(&store, &caller, id).await?.into()))
}

/// `GET /exports/{id}/content`, scope `read`: streams the file of an export; answers 206 for a range, 304 if the client
/// has it, 409 while it is not done, and 410 after it has expired.
pub async fn content(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    Path(id): Path<ExportId>,
    headers: HeaderMap,
) -> Result<Shaped<FileBytes>, Problem> {
    let job = theirs(&store, &caller, id).await?;
    let (sha256, size) = desk.export_file(&job)?;
    let (what, format) = (job.order.what, job.order.format);
    let mut of_file = HeaderMap::new();
    let disposition = format!("attachment; filename=\"crm-{what}-{id}.{format}\"");
    for (name, value) in [
        (header::CONTENT_TYPE, format.content_type()),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::ACCEPT_RANGES, "bytes"),
    ] {
        media::set(&mut of_file, name, value);
    }
    let stored = Stored {
        what: "export",
        sha256,
        size,
        headers: of_file,
    };
    media::stream(&desk, &headers, stored).await
}

/// `DELETE /exports/{id}`, scope `read`: cancels an export that waits or runs; deletes one that has ended, with its file.
pub async fn delete(
    State(desk): State<Desk>,
    State(store): State<Store>,
    caller: Caller,
    Path(id): Path<ExportId>,
) -> Result<StatusCode, Problem> {
    theirs(&store, &caller, id).await?;
    desk.delete_export(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns an export of the caller's own; with scope `manage`, of anybody.
async fn theirs(store: &Store, caller: &Caller, id: ExportId) -> Result<ExportJob, Problem> {
    let job = store.exports().get(id).await?;
    job.filter(|job| caller.sees_export(job))
        .ok_or_else(|| Problem::not_found("export", id))
}

async fn filter(store: &Store, sight: &Sight, request: &ExportRequest) -> Result<ExportFilter, Problem> {
    let of_messages = [
        ("/account_id", request.account_id.is_some()),
        ("/customer_id", request.customer_id.is_some()),
        ("/conversation_id", request.conversation_id.is_some()),
        ("/from", request.from.is_some()),
        ("/until", request.until.is_some()),
    ];
    let foreign = of_messages.into_iter().find(|(_, is_given)| *is_given);
    if let (ExportWhat::Customers, Some((pointer, _))) = (request.what, foreign) {
        let detail = "customers are filtered by `account` alone; leave this out";
        return Err(Problem::wrong_field(pointer, detail));
    }
    let filter = OfMessages {
        place: Place::Body,
        account: request.account.as_deref(),
        account_id: request.account_id,
        customer_id: request.customer_id,
        conversation_id: request.conversation_id,
        from: request.from,
        until: request.until,
    };
    filter.resolved(store, sight).await
}
