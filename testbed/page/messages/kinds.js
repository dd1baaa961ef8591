'use strict';
// What else messages do: cards are made and read, messages are forwarded, disappear after a time, and change in place.
__d('WAWebFrontendVcardUtils', ['WAWebFrontendContactGetters'], (g, require, dflt, ns, lazy, module, exports) => {
  function vcardFromContactModel(contact) {
    const name = contact.formattedName ?? ns('WAWebFrontendContactGetters').getFormattedName(contact);
    const number = ns('WAWebApiContact').getPhoneNumber(contact.id)?.user;
    const phone = number ? [`TEL;type=CELL;type=VOICE;waid=${number}:+${number}`] : [];
    const lines = ['BEGIN:VCARD', 'VERSION:3.0', `N:;${name};;;`, `FN:${name}`, ...phone, 'END:VCARD'];
    return { displayName: name, vcard: lines.join('\n'), isMultiVcard: false };
  }
  const mergeVcards = (cards) => ({ displayName: cards[0]?.displayName, vcard: cards.map(({ vcard }) => vcard).join('\n'), isMultiVcard: true });
  Object.assign(exports, { vcardFromContactModel, mergeVcards });
}, 98);

__d('WAWebVcardParsingUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.parseVcard = (text) => {
    const line = (name) => new RegExp(`^${name}[^:\\n]*:(.*)$`, 'im').exec(text)?.[1]?.trim();
    if (!/END:VCARD/i.test(text)) throw new Error('this is no card');
    return { fn: line('FN'), n: line('N'), tel: line('TEL') };
  };
}, 98);

__d('WAWebVcardGetNameFromParsed', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.vcardGetNameFromParsed = ({ fn, n }) => fn ?? n?.split(';').filter(Boolean).join(' ') ?? '';
}, 98);

__d('StandinForward', ['StandinSend'], (g, require, dflt, ns, lazy, module, exports) => {
  const MsgKey = dflt('WAWebMsgKey');
  const LEFT = 'mentionedJidList groupMentions quotedMsg quotedStanzaID quotedParticipant quotedRemoteJid'.split(' ');

  /** The same message, in another chat, under an id of its own. */
  async function forward(msg, chat, withCaption) {
    const from = ns('StandinIntake').me(chat.id);
    const participant = chat.id.isGroup() ? from : undefined;
    const id = new MsgKey({ from, to: chat.id, id: await MsgKey.newId(), participant, selfDir: 'out' });
    const { text, body } = ns('StandinContent').ofRaw(msg);
    const content = ns('StandinContent').ofStanza({ text: withCaption || body.type === 'chat' ? text : '', body });
    for (const name of LEFT) delete content[name];
    const t = ns('WATimeUtils').unixTime();
    const how = { isForwarded: true, forwardingScore: (msg.forwardingScore ?? 0) + 1 };
    const sent = { id, from, to: chat.id, t, ack: 0, self: 'out', local: true, isNewMsg: true };
    const [queued] = ns('WAWebSendMsgChatAction').addAndSendMsgToChat(chat, { ...content, ...how, ...sent });
    await queued;
  }

  /** Gives those that could not be forwarded. */
  exports.forwardAll = async (msgs, chats, withCaption) => {
    const failed = [];
    for (const chat of chats) {
      for (const msg of msgs) {
        const can = !['revoked', 'ciphertext', 'protocol'].includes(msg.type) && !msg.isNotification && !msg.isViewOnce;
        if (can) await forward(msg, chat, withCaption);
        else failed.push(msg);
      }
    }
    return failed;
  };
}, 98);

__d('WAWebChatForwardMessage', ['StandinForward'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.forwardMessages = ({ chat, msgs, includeCaption }) => ns('StandinForward').forwardAll(msgs, [chat], includeCaption);
}, 98);

__d('WAWebForwardMessagesToChat', ['StandinForward'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.forwardMessagesToChats = async (msgs, chats, withCaption) =>
    (await ns('StandinForward').forwardAll(msgs, chats, withCaption)).length === 0;
}, 98);

// A message of a chat in which messages disappear is gone some time after it was sent.
__d('StandinVanish', ['StandinStore'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const MAX_WAIT_MS = 2 ** 31 - 1;
  const ends = new Map();
  let timer = null;

  const vanishes = ({ type, ephemeralDuration }) => ephemeralDuration > 0 && type !== 'protocol';

  function watch(row) {
    if (!vanishes(row)) return;
    ends.set(row.id, ((row.ephemeralStartTimestamp ?? row.t) + row.ephemeralDuration) * 1000);
    wind();
  }

  function wind() {
    clearTimeout(timer);
    if (!ends.size) return;
    const wait = Math.min(...ends.values()) - Date.now();
    timer = setTimeout(turn, Math.max(0, Math.min(wait, MAX_WAIT_MS)));
  }

  /** Whether people keep a message in spite of its timer. */
  const isKept = (id) => store.msgs.get(id)?.kicState === 1;

  async function turn() {
    const ended = [...ends].filter(([, end]) => end <= Date.now()).map(([id]) => id);
    const over = ended.filter((id) => !isKept(id));
    for (const id of ended) ends.delete(id);
    for (const id of over) {
      const chat = id.split('_')[1];
      store.removeMsg(id);
      store.touchChat(chat);
    }
    await store.commit();
    for (const id of over) hide(id);
    wind();
  }

  function hide(id) {
    const { MsgCollection } = ns('WAWebMsgCollection');
    const msg = MsgCollection.get(id);
    if (!msg) return;
    ns('WAWebChatCollection').ChatCollection.get(msg.id.remote)?.msgs.remove(msg);
    MsgCollection.remove(msg);
    ns('WAWebChatCollection').showChat(msg.id.remote);
  }

  /** Of everything that the device holds. */
  function watchAll() {
    for (const row of store.msgs.values()) watch(row);
  }

  /** The chat's own timer, from the notice that says so. */
  function learn({ type, subtype, ephemeralDuration, ephemeralSettingTimestamp }, chat) {
    if (type !== 'protocol' || subtype !== 'ephemeral_setting') return;
    store.changeChat(chat, { ephemeralDuration, ephemeralSettingTimestamp });
  }

  Object.assign(exports, { watch, watchAll, learn });
}, 98);

__d('WAWebGetEphemeralFieldsMsgActionsUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.getEphemeralFields = ({ ephemeralDuration, ephemeralSettingTimestamp }) =>
    ephemeralDuration ? { ephemeralDuration, ephemeralSettingTimestamp, disappearingModeInitiator: 'chat' } : {};
}, 98);

// A message that has other fields than it had, under its id.
__d('StandinUpdates', ['StandinStore', 'StandinIntake'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.take = (stanza) => {
    const chat = ns('WAWebWidFactory').createWid(stanza.chat);
    const key = ns('StandinIntake').known(chat, stanza.from_me, stanza.target, stanza.author);
    if (!ns('StandinStore').changeMsg(key, stanza.fields)) return null;
    // Kept no longer: its time counts again.
    if (stanza.fields.kicState === 2) ns('StandinVanish').watch(ns('StandinStore').msgs.get(String(key)));
    return () => ns('WAWebMsgCollection').MsgCollection.get(key)?.set(stanza.fields);
  };
}, 98);
