import { describe, expect, it, vi } from 'vitest';
import { MAX_FOLLOWED, Typing } from './typing';

const CHAT = '447700900001@c.us';

describe('typing', () => {
  it('tells newest state once, and no state of silent people', () => {
    const ring = vi.fn();
    const typing = new Typing(ring);
    typing.hear(CHAT, 'available');
    typing.hear(CHAT, 'unavailable');
    expect(typing.take()).toEqual([]);
    expect(ring).not.toHaveBeenCalled();
    typing.hear(CHAT, 'typing');
    typing.hear(CHAT, 'available');
    typing.hear(CHAT, 'recording_audio');
    expect(typing.take()).toEqual([{ chat: CHAT, on: true }]);
    expect(typing.take()).toEqual([]);
    typing.hear(CHAT, 'available');
    expect(typing.take()).toEqual([{ chat: CHAT, on: false }]);
    expect(ring).toHaveBeenCalledTimes(4);
  });

  it('follows direct chats once, and a bounded number', () => {
    const asked = vi.fn((_chat: string) => Promise.resolve([]));
    vi.stubGlobal('WPP', { contact: { subscribePresence: asked } });
    const typing = new Typing(() => {});
    typing.follow(CHAT);
    typing.follow(CHAT);
    typing.follow('1@g.us');
    expect(asked.mock.calls).toEqual([[CHAT]]);
    for (let n = 0; n < MAX_FOLLOWED; n++) {
      typing.follow(`${n}@lid`);
    }
    typing.follow(CHAT);
    expect(asked).toHaveBeenCalledTimes(MAX_FOLLOWED + 2);
    typing.refollow();
    expect(asked).toHaveBeenCalledTimes(2 * MAX_FOLLOWED + 2);
    vi.unstubAllGlobals();
  });
});
