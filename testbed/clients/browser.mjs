// A headless Chromium on a profile of its own.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const newProfile = () => mkdtempSync(join(tmpdir(), 'standin-profile-'));
export const removeProfile = (profile) => rmSync(profile, { recursive: true, force: true, maxRetries: 5 });

export const launch = (userDataDir) =>
  puppeteer.launch({ executablePath: CHROMIUM, userDataDir, args: FLAGS, headless: false, ignoreDefaultArgs: ['--headless'] });

/** Dies as by `kill -9`: the whole tree, with nothing flushed. */
export async function kill(browser) {
  const child = browser.process();
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

const LIBRARY = readFileSync(new URL('./node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js', import.meta.url), 'utf8');
const CONFIG = 'window.WPPConfig = { disableGoogleAnalytics: true, poweredBy: null, linkPreviewApiServers: [] };';

/** Collects what wa-js says, as plain values, and counts what the page complains of. */
const COLLECTOR = `
  window.heard = [];
  (() => {
    const plain = (value) => JSON.parse(JSON.stringify(value, (key, v) => (typeof v === 'bigint' ? String(v) : v)) ?? 'null');
    const msg = (m) => ({
      id: String(m.id), from: String(m.from), to: String(m.to), type: m.type, body: m.body, t: m.t, ack: m.ack,
      fromMe: m.id.fromMe, stanza: m.id.id, notifyName: m.notifyName, quotedStanzaID: m.quotedStanzaID,
      senderName: m.senderObj?.pushname, isNewMsg: m.isNewMsg, caption: m.caption, isCaptionByUser: m.isCaptionByUser,
    });
    const shapes = {
      'chat.new_message': msg,
      'chat.msg_edited': ({ chat, id, msg: m }) => ({ chat: String(chat), id, msg: msg(m) }),
      'chat.msg_ack_change': ({ ack, chat, sender, ids }) => ({ ack, chat: String(chat), ids: ids.map(String) }),
      'chat.new_reaction': (r) => ({ ...r, id: String(r.id), msgId: String(r.msgId), sender: String(r.sender) }),
      'chat.msg_revoke': (r) => ({ refId: String(r.refId), from: String(r.from), to: String(r.to), type: r.type }),
      'chat.presence_change': (p) => ({ ...p, id: String(p.id) }),
      'chat.new_chat': (c) => String(c.id),
      'chat.unread_count_changed': ({ chat, unreadCount }) => ({ chat: String(chat.id), unreadCount }),
      'conn.backend_event': undefined,
    };
    const listen = () => {
      WPP.onAny((name, value) => {
        if (name === 'conn.backend_event') return;
        try {
          heard.push({ name: String(name), value: (shapes[name] ?? plain)(value) });
        } catch (error) {
          heard.push({ name: 'failed ' + name, value: String(error) });
        }
      });
    };
    if (window.WPP) listen();
    else addEventListener('DOMContentLoaded', listen, { once: true });
  })();
`;

/** Opens the stand-in's page with wa-js injected early, as the library says one should. */
export async function openWithLibrary(browser, url) {
  const [page] = await browser.pages();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.stack ?? String(error)));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  await page.evaluateOnNewDocument(`if (location.protocol.startsWith('http')) { ${CONFIG}\n${LIBRARY}\n${COLLECTOR} }`);
  await page.goto(url);
  await page.waitForFunction(() => window.WPP?.isReady, { polling: 25 });
  page.faults = faults;
  return page;
}
