'use strict';
// Message keys in the old layout: the serialized key is cached in `_serialized`.
__d('WAWebMsgKey', ['WAWebWid', 'WAWebWidFactory'], (g, require, dflt, ns, lazy, module, exports) => {
  const Wid = dflt('WAWebWid');
  const wid = (value) => (value instanceof Wid ? value : ns('WAWebWidFactory').createWid(value));

  class MsgKey {
    constructor(obj) {
      if (obj === null || obj === undefined) throw new Error('MsgKey error: obj is null/undefined');
      const { id, participant, from, to, selfDir } = obj;
      this.fromMe = selfDir === undefined ? Boolean(obj.fromMe) : selfDir === 'out';
      const remote = selfDir === undefined ? obj.remote : this.fromMe ? to : from;
      if (!remote || !id) throw new Error('MsgKey error: missing remote or id');
      this.remote = wid(remote);
      this.id = id;
      if (participant) this.participant = wid(participant);
      const parts = [this.fromMe, this.remote, this.id];
      if (this.participant) parts.push(this.participant);
      this._serialized = parts.join('_');
    }

    toString() {
      return this._serialized;
    }

    clone() {
      return new MsgKey(this);
    }

    equals(other) {
      return other instanceof MsgKey && String(other) === String(this);
    }

    static fromString(value) {
      const [fromMe, remote, id, participant] = String(value).split('_');
      if ((fromMe !== 'true' && fromMe !== 'false') || !remote || !id) {
        throw new Error(`MsgKey error: cannot parse ${value}`);
      }
      return new MsgKey({ fromMe: fromMe === 'true', remote, id, participant });
    }

    /** Called without `this` by the libraries. */
    static newId() {
      const bytes = crypto.getRandomValues(new Uint8Array(9));
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('').toUpperCase();
      return Promise.resolve(`3EB0${hex}`);
    }

    static displayName = 'MsgKey';
  }

  exports.default = MsgKey;
}, 98);
