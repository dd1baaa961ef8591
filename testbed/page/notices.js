'use strict';
// What WhatsApp itself says about a group: rows and models as of any message, with what it is about in `subtype` and
// `recipients`. It comes with what the group is from now on.
__d('StandinNotices', ['StandinStore'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const { createWid } = ns('WAWebWidFactory');

  /** A notice that has just come: gives what shows it. */
  function take(stanza) {
    const { chat, group } = stanza;
    const row = ns('StandinIntake').rowOf(stanza);
    ns('StandinGroups').learn(group);
    if (!store.addMsg(row)) return null;
    store.touchChat(chat);
    return async () => {
      await tellOfMembers(stanza);
      ns('WAWebContactCollection').showContact(chat);
      const model = ns('WAWebChatCollection').showChat(chat);
      const raw = { ...store.hydrate(store.msgs.get(row.id)), isNewMsg: true };
      await ns('WAWebMsgCollection').MsgCollection.processMultipleMessages(model.id, [raw]);
    };
  }

  const OPERATIONS = { add: 'add', invite: 'add', remove: 'remove', leave: 'remove', promote: 'promote', demote: 'demote' };

  async function tellOfMembers({ chat, id, t, author, push_name: pushname, body, group }) {
    const { subtype, recipients } = body.fields;
    const actionType = OPERATIONS[subtype];
    if (!actionType) return void ns('StandinGroups').show(chat);
    const now = new Map(group.participants.map((participant) => [participant.id, participant]));
    const participants = recipients.map((wid) => ({
      id: createWid(wid),
      isAdmin: now.get(wid)?.admin ?? false,
      isSuperAdmin: now.get(wid)?.super_admin ?? false,
    }));
    const invited = subtype === 'invite';
    const action = { actionType, participants, isInvite: invited, reason: invited ? 'invite' : undefined };
    const meta = { actions: [action], author: createWid(author), chatId: createWid(chat), externalId: id, pushname, ts: t };
    await ns('WAWebUpdateDbForGroupAction').updateDBForGroupAction(meta, action);
  }

  exports.take = take;
}, 98);

// The libraries wrap this one to hear of who comes and goes.
__d('WAWebUpdateDbForGroupAction', ['StandinGroups'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.updateDBForGroupAction = async ({ chatId }) => {
    ns('StandinGroups').show(chatId);
  };
}, 98);
