'use strict';
// Messages. `processMultipleMessages` is the only intake of the collection, also for edits and revokes: the libraries
// listen by wrapping it, and by the events of the models that it makes or changes.
__d('WAWebMsgModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');
  const props =
    'id rowId serverId body type subtype t notifyName from to author self ack invis isNewMsg star recvFresh caption ' +
    'clientUrl loc lat lng isLive deprecatedMms3Url directPath mimetype duration filehash encFilehash size filename ' +
    'mediaKey mediaKeyTimestamp pageCount isGif isViewOnce thumbnail title description quotedMsg quotedStanzaID ' +
    'quotedRemoteJid quotedParticipant mentionedJidList groupMentions footer buttons selectedId multicast urlText ' +
    'urlNumber clearMedia vcardList vcardFormattedName protocolMessageKey templateParams isForwarded forwardingScore ' +
    'labels ephemeralStartTimestamp ephemeralDuration ephemeralSettingTimestamp isMdHistoryMsg isSendFailure local ' +
    'mediaData mediaObject latestEditMsgKey latestEditSenderTimestampMs hasReaction editMsgType revokeSender ' +
    'revokeTimestamp messageSecret pollName pollOptions links dynamicReplyButtons replyButtons list listResponse ' +
    'interactivePayload pendingAckUpdate isUnsentMedia broadcast waveform width height isCaptionByUser isAnimated ' +
    'accuracy speed degrees shareDuration sequence comment pollSelectableOptionsCount selectedButtonId nonJidMentions ' +
    'recipients receipts ctwaContext kicState kicKey kicTimestampMs keepType keptMessageKey parentMsgKey associationType';

  class MsgModel extends BaseModel {
    static defaults() {
      return { ack: 0, isNewMsg: false, star: false, isForwarded: false, mentionedJidList: [], labels: [] };
    }

    get isSentByMe() {
      return this.id?.fromMe;
    }
    get sender() {
      if (!this.id) return undefined;
      return this.author ?? this.from;
    }
    get senderObj() {
      return this.sender && ns('WAWebContactCollection').ContactCollection.gadd(this.sender);
    }
    get isEphemeral() {
      return Boolean(this.ephemeralDuration);
    }
    get isStatusV3() {
      return Boolean(this.id?.remote.isStatus());
    }
    get isNotification() {
      return ns('WAWebMsgType').SYSTEM_MESSAGE_TYPES.includes(this.type);
    }
    get isMedia() {
      return ns('StandinContent').isMedia(this.type);
    }
    get mediaData() {
      return this.isMedia ? ns('StandinMedia').dataOf(this) : undefined;
    }
    get mediaObject() {
      return this.isMedia ? ns('StandinMedia').objectOf(this) : undefined;
    }
    get isFailed() {
      return this.ack < 0;
    }

    unsafe() {
      return this;
    }
    safe() {
      return this;
    }
    canReply() {
      return ns('WAWebMsgReply').canReplyMsg(this);
    }
    avParams() {
      return {};
    }
    async downloadMedia() {
      if (!this.isMedia) throw new Error(`no media in message ${this.id}`);
      return ns('StandinMedia').download(this);
    }

    /** What a reply to this message carries. */
    msgContextInfo() {
      const { id, ...quoted } = ns('StandinStore').dehydrate(this.attributes);
      delete quoted.quotedMsg;
      return { quotedMsg: quoted, quotedStanzaID: this.id.id, quotedParticipant: this.sender };
    }

    updateAck(ack) {
      if (ack > this.ack || ack < 0) this.set({ ack });
    }
  }

  exports.default = defineModel(MsgModel, 'msg', props.split(' '));
}, 98);

__d('WAWebMsgCollection', ['WAWebBaseCollection', 'WAWebMsgModel', 'StandinStore'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseCollection } = ns('WAWebBaseCollection');
  const store = ns('StandinStore');

  class MsgCollection extends BaseCollection {
    static model = dflt('WAWebMsgModel');

    /** Takes in what the store has already been told of: shows it, and says so. */
    async processMultipleMessages(chatId, raws) {
      return raws.map((raw) => this.#process(chatId, raw)).filter(Boolean);
    }

    #process(chatId, raw) {
      if (raw.type === 'protocol' && raw.protocolMessageKey) return this.#protocol(raw);
      const known = this.get(raw.id);
      if (known) {
        known.set(raw);
        return known;
      }
      return this.show(chatId, raw);
    }

    #protocol(raw) {
      const target = this.get(raw.protocolMessageKey);
      if (!target) return undefined;
      if (raw.subtype === 'message_edit') {
        const { body, latestEditMsgKey, latestEditSenderTimestampMs } = raw;
        const changes = ns('StandinContent').edited(target.type, body);
        target.set({ ...changes, latestEditMsgKey, latestEditSenderTimestampMs });
      } else {
        const subtype = raw.subtype === 'admin_revoke' ? 'admin' : 'sender';
        const revokeSender = raw.author ?? raw.from;
        target.set({ ...ns('StandinContent').revoked(), subtype, revokeSender, revokeTimestamp: raw.t });
      }
      return target;
    }

    show(chatId, attributes) {
      const msg = new this.modelClass(attributes);
      const chat = ns('WAWebChatCollection').ChatCollection.get(chatId);
      // Nearly always it is the last: sorting each time would make a long chat slow.
      const last = chat?.msgs.last();
      chat?.msgs.add(msg, { silent: true });
      if (last && last.t > msg.t) chat.msgs.sort({ silent: true });
      this.add(msg);
      chat?.msgs.trigger('add', msg, chat.msgs);
      return msg;
    }

    /** Also those that are not in memory. */
    async getMessagesById(ids) {
      const found = ids.map((id) => {
        const shown = this.get(id);
        const row = store.msgs.get(String(id));
        return shown ?? (row && new this.modelClass(store.hydrate(row)));
      });
      return { messages: found.filter(Boolean) };
    }

    async search(query, page = 1, count = 20, remote) {
      const rows = [...(remote ? store.ofChat(remote) : store.msgs.values())];
      const hits = rows.filter((row) => row.body?.toLowerCase().includes(query.toLowerCase())).reverse();
      const start = (page - 1) * count;
      const messages = hits.slice(start, start + count).map((row) => new this.modelClass(store.hydrate(row)));
      return { messages, eof: start + count >= hits.length };
    }

    hasSynced() {
      return ns('WAWebSocketModel').Socket.hasSynced;
    }
    getStarred() {
      return this.filter((msg) => msg.star);
    }
  }

  Object.assign(exports, { MsgCollection: new MsgCollection(), MsgCollectionImpl: MsgCollection });
}, 98);

__d('WAWebQuotedMsgModelUtils', ['WAWebMsgModel', 'WAWebMsgKey'], (g, require, dflt, ns, lazy, module, exports) => {
  /** The quoted message as the reply carries it, under the key that it has in this chat. */
  exports.getQuotedMsgObj = (msg) => {
    if (!msg.quotedStanzaID) return undefined;
    const remote = msg.quotedRemoteJid ?? msg.id.remote;
    const fromMe = ns('WAWebUserPrefsMeUser').isMeAccount(msg.quotedParticipant);
    const participant = remote.isGroup() ? msg.quotedParticipant : undefined;
    const id = new (dflt('WAWebMsgKey'))({ fromMe, remote, id: msg.quotedStanzaID, participant });
    const shown = ns('WAWebMsgCollection').MsgCollection.get(id);
    if (shown || !msg.quotedMsg) return shown;
    return new (dflt('WAWebMsgModel'))({ ...msg.quotedMsg, id, from: msg.quotedParticipant });
  };
}, 98);

__d('WAWebMsgReply', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.canReplyMsg = (msg) => msg.ack >= 0 && !['revoked', 'protocol', 'ciphertext'].includes(msg.type);
}, 98);

__d('WAWebMsgActionCapability', ['WAWebMsgReply'], (g, require, dflt, ns, lazy, module, exports) => {
  const EDIT_WINDOW_S = 15 * 60;
  const REVOKE_WINDOW_S = 60 * 60 * 60;
  const age = (msg) => ns('WATimeUtils').unixTime() - msg.t;
  const mine = (msg) => msg.id.fromMe && msg.ack >= 1;

  Object.assign(exports, {
    canEditText: (msg) => mine(msg) && msg.type === 'chat' && age(msg) < EDIT_WINDOW_S,
    canEditCaption: (msg) => mine(msg) && ['image', 'video', 'document'].includes(msg.type) && age(msg) < EDIT_WINDOW_S,
    canReplyMsg: (msg) => ns('WAWebMsgReply').canReplyMsg(msg),
    canSenderRevokeMsg: (msg) => mine(msg) && msg.type !== 'revoked' && age(msg) < REVOKE_WINDOW_S,
    canAdminRevokeMsg: (msg) => Boolean(ns('WAWebChatCollection').ChatCollection.get(msg.id.remote)?.iAmAdmin()),
    canStarMsg: () => true,
  });
}, 98);
