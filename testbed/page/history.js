'use strict';
// Reading back: messages around a key from the store, whether or not they are in memory.
__d('WAWebDBMessageFindLocal', ['StandinStore'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');

  function around({ anchor, count, direction }) {
    const rows = store.ofChat(anchor.remote);
    const at = rows.findIndex((row) => row.id === String(anchor));
    if (at < 0) return [];
    const wanted = direction === 'after' ? rows.slice(at + 1, at + 1 + count) : rows.slice(Math.max(0, at - count), at);
    return wanted.map(store.hydrate);
  }

  const find = (direction) => async (options) => ({
    messages: around({ ...options, direction: direction ?? options.direction }),
    status: 200,
  });

  Object.assign(exports, {
    msgFindByDirection: find(),
    msgFindBefore: find('before'),
    msgFindAfter: find('after'),
  });
}, 98);

// Kinds of messages that nothing here makes: honest, and empty.
__d('WAWebDBMessageFindKinds', [], (g, require, dflt, ns, lazy, module, exports) => {
  const none = async () => ({ messages: [], status: 200 });
  Object.assign(exports, {
    msgFindCallLog: async () => [],
    msgFindEvents: none,
    msgFindMedia: none,
    msgFindStarred: none,
    msgFindSearch: none,
  });
}, 98);

__d('WAWebChatMessageSearch', ['WAWebChatMsgsCollection'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const AROUND = 20;

  /** The messages around one, in a collection of their own that fills itself. */
  exports.getSearchContext = (chat, msgOrKey) => {
    const { ChatMsgsCollection } = ns('WAWebChatMsgsCollection');
    const key = msgOrKey.attributes ? msgOrKey.id : dflt('WAWebMsgKey').fromString(msgOrKey);
    const collection = new ChatMsgsCollection();
    collection.loadAroundPromise = Promise.resolve().then(() => {
      const rows = store.ofChat(chat.id);
      const at = rows.findIndex((row) => row.id === String(key));
      if (at < 0) return;
      const { MsgCollection } = ns('WAWebMsgCollection');
      for (const row of rows.slice(Math.max(0, at - AROUND), at + AROUND)) {
        collection.add(MsgCollection.get(row.id) ?? store.hydrate(row));
      }
    });
    return { collection, key, msg: chat.msgs.get(key), highlightMsg: true };
  };
}, 98);

__d('WAWebChatLoadMessages', ['WAWebMsgCollection'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const PAGE = 50;

  exports.loadEarlierMsgs = async ({ chat }) => {
    const rows = store.ofChat(chat.id);
    const first = chat.msgs.head();
    const end = first ? rows.findIndex((row) => row.id === String(first.id)) : rows.length;
    const { MsgCollection } = ns('WAWebMsgCollection');
    return rows.slice(Math.max(0, end - PAGE), Math.max(0, end)).map((row) => MsgCollection.show(chat.id, store.hydrate(row)));
  };
  exports.loadRecentMsgs = async () => [];
}, 98);

__d('WAWebApiMessageInfoStore', ['StandinLink'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');

  /** In a group: each of the others, and how far it has come with them. */
  function inGroup({ receipts = {} }, others) {
    const having = (least) => Object.entries(receipts).filter(([, ack]) => ack >= least);
    const people = (least) => having(least).map(([jid]) => ({ id: ns('WAWebWidFactory').createWid(jid), t: 0 }));
    return {
      delivery: people(2),
      read: people(3),
      played: [],
      deliveryRemaining: others - having(2).length,
      readRemaining: others - having(3).length,
      playedRemaining: 0,
    };
  }

  exports.queryMsgInfo = async (key) => {
    const group = store.groups.get(String(key.remote));
    if (group) return inGroup(store.msgs.get(String(key)) ?? {}, group.participants.length - 1);
    const ack = store.msgs.get(String(key))?.ack ?? 0;
    const reader = [{ id: key.remote, t: 0 }];
    return {
      delivery: ack >= 2 ? reader : [],
      read: ack >= 3 ? reader : [],
      played: [],
      deliveryRemaining: ack >= 2 ? 0 : 1,
      readRemaining: ack >= 3 ? 0 : 1,
      playedRemaining: 0,
    };
  };
}, 98);
