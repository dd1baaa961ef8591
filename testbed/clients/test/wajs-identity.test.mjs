// wa-js: who a person is, where that changes or is learned later: usernames, new numbers, numbers shown late.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../standin.mjs';
import { Session } from '../wajs.mjs';

let session, standin;

before(async () => {
  session = await Session.open();
  ({ standin } = session);
  await session.link();
});
after(() => session.close());

const entry = (id) =>
  session.run((id) => WPP.contact.getPnLidEntry(id).then(({ lid, phoneNumber }) => [lid?._serialized, phoneNumber?._serialized ?? 'hidden']), id);
const bodies = (chat) =>
  session.run((chat) => WPP.chat.getMessages(chat, { count: -1 }).then((all) => all.filter((m) => m.type === 'chat').map((m) => m.body)), chat);

test('a username comes with a person, changes, and leads to them', async () => {
  const { id, chat } = await standin.customer('Uma', undefined, { lid: '55556666', address: 'lid', hidden_number: true, username: 'uma.b' });
  await standin.post(`customers/${id}/write`, { text: 'who am I?' });
  await session.heard('chat.new_message', { body: 'who am I?' });
  const username = (refresh) => session.run((chat, refresh) => WPP.contact.getUsername(chat, refresh).then((found) => found.username), chat, refresh);
  assert.equal(await username(false), 'uma.b');
  assert.equal(await session.run((chat) => WPP.contact.get(chat).then((contact) => contact.username), chat), 'uma.b');
  assert.deepEqual(await entry(chat), [chat, 'hidden']);
  const found = await session.run(() => WPP.contact.queryUsernameExists('uma.b').then(({ wid, username }) => [String(wid), username]));
  assert.deepEqual(found, [chat, 'uma.b']);
  assert.equal(await session.run(() => WPP.contact.queryUsernameExists('nobody.here')), null);
  await standin.post(`customers/${id}/identity`, { username: 'uma.c' });
  await until('another username', async () => (await username(false)) === 'uma.c');
  assert.equal(await username(true), 'uma.c');
});

test('a number that was hidden is shown later', async () => {
  const hal = await standin.customer('Hal', undefined, { lid: '33334444', address: 'lid', hidden_number: true });
  await hal.write('hello');
  await session.heard('chat.new_message', { body: 'hello' });
  assert.deepEqual(await entry(hal.chat), [hal.chat, 'hidden']);
  await hal.identity({ reveal_number: true });
  await until('a number', async () => (await entry(hal.chat))[1] === `${hal.number}@c.us`);
  // The number comes with the mapping, and to the contact a moment after it.
  const known = () => session.run((chat) => WPP.contact.get(chat).then((contact) => String(contact.phoneNumber)), hal.chat);
  await until('a contact with its number', async () => (await known()) === `${hal.number}@c.us`);
  assert.equal(await session.run((pn) => WPP.chat.find(pn).then((chat) => String(chat.id)), `${hal.number}@c.us`), hal.chat);
});

test('a person by LID gets a new number: the chat says so and goes on', async () => {
  const lea = await standin.customer('Lea', '447700900200', { address: 'lid', lid: '11112222' });
  await lea.write('before');
  await session.heard('chat.new_message', { body: 'before' });
  await lea.identity({ number: '447700900201' });
  const notice = await session.heard('chat.new_message', { type: 'notification_template', subtype: 'change_number' });
  const params = await session.run((id) => WPP.chat.getMessageById(id).then((msg) => msg.templateParams.map(String)), notice.id);
  assert.deepEqual(params, ['447700900200@c.us', '447700900201@c.us']);
  await until('the new number', async () => (await entry(lea.chat))[1] === '447700900201@c.us');
  assert.deepEqual(await entry('447700900201@c.us'), [lea.chat, '447700900201@c.us']);
  await lea.write('after');
  assert.equal((await session.heard('chat.new_message', { body: 'after' })).from, lea.chat);
  assert.equal(await session.run((chat) => WPP.chat.get(chat).unreadCount, lea.chat), 2, 'a notice is not unread');
});

test('a person by number gets a new one: the old chat says so, the new one is another', async () => {
  const moe = await standin.customer('Moe', '447700900300');
  await moe.write('from the old one');
  await session.heard('chat.new_message', { body: 'from the old one' });
  await moe.identity({ number: '447700900301' });
  await session.heard('chat.new_message', { subtype: 'change_number', from: '447700900300@c.us' });
  await moe.write('from the new one');
  assert.equal((await session.heard('chat.new_message', { body: 'from the new one' })).from, '447700900301@c.us');
  assert.equal(await session.run(() => WPP.contact.queryExists('447700900309@c.us')), null);
});

test('a chat by LID and one by number turn out to be one person, and become one chat', async () => {
  const two = await standin.customer('Two', '447700900400', { lid: '77778888' });
  await two.identity({ apart: true });
  await two.write('by number');
  await session.heard('chat.new_message', { body: 'by number' });
  assert.ok(!(await entry('447700900400@c.us'))[0]);
  await two.identity({ address: 'lid' });
  await two.write('by LID');
  assert.equal((await session.heard('chat.new_message', { body: 'by LID' })).from, '77778888@lid');
  assert.deepEqual(await entry('77778888@lid'), ['77778888@lid', 'hidden']);
  await two.identity({ apart: false });
  await until('one person', async () => (await entry('77778888@lid'))[1] === '447700900400@c.us');
  assert.deepEqual(await bodies('447700900400@c.us'), ['by number'], 'still two chats');
  await two.migrate();
  await until('one chat', () => session.run(() => !WPP.chat.get('447700900400@c.us')));
  assert.deepEqual(await bodies('77778888@lid'), ['by number', 'by LID']);
  assert.equal(await session.run(() => WPP.chat.get('77778888@lid').unreadCount), 2);
});

test('the LID of a person by number is learned in a group', async () => {
  const gus = await standin.customer('Gus', '447700900500');
  await gus.write('just me');
  await session.heard('chat.new_message', { body: 'just me' });
  const group = await standin.group('Street', [gus]);
  const lid = group.addressOf(gus);
  await until('a LID', async () => (await entry(lid))[1] === '447700900500@c.us');
  await standin.post(`customers/${gus.id}/rename`, { name: 'August' });
  const names = () => session.run((ids) => Promise.all(ids.map((id) => WPP.contact.get(id).then((contact) => contact.pushname))), [gus.chat, lid]);
  await until('one name for both', async () => (await names()).every((name) => name === 'August'));
  assert.equal(await session.run((pn) => WPP.chat.find(pn).then((chat) => String(chat.id)), gus.chat), gus.chat);
});

test('a picture that changes is another picture', async () => {
  const pia = await standin.customer('Pia', '447700900600');
  const set = (text) => standin.post(`customers/${pia.id}/picture`, { mimetype: 'image/jpeg', base64: Buffer.from(text).toString('base64') });
  const url = () => session.run((chat) => WPP.contact.getProfilePictureUrl(chat), pia.chat);
  await set('one');
  const first = await url();
  await set('two');
  const second = await until('another', async () => {
    const now = await url();
    return now !== first && now;
  });
  assert.equal(await (await fetch(second)).text(), 'two');
});
