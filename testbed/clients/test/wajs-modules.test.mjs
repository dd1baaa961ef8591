// The module boundary itself: what wa-js looks for is found, and found in the right module; and what the registry, the
// emitters, models and collections promise.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LAYOUT, Session } from '../wajs.mjs';

let session;
before(async () => {
  session = await Session.open();
  await session.link();
});
after(() => session.close());

const BOUND = {
  Socket: 'WAWebSocketModel',
  Stream: 'WAWebStreamModel',
  Conn: 'WAWebConnModel',
  ConnModel: 'WAWebConnModel',
  Cmd: 'WAWebCmd',
  CmdClass: 'WAWebCmd',
  NetworkStatus: 'WAWebNetworkStatus',
  BackendEventBus: 'WAWebBackendEventBus',
  Base64: 'WABase64',
  LinkDeviceEvents: 'WAWebLinkDeviceEvents',
  UserPrefs: 'WAWebUserPrefsMeUser',
  Wid: 'WAWebWid',
  WidFactory: 'WAWebWidFactory',
  MsgKey: 'WAWebMsgKey',
  lidPnCache: 'WAWebLidPnCache',
  ApiContact: 'WAWebApiContact',
  Lid1X1MigrationUtils: 'WAWebLid1X1MigrationGating',
  ContactModel: 'WAWebContactModel',
  ContactStore: 'WAWebContactCollection',
  ChatModel: 'WAWebChatModel',
  ChatStore: 'WAWebChatCollection',
  MsgModel: 'WAWebMsgModel',
  MsgStore: 'WAWebMsgCollection',
  PresenceStore: 'WAWebPresenceCollection',
  PresenceModel: 'WAWebPresenceCollection',
  ChatPresence: 'WAWebPresenceChatAction',
  ProfilePicThumbStore: 'WAWebProfilePicThumbCollection',
  StatusStore: 'WAWebTextStatusCollection',
  BlocklistStore: 'WAWebBlocklistCollection',
  LabelStore: 'WAWebLabelCollection',
  CallStore: 'WAWebCallCollection',
  GroupMetadataStore: 'WAWebGroupMetadataCollection',
  ReactionsStore: 'WAWebReactionsCollection',
  MediaPrep: 'WAWebPrepRawMedia',
  OpaqueDataBase: 'WAWebMediaOpaqueDataBase',
  OpaqueData: 'WAWebMediaOpaqueData',
  MediaBlobCache: 'WAWebMediaInMemoryBlobCache',
  LruMediaStore: 'WAWebMediaLruStore',
  MediaGatingUtils: 'WAWebMediaGatingUtils',
  MediaDataModel: 'WAWebMediaDataModel',
  MediaObject: 'WAWebMediaObject',
  MediaObjectUtil: 'WAWebMediaStorage',
  MediaUtils: 'WAWebMediaUtils',
  ImageUtils: 'WAWebImageUtils',
};
const FUNCTIONS = {
  isAuthenticated: 'WAWebUserPrefsMultiDevice',
  isRegistered: 'WAWebUserPrefsMultiDevice',
  genLinkDeviceCodeForPhoneNumber: 'WAWebAltDeviceLinkingApi',
  initializeAltDeviceLinking: 'WAWebAltDeviceLinkingApi',
  getErrorCodeFromLogoutReason: 'WAWebLogoutReason',
  getPushname: 'WAWebUserPrefsGeneral',
  getHasUnread: 'WAWebChatGetters',
  getIsMe: 'WAWebContactGetters',
  getFormattedName: 'WAWebFrontendContactGetters',
  findOrCreateLatestChat: 'WAWebFindChatAction',
  queryWidExists: 'WAWebQueryExistsJob',
  addAndSendMsgToChat: 'WAWebSendMsgChatAction',
  addAndSendMessageEdit: 'WAWebSendMessageEditAction',
  canEditMsg: 'WAWebMsgActionCapability',
  sendReactionToMsg: 'WAWebSendReactionMsgAction',
  createOrUpdateReactions: 'WAWebReactionsUtils',
  sendSeen: 'WAWebUpdateUnreadChatAction',
  markUnread: 'WAWebUpdateUnreadChatAction',
  handleChatSimpleReceipt: 'WAWebHandleChatReceipt',
  handleGroupSimpleReceipt: 'WAWebHandleGroupReceipt',
  handleStatusSimpleReceipt: 'WAWebHandleStatusReceipt',
  msgFindByDirection: 'WAWebDBMessageFindLocal',
  getSearchContext: 'WAWebChatMessageSearch',
  subscribePresence: 'WAWebContactPresenceBridge',
  getQuotedMsgObj: 'WAWebQuotedMsgModelUtils',
  getEphemeralFields: 'WAWebGetEphemeralFieldsMsgActionsUtils',
  unixTime: 'WATimeUtils',
  uploadMedia: 'WAWebMediaMmsV4Upload',
  processRawMedia: 'WAWebProcessRawMedia',
  processRawSticker: 'WAWebProcessRawMedia',
  generateVideoThumbsAndDuration: 'WAWebMediaPlayUtils',
  calculateFilehashFromBlob: 'WAMediaCalculateFilehash',
  isAnimatedWebp: 'WAWebProcessRawMedia',
  canEditCaption: 'WAWebMsgActionCapability',
};

test('every binding is found, in the module that it belongs to', async () => {
  const found = await session.run(
    (bound, functions) => {
      // Late as the library itself: what it patched is what the module now has.
      const has = (id, value) => {
        const exports = importNamespace(id);
        const values = Object.values(exports).flatMap((one) => [one, one?.constructor, ...(id === 'WAWebMsgKey' ? [one.newId] : [])]);
        return exports === value || values.includes(value);
      };
      const wrong = [];
      for (const [name, id] of Object.entries(bound)) if (!has(id, WPP.whatsapp[name])) wrong.push(name);
      for (const [name, id] of Object.entries(functions)) if (!has(id, WPP.whatsapp.functions[name])) wrong.push(name);
      return wrong;
    },
    BOUND,
    FUNCTIONS,
  );
  assert.deepEqual(found, []);
});

test('the registry answers as the site does', async () => {
  const seen = await session.run(() => {
    const thrown = (act) => {
      try {
        return act();
      } catch (error) {
        return `threw ${error.message}`;
      }
    };
    return {
      debug: Object.keys(require('__debug')),
      unknown: thrown(() => require('WAWebNoSuchThing')),
      defaultOnly: require('WAWebMsgKey') === importDefault('WAWebMsgKey') && typeof require('WAWebMsgKey') === 'function',
      same: importNamespace('WAWebWidFactory') === importNamespace('WAWebWidFactory'),
      named: require('WAWebWidFactory') === importNamespace('WAWebWidFactory'),
      ids: Object.keys(require('__debug').modulesMap).length > 60,
      guard: typeof ErrorGuard.skipGuardGlobal,
    };
  });
  assert.match(seen.unknown, /^threw Requiring unknown module/);
  assert.deepEqual({ ...seen, unknown: 0 }, { debug: ['modulesMap'], unknown: 0, defaultOnly: true, same: true, named: true, ids: true, guard: 'function' });
});

test('a model says what changed, on itself and on every collection that holds it', async () => {
  const said = await session.run(async () => {
    const { MsgStore, ChatStore, MsgModel, MsgKey } = WPP.whatsapp;
    const id = new MsgKey({ fromMe: true, remote: '1@c.us', id: 'X' });
    const msg = new MsgModel({ id, body: 'a', t: 1 });
    const log = [];
    const { ChatMsgsCollection } = importNamespace('WAWebChatMsgsCollection');
    const own = new ChatMsgsCollection();
    own.add(msg);
    MsgStore.add(msg);
    const note = (where) => (model, value, previous) => log.push([where, model === msg, value, previous]);
    msg.on('change:body', note('model'));
    own.on('change:body', note('chat'));
    MsgStore.on('change:caption change:body', note('store'));
    msg.body = 'b';
    msg.set({ body: 'b' });
    msg.unset('body');
    const gets = [String(id), id, msg, msg.attributes].map((key) => MsgStore.get(key) === msg);
    const { proxyName } = MsgModel.prototype;
    const enumerable = Object.keys(msg);
    for (const Model of [MsgModel, WPP.whatsapp.ChatModel, WPP.whatsapp.ContactModel]) {
      for (const name of Model.prototype.__props) Reflect.get(Model.prototype, name);
    }
    MsgStore.remove(msg);
    return { log, gets, proxyName, enumerable, left: MsgStore.get(id) === undefined, chats: ChatStore.length };
  });
  assert.deepEqual(said.log.slice(0, 3), [['model', true, 'b', 'a'], ['chat', true, 'b', 'a'], ['store', true, 'b', 'a']]);
  assert.equal(said.log.length, 6);
  assert.deepEqual(said.gets, [true, true, true, true]);
  assert.deepEqual([said.proxyName, said.enumerable, said.left], ['msg', [], true]);
});

test('a message key has the layout that was asked for, and the library reads both', async () => {
  const source = await session.run(() => importDefault('WAWebMsgKey').fromString.toString().length && importDefault('WAWebMsgKey').toString());
  assert.match(source, LAYOUT === 'old' ? /this\._serialized = / : /this\.\$1 = /);
  assert.match(source, /MsgKey error: obj is null\/undefined/);
  const key = await session.run(() => {
    const made = WPP.whatsapp.MsgKey.fromString('true_123@lid_ABC');
    return [String(made), made._serialized, made.fromMe, String(made.remote), made.id];
  });
  assert.deepEqual(key, ['true_123@lid_ABC', 'true_123@lid_ABC', true, '123@lid', 'ABC']);
});

test('the page may not speak with other origins, the loopback included', async () => {
  const blocked = await session.run(async () => {
    const fetched = await fetch('http://127.0.0.1:9/').catch((error) => error.name);
    const socket = await new Promise((resolve) => {
      try {
        new WebSocket('ws://127.0.0.1:9/').onerror = () => resolve('refused');
        addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), { once: true });
      } catch (error) {
        resolve(error.name);
      }
    });
    return [fetched, socket];
  });
  assert.deepEqual(blocked, ['TypeError', 'connect-src']);
});
