// How the page stands: what the server's session state machine is fed with.

import { idText } from './people';
import { attempt, within } from './trouble';

export interface Status {
  epoch: string;
  /** The library's version, or null when it is not there. */
  library: string | null;
  /** What the server needs of the library and this one does not have. */
  missing: string[];
  /** Whether the page has WhatsApp Web's modules at all. */
  whatsapp: boolean;
  fullReady: boolean;
  authenticated: boolean;
  main: boolean;
  synced: boolean;
  online: boolean;
  conflict: boolean;
  /** The page waits for somebody to answer a passkey prompt. */
  passkey: boolean;
  /** WhatsApp has blocked the account. */
  restricted: boolean;
  /** WhatsApp serves this version of the page no longer. */
  outdated: boolean;
  /** Parts of the page that the library does not find, and without which nothing is heard or sent. */
  absent: string[];
  /** The page wants to be loaded anew, and works still. */
  stale: boolean;
  qr: string | null;
  /** The page has stopped renewing its QR code. */
  qrIdle: boolean;
  me: { phone: string; lid: string | null; name: string | null } | null;
  /** Events that found no room in the queue, or that no listener told. */
  lost: number;
}

/** Longest wait for the QR code's parts, in milliseconds. */
const QR_LIMIT = 1000;

let passkeyPrompts = 0;

/** Notices when the page asks for a passkey, which needs a person at the browser. */
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

/** What hearing and sending rest on, by the library's names for it. */
const PARTS: Record<string, () => unknown> = {
  ChatStore: () => WPP.whatsapp.ChatStore,
  MsgStore: () => WPP.whatsapp.MsgStore,
  addAndSendMsgToChat: () => WPP.whatsapp.functions.addAndSendMsgToChat,
};

function absent(): string[] {
  return Object.keys(PARTS).filter((name) => !attempt(PARTS[name] as () => unknown, undefined));
}

/** What WhatsApp says of account and page, which it may say before the page is ready. */
function standing(): Pick<Status, 'restricted' | 'outdated'> {
  const told = [() => WPP.conn.getStreamData().mode, () => WPP.whatsapp.Socket.state].map((get) =>
    String(attempt<unknown>(get, '')),
  );
  return {
    restricted: told.some((state) => state === 'TOS_BLOCK' || state === 'SMB_TOS_BLOCK'),
    outdated: told.includes('DEPRECATED_VERSION'),
  };
}

/** Our own number's digits, or null when nobody is logged in. */
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

/** Whether all that the page missed while it was away has come. */
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

const NOTHING_YET = {
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

export async function status(epoch: string, lost: number): Promise<Status> {
  const passkey = passkeyPrompts > 0;
  if (typeof WPP === 'undefined') {
    return { epoch, library: null, passkey, lost, ...NOTHING_YET };
  }
  const library = attempt(() => WPP.version, 'unknown');
  const lacking = missing();
  if (lacking.length > 0 || !WPP.isFullReady) {
    const whatsapp = attempt(() => WPP.loader.loaderType !== 'unknown', false);
    const known = whatsapp ? standing() : {};
    return { epoch, library, passkey, lost, ...NOTHING_YET, missing: lacking, whatsapp, ...known };
  }
  const authenticated = attempt(() => WPP.conn.isAuthenticated() === true, false);
  const mode = String(attempt<unknown>(() => WPP.conn.getStreamData().mode, ''));
  const socket = attempt<unknown>(() => WPP.whatsapp.Socket.state, undefined);
  const code = authenticated ? null : await within(WPP.conn.getAuthCode(), QR_LIMIT, null);
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
    ...standing(),
    absent: authenticated ? absent() : [],
    stale: attempt(() => WPP.conn.needsUpdate() === true, false),
    qr: code?.fullCode ?? null,
    qrIdle: !authenticated && socket === 'UNPAIRED_IDLE',
    me: authenticated ? me() : null,
    lost,
  };
}
