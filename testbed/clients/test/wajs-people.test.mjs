// wa-js: numbers and LIDs, names, and the history that a new device is given.
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

const entry = (id) =>
  session.run((id) => WPP.contact.getPnLidEntry(id).then(({ lid, phoneNumber }) => [lid?._serialized, phoneNumber?._serialized ?? 'hidden']), id);

test('a LID chat: its number resolves to it, and sends go to it', async () => {
  const lea = await standin.customer('Lea', '447700900200', { address: 'lid', lid: '11112222' });
  await session.link();
  assert.equal(lea.chat, '11112222@lid');
  const chat = await session.run(() => WPP.chat.find('447700900200@c.us').then((chat) => String(chat.id)));
  assert.equal(chat, '11112222@lid');
  assert.deepEqual(await entry('447700900200@c.us'), ['11112222@lid', '447700900200@c.us']);
  assert.deepEqual(await entry('11112222@lid'), ['11112222@lid', '447700900200@c.us']);
  const sent = await session.send('11112222@lid', 'hello Lea');
  const own = await session.heard('chat.new_message', { stanza: sent.stanza });
  const me = await session.run(() => String(WPP.conn.getMyUserLid()));
  assert.equal(own.from, me);
  await lea.received('hello Lea');
  await lea.read();
  await until('read', async () => (await session.acks(sent.messageId)).includes(3));
});

test('a LID chat: what they write comes under the LID, and the number is known', async () => {
  const lea = await standin.customer('Lea', '447700900200', { address: 'lid', lid: '11112222' });
  await session.link();
  const id = await lea.write('hi');
  const msg = await session.heard('chat.new_message', { stanza: id });
  assert.equal(msg.from, '11112222@lid');
  assert.equal(msg.senderName, 'Lea');
  assert.deepEqual(await entry('11112222@lid'), ['11112222@lid', '447700900200@c.us']);
  const quoting = await lea.write('and?', { quote: (await session.send('11112222@lid', 'yes')).stanza });
  await session.heard('chat.new_message', { stanza: quoting });
  const failure = await session.run((id) => WPP.chat.getQuotedMsg(id).catch((error) => error.code), `false_11112222@lid_${quoting}`);
  assert.equal(failure, 'msg_not_found', 'the library looks for the quoted message under the wrong direction in LID chats');
});

test('a key made for the number is not of the LID chat', async () => {
  await standin.customer('Lea', '447700900200', { address: 'lid', lid: '11112222' });
  await session.link();
  const refused = await session.run(async () => {
    const messageId = String(await WPP.chat.generateMessageID('447700900200@c.us'));
    return WPP.chat.sendTextMessage('447700900200@c.us', 'no', { messageId }).catch((error) => error.code);
  });
  assert.equal(refused, 'message_key_remote_id_is_not_same_of_chat');
});

test('a customer whose number is hidden has none', async () => {
  const hal = await standin.post('customers', { name: 'Hal', lid: '33334444', address: 'lid', hidden_number: true });
  await session.link();
  await standin.post(`customers/${hal.id}/write`, { text: 'who am I?' });
  const msg = await session.heard('chat.new_message', { body: 'who am I?' });
  assert.equal(msg.from, '33334444@lid');
  assert.deepEqual(await entry('33334444@lid'), ['33334444@lid', 'hidden']);
});

test('a chat moves from the number to the LID: its messages are there under the new id', async () => {
  const moe = await standin.customer('Moe', '447700900300');
  await session.link();
  const id = await moe.write('before');
  await session.heard('chat.new_message', { stanza: id });
  const sent = await session.send(moe.chat, 'answer');
  await moe.received('answer');
  const { chat } = await moe.migrate();
  const bodies = () => session.run((chat) => WPP.chat.getMessages(chat, { count: -1 }).then((all) => all.map((msg) => [msg.id.id, msg.body])), chat);
  await until('moved', () => session.run((chat) => Boolean(WPP.chat.get(chat)), chat));
  const expected = [[id, 'before'], [sent.stanza, 'answer']];
  assert.deepEqual(await bodies(), expected);
  assert.equal(await session.run(() => WPP.chat.get('447700900300@c.us')), undefined);
  assert.equal(await session.run(() => WPP.chat.find('447700900300@c.us').then((c) => String(c.id))), chat);
  await session.page.reload();
  await session.main();
  assert.deepEqual(await bodies(), expected);
  await moe.write('after');
  assert.equal((await session.heard('chat.new_message', { body: 'after' })).from, chat);
});

test('a new device is given the chats that there are, without events for them', async () => {
  const ann = await standin.customer('Ann', '447700900123');
  const bob = await standin.customer('Bob', '447700900124', { saved_name: 'Bob Miller' });
  const [first] = await ann.writeMany('old {}', 25);
  await ann.react(first, '👍').catch(() => {});
  await standin.post('phones/0/send', { customer: bob.id, text: 'from the phone' });
  await session.link();
  const list = await session.run(async () =>
    (await WPP.chat.list({ ignoreGroupMetadata: true })).map((chat) => [String(chat.id), chat.unreadCount, chat.formattedTitle]),
  );
  assert.deepEqual(list.toSorted(), [[ann.chat, 25, 'Ann'], [bob.chat, 0, 'Bob Miller']]);
  const bodies = await session.run((chat) => WPP.chat.getMessages(chat, { count: -1 }).then((all) => all.map((msg) => msg.body)), ann.chat);
  assert.deepEqual(bodies, Array.from({ length: 25 }, (_, n) => `old ${n + 1}`));
  assert.deepEqual(await session.all('chat.new_message'), []);
  assert.equal(await session.run(() => WPP.conn.getHistorySyncProgress().progress), 100);
  assert.equal(await session.run((id) => WPP.contact.get(id).then((contact) => contact.name), bob.chat), 'Bob Miller');
});

test('a history that was cut off by a kill is completed', async () => {
  for (let n = 0; n < 60; n += 1) {
    const customer = await standin.customer(`C${n}`, `4477009${String(10_000 + n)}`);
    await customer.write(`hello from ${n}`);
  }
  const code = await session.code();
  await standin.scan(code);
  await kill(session.browser);
  await session.start();
  await session.main();
  await until('all chats', () => session.run(async () => (await WPP.chat.list({ ignoreGroupMetadata: true })).length === 60));
});

test('a second linked device sees the same chat, and the sends of the first', async () => {
  const ann = await standin.customer('Ann', '447700900123');
  await session.link();
  const other = new Session();
  other.standin = standin;
  const { newProfile, removeProfile } = await import('../browser.mjs');
  other.profile = newProfile();
  await other.start();
  try {
    await other.link();
    const id = await ann.write('to both');
    await session.heard('chat.new_message', { stanza: id });
    await other.heard('chat.new_message', { stanza: id });
    const sent = await session.send(ann.chat, 'from the first');
    const seen = await other.heard('chat.new_message', { stanza: sent.stanza });
    assert.equal(seen.fromMe, true);
    await until('delivered', async () => (await other.acks(sent.messageId)).includes(2));
    await other.run((chat) => WPP.chat.markIsRead(chat).then(() => true), ann.chat);
    await until('read here too', () => session.run((chat) => WPP.chat.get(chat).unreadCount === 0, ann.chat));
  } finally {
    await other.browser.close();
    removeProfile(other.profile);
  }
});

test('one stanza id in several chats and both directions is several messages', async () => {
  const ann = await standin.customer('Ann', '447700900123');
  const bob = await standin.customer('Bob', '447700900124');
  await session.link();
  await ann.write('from Ann', { id: 'COPIED' });
  await bob.write('from Bob', { id: 'COPIED' });
  await session.heard('chat.new_message', { body: 'from Bob' });
  await session.send(ann.chat, 'from us', { messageId: `true_${ann.chat}_COPIED` });
  const bodies = await session.run(
    async (keys) => (await WPP.chat.getMessageById(keys)).map((msg) => msg.body),
    [`false_${ann.chat}_COPIED`, `false_${bob.chat}_COPIED`, `true_${ann.chat}_COPIED`],
  );
  assert.deepEqual(bodies, ['from Ann', 'from Bob', 'from us']);
  await ann.received('from us');
});

test('a message that was long on its way is read back in its place', async () => {
  const ann = await standin.customer('Ann', '447700900123');
  await session.link();
  const now = Math.floor(Date.now() / 1000);
  await ann.write('second', { t: now - 10 });
  await ann.write('third', { t: now - 10 });
  await ann.write('first', { t: now - 3600 });
  await session.heard('chat.new_message', { body: 'first' });
  const all = await session.run((chat) => WPP.chat.getMessages(chat, { count: -1 }).then((all) => all.map((msg) => msg.body)), ann.chat);
  assert.deepEqual(all, ['first', 'second', 'third']);
});

test('a picture and what a person says of themselves are found, or are not there', async () => {
  const ann = await standin.customer('Ann', '447700900123', { about: 'At the market' });
  const bob = await standin.customer('Bob', '447700900124');
  const bytes = Buffer.from('not really a picture');
  await standin.post(`customers/${ann.id}/picture`, { mimetype: 'image/jpeg', base64: bytes.toString('base64') });
  await session.link();
  const [url, absent, about] = await session.run(
    async (ann, bob) => [
      await WPP.contact.getProfilePictureUrl(ann),
      (await WPP.contact.getProfilePictureUrl(bob)) ?? 'none',
      await WPP.contact.getStatus(ann),
    ],
    ann.chat,
    bob.chat,
  );
  assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), bytes);
  assert.deepEqual([absent, about], ['none', 'At the market']);
});

test('a new name reaches the page', async () => {
  const ann = await standin.customer('Ann', '447700900123');
  await session.link();
  await ann.write('hi');
  await session.heard('chat.new_message', { body: 'hi' });
  await standin.post(`customers/${ann.id}/rename`, { name: 'Anna', saved_name: 'Anna Smith' });
  await until('renamed', () => session.run((chat) => WPP.chat.get(chat).formattedTitle === 'Anna Smith', ann.chat));
});
