import { expect, it } from 'vitest';
import type { MsgModel } from './messages';
import { DECRYPT_TIMEOUT, Undecrypted } from './undecrypted';

const message = (id: string, type: string) => ({ id, type }) as unknown as MsgModel;

it('undecrypted message is due once, after its time', () => {
  const undecrypted = new Undecrypted();
  const late = message('late', 'ciphertext');
  undecrypted.note(late, 0);
  undecrypted.note(message('text', 'chat'), 0);
  expect(undecrypted.overdue(DECRYPT_TIMEOUT - 1)).toEqual([]);
  expect(undecrypted.overdue(DECRYPT_TIMEOUT)).toEqual([late]);
  undecrypted.note(late, DECRYPT_TIMEOUT);
  expect(undecrypted.overdue(3 * DECRYPT_TIMEOUT)).toEqual([]);
});

it('message that is decrypted in time is never due', () => {
  const undecrypted = new Undecrypted();
  const soon = message('soon', 'ciphertext');
  undecrypted.note(soon, 0);
  (soon as { type: string }).type = 'chat';
  expect(undecrypted.overdue(2 * DECRYPT_TIMEOUT)).toEqual([]);
});
