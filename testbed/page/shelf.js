'use strict';
// Modules that the clients look for and that have little to do here: empty collections, answers that are always the
// same, and the shelf on which whatsapp-web.js finds the collections.
(() => {
  const emptyCollection = (id, name, props, more = {}) =>
    __d(id, ['WAWebBaseCollection', 'WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
      const { BaseModel, defineModel } = ns('WAWebBaseModel');
      class Model extends BaseModel {}
      defineModel(Model, more.proxyName ?? name, props);
      class Empty extends ns('WAWebBaseCollection').BaseCollection {
        static model = Model;
      }
      Object.assign(Empty.prototype, more.methods);
      exports[more.as ?? name] = new Empty();
      if (more.impl) exports[more.impl] = Empty;
    }, 98);

  emptyCollection('WAWebBlocklistCollection', 'BlocklistCollection', ['id'], { proxyName: 'blocklist' });
  emptyCollection('WAWebLabelCollection', 'LabelCollection', ['id', 'name'], { proxyName: 'label' });
  emptyCollection('WAWebNewsletterCollection', 'newsletters', ['id'], { as: 'default' });
  emptyCollection('WAWebMsgInfoCollection', 'MsgInfoCollection', ['id', 'delivery', 'read', 'played'], {
    proxyName: 'msg-info',
    methods: {
      async find(id) {
        return { id, ...(await importNamespace('WAWebApiMessageInfoStore').queryMsgInfo(id)) };
      },
    },
  });
  emptyCollection('WAWebBusinessProfileCollection', 'BusinessProfileCollection', ['id', 'profileOptions'], {
    proxyName: 'business-profile',
    methods: { fetchBizProfile: async (id) => ({ id }) },
  });
  const profileOf = (id) =>
    importNamespace('StandinLink')
      .link.ask({ op: 'profile', jid: String(id) })
      .catch(() => null);
  emptyCollection('WAWebProfilePicThumbCollection', 'ProfilePicThumbCollection', ['id', 'img', 'imgFull', 'eurl', 'tag'], {
    proxyName: 'profile-pic-thumb',
    methods: {
      find(id) {
        return this.update(id);
      },
      async findQuery(id) {
        const path = (await profileOf(id))?.picture;
        const url = path ? location.origin + path : undefined;
        return { id, img: url, imgFull: url, eurl: url };
      },
    },
  });
  emptyCollection('WAWebTextStatusCollection', 'TextStatusCollection', ['id', 'status'], {
    impl: 'TextStatusCollectionImpl',
    methods: {
      find(id) {
        return this.update(id);
      },
      async findQuery(id) {
        return { id, status: (await profileOf(id))?.about ?? '' };
      },
    },
  });
  emptyCollection('WAWebStatusCollection', 'StatusCollection', ['id'], {
    impl: 'StatusCollectionImpl',
    methods: { hasSynced: () => true, getMyStatus: () => undefined },
  });
})();

__d('WAWebCallCollection', ['WAWebBaseCollection', 'WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');
  class CallModel extends BaseModel {}
  defineModel(CallModel, 'call', ['id', 'peerJid', 'isVideo', 'isGroup', 'outgoing', 'offerTime', 'participants']);

  class CallCollection extends ns('WAWebBaseCollection').BaseCollection {
    static model = CallModel;
    // whatsapp-web.js listens by wrapping `set` of the first own property that is a Map.
    calls = new Map();
    activeCall = null;
    processIncomingCall() {}
    setActiveCall(call) {
      this.activeCall = call;
    }
  }
  exports.default = new CallCollection();
}, 98);

__d('WAWebCollections', ['WAWebMsgCollection', 'WAWebChatCollection'], (g, require, dflt, ns, lazy, module, exports) => {
  Object.assign(exports, {
    Msg: ns('WAWebMsgCollection').MsgCollection,
    Chat: ns('WAWebChatCollection').ChatCollection,
    Contact: ns('WAWebContactCollection').ContactCollection,
    Presence: ns('WAWebPresenceCollection').PresenceCollection,
    ProfilePicThumb: ns('WAWebProfilePicThumbCollection').ProfilePicThumbCollection,
    Blocklist: ns('WAWebBlocklistCollection').BlocklistCollection,
    Label: ns('WAWebLabelCollection').LabelCollection,
    Status: ns('WAWebStatusCollection').StatusCollection,
    GroupMetadata: dflt('WAWebGroupMetadataCollection'),
    BusinessProfile: ns('WAWebBusinessProfileCollection').BusinessProfileCollection,
    Reactions: ns('WAWebReactionsCollection').ReactionsCollection,
    MsgInfo: ns('WAWebMsgInfoCollection').MsgInfoCollection,
    WAWebNewsletterCollection: dflt('WAWebNewsletterCollection'),
  });
}, 98);

__d('WAWebIsOfficialClient', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.isOfficialClient = false;
}, 98);

__d('WALinkify', [], (g, require, dflt, ns, lazy, module, exports) => {
  const pattern = () => /\bhttps?:\/\/[^\s<>"]+/gi;
  const links = (text) =>
    [...String(text ?? '').matchAll(pattern())].map((match) => ({ href: match[0], url: match[0], index: match.index }));
  Object.assign(exports, {
    findLinks: links,
    findLink: (text) => links(text)[0],
    findFirstWebLink: (text) => links(text)[0]?.url,
  });
}, 98);

__d('WAWebLinkPreviewChatAction', [], (g, require, dflt, ns, lazy, module, exports) => {
  // No previews: the service never fetches other people's pages.
  exports.getLinkPreview = async () => null;
}, 98);

__d('WAWebGenMinimalLinkPreview', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.genMinimalLinkPreview = async () => null;
}, 98);

__d('WAWebContactProfilePicThumbBridge', [], (g, require, dflt, ns, lazy, module, exports) => {
  const find = async (wid) => {
    const { eurl } = await ns('WAWebProfilePicThumbCollection').ProfilePicThumbCollection.find(wid);
    return eurl ? { eurl, tag: eurl } : null;
  };
  exports.profilePicFind = find;
  exports.requestProfilePicFromServer = find;
}, 98);

__d('WAWebContactStatusBridge', [], (g, require, dflt, ns, lazy, module, exports) => {
  Object.assign(exports, { getStatus: async () => ({ status: null }), setMyStatus: async () => {}, queryStatusAll: async () => [] });
}, 98);

__d('WAWebSyncGatingUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.isPlaceholderMessageResendEnabled = () => false;
}, 98);

__d('WAWebNonMessageDataRequestPlaceholderMessageResendUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.handlePlaceholderMsgsSeen = async () => {};
}, 98);

__d('WAWebMiscBrowserUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.info = () => ({ os: 'Linux', version: '', name: 'Chrome', ua: navigator.userAgent });
  exports.hardRefresh = () => location.reload();
}, 98);

// Hooks that wa-js wraps once it is fully ready. Nothing here calls them, as nothing here has what they are for.
__d('WAWebBackendJobsCommon', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.mediaTypeFromProtobuf = () => null;
}, 98);

__d('WAWebE2EProtoUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.typeAttributeFromProtobuf = () => 'text';
}, 98);

__d('WAWebMsgGetters', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.getIsUnreadType = (msg) => !['protocol', 'revoked', 'notification'].includes(msg.type);
}, 98);

__d('WAWebHandleMsg', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.handleSingleMsg = async () => {};
}, 98);

__d('WAWebPollsVotesSchemaUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.upsertVotesDb = async () => {};
}, 98);

__d('WAWebABProps', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.getABPropConfigValue = () => undefined;
}, 98);

// What runs last: the version says that the page is up, and the page comes alive.
(() => {
  const show = () => importNamespace('StandinScreen').start();
  globalThis.Debug = { VERSION: document.documentElement.dataset.version };
  importNamespace('StandinSession').start();
  show();
})();
