'use strict';
// WhatsApp ids of accounts and chats: `<user>@<server>`, where a person is `@c.us` (a phone number) or `@lid`.
__d('WAWebWid', [], (g, require, dflt, ns, lazy, module, exports) => {
  class Wid {
    constructor(id) {
      const [user, server] = String(id).split('@');
      if (!user || !server) throw new Error(`wid error: invalid wid ${id}`);
      this.server = server === 's.whatsapp.net' ? 'c.us' : server;
      this.user = user;
      this._serialized = `${this.user}@${this.server}`;
    }

    toString() {
      return this._serialized;
    }
    toJSON() {
      return this._serialized;
    }
    toJid() {
      return this.server === 'c.us' ? `${this.user}@s.whatsapp.net` : this._serialized;
    }
    equals(other) {
      return Boolean(other) && String(other) === this._serialized;
    }
    isSameAccount(other) {
      return this.equals(other);
    }
    isGreaterThan(other) {
      return this._serialized > String(other);
    }
    isLessThan(other) {
      return this._serialized < String(other);
    }
    getDeviceId() {
      return 0;
    }
    getSignalAddress() {
      return `${this.user}.0`;
    }
    isUser() {
      return ['c.us', 'lid', 'bot', 'hosted', 'hosted.lid'].includes(this.server);
    }
    isRegularUser() {
      return this.server === 'c.us' || this.server === 'lid';
    }
    isUserNotPSA() {
      return this.isUser() && !this.isPSA();
    }
    isLid() {
      return this.server === 'lid';
    }
    isBot() {
      return this.server === 'bot';
    }
    isGroup() {
      return this.server === 'g.us';
    }
    isGroupCall() {
      return this.server === 'call';
    }
    isBroadcast() {
      return this.server === 'broadcast';
    }
    isBroadcastList() {
      return this.isBroadcast() && !this.isStatus();
    }
    isStatus() {
      return this._serialized === 'status@broadcast';
    }
    isStatusV3() {
      return this.isStatus();
    }
    isNewsletter() {
      return this.server === 'newsletter';
    }
    isServer() {
      return this._serialized === 'server@c.us';
    }
    isPSA() {
      return this._serialized === '0@c.us';
    }
    isOfficialBizAccount() {
      return this._serialized === '16505361212@c.us';
    }
    isCompanion() {
      return false;
    }
    canBeWid(value) {
      return Wid.isWid(value);
    }

    static isWid(value) {
      return value instanceof Wid || (typeof value === 'string' && /^[^@\s]+@[a-z.]+$/.test(value));
    }
    static isXWid(server, value) {
      return Wid.isWid(value) && String(value).endsWith(`@${server}`);
    }
    static equals(a, b) {
      return String(a) === String(b);
    }
    static isGreaterThan(a, b) {
      return String(a) > String(b);
    }
    static isLessThan(a, b) {
      return String(a) < String(b);
    }
    static user(value) {
      return String(value).split('@')[0];
    }
  }

  const kinds = ['User', 'Lid', 'Bot', 'Group', 'GroupCall', 'Broadcast', 'Status', 'StatusV3', 'Newsletter', 'Server'];
  for (const kind of [...kinds, 'PSA', 'OfficialBizAccount']) {
    const name = `is${kind}`;
    Wid[name] = (value) => Wid.isWid(value) && new Wid(String(value))[name]();
  }

  exports.default = Wid;
}, 98);

__d('WAWebWidFactory', ['WAWebWid'], (g, require, dflt, ns, lazy, module, exports) => {
  const Wid = dflt('WAWebWid');

  function createWid(value) {
    if (value instanceof Wid) return value;
    return new Wid(String(value));
  }

  /** Takes a bare user, and also a whole `user@lid`: the libraries pass both. */
  function createUserWidOrThrow(user, server = 'c.us') {
    return new Wid(String(user).includes('@') ? user : `${user}@${server}`);
  }

  const isWidlike = (value) =>
    value instanceof Wid ||
    Boolean(value && typeof value === 'object' && typeof value.user === 'string' && typeof value.server === 'string');

  const createWidFromWidLike = (value) => (value instanceof Wid ? value : new Wid(`${value.user}@${value.server}`));

  function asUserWidOrThrow(value) {
    const wid = createWid(value);
    if (!wid.isUser()) throw new Error(`asUserWidOrThrow: ${wid} is not a user`);
    return wid;
  }

  function toUserLidOrThrow(wid) {
    const lid = wid.isLid() ? wid : ns('WAWebLidPnCache').lidPnCache.getCurrentLid(wid);
    if (!lid) throw new Error(`toUserLidOrThrow: no LID for ${wid}`);
    return lid;
  }

  Object.assign(exports, {
    createWid,
    createUserWidOrThrow,
    createUserWid: createUserWidOrThrow,
    createDeviceWid: createWid,
    createDeviceWidFromUserAndDevice: (user) => createUserWidOrThrow(user),
    createWidFromWidLike,
    isWidlike,
    asUserWidOrThrow,
    toUserWidOrThrow: asUserWidOrThrow,
    toUserWid: asUserWidOrThrow,
    toChatWid: createWid,
    toGroupWid: createWid,
    toUserLidOrThrow,
    userJidToUserWid: createWid,
  });
}, 98);

__d('WAWebWidToJid', [], (g, require, dflt, ns, lazy, module, exports) => {
  Object.assign(exports, {
    widToUserJid: (wid) => wid.toJid(),
    widToGroupJid: (wid) => wid.toJid(),
    widToChatJid: (wid) => wid.toJid(),
  });
}, 98);

__d('WAWebJidToWid', ['WAWebWidFactory'], (g, require, dflt, ns, lazy, module, exports) => {
  Object.assign(exports, {
    userJidToUserWid: (jid) => ns('WAWebWidFactory').createWid(jid),
    chatJidToChatWid: (jid) => ns('WAWebWidFactory').createWid(jid),
  });
}, 98);
