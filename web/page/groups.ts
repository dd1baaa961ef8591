// Groups: how each is called and who is in it, told when the server hears of the group and when it changes.

import { idText, isMe, person, type Person } from './people';
import { attempt } from './trouble';

export interface Group {
  type: 'group';
  chat: string;
  name: unknown;
  participants: { id: string; contact: Person; me: boolean; admin: boolean }[] | null;
}

/** Changes come together with the notices about them: the page is asked when they are over, in milliseconds. */
const SETTLED = 300;

export class Groups {
  private readonly told = new Set<string>();
  private readonly due = new Set<string>();
  private readonly tell: (group: Group) => void;

  constructor(tell: (group: Group) => void) {
    this.tell = tell;
  }

  /** `changed`: to be told though it was told before. */
  note(chat: string, changed: boolean): void {
    if (!chat.endsWith('@g.us') || this.due.has(chat) || (this.told.has(chat) && !changed)) {
      return;
    }
    this.told.add(chat);
    this.due.add(chat);
    setTimeout(() => {
      this.due.delete(chat);
      group(chat).then(this.tell, () => this.told.delete(chat));
    }, SETTLED);
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
