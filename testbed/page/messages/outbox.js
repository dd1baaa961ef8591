'use strict';
// Everything that we send. An entry is written to the device's disk before it goes out, and goes out again, under the
// same stanza id, on every connection until the service has said that it has it: so a send made while the socket was
// down, or whose answer was lost, is not lost over a reload either.
__d('StandinOutbox', ['StandinStore', 'StandinLink'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const waiting = new Map();
  let lastSeq = 0;
  let open = false;

  /**
   * Notes an entry, with the key of the message that it sends; the caller commits the store and then calls `go`.
   * Resolves with the service's answer.
   */
  function note(frame, key) {
    lastSeq = Math.max(lastSeq, ...[...store.outbox.values()].map((entry) => entry.seq)) + 1;
    store.note('outbox', frame.id, { seq: lastSeq, frame, key });
    return new Promise((resolve) => waiting.set(frame.id, [...(waiting.get(frame.id) ?? []), resolve]));
  }

  function go(id) {
    const entry = store.outbox.get(id);
    if (open && entry) ns('StandinLink').link.send({ op: 'message', ...entry.frame });
  }

  /** On every new connection, in the order in which they were written. */
  function flush() {
    open = true;
    for (const { frame } of [...store.outbox.values()].sort((a, b) => a.seq - b.seq)) go(frame.id);
  }

  async function answered({ id, t, error }) {
    const entry = store.outbox.get(id);
    if (!entry) return;
    store.note('outbox', id, null);
    const shown = entry.key ? ns('StandinSend').acked(entry.key, error) : null;
    await store.commit();
    shown?.();
    const result = error ? { messageSendResult: 'ERROR_UNKNOWN', errorCode: error, t } : { messageSendResult: 'OK', t };
    for (const resolve of waiting.get(id) ?? []) resolve(result);
    waiting.delete(id);
  }

  Object.assign(exports, { note, go, flush, answered, shut: () => void (open = false) });
}, 98);

__d('StandinSend', ['StandinStore', 'WAWebMsgCollection'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');

  /** The service has it, or refuses it. Never takes back what a receipt has already said. */
  function acked(key, error) {
    const ack = error ? -1 : 1;
    const known = store.msgs.get(key)?.ack ?? 0;
    if (known < 1) store.changeMsg(key, error ? { ack, isSendFailure: true } : { ack });
    return () => ns('WAWebMsgCollection').MsgCollection.get(key)?.updateAck(ack);
  }

  function quoteOf({ to, quotedStanzaID, quotedParticipant, quotedMsg }) {
    if (!quotedStanzaID) return undefined;
    const fromMe = ns('WAWebUserPrefsMeUser').isMeAccount(quotedParticipant);
    const author = to.isGroup() ? String(quotedParticipant) : undefined;
    return { id: quotedStanzaID, from_me: fromMe, author, text: ns('StandinContent').quotedText(quotedMsg) };
  }

  /** Shown with the very id object that we were given: clients compare it. */
  function show(chat, raw) {
    const { MsgCollection } = ns('WAWebMsgCollection');
    return MsgCollection.get(raw.id) ?? MsgCollection.show(chat.id, { ...raw, ack: 0 });
  }

  /** Answers at once with two promises: of the message, when it is safely ours, and of the service's answer. */
  function addAndSendMsgToChat(chat, given) {
    const raw = ns('StandinContent').settled(given);
    const row = { ...store.dehydrate(raw), ack: 0 };
    store.addMsg(row);
    store.touchChat(chat.id);
    const frame = {
      kind: 'text',
      to: String(chat.id),
      id: raw.id.id,
      t: row.t,
      ...ns('StandinContent').ofRaw(raw),
      quote: quoteOf(raw),
    };
    const result = ns('StandinOutbox').note(frame, row.id);
    const msg = show(chat, raw);
    ns('WAWebChatCollection').showChat(chat.id);
    ns('StandinVanish').watch(row);
    const queued = store.commit().then(() => {
      ns('StandinOutbox').go(raw.id.id);
      return msg;
    });
    return [queued, result];
  }

  Object.assign(exports, { acked, show, addAndSendMsgToChat });
}, 98);

__d('WAWebSendMsgChatAction', ['StandinSend'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.addAndSendMsgToChat = (chat, raw) => ns('StandinSend').addAndSendMsgToChat(chat, raw);
}, 98);

__d('WAWebSendTextMsgChatAction', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.sendTextMsgToChat = async (chat, body) => {
    const MsgKey = dflt('WAWebMsgKey');
    const from = ns('StandinIntake').me(chat.id);
    const participant = chat.id.isGroup() ? from : undefined;
    const id = new MsgKey({ from, to: chat.id, id: await MsgKey.newId(), participant, selfDir: 'out' });
    const t = ns('WATimeUtils').unixTime();
    const raw = { id, body, from, to: chat.id, t, type: 'chat', self: 'out', isNewMsg: true, local: true };
    const [msg, result] = ns('WAWebSendMsgChatAction').addAndSendMsgToChat(chat, raw);
    await msg;
    return result;
  };
}, 98);

__d('WAWebSendMessageEditAction', ['StandinOutbox'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const MsgKey = dflt('WAWebMsgKey');

  async function send(msg, body, editKey) {
    const t = ns('WATimeUtils').unixTime();
    const changed = ns('StandinContent').edited(msg.type, body);
    const edited = { ...changed, latestEditMsgKey: editKey, latestEditSenderTimestampMs: t * 1000 };
    store.changeMsg(msg.id, store.dehydrate(edited));
    const to = String(msg.id.remote);
    const result = ns('StandinOutbox').note({ kind: 'edit', to, id: editKey.id, t, target: msg.id.id, text: body });
    await store.commit();
    ns('StandinOutbox').go(editKey.id);
    msg.set(edited);
    return result;
  }

  exports.addAndSendMessageEdit = (msg, raw) => send(msg, raw.body, raw.id);
  exports.sendMessageEdit = async (msg, body) =>
    send(msg, body, new MsgKey({ ...msg.id, id: await MsgKey.newId() }));
}, 98);

__d('StandinReactions', [], (g, require, dflt, ns, lazy, module, exports) => {
  /** Tells both the collection's and the table's hook: each client listens to one of them. */
  exports.show = ({ key, parent, sender, text, t }, isNew = true) => {
    ns('WAWebReactionsUtils').addOrUpdateReactionsModelCollection(
      {
        msgKey: String(key),
        parentMsgKey: String(parent),
        senderUserJid: String(sender),
        reactionText: text,
        t: t * 1000,
        timestamp: t * 1000,
        read: false,
        orphan: 0,
      },
      isNew,
    );
    ns('WAWebAddonReactionTableMode').reactionTableMode.bulkUpsert([
      {
        id: key,
        reactionParentKey: parent,
        from: sender,
        reactionText: text,
        reactionTimestamp: t * 1000,
        read: false,
        orphan: 0,
        orphanReason: null,
        ack: 1,
      },
    ]);
    ns('WAWebMsgCollection').MsgCollection.get(parent)?.set({ hasReaction: Boolean(text) });
  };
}, 98);

__d('WAWebSendReactionMsgAction', ['StandinOutbox'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const MsgKey = dflt('WAWebMsgKey');

  exports.sendReactionToMsg = async (msg, text) => {
    const id = await MsgKey.newId();
    const t = ns('WATimeUtils').unixTime();
    const sender = ns('StandinIntake').me(msg.id.remote);
    const reactions = { ...store.msgs.get(String(msg.id))?.reactions };
    if (text) reactions[sender] = { text, id, t };
    else delete reactions[sender];
    store.changeMsg(msg.id, { reactions, hasReaction: Object.keys(reactions).length > 0 });
    const to = String(msg.id.remote);
    const result = ns('StandinOutbox').note({
      kind: 'reaction',
      to,
      id,
      t,
      target: msg.id.id,
      target_from_me: msg.id.fromMe,
      target_author: ns('StandinRevoke').authorOf(msg),
      text,
    });
    await store.commit();
    ns('StandinOutbox').go(id);
    const participant = msg.id.remote.isGroup() ? sender : undefined;
    const key = new MsgKey({ fromMe: true, remote: msg.id.remote, id, participant });
    ns('StandinReactions').show({ key, parent: msg.id, sender, text, t });
    return (await result).messageSendResult;
  };
}, 98);

__d('StandinRevoke', ['StandinOutbox'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const MsgKey = dflt('WAWebMsgKey');

  /** In a group: who wrote a message that is not ours. */
  const authorOf = ({ id }) => (id.fromMe || !id.participant ? undefined : String(id.participant));

  async function revoke(chat, msgs) {
    const results = [];
    for (const msg of msgs) {
      const id = await MsgKey.newId();
      const t = ns('WATimeUtils').unixTime();
      const gone = { ...ns('StandinContent').revoked(), subtype: msg.id.fromMe ? 'sender' : 'admin' };
      store.changeMsg(msg.id, gone);
      const target = { target: msg.id.id, target_from_me: msg.id.fromMe, target_author: authorOf(msg) };
      results.push(ns('StandinOutbox').note({ kind: 'revoke', to: String(chat.id), id, t, ...target }));
      await store.commit();
      ns('StandinOutbox').go(id);
      msg.set(gone);
    }
    await Promise.all(results);
  }

  /** For ourselves alone. */
  async function remove(chat, msgs) {
    for (const msg of msgs) {
      store.removeMsg(msg.id);
      store.touchChat(chat.id);
    }
    await store.commit();
    for (const msg of msgs) {
      chat.msgs.remove(msg);
      ns('WAWebMsgCollection').MsgCollection.remove(msg);
    }
    ns('WAWebChatCollection').showChat(chat.id);
  }

  Object.assign(exports, { revoke, remove, authorOf });
}, 98);
