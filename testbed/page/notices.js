'use strict';
// What WhatsApp itself says in a chat: rows and models as of any message, with what it is about in `subtype`,
// `recipients` and `templateParams`. What is said about a group comes with what the group is from now on.
__d('StandinNotices', ['StandinStore'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const { createWid } = ns('WAWebWidFactory');

  /** What a notice adds to its row. */
  function fields({ type, subtype, body, recipients, params }) {
    return { type, subtype, body, recipients, ...(params.length ? { templateParams: params } : {}) };
  }

  /** A notice that has just come: gives what shows it. */
  function take(stanza) {
    const { chat, group } = stanza;
    const row = ns('StandinIntake').rowOf(stanza);
    if (group) ns('StandinGroups').learn(group);
    if (!store.addMsg(row)) return null;
    store.touchChat(chat);
    return async () => {
      if (group) await tellOfMembers(stanza);
      ns('WAWebContactCollection').showContact(chat);
      const model = ns('WAWebChatCollection').showChat(chat);
      const raw = { ...store.hydrate(store.msgs.get(row.id)), isNewMsg: true };
      await ns('WAWebMsgCollection').MsgCollection.processMultipleMessages(model.id, [raw]);
    };
  }

  const OPERATIONS = { add: 'add', invite: 'add', remove: 'remove', leave: 'remove', promote: 'promote', demote: 'demote' };

  async function tellOfMembers({ chat, id, t, author, push_name: pushname, notice, group }) {
    const actionType = OPERATIONS[notice.subtype];
    if (!actionType) return void ns('StandinGroups').show(chat);
    const now = new Map(group.participants.map((participant) => [participant.id, participant]));
    const participants = notice.recipients.map((wid) => ({
      id: createWid(wid),
      isAdmin: now.get(wid)?.admin ?? false,
      isSuperAdmin: now.get(wid)?.super_admin ?? false,
    }));
    const invited = notice.subtype === 'invite';
    const action = { actionType, participants, isInvite: invited, reason: invited ? 'invite' : undefined };
    const meta = { actions: [action], author: createWid(author), chatId: createWid(chat), externalId: id, pushname, ts: t };
    await ns('WAWebUpdateDbForGroupAction').updateDBForGroupAction(meta, action);
  }

  Object.assign(exports, { fields, take });
}, 98);

// The libraries wrap this one to hear of who comes and goes.
__d('WAWebUpdateDbForGroupAction', ['StandinGroups'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.updateDBForGroupAction = async ({ chatId }) => {
    ns('StandinGroups').show(chatId);
  };
}, 98);
