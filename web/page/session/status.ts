// The page's status, which the server's session state is computed from.

import { idText } from '../people';
import { attempt, within } from '../errors';

/** The page's status. */
export interface Status {
  epoch: string;
  /** The library's version; null if it did not load. */
  library: string | null;
  /** Functions that we need and this version of the library does not have. */
  missing: string[];
  /** Whether the page has WhatsApp Web's modules. */
  whatsapp: boolean;
  fullReady: boolean;
  authenticated: boolean;
  main: boolean;
  synced: boolean;
  online: boolean;
  conflict: boolean;
  /** The page waits for a person to answer a passkey prompt. */
  passkey: boolean;
  /** WhatsApp has blocked the account. */
  restricted: boolean;
  /** WhatsApp no longer supports this version of the page. */
  outdated: boolean;
  /** Modules of the page that the library does not find and that events and sends need. */
  absent: string[];
  /** The page asks to be reloaded into its newer version. It still works. */
  stale: boolean;
  qr: string | null;
  /** The QR code has expired and waits for a click. */
  qrIdle: boolean;
  me: { phone: string; lid: string | null; name: string | null } | null;
  /** Number of events that did not fit the queue or that no listener reported. */
  lost: number;
}

/** Deadline for the QR code's parts, in milliseconds. */
const QR_TIMEOUT = 1000;

let passkeyPrompts = 0;

/** Watches for passkey prompts, which need a person at the browser. */
export function watchPasskeys(): void {
  const { credentials } = navigator;
  if (!credentials) {
    return;
  }
  const get = credentials.get.bind(credentials);
  credentials.get = async (options) => {
    if (!options?.publicKey) {
      return get(options);
    }
    passkeyPrompts += 1;
    try {
      return await get(options);
    } finally {
      passkeyPrompts -= 1;
    }
  };
}

/** Functions of the library that we need. */
const NEEDED = [
  'on',
  'conn.getAuthCode',
  'conn.getMyUserWid',
  'conn.getStreamData',
  'conn.isAuthenticated',
  'conn.isOnline',
  'conn.genLinkDeviceCodeForPhoneNumber',
  'conn.logout',
  'conn.refreshQR',
  'chat.find',
  'chat.generateMessageID',
  'chat.get',
  'chat.getMessageById',
  'chat.getMessages',
  'chat.list',
  'chat.markIsComposing',
  'chat.markIsPaused',
  'chat.markIsRead',
  'chat.sendTextMessage',
  'contact.queryExists',
  'profile.getMyProfileName',
  'util.createWid',
];

function missing(): string[] {
  return NEEDED.filter((name) => {
    const found = name.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], WPP);
    return typeof found !== 'function';
  });
}

/** Modules of the page that events and sends need, by the library's names. */
const PARTS: Record<string, () => unknown> = {
  ChatStore: () => WPP.whatsapp.ChatStore,
  MsgStore: () => WPP.whatsapp.MsgStore,
  addAndSendMsgToChat: () => WPP.whatsapp.functions.addAndSendMsgToChat,
};

function absent(): string[] {
  return Object.keys(PARTS).filter((name) => !attempt(PARTS[name] as () => unknown, undefined));
}

/** Returns the server's verdict on account and page, which may be there before the page is ready. */
function serverVerdict(): Pick<Status, 'restricted' | 'outdated'> {
  const states = [() => WPP.conn.getStreamData().mode, () => WPP.whatsapp.Socket.state].map((get) =>
    String(attempt<unknown>(get, '')),
  );
  return {
    restricted: states.some((state) => state === 'TOS_BLOCK' || state === 'SMB_TOS_BLOCK'),
    outdated: states.includes('DEPRECATED_VERSION'),
  };
}

/** Returns the digits of our own number; null if no phone is linked. */
export function myDigits(): string | null {
  const wid = attempt<unknown>(() => WPP.conn.getMyUserWid(), null);
  return wid ? (/^(\d+)@c\.us$/.exec(idText(wid))?.[1] ?? null) : null;
}

function me(): Status['me'] {
  const phone = myDigits();
  if (phone === null) {
    return null;
  }
  const lid = attempt<unknown>(() => WPP.conn.getMyUserLid(), null);
  const name = attempt<unknown>(() => WPP.profile.getMyProfileName(), null);
  return {
    phone,
    lid: lid ? (/^(\d+)@lid$/.exec(idText(lid))?.[1] ?? null) : null,
    name: typeof name === 'string' && name !== '' ? name : null,
  };
}

/** Whether the page has fetched all messages that it missed. */
export function isSynced(): boolean {
  const { info } = WPP.conn.getStreamData();
  const { hasSynced } = WPP.whatsapp.Socket;
  return (hasSynced === undefined || hasSynced === true) && (info === undefined || String(info) === 'NORMAL');
}

function isOnline(mode: string): boolean {
  const info = String(WPP.conn.getStreamData().info ?? '');
  const socket = WPP.whatsapp.Socket.state;
  const connected = socket === undefined || socket === 'CONNECTED' || socket === 'CONFLICT';
  return WPP.conn.isOnline() !== false && connected && info !== 'OFFLINE' && mode !== 'OFFLINE';
}

/** The status before the page is ready. */
const NOT_READY = {
  missing: [] as string[],
  whatsapp: false,
  fullReady: false,
  authenticated: false,
  main: false,
  synced: false,
  online: false,
  conflict: false,
  restricted: false,
  outdated: false,
  absent: [] as string[],
  stale: false,
  qr: null,
  qrIdle: false,
  me: null,
};

/** Returns the page's status. */
export async function status(epoch: string, lost: number): Promise<Status> {
  const passkey = passkeyPrompts > 0;
  if (typeof WPP === 'undefined') {
    return { epoch, library: null, passkey, lost, ...NOT_READY };
  }
  const library = attempt(() => WPP.version, 'unknown');
  const lacking = missing();
  if (lacking.length > 0 || !WPP.isFullReady) {
    const whatsapp = attempt(() => WPP.loader.loaderType !== 'unknown', false);
    const known = whatsapp ? serverVerdict() : {};
    return { epoch, library, passkey, lost, ...NOT_READY, missing: lacking, whatsapp, ...known };
  }
  const authenticated = attempt(() => WPP.conn.isAuthenticated() === true, false);
  const mode = String(attempt<unknown>(() => WPP.conn.getStreamData().mode, ''));
  const socket = attempt<unknown>(() => WPP.whatsapp.Socket.state, undefined);
  const code = authenticated ? null : await within(WPP.conn.getAuthCode(), QR_TIMEOUT, null);
  return {
    epoch,
    library,
    missing: lacking,
    whatsapp: true,
    fullReady: true,
    authenticated,
    main: mode === 'MAIN',
    synced: authenticated && attempt(isSynced, false),
    online: attempt(() => isOnline(mode), false),
    conflict: socket === 'CONFLICT' || mode === 'CONFLICT',
    passkey: passkey && !authenticated,
    ...serverVerdict(),
    absent: authenticated ? absent() : [],
    stale: attempt(() => WPP.conn.needsUpdate() === true, false),
    qr: code?.fullCode ?? null,
    qrIdle: !authenticated && socket === 'UNPAIRED_IDLE',
    me: authenticated ? me() : null,
    lost,
  };
}
