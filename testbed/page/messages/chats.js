'use strict';
// Chats: one with each person, under a phone number or a LID, whichever the chat is addressed by.
__d('WAWebChatModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');
  const props =
    'id t unreadCount lastReceivedKey archive isReadOnly isAnnounceGrpRestrict modifyTag muteExpiration name notSpam pin ' +
    'changeNumberOldJid changeNumberNewJid ephemeralDuration ephemeralSettingTimestamp disappearingModeInitiator ' +
    'unreadMentionsOfMe endOfHistoryTransferType stale pendingAction active pausedTimerId presenceResendTimerId recording ' +
    'typing markedUnread trusted canSend isParentGroup isLocked labels groupMetadata newsletterMetadata mute';

  class ChatModel extends BaseModel {
    static defaults() {
      return { unreadCount: 0, archive: false, isReadOnly: false, canSend: true, mute: { expiration: 0 }, labels: [] };
    }

    initialize() {
      const { ChatMsgsCollection } = ns('WAWebChatMsgsCollection');
      Object.defineProperty(this, 'msgs', { value: new ChatMsgsCollection(), configurable: true });
    }

    get kind() {
      return this.id ? 'chat' : undefined;
    }
    get contact() {
      return this.id && ns('WAWebContactCollection').ContactCollection.gadd(this.id);
    }
    get presence() {
      return this.id && ns('WAWebPresenceCollection').PresenceCollection.gadd(this.id);
    }
    get formattedTitle() {
      return this.id && ns('WAWebFrontendContactGetters').getFormattedName(this.contact);
    }
    // A client that renames a group sets it as well; it follows the contact by itself.
    set formattedTitle(title) {}

    title() {
      return this.formattedTitle;
    }
    getCollection() {
      return ns('WAWebChatCollection').ChatCollection;
    }
    getLastMsgKeyForAction() {
      return this.lastReceivedKey;
    }
    loadEarlierMsgs() {
      return ns('WAWebChatLoadMessages').loadEarlierMsgs({ chat: this });
    }
    getAllMsgs() {
      return this.msgs.getModelsArray();
    }
    iAmAdmin() {
      return Boolean(this.groupMetadata?.participants.iAmAdmin());
    }
    canPin() {
      return true;
    }
    canArchive() {
      return true;
    }

    serialize() {
      return { ...super.serialize(), formattedTitle: this.formattedTitle, msgs: this.msgs.serialize() };
    }
  }

  exports.default = defineModel(ChatModel, 'chat', props.split(' '));
}, 98);

__d('WAWebChatMsgsCollection', ['WAWebCollection', 'WAWebMsgModel'], (g, require, dflt, ns, lazy, module, exports) => {
  class ChatMsgsCollection extends dflt('WAWebCollection') {
    static model = dflt('WAWebMsgModel');
    // Page order. The sort is stable, so messages of one second keep the order of their arrival.
    static comparator = (a, b) => a.t - b.t;
  }
  exports.ChatMsgsCollection = ChatMsgsCollection;
}, 98);

__d('WAWebChatGetters', [], (g, require, dflt, ns, lazy, module, exports) => {
  Object.assign(exports, {
    getHasUnread: (chat) => chat.unreadCount !== 0,
    getIsUser: (chat) => chat.id.isUser(),
    getIsGroup: (chat) => chat.id.isGroup(),
    getIsNewsletter: (chat) => chat.id.isNewsletter(),
    getIsBroadcast: (chat) => chat.id.isBroadcast(),
    getIsPSA: (chat) => chat.id.isPSA(),
  });
}, 98);

__d('WAWebFrontendChatGetters', [], (g, require, dflt, ns, lazy, module, exports) => {
  Object.assign(exports, {
    getShouldAppearInList: () => true,
    getPreviewMessage: (chat) => chat.msgs.last(),
    getShowChangeNumberNotification: () => false,
    getShouldShowUnreadDivider: (chat) => chat.unreadCount > 0,
  });
}, 98);

__d('WAWebChatCollection', ['WAWebBaseCollection', 'WAWebChatModel', 'StandinStore'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseCollection } = ns('WAWebBaseCollection');
  const store = ns('StandinStore');
  const { createWid } = ns('WAWebWidFactory');
  const MsgKey = dflt('WAWebMsgKey');

  class ChatCollection extends BaseCollection {
    static model = dflt('WAWebChatModel');
    static comparator = (a, b) => (b.t ?? 0) - (a.t ?? 0);

    async update(id) {
      return (await ns('WAWebFindChatAction').findOrCreateLatestChat(createWid(id))).chat;
    }

    active() {
      return this.findFirst((chat) => chat.active);
    }
  }

  const collection = new ChatCollection();

  /** What a group is to its chat: its name, and whether we may write in it. */
  function showGroup(chat) {
    const groupMetadata = dflt('WAWebGroupMetadataCollection').get(chat.id) ?? ns('StandinGroups').show(chat.id);
    if (!groupMetadata) return;
    const { participants, subject, announce } = groupMetadata;
    const silent = !participants.iAmMember() || (announce && !participants.iAmAdmin());
    chat.set({ groupMetadata, name: subject, isReadOnly: silent, canSend: !silent });
  }

  /** Shows a chat's row of the store: makes its model, or brings it up to date. */
  function showChat(id, { sorted = true } = {}) {
    const row = store.chats.get(String(id));
    if (!row) return undefined;
    const { id: jid, lastReceivedKey, seenPending, ...rest } = row;
    const chat = collection.add({ id: createWid(jid) });
    chat.set({ ...rest, lastReceivedKey: lastReceivedKey ? MsgKey.fromString(lastReceivedKey) : undefined });
    if (chat.id.isGroup()) showGroup(chat);
    if (sorted) collection.sort({ silent: true });
    return chat;
  }

  Object.assign(exports, { ChatCollection: collection, ChatCollectionImpl: ChatCollection, showChat });
}, 98);

__d('WAWebFindChatAction', ['WAWebChatCollection', 'WAWebQueryExistsJob'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');

  /** The chat that a person already has, under either of their ids. */
  function findExistingChat(wid) {
    const { ChatCollection } = ns('WAWebChatCollection');
    if (wid.isGroup()) return ChatCollection.get(wid);
    const other = ns('WAWebApiContact').getAlternateUserWid(wid);
    // The LID is the later of the two addresses, and where a chat under it exists, it is the one in use.
    const [first, second] = wid.isLid() ? [wid, other] : [other, wid];
    return ChatCollection.get(first) ?? ChatCollection.get(second);
  }

  /** A group that we are in and have no chat of yet. */
  async function openGroup(wid) {
    await ns('WAWebGroupQueryJob').queryAndUpdateGroupMetadataById({ id: wid });
    store.changeChat(wid, {});
    await store.commit();
    return ns('WAWebChatCollection').showChat(wid);
  }

  async function findOrCreateLatestChat(wid) {
    const existing = findExistingChat(wid);
    if (existing) return { chat: existing, created: false };
    if (wid.isGroup()) return { chat: await openGroup(wid), created: true };
    const found = await ns('WAWebQueryExistsJob').queryWidExists(wid);
    if (!found) throw new Error(`No LID for user ${wid}`);
    const under = findExistingChat(found.chat);
    if (under) return { chat: under, created: false };
    store.changeContact(found.chat, { pushname: found.pushname });
    store.changeChat(found.chat, {});
    await store.commit();
    ns('WAWebContactCollection').showContact(found.chat);
    return { chat: ns('WAWebChatCollection').showChat(found.chat), created: true };
  }

  Object.assign(exports, { findOrCreateLatestChat, findExistingChat, findChat: async (wid) => findExistingChat(wid) });
}, 98);

__d('WAWebCreateChat', ['WAWebFindChatAction'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.createChat = async (wid) => (await ns('WAWebFindChatAction').findOrCreateLatestChat(wid)).chat;
  exports.createChatRecord = async (wid) => {
    ns('StandinStore').changeChat(wid, {});
    await ns('StandinStore').commit();
  };
}, 98);
