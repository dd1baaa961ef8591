import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isConversation, type MsgModel, toMessage } from './messages';

const ME = '447700900000@c.us';
const MY_LID = '900@lid';

function msg(fields: object, chat = '447700900123@c.us', fromMe = false): MsgModel {
  return { id: { id: 'A', fromMe, remote: chat, participant: undefined }, t: 1, ack: 1, ...fields } as unknown as MsgModel;
}

beforeEach(() => {
  vi.stubGlobal('WPP', {
    conn: { getMyUserId: () => ME, getMyUserWid: () => ME, getMyUserLid: () => MY_LID },
    chat: { get: () => undefined },
    util: { createWid: () => undefined },
    whatsapp: { ContactStore: { get: () => undefined } },
  });
});
afterEach(() => vi.unstubAllGlobals());

describe('chats', () => {
  it('are people and groups', () => {
    for (const chat of ['447700900123@c.us', '9001@lid', '1-2@g.us', '120363041234567890@g.us']) {
      expect(isConversation(chat), chat).toBe(true);
    }
  });

  it('of no person are left out', () => {
    for (const chat of [
      '0@c.us',
      'status@broadcast',
      '1@newsletter',
      '867051314767696@bot',
      '1@call',
      '9001@hosted',
      '9001@hosted.lid',
      '1@msgr',
      'x',
      '',
    ]) {
      expect(isConversation(chat), chat).toBe(false);
      expect(toMessage(msg({ type: 'chat', body: 'x' }, chat)), chat).toBeNull();
    }
  });

  it('with oneself are left out under number and LID', () => {
    for (const chat of [ME, MY_LID]) {
      expect(isConversation(chat), chat).toBe(false);
      expect(toMessage(msg({ type: 'chat', body: 'pin 1234' }, chat, true)), chat).toBeNull();
    }
  });
});

describe('types', () => {
  it('that are no messages are left out', () => {
    for (const type of ['album', 'pin_message', 'pinned_message', 'keep_in_chat', 'event_response', 'reaction', 'protocol']) {
      expect(toMessage(msg({ type })), type).toBeNull();
    }
  });

  it('that are messages are reported', () => {
    for (const type of ['chat', 'image', 'order', 'event_creation', 'poll_result_snapshot', 'something_new']) {
      expect(toMessage(msg({ type }))?.kind, type).toBe(type);
    }
  });
});

describe('ciphertext', () => {
  const now = () => Math.floor(Date.now() / 1000);

  it('is left out at first', () => {
    expect(toMessage(msg({ type: 'ciphertext', t: now() }))).toBeNull();
  });

  it('is reported when it stays undecrypted', () => {
    expect(toMessage(msg({ type: 'ciphertext', t: now() - 60 }))).toMatchObject({ kind: 'ciphertext', viewOnce: false });
    expect(toMessage(msg({ type: 'ciphertext', t: now() }), true)).toMatchObject({ kind: 'ciphertext' });
  });

  it('of a view-once message is reported at once', () => {
    const once = msg({ type: 'ciphertext', subtype: 'view_once_unavailable_fanout', t: now() });
    expect(toMessage(once)).toMatchObject({ kind: 'ciphertext', viewOnce: true });
  });
});

describe('second upload', () => {
  const child = (fields: object) =>
    msg({ type: 'image', mimetype: 'image/jpeg', filehash: 'aGQ=', size: 9, parentMsgKey: { id: 'SD' }, ...fields });

  it('is the medium of the first one', () => {
    for (const associationType of ['HD_IMAGE_DUAL_UPLOAD', 10]) {
      const told = toMessage(child({ associationType }));
      expect(told).toMatchObject({ id: 'SD', reactions: null, media: { hash: 'aGQ=', source: 'A', better: true } });
    }
    const byText = child({ associationType: 'HD_VIDEO_DUAL_UPLOAD', parentMsgKey: 'false_447700900123@c.us_SD' });
    expect(toMessage(byText)).toMatchObject({ id: 'SD', media: { source: 'A', better: true } });
  });

  it('in another encoding alone is not better', () => {
    const told = toMessage(child({ associationType: 'HEVC_VIDEO_DUAL_UPLOAD', type: 'video' }));
    expect(told).toMatchObject({ id: 'SD', media: { source: 'A', better: false } });
  });

  it('without a file is left out', () => {
    expect(toMessage(child({ associationType: 'HD_IMAGE_DUAL_UPLOAD', type: 'revoked' }))).toBeNull();
  });

  it('is none in an album, a poll or without a parent', () => {
    for (const fields of [
      { associationType: 'MEDIA_ALBUM' },
      { associationType: 'MEDIA_POLL' },
      { associationType: 1 },
      { associationType: 'HD_IMAGE_DUAL_UPLOAD', parentMsgKey: null },
      {},
    ]) {
      expect(toMessage(child(fields)), JSON.stringify(fields)).toMatchObject({ id: 'A', media: { source: null, better: false } });
    }
  });
});

describe('preview', () => {
  const body = '/9j/' + 'A'.repeat(100);

  it('is the thumbnail of a video', () => {
    for (const type of ['video', 'ptv']) {
      expect(toMessage(msg({ type, body, mimetype: 'video/mp4' })), type).toMatchObject({ media: { preview: body } });
    }
  });

  it('is no text, nothing large and of no other type', () => {
    for (const fields of [
      { type: 'video', body: 'look' },
      { type: 'video', body: body + 'A'.repeat(70_000) },
      { type: 'image', body },
    ]) {
      expect(toMessage(msg(fields)), fields.type).toMatchObject({ media: { preview: null } });
    }
  });
});

it('group message of a bot has its author', () => {
  const said = msg({ type: 'chat', body: 'Here is a list', author: '867051314767696@bot' }, '1-2@g.us');
  expect(toMessage(said)).toMatchObject({ sender: '867051314767696@bot', body: 'Here is a list' });
});
