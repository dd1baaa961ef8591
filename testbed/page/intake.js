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

  /** Who we are in a chat. */
  const me = (wid) => {
    const { getMaybeMeLidUser, getMaybeMePnUser } = ns('WAWebUserPrefsMeUser');
    const byLid = wid.isGroup() ? ns('StandinGroups').goesByLid(wid) : wid.isLid();
    return byLid ? getMaybeMeLidUser() : getMaybeMePnUser();
  };

  const keyIn = (chat, fromMe, id, participant) => new MsgKey({ fromMe, remote: chat, id, participant });

  /** The key of a message that we have. Of our own in a group, it depends on the client under which of our two ids. */
  function known(chat, fromMe, id, author) {
    const mine = fromMe && chat.isGroup() ? ns('WAWebUserPrefsMeUser').getMePNandLIDWids() : [];
    const keys = [author, ...mine].map((participant) => keyIn(chat, fromMe, id, participant));
    return keys.find((key) => store.msgs.has(String(key))) ?? keys[0];
  }

  /** The row of a message, from a live stanza or from history. */
  function rowOf(stanza, extra) {
    const chat = createWid(stanza.chat);
    const { author } = stanza;
    const { parentId, ...content } = ns('StandinContent').ofStanza(stanza);
    const row = {
      id: String(keyIn(chat, stanza.from_me, stanza.id, author)),
      ...content,
      ...(parentId ? { parentMsgKey: String(keyIn(chat, stanza.from_me, parentId, author)) } : {}),
      t: stanza.t,
      from: String(stanza.from_me ? (author ?? me(chat)) : chat),
      to: String(stanza.from_me ? chat : me(chat)),
      author,
      self: stanza.from_me ? 'out' : 'in',
      ack: stanza.ack ?? 1,
      notifyName: stanza.push_name,
      ...extra,
    };
    const { quote } = stanza;
    if (quote) {
      row.quotedStanzaID = quote.id;
      row.quotedParticipant = String(quote.author ?? (quote.from_me ? me(chat) : chat));
      row.quotedMsg = { type: 'chat', body: quote.text };
    }
    return row;
  }

  /** Whoever a stanza is about: the other side of a direct chat, the author in a group, and never us. */
  function learnPerson({ chat: place, author, from_me: fromMe, lid, pn, push_name: pushname, name, username }) {
    if (author && fromMe) return;
    const chat = author ?? place;
    if (lid && pn) ns('WAWebLidPnCache').lidPnCache.learn(`${lid}@lid`, `${pn}@c.us`);
    for (const id of idsOf(chat)) {
      const known = store.contacts.get(id);
      const changes = {};
      if (pushname && known?.pushname !== pushname) changes.pushname = pushname;
      if (name && known?.name !== name) Object.assign(changes, { name, isAddressBookContact: 1 });
      if (username && known?.username !== username) changes.username = username;
      if (!known || Object.keys(changes).length) store.changeContact(id, changes);
    }
  }

  /** A person's id, and their other one where we have it as a contact of its own. */
  function idsOf(id) {
    const other = String(ns('WAWebApiContact').getAlternateUserWid(createWid(id)) ?? '');
    return store.contacts.has(other) ? [id, other] : [id];
  }

  const kinds = {
    message(stanza) {
      if (stanza.group) return ns('StandinNotices').take(stanza);
      const [vote, update] = [ns('StandinPolls').take, ns('StandinUpdates').take];
      return ({ edit, revoke, reaction, vote, update }[stanza.kind] ?? text)(stanza);
    },

    receipt(stanza) {
      const chat = createWid(stanza.chat);
      const { participant, all = stanza.ack } = stanza;
      for (const id of stanza.ids) {
        const row = store.msgs.get(String(known(chat, true, id)));
        if (!row) continue;
        const receipts = participant ? { receipts: { ...row.receipts, [participant]: stanza.ack } } : {};
        if (participant || row.ack < all) store.changeMsg(row.id, { ...receipts, ack: Math.max(row.ack, all) });
      }
      const handle = (receipt) =>
        chat.isGroup()
          ? ns('WAWebHandleGroupReceipt').handleGroupSimpleReceipt(receipt)
          : ns('WAWebHandleChatReceipt').handleChatSimpleReceipt(receipt);
      return () =>
        handle({
          type: 'receipt',
          stanzaId: stanza.ids[0],
          externalIds: stanza.ids,
          from: chat,
          participant: participant ? createWid(participant) : null,
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
      return () => idsOf(stanza.chat).forEach((id) => ns('WAWebContactCollection').showContact(id));
    },

    picture({ chat }) {
      const { ProfilePicThumbCollection: pictures } = ns('WAWebProfilePicThumbCollection');
      return () => pictures.get(chat) && pictures.update(createWid(chat));
    },

    chatstate({ chat, participant, state, t }) {
      return () => {
        const presence = ns('WAWebPresenceCollection').PresenceCollection.gadd(createWid(chat));
        const now = { t, type: { composing: 'typing', recording: 'recording_audio', paused: 'available' }[state] };
        presence.set({ hasData: true, isOnline: true });
        if (participant) presence.chatstates.gadd(createWid(participant)).set(now);
        presence.chatstate.set(now);
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
    const { from_me: fromMe, chat, author } = stanza;
    const row = rowOf(stanza);
    const before = store.msgs.get(row.id);
    if (before && before.type === 'ciphertext') store.changeMsg(row.id, row);
    else if (!store.addMsg(row)) return null;
    else {
      const { unreadCount = 0 } = store.chats.get(chat) ?? {};
      const counts = !fromMe && !ns('WAWebMsgType').SYSTEM_MESSAGE_TYPES.includes(row.type);
      store.touchChat(chat, { unreadCount: unreadCount + (counts ? 1 : 0) });
    }
    ns('StandinVanish').learn(row, chat);
    const stored = store.msgs.get(row.id);
    return async () => {
      ns('StandinVanish').watch(stored);
      ns('WAWebContactCollection').showContact(author ?? chat);
      const model = ns('WAWebChatCollection').showChat(chat);
      const raw = { ...store.hydrate(stored), isNewMsg: true };
      await ns('WAWebMsgCollection').MsgCollection.processMultipleMessages(model.id, [raw]);
    };
  }

  function edit(stanza) {
    const chat = createWid(stanza.chat);
    const target = known(chat, stanza.from_me, stanza.target, stanza.author);
    const latestEditMsgKey = keyIn(chat, stanza.from_me, stanza.id, stanza.author);
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
    const target = known(chat, stanza.target_from_me, stanza.target, stanza.target_author);
    const by = stanza.author === stanza.target_author ? 'sender' : 'admin';
    if (!store.changeMsg(target, { ...ns('StandinContent').revoked(), subtype: by })) return null;
    return () =>
      ns('WAWebMsgCollection').MsgCollection.processMultipleMessages(chat, [
        protocol(stanza, chat, target, `${by}_revoke`),
      ]);
  }

  function protocol(stanza, chat, target, subtype) {
    const author = stanza.author && createWid(stanza.author);
    const [from, to] = stanza.from_me ? [author ?? me(chat), chat] : [chat, me(chat)];
    const id = keyIn(chat, stanza.from_me, stanza.id, author);
    return { id, type: 'protocol', subtype, protocolMessageKey: target, from, to, author, t: stanza.t, isNewMsg: true };
  }

  function reaction(stanza) {
    const chat = createWid(stanza.chat);
    const parent = known(chat, stanza.target_from_me, stanza.target, stanza.target_author);
    const sender = stanza.author ? createWid(stanza.author) : stanza.from_me ? me(chat) : chat;
    const reactions = { ...store.msgs.get(String(parent))?.reactions };
    if (stanza.text) reactions[sender] = { text: stanza.text, id: stanza.id, t: stanza.t };
    else delete reactions[sender];
    if (!store.changeMsg(parent, { reactions, hasReaction: Object.keys(reactions).length > 0 })) return null;
    const key = keyIn(chat, stanza.from_me, stanza.id, stanza.author);
    return () => ns('StandinReactions').show({ key, parent, sender, text: stanza.text, t: stanza.t });
  }

  Object.assign(exports, { push, drained, rowOf, learnPerson, me, keyIn, known });
}, 98);

// Receipts for what we sent. The libraries wrap these to hear of deliveries and reads.
__d('WAWebHandleChatReceipt', ['WAWebMsgKey'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.handleChatSimpleReceipt = async ({ from, externalIds, ack }) => {
    const { MsgCollection } = ns('WAWebMsgCollection');
    for (const id of externalIds) MsgCollection.get(ns('StandinIntake').keyIn(from, true, id))?.updateAck(ack);
  };
}, 98);

// In a group a message is as far as it is with the slowest of its members: that is in the row already.
__d('WAWebHandleGroupReceipt', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.handleGroupSimpleReceipt = async ({ from, externalIds }) => {
    const { MsgCollection } = ns('WAWebMsgCollection');
    for (const id of externalIds) {
      const key = ns('StandinIntake').known(from, true, id);
      const row = ns('StandinStore').msgs.get(String(key));
      if (row) MsgCollection.get(key)?.updateAck(row.ack);
    }
  };
}, 98);

__d('WAWebHandleStatusReceipt', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.handleStatusSimpleReceipt = async () => {};
}, 98);
