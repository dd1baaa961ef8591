// wa-js: groups, from both sides.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../standin.mjs';
import { Session } from '../wajs.mjs';

let session, standin, ann, bob, group;

before(async () => {
  session = await Session.open();
  ({ standin } = session);
  ann = await standin.customer('Ann', '447700900123');
  bob = await standin.customer('Bob', '447700900124');
  group = await standin.group('Friday orders', [ann, bob], { description: 'Bread and rolls' });
  await session.link();
});
after(() => session.close());

const theirs = (by, stanza) => `false_${group.chat}_${stanza}_${group.addressOf(by)}`;
const bodies = (count = -1) =>
  session.run((chat, count) => WPP.chat.getMessages(chat, { count }).then((all) => all.map((msg) => msg.body)), group.chat, count);
/** A message as the library shows it, as plain values. */
const message = (id) =>
  session.run(
    (id) =>
      WPP.chat.getMessageById(id).then((msg) => ({
        body: msg.body,
        type: msg.type,
        subtype: msg.subtype,
        ack: msg.ack,
        author: msg.author && String(msg.author),
        mentions: msg.mentionedJidList?.map(String),
        quoted: msg.quotedStanzaID,
      })),
    id,
  );

test('a group is there after the login, with its name and who is in it', async () => {
  const seen = await session.run(async (chat) => {
    const [first] = await WPP.group.getAllGroups();
    const participants = await WPP.group.getParticipants(chat);
    const { subject, desc, isLidAddressingMode, participants: members } = first.groupMetadata;
    return {
      ids: [String(first.id), first.isGroup, first.formattedTitle, first.name],
      data: [subject, desc, isLidAddressingMode, members.length],
      participants: participants.map((p) => [String(p.id), p.isAdmin, p.isSuperAdmin]).toSorted(),
      admin: [await WPP.group.iAmAdmin(chat), await WPP.group.iAmMember(chat), WPP.group.getGroupSizeLimit() instanceof Promise],
      listed: (await WPP.chat.list({ onlyGroups: true })).map((c) => String(c.id)),
      numbers: await Promise.all(participants.map((p) => WPP.contact.getPnLidEntry(p.id).then((e) => e.phoneNumber?._serialized))),
    };
  }, group.chat);
  assert.deepEqual(seen.ids, [group.chat, true, 'Friday orders', 'Friday orders']);
  assert.deepEqual(seen.data, ['Friday orders', 'Bread and rolls', true, 3]);
  const expected = group.info.participants.map((p) => [p.id, p.admin, p.super_admin]).toSorted();
  assert.deepEqual(seen.participants, expected);
  assert.deepEqual([seen.admin, seen.listed], [[true, true, true], [group.chat]]);
  assert.ok(seen.numbers.includes('447700900123@c.us') && seen.numbers.includes('447700900124@c.us'));
});

test('a member writes: the message comes from the group, by them', async () => {
  const id = await group.write(ann, 'two loaves please');
  const msg = await session.heard('chat.new_message', { stanza: id });
  assert.deepEqual([msg.from, msg.fromMe, msg.notifyName, msg.senderName], [group.chat, false, 'Ann', 'Ann']);
  assert.equal(msg.id, theirs(ann, id));
  assert.equal(msg.author, group.addressOf(ann));
  assert.equal((await group.received(bob, 'two loaves please')).author, ann.id);
});

test('a send reaches every member, and each of them is told of', async () => {
  const sent = await session.send(group.chat, 'ready at nine');
  assert.equal(sent.id, `true_${group.chat}_${sent.stanza}_${group.me()}`);
  for (const member of [ann, bob]) assert.equal((await group.received(member, 'ready at nine')).phone, 0);
  await until('delivered to both', async () => (await message(sent.id)).ack === 2);
  await ann.read();
  const receipts = () =>
    session.run(
      (stanza) =>
        heard
          .filter(({ name, value }) => name === 'chat.msg_ack_change' && value.ids.some((id) => id.includes(stanza)))
          .map(({ value }) => [value.ack, value.sender]),
      sent.stanza,
    );
  await until('one has read', async () => (await receipts()).some(([ack, sender]) => ack === 3 && sender === group.addressOf(ann)));
  assert.equal((await message(sent.id)).ack, 2, 'it is not read before all have read it');
  await bob.read();
  await until('all have read', async () => (await message(sent.id)).ack === 3);
  const acks = (await receipts()).map(([ack]) => ack).toSorted();
  assert.deepEqual(acks, [1, 2, 2, 3, 3]);
  const info = await session.run((id) => WPP.chat.getMessageACK(id).then((i) => [i.deliveryRemaining, i.readRemaining, i.participants.length]), sent.id);
  assert.deepEqual(info, [0, 0, 2]);
});

test('quotes and mentions go both ways', async () => {
  const asked = await group.write(ann, 'who brings them?');
  await session.heard('chat.new_message', { stanza: asked });
  const at = group.addressOf(bob);
  const sent = await session.send(group.chat, `@${at.split('@')[0]} does`, { quotedMsg: theirs(ann, asked), mentionedList: [at] });
  const received = await group.received(ann, `@${at.split('@')[0]} does`);
  assert.deepEqual(received.quote, { id: asked, from_me: false, author: group.addressOf(ann), text: 'who brings them?' });
  assert.deepEqual(received.details.mentionedJidList, [at]);
  assert.deepEqual((await message(sent.id)).mentions, [at]);
  const back = await group.write(bob, 'I do, @you', { quote: sent.stanza, mentions: [group.me()] });
  const msg = await session.heard('chat.new_message', { stanza: back });
  assert.equal(msg.quotedStanzaID, sent.stanza);
  assert.deepEqual((await message(theirs(bob, back))).mentions, [group.me()]);
  const quoted = await session.run((id) => WPP.chat.getQuotedMsg(id).then((m) => String(m.id)).catch((e) => e.code), theirs(ann, back));
  assert.equal(quoted, 'msg_not_found');
  const third = await group.write(ann, 'thank you', { quote: back });
  await session.heard('chat.new_message', { stanza: third });
  const other = await session.run((id) => WPP.chat.getQuotedMsg(id).then((m) => String(m.id)), theirs(ann, third));
  assert.equal(other, theirs(bob, back));
});

test('members edit, delete and react; so do we, and an admin deletes for another', async () => {
  const id = await group.write(ann, 'at nine');
  await session.heard('chat.new_message', { stanza: id });
  await group.edit(ann, id, 'at ten');
  await session.heard('chat.msg_edited', { id: theirs(ann, id) });
  assert.equal((await message(theirs(ann, id))).body, 'at ten');
  await group.react(bob, id, '👍', { of: ann.id });
  const reaction = await session.heard('chat.new_reaction', { msgId: theirs(ann, id) });
  assert.deepEqual([reaction.reactionText, reaction.sender], ['👍', group.addressOf(bob)]);
  await session.run((id) => WPP.chat.sendReactionToMessage(id, '🎉').then(() => true), theirs(ann, id));
  const { reactions } = await until('both', async () => {
    const all = await session.run((id) => WPP.chat.getReactions(id), theirs(ann, id));
    return all.reactions.length === 2 && all;
  });
  assert.deepEqual(reactions.map((r) => r.aggregateEmoji).toSorted(), ['👍', '🎉'].toSorted());
  await group.remove(ann, id);
  const revoke = await session.heard('chat.msg_revoke', { refId: theirs(ann, id) });
  assert.deepEqual([revoke.type, revoke.from], ['sender_revoke', group.chat]);
  const spam = await group.write(bob, 'buy my car');
  await session.heard('chat.new_message', { stanza: spam });
  const done = await session.run((chat, id) => WPP.chat.deleteMessage(chat, id, true, true), group.chat, theirs(bob, spam));
  assert.equal(done.isRevoked, true);
  await until('gone', async () => (await group.inbox(ann)).find((m) => m.stanza_id === spam).revoked);
  assert.equal((await message(theirs(bob, spam))).subtype, 'admin');
  const sent = await session.send(group.chat, 'draft');
  await until('delivered', async () => (await message(sent.id)).ack >= 2);
  await session.run((id) => WPP.chat.editMessage(id, 'final').then(() => true), sent.id);
  assert.equal((await group.received(bob, 'final')).edited, true);
});

test('two members may use one stanza id', async () => {
  await group.write(ann, 'from Ann', { id: 'COPIED' });
  await group.write(bob, 'from Bob', { id: 'COPIED' });
  await session.heard('chat.new_message', { body: 'from Bob' });
  const both = await session.run((keys) => WPP.chat.getMessageById(keys).then((all) => all.map((m) => m.body)), [
    theirs(ann, 'COPIED'),
    theirs(bob, 'COPIED'),
  ]);
  assert.deepEqual(both, ['from Ann', 'from Bob']);
});

test('reading a group tells each member of their own', async () => {
  await session.run((chat) => WPP.chat.markIsRead(chat).then(() => true), group.chat);
  const first = await group.write(ann, 'unread one');
  const second = await group.write(bob, 'unread two');
  await session.heard('chat.new_message', { stanza: second });
  assert.equal(await session.run((chat) => WPP.chat.markIsRead(chat).then((r) => r.unreadCount), group.chat), 2);
  const reads = async () => (await standin.reads()).filter((read) => read.ids.some((id) => [first, second].includes(id)));
  await until('read', async () => (await reads()).length === 2);
  assert.deepEqual((await reads()).map((read) => [read.customer, read.ids, read.group]), [[ann.id, [first], group.id], [bob.id, [second], group.id]]);
});

test('typing in a group is seen both ways', async () => {
  await session.run((chat) => WPP.chat.markIsComposing(chat, 30), group.chat);
  await until('seen by both', async () => (await standin.typing()).filter((t) => t.group === group.id).length === 4);
  await session.run((chat) => WPP.contact.subscribePresence([chat]).then(() => true), group.chat);
  await group.typing(ann, 'composing');
  const presence = await session.heard('chat.presence_change', { id: group.chat, state: 'typing' });
  assert.deepEqual(presence.participants.map((p) => p.id), [group.addressOf(ann)]);
});

test('what happens to the group is said, and shows', async () => {
  const cat = await standin.customer('Cat', '447700900125');
  const changed = async (action) => until(action, async () => (await session.all('group.participant_changed')).find((e) => e.action === action));
  const { members } = await group.member('add', { customer: cat.id });
  const added = await changed('add');
  const catId = added.participants[0];
  assert.deepEqual([added.groupId, added.author, members.includes(catId)], [group.chat, group.me(), true]);
  assert.equal(await session.run((chat) => WPP.group.getParticipants(chat).then((all) => all.length), group.chat), 4);
  await group.member('promote', { customer: cat.id });
  assert.deepEqual((await changed('promote')).participants, [catId]);
  const admins = () =>
    session.run((chat) => WPP.group.getParticipants(chat).then((all) => all.filter((p) => p.isAdmin).map((p) => String(p.id))), group.chat);
  assert.deepEqual((await admins()).toSorted(), [catId, group.me()].toSorted());
  await group.member('leave', { customer: cat.id });
  assert.deepEqual((await changed('leave')).author, catId);
  await group.member('join', { customer: cat.id });
  await changed('join');
  await group.member('remove', { customer: cat.id });
  await changed('remove');
  await group.change({ subject: 'Saturday orders', description: 'Cakes' });
  await until('renamed', () => session.run((chat) => WPP.chat.get(chat).formattedTitle === 'Saturday orders', group.chat));
  await session.heard('chat.new_message', { type: 'gp2', subtype: 'description' });
  const notices = (await session.all('chat.new_message')).filter((msg) => msg.type === 'gp2').map((msg) => [msg.subtype, msg.body]);
  const said = ['add', 'promote', 'leave', 'invite', 'remove'].map((subtype) => [subtype, undefined]);
  assert.deepEqual(notices, [...said, ['subject', 'Saturday orders'], ['description', 'Cakes']]);
});

test('a picture of a group is found', async () => {
  const bytes = Buffer.from('a group picture');
  await group.change({ picture: { mimetype: 'image/jpeg', base64: bytes.toString('base64') } });
  const url = await until('a picture', () => session.run((chat) => WPP.contact.getProfilePictureUrl(chat), group.chat));
  assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), bytes);
});

test('a group that comes later is a new chat, and what was written meanwhile waits', async () => {
  await session.page.goto('about:blank');
  const late = await standin.group('Late', [ann], { made_by: bob.id });
  const id = await late.write(ann, 'are you there?');
  await group.write(bob, 'and here?');
  await session.page.goto(standin.url);
  await session.page.waitForFunction(() => window.WPP?.isReady);
  await session.main();
  const chats = await session.run(() => WPP.chat.list({ onlyGroups: true }).then((all) => all.map((c) => c.formattedTitle)));
  assert.deepEqual(chats.toSorted(), ['Late', 'Saturday orders']);
  const last = await session.run((chat) => WPP.chat.getMessages(chat, { count: 1 }).then(([m]) => [m.body, m.id.id]), late.chat);
  assert.deepEqual(last, ['are you there?', id]);
  assert.equal((await bodies(1))[0], 'and here?');
});

test('where we may not write, a send fails', async () => {
  const closed = await standin.group('News', [ann], { made_by: ann.id, announce: true });
  await until('the chat', () => session.run((chat) => WPP.chat.get(chat)?.isReadOnly === true, closed.chat));
  const sent = await session.send(closed.chat, 'may I?', { waitForAck: true });
  assert.equal(sent.sendMsgResult.messageSendResult, 'ERROR_UNKNOWN');
  assert.equal((await closed.inbox(ann)).length, 0);
  await group.member('remove', { phone: 0 });
  await until('out', () => session.run((chat) => WPP.group.iAmMember(chat).then((member) => !member), group.chat));
  await group.write(ann, 'are they gone?');
  await group.received(bob, 'are they gone?');
  const others = await session.send(group.chat, 'no', { waitForAck: true });
  assert.equal(others.sendMsgResult.messageSendResult, 'ERROR_UNKNOWN');
  assert.ok(!(await bodies()).includes('are they gone?'));
});

test('the page complains of nothing that was used here', () => {
  const real = session.page.faults.filter((fault) => !/was not found|func is not a function|response code: 503/.test(fault));
  assert.deepEqual(real, []);
});
