'use strict';
// What a person does to a chat besides writing: reads it, marks it unread.
__d('WAWebUpdateUnreadChatAction', ['StandinStore', 'StandinLink'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');

  /** The messages that this read covers: as many of the last ones from the other side as were unread. */
  function unreadIds(chat) {
    const { SYSTEM_MESSAGE_TYPES } = ns('WAWebMsgType');
    const said = (row) => row.self === 'in' && !SYSTEM_MESSAGE_TYPES.includes(row.type);
    const theirs = store.ofChat(chat.id).filter(said);
    const count = chat.unreadCount < 0 ? 1 : chat.unreadCount;
    return count ? theirs.slice(-count).map((row) => row.id.split('_')[2]) : [];
  }

  const tell = (jid, ids) => ns('StandinLink').link.send({ op: 'read', jid, ids });

  /** Takes a chat, and in later versions `{chat}`. */
  exports.sendSeen = async (chatOrOptions) => {
    const chat = chatOrOptions.chat ?? chatOrOptions;
    const ids = unreadIds(chat);
    const { seenPending = [] } = store.chats.get(String(chat.id)) ?? {};
    // Written down until the service has it: read while offline is read all the same.
    if (ids.length) store.changeChat(chat.id, { unreadCount: 0, seenPending: [...seenPending, ...ids] });
    else if (chat.unreadCount) store.changeChat(chat.id, { unreadCount: 0 });
    await store.commit();
    chat.set({ unreadCount: 0 });
    report(String(chat.id));
  };

  exports.markUnread = async (chatOrOptions) => {
    const chat = chatOrOptions.chat ?? chatOrOptions;
    store.changeChat(chat.id, { unreadCount: -1 });
    await store.commit();
    chat.set({ unreadCount: -1 });
  };

  function report(jid) {
    const { seenPending = [] } = store.chats.get(jid) ?? {};
    if (!seenPending.length || !tell(jid, seenPending)) return;
    store.changeChat(jid, { seenPending: [] });
    store.commit();
  }

  /** On every new connection. */
  exports.reportPending = () => {
    for (const jid of store.chats.keys()) report(jid);
  };
}, 98);

__d('WAWebReactionsCollection', ['WAWebBaseCollection', 'WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');
  const { BaseCollection } = ns('WAWebBaseCollection');
  const Collection = dflt('WAWebCollection');

  class ReactionsSenders extends BaseModel {}
  const senderProps = ['id', 'msgKey', 'parentMsgKey', 'reactionText', 'senderUserJid', 'timestamp', 'read', 'orphan', 'ack'];
  defineModel(ReactionsSenders, 'reactionsSenders', senderProps);
  class ReactionsSendersCollection extends Collection {
    static model = ReactionsSenders;
  }

  class AggReactions extends BaseModel {
    serialize() {
      return { ...super.serialize(), id: this.aggregateEmoji, senders: this.senders.serialize() };
    }
  }
  defineModel(AggReactions, 'aggReactions', ['id', 'aggregateEmoji', 'hasReactionByMe', 'senders']);
  class AggReactionsCollection extends Collection {
    static model = AggReactions;
  }

  class Reactions extends BaseModel {}
  defineModel(Reactions, 'reactions', ['id', 'reactions', 'reactionByMe']);

  function senderOf(parent, jid, { id, text, t }) {
    const fromMe = ns('WAWebUserPrefsMeUser').isMeAccount(jid);
    const { remote } = parent;
    const participant = remote.isGroup() ? jid : undefined;
    const msgKey = new (dflt('WAWebMsgKey'))({ fromMe, remote, id, participant });
    const common = { reactionText: text, senderUserJid: jid, timestamp: t * 1000, read: true, orphan: 0, ack: 1 };
    return { id: jid, msgKey, parentMsgKey: parent, ...common };
  }

  class ReactionsCollection extends BaseCollection {
    static model = Reactions;

    /** From the store each time: it knows of reactions to messages that are not in memory. */
    async find(id) {
      const parent = dflt('WAWebMsgKey').fromString(id);
      const stored = Object.entries(ns('StandinStore').msgs.get(String(parent))?.reactions ?? {});
      const senders = stored.map(([jid, reaction]) => senderOf(parent, jid, reaction));
      const mine = ({ senderUserJid }) => ns('WAWebUserPrefsMeUser').isMeAccount(senderUserJid);
      const reactions = new AggReactionsCollection();
      for (const emoji of new Set(senders.map(({ reactionText }) => reactionText))) {
        const these = senders.filter(({ reactionText }) => reactionText === emoji);
        const collection = new ReactionsSendersCollection();
        collection.add(these);
        reactions.add({ id: emoji, aggregateEmoji: emoji, hasReactionByMe: these.some(mine), senders: collection });
      }
      return this.add({ id: String(parent), reactions, reactionByMe: senders.find(mine) }, { merge: true });
    }
  }

  exports.ReactionsCollection = new ReactionsCollection();
}, 98);

__d('WAWebReactionsUtils', ['WAWebReactionsCollection'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.addOrUpdateReactionsModelCollection = async ({ parentMsgKey }) =>
    ns('WAWebReactionsCollection').ReactionsCollection.find(parentMsgKey);
}, 98);

__d('WAWebGetReactions', ['WAWebReactionsCollection'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.getReactions = (id) => ns('WAWebReactionsCollection').ReactionsCollection.find(String(id));
}, 98);

__d('WAWebAddonReactionTableMode', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.reactionTableMode = { bulkUpsert: async () => {} };
}, 98);

__d('WAWebAddonPollVoteTableMode', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.pollVoteTableMode = { bulkUpsert: async () => {} };
}, 98);

// A chat moves from its number to its LID: the keys of its messages change, their stanza ids do not.
__d('StandinMigration', ['StandinStore'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');

  exports.migrate = ({ from, to, lid, pn, push_name: pushname }) => {
    ns('WAWebLidPnCache').lidPnCache.learn(`${lid}@lid`, `${pn}@c.us`);
    const moved = store.moveChat(from, to);
    store.changeContact(to, { ...store.contacts.get(from), pushname });
    for (const [id, entry] of store.outbox) {
      if (entry.frame.to === from) store.note('outbox', id, { ...entry, frame: { ...entry.frame, to } });
    }
    return () => {
      ns('WAWebContactCollection').showContact(to);
      const { ChatCollection, showChat } = ns('WAWebChatCollection');
      const { MsgCollection } = ns('WAWebMsgCollection');
      const old = ChatCollection.get(from);
      const chat = showChat(to);
      for (const [before, after] of moved) {
        const msg = MsgCollection.get(before);
        if (!msg) continue;
        const { id, from: sender, to: receiver } = store.hydrate(store.msgs.get(after));
        old?.msgs.remove(msg, { silent: true });
        MsgCollection.replaceId(msg, id);
        msg.set({ from: sender, to: receiver }, { silent: true });
        chat?.msgs.add(msg, { silent: true });
      }
      chat?.msgs.sort({ silent: true });
      ChatCollection.remove(old ?? []);
    };
  };
}, 98);
