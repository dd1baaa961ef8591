'use strict';
// Everything that comes from the service: messages, receipts, names, typing. In order, one batch at a time: noted in
// the store, written to the device's disk, shown to the models, and only then acknowledged. What was not acknowledged
// comes again, and is known by its key.
__d('StandinIntake', ['StandinStore', 'StandinLink', 'WAWebMsgKey', 'WAWebWidFactory'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const MsgKey = dflt('WAWebMsgKey');
  const { createWid } = ns('WAWebWidFactory');
  const BATCH = 100;

  const waiting = [];
  let running = null;

  function push(stanza) {
    waiting.push(stanza);
    running ??= run();
  }

  /** Resolves when all that has come so far is taken in. */
  const drained = async () => {
    while (running) await running;
  };

  async function run() {
    try {
      while (waiting.length) {
        const batch = waiting.splice(0, BATCH);
        const shows = batch.map(({ stanza }) => attempt(() => kinds[stanza.type]?.(stanza))).filter(Boolean);
        await store.commit();
        for (const show of shows) await attempt(show);
        // What is not kept for us, such as who is typing, has no number.
        const seq = Math.max(...batch.map((frame) => frame.seq));
        if (seq > 0) ns('StandinLink').link.send({ op: 'ack', seq });
      }
    } finally {
      running = null;
    }
  }

  /** One stanza that cannot be read must not hold up those behind it. */
  function attempt(act) {
    try {
      return act();
    } catch (error) {
      reportError(error);
      return undefined;
    }
  }

  const me = (wid) => {
    const { getMaybeMeLidUser, getMaybeMePnUser } = ns('WAWebUserPrefsMeUser');
    return wid.isLid() ? getMaybeMeLidUser() : getMaybeMePnUser();
  };

  const keyIn = (chat, fromMe, id) => new MsgKey({ fromMe, remote: chat, id });

  /** The row of a message, from a live stanza or from history. */
  function rowOf(stanza, extra) {
    const chat = createWid(stanza.chat);
    const row = {
      id: String(keyIn(chat, stanza.from_me, stanza.id)),
      ...ns('StandinContent').ofStanza(stanza),
      t: stanza.t,
      from: String(stanza.from_me ? me(chat) : chat),
      to: String(stanza.from_me ? chat : me(chat)),
      self: stanza.from_me ? 'out' : 'in',
      ack: stanza.ack ?? 1,
      notifyName: stanza.push_name,
      ...extra,
    };
    const { quote } = stanza;
    if (quote) {
      row.quotedStanzaID = quote.id;
      row.quotedParticipant = String(quote.from_me ? me(chat) : chat);
      row.quotedMsg = { type: 'chat', body: quote.text };
    }
    return row;
  }

  function learnPerson({ chat, lid, pn, push_name: pushname, name }) {
    if (lid && pn) ns('WAWebLidPnCache').lidPnCache.learn(`${lid}@lid`, `${pn}@c.us`);
    const known = store.contacts.get(chat);
    const changes = {};
    if (pushname && known?.pushname !== pushname) changes.pushname = pushname;
    if (name && known?.name !== name) Object.assign(changes, { name, isAddressBookContact: 1 });
    if (!known || Object.keys(changes).length) store.changeContact(chat, changes);
  }

  const kinds = {
    message(stanza) {
      return { edit, revoke, reaction }[stanza.kind]?.(stanza) ?? text(stanza);
    },

    receipt(stanza) {
      const chat = createWid(stanza.chat);
      for (const id of stanza.ids) {
        const key = keyIn(chat, true, id);
        if ((store.msgs.get(String(key))?.ack ?? Infinity) < stanza.ack) store.changeMsg(key, { ack: stanza.ack });
      }
      return () =>
        ns('WAWebHandleChatReceipt').handleChatSimpleReceipt({
          type: 'receipt',
          stanzaId: stanza.ids[0],
          externalIds: stanza.ids,
          from: chat,
          participant: null,
          recipient: null,
          ts: stanza.t,
          ack: stanza.ack,
          ackString: { 2: 'delivery', 3: 'read', 4: 'played' }[stanza.ack] ?? null,
          offline: null,
        });
    },

    // Read on another device of ours.
    read_self({ chat }) {
      store.changeChat(chat, { unreadCount: 0 });
      return () => ns('WAWebChatCollection').showChat(chat);
    },

    contact(stanza) {
      learnPerson(stanza);
      return () => ns('WAWebContactCollection').showContact(stanza.chat);
    },

    chatstate({ chat, state, t }) {
      return () => {
        const presence = ns('WAWebPresenceCollection').PresenceCollection.gadd(createWid(chat));
        presence.set({ hasData: true, isOnline: true });
        presence.chatstate.set({ t, type: { composing: 'typing', recording: 'recording_audio', paused: 'available' }[state] });
      };
    },

    presence({ chat, online, t }) {
      return () => {
        const presence = ns('WAWebPresenceCollection').PresenceCollection.gadd(createWid(chat));
        presence.set({ hasData: true, isOnline: online });
        presence.chatstate.set({ t, type: online ? 'available' : 'unavailable' });
      };
    },

    migrate: (stanza) => ns('StandinMigration').migrate(stanza),
  };

  function text(stanza) {
    learnPerson(stanza);
    const { from_me: fromMe, chat } = stanza;
    const row = rowOf(stanza);
    const known = store.msgs.get(row.id);
    if (known && known.type === 'ciphertext') store.changeMsg(row.id, row);
    else if (!store.addMsg(row)) return null;
    else {
      const { unreadCount = 0 } = store.chats.get(chat) ?? {};
      store.touchChat(chat, { unreadCount: fromMe ? unreadCount : unreadCount + 1 });
    }
    const stored = store.msgs.get(row.id);
    return async () => {
      ns('WAWebContactCollection').showContact(chat);
      const model = ns('WAWebChatCollection').showChat(chat);
      const raw = { ...store.hydrate(stored), isNewMsg: true };
      await ns('WAWebMsgCollection').MsgCollection.processMultipleMessages(model.id, [raw]);
    };
  }

  function edit(stanza) {
    const chat = createWid(stanza.chat);
    const target = keyIn(chat, stanza.from_me, stanza.target);
    const latestEditMsgKey = keyIn(chat, stanza.from_me, stanza.id);
    const latestEditSenderTimestampMs = stanza.t * 1000;
    const { type } = store.msgs.get(String(target)) ?? {};
    const changed = ns('StandinContent').edited(type, stanza.text);
    const changes = { ...changed, latestEditMsgKey: String(latestEditMsgKey), latestEditSenderTimestampMs };
    if (!store.changeMsg(target, changes)) return null;
    return () =>
      ns('WAWebMsgCollection').MsgCollection.processMultipleMessages(chat, [
        {
          ...protocol(stanza, chat, target, 'message_edit'),
          body: stanza.text,
          latestEditMsgKey,
          latestEditSenderTimestampMs,
        },
      ]);
  }

  function revoke(stanza) {
    const chat = createWid(stanza.chat);
    const target = keyIn(chat, stanza.from_me, stanza.target);
    if (!store.changeMsg(target, ns('StandinContent').revoked())) return null;
    return () =>
      ns('WAWebMsgCollection').MsgCollection.processMultipleMessages(chat, [
        protocol(stanza, chat, target, 'sender_revoke'),
      ]);
  }

  function protocol(stanza, chat, target, subtype) {
    const [from, to] = stanza.from_me ? [me(chat), chat] : [chat, me(chat)];
    const id = keyIn(chat, stanza.from_me, stanza.id);
    return { id, type: 'protocol', subtype, protocolMessageKey: target, from, to, t: stanza.t, isNewMsg: true };
  }

  function reaction(stanza) {
    const chat = createWid(stanza.chat);
    const parent = keyIn(chat, stanza.target_from_me, stanza.target);
    const sender = stanza.from_me ? me(chat) : chat;
    const reactions = { ...store.msgs.get(String(parent))?.reactions };
    if (stanza.text) reactions[sender] = { text: stanza.text, id: stanza.id, t: stanza.t };
    else delete reactions[sender];
    if (!store.changeMsg(parent, { reactions, hasReaction: Object.keys(reactions).length > 0 })) return null;
    const key = keyIn(chat, stanza.from_me, stanza.id);
    return () => ns('StandinReactions').show({ key, parent, sender, text: stanza.text, t: stanza.t });
  }

  Object.assign(exports, { push, drained, rowOf, learnPerson, me, keyIn });
}, 98);

// Receipts for what we sent. The libraries wrap these to hear of deliveries and reads.
__d('WAWebHandleChatReceipt', ['WAWebMsgKey'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.handleChatSimpleReceipt = async ({ from, externalIds, ack }) => {
    const { MsgCollection } = ns('WAWebMsgCollection');
    for (const id of externalIds) MsgCollection.get(ns('StandinIntake').keyIn(from, true, id))?.updateAck(ack);
  };
}, 98);

__d('WAWebHandleGroupReceipt', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.handleGroupSimpleReceipt = async () => {};
}, 98);

__d('WAWebHandleStatusReceipt', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.handleStatusSimpleReceipt = async () => {};
}, 98);
