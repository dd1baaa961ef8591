'use strict';
// The message store's rows in memory, as the site reads its own from IndexedDB: every message of every chat, while the
// collections hold only what has been shown. Rows are plain JSON; `hydrate` makes a model's attributes of one. A
// change is noted here first, then written by `commit`, and only then shown to the models.
__d('StandinStore', ['StandinDisk', 'WAWebMsgKey', 'WAWebWidFactory'], (g, require, dflt, ns, lazy, module, exports) => {
  const disk = ns('StandinDisk');
  const MsgKey = dflt('WAWebMsgKey');
  const { createWid } = ns('WAWebWidFactory');

  const msgs = new Map();
  const byChat = new Map();
  const chats = new Map();
  const contacts = new Map();
  const outbox = new Map();
  const mappings = new Map();
  const groups = new Map();
  const tables = { msgs, chats, contacts, outbox, mappings, groups };
  let lastRowId = 0;
  let unwritten = [];

  const KEYS = ['id', 'protocolMessageKey', 'latestEditMsgKey', 'parentMsgKey'];
  const WIDS = ['from', 'to', 'author', 'quotedParticipant', 'quotedRemoteJid'];
  const WID_LISTS = ['mentionedJidList'];
  const BYTES = ['waveform'];
  // True of a message as it comes in, not of one that is read again later; and what is in this page alone.
  const PASSING = 'isNewMsg local mediaData mediaObject mediaBlob mediaStage renderableUrl preview isUnsentMedia'.split(' ');

  function load(rows) {
    for (const table of Object.values(tables)) table.clear();
    byChat.clear();
    unwritten = [];
    for (const [table, key, value] of rows) tables[table]?.set(key, value);
    for (const row of [...msgs.values()].sort((a, b) => a.rowId - b.rowId)) index(row);
    for (const row of msgs.values()) lastRowId = Math.max(lastRowId, row.rowId);
  }

  /** Page order: by time, which has whole seconds, then by arrival. */
  function index(row) {
    const chat = chatOf(row);
    if (!byChat.has(chat)) byChat.set(chat, []);
    const rows = byChat.get(chat);
    let at = rows.length;
    const later = (other) => other.t > row.t || (other.t === row.t && other.rowId > row.rowId);
    while (at > 0 && later(rows[at - 1])) at -= 1;
    rows.splice(at, 0, row);
  }

  const chatOf = (row) => row.id.split('_')[1];

  function note(table, key, value) {
    if (value === null) tables[table].delete(key);
    else tables[table].set(key, value);
    unwritten.push([table, key, value]);
  }

  /** Adds a message; false when the store has it already, as after a delivery that was not acknowledged. */
  function addMsg(row) {
    if (msgs.has(row.id)) return false;
    lastRowId += 1;
    const stored = { ...row, rowId: lastRowId };
    index(stored);
    note('msgs', row.id, stored);
    return true;
  }

  function changeMsg(id, changes) {
    const row = msgs.get(String(id));
    if (!row) return undefined;
    Object.assign(row, changes);
    note('msgs', row.id, row);
    return row;
  }

  function removeMsg(id) {
    const row = msgs.get(String(id));
    if (!row) return;
    const rows = byChat.get(chatOf(row));
    rows.splice(rows.indexOf(row), 1);
    note('msgs', row.id, null);
  }

  function changeChat(id, changes) {
    const row = { unreadCount: 0, ...chats.get(String(id)), ...changes, id: String(id) };
    note('chats', row.id, row);
    return row;
  }

  /** Brings a chat up to its last message in page order, which is not always the last that came. */
  function touchChat(id, changes = {}) {
    const last = byChat.get(String(id))?.at(-1);
    return changeChat(id, { ...changes, t: last?.t ?? 0, lastReceivedKey: last?.id });
  }

  function changeContact(id, changes) {
    const row = { ...contacts.get(String(id)), ...changes, id: String(id) };
    note('contacts', row.id, row);
    return row;
  }

  async function commit() {
    if (!unwritten.length) return;
    const rows = unwritten;
    unwritten = [];
    await disk.put(rows);
  }

  const simple = (value) => (value && typeof value === 'object' && value.toString !== Object.prototype.toString ? String(value) : value);

  /** A row of a raw message or a model's attributes: ids as strings, nothing that JSON cannot hold. */
  function dehydrate(attributes) {
    const row = {};
    for (const [key, value] of Object.entries(attributes)) {
      if (value === undefined || typeof value === 'function' || PASSING.includes(key)) continue;
      if (ArrayBuffer.isView(value)) {
        if (BYTES.includes(key)) row[key] = [...value];
      } else if (KEYS.includes(key) || WIDS.includes(key)) row[key] = value === null ? null : simple(value);
      else if (Array.isArray(value)) row[key] = value.map(simple);
      else if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) === Object.prototype) row[key] = value;
    }
    return row;
  }

  function hydrate(row) {
    const attributes = { ...row };
    for (const key of KEYS) if (row[key]) attributes[key] = MsgKey.fromString(row[key]);
    for (const key of WIDS) if (row[key]) attributes[key] = createWid(row[key]);
    for (const key of WID_LISTS) if (row[key]) attributes[key] = row[key].map(createWid);
    for (const key of BYTES) if (row[key]) attributes[key] = Uint8Array.from(row[key]);
    return attributes;
  }

  /** Moves a chat's rows to another id: the stanza ids stay, the keys change. Gives [old key, new key] of each. */
  function moveChat(from, to) {
    const moved = [];
    for (const row of (byChat.get(from) ?? []).slice()) {
      const key = MsgKey.fromString(row.id);
      const next = String(new MsgKey({ fromMe: key.fromMe, remote: to, id: key.id }));
      removeMsg(row.id);
      // Both chats may have it, where one person wrote under both ids.
      if (msgs.has(next)) continue;
      const person = (value) => (value === from ? to : value);
      const stored = { ...row, id: next, from: person(row.from), to: person(row.to) };
      index(stored);
      note('msgs', next, stored);
      moved.push([row.id, next]);
    }
    const chat = chats.get(from);
    if (chat) {
      note('chats', from, null);
      const there = chats.get(to);
      touchChat(to, { ...chat, ...there, unreadCount: chat.unreadCount + (there?.unreadCount ?? 0) });
    }
    return moved;
  }

  Object.assign(exports, {
    chats,
    contacts,
    outbox,
    mappings,
    groups,
    msgs,
    load,
    note,
    addMsg,
    changeMsg,
    removeMsg,
    changeChat,
    touchChat,
    changeContact,
    moveChat,
    commit,
    dehydrate,
    hydrate,
    ofChat: (id) => byChat.get(String(id)) ?? [],
    wipe: () => disk.wipe(),
  });
}, 98);
