//! The import of history as the store keeps it, and what comparisons have found.

use crm::domain::AccountId;
use crm::domain::history::{HistoryDepth, HistoryState};
use crm::domain::{ChatId, HistoryMark};
use crm::store::{HistoryStep, Store};
use futures_util::FutureExt;

use super::database::databases::{Database, on_each_database};
use super::desk;

on_each_database! {
    depth_chosen_before_login_holds,
    import_resumes_where_each_chat_was,
    recovered_counts_add_up,
}

async fn link(store: &Store, account: AccountId, default: HistoryDepth) {
    store
        .write((account, default), |tx, &(account, default)| {
            async move {
                let now = tx.now();
                tx.accounts().set_watermark(account, now).await?;
                tx.history().begin(account, default).await
            }
            .boxed()
        })
        .await
        .unwrap();
}

async fn ask(store: &Store, account: AccountId, depth: HistoryDepth) {
    store
        .write((account, depth), |tx, &(account, depth)| {
            async move { tx.history().ask(account, depth).await }.boxed()
        })
        .await
        .unwrap();
}

async fn plan(store: &Store, account: AccountId, chats: &'static [&'static str]) -> u64 {
    let chats: Vec<ChatId> = chats.iter().map(|chat| ChatId::from(*chat)).collect();
    store
        .write((chats, account), |tx, (chats, account)| {
            async move { tx.history().plan(*account, chats).await }.boxed()
        })
        .await
        .unwrap()
}

async fn depth_chosen_before_login_holds(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    assert_eq!(store.history().get(account).await.unwrap(), None);
    ask(&store, account, HistoryDepth::All).await;
    ask(&store, account, HistoryDepth::Days(7)).await;
    let chosen = store.history().get(account).await.unwrap().unwrap();
    assert_eq!(
        (chosen.state, chosen.depth),
        (HistoryState::Waiting, HistoryDepth::Days(7))
    );
    link(&store, account, HistoryDepth::Days(90)).await;
    let begun = store.history().get(account).await.unwrap().unwrap();
    assert_eq!(
        (begun.state, begun.depth),
        (HistoryState::Running, HistoryDepth::Days(7))
    );
    let linked = store.accounts().get(account).await.unwrap().unwrap().watermark.unwrap();
    assert_eq!(begun.since, Some(HistoryDepth::Days(7).since(linked)));
    store.close().await;
}

async fn import_resumes_where_each_chat_was(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    link(&store, account, HistoryDepth::All).await;
    assert_eq!(plan(&store, account, &["a", "b", "a"]).await, 2);
    assert_eq!(plan(&store, account, &["b", "c"]).await, 1, "what is in the plan stays");
    let step = async |new: u64, step: HistoryStep| {
        let chat = store.history().next_chat(account).await.unwrap().unwrap();
        let id = chat.id;
        let history = store.write((step, account, id, new), |tx, (step, account, id, new)| {
            async move { tx.history().record(*account, *id, *new, step).await }.boxed()
        });
        (chat, history.await.unwrap())
    };
    let mark = HistoryMark::from("the oldest");
    step(50, HistoryStep::Stays).await;
    step(20, HistoryStep::Reached(mark.clone())).await;
    let (chat, _) = step(0, HistoryStep::Again).await;
    assert_eq!((chat.chat, chat.mark), (ChatId::from("a"), Some(mark.clone())));
    let (chat, history) = step(1, HistoryStep::Done(Some(mark.clone()))).await;
    assert_eq!((chat.mark, chat.restarts), (None, 1));
    assert_eq!((history.chats_done, history.chats_total, history.messages), (1, 3, 71));
    step(0, HistoryStep::Done(None)).await;
    let (chat, history) = step(5, HistoryStep::Done(None)).await;
    assert_eq!((chat.chat, history.chats_done), (ChatId::from("c"), 3));
    assert_eq!(store.history().next_chat(account).await.unwrap(), None);
    let done = store
        .write(account, |tx, &account| {
            async move { tx.history().finish(account).await }.boxed()
        })
        .await
        .unwrap();
    assert_eq!((done.state, done.finished_at.is_some()), (HistoryState::Done, true));

    // Asked for again: every chat may have more, from where it was.
    ask(&store, account, HistoryDepth::Days(1)).await;
    let again = store.history().get(account).await.unwrap().unwrap();
    assert_eq!(
        (again.state, again.depth, again.chats_done),
        (HistoryState::Running, HistoryDepth::All, 0)
    );
    assert_eq!((again.messages, again.finished_at), (76, None));
    let chat = store.history().next_chat(account).await.unwrap().unwrap();
    assert_eq!((chat.chat, chat.mark), (ChatId::from("a"), Some(mark)));
    store.close().await;
}

async fn recovered_counts_add_up(database: Database) {
    let store = database.open().await;
    let account = desk::account(&store).await;
    assert_eq!(store.accounts().synced(account).await.unwrap(), None);
    for (found, total) in [(0, 0), (7, 7), (2, 9), (0, 9)] {
        let told = store
            .write((account, found), |tx, &(account, found)| {
                async move { tx.accounts().note_sync(account, found).await }.boxed()
            })
            .await
            .unwrap();
        assert_eq!(
            (told.recovered, told.recovered_total),
            (i64::try_from(found).unwrap(), total)
        );
        assert_eq!(store.accounts().synced(account).await.unwrap(), Some(told));
    }
    store.close().await;
}
