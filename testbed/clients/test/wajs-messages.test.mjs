// wa-js: texts both ways, with what happens to them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../standin.mjs';
import { Session } from '../wajs.mjs';

let session, standin, ann;

before(async () => {
  session = await Session.open();
  ({ standin } = session);
  ann = await standin.customer('Ann', '447700900123');
  await session.link();
});
after(() => session.close());

test('the login says who we are', async () => {
  const me = await session.run(() => [
    String(WPP.conn.getMyUserWid()),
    String(WPP.conn.getMyUserLid()),
    WPP.profile.getMyProfileName(),
  ]);
  const [phone] = (await standin.state()).phones;
  assert.deepEqual(me, [`${phone.number}@c.us`, `${phone.lid}@lid`, phone.name]);
});

test('a customer writes, and the message comes with their name', async () => {
  const id = await ann.write('hello');
  const msg = await session.heard('chat.new_message', { stanza: id });
  assert.equal(msg.body, 'hello');
  assert.equal(msg.from, ann.chat);
  assert.equal(msg.fromMe, false);
  assert.equal(msg.notifyName, 'Ann');
  assert.equal(msg.senderName, 'Ann');
});

test('a send keeps the id that was chosen for it, and is told sent, delivered and read', async () => {
  const sent = await session.send(ann.chat, 'good morning');
  assert.equal(sent.id, sent.messageId);
  assert.equal(sent.to, ann.chat);
  await ann.received('good morning');
  await ann.read();
  await until('three acks', async () => (await session.acks(sent.messageId)).length === 3);
  assert.deepEqual(await session.acks(sent.messageId), [1, 2, 3]);
  const own = await session.heard('chat.new_message', { stanza: sent.stanza });
  assert.equal(own.fromMe, true);
});
