//! The import of history: how far back each account's goes, and how far each of its chats is, so that it continues
//! after a crash.

use std::collections::HashSet;

use entity::{history_chat, history_import};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::domain::history::{History, HistoryDepth, HistoryState};
use crate::domain::{AccountId, ChatId, HistoryChatId, HistoryMark, Timestamp};
use crate::store::facet::{Database, HistoryImports};

use super::database::row::word;
use super::{Store, StoreError, Tx, WorkFor};

/// Most chats inserted by one statement.
const CHATS_AT_ONCE: usize = 200;

/// A chat whose history is being imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryChat {
    /// Id of the row.
    pub id: HistoryChatId,
    /// WhatsApp's id of the chat.
    pub chat: ChatId,
    /// Oldest message that is imported; `None` before the first step.
    pub mark: Option<HistoryMark>,
    /// How often the page did not have the mark any more.
    pub restarts: i32,
}

/// Progress of a chat after one step of the import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryStep {
    /// No progress.
    Stays,
    /// Imported back to here; there is more.
    Reached(HistoryMark),
    /// Imported back to here; the page has nothing older.
    Done(Option<HistoryMark>),
    /// The page does not have the mark any more: starts again with the newest message.
    Again,
}

impl<D: Database> HistoryImports<'_, D> {
    /// Returns an account's import, or `None` when nobody has asked for one.
    pub async fn get(&self, account: AccountId) -> Result<Option<History>, StoreError> {
        find(self.0.connection(), account).await?.as_ref().map(read).transpose()
    }
}

impl HistoryImports<'_, Store> {
    /// Returns the next chat to import, or `None` when all are done. The plan puts the newest chat first.
    pub async fn next_chat(&self, account: AccountId) -> Result<Option<HistoryChat>, StoreError> {
        let row = history_chat::Entity::find()
            .filter(history_chat::Column::AccountId.eq(account))
            .filter(history_chat::Column::Done.eq(false))
            .order_by_asc(history_chat::Column::Id)
            .one(self.0.readers())
            .await?;
        Ok(row.map(|row| HistoryChat {
            id: row.id,
            chat: row.chat,
            mark: row.mark,
            restarts: row.restarts,
        }))
    }
}

impl HistoryImports<'_, Tx> {
    /// Requests an import of history. Before the first login, stores the depth for it. After it, starts the import
    /// again with the greater of the new and the old depth, and reopens the chats that were done.
    pub async fn ask(&self, id: AccountId, depth: HistoryDepth) -> Result<History, StoreError> {
        let account = self
            .0
            .accounts()
            .get(id)
            .await?
            .ok_or(StoreError::Missing { what: "account" })?;
        let found = find(&self.0.session, id).await?;
        let is_new = found.is_none();
        let mut row = found.unwrap_or_else(|| unasked(id));
        match account.watermark {
            None => {
                row.depth = depth.to_string();
                row.state = HistoryState::Waiting.to_string();
            }
            Some(linked) => {
                let depth = depth.max(word("history_imports", &row.depth)?);
                let nothing = depth == HistoryDepth::None;
                let state = if nothing {
                    HistoryState::Done
                } else {
                    HistoryState::Running
                };
                row.depth = depth.to_string();
                row.state = state.to_string();
                row.since = Some(depth.since(linked).0);
                row.chats_done = 0;
                row.started_at = row.started_at.or(Some(self.0.now.0));
                row.finished_at = nothing.then_some(self.0.now.0);
                self.reopen_chats(id).await?;
            }
        }
        row.updated_at = self.0.now.0;
        self.0.wake(WorkFor::History(id));
        let history = read(&row)?;
        let row = row.into_active_model();
        if is_new {
            history_import::Entity::insert(row)
                .exec_without_returning(&self.0.session)
                .await?;
        } else {
            history_import::Entity::update(row.reset_all())
                .exec(&self.0.session)
                .await?;
        }
        Ok(history)
    }

    /// Begins the import when the account is linked for the first time, with the depth that was requested, else with
    /// `default`.
    pub async fn begin(&self, account: AccountId, default: HistoryDepth) -> Result<History, StoreError> {
        let chosen = self.get(account).await?;
        self.ask(account, chosen.map_or(default, |history| history.depth)).await
    }

    /// Lowers the beginning of an account's import to that of an account that is linked at `now`.
    pub async fn lower(&self, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
        let Some(history) = self.get(account).await? else {
            return Ok(());
        };
        let Some(since) = history.since else { return Ok(()) };
        let change = history_import::ActiveModel {
            since: Set(Some(since.min(history.depth.since(now)).0)),
            updated_at: Set(self.0.now.0),
            ..<history_import::ActiveModel as Default>::default()
        };
        history_import::Entity::update_many()
            .set(change)
            .filter(history_import::Column::AccountId.eq(account))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Adds chats to the plan, in this order, and keeps those that are in it. Returns the number of chats added.
    pub async fn plan(&self, account: AccountId, chats: &[ChatId]) -> Result<u64, StoreError> {
        let rows = history_chat::Entity::find()
            .filter(history_chat::Column::AccountId.eq(account))
            .all(&self.0.session)
            .await?;
        let mut planned: HashSet<ChatId> = rows.into_iter().map(|row| row.chat).collect();
        let fresh: Vec<&ChatId> = chats.iter().filter(|chat| planned.insert((*chat).clone())).collect();
        for chats in fresh.chunks(CHATS_AT_ONCE) {
            let rows = chats.iter().map(|chat| history_chat::ActiveModel {
                id: NotSet,
                account_id: Set(account),
                chat: Set((*chat).clone()),
                mark: Set(None),
                done: Set(false),
                restarts: Set(0),
            });
            history_chat::Entity::insert_many(rows)
                .exec_without_returning(&self.0.session)
                .await?;
        }
        history_import::Entity::update_many()
            .col_expr(
                history_import::Column::ChatsTotal,
                Expr::value(signed(planned.len() as u64)),
            )
            .filter(history_import::Column::AccountId.eq(account))
            .exec(&self.0.session)
            .await?;
        Ok(fresh.len() as u64)
    }

    /// Records that `new` messages of a chat were imported, and the progress of the chat. Returns the account's import.
    pub async fn record(
        &self,
        account: AccountId,
        chat: HistoryChatId,
        new: u64,
        step: &HistoryStep,
    ) -> Result<History, StoreError> {
        let row = history_chat::Entity::find_by_id(chat).one(&self.0.session).await?;
        let row = row.ok_or(StoreError::Missing {
            what: "history of a chat",
        })?;
        let mut change = <history_chat::ActiveModel as Default>::default();
        match step {
            HistoryStep::Stays => {}
            HistoryStep::Reached(mark) => change.mark = Set(Some(mark.clone())),
            HistoryStep::Done(mark) => {
                change.done = Set(true);
                if mark.is_some() {
                    change.mark = Set(mark.clone());
                }
            }
            HistoryStep::Again => {
                change.mark = Set(None);
                change.restarts = Set(row.restarts + 1);
            }
        }
        if *step != HistoryStep::Stays {
            history_chat::Entity::update_many()
                .set(change)
                .filter(history_chat::Column::Id.eq(chat))
                .exec(&self.0.session)
                .await?;
        }
        let done = i64::from(matches!(step, HistoryStep::Done(_)) && !row.done);
        let plus = |column: history_import::Column, n: i64| Expr::col(column).add(n);
        history_import::Entity::update_many()
            .col_expr(
                history_import::Column::Messages,
                plus(history_import::Column::Messages, signed(new)),
            )
            .col_expr(
                history_import::Column::ChatsDone,
                plus(history_import::Column::ChatsDone, done),
            )
            .col_expr(history_import::Column::UpdatedAt, Expr::value(self.0.now.0))
            .filter(history_import::Column::AccountId.eq(account))
            .exec(&self.0.session)
            .await?;
        self.need(account).await
    }

    /// Marks an account's import as done, and returns it.
    pub async fn finish(&self, account: AccountId) -> Result<History, StoreError> {
        let change = history_import::ActiveModel {
            state: Set(HistoryState::Done.to_string()),
            finished_at: Set(Some(self.0.now.0)),
            updated_at: Set(self.0.now.0),
            ..<history_import::ActiveModel as Default>::default()
        };
        history_import::Entity::update_many()
            .set(change)
            .filter(history_import::Column::AccountId.eq(account))
            .exec(&self.0.session)
            .await?;
        self.need(account).await
    }

    /// Marks every chat of the plan as not done: with a greater depth it may have more.
    async fn reopen_chats(&self, account: AccountId) -> Result<(), StoreError> {
        history_chat::Entity::update_many()
            .col_expr(history_chat::Column::Done, Expr::value(false))
            .filter(history_chat::Column::AccountId.eq(account))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    async fn need(&self, account: AccountId) -> Result<History, StoreError> {
        let history = self.get(account).await?;
        history.ok_or(StoreError::Missing {
            what: "import of history",
        })
    }
}

async fn find(
    database: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Option<history_import::Model>, StoreError> {
    Ok(history_import::Entity::find_by_id(account).one(database).await?)
}

/// Returns the row of an account whose history nobody has requested.
fn unasked(account: AccountId) -> history_import::Model {
    history_import::Model {
        account_id: account,
        depth: HistoryDepth::None.to_string(),
        state: HistoryState::Waiting.to_string(),
        since: None,
        chats_total: 0,
        chats_done: 0,
        messages: 0,
        started_at: None,
        finished_at: None,
        updated_at: 0,
    }
}

fn read(row: &history_import::Model) -> Result<History, StoreError> {
    Ok(History {
        state: word("history_imports", &row.state)?,
        depth: word("history_imports", &row.depth)?,
        chats_total: row.chats_total,
        chats_done: row.chats_done,
        messages: row.messages,
        started_at: row.started_at.map(Timestamp),
        finished_at: row.finished_at.map(Timestamp),
        since: row.since.map(Timestamp),
    })
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
