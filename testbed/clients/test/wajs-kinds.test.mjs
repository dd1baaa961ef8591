// wa-js: what is neither a text nor a file: places, cards, polls, notices, what disappears, and what nobody knows yet.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { noise, sha256 } from '../files.mjs';
import { until } from '../standin.mjs';
import { Session } from '../wajs.mjs';

let session, standin, ann, bob;

before(async () => {
  session = await Session.open();
  ({ standin } = session);
  ann = await standin.customer('Ann', '447700900123');
  bob = await standin.customer('Bob', '447700900124');
  await session.link();
});
after(() => session?.close());

const theirs = (stanza) => `false_${ann.chat}_${stanza}`;
const CARD = 'BEGIN:VCARD\nVERSION:3.0\nN:;Cleo;;;\nFN:Cleo\nTEL;type=CELL;waid=447700900555:+44 7700 900555\nEND:VCARD';

/** Sends what a customer drafts, and waits until the library has said so. */
async function draft(draft) {
  const id = await ann.send(draft);
  const heard = await session.heard('chat.new_message', { stanza: id });
  return { id, heard };
}

/** Some of a message's attributes, as plain values. */
const fields = (id, ...names) =>
  session.run(
    async (id, names) => {
      const msg = await WPP.chat.getMessageById(id);
      const plain = (value) => (value === undefined ? null : JSON.parse(JSON.stringify(value)));
      return Object.fromEntries(names.map((name) => [name, plain(msg[name])]));
    },
    id,
    names,
  );

/** Calls a function of the library that sends, with an id that was chosen before, and gives what the customer's phone shows. */
async function send(name, args, options = {}) {
  const sent = await session.run(
    async (chat, name, args, options) => {
      const messageId = String(await WPP.chat.generateMessageID(chat));
      const all = { messageId, markIsRead: false, waitForAck: false, ...options };
      const result = name === 'sendLocationMessage' ? await WPP.chat[name](chat, { ...args[0], ...all }) : await WPP.chat[name](chat, ...args, all);
      return { id: result.id, messageId, stanza: messageId.split('_')[2] };
    },
    ann.chat,
    name,
    args,
    options,
  );
  assert.equal(sent.id, sent.messageId);
  return { ...sent, received: await ann.shows(sent.stanza) };
}

const own = async (stanza) => (await standin.get(`phones/0/chats/${ann.id}`)).find((message) => message.id === stanza);

test('a place goes both ways', async () => {
  const { id, heard } = await draft({ kind: 'location', fields: { lat: 51.5, lng: -0.12, loc: 'Bridge Street\nLondon' } });
  assert.equal(heard.type, 'location');
  assert.deepEqual(await fields(theirs(id), 'lat', 'lng', 'loc', 'isLive'), { lat: 51.5, lng: -0.12, loc: 'Bridge Street\nLondon', isLive: null });
  const { received } = await send('sendLocationMessage', [{ lat: 48.2, lng: '16.37', name: 'Stephansplatz', address: 'Vienna' }]);
  assert.equal(received.kind, 'location');
  assert.deepEqual(received.details, { lat: 48.2, lng: 16.37, loc: 'Stephansplatz\nVienna' });
});

test('a live location begins, and moves under its id', async () => {
  const { id } = await draft({ kind: 'location', fields: { lat: 1, lng: 2, isLive: true, shareDuration: 900, sequence: 1 } });
  const started = await session.heard('chat.live_location_start', { lat: 1, lng: 2 });
  assert.equal(started.shareDuration, 900);
  const moves = session.run(
    (id) => new Promise((resolve) => WPP.whatsapp.MsgStore.on('change:lat', (msg, lat) => String(msg.id) === id && resolve(lat))),
    theirs(id),
  );
  await ann.update(id, { lat: 1.5, lng: 2.5, sequence: 2 });
  assert.equal(await moves, 1.5);
  assert.deepEqual(await fields(theirs(id), 'lat', 'lng', 'sequence'), { lat: 1.5, lng: 2.5, sequence: 2 });
  assert.equal((await session.all('chat.new_message')).filter((msg) => msg.stanza === id).length, 1);
});

test('cards go both ways, one and several', async () => {
  const { id, heard } = await draft({ kind: 'vcard', fields: { body: CARD, vcardFormattedName: 'Cleo' } });
  assert.equal(heard.type, 'vcard');
  assert.deepEqual(await fields(theirs(id), 'body', 'vcardFormattedName'), { body: CARD, vcardFormattedName: 'Cleo' });
  const list = [{ displayName: 'Cleo', vcard: CARD }, { displayName: 'Dan', vcard: CARD.replaceAll('Cleo', 'Dan') }];
  const several = await draft({ kind: 'multi_vcard', fields: { vcardList: list } });
  assert.deepEqual(await fields(theirs(several.id), 'vcardList', 'type'), { vcardList: list, type: 'multi_vcard' });
  const one = await send('sendVCardContactMessage', [{ id: bob.chat, name: 'Bob the baker' }]);
  assert.deepEqual([one.received.kind, one.received.details.vcardFormattedName], ['vcard', 'Bob the baker']);
  assert.match(one.received.details.body, /^BEGIN:VCARD\n.*FN:Bob the baker\nTEL.*waid=447700900124:\+447700900124\nEND:VCARD$/s);
  const two = await send('sendVCardContactMessage', [[{ id: bob.chat, name: 'B' }, { id: ann.chat, name: 'A' }]]);
  assert.equal(two.received.kind, 'multi_vcard');
  assert.deepEqual(two.received.details.vcardList.map((card) => card.displayName), ['B', 'A']);
});

test('a poll of ours is voted in: the event says it, the poll knows it, and the last choice counts', async () => {
  const { id, stanza, received } = await send('sendCreatePollMessage', ['Which cake?', ['Apple', 'Plum', 'None']], { selectableCount: 2 });
  assert.deepEqual([received.kind, received.details.pollName, received.details.pollSelectableOptionsCount], ['poll_creation', 'Which cake?', 2]);
  assert.deepEqual(received.details.pollOptions.map((option) => option.name), ['Apple', 'Plum', 'None']);
  await until('delivered', async () => (await session.acks(id)).includes(2));
  await ann.vote(stanza, ['Apple', 'None']);
  const vote = await session.heard('chat.poll_response', { chatId: ann.chat });
  assert.equal(vote.sender, ann.chat);
  assert.deepEqual(vote.selectedOptions.filter(Boolean).map((option) => option.name), ['Apple', 'None']);
  await ann.vote(stanza, ['Plum']);
  const votes = () =>
    session.run(async (id) => {
      const { votes } = await WPP.chat.getVotes(id);
      return votes.map(({ sender, selectedOptions }) => [String(sender), selectedOptions.filter(Boolean).map((option) => option.name)]);
    }, id);
  await until('the last choice', async () => (await session.all('chat.poll_response')).length === 2);
  assert.deepEqual(await votes(), [[ann.chat, ['Plum']]]);
  await ann.vote(stanza, []);
  await until('taken back', async () => (await session.all('chat.poll_response')).length === 3);
  assert.deepEqual(await votes(), [[ann.chat, []]]);
  await session.page.reload();
  await session.main();
  assert.deepEqual(await votes(), [[ann.chat, []]]);
});

test('a poll of theirs is voted in by the site’s own function, and the customer sees it', async () => {
  const options = ['Monday', 'Tuesday'].map((name, localId) => ({ name, localId }));
  const { id } = await draft({ kind: 'poll_creation', fields: { pollName: 'When?', pollOptions: options, pollSelectableOptionsCount: 1 } });
  assert.deepEqual(await fields(theirs(id), 'pollName', 'pollOptions', 'pollSelectableOptionsCount'), {
    pollName: 'When?',
    pollOptions: options,
    pollSelectableOptionsCount: 1,
  });
  await session.run(async (id) => {
    const msg = await WPP.chat.getMessageById(id);
    await require('WAWebPollsSendVoteMsgAction').sendVote(msg, new Set([1]));
  }, theirs(id));
  const { votes } = await until('the vote', async () => {
    const poll = await own(id);
    return Object.keys(poll.votes).length && poll;
  });
  assert.deepEqual(Object.values(votes).map((vote) => vote.names), [['Tuesday']]);
  const accepted = (await standin.accepted()).at(-1);
  assert.deepEqual([accepted.kind, accepted.text], ['vote', 'Tuesday']);
});

test('a vote in a poll that is not here breaks nothing', async () => {
  await ann.vote('3EB0NOSUCHPOLL', ['Whatever']);
  const { heard } = await draft({ text: 'still here' });
  assert.equal(heard.body, 'still here');
});

test('what was forwarded says so, both ways, and a forwarded file is the same file', async () => {
  const { id } = await draft({ text: 'pass it on', forwarded: true });
  assert.deepEqual(await fields(theirs(id), 'isForwarded', 'forwardingScore'), { isForwarded: true, forwardingScore: 1 });
  const bytes = noise(500, 31);
  const file = await ann.attach('document', 'text/plain', bytes, { filename: 'a.txt', caption: 'look' });
  await session.heard('chat.new_message', { stanza: file });
  const before = (await bob.inbox()).length;
  const left = await session.run((chat, ids) => WPP.chat.forwardMessages(chat, ids, { displayCaptionText: true }), bob.chat, [theirs(id), theirs(file)]);
  assert.deepEqual(left, []);
  const [text, document] = await until('both', async () => (await bob.inbox()).length === before + 2 && (await bob.inbox()).slice(before));
  assert.deepEqual([text.text, text.details.isForwarded, text.details.forwardingScore], ['pass it on', true, 2]);
  assert.deepEqual([document.kind, document.text, document.details.isForwarded], ['document', 'look', true]);
  assert.equal(sha256(await bob.file(document.stanza_id)), sha256(bytes));
});

test('mentions go both ways', async () => {
  const { id } = await draft({ text: 'ask @447700900124', mentions: [bob.chat] });
  const mentioned = await session.run((id) => WPP.chat.getMessageById(id).then((msg) => msg.mentionedJidList.map(String)), theirs(id));
  assert.deepEqual(mentioned, [bob.chat]);
  const sent = await session.send(ann.chat, 'I asked @447700900124', { mentionedList: [bob.chat] });
  assert.deepEqual((await ann.shows(sent.stanza)).details.mentionedJidList, [bob.chat]);
});

test('answers to buttons and lists, and templates, come as what they are', async () => {
  const cases = [
    ['buttons_response', { body: 'Yes', selectedButtonId: 'yes' }],
    ['list_response', { body: 'Bread', listResponse: { title: 'Bread', singleSelectReply: { selectedRowId: 'row-1' } } }],
    ['template_button_reply', { body: 'Stop', selectedId: 'stop', selectedIndex: 1 }],
    ['hsm', { body: 'Your order is ready', footer: 'The bakery' }],
  ];
  for (const [kind, content] of cases) {
    const { id, heard } = await draft({ kind, fields: content });
    assert.equal(heard.type, kind);
    assert.deepEqual(await fields(theirs(id), ...Object.keys(content)), content);
  }
});

test('a notice is shown, and is not unread', async () => {
  await session.run((chat) => WPP.chat.markIsRead(chat).then(() => true), ann.chat);
  const cases = [
    ['call_log', { subtype: 'miss', isVideoCall: false, callOutcome: 'Missed' }],
    ['notification_template', { subtype: 'change_number', templateParams: ['447700900123@c.us', '447700900199@c.us'] }],
    ['e2e_notification', { subtype: 'encrypt' }],
  ];
  for (const [kind, content] of cases) {
    const { id, heard } = await draft({ kind, fields: content });
    assert.deepEqual([heard.type, heard.subtype], [kind, content.subtype]);
    assert.deepEqual(await fields(theirs(id), ...Object.keys(content)), content);
  }
  assert.equal(await session.run((chat) => WPP.chat.get(chat).unreadCount, ann.chat), 0);
});

test('a view-once message that only the phone may see comes as one that cannot be read', async () => {
  const { heard } = await draft({ kind: 'ciphertext', fields: { subtype: 'view_once_unavailable_fanout' } });
  assert.deepEqual([heard.type, heard.subtype], ['ciphertext', 'view_once_unavailable_fanout']);
});

test('a kind that nobody knows comes with its fields', async () => {
  const content = { body: 'from the future', hologram: { layers: 3, parts: ['a', 'b'] } };
  const { id, heard } = await draft({ kind: 'hologram_v2', fields: content });
  assert.equal(heard.type, 'hologram_v2');
  assert.deepEqual(await fields(theirs(id), 'body', 'hologram'), content);
});

test('what disappears says for how long, and is gone when its time is over, here and after a reload', async () => {
  const { id } = await draft({ text: 'soon gone', expires_after_s: 3 });
  assert.deepEqual(await fields(theirs(id), 'ephemeralDuration'), { ephemeralDuration: 3 });
  const codeOf = (id) => session.run((id) => WPP.chat.getMessageById(id).then(() => 'found', (error) => error.code), id);
  await until('gone', async () => (await codeOf(theirs(id))) === 'msg_not_found');
  const later = await draft({ text: 'gone while away', expires_after_s: 2 });
  await session.page.reload();
  await session.main();
  await until('gone', async () => (await codeOf(theirs(later.id))) === 'msg_not_found');
});

test('a timer on the chat is told, and holds for what we write', async () => {
  await ann.disappearing(86_400);
  const notice = await until('the notice', async () => (await session.all('chat.new_message')).find((msg) => msg.subtype === 'ephemeral_setting'));
  assert.equal(notice.type, 'protocol');
  assert.equal(await session.run((chat) => WPP.chat.get(chat).ephemeralDuration, ann.chat), 86_400);
  const sent = await session.send(ann.chat, 'gone tomorrow');
  assert.equal((await ann.shows(sent.stanza)).details.ephemeralDuration, 86_400);
  const { id } = await draft({ text: 'so is this' });
  assert.deepEqual(await fields(theirs(id), 'ephemeralDuration'), { ephemeralDuration: 86_400 });
  await ann.disappearing(0);
  await until('off', () => session.run((chat) => WPP.chat.get(chat).ephemeralDuration === 0, ann.chat));
  const kept = await session.send(ann.chat, 'stays');
  assert.equal((await ann.shows(kept.stanza)).details.ephemeralDuration, undefined);
});

test('a browser that links later is given all of it', async () => {
  await standin.post('phones/0/logout');
  await session.heard('conn.logout');
  await until('the code', () => session.code());
  await session.link();
  const inbox = await session.run((chat) => WPP.chat.getMessages(chat, { count: -1 }).then((all) => all.map((msg) => msg.type)), ann.chat);
  for (const kind of ['location', 'vcard', 'multi_vcard', 'poll_creation', 'document', 'call_log', 'hologram_v2', 'list_response']) {
    assert.ok(inbox.includes(kind), `${kind} is in ${inbox}`);
  }
});

test('the page complains of nothing that was used here', () => {
  const expected = /was not found|func is not a function|response code: 503/;
  assert.deepEqual(session.page.faults.filter((fault) => !expected.test(fault)), []);
});
