import { describe, expect, it } from 'vitest';
import { chosen, detailsOf } from './details';
import type { MsgModel } from './messages';

function msg(fields: object): MsgModel {
  return { id: { id: 'A', fromMe: false }, ...fields } as unknown as MsgModel;
}

function wid(id: string): object {
  return { toString: () => id };
}

describe('details', () => {
  it('keep all plain fields of an unknown type', () => {
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
      text: 'x'.repeat(5000),
      nested: { deeper: { deepest: { gone: 1 } }, list: [1, 'two', null, null] },
    });
  });

  it('keep what comes after many other fields', () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, number) => [`a${number}`, number]));
    const { raw } = detailsOf(msg({ type: 'order', attributes: { ...many, orderTitle: 'Cakes' } }));
    expect(raw).toMatchObject({ a59: 59, orderTitle: 'Cakes' });
  });

  it('leave the largest fields out first, and name them', () => {
    const { raw } = detailsOf(
      msg({ type: 'order', attributes: { image: 'x'.repeat(100_000), notes: 'y'.repeat(50_000), orderTitle: 'Cakes' } }),
    );
    expect(raw).toEqual({ notes: 'y'.repeat(50_000), orderTitle: 'Cakes', left_out: ['image'] });
  });

  it('show the rows of a list and the buttons of a collection', () => {
    const list = { title: 'Menu', sections: [{ rows: [{ title: 'Soup', rowId: '1' }] }] };
    class Model {
      attributes = { displayText: 'Yes' };
    }
    const buttons = { getModelsArray: () => [new Model()] };
    expect(detailsOf(msg({ type: 'list', attributes: { list, buttons } })).raw).toEqual({
      list,
      buttons: [{ displayText: 'Yes' }],
    });
  });

  it('name the advertisement that a text came by', () => {
    const ctwaContext = { title: 'Blue lamp', sourceUrl: 'https://e.org/ad', sourceId: '42', thumbnail: 'x' };
    expect(detailsOf(msg({ type: 'chat', ctwaContext })).ad).toEqual({
      title: 'Blue lamp',
      url: 'https://e.org/ad',
      sourceId: '42',
    });
    expect(detailsOf(msg({ type: 'chat' })).ad).toBeNull();
  });

  it('say of a reply that it answers a status', () => {
    const reply = { type: 'chat', quotedStanzaID: 'Q', quotedMsg: { type: 'chat', body: 'we are open' } };
    const status = msg({ ...reply, quotedRemoteJid: wid('status@broadcast') });
    expect(detailsOf(status).quote).toMatchObject({ text: 'we are open', isStatus: true });
    const elsewhere = msg({ ...reply, quotedRemoteJid: wid('447700900123@c.us') });
    expect(detailsOf(elsewhere).quote).toMatchObject({ isStatus: false });
    expect(detailsOf(msg(reply)).quote).toMatchObject({ isStatus: false });
    expect(detailsOf(msg({ type: 'chat' })).quote).toBeNull();
  });

  it('name what a reply answers, and never by a thumbnail', () => {
    for (const [quotedMsg, text] of [
      [{ type: 'product', title: 'Cake', body: '/9j/4AAQ' }, 'Cake'],
      [{ type: 'order', orderTitle: 'Cakes', body: '/9j/4AAQ' }, 'Cakes'],
      [{ type: 'poll_creation', pollName: 'When?' }, 'When?'],
      [{ type: 'image', caption: 'the blue one', filename: 'a.jpg', body: '/9j/4AAQ' }, 'the blue one'],
      [{ type: 'document', filename: 'list.pdf' }, 'list.pdf'],
      [{ type: 'image', body: '/9j/4AAQ' }, null],
    ] as const) {
      const { quote } = detailsOf(msg({ type: 'chat', quotedStanzaID: 'Q', quotedMsg }));
      expect(quote, quotedMsg.type).toMatchObject({ text, kind: quotedMsg.type });
    }
  });

  it('say whether people keep a message', () => {
    for (const [kicState, kept] of [[1, true], [2, false], [0, false], [undefined, false], ['KEPT', true], ['UNKEPT', false]]) {
      expect(detailsOf(msg({ type: 'chat', kicState })).kept, String(kicState)).toBe(kept);
    }
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
