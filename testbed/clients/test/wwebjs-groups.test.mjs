// whatsapp-web.js, unmodified: groups.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../standin.mjs';
import { Desk, LAYOUT } from '../wwebjs.mjs';

let desk, standin, client, ann, bob, group;

before(async () => {
  desk = await Desk.open();
  ({ standin, client } = desk);
  ann = await standin.customer('Ann', '447700900123');
  bob = await standin.customer('Bob', '447700900124');
  group = await standin.group('Friday orders', [ann, bob], { description: 'Bread and rolls', t: 1_700_000_000 });
  await desk.link();
});
after(() => desk.close());

const oldKeysOnly = LAYOUT === 'old' ? false : 'whatsapp-web.js 1.34.7 reads `_serialized` of message keys';
const stanzaOf = (message) => message.id.id;

test('a group chat has its name, its description and who is in it', async () => {
  const chat = await client.getChatById(group.chat);
  assert.deepEqual([chat.isGroup, chat.name, chat.description], [true, 'Friday orders', 'Bread and rolls']);
  assert.equal(chat.createdAt.getTime(), 1_700_000_000_000);
  assert.equal(chat.owner._serialized, group.me());
  const members = chat.participants.map((p) => [p.id._serialized, p.isAdmin, p.isSuperAdmin]);
  const expected = group.info.participants.map((p) => [`${p.pn}@c.us`, p.admin, p.super_admin]);
  assert.deepEqual(members.toSorted(), expected.toSorted());
  assert.ok((await client.getChats()).some((one) => one.id._serialized === group.chat && one.isGroup));
});

test('a member writes, and the message has its author', async () => {
  const id = await group.write(ann, 'two loaves please', { mentions: [group.me()] });
  const [message] = await desk.heard('message', (m) => stanzaOf(m) === id);
  assert.deepEqual([message.from, message.author, message.fromMe], [group.chat, group.addressOf(ann), false]);
  assert.deepEqual(message.mentionedIds.map((one) => one._serialized ?? one), [group.me()]);
  const contact = await message.getContact();
  assert.equal(contact.pushname, 'Ann');
  assert.equal((await message.getChat()).name, 'Friday orders');
});

test('a send reaches every member, and is delivered and read when it is so with all', async () => {
  await client.sendMessage(group.chat, 'ready at nine');
  const { stanza_id: id } = await group.received(ann, 'ready at nine');
  await group.received(bob, 'ready at nine');
  for (const ack of [1, 2]) await desk.heard('message_ack', (m, value) => stanzaOf(m) === id && value === ack);
  await ann.read();
  await bob.read();
  await desk.heard('message_ack', (m, value) => stanzaOf(m) === id && value === 3);
});

test('a reply carries what it quotes, and mentions are made', { skip: oldKeysOnly }, async () => {
  const id = await group.write(bob, 'and rolls?');
  const [message] = await desk.heard('message', (m) => stanzaOf(m) === id);
  await message.reply('rolls too', undefined, { mentions: [group.addressOf(bob)] });
  const received = await group.received(ann, 'rolls too');
  assert.deepEqual([received.quote.id, received.quote.author], [id, group.addressOf(bob)]);
  assert.deepEqual(received.details.mentionedJidList, [group.addressOf(bob)]);
  await message.react('🎉');
  await until('reacted', async () => (await standin.accepted()).some((a) => a.kind === 'reaction' && a.text === '🎉'));
  await message.delete(true);
  await until('deleted by an admin', async () => (await group.inbox(ann)).find((m) => m.stanza_id === id).revoked);
  const mine = await client.sendMessage(group.chat, 'draft', { waitUntilMsgSent: true });
  await mine.edit('final');
  await group.received(ann, 'final');
});

test('members edit, delete and react', async () => {
  const id = await group.write(ann, 'at nine');
  await desk.heard('message', (m) => stanzaOf(m) === id);
  await group.edit(ann, id, 'at ten');
  const [, body, before] = await desk.heard('message_edit', (m) => stanzaOf(m) === id);
  assert.deepEqual([body, before], ['at ten', 'at nine']);
  await group.react(bob, id, '👍', { of: ann.id });
  const [reaction] = await desk.heard('message_reaction', (r) => r.reaction === '👍');
  assert.equal(reaction.senderId, group.addressOf(bob));
  await group.remove(ann, id);
  await desk.heard('message_revoke_everyone', (m) => stanzaOf(m) === id);
});

test('who comes and goes is said, and what the group is called', async () => {
  const cat = await standin.customer('Cat', '447700900125');
  const { members } = await group.member('add', { customer: cat.id });
  const id = members.find((member) => !group.info.participants.some((p) => p.id === member));
  const [joined] = await desk.heard('group_join');
  assert.deepEqual([joined.chatId, joined.type, joined.recipientIds], [group.chat, 'add', [id]]);
  await group.member('promote', { customer: cat.id });
  const [promoted] = await desk.heard('group_admin_changed');
  assert.deepEqual([promoted.type, promoted.recipientIds], ['promote', [id]]);
  await group.member('leave', { customer: cat.id });
  const [left] = await desk.heard('group_leave');
  assert.deepEqual([left.type, left.author], ['leave', id]);
  await group.change({ subject: 'Saturday orders' });
  const [update] = await desk.heard('group_update', (n) => n.type === 'subject');
  assert.equal(update.body, 'Saturday orders');
  assert.equal((await client.getChatById(group.chat)).name, 'Saturday orders');
});

test('a group by numbers is written in by number', async () => {
  const old = await standin.group('Old friends', [ann, bob], { address: 'phone' });
  const id = await old.write(ann, 'still here');
  const [message] = await desk.heard('message', (m) => stanzaOf(m) === id);
  assert.equal(message.author, '447700900123@c.us');
  await client.sendMessage(old.chat, 'so are we');
  const { stanza_id: ours } = await old.received(bob, 'so are we');
  await desk.heard('message_ack', (m, value) => stanzaOf(m) === ours && value === 2);
  const sent = await desk.heard('message_create', (m) => stanzaOf(m) === ours);
  assert.equal(sent[0].id.participant._serialized ?? sent[0].id.participant, '447700900001@c.us');
});
