// Contents of outgoing messages, and the call of the library for each.

import { type OutgoingFile, sendFile } from './files';
import { idText } from '../people';

type SendOptions = NonNullable<Parameters<typeof WPP.chat.sendVCardContactMessage>[2]>;
type Sent = Awaited<ReturnType<typeof WPP.chat.sendTextMessage>>;

/** A contact card. */
export interface Card {
  name: string;
  vcard: string;
}

/** Content of an outgoing message. */
export type Content =
  | { kind: 'text'; text: string; mentions: string[] }
  | { kind: 'location'; latitude: number; longitude: number; name: string | null; address: string | null }
  | { kind: 'contacts'; cards: Card[] }
  | ({ kind: 'file' } & OutgoingFile)
  | { kind: 'poll'; question: string; options: string[]; selectable: number };

/** Passes a message to WhatsApp. */
export async function handOver(chat: string, content: Content, options: SendOptions): Promise<Sent> {
  switch (content.kind) {
    case 'text':
      return WPP.chat.sendTextMessage(chat, content.text, {
        ...options,
        ...(await calling(chat, content.mentions)),
        // By default the library requests previews from third-party servers.
        linkPreview: false,
      });
    case 'location':
      return WPP.chat.sendLocationMessage(chat, {
        ...options,
        lat: content.latitude,
        lng: content.longitude,
        ...(content.name !== null && { name: content.name }),
        ...(content.address !== null && { address: content.address }),
      });
    case 'contacts':
      // Not `sendVCardContactMessage`, which writes its own vCard: the stored one must arrive unchanged.
      return WPP.chat.sendRawMessage(chat, rawCards(content.cards), options);
    case 'file':
      return sendFile(chat, content, { ...options, ...(await calling(chat, content.mentions)) });
    case 'poll':
      return WPP.chat.sendCreatePollMessage(chat, content.question, content.options, {
        ...options,
        selectableCount: content.selectable,
      });
  }
}

function rawCards(cards: Card[]): Parameters<typeof WPP.chat.sendRawMessage>[1] {
  const [first, ...others] = cards;
  if (first && others.length === 0) {
    return { type: 'vcard', body: first.vcard, vcardFormattedName: first.name };
  }
  return { type: 'multi_vcard', vcardList: cards.map(({ name, vcard }) => ({ displayName: name, vcard })) };
}

/** Returns the option that mentions the members whose number or LID is in `users`, if there are any. */
export async function calling(chat: string, users: string[]): Promise<{ mentionedList?: string[] }> {
  if (users.length === 0 || !chat.endsWith('@g.us')) {
    return {};
  }
  const members = await WPP.group.getParticipants(chat).then(
    (participants) => participants.map((one) => idText(one.id)),
    () => [],
  );
  const mentionedList = users.flatMap((user) => members.find((member) => member.startsWith(`${user}@`)) ?? []);
  return mentionedList.length > 0 ? { mentionedList } : {};
}
