'use strict';
// Who is online and who is typing. Only chats that were subscribed to in this connection say anything.
__d('WAWebPresenceCollection', ['WAWebBaseCollection', 'WAWebBaseModel', 'StandinLink'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseCollection } = ns('WAWebBaseCollection');
  const { BaseModel, defineModel } = ns('WAWebBaseModel');

  class Chatstate extends BaseModel {}
  defineModel(Chatstate, 'chatstate', ['id', 'type', 't', 'deny', 'updateTime', 'expireTimerId']);

  class ChatstateCollection extends BaseCollection {
    static model = Chatstate;
  }

  class Presence extends BaseModel {
    static defaults() {
      return { isOnline: false, hasData: false, isSubscribed: false, forceDisplay: false, chatActive: false };
    }

    initialize() {
      const chatstates = new ChatstateCollection();
      Object.defineProperty(this, 'chatstates', { value: chatstates });
      // In a group there are those of its members, and one for all of them besides.
      const chatstate = this.isGroup ? new Chatstate({ id: this.id }) : chatstates.add({ id: this.id });
      this.set({ chatstate }, { silent: true });
      this.chatstate.on('change:type', (...args) => this.$bubble('change:chatstate.type', ...args));
    }

    get isUser() {
      return this.id?.isUser();
    }
    get isGroup() {
      return this.id?.isGroup();
    }

    async subscribe() {
      const { subscribeGroupPresence, subscribeUserPresence } = ns('WAWebContactPresenceBridge');
      (this.isGroup ? subscribeGroupPresence : subscribeUserPresence)(this.id);
      this.isSubscribed = true;
    }
  }
  defineModel(Presence, 'presence', ['id', 'isOnline', 'hasData', 'isSubscribed', 'forceDisplay', 'chatActive', 'chatstate']);

  class PresenceCollection extends BaseCollection {
    static model = Presence;

    async findQuery(id) {
      return { id: ns('WAWebWidFactory').createWid(id) };
    }

    clearAllPresence() {
      this.reset();
    }
  }

  const collection = new PresenceCollection();

  // No Impl: a client would take the class for the collection.
  Object.assign(exports, { PresenceCollection: collection, Presence, Chatstate, ChatstateCollection });
}, 98);

__d('WAWebContactPresenceBridge', ['StandinLink'], (g, require, dflt, ns, lazy, module, exports) => {
  // For as long as this connection lasts: after a new login or a reconnect one subscribes again.
  exports.subscribeUserPresence = async (wid) => {
    ns('StandinLink').link.send({ op: 'presence_subscribe', jid: String(wid) });
  };
  exports.subscribeGroupPresence = (wid) => void ns('StandinLink').link.send({ op: 'presence_subscribe', jid: String(wid) });
}, 98);

__d('WAWebPresenceChatAction', ['StandinLink'], (g, require, dflt, ns, lazy, module, exports) => {
  const tell = (chat, state) => void ns('StandinLink').link.send({ op: 'chatstate', jid: String(chat.id), state });
  Object.assign(exports, {
    markComposing: async (chat) => tell(chat, 'composing'),
    markPaused: async (chat) => tell(chat, 'paused'),
    markRecording: async (chat) => tell(chat, 'recording'),
  });
}, 98);

__d('WAWebChatStateBridge', ['StandinLink'], (g, require, dflt, ns, lazy, module, exports) => {
  const tell = (wid, state) => void ns('StandinLink').link.send({ op: 'chatstate', jid: String(wid), state });
  Object.assign(exports, {
    sendChatStateComposing: async (wid) => tell(wid, 'composing'),
    sendChatStatePaused: async (wid) => tell(wid, 'paused'),
    sendChatStateRecording: async (wid) => tell(wid, 'recording'),
  });
}, 98);
