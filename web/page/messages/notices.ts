// Notices of WhatsApp's own in a chat: a new member, a changed number, a missed call. The server writes the sentence; the page
// reports type and people.

import type { MsgModel } from './messages';
import { idText, person, type Person } from '../people';
import { attempt } from '../errors';

/** A notice. */
export interface Notice {
  type: unknown;
  subtype: unknown;
  by: Person | null;
  byMe: boolean;
  whom: Person[];
  text: unknown;
  /** Outcome of a call. The next fields: whether it was a video call, and the seconds of a timer. */
  outcome: unknown;
  video: boolean;
  seconds: unknown;
}

/** Maximum number of people in one notice. */
const MAX_PEOPLE = 256;

type Extra = MsgModel & { recipients?: unknown; callOutcome?: unknown; isVideoCall?: unknown; callDuration?: unknown };

/** Whether it is a notice to report. Of changes of a chat's settings only the timer is; keys and business notes are not. */
export function isNotice(msg: MsgModel): boolean {
  switch (msg.type) {
    case 'gp2':
    case 'group_notification':
    case 'call_log':
    case 'notification_template':
      return true;
    case 'protocol':
      return msg.subtype === 'ephemeral_setting';
    default:
      return false;
  }
}

/** Converts a notice. */
export function notice(msg: MsgModel): Notice {
  const extra = msg as Extra;
  const by = attempt(() => msg.author ?? (msg.id as { participant?: unknown }).participant ?? null, null);
  // After a change of number `templateParams` hold the old and the new one.
  const whom: unknown = msg.subtype === 'change_number' ? msg.templateParams : (extra.recipients ?? msg.templateParams);
  const ids = (Array.isArray(whom) ? whom : []).slice(0, MAX_PEOPLE).map(idText);
  return {
    type: msg.type,
    subtype: msg.subtype ?? null,
    by: by === null ? null : person(idText(by)),
    byMe: msg.id.fromMe === true,
    whom: ids.filter((id) => id.includes('@')).map((id) => person(id)),
    text: typeof msg.body === 'string' ? msg.body : null,
    outcome: extra.callOutcome ?? null,
    video: extra.isVideoCall === true,
    seconds: msg.ephemeralDuration ?? null,
  };
}
