// Listeners of the library's events, which go into the queue. Gaps are detected too: a message that the page shows and no
// listener reported is counted, and a resync then finds it.

import { keeping, listen } from './messages/changes';
import type { Groups } from './groups';
import { idText } from './people';
import { isConversation, keyText, type MsgModel, toEvent } from './messages/messages';
import { Undecrypted } from './messages/undecrypted';
import { reportedId, reportedIdOf } from './messages/pairs';
import type { Queue } from './queue';
import { isSynced } from './session/status';
import type { Typing } from './typing';
import { attempt } from './errors';

/** Maximum number of remembered ids of reported messages. */
const MAX_REPORTED = 2000;
/** Maximum time between a message appearing in the page and its report, in milliseconds. */
const REPORT_TIMEOUT = 3000;
/** Number of the newest chats that are checked. */
const CHECKED_CHATS = 10;
/** Number of the newest chats whose typing is asked for when the page is loaded. */
const FOLLOWED_CHATS = 100;

/** Compares the messages that the page shows with those that the listeners reported. */
export class GapDetector {
  /** Number of messages that the page showed and no listener reported. */
  missed = 0;
  private readonly reported = new Set<string>();
  private readonly suspects = new Map<string, number>();

  /** Notes that a message was reported. */
  report(id: string): void {
    this.reported.add(id);
    this.suspects.delete(id);
    if (this.reported.size > MAX_REPORTED) {
      const [oldest] = this.reported;
      this.reported.delete(oldest as string);
    }
  }

  /** Counts messages that are shown for too long without a report. `newest` holds the ids of the newest messages that the page
   * shows, `now` is in milliseconds. */
  compare(newest: string[], now: number): void {
    for (const id of newest) {
      if (this.reported.has(id)) {
        continue;
      }
      const since = this.suspects.get(id);
      if (since === undefined) {
        this.suspects.set(id, now);
      } else if (now - since >= REPORT_TIMEOUT) {
        this.missed += 1;
        this.report(id);
      }
    }
    for (const id of this.suspects.keys()) {
      if (!newest.includes(id)) {
        this.suspects.delete(id);
      }
    }
  }
}

type Key = NonNullable<ReturnType<typeof WPP.whatsapp.ChatStore.getModelsArray>[number]['lastReceivedKey']>;

/** Returns the key of the newest message of each of the newest chats. */
function newest(): Key[] {
  const chats = WPP.whatsapp.ChatStore.getModelsArray().slice(0, CHECKED_CHATS);
  return chats.flatMap((chat) => (chat.lastReceivedKey ? [chat.lastReceivedKey] : []));
}

/** Returns the messages of keys that the page has in memory. */
function inMemory(keys: Key[]): MsgModel[] {
  const find = (key: Key) => attempt(() => WPP.whatsapp.MsgStore.get(String(key)) as MsgModel | undefined, undefined);
  return keys.map(find).filter((msg) => msg !== undefined);
}

/** Returns the chats whose people may write next. */
function recent(): string[] {
  const chats = WPP.whatsapp.ChatStore.getModelsArray().slice(0, FOLLOWED_CHATS);
  return chats.map((chat) => idText(chat.id)).reverse();
}

let followingAcks = false;

/** Queues acks of our messages in groups, as they apply to all members. */
function followGroupAcks(queue: Queue): void {
  if (followingAcks) {
    return;
  }
  followingAcks = true;
  WPP.whatsapp.MsgStore.on('change:ack', (msg: MsgModel) =>
    attempt(() => {
      const chat = idText(msg.id.remote);
      if (msg.id.fromMe === true && chat.endsWith('@g.us')) {
        queue.push({ type: 'ack', chat, ids: [reportedId(msg)], ack: msg.ack ?? 0 });
      }
    }, undefined),
  );
}

let followingTypes = false;

/** Calls `decrypted` with messages that the page has decrypted late: the library reports only those that came in this load. */
function followTypes(decrypted: (msg: MsgModel) => void): void {
  if (followingTypes) {
    return;
  }
  followingTypes = true;
  WPP.whatsapp.MsgStore.on('change:type', (msg: MsgModel) => {
    // A deleted message changes its type too, and is reported as deleted. The other fields follow the type.
    if (msg.type !== 'revoked' && msg.type !== 'ciphertext') {
      queueMicrotask(() => decrypted(msg));
    }
  });
}

/** All listeners of one page. */
export class Listeners {
  private readonly gaps = new GapDetector();
  private readonly undecrypted = new Undecrypted();
  private readonly groups: Groups;
  private readonly typing: Typing;
  /** Whether the first messages were noted: those are found by the resync that follows every load. */
  private baseline = false;
  /** Whether the page's own collection is listened to, besides the library. */
  private direct = false;

  constructor(groups: Groups, typing: Typing) {
    this.groups = groups;
    this.typing = typing;
  }

  get missed(): number {
    return this.gaps.missed;
  }

  /** Checks for gaps and for messages that stay undecrypted; called with every status. */
  check(queue: Queue, now: number): void {
    if (!attempt(() => WPP.isFullReady && isSynced(), false)) {
      this.baseline = false;
      return;
    }
    const keys = attempt(newest, []);
    // One that came before this load was reported by nobody.
    inMemory(keys).forEach((msg) => this.undecrypted.note(msg, now));
    for (const msg of this.undecrypted.overdue(now)) {
      const event = toEvent(msg, true);
      if (event) {
        queue.push(event);
      }
    }
    const ids = keys.map((key) => key.id);
    if (this.baseline) {
      this.gaps.compare(ids, now);
    } else {
      this.baseline = true;
      ids.forEach((id) => this.gaps.report(id));
      attempt(recent, []).forEach((chat) => this.typing.follow(chat));
    }
  }

  /**
   * Listens to the page's own collection too, for when the library's listener is dead. A message that both report is queued twice
   * and stored once.
   */
  relisten(queue: Queue): null {
    if (!this.direct) {
      WPP.whatsapp.MsgStore.on('add', (msg: MsgModel) => {
        if (msg.isNewMsg) {
          queueMicrotask(() => this.push(queue, msg));
        }
      });
      this.direct = true;
    }
    return null;
  }

  private push(queue: Queue, msg: MsgModel): void {
    attempt(() => this.gaps.report(msg.id.id), undefined);
    attempt(() => this.undecrypted.note(msg, Date.now()), undefined);
    const event = toEvent(msg) ?? attempt(() => keeping(msg), null);
    if (event) {
      queue.push(event);
    }
    attempt(() => this.typing.follow(idText(msg.id.remote)), undefined);
    attempt(() => this.groups.request(idText(msg.id.remote), msg.type === 'gp2'), undefined);
  }

  /** Starts to listen. `changed` is called when the page's status may have changed, `loggedOut` with WhatsApp's reason. */
  start(queue: Queue, changed: () => void, loggedOut: (reason: string | null) => void): void {
    this.typing.start();
    WPP.on('chat.new_message', (msg) => this.push(queue, msg));
    WPP.on('group.participant_changed', ({ groupId }) => this.groups.request(idText(groupId), true));
    WPP.on('chat.msg_ack_change', ({ ack, chat, ids }) => {
      // Acks of a status or a channel are about messages that are never reported.
      if (!isConversation(idText(chat))) {
        return;
      }
      const inGroup = idText(chat).endsWith('@g.us');
      if (inGroup && ack > 1) {
        // The ack of a single member: `followGroupAcks` reports what applies to all.
        return;
      }
      // The stanza id survives a chat's move from number to LID; the rest of the key does not.
      const keys = ids.map((key) => attempt(() => reportedIdOf(key), keyText(key)));
      queue.push({ type: 'ack', chat: idText(chat), ids: keys, ack });
    });
    const followStore = () => {
      attempt(() => followGroupAcks(queue), undefined);
      attempt(() => followTypes((msg) => this.push(queue, msg)), undefined);
    };
    WPP.on('conn.main_ready', followStore);
    if (attempt(() => WPP.isFullReady, false)) {
      followStore();
    }
    listen((change) => queue.push(change));
    let reason: string | null = null;
    WPP.on('conn.logout_reason', (value) => {
      reason = typeof value === 'string' ? value : null;
    });
    WPP.on('conn.logout', () => loggedOut(reason));
    for (const event of [
      'conn.auth_code_change',
      'conn.authenticated',
      'conn.main_ready',
      'conn.online',
      'conn.qrcode_idle',
      'conn.require_auth',
      'conn.stream_info_changed',
      'conn.stream_mode_changed',
      'loader.full_ready',
    ] as const) {
      WPP.on(event, changed);
    }
  }
}
