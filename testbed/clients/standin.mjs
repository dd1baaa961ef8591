// Starts a stand-in of its own for a test, and controls it over HTTP.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const PROGRAM = process.env.STANDIN_BIN ?? new URL('../../target/debug/standin', import.meta.url).pathname;
const LOOK_EVERY_MS = 25;
const PATIENCE_MS = 20_000;

/** Waits until `look` answers with something, and gives it. */
export async function until(what, look, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let last;
  while (Date.now() < end) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`waited ${patience} ms in vain: ${what}${last ? ` (${last.message})` : ''}`);
}

export class StandIn {
  static async start(...args) {
    const child = spawn(PROGRAM, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    const { url, tls } = JSON.parse(await new Promise((resolve) => lines.once('line', resolve)));
    return new StandIn(child, url, tls);
  }

  constructor(child, url, tls) {
    this.child = child;
    this.url = url;
    this.tls = tls;
  }

  async stop() {
    this.child.stdin.end();
    await new Promise((resolve) => (this.child.exitCode === null ? this.child.once('exit', resolve) : resolve()));
  }

  async get(path) {
    return this.#answer(await fetch(`${this.url}control/${path}`));
  }

  async post(path, body = {}) {
    const headers = { 'content-type': 'application/json' };
    return this.#answer(await fetch(`${this.url}control/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
  }

  /** The file that is under a path. */
  async file(path) {
    const response = await fetch(`${this.url}control/${path}`);
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  }

  async upload(path, bytes) {
    return this.#answer(await fetch(`${this.url}control/${path}`, { method: 'POST', body: bytes }));
  }

  async #answer(response) {
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.url}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  state = () => this.get('state');
  accepted = () => this.get('accepted');
  reads = () => this.get('reads');
  typing = () => this.get('typing');
  faults = (change) => this.post('faults', change);
  scan = (code, phone = 0) => this.post(`phones/${phone}/scan`, { code });
  expire = (stanza, more = {}) => this.post(`media/${stanza}/expire`, more);
  restore = (stanza) => this.post(`media/${stanza}/restore`);
  corrupt = (stanza, how) => this.post(`media/${stanza}/corrupt`, { how });

  async customer(name, number, more = {}) {
    return new Customer(this, await this.post('customers', { name, number, ...more }));
  }
}

export class Customer {
  constructor(standin, record) {
    this.standin = standin;
    Object.assign(this, record);
  }
  #post = (path, body) => this.standin.post(`customers/${this.id}/${path}`, body);
  inbox = () => this.standin.get(`customers/${this.id}/inbox`);
  write = async (text, more = {}) => (await this.#post('write', { text, ...more })).ids[0];
  send = async (draft) => (await this.#post('write', draft)).ids[0];
  attach = async (kind, mimetype, bytes, more = {}) =>
    (await this.standin.upload(`customers/${this.id}/attach?${new URLSearchParams({ kind, mimetype, ...more })}`, bytes)).ids[0];
  file = (stanza) => this.standin.file(`customers/${this.id}/media/${stanza}`);
  writeMany = async (text, count) => (await this.#post('write', { text, count })).ids;
  decrypt = (id) => this.#post('decrypt', { id });
  edit = (id, text) => this.#post('edit', { id, text });
  remove = (id) => this.#post('delete', { id });
  react = (id, text) => this.#post('react', { id, text });
  read = () => this.#post('read');
  typing = (state) => this.#post('typing', { state });
  power = (online) => this.#post('online', { online });
  script = (script) => this.#post('script', script);
  migrate = async () => Object.assign(this, await this.#post('migrate'));
  shows = (stanza) => until(`${this.name} has ${stanza}`, async () => (await this.inbox()).find((m) => m.stanza_id === stanza));
  received = (text) =>
    until(`${this.name} receives ${text}`, async () => (await this.inbox()).find((message) => message.text === text));
}
