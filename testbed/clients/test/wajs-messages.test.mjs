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

/** A message as the library shows it, as plain values. */
const message = (id) =>
  session.run(
    (id) =>
      WPP.chat.getMessageById(id).then((msg) => ({
        body: msg.body,
        type: msg.type,
        ack: msg.ack,
        quoted: msg.quotedStanzaID,
        edited: msg.latestEditMsgKey && String(msg.latestEditMsgKey),
      })),
    id,
  );
const codeOf = (id) => session.run((id) => WPP.chat.getMessageById(id).then(() => 'found', (error) => error.code ?? error.message), id);
const theirs = (stanza) => `false_${ann.chat}_${stanza}`;

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
  assert.equal(await session.run((chat) => WPP.chat.get(chat).formattedTitle, ann.chat), 'Ann');
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
  assert.equal((await message(sent.id)).ack, 3);
});

test('a send that waits for its ack says OK', async () => {
  const sent = await session.send(ann.chat, 'waited for', { waitForAck: true });
  assert.equal(sent.sendMsgResult.messageSendResult, 'OK');
  assert.ok(sent.sendMsgResult.t > 0);
  assert.ok(sent.ack >= 1);
});

test('a send without an id gets one, and marks the chat read by default', async () => {
  await ann.write('unread');
  await until('unread', () => session.run((chat) => WPP.chat.get(chat).unreadCount > 0, ann.chat));
  const reads = (await standin.reads()).length;
  const id = await session.run((chat) => WPP.chat.sendTextMessage(chat, 'by default').then(({ id }) => id), ann.chat);
  assert.match(id, /^true_447700900123@c\.us_3EB0[0-9A-F]{18}$/);
  await until('read', async () => (await standin.reads()).length === reads + 1);
});

test('a key that is not of this chat is refused', async () => {
  const refused = await session.run(async (chat) => {
    const messageId = String(await WPP.chat.generateMessageID('447700900999@c.us'));
    return WPP.chat.sendTextMessage(chat, 'no', { messageId }).catch((error) => error.code);
  }, ann.chat);
  assert.equal(refused, 'message_key_remote_id_is_not_same_of_chat');
});

test('what is not there is told apart: message, chat, person', async () => {
  assert.equal(await codeOf(`true_${ann.chat}_3EB0000000`), 'msg_not_found');
  assert.equal(await codeOf('true_447700900999@c.us_3EB0000000'), 'chat_not_found');
  assert.equal(await session.run(() => WPP.contact.queryExists('447700900999@c.us')), null);
  const known = await session.run(() => WPP.contact.queryExists('447700900123@c.us').then((found) => String(found.wid)));
  assert.equal(known, '447700900123@c.us');
  const failure = await session.run(() => WPP.chat.sendTextMessage('447700900999@c.us', 'x').catch((error) => error.message));
  assert.match(failure, /No LID for user/);
});

test('replies carry what they quote, both ways', async () => {
  const asked = await ann.write('still open?');
  await session.heard('chat.new_message', { stanza: asked });
  const sent = await session.send(ann.chat, 'until six', { quotedMsg: theirs(asked) });
  const received = await ann.received('until six');
  assert.deepEqual(received.quote, { id: asked, from_me: false, text: 'still open?' });
  assert.equal((await message(sent.id)).quoted, asked);
  const reply = await ann.write('thanks', { quote: sent.stanza });
  const msg = await session.heard('chat.new_message', { stanza: reply });
  assert.equal(msg.quotedStanzaID, sent.stanza);
  const quoted = await session.run((id) => WPP.chat.getQuotedMsg(id).then((msg) => String(msg.id)), theirs(reply));
  assert.equal(quoted, sent.id);
});

test('a customer edits: the event says it, and the message shows it, also after a reload', async () => {
  const id = await ann.write('at nine');
  await session.heard('chat.new_message', { stanza: id });
  await ann.edit(id, 'at ten');
  const edited = await session.heard('chat.msg_edited', { id: theirs(id) });
  assert.equal(edited.msg.body, 'at ten');
  await session.page.reload();
  await session.main();
  const shown = await message(theirs(id));
  assert.equal(shown.body, 'at ten');
  assert.ok(shown.edited);
});

test('a customer deletes: the event names the message, and its text is gone', async () => {
  const id = await ann.write('oops');
  await session.heard('chat.new_message', { stanza: id });
  await ann.remove(id);
  const revoke = await session.heard('chat.msg_revoke', { refId: theirs(id) });
  assert.equal(revoke.type, 'sender_revoke');
  const shown = await until('revoked', async () => {
    const now = await message(theirs(id));
    return now.type === 'revoked' && now;
  });
  assert.equal(shown.body, undefined);
});

test('a customer reacts, changes their mind, and takes it back', async () => {
  const sent = await session.send(ann.chat, 'nice?');
  await ann.received('nice?');
  for (const emoji of ['👍', '❤️', '']) {
    await ann.react(sent.stanza, emoji);
    const reaction = await session.heard('chat.new_reaction', { msgId: sent.id, reactionText: emoji });
    assert.equal(reaction.sender, ann.chat);
  }
  await ann.react(sent.stanza, '🎉');
  const read = () => session.run((id) => WPP.chat.getReactions(id), sent.id);
  const { reactions } = await until('shown', async () => {
    const all = await read();
    return all.reactions.length === 1 && all;
  });
  assert.equal(reactions[0].aggregateEmoji, '🎉');
});

test('we edit, react and delete, and the customer sees it', async () => {
  const sent = await session.send(ann.chat, 'draft');
  await until('sent', async () => (await session.acks(sent.messageId)).includes(2));
  await session.run((id) => WPP.chat.editMessage(id, 'final').then(() => true), sent.id);
  assert.equal((await ann.received('final')).edited, true);
  assert.equal((await message(sent.id)).body, 'final');
  const id = await ann.write('react to me');
  await session.heard('chat.new_message', { stanza: id });
  await session.run((id) => WPP.chat.sendReactionToMessage(id, '👍').then(() => true), theirs(id));
  await until('reaction accepted', async () => (await standin.accepted()).some((a) => a.kind === 'reaction' && a.text === '👍'));
  const deleted = await session.run((chat, id) => WPP.chat.deleteMessage(chat, id, true, true), ann.chat, sent.id);
  assert.equal(deleted.isRevoked, true);
  await until('revoked', async () => (await ann.inbox()).find((m) => m.stanza_id === sent.stanza).revoked);
});

test('an old message cannot be edited', async () => {
  const id = await ann.write('theirs');
  await session.heard('chat.new_message', { stanza: id });
  const code = await session.run((id) => WPP.chat.editMessage(id, 'mine').catch((error) => error.code), theirs(id));
  assert.equal(code, 'edit_message_error');
});

test('what could not be decrypted is said twice: first without a text, then with it', async () => {
  const id = await ann.write('secret', { undecryptable: true });
  const first = await session.heard('chat.new_message', { stanza: id });
  assert.equal(first.type, 'ciphertext');
  assert.equal(first.body, undefined);
  await ann.decrypt(id);
  const second = await session.heard('chat.new_message', { stanza: id, type: 'chat' });
  assert.equal(second.body, 'secret');
});

test('reading marks exactly the unread messages, once', async () => {
  await session.run((chat) => WPP.chat.markIsRead(chat).then(() => true), ann.chat);
  const ids = await ann.writeMany('read me {}', 3);
  await session.heard('chat.new_message', { stanza: ids[2] });
  assert.equal(await session.run((chat) => WPP.chat.markIsRead(chat).then((r) => r.unreadCount), ann.chat), 3);
  assert.equal(await session.run((chat) => WPP.chat.markIsRead(chat).then((r) => r.unreadCount), ann.chat), 0);
  const covering = async () => (await standin.reads()).filter((read) => ids.some((id) => read.ids.includes(id)));
  await until('read', async () => (await covering()).length > 0);
  assert.deepEqual((await covering()).map((read) => read.ids), [ids]);
  await session.heard('chat.unread_count_changed', { unreadCount: 0 });
});

test('a read made without a network reaches the customer when it is back', async () => {
  const id = await ann.write('read me later');
  await session.heard('chat.new_message', { stanza: id });
  await standin.faults({ network: 'down' });
  await until('offline', () => session.run(() => !WPP.conn.isOnline()));
  await session.run((chat) => WPP.chat.markIsRead(chat).then(() => true), ann.chat);
  await standin.faults({ network: 'up' });
  await until('read', async () => (await standin.reads()).some((read) => read.ids.includes(id)));
});

test('typing is shown to the customer, and theirs to us once we ask for it', async () => {
  await session.run((chat) => WPP.chat.markIsComposing(chat, 30), ann.chat);
  await until('seen', async () => (await standin.typing()).slice(-2).map((t) => t.state).join() === 'composing,paused');
  await session.run((chat) => WPP.contact.subscribePresence([chat]).then(() => true), ann.chat);
  await ann.typing('composing');
  const presence = await session.heard('chat.presence_change', { id: ann.chat, state: 'typing' });
  assert.equal(presence.isOnline, true);
  await ann.typing('paused');
  await session.heard('chat.presence_change', { id: ann.chat, state: 'available' });
});

test('what is written and read on the phone shows here', async () => {
  const asked = await ann.write('anyone there?');
  await session.heard('chat.new_message', { stanza: asked });
  await standin.post('phones/0/read', { customer: ann.id });
  await until('read', () => session.run((chat) => WPP.chat.get(chat).unreadCount === 0, ann.chat));
  const { id } = await standin.post('phones/0/send', { customer: ann.id, text: 'from the phone' });
  const msg = await session.heard('chat.new_message', { stanza: id });
  assert.equal(msg.fromMe, true);
  assert.equal(msg.from, '447700900001@c.us');
  await until('delivered', async () => (await session.acks(`true_${ann.chat}_${id}`)).includes(2));
  await standin.post('phones/0/online', { online: false });
  await session.send(ann.chat, 'without the phone');
  await ann.received('without the phone');
});

test('a customer who answers by themselves does', async () => {
  await ann.script({ read_after_ms: 5, answer_after_ms: 10, answer: 'you said: {}' });
  const sent = await session.send(ann.chat, 'ping');
  await session.heard('chat.new_message', { body: 'you said: ping' });
  await until('read', async () => (await session.acks(sent.messageId)).includes(3));
  await ann.script({});
});

test('messages are read back before and after a key, in page order', async () => {
  const ids = await ann.writeMany('page {}', 60);
  await session.heard('chat.new_message', { stanza: ids[59] });
  const read = (options) =>
    session.run((chat, options) => WPP.chat.getMessages(chat, options).then((all) => all.map((msg) => msg.body)), ann.chat, options);
  assert.deepEqual(await read({ count: 2 }), ['page 59', 'page 60']);
  assert.deepEqual(await read({ count: 2, id: theirs(ids[9]) }), ['page 8', 'page 9']);
  assert.deepEqual(await read({ count: 2, id: theirs(ids[9]), direction: 'after' }), ['page 11', 'page 12']);
  assert.equal((await read({ count: 60 })).length, 60);
  assert.equal((await read({ onlyUnread: true, count: 5 })).length, 5);
});

test('the page complains of nothing that was used here', () => {
  const real = session.page.faults.filter((fault) => !/was not found|func is not a function|response code: 503/.test(fault));
  assert.deepEqual(real, []);
});
