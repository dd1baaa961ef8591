// wa-js: two accounts of ours side by side, each in a browser of its own, with each other in one group.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { kill, newProfile, removeProfile } from '../browser.mjs';
import { until } from '../standin.mjs';
import { Session } from '../wajs.mjs';

let first, second, standin, ann, group;

before(async () => {
  first = await Session.open();
  ({ standin } = first);
  ann = await standin.customer('Ann', '447700900123');
  const { phone } = await standin.post('phones', { name: 'Corner Shop', number: '447700900002' });
  group = await standin.group('Street', [ann], { phones: [0, phone] });
  second = new Session();
  second.standin = standin;
  second.profile = newProfile();
  await second.start();
  await first.link();
  await standin.scan(await second.code(), phone);
  await second.main();
});
after(async () => {
  await second.browser.close();
  removeProfile(second.profile);
  await first.close();
});

test('each account has its own number and its own chats', async () => {
  const me = (session) => session.run(() => String(WPP.conn.getMyUserWid()));
  assert.deepEqual([await me(first), await me(second)], ['447700900001@c.us', '447700900002@c.us']);
  await ann.write('to the bakery');
  await ann.write('to the shop', { phone: 1 });
  await first.heard('chat.new_message', { body: 'to the bakery' });
  await second.heard('chat.new_message', { body: 'to the shop' });
  const heard = async (session) => (await session.all('chat.new_message')).map((msg) => msg.body);
  assert.deepEqual([await heard(first), await heard(second)], [['to the bakery'], ['to the shop']]);
  await first.send(ann.chat, 'from the bakery');
  await second.send(ann.chat, 'from the shop');
  await until('both', async () => (await ann.inbox()).length === 2);
  assert.deepEqual((await ann.inbox()).map(({ phone, text }) => [phone, text]).toSorted(), [[0, 'from the bakery'], [1, 'from the shop']]);
});

test('what one writes in the group the other gets as from a member, and tells that it has and has read it', async () => {
  const sent = await first.send(group.chat, 'who opens tomorrow?');
  const msg = await second.heard('chat.new_message', { stanza: sent.stanza });
  assert.deepEqual([msg.fromMe, msg.author, msg.senderName], [false, group.me(), 'Bridge Street Bakery']);
  await second.run((chat) => WPP.chat.markIsRead(chat).then(() => true), group.chat);
  await ann.read();
  await until('read by both', () => first.run((id) => WPP.chat.getMessageById(id).then((m) => m.ack === 3), sent.id));
  const answer = await second.send(group.chat, 'we do', { quotedMsg: msg.id });
  const back = await first.heard('chat.new_message', { stanza: answer.stanza });
  assert.equal(back.quotedStanzaID, sent.stanza);
});

test('when the browser of one is killed the other goes on', async () => {
  await kill(second.browser);
  const id = await group.write(ann, 'anybody?');
  await first.heard('chat.new_message', { stanza: id });
  await first.send(group.chat, 'one of us');
  await group.received(ann, 'one of us');
  await second.start();
  await second.main();
  const bodies = () => second.run((chat) => WPP.chat.getMessages(chat, { count: 2 }).then((all) => all.map((m) => m.body)), group.chat);
  await until('caught up', async () => (await bodies()).join() === 'anybody?,one of us');
});
