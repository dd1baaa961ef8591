// wa-js: what must not be lost, and what must not come twice.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kill } from '../browser.mjs';
import { until } from '../standin.mjs';
import { Session } from '../wajs.mjs';

let session, standin, ann;

beforeEach(async () => {
  session = await Session.open();
  ({ standin } = session);
  ann = await standin.customer('Ann', '447700900123');
  await session.link();
});
afterEach(() => session.close());

const bodies = (chat, count = -1) =>
  session.run(async (chat, count) => (await WPP.chat.getMessages(chat, { count })).map((msg) => msg.body), chat, count);
const allAcked = () => until('all is acknowledged', async () => (await standin.state()).waiting.every((w) => w.stanzas === 0));
const texts = async () => (await ann.inbox()).map(({ text }) => text);

test('messages that come while the browser is dead are found afterwards, and make no event', async () => {
  await ann.write('one');
  await session.heard('chat.new_message', { body: 'one' });
  await kill(session.browser);
  await ann.writeMany('late {}', 30);
  await session.start();
  await session.main();
  await allAcked();
  assert.deepEqual(await bodies(ann.chat), ['one', ...Array.from({ length: 30 }, (_, n) => `late ${n + 1}`)]);
  assert.deepEqual(await session.all('chat.new_message'), []);
  assert.equal(await session.run((chat) => WPP.chat.get(chat).unreadCount, ann.chat), 31);
});

test('a delivery that was not acknowledged comes again and is stored once', async () => {
  for (let round = 0; round < 3; round += 1) {
    await ann.writeMany(`round ${round} {}`, 40);
    await kill(session.browser);
    await session.start();
    await session.main();
  }
  await allAcked();
  const all = await bodies(ann.chat);
  assert.equal(all.length, 120);
  assert.deepEqual(all, [0, 1, 2].flatMap((round) => Array.from({ length: 40 }, (_, n) => `round ${round} ${n + 1}`)));
});

test('a send without a network waits, outlives a reload and a kill, and goes out once', async () => {
  await standin.faults({ network: 'down' });
  await until('offline', () => session.run(() => !WPP.conn.isOnline()));
  const first = await session.send(ann.chat, 'first').catch((error) => error);
  assert.ok(first instanceof Error, 'a first contact needs the network');
  await standin.faults({ network: 'up' });
  await until('online', () => session.run(() => WPP.conn.isOnline()));
  await session.run((chat) => WPP.chat.find(chat).then(() => true), ann.chat);
  await standin.faults({ network: 'down' });
  await until('offline', () => session.run(() => !WPP.conn.isOnline()));
  const sent = await session.send(ann.chat, 'second');
  assert.equal(sent.ack, 0);
  await session.page.reload();
  await session.main();
  assert.equal(await session.run((id) => WPP.chat.getMessageById(id).then((msg) => msg.ack), sent.id), 0);
  await kill(session.browser);
  await session.start();
  await session.main();
  assert.deepEqual(await standin.accepted(), []);
  await standin.faults({ network: 'up' });
  await ann.received('second');
  await until('acknowledged', () => session.run((id) => WPP.chat.getMessageById(id).then((msg) => msg.ack >= 1), sent.id));
  await session.page.reload();
  await session.main();
  assert.equal((await standin.accepted()).length, 1);
});

test('the network goes and comes back: both are said, and what came meanwhile comes as events', async () => {
  await standin.faults({ network: 'down' });
  await until('offline', async () => (await session.all('conn.online')).includes(false));
  assert.equal(await session.run(() => WPP.conn.getStreamData().mode), 'MAIN');
  await ann.write('meanwhile');
  await standin.faults({ network: 'up' });
  await until('online', async () => (await session.all('conn.online')).at(-1) === true);
  await session.heard('chat.new_message', { body: 'meanwhile' });
});

test('an accepted send whose answer is lost is sent again, and the phone shows it once', async () => {
  await session.run((chat) => WPP.chat.find(chat).then(() => true), ann.chat);
  await standin.faults({ lose_answers: 1, lose_how: 'drop_socket' });
  const sent = await session.send(ann.chat, 'twice accepted');
  await until('acknowledged', async () => (await session.acks(sent.messageId)).includes(2));
  await until('accepted twice', async () => (await standin.accepted()).length === 2);
  assert.deepEqual(await texts(), ['twice accepted']);
});

test('a send that nobody answers stays at ack 0 until the next connection', async () => {
  await session.run((chat) => WPP.chat.find(chat).then(() => true), ann.chat);
  await ann.power(false);
  await standin.faults({ lose_answers: 1, lose_how: 'silence' });
  const sent = await session.send(ann.chat, 'into the dark');
  await until('accepted', async () => (await standin.accepted()).length === 1);
  assert.equal(await session.run((id) => WPP.chat.getMessageById(id).then((msg) => msg.ack), sent.id), 0);
  await standin.post('pages/drop');
  await until('acknowledged', async () => (await session.acks(sent.messageId)).includes(1));
  await ann.power(true);
  await ann.received('into the dark');
});

test('a refused send fails for good', async () => {
  await standin.faults({ refuse_sends: 1, refuse_code: 479 });
  const sent = await session.send(ann.chat, 'no', { waitForAck: true });
  assert.equal(sent.sendMsgResult.messageSendResult, 'ERROR_UNKNOWN');
  assert.equal(sent.ack, -1);
  await session.page.reload();
  await session.main();
  assert.equal(await session.run((id) => WPP.chat.getMessageById(id).then((msg) => msg.ack), sent.id), -1);
  assert.deepEqual(await texts(), []);
});

test('a slow answer delays the first ack and nothing else', async () => {
  await standin.faults({ answer_delay_ms: 300 });
  const sent = await session.send(ann.chat, 'slow');
  assert.equal(sent.ack, 0);
  await until('three acks', async () => (await session.acks(sent.messageId)).length === 2);
  assert.deepEqual(await session.acks(sent.messageId), [1, 2]);
});

test('a customer whose phone is off gets everything in order, once', async () => {
  await ann.power(false);
  const sent = [];
  for (const n of [1, 2, 3]) sent.push(await session.send(ann.chat, `held ${n}`));
  await until('sent', async () => (await session.acks(sent[2].messageId)).includes(1));
  assert.deepEqual(await session.acks(sent[0].messageId), [1]);
  await ann.power(true);
  await until('delivered', async () => (await session.acks(sent[2].messageId)).includes(2));
  assert.deepEqual(await texts(), ['held 1', 'held 2', 'held 3']);
});

test('400 messages in a burst over reloads and dropped sockets are all there, in order', async () => {
  const expected = [];
  for (let round = 0; round < 8; round += 1) {
    await ann.writeMany(`${round}/{}`, 50);
    expected.push(...Array.from({ length: 50 }, (_, n) => `${round}/${n + 1}`));
    if (round % 3 === 1) await standin.post('pages/drop');
    if (round % 3 === 2) await standin.post('pages/reload');
  }
  await until('everything is taken in', async () => {
    await session.main();
    await allAcked();
    return (await bodies(ann.chat)).length >= 400;
  });
  assert.deepEqual(await bodies(ann.chat), expected);
});

test('awkward texts arrive as they were written', async () => {
  const awkward = [
    'a\u0000b',
    'lone \ud800 surrogate',
    '\udfff',
    '😀'.repeat(4000),
    'שלום עולם \u202eabc\u202c',
    '<script>alert(1)</script>',
    '\n\t "quoted" \\ back',
    ' ',
  ];
  for (const text of awkward) {
    const out = text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, (c) =>
      String.fromCodePoint(c.charCodeAt(0) + 0x100000),
    );
    const id = await ann.write(out);
    await session.heard('chat.new_message', { stanza: id });
  }
  await session.page.reload();
  await session.main();
  const units = await session.run(async (chat) => {
    const all = await WPP.chat.getMessages(chat, { count: -1 });
    return all.map(({ body }) => Array.from({ length: body.length }, (_, at) => body.charCodeAt(at)));
  }, ann.chat);
  assert.deepEqual(units, awkward.map((text) => Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))));
});

test('a dead socket looks connected, and nothing flows', async () => {
  await standin.faults({ network: 'dead' });
  await ann.write('unheard');
  const asked = await session.run(() => {
    const timeout = new Promise((resolve) => setTimeout(() => resolve('no answer'), 500));
    return Promise.race([WPP.contact.queryExists('447700900555@c.us'), timeout]);
  });
  assert.equal(asked, 'no answer');
  assert.equal(await session.run(() => WPP.conn.isOnline()), true);
  assert.equal(await session.run(() => WPP.whatsapp.Socket.state), 'CONNECTED');
  await standin.faults({ network: 'up' });
  await session.heard('chat.new_message', { body: 'unheard' });
});

test('a frozen listener hears nothing, while the messages are there', async () => {
  await standin.post('pages/freeze', { event: 'add' });
  await ann.write('silent');
  await until('taken in', async () => (await bodies(ann.chat).catch(() => [])).includes('silent'));
  assert.deepEqual(await session.all('chat.new_message'), []);
  await session.page.reload();
  await session.main();
  await ann.write('heard');
  await session.heard('chat.new_message', { body: 'heard' });
});
