'use strict';
// The network: one WebSocket to the service, as the site has one to WhatsApp's. Requests carry a number and are
// answered under it. Text crosses as JSON; see `wire.js` for lone surrogates.
__d('StandinLink', ['WAWebEventEmitter', 'StandinWire'], (g, require, dflt, ns, lazy, module, exports) => {
  const EventEmitter = dflt('WAWebEventEmitter');
  const wire = ns('StandinWire');
  const RETRY_FIRST_MS = 200;
  const RETRY_CAP_MS = 1000;

  class Link extends EventEmitter {
    #socket = null;
    #asked = new Map();
    #number = 0;
    #retry = RETRY_FIRST_MS;
    #wanted = false;
    #timer = null;

    open() {
      this.#wanted = true;
      clearTimeout(this.#timer);
      if (this.#socket) return;
      const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws/chat`);
      this.#socket = socket;
      socket.onopen = () => this.trigger('open');
      socket.onmessage = ({ data }) => {
        if (socket === this.#socket) this.#receive(wire.decode(data));
      };
      socket.onclose = () => {
        if (socket === this.#socket) this.#closed();
      };
    }

    /** Closes for good, until `open` is called again. */
    close() {
      this.#wanted = false;
      clearTimeout(this.#timer);
      const socket = this.#socket;
      this.#socket = null;
      socket?.close();
      this.#fail();
    }

    /** Closes and opens again at once, as the site does after pairing. */
    restart() {
      this.close();
      this.open();
    }

    get up() {
      return this.#socket?.readyState === WebSocket.OPEN;
    }

    /** The service has taken us in: the next loss is retried quickly. */
    settled() {
      this.#retry = RETRY_FIRST_MS;
    }

    send(frame) {
      if (!this.up) return false;
      this.#socket.send(wire.encode(frame));
      return true;
    }

    ask(frame) {
      return new Promise((resolve, reject) => {
        const n = ++this.#number;
        this.#asked.set(n, { resolve, reject });
        if (!this.send({ ...frame, n })) {
          this.#asked.delete(n);
          reject(new Error('offline'));
        }
      });
    }

    #receive(frame) {
      if (frame.op === 'answer') {
        const waiting = this.#asked.get(frame.n);
        this.#asked.delete(frame.n);
        if (frame.error) waiting?.reject(new Error(frame.error));
        else waiting?.resolve(frame.result);
        return;
      }
      this.trigger(frame.op, frame);
    }

    #closed() {
      this.#socket = null;
      this.#fail();
      this.trigger('lost');
      if (!this.#wanted) return;
      this.#timer = setTimeout(() => this.open(), this.#retry);
      this.#retry = Math.min(this.#retry * 2, RETRY_CAP_MS);
    }

    #fail() {
      for (const { reject } of this.#asked.values()) reject(new Error('offline'));
      this.#asked.clear();
    }
  }

  exports.link = new Link();
}, 98);

// Rust strings cannot hold a lone surrogate (U+D800 to U+DFFF), JavaScript's can, and people's phones send them. On
// the way to and from the service each stands as the character 0x100000 above it, in a private-use plane.
__d('StandinWire', [], (g, require, dflt, ns, lazy, module, exports) => {
  const OFFSET = 0x100000;
  const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
  const standsForOne = /[\u{10D800}-\u{10DFFF}]/gu;
  const out = (text) => text.replace(loneSurrogate, (c) => String.fromCodePoint(c.charCodeAt(0) + OFFSET));
  const back = (text) => text.replace(standsForOne, (c) => String.fromCharCode(c.codePointAt(0) - OFFSET));
  exports.encode = (frame) => JSON.stringify(frame, (key, value) => (typeof value === 'string' ? out(value) : value));
  exports.decode = (text) => JSON.parse(text, (key, value) => (typeof value === 'string' ? back(value) : value));
}, 98);

// This device's own message store. The site keeps it in IndexedDB; here the service keeps it for the device, since
// what a browser has flushed when it is killed would make every test of durability a test of Chromium. A write counts
// only once it is answered. It is the page's disk, not the network: it works while the page is offline.
__d('StandinDisk', ['StandinWire', 'StandinProfile'], (g, require, dflt, ns, lazy, module, exports) => {
  const wire = ns('StandinWire');
  let socket = null;
  let number = 0;
  let waiting = new Map();

  function open({ device, secret }) {
    const url = `${location.origin.replace(/^http/, 'ws')}/ws/disk?device=${device}&secret=${secret}`;
    return new Promise((resolve, reject) => {
      socket = new WebSocket(url);
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error('no store for this device'));
      socket.onmessage = ({ data }) => {
        const answer = wire.decode(data);
        waiting.get(answer.n)?.resolve(answer);
        waiting.delete(answer.n);
      };
      socket.onclose = () => {
        for (const { reject: fail } of waiting.values()) fail(new Error('store closed'));
        waiting = new Map();
      };
    });
  }

  function ask(request) {
    return new Promise((resolve, reject) => {
      if (socket?.readyState !== WebSocket.OPEN) return reject(new Error('store closed'));
      const n = ++number;
      waiting.set(n, { resolve, reject });
      socket.send(wire.encode({ n, ...request }));
    });
  }

  async function load() {
    const { rows } = await ask({ op: 'load' });
    return rows;
  }

  /** Rows are `[table, key, value]`; a null value deletes. All of a call or none of it. */
  const put = (rows) => ask({ op: 'put', rows });
  const wipe = () => ask({ op: 'wipe' });

  Object.assign(exports, { open, load, put, wipe });
}, 98);
