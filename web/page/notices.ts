// What WhatsApp itself says in a chat: who joined a group, that a number has changed, a call that nobody took. The server
// words it; here is who, whom and what.

import type { MsgModel } from './messages';
import { idText, person, type Person } from './people';
import { attempt } from './trouble';

export interface Notice {
  type: unknown;
  subtype: unknown;
  by: Person | null;
  byMe: boolean;
  whom: Person[];
  text: unknown;
  /** A call's outcome, whether it was with a picture, a timer's seconds. */
  outcome: unknown;
  video: boolean;
  seconds: unknown;
}

/** Most people that one notice names. */
const MAX_PEOPLE = 256;

type Extra = MsgModel & { recipients?: unknown; callOutcome?: unknown; isVideoCall?: unknown; callDuration?: unknown };

/** Of the notices about a chat's settings only the timer is told; what is about keys and businesses is no news. */
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

export function notice(msg: MsgModel): Notice {
  const extra = msg as Extra;
  const by = attempt(() => msg.author ?? (msg.id as { participant?: unknown }).participant ?? null, null);
  // A new number: `templateParams` name the old and the new one.
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
