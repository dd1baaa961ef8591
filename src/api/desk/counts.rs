//! The numbers of a sidebar.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use tokio::sync::Mutex;

use crate::api::http::problem::Problem;
use crate::contract::{CountsView, OpenCountView};
use crate::domain::conversation::ConversationStatus;
use crate::domain::rights::Sight;
use crate::domain::{Clock, Timestamp};
use crate::store::{OpenCount, Store};

/// How long counts are given again. Counting reads all conversations that are not closed.
const GIVEN_AGAIN: Duration = Duration::from_secs(1);

/// The counts as they were last. Clones share them; while they are counted, others wait for that.
#[derive(Clone, Default)]
pub struct Counts(Arc<Mutex<Option<Counted>>>);

/// When was counted, and what.
type Counted = (Timestamp, Vec<OpenCount>);

/// `GET /conversations/counts`, scope `read`: counts the conversations that are not closed, by account, status and agent.
/// Changes of the last second may be missing.
pub async fn show(
    State(counts): State<Counts>,
    State(store): State<Store>,
    State(clock): State<Arc<dyn Clock>>,
    sight: Sight,
) -> Result<Json<CountsView>, Problem> {
    let mut last = counts.0.lock().await;
    let now = clock.now();
    if let Some((at, known)) = &*last
        && now >= *at
        && now.since(*at) < GIVEN_AGAIN
    {
        return Ok(Json(within(known, &sight)));
    }
    let counted = store.conversations().open_counts().await?;
    let view = within(&counted, &sight);
    *last = Some((now, counted));
    Ok(Json(view))
}

/// Returns the counts of the accounts that a caller sees.
fn within(counted: &[OpenCount], sight: &Sight) -> CountsView {
    let mut counts = CountsView::default();
    for of in counted.iter().filter(|of| sight.sees(of.account_id)) {
        counts.conversations += of.conversations;
        counts.unread += of.unread;
        if of.assignee_id.is_none() {
            counts.unassigned += of.conversations;
        }
        counts.data.push(OpenCountView {
            account_id: of.account_id,
            status: of.status.parse().unwrap_or(ConversationStatus::Open),
            assignee_id: of.assignee_id,
            conversations: of.conversations,
            unread: of.unread,
        });
    }
    counts
}
