// wa-js: what an account and its page can get into.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../standin.mjs';
import { Session } from '../wajs.mjs';

let session, standin, ann;

before(async () => {
  session = await Session.open();
  ({ standin } = session);
  ann = await standin.customer('Ann', '447700900123');
});
after(() => session.close());

const socketState = () => session.run(() => WPP.whatsapp.Socket.state);
const bodies = () => session.run((chat) => WPP.chat.getMessages(chat, { count: -1 }).then((all) => all.map((msg) => msg.body)), ann.chat);

test('a phone that asks for a passkey leaves the page waiting, until it is shown', async () => {
  await standin.post('phones/0/passkey', { ask: true });
  await assert.rejects(standin.scan(await session.code()), /passkey/);
  await until('the page asks', () => session.run(() => !document.getElementById('passkey').hidden));
  assert.equal(await socketState(), 'PAIRING');
  assert.deepEqual(await session.run(() => WPP.conn.getStreamData()), { mode: 'QR', info: 'PAIRING' });
  assert.equal(await session.run(() => WPP.conn.isAuthenticated()), false);
  assert.equal(await session.run(async () => (await WPP.conn.getAuthCode()) ?? null), null);
  await standin.post('phones/0/passkey', { shown: true });
  await session.main();
  assert.equal(await session.run(() => document.getElementById('passkey').hidden), true);
});

test('a page that stands still answers nobody, and takes in afterwards what came', async () => {
  // A question may be in the page before the order to stand still is.
  await until('an answer that had to wait', async () => {
    await standin.post('pages/stall', { ms: 1500 });
    const began = performance.now();
    await session.run(() => 1);
    return performance.now() - began > 1000;
  });
  await standin.post('pages/stall', { ms: 1500 });
  await ann.write('while it stood still');
  await session.heard('chat.new_message', { body: 'while it stood still' });
});

test('times can be anything: in the future, and none at all', async () => {
  const tomorrow = Math.floor(Date.now() / 1000) + 86_400;
  await ann.write('from tomorrow', { t: tomorrow });
  await ann.write('from nowhere', { t: 0 });
  assert.equal((await session.heard('chat.new_message', { body: 'from tomorrow' })).t, tomorrow);
  assert.equal((await session.heard('chat.new_message', { body: 'from nowhere' })).t, 0);
  assert.deepEqual(await bodies(), ['from nowhere', 'while it stood still', 'from tomorrow']);
});

test('an account that may make no first contacts can still answer', async () => {
  const bob = await standin.customer('Bob', '447700900124');
  await standin.post('phones/0/restrict', { restriction: 'new_chats' });
  const result = async (chat, text) => (await session.send(chat, text, { waitForAck: true })).sendMsgResult;
  const refused = await result(bob.chat, 'hello stranger');
  assert.deepEqual([refused.messageSendResult, refused.errorCode], ['ERROR_UNKNOWN', 463]);
  assert.deepEqual(await bob.inbox(), []);
  assert.equal((await result(ann.chat, 'hello again')).messageSendResult, 'OK');
  await standin.post('phones/0/restrict', { restriction: 'none' });
  assert.equal((await result(bob.chat, 'hello stranger')).messageSendResult, 'OK');
});

test('an account that is banned is told so, and goes on when it is over', async () => {
  await session.run(() => {
    window.bans = [];
    WPP.on('conn.backend_event', (name, value) => name === 'account_temporarily_banned' && bans.push(value));
  });
  await standin.post('phones/0/restrict', { restriction: 'banned' });
  await until('told', () => session.run(() => bans.length === 1 && bans[0].expire > 0));
  assert.equal(await socketState(), 'TOS_BLOCK');
  assert.equal((await session.run(() => WPP.conn.getStreamData())).mode, 'TOS_BLOCK');
  await ann.write('are you there?');
  await standin.post('phones/0/restrict', { restriction: 'none' });
  await session.heard('chat.new_message', { body: 'are you there?' });
  assert.equal(await socketState(), 'CONNECTED');
  assert.equal(await session.run(() => bans.length), 1);
});

test('a page that has half loaded lacks what a call needs, and has it at the next load', async () => {
  await standin.post('options', { hidden_modules: ['WAWebSendMsgChatAction', 'WAWebHandleChatReceipt'] });
  await session.page.reload();
  await session.main();
  const seen = await session.run(() => ({
    listed: 'WAWebSendMsgChatAction' in require('__debug').modulesMap,
    send: typeof WPP.whatsapp.functions.addAndSendMsgToChat,
    other: typeof WPP.whatsapp.functions.sendSeen,
  }));
  assert.deepEqual(seen, { listed: false, send: 'undefined', other: 'function' });
  await assert.rejects(session.send(ann.chat, 'cannot go'));
  await ann.write('still heard');
  await session.heard('chat.new_message', { body: 'still heard' });
  await standin.post('options', { hidden_modules: [] });
  await session.page.reload();
  await session.main();
  await session.send(ann.chat, 'can go');
  await ann.received('can go');
});
