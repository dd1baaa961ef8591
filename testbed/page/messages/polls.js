'use strict';
// Polls: each voter's last choice is in the poll's row, and both clients are told of each vote by the hook that it wraps.
__d('StandinPolls', ['StandinStore', 'StandinIntake'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');

  /** Notes a choice in place of the voter's last; of a poll that is not here nothing is kept. */
  function note(poll, voter, vote) {
    const row = store.msgs.get(String(poll));
    if (row) store.changeMsg(poll, { votes: { ...row.votes, [voter]: vote } });
  }

  /** A vote that has just come: gives what tells of it. */
  function take(stanza) {
    const { chat: jid, author, from_me: fromMe, id, options, at_ms: at } = stanza;
    const { known, keyIn, me } = ns('StandinIntake');
    const chat = ns('WAWebWidFactory').createWid(jid);
    const poll = known(chat, stanza.target_from_me, stanza.target, stanza.target_author);
    const voter = author ? ns('WAWebWidFactory').createWid(author) : fromMe ? me(chat) : chat;
    note(poll, voter, { id, options, at_ms: at });
    return () => tell({ key: keyIn(chat, fromMe, id, author), poll, voter, options, at });
  }

  function tell({ key, poll, voter, options, at }) {
    const common = { selectedOptionLocalIds: options, senderTimestampMs: at, ack: 1 };
    ns('WAWebPollsVotesSchemaUtils').upsertVotesDb([{ ...common, msgKey: key, parentMsgKey: poll, sender: voter }]);
    const addon = { ...common, id: key, pollUpdateParentKey: poll, from: voter, t: at };
    ns('WAWebAddonPollVoteTableMode').pollVoteTableMode.bulkUpsert([addon]);
  }

  /** Every vote in these polls, as the table of the site has them. */
  function rowsOf(polls) {
    return polls.flatMap((poll) =>
      Object.entries(store.msgs.get(String(poll))?.votes ?? {}).map(([sender, { id, options, at_ms: at }]) => {
        const { remote, participant } = dflt('WAWebMsgKey').fromString(poll);
        const fromMe = ns('WAWebUserPrefsMeUser').isMeAccount(sender);
        const msgKey = new (dflt('WAWebMsgKey'))({ fromMe, remote, id, participant: participant && sender });
        const when = { senderTimestampMs: at, selectedOptionLocalIds: options, ack: 1 };
        return { msgKey: String(msgKey), parentMsgKey: String(poll), sender, ...when };
      }),
    );
  }

  Object.assign(exports, { note, take, tell, rowsOf });
}, 98);

__d('WAWebPollsVotesSchema', ['StandinPolls'], (g, require, dflt, ns, lazy, module, exports) => {
  const table = (name) => ({
    name,
    equals: async (columns, poll) => ns('StandinPolls').rowsOf([poll]),
    anyOf: async (columns, polls) => ns('StandinPolls').rowsOf(polls),
  });
  // The libraries know the table's module by this name, in these quotes, in the source of this function.
  exports.getTable = () => table("poll-votes");
}, 98);

__d('WAWebPollsDbSerialization', ['WAWebMsgKey', 'WAWebWidFactory'], (g, require, dflt, ns, lazy, module, exports) => {
  const MsgKey = dflt('WAWebMsgKey');
  exports.voteFromDbRow = (row) => ({
    ...row,
    msgKey: MsgKey.fromString(row.msgKey),
    parentMsgKey: MsgKey.fromString(row.parentMsgKey),
    sender: ns('WAWebWidFactory').createWid(row.sender),
  });
}, 98);

__d('WAWebPollsSendVoteMsgAction', ['StandinPolls', 'StandinOutbox'], (g, require, dflt, ns, lazy, module, exports) => {
  const MsgKey = dflt('WAWebMsgKey');

  exports.sendVote = async (msg, localIds) => {
    const { remote } = msg.id;
    const [id, at, options] = [await MsgKey.newId(), Date.now(), [...localIds]];
    const voter = ns('StandinIntake').me(remote);
    const names = msg.pollOptions.filter(({ localId }) => options.includes(localId)).map(({ name }) => name);
    ns('StandinPolls').note(msg.id, voter, { id, options, at_ms: at });
    const result = ns('StandinOutbox').note({
      kind: 'vote',
      to: String(remote),
      id,
      t: Math.floor(at / 1000),
      target: msg.id.id,
      target_from_me: msg.id.fromMe,
      target_author: ns('StandinRevoke').authorOf(msg),
      options,
      text: names.join(', '),
    });
    await ns('StandinStore').commit();
    ns('StandinOutbox').go(id);
    const key = new MsgKey({ fromMe: true, remote, id, participant: remote.isGroup() ? voter : undefined });
    ns('StandinPolls').tell({ key, poll: msg.id, voter, options, at });
    return result;
  };
}, 98);
