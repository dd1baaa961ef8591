// wa-js: files both ways, byte for byte, and what goes wrong with them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { noise, png, sha256, wav, webp } from '../files.mjs';
import { until } from '../standin.mjs';
import { LAYOUT, Session } from '../wajs.mjs';

let session, standin, ann;

before(async () => {
  session = await Session.open();
  ({ standin } = session);
  ann = await standin.customer('Ann', '447700900123');
  await session.link();
});
after(() => session?.close());

const theirs = (stanza) => `false_${ann.chat}_${stanza}`;

/** Sends a file as a careful program does, and gives what came back and the stanza id. */
const sendFile = (bytes, mimetype, name, options = {}, chat = ann.chat) =>
  session.run(
    async (chat, base64, mimetype, name, options) => {
      const file = new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type: mimetype });
      const messageId = String(await WPP.chat.generateMessageID(chat));
      const common = { messageId, markIsRead: false, waitForAck: false };
      const result = await WPP.chat.sendFileMessage(chat, file, { ...common, ...options });
      return { ...result, messageId, stanza: messageId.split('_')[2] };
    },
    chat,
    bytes.toString('base64'),
    mimetype,
    name,
    options,
  );

/** What the customer's phone shows of a file, and the file. */
async function arrived(stanza) {
  const received = await ann.shows(stanza);
  return { ...received, file: received.attachment && (await ann.file(stanza)) };
}

/** Fetches a message's file as the library does: its hash and type, or why not. */
const download = (id) =>
  session.run(async (id) => {
    try {
      const blob = await WPP.chat.downloadMedia(id);
      const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
      return { size: blob.size, type: blob.type, sha256: btoa(String.fromCharCode(...new Uint8Array(digest))) };
    } catch (error) {
      return { code: error.code, message: error.message };
    }
  }, id);

const fields = (id) =>
  session.run(async (id) => {
    const msg = await WPP.chat.getMessageById(id);
    const { type, body, caption, mimetype, size, filehash, filename, duration, width, height, isGif, isViewOnce } = msg;
    const known = { type, body, caption, mimetype, size, filehash, filename, duration, width, height, isGif, isViewOnce };
    const isCaptionByUser = msg.isCaptionByUser;
    return { ...known, isCaptionByUser, waveform: msg.waveform && [...msg.waveform], stage: msg.mediaData?.mediaStage };
  }, id);

test('a picture goes out with its caption, its size and the id that was chosen, and is told sent and delivered', async () => {
  const bytes = png(64, 48);
  const sent = await sendFile(bytes, 'image/png', 'cake.png', { type: 'image', caption: 'the cake' });
  assert.equal(sent.id, sent.messageId);
  const shown = await arrived(sent.stanza);
  assert.deepEqual([shown.kind, shown.text, shown.attachment.kind, shown.attachment.mimetype], ['image', 'the cake', 'image', 'image/png']);
  assert.deepEqual([shown.attachment.width, shown.attachment.height, shown.attachment.caption], [64, 48, 'the cake']);
  assert.equal(sha256(shown.file), sha256(bytes));
  assert.equal(shown.details.filehash, sha256(bytes));
  await ann.read();
  await until('three acks', async () => (await session.acks(sent.messageId)).length === 3);
  const own = await session.heard('chat.new_message', { stanza: sent.stanza });
  assert.deepEqual([own.type, own.fromMe, own.caption], ['image', true, 'the cake']);
});

test('a file without a caption says nothing to the customer, whatever the library puts in its place', async () => {
  const bytes = png(8, 8);
  const sent = await sendFile(bytes, 'image/png', 'plain.png', { type: 'image' });
  const shown = await arrived(sent.stanza);
  assert.deepEqual([shown.text, shown.attachment.caption, shown.attachment.filename], ['', null, null]);
  assert.deepEqual([(await fields(sent.id)).isCaptionByUser], [false]);
});

test('each kind goes out as what it is, byte for byte', async () => {
  const sound = wav(2);
  const cases = [
    ['document', noise(70_000), 'application/pdf', 'price list.pdf', { type: 'document', caption: 'prices' }, { filename: 'price list.pdf', caption: 'prices' }],
    ['document', png(4, 4), 'image/png', 'as a file.png', { type: 'document' }, { filename: 'as a file.png', caption: null, mimetype: 'image/png' }],
    ['audio', sound, 'audio/wav', 'tone.wav', { type: 'audio' }, { seconds: 2 }],
    ['voice', sound, 'audio/ogg; codecs=opus', 'note.ogg', { type: 'audio', isPtt: true, waveform: true }, { seconds: 2 }],
    ['video', noise(5000, 2), 'video/mp4', 'clip.mp4', { type: 'video', caption: 'look' }, { caption: 'look' }],
    ['gif', noise(6000, 3), 'video/mp4', 'loop.mp4', { type: 'video', isGif: true }, {}],
    ['sticker', webp(), 'image/webp', 'smile.webp', { type: 'sticker' }, { width: 1, height: 1 }],
  ];
  for (const [kind, bytes, mimetype, name, options, expected] of cases) {
    const sent = await sendFile(bytes, mimetype, name, options);
    const { attachment, file } = await arrived(sent.stanza);
    assert.equal(attachment.kind, kind, name);
    assert.equal(attachment.mimetype, expected.mimetype ?? mimetype);
    assert.equal(sha256(file), sha256(bytes), `${name} arrives as it was`);
    for (const [field, value] of Object.entries(expected)) assert.equal(attachment[field], value, `${name}: ${field}`);
    if (kind === 'voice') {
      assert.equal(attachment.waveform.length, 64);
      assert.ok(attachment.waveform[60] > attachment.waveform[3], 'the second half is louder');
      assert.ok(Math.max(...attachment.waveform) <= 100);
    }
  }
});

test('a film that the browser can play goes out with its size and a picture of it', async () => {
  const base64 = await session.run(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 32 });
    const context = canvas.getContext('2d');
    const painting = setInterval(() => {
      context.fillStyle = `hsl(${Math.random() * 360} 90% 50%)`;
      context.fillRect(0, 0, 64, 32);
    }, 20);
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm' });
    const film = new Promise((resolve) => (recorder.ondataavailable = ({ data }) => data.size && resolve(data)));
    recorder.start();
    setTimeout(() => recorder.stop(), 400);
    const bytes = new Uint8Array(await (await film).arrayBuffer());
    clearInterval(painting);
    return btoa(String.fromCharCode(...bytes));
  });
  const bytes = Buffer.from(base64, 'base64');
  const sent = await sendFile(bytes, 'video/webm', 'film.webm', { type: 'video' });
  const { attachment, details, file } = await arrived(sent.stanza);
  assert.deepEqual([attachment.kind, attachment.width, attachment.height], ['video', 64, 32]);
  assert.match(details.body, /^\/9j\//);
  assert.equal(sha256(file), sha256(bytes));
});

test('what a customer sends comes with what a program needs, and is fetched byte for byte', async () => {
  const cases = [
    ['image', 'image/jpeg', noise(30_000, 4), { caption: 'my cake', width: 640, height: 480 }],
    ['video', 'video/mp4', noise(50_000, 5), { caption: 'watch', seconds: 12, width: 320, height: 240 }],
    ['gif', 'video/mp4', noise(20_000, 6), { width: 100, height: 100 }],
    ['audio', 'audio/mpeg', noise(10_000, 7), { seconds: 61 }],
    ['voice', 'audio/ogg; codecs=opus', noise(9_000, 8), { seconds: 3 }],
    ['document', 'application/pdf', noise(40_000, 9), { filename: 'order.pdf' }],
    ['sticker', 'image/webp', webp(), { width: 512, height: 512 }],
  ];
  const types = { voice: 'ptt', gif: 'video' };
  for (const [kind, mimetype, bytes, more] of cases) {
    const id = await ann.attach(kind, mimetype, bytes, more);
    const heard = await session.heard('chat.new_message', { stanza: id });
    assert.equal(heard.type, types[kind] ?? kind);
    const shown = await fields(theirs(id));
    assert.deepEqual([shown.mimetype, shown.size, shown.filehash], [mimetype, bytes.length, sha256(bytes)]);
    assert.deepEqual([shown.duration, shown.width, shown.height], [more.seconds, more.width, more.height]);
    assert.equal(shown.caption, more.caption ?? more.filename, 'a document without a caption has its name there');
    assert.equal(Boolean(shown.isGif), kind === 'gif');
    assert.deepEqual(await download(theirs(id)), { size: bytes.length, type: mimetype, sha256: sha256(bytes) });
    assert.equal((await fields(theirs(id))).stage, 'RESOLVED');
  }
});

test('a voice note comes with its waveform, and a thumbnail is not a text', async () => {
  const waveform = Array.from({ length: 64 }, (_, at) => at);
  const base64 = noise(500, 10).toString('base64');
  const id = await ann.send({ attachment: { kind: 'voice', mimetype: 'audio/ogg; codecs=opus', base64, seconds: 5, waveform } });
  await session.heard('chat.new_message', { stanza: id });
  assert.deepEqual((await fields(theirs(id))).waveform, waveform);
  const picture = await ann.attach('image', 'image/jpeg', noise(100, 11));
  await session.heard('chat.new_message', { stanza: picture });
  assert.match((await fields(theirs(picture))).body, /^\/9j\//);
});

test('a file is there after a reload, and is fetched anew', async () => {
  const bytes = noise(12_345, 12);
  const id = await ann.attach('document', 'text/plain', bytes, { filename: 'notes.txt' });
  await session.heard('chat.new_message', { stanza: id });
  const sent = await sendFile(bytes, 'text/plain', 'back.txt', { type: 'document' });
  await ann.shows(sent.stanza);
  await session.page.reload();
  await session.main();
  assert.equal((await fields(theirs(id))).stage, 'INIT');
  assert.equal((await download(theirs(id))).sha256, sha256(bytes));
  assert.equal((await download(sent.id)).sha256, sha256(bytes));
  assert.equal((await fields(sent.id)).filename, 'back.txt');
});

test('a file that has expired is not found, and when the phone uploads it again it is', async () => {
  // Each another file: what the page has under a hash it does not fetch again.
  const files = [noise(4_000, 131), noise(4_000, 132), noise(4_000, 133)];
  const send = async (bytes) => {
    const id = await ann.attach('image', 'image/jpeg', bytes);
    await session.heard('chat.new_message', { stanza: id });
    return id;
  };
  const gone = await send(files[0]);
  await standin.expire(gone);
  assert.equal((await download(theirs(gone))).code, 'media_not_found');
  await until('given up', async () => (await fields(theirs(gone))).stage === 'ERROR_MISSING');
  await standin.restore(gone);
  assert.equal((await download(theirs(gone))).sha256, sha256(files[0]));
  const asked = await send(files[1]);
  await standin.expire(asked, { until_asked: true });
  assert.equal((await download(theirs(asked))).code, 'media_not_found');
  await until('uploaded again', async () => (await fields(theirs(asked))).stage === 'INIT');
  assert.equal((await download(theirs(asked))).sha256, sha256(files[1]));
  await standin.post('phones/0/online', { online: false });
  const waits = await send(files[2]);
  await standin.expire(waits, { until_asked: true });
  assert.equal((await download(theirs(waits))).code, 'media_not_found');
  assert.equal((await fields(theirs(waits))).stage, 'REUPLOADING');
  await standin.post('phones/0/online', { online: true });
  assert.equal((await download(theirs(waits))).code, 'media_not_found');
  await until('uploaded again', async () => (await fields(theirs(waits))).stage === 'INIT');
});

test('what a faulty sender uploaded is handed out as it is, and what was altered on its way is refused', async () => {
  const bytes = noise(1_000, 14);
  const broken = async (how) => {
    const id = await ann.attach('document', 'application/zip', bytes, { filename: `${how}.zip` });
    await standin.corrupt(id, how);
    await session.heard('chat.new_message', { stanza: id });
    return { ...(await download(theirs(id))), told: (await fields(theirs(id))).filehash };
  };
  const wrong = await broken('wrong_hash');
  assert.equal(wrong.size, bytes.length);
  assert.notEqual(wrong.sha256, wrong.told);
  assert.equal((await broken('truncated')).size, 500);
  assert.equal((await broken('empty')).size, 0);
  assert.equal((await broken('damaged')).code, 'media_not_found');
});

test('without a network a file waits, and a fetch says that it failed', async () => {
  const bytes = noise(2_000, 15);
  const id = await ann.attach('document', 'text/plain', bytes, { filename: 'a.txt' });
  await session.heard('chat.new_message', { stanza: id });
  await standin.faults({ network: 'down' });
  assert.match((await download(theirs(id))).message, /503|fetch/);
  const sent = await sendFile(bytes, 'text/plain', 'later.txt', { type: 'document' });
  assert.equal(sent.ack, 0);
  await standin.faults({ network: 'up' });
  assert.equal(sha256((await arrived(sent.stanza)).file), sha256(bytes));
  await until('sent', async () => (await session.acks(sent.messageId)).includes(2));
  assert.equal((await download(theirs(id))).sha256, sha256(bytes));
});

test('a voice note that is played is told so', async () => {
  const sent = await sendFile(wav(1), 'audio/ogg; codecs=opus', 'note.ogg', { type: 'audio', isPtt: true });
  await ann.shows(sent.stanza);
  await ann.listen(sent.stanza);
  await until('four acks', async () => (await session.acks(sent.messageId)).length === 4);
  assert.deepEqual(await session.acks(sent.messageId), [1, 2, 3, 4]);
});

test('files go both ways in a chat by LID and in a group', async () => {
  const lea = await standin.customer('Lea', '447700900200', { address: 'lid', lid: '11112222' });
  const group = await standin.group('Orders', [ann, lea]);
  await session.heard('chat.new_chat', {});
  const bytes = noise(700, 21);
  const from = await lea.attach('image', 'image/jpeg', bytes, { caption: 'mine' });
  await session.heard('chat.new_message', { stanza: from });
  assert.equal((await download(`false_${lea.chat}_${from}`)).sha256, sha256(bytes));
  for (const chat of [lea.chat, group.chat]) {
    const sent = await sendFile(bytes, 'text/plain', 'list.txt', { type: 'document', caption: chat }, chat);
    const inbox = () => (chat === lea.chat ? lea.inbox() : group.inbox(lea));
    const received = await until('it arrives', async () => (await inbox()).find((message) => message.stanza_id === sent.stanza));
    assert.deepEqual([received.kind, received.text, received.details.filehash], ['document', chat, sha256(bytes)]);
    assert.equal(received.attachment.size, bytes.length);
    assert.equal((await fields(sent.id)).filename, 'list.txt');
  }
});

test('what is on its way when the page is loaded anew was not sent, and its id is free', async () => {
  const bytes = noise(900, 22);
  await standin.faults({ media_delay_ms: 60_000 });
  const sent = await sendFile(bytes, 'text/plain', 'lost.txt', { type: 'document' });
  assert.equal((await fields(sent.id)).type, 'document');
  await session.page.reload();
  await session.main();
  await standin.faults({ media_delay_ms: 0 });
  const code = await session.run((id) => WPP.chat.getMessageById(id).then(() => 'found', (error) => error.code), sent.messageId);
  assert.equal(code, 'msg_not_found');
  const again = await sendFile(bytes, 'text/plain', 'lost.txt', { type: 'document', messageId: sent.messageId });
  assert.equal(again.id, sent.messageId);
  const { stanza_id: stanza } = await until('it arrives', async () => (await ann.inbox()).find((m) => m.stanza_id === sent.stanza));
  assert.equal(sha256(await ann.file(stanza)), sha256(bytes));
});

test('a view-once picture says so, both ways', async () => {
  const sent = await sendFile(png(4, 4), 'image/png', 'once.png', { type: 'image', isViewOnce: true });
  assert.equal((await arrived(sent.stanza)).attachment.view_once, true);
  const id = await ann.attach('image', 'image/jpeg', noise(100, 16), { view_once: true });
  await session.heard('chat.new_message', { stanza: id });
  assert.equal((await fields(theirs(id))).isViewOnce, true);
});

test('replies to and with files carry what they quote, and a caption can be edited', async () => {
  const id = await ann.attach('image', 'image/jpeg', noise(100, 17), { caption: 'this one?' });
  await session.heard('chat.new_message', { stanza: id });
  const sent = await sendFile(png(4, 4), 'image/png', 'that.png', { type: 'image', caption: 'that one', quotedMsg: theirs(id) });
  assert.deepEqual((await arrived(sent.stanza)).quote, { id, from_me: false, text: 'this one?' });
  await until('sent', async () => (await session.acks(sent.messageId)).includes(2));
  await session.run((id) => WPP.chat.editMessage(id, 'no, this one').then(() => true), sent.id);
  await until('edited', async () => (await ann.shows(sent.stanza)).text === 'no, this one');
  assert.equal((await fields(sent.id)).caption, 'no, this one');
  await ann.edit(id, 'this one, please');
  await session.heard('chat.msg_edited', { id: theirs(id) });
  assert.equal((await fields(theirs(id))).caption, 'this one, please');
});

test('a file that was deleted is gone', async () => {
  const id = await ann.attach('document', 'text/plain', noise(100, 18), { filename: 'secret.txt' });
  await session.heard('chat.new_message', { stanza: id });
  await ann.remove(id);
  await session.heard('chat.msg_revoke', { refId: theirs(id) });
  await until('revoked', async () => (await fields(theirs(id))).type === 'revoked');
  assert.equal((await fields(theirs(id))).filename, undefined);
  assert.equal((await download(theirs(id))).code, 'message_not_contains_media');
});

test('what the phone sends shows here, and an empty or too large file is refused before it is sent', async () => {
  const bytes = noise(3_000, 19);
  const attachment = { kind: 'document', mimetype: 'text/plain', base64: bytes.toString('base64'), filename: 'own.txt' };
  const { id } = await standin.post('phones/0/send', { customer: ann.id, attachment });
  const own = await session.heard('chat.new_message', { stanza: id });
  assert.deepEqual([own.type, own.fromMe], ['document', true]);
  assert.equal((await download(`true_${ann.chat}_${id}`)).sha256, sha256(bytes));
  assert.equal(sha256((await arrived(id)).file), sha256(bytes));
  const failed = (error) => error.message;
  assert.match(await sendFile(Buffer.alloc(0), 'text/plain', 'none.txt', { type: 'document' }).catch(failed), /empty/);
  const limit = await session.run(() => WPP.whatsapp.MediaGatingUtils.getUploadLimit('image'));
  assert.equal(limit, 16 * 1024 * 1024);
  const large = await session.run(async (chat) => {
    const file = new File([new Uint8Array(17 * 1024 * 1024)], 'large.png', { type: 'image/png' });
    return WPP.chat.sendFileMessage(chat, file, { type: 'image' }).catch((error) => error.code);
  }, ann.chat);
  assert.equal(large, 'file_too_large');
});

const once = LAYOUT === 'old' ? false : 'the layout of keys makes no difference to a large file';

test('a hundred megabytes go both ways', { skip: once }, async () => {
  const MB = 1024 * 1024;
  const bytes = Buffer.concat(Array.from({ length: 100 }, (_, at) => Buffer.alloc(MB, at)));
  const id = await ann.attach('document', 'application/octet-stream', bytes, { filename: 'big.bin' });
  await session.heard('chat.new_message', { stanza: id });
  assert.deepEqual(await download(theirs(id)), { size: bytes.length, type: 'application/octet-stream', sha256: sha256(bytes) });
  const stanza = await session.run(async (chat) => {
    const parts = Array.from({ length: 100 }, (_, at) => new Uint8Array(1024 * 1024).fill(at));
    const messageId = String(await WPP.chat.generateMessageID(chat));
    await WPP.chat.sendFileMessage(chat, new File(parts, 'big.bin', { type: 'application/octet-stream' }), { type: 'document', messageId });
    return messageId.split('_')[2];
  }, ann.chat);
  assert.equal(sha256((await arrived(stanza)).file), sha256(bytes));
});

test('the page complains of nothing that was used here', () => {
  const expected = /was not found|func is not a function|response code: 503|status of (404|503|400)|the file is empty/;
  assert.deepEqual(session.page.faults.filter((fault) => !expected.test(fault)), []);
});
