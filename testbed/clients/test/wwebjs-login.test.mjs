// whatsapp-web.js: its logins.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { until } from '../standin.mjs';
import { Desk } from '../wwebjs.mjs';

let desk;
afterEach(() => desk.close());

test('the phone logs it out: it says so, and shows a QR code again', async () => {
  desk = await Desk.open();
  await desk.link();
  desk.events.length = 0;
  await desk.standin.post('phones/0/logout');
  const [reason] = await desk.heard('disconnected');
  assert.equal(reason, 'LOGOUT');
  await desk.link();
});

test('a pairing code links it', async () => {
  desk = await Desk.open({ pairWithPhoneNumber: { phoneNumber: '447700900001' } });
  const [code] = await desk.heard('code');
  await desk.attached();
  await desk.standin.post('phones/0/type', { code });
  await desk.heard('ready');
});

test('the chats that there were come with progress, before it is ready', async () => {
  desk = await Desk.open();
  for (let n = 0; n < 45; n += 1) {
    const customer = await desk.standin.customer(`C${n}`, `4477009${String(10_000 + n)}`);
    await customer.write(`hello from ${n}`);
  }
  await desk.link();
  const names = desk.events.map(({ name }) => name);
  const percents = desk.events.filter(({ name }) => name === 'loading_screen').map(({ values }) => values[0]);
  assert.deepEqual(percents, [44, 88, 100]);
  assert.ok(names.indexOf('loading_screen') < names.indexOf('ready'));
  assert.equal((await desk.client.getChats()).length, 45);
  assert.ok(!names.includes('message'));
});

test('a restart keeps the login, and what came meanwhile is there', async () => {
  desk = await Desk.open();
  const ann = await desk.standin.customer('Ann', '447700900123');
  await desk.link();
  await ann.write('before');
  await desk.heard('message');
  await desk.client.destroy();
  await ann.writeMany('late {}', 3);
  desk.start();
  await desk.heard('ready');
  const chat = await desk.client.getChatById(ann.chat);
  assert.equal(chat.unreadCount, 4);
  const bodies = (await chat.fetchMessages({ limit: 10 })).map((message) => message.body);
  assert.deepEqual(bodies, ['before', 'late 1', 'late 2', 'late 3']);
  assert.ok(!desk.events.some(({ name }) => name === 'qr'));
});

test('another page takes over, and it takes the session back', async () => {
  desk = await Desk.open({ takeoverOnConflict: true, takeoverTimeoutMs: 10 });
  await desk.link();
  const page = await desk.client.pupBrowser.newPage();
  await page.goto('https://web.whatsapp.com/');
  await desk.heard('change_state', (state) => state === 'CONFLICT');
  await until('connected again', async () => (await desk.client.getState()) === 'CONNECTED');
});

test('its own logout unlinks the device', async () => {
  desk = await Desk.open();
  await desk.link();
  await desk.client.logout();
  await until('unlinked', async () => (await desk.standin.state()).phones[0].devices.length === 0);
});
