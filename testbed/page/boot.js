'use strict';
// The life of the page: read the profile, link or log in, take in what waited, go to MAIN, stay connected, log out.
__d('StandinSession', ['StandinProfile', 'StandinLink', 'StandinIntake'], (g, require, dflt, ns, lazy, module, exports) => {
  const profile = ns('StandinProfile');
  const disk = ns('StandinDisk');
  const store = ns('StandinStore');
  const { link } = ns('StandinLink');
  const { Socket } = ns('WAWebSocketModel');
  const { Stream } = ns('WAWebStreamModel');
  const { Conn } = ns('WAWebConnModel');
  const { Cmd } = ns('WAWebCmd');
  const network = dflt('WAWebNetworkStatus');
  const { OfflineMessageHandler } = ns('WAWebOfflineHandler');
  const LOGOUT_LINGER_MS = 200;

  let rotation = null;
  let welcomed = false;
  let leaving = false;
  let offlineTotal = 0;

  function setSocketState(state) {
    Socket.state = state;
    ns('WAWebBackendEventBus').BackendEventBus.trigger('set_socket_state', state);
  }

  async function start() {
    await profile.load();
    link.on('open', opened);
    link.on('lost', lost);
    link.on('refs', showRefs);
    link.on('pair_success', pair);
    link.on('welcome', welcome);
    link.on('history', ({ chunk }) => ns('StandinHistorySync').take(chunk));
    link.on('stanza', take);
    link.on('offline_end', goMain);
    link.on('sent', (frame) => ns('StandinOutbox').answered(frame));
    link.on('conflict', conflict);
    link.on('logged_out', ({ reason }) => leave(reason));
    link.on('reload', () => location.reload());
    link.on('freeze', ({ event }) => freeze(event));
    if (profile.current.credential) await wake();
    link.open();
  }

  /** Already linked: everything that the device holds is there before the network is. */
  async function wake() {
    await disk.open(profile.current.credential);
    store.load(await disk.load());
    identify();
    ns('WAWebLidPnCache').lidPnCache.warm();
    for (const id of store.contacts.keys()) ns('WAWebContactCollection').showContact(id);
    for (const id of store.chats.keys()) showStored(id);
    ns('WAWebChatCollection').ChatCollection.sort({ silent: true });
  }

  /** Of each chat the last message is in memory, and what has not gone out yet. */
  function showStored(id) {
    const chat = ns('WAWebChatCollection').showChat(id, { sorted: false });
    const rows = store.ofChat(id);
    const unsent = rows.filter((row) => row.self === 'out' && row.ack === 0);
    const { MsgCollection } = ns('WAWebMsgCollection');
    for (const row of new Set([...unsent, ...rows.slice(-1)])) {
      if (!MsgCollection.get(row.id)) MsgCollection.show(chat.id, store.hydrate(row));
    }
  }

  function identify() {
    const { pushname, number } = profile.current.credential;
    const { ContactCollection } = ns('WAWebContactCollection');
    const { getMaybeMePnUser, getMaybeMeLidUser } = ns('WAWebUserPrefsMeUser');
    Conn.set({ wid: getMaybeMePnUser(), pushname, phone: number });
    for (const id of [getMaybeMePnUser(), getMaybeMeLidUser()]) {
      if (id) ContactCollection.add({ id, pushname, type: 'in' }, { merge: true });
    }
  }

  function opened() {
    if (profile.current.credential) {
      const { device, secret } = profile.current.credential;
      link.send({ op: 'hello', device, secret });
    } else {
      ns('StandinLinking').hello();
    }
  }

  function lost() {
    stopRotation();
    ns('StandinOutbox').shut();
    if (leaving) return;
    const again = !welcomed;
    welcomed = false;
    if (!profile.current.credential) {
      if (Socket.state !== 'UNPAIRED_IDLE') setSocketState('OPENING');
      if (again) network.online = false;
      return;
    }
    Socket.stream = 'DISCONNECTED';
    if (!again) {
      setSocketState('OPENING');
      Stream.info = 'OPENING';
      return;
    }
    // A second failure: this is no hiccup. What the device holds can still be read and written.
    network.online = false;
    if (Socket.state !== 'TIMEOUT') setSocketState('TIMEOUT');
    Stream.info = 'OFFLINE';
    if (Stream.mode !== 'MAIN') enterMain();
  }

  // Linking.
  function showRefs({ refs, first_ms: firstMs, next_ms: nextMs }) {
    welcomed = true;
    link.settled();
    network.online = true;
    stopRotation();
    const left = refs.slice();
    const turn = (ms) => {
      Conn.ref = left.shift();
      if (!Conn.ref) return idle();
      rotation = setTimeout(() => turn(nextMs), ms);
    };
    turn(firstMs);
    Stream.set({ mode: 'QR', info: 'NORMAL' });
    setSocketState('UNPAIRED');
  }

  function stopRotation() {
    clearTimeout(rotation);
  }

  function idle() {
    link.close();
    setSocketState('UNPAIRED_IDLE');
  }

  function refreshQR() {
    if (profile.current.credential) return;
    setSocketState('OPENING');
    link.restart();
  }

  async function pair({ credential }) {
    stopRotation();
    setSocketState('PAIRING');
    Stream.info = 'PAIRING';
    await profile.saveCredential(credential);
    Conn.ref = undefined;
    await disk.open(credential);
    identify();
    // Another socket may overtake this one: the service must know the device before it says hello.
    await link.ask({ op: 'pair_done' }).catch(() => {});
    setSocketState('OPENING');
    link.restart();
  }

  // Connected.
  function welcome({ offline, history }) {
    welcomed = true;
    link.settled();
    Socket.stream = 'RESUMING';
    Stream.info = history ? 'SYNCING' : 'RESUMING';
    if (history) Stream.mode = 'SYNCING';
    offlineTotal = offline;
  }

  function take(frame) {
    ns('StandinIntake').push(frame);
    if (frame.offline) OfflineMessageHandler.setOfflineDeliveryProgress(Math.round((100 * frame.offline) / offlineTotal));
  }

  async function goMain() {
    await ns('StandinHistorySync').drained();
    await ns('StandinIntake').drained();
    if (!welcomed) return;
    network.online = true;
    Socket.stream = 'CONNECTED';
    setSocketState('CONNECTED');
    enterMain();
    Stream.info = 'NORMAL';
    const { BackendEventBus } = ns('WAWebBackendEventBus');
    BackendEventBus.trigger('offline_delivery_end');
    ns('StandinOutbox').flush();
    ns('WAWebUpdateUnreadChatAction').reportPending();
    // The site's own sync of its state ends some time after the chats are there.
    setTimeout(() => (Socket.hasSynced = true), Number(document.documentElement.dataset.settleMs));
  }

  function enterMain() {
    Stream.mode = 'MAIN';
    if (!Cmd.isMainLoaded) Cmd.mainLoaded();
  }

  // Another page took this device's place.
  function conflict() {
    ns('StandinOutbox').shut();
    link.close();
    welcomed = false;
    setSocketState('CONFLICT');
    Stream.set({ mode: 'CONFLICT', info: 'NORMAL' });
  }

  /** What the other page took in meanwhile is on the disk that both have. */
  async function takeover() {
    if (Socket.state !== 'CONFLICT') return;
    setSocketState('OPENING');
    await wake();
    for (const msg of ns('WAWebMsgCollection').MsgCollection.getModelsArray()) {
      const row = store.msgs.get(String(msg.id));
      if (row) msg.set(store.hydrate(row));
    }
    link.open();
  }

  function poke() {
    if (!link.up) link.open();
  }

  async function logout() {
    await link.ask({ op: 'logout' }).catch(() => {});
    await leave('user_initiated');
  }

  /** Everything of this login goes, and the page starts again at the QR code. */
  async function leave(reason) {
    if (leaving) return;
    leaving = true;
    link.close();
    const code = ns('WAWebLogoutReason').getErrorCodeFromLogoutReason(reason);
    ns('WAWebBackendEventBus').BackendEventBus.trigger('logout');
    Cmd.logout();
    await store.wipe().catch(() => {});
    await profile.wipe();
    setTimeout(() => location.replace(`/?post_logout=1&logout_reason=${code ?? 0}`), LOGOUT_LINGER_MS);
  }

  /** A fault for tests: the message collection goes deaf for an event. */
  function freeze(event) {
    dflt('WAWebEventEmitter').silence(ns('WAWebMsgCollection').MsgCollection, event);
  }

  Object.assign(exports, { start, refreshQR, takeover, poke, logout });
}, 98);

// The chats that a newly linked device is given.
__d('StandinHistorySync', ['StandinStore', 'StandinIntake'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const intake = ns('StandinIntake');
  let chain = Promise.resolve();

  function take(chunk) {
    chain = chain.then(() => run(chunk));
  }

  async function run({ n, chats, progress }) {
    for (const chat of chats) {
      intake.learnPerson(chat);
      const rows = chat.messages.map((message) => ({ ...intake.rowOf({ ...message, chat: chat.chat }), isMdHistoryMsg: true }));
      for (const [index, row] of rows.entries()) {
        const { edited, revoked, reactions } = chat.messages[index];
        if (edited) row.latestEditMsgKey = row.id;
        if (revoked) Object.assign(row, ns('StandinContent').revoked());
        if (reactions) Object.assign(row, { reactions, hasReaction: true });
        store.addMsg(row);
      }
      store.touchChat(chat.chat, { unreadCount: chat.unread });
    }
    await store.commit();
    for (const { chat } of chats) {
      ns('WAWebContactCollection').showContact(chat);
      const model = ns('WAWebChatCollection').showChat(chat);
      const last = store.ofChat(chat).at(-1);
      if (last) ns('WAWebMsgCollection').MsgCollection.show(model.id, store.hydrate(last));
    }
    ns('WAWebHistorySyncProgress').getHistorySyncProgressModel().setProgress(progress);
    ns('WAWebBackendEventBus').BackendEventBus.trigger('new_history_sync_chunk_processed', { progress });
    ns('WAWebOfflineHandler').OfflineMessageHandler.setOfflineDeliveryProgress(progress);
    ns('StandinLink').link.send({ op: 'history_ack', n });
  }

  Object.assign(exports, { take, drained: () => chain });
}, 98);

// Linking a browser: by QR code, or by an eight-character code that is typed on the phone.
__d('StandinLinking', ['StandinLink', 'StandinProfile', 'WABase64'], (g, require, dflt, ns, lazy, module, exports) => {
  const { encodeB64 } = ns('WABase64');

  /** The service learns our public keys, and only a digest of the secret that the phone reads off the screen. */
  exports.hello = async () => {
    const { keys } = ns('StandinProfile').current;
    const digest = await crypto.subtle.digest('SHA-256', keys.advSecret);
    const frame = { op: 'pair', noise: encodeB64(keys.noise), identity: encodeB64(keys.identity), adv_digest: encodeB64(digest) };
    ns('StandinLink').link.send(frame);
  };
}, 98);

__d('WAWebLinkDeviceEvents', ['WAWebEventEmitter'], (g, require, dflt, ns, lazy, module, exports) => {
  class LinkDeviceEvents extends dflt('WAWebEventEmitter') {
    triggerRefreshAltLinkingCode() {
      this.trigger('link_device_events:refresh_alt_linking_code');
    }
  }
  exports.WAWebLinkDeviceEvents = new LinkDeviceEvents();
}, 98);

__d('WAWebAltDeviceLinkingApi', ['StandinLink'], (g, require, dflt, ns, lazy, module, exports) => {
  async function code(phone) {
    return ns('StandinLink').link.ask({ op: 'pair_code', number: String(phone).replace(/\D/g, '') });
  }
  Object.assign(exports, {
    setPairingType: () => {},
    initializeAltDeviceLinking: async () => {},
    initializeQRLinking: async () => {},
    genLinkDeviceCodeForPhoneNumber: (phone) => code(phone),
    startAltLinkingFlow: (phone) => code(phone),
  });
}, 98);

__d('WAWebLaunchSocketUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.refreshQR = () => ns('StandinSession').refreshQR();
}, 98);
