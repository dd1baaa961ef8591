import { describe, expect, it } from 'vitest';
import { chosen, detailsOf } from './details';
import type { MsgModel } from './messages';

function msg(fields: object): MsgModel {
  return { id: { id: 'A', fromMe: false }, ...fields } as unknown as MsgModel;
}

describe('details', () => {
  it('keep plain bounded fields of an unknown type', () => {
    const { raw } = detailsOf(
      msg({
        type: 'hologram',
        attributes: {
          depth: 3,
          mediaKey: 'secret',
          directPath: '/v/secret',
          jpegThumbnail: 'secret',
          bytes: new Uint8Array(4),
          text: 'x'.repeat(5000),
          nested: { deeper: { deepest: { gone: 1 } }, list: [1, 'two', null, undefined] },
          nothing: undefined,
        },
      }),
    );
    expect(raw).toEqual({
      depth: 3,
      text: 'x'.repeat(500),
      nested: { deeper: {}, list: [1, 'two', null, null] },
    });
  });

  it('have no raw fields for a known type', () => {
    expect(detailsOf(msg({ type: 'chat', attributes: { a: 1 } })).raw).toBeNull();
    expect(detailsOf(msg({ type: 'gp2', subtype: 'add', attributes: { a: 1 } })).raw).toBeNull();
  });

  it('name chosen options given as options or places', () => {
    const poll = msg({ type: 'poll_creation', pollOptions: [{ name: 'nine' }, { name: 'ten' }] });
    const holes: unknown[] = [];
    holes[1] = { name: 'ten', localId: 1 };
    expect(chosen(holes, poll)).toEqual(['ten']);
    expect(chosen([0, 1], poll)).toEqual(['nine', 'ten']);
    expect(chosen([], poll)).toEqual([]);
    expect(chosen(null, null)).toEqual([]);
  });
});
