// whatsapp-web.js on a stand-in. It opens https://web.whatsapp.com/ and nothing else, so the browser is told where that is.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import whatsapp from 'whatsapp-web.js';
import { CHROMIUM, FLAGS } from './browser.mjs';
import { StandIn, until } from './standin.mjs';

export const LAYOUT = process.env.KEY_LAYOUT ?? 'old';

export class Desk {
  static async open(options = {}) {
    const desk = new Desk();
    desk.standin = await StandIn.start();
    await desk.standin.post('options', { key_layout: LAYOUT });
    desk.folder = mkdtempSync(join(tmpdir(), 'standin-wwebjs-'));
    desk.start(options);
    return desk;
  }

  /** Starts the client; not waited for, as it is only ready when it is linked. */
  start(options = {}) {
    const { Client, LocalAuth } = whatsapp;
    const here = [`--host-resolver-rules=MAP web.whatsapp.com 127.0.0.1:${this.standin.tls}`, '--ignore-certificate-errors'];
    this.events = [];
    this.client = new Client({
      authStrategy: new LocalAuth({ dataPath: this.folder }),
      puppeteer: { executablePath: CHROMIUM, headless: true, args: [...FLAGS, ...here] },
      webVersionCache: { type: 'none' },
      ...options,
    });
    const { emit } = this.client;
    this.client.emit = (name, ...values) => {
      this.events.push({ name, values });
      return emit.call(this.client, name, ...values);
    };
    this.client.initialize().catch((error) => this.events.push({ name: 'failed', values: [error] }));
  }

  async close() {
    await this.client.destroy().catch(() => {});
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    await this.standin.stop();
  }

  /** The values of an event, once one of them is as wanted. */
  heard = (name, wanted = () => true, patience) =>
    until(
      `${name}; heard ${this.events.map((event) => event.name).join(' ')}`,
      () => this.events.find((event) => event.name === name && wanted(...event.values))?.values,
      patience,
    );

  /** The client says "qr" before it listens for the rest; a phone is never so quick, a test is. */
  attached = () =>
    until('the client listens', () =>
      this.client.pupPage.evaluate(() => require('WAWebSocketModel').Socket.isListening('change:hasSynced')),
    );

  async link() {
    const [code] = await this.heard('qr');
    await this.attached();
    await this.standin.scan(code);
    await this.heard('ready');
  }
}
