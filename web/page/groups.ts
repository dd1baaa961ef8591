// Groups: name and members, reported with the first message of a group and after each change.

import { idText, isMe, person, type Person } from './people';
import { attempt } from './errors';

/** A group. */
export interface Group {
  type: 'group';
  chat: string;
  name: unknown;
  participants: { id: string; contact: Person; me: boolean; admin: boolean }[] | null;
}

/** Delay before a changed group is read, in milliseconds: changes come in bursts. */
const SETTLE_TIME = 300;

/** Reports groups. */
export class Groups {
  private readonly reported = new Set<string>();
  private readonly due = new Set<string>();
  private readonly report: (group: Group) => void;

  constructor(report: (group: Group) => void) {
    this.report = report;
  }

  /** Schedules a report of a group, unless it was reported before and has not `changed`. */
  request(chat: string, changed: boolean): void {
    if (!chat.endsWith('@g.us') || this.due.has(chat) || (this.reported.has(chat) && !changed)) {
      return;
    }
    this.reported.add(chat);
    this.due.add(chat);
    setTimeout(() => {
      this.due.delete(chat);
      group(chat).then(this.report, () => this.reported.delete(chat));
    }, SETTLE_TIME);
  }
}

async function group(chat: string): Promise<Group> {
  const model = WPP.chat.get(chat);
  const members = await WPP.group.getParticipants(chat).catch(() => null);
  return {
    type: 'group',
    chat,
    name: attempt<unknown>(() => model?.formattedTitle ?? model?.name, null) ?? null,
    participants:
      members &&
      members.map((one) => {
        const id = idText(one.id);
        return { id, contact: person(id), me: isMe(id), admin: one.isAdmin === true || one.isSuperAdmin === true };
      }),
  };
}
