// wa-js on a stand-in: what every test of it does.
import { launch, newProfile, openWithLibrary, removeProfile } from './browser.mjs';
import { StandIn, until } from './standin.mjs';

export const LAYOUT = process.env.KEY_LAYOUT ?? 'old';

export class Session {
  /** A stand-in, a browser on a fresh profile, and the page with the library, at the QR code. */
  static async open() {
    const session = new Session();
    session.standin = await StandIn.start();
    await session.standin.post('options', { key_layout: LAYOUT });
    session.profile = newProfile();
    try {
      await session.start();
      return session;
    } catch (error) {
      // A browser that is left behind keeps the test's process alive, and nobody hears of the failure.
      await session.close();
      throw error;
    }
  }

  async start() {
    this.browser = await launch(this.profile);
    this.page = await openWithLibrary(this.browser, this.standin.url);
  }

  async close() {
    await this.browser?.close();
    removeProfile(this.profile);
    await this.standin.stop();
  }

  /** Runs in the page. */
  run = (act, ...args) => this.page.evaluate(act, ...args);

  code = () => until('a QR code', () => this.run(async () => (await WPP.conn.getAuthCode())?.fullCode));

  async link() {
    const { device } = await this.standin.scan(await this.code());
    this.device = device;
    await this.main();
  }

  async main() {
    const reached = ({ full, authenticated, mode }) => full && authenticated && mode === 'MAIN';
    let state;
    try {
      await until('MAIN', async () => reached((state = await this.state())));
    } catch (error) {
      throw new Error(`${error.message}: ${JSON.stringify(state)}`);
    }
  }

  state = () =>
    this.run(() => ({
      ready: WPP.isReady,
      full: WPP.isFullReady,
      authenticated: WPP.conn.isAuthenticated(),
      mode: WPP.conn.getStreamData().mode,
      heard: heard.map((event) => event.name),
    }));

  /** The values of an event that was heard, once one of them is as wanted. */
  heard = (name, wanted = {}) =>
    until(`${name} ${JSON.stringify(wanted)}`, () =>
      this.run(
        (name, wanted) =>
          heard.find((e) => e.name === name && Object.entries(wanted).every(([k, v]) => e.value?.[k] === v))?.value ??
          (Object.keys(wanted).length === 0 && heard.some((e) => e.name === name)),
        name,
        wanted,
      ),
    );

  all = (name) => this.run((name) => heard.filter((e) => e.name === name).map((e) => e.value), name);

  /** Sends as a careful program does: with an id that was chosen before. */
  send = (chat, text, options = {}) =>
    this.run(
      async (chat, text, options) => {
        const messageId = String(await WPP.chat.generateMessageID(chat));
        const common = { messageId, linkPreview: false, markIsRead: false, waitForAck: false };
        const result = await WPP.chat.sendTextMessage(chat, text, { ...common, ...options });
        return { ...result, messageId, stanza: messageId.split('_')[2] };
      },
      chat,
      text,
      options,
    );

  acks = (key) =>
    this.run((key) => heard.filter((e) => e.name === 'chat.msg_ack_change' && e.value.ids.includes(key)).map((e) => e.value.ack), key);
}
