import { afterEach, describe, expect, it, vi } from 'vitest';
import { status } from './status';

interface Page {
  ready?: boolean;
  mode?: string;
  socket?: string;
  parts?: Record<string, unknown>;
}

/** Stubs a library that has every function, on a page with these states. */
function library({ ready = true, mode = 'MAIN', socket = 'CONNECTED', parts = {} }: Page): void {
  const all = (known: Record<string, unknown>) =>
    new Proxy(known, { get: (of, name: string) => (name in of ? of[name] : () => null) });
  const conn = all({
    getStreamData: () => ({ mode, info: 'NORMAL' }),
    getMyUserWid: () => '447700900001@c.us',
    isAuthenticated: () => true,
    isOnline: () => true,
  });
  const whatsapp = {
    ChatStore: {},
    MsgStore: {},
    functions: { addAndSendMsgToChat: () => null },
    Socket: { state: socket, hasSynced: true },
    ...parts,
  };
  const loader = { loaderType: 'meta' };
  const wpp = all({ version: '4', isFullReady: ready, loader, conn, whatsapp, chat: all({}), contact: all({}) });
  vi.stubGlobal('WPP', new Proxy(wpp, { get: (of, name: string) => (['profile', 'util'].includes(name) ? all({}) : of[name]) }));
}

describe('status', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('reports a working page', async () => {
    library({});
    expect(await status('e', 0)).toMatchObject({
      missing: [],
      absent: [],
      restricted: false,
      outdated: false,
      stale: false,
      online: true,
      synced: true,
      me: { phone: '447700900001' },
    });
  });

  it('reports a restricted account, also on an unready page', async () => {
    library({ socket: 'TOS_BLOCK' });
    expect(await status('e', 0)).toMatchObject({ restricted: true, online: false });
    library({ ready: false, mode: 'SMB_TOS_BLOCK' });
    expect(await status('e', 0)).toMatchObject({ restricted: true, fullReady: false });
  });

  it('names modules that the library does not find', async () => {
    library({ parts: { MsgStore: undefined, functions: {} } });
    expect(await status('e', 0)).toMatchObject({ absent: ['MsgStore', 'addAndSendMsgToChat'] });
  });

  it('reports an outdated page', async () => {
    library({ mode: 'DEPRECATED_VERSION' });
    expect(await status('e', 0)).toMatchObject({ outdated: true, restricted: false });
  });
});
