// wa-js: a history of many chats, given at login in parts.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kill } from '../browser.mjs';
import { until } from '../standin.mjs';
import { Session } from '../wajs.mjs';

let session, standin;
const CHATS = Number(process.env.HISTORY_CHATS ?? 60);
const EACH = Number(process.env.HISTORY_EACH ?? 50);
const DAY_S = 86_400;

beforeEach(async () => {
  session = await Session.open();
  ({ standin } = session);
  await standin.post('history', { chats: CHATS, messages_each: EACH, oldest_s: 90 * DAY_S });
});
afterEach(() => session.close());

const progress = () => session.run(() => WPP.conn.getHistorySyncProgress().progress);
const whole = () => until('the whole history', async () => (await progress()) === 100, 120_000);
/** How many parts of the history the page has not taken. */
const left = async () => (await standin.state()).waiting[0].history;
/** How many messages each chat has. */
const depths = () =>
  session.run(async () => {
    const chats = await WPP.chat.list({ ignoreGroupMetadata: true });
    const counts = await Promise.all(chats.map((chat) => WPP.chat.getMessages(chat.id, { count: -1 }).then((all) => all.length)));
    return Object.entries(Object.groupBy(counts, (count) => count)).map(([count, { length }]) => [Number(count), length]);
  });
const expected = (chat, from = 0) => Array.from({ length: EACH - from }, (_, n) => `Message ${n + from} of chat ${chat}`);
const bodies = (chat) =>
  session.run((chat) => WPP.chat.getMessages(chat, { count: -1 }).then((all) => all.map((msg) => msg.body)), chat);

test('the end of each chat is there when the page is up, and what is older follows, in its place', async () => {
  await standin.post('options', { history_first: 5 });
  const began = performance.now();
  await session.link();
  const up = performance.now() - began;
  await whole();
  const all = performance.now() - began;
  const { usedSize } = await (await session.page.createCDPSession()).send('Runtime.getHeapUsage');
  console.log(`${CHATS} chats of ${EACH}: up after ${Math.round(up)} ms, whole after ${Math.round(all)} ms, heap ${Math.round(usedSize / 1e6)} MB`);
  assert.deepEqual(await depths(), [[EACH, CHATS]]);
  assert.deepEqual(await bodies('447900000007@c.us'), expected(7));
  assert.deepEqual(await session.all('chat.new_message'), [], 'nothing of it is new');
  const older = await session.run(
    (chat) => WPP.chat.getMessages(chat, { count: 3 }).then(([first]) => WPP.chat.getMessages(chat, { count: 2, id: String(first.id) })).then((all) => all.map((msg) => msg.body)),
    '447900000007@c.us',
  );
  assert.deepEqual(older, expected(7).slice(-5, -3));
  const unread = await session.run(() => WPP.chat.list({ onlyWithUnreadMessage: true, ignoreGroupMetadata: true }).then((all) => all.length));
  assert.equal(unread, 0);
});

test('what is new does not wait for what is old, and a killed browser goes on where it was', async () => {
  await standin.post('options', { history_first: 1 });
  // What is older is on its way for as long as the browser lives: a page that has all of it is told of no progress.
  await standin.faults({ history_delay_ms: 600_000 });
  await session.link();
  await standin.post('customers/3/write', { text: 'me first' });
  await session.heard('chat.new_message', { body: 'me first' });
  assert.ok((await left()) > 0);
  await kill(session.browser);
  await standin.faults({ history_delay_ms: 0 });
  await session.start();
  await session.main();
  await whole();
  await until('nothing left', async () => (await left()) === 0);
  assert.deepEqual(await bodies('447900000003@c.us'), [...expected(3), 'me first']);
  const unread = await session.run(() => WPP.chat.get('447900000003@c.us').unreadCount);
  assert.equal(unread, 1);
  assert.deepEqual(await depths().then((all) => all.toSorted()), [[EACH, CHATS - 1], [EACH + 1, 1]].toSorted());
});
