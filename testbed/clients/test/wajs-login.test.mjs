// wa-js: linking, staying linked, and being unlinked.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kill } from '../browser.mjs';
import { until } from '../standin.mjs';
import { Session } from '../wajs.mjs';

let session, standin;

beforeEach(async () => {
  session = await Session.open();
  ({ standin } = session);
});
afterEach(() => session.close());

const stream = () => session.run(() => WPP.conn.getStreamData());

test('the QR screen is ready in every sense but that of a login', async () => {
  await until('fully ready', () => session.run(() => WPP.isFullReady));
  assert.equal(await session.run(() => WPP.conn.isMainReady()), true);
  assert.equal(await session.run(() => WPP.conn.isAuthenticated()), false);
  assert.equal((await stream()).mode, 'QR');
  await session.heard('conn.require_auth');
  const [ref, ...keys] = (await session.code()).split(',');
  assert.match(ref, /^2@/);
  assert.equal(keys.length, 3);
});

test('a scanned code leads to MAIN, and says authenticated', async () => {
  await session.link();
  await session.heard('conn.authenticated');
  assert.equal(await session.run(() => WPP.conn.getAuthCode()), null);
  assert.equal(await session.run(() => WPP.conn.isOnline()), true);
});

test('codes take turns, end in idleness, and come again when asked for', async () => {
  await standin.post('options', { qr_codes: 3, qr_first_ms: 150, qr_next_ms: 100 });
  await session.run(() => void WPP.conn.refreshQR());
  await session.heard('conn.qrcode_idle');
  const codes = (await session.all('conn.auth_code_change')).filter(Boolean).map(({ fullCode }) => fullCode);
  assert.equal(new Set(codes).size, codes.length);
  assert.ok(codes.length >= 4, `${codes.length} codes`);
  await assert.rejects(standin.scan(codes.at(-1)), /no page shows this code|no longer shown/);
  await standin.post('options', { qr_codes: 6, qr_first_ms: 60_000, qr_next_ms: 20_000 });
  const fresh = await session.run(async () => (await WPP.conn.refreshQR()) && (await WPP.conn.getAuthCode()));
  assert.ok(!codes.includes((fresh ?? {}).fullCode));
  await session.link();
});

test('a phone refuses a code that is stale, foreign or made up', async () => {
  const code = await session.code();
  const [ref, noise, identity] = code.split(',');
  await assert.rejects(standin.scan('hello'), /four parts/);
  await assert.rejects(standin.scan(`2@00,${noise},${identity},xx`), /no page shows/);
  const foreign = Buffer.alloc(32).toString('base64');
  await assert.rejects(standin.scan([ref, noise, identity, foreign].join(',')), /keys/);
  await standin.post('options', { qr_first_ms: 1, qr_next_ms: 1 });
  await assert.rejects(standin.scan(code), /no longer shown/);
});

test('an eight-character code links the phone that it was made for, and no other', async () => {
  const { phone: other } = await standin.post('phones', { name: 'Other', number: '447700900002' });
  const make = () => session.run(() => WPP.conn.genLinkDeviceCodeForPhoneNumber('447700900001'));
  const first = await make();
  const code = await make();
  assert.match(code, /^[1-9A-HJ-NP-TV-Z]{8}$/);
  await assert.rejects(standin.post('phones/0/type', { code: first }), /no longer/);
  await assert.rejects(standin.post(`phones/${other}/type`, { code }), /another number/);
  await assert.rejects(standin.post('phones/0/type', { code: 'AAAAAAAA' }), /no page/);
  await standin.post('phones/0/type', { code: `${code.slice(0, 4)}-${code.slice(4).toLowerCase()}` });
  await session.main();
  await assert.rejects(make(), /already authenticated/);
});

test('a login outlives a reload and a killed browser', async () => {
  await session.link();
  await session.page.reload();
  await session.main();
  await kill(session.browser);
  await session.start();
  await session.main();
  assert.deepEqual(await session.all('conn.authenticated'), []);
  assert.equal((await standin.state()).phones[0].devices.length, 1);
});

test('a login outlives a browser that is killed the moment it is made', async () => {
  const code = await session.code();
  await standin.scan(code);
  await kill(session.browser);
  await session.start();
  await session.main();
});

test('the phone logs us out: the reason is said, then there is a QR code, and it links again', async () => {
  const said = await session.page.exposeFunction('tell', (name) => void names.push(name)).then(() => []);
  const names = said;
  await session.link();
  await session.run(() => {
    for (const name of ['conn.logout', 'conn.logout_reason']) WPP.on(name, (value) => window.tell(`${name} ${value ?? ''}`));
  });
  await standin.post('phones/0/logout', { reason: 'account_locked' });
  await until('both were said', () => names.length >= 2);
  assert.deepEqual(names.toSorted(), ['conn.logout ', 'conn.logout_reason account_locked']);
  await until('the page starts again', () => session.page.url().includes('post_logout=1&logout_reason=3'));
  await session.link();
});

test('our own logout unlinks the device, and the phone no longer lists it', async () => {
  await session.link();
  await session.run(() => WPP.conn.logout());
  await until('the phone lists none', async () => (await standin.state()).phones[0].devices.length === 0);
  await session.code();
});

test('a device that was unlinked while it was away finds out when it comes back', async () => {
  await session.link();
  await kill(session.browser);
  await standin.post('phones/0/logout');
  await session.start();
  await until('the page starts again', () => session.page.url().includes('post_logout=1'));
  await session.code();
});

test('another page with the same login takes its place, and gives it back on request', async () => {
  const ann = await standin.customer('Ann', '447700900123');
  await session.link();
  const second = await session.browser.newPage();
  await second.goto(standin.url);
  await until('conflict', async () => (await stream()).mode === 'CONFLICT');
  await ann.write('to the other page');
  await until('taken in there', async () => (await standin.state()).waiting.every((device) => device.stanzas === 0));
  assert.equal(await session.run(() => WPP.whatsapp.Socket.state), 'CONFLICT');
  await session.run(() => WPP.whatsapp.Socket.takeover());
  await session.main();
  assert.equal(await session.run(() => WPP.whatsapp.Socket.state), 'CONNECTED');
  const bodies = await session.run((chat) => WPP.chat.getMessages(chat, { count: -1 }).then((all) => all.map((m) => m.body)), ann.chat);
  assert.deepEqual(bodies, ['to the other page']);
  await ann.write('to this page');
  await session.heard('chat.new_message', { body: 'to this page' });
  await until('the second page is displaced', () =>
    second.evaluate(() => require('WAWebStreamModel').Stream.mode === 'CONFLICT'),
  );
});

test('another number that scans is another account', async () => {
  const { phone } = await standin.post('phones', { name: 'Other', number: '447700900002' });
  await standin.scan(await session.code(), phone);
  await session.main();
  assert.equal(await session.run(() => String(WPP.conn.getMyUserWid())), '447700900002@c.us');
});
