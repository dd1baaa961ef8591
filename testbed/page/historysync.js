'use strict';
// The chats that a newly linked device is given: what the page does not come up without, and, later, what is older.
__d('StandinHistorySync', ['StandinStore', 'StandinIntake'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const intake = ns('StandinIntake');
  let chain = Promise.resolve();
  let first = chain;

  function take(chunk) {
    chain = chain.then(() => run(chunk)).catch(reportError);
    if (!chunk.background) first = chain;
  }

  async function run({ n, chats, progress, background }) {
    for (const chat of chats) note(chat, background);
    await store.commit();
    const { ChatCollection } = ns('WAWebChatCollection');
    for (const { chat } of chats) show(chat);
    ChatCollection.sort({ silent: true });
    tell(progress, background);
    ns('StandinLink').link.send({ op: 'history_ack', n });
  }

  function note(chat, background) {
    if (chat.group) ns('StandinGroups').learn(chat.group);
    else intake.learnPerson(chat);
    let added = false;
    for (const message of chat.messages) {
      const row = { ...intake.rowOf({ ...message, chat: chat.chat }), isMdHistoryMsg: true };
      const { edited, revoked, reactions, receipts } = message;
      if (receipts) row.receipts = receipts;
      if (edited) row.latestEditMsgKey = row.id;
      if (revoked) Object.assign(row, ns('StandinContent').revoked());
      if (reactions) Object.assign(row, { reactions, hasReaction: true });
      added = store.addMsg(row) || added;
    }
    // A chunk that comes a second time says nothing new, and what is older is not unread; what came meanwhile is.
    const { unreadCount = 0 } = store.chats.get(chat.chat) ?? {};
    const unread = added && !background ? chat.unread : 0;
    store.touchChat(chat.chat, { unreadCount: unreadCount + unread, ephemeralDuration: chat.timer || undefined });
  }

  /** Of each chat the last message is in memory. */
  function show(chat) {
    ns('WAWebContactCollection').showContact(chat);
    const model = ns('WAWebChatCollection').showChat(chat, { sorted: false });
    const last = store.ofChat(chat).at(-1);
    const { MsgCollection } = ns('WAWebMsgCollection');
    if (last && !MsgCollection.get(last.id)) MsgCollection.show(model.id, store.hydrate(last));
  }

  function tell(progress, background) {
    const { BackendEventBus } = ns('WAWebBackendEventBus');
    ns('WAWebHistorySyncProgress').getHistorySyncProgressModel().setProgress(progress);
    BackendEventBus.trigger('new_history_sync_chunk_processed', { progress });
    if (!background) ns('WAWebOfflineHandler').OfflineMessageHandler.setOfflineDeliveryProgress(progress);
    if (progress === 100) BackendEventBus.trigger('on_full_chat_history_synced');
  }

  Object.assign(exports, { take, drained: () => first });
}, 98);
