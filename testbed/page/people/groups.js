'use strict';
// Groups: what they are called, who is in them, and what that makes of us.
__d('WAWebGroupParticipantModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');

  class ParticipantModel extends BaseModel {
    static defaults() {
      return { isAdmin: false, isSuperAdmin: false };
    }
    get contact() {
      return this.id && ns('WAWebContactCollection').ContactCollection.gadd(this.id);
    }
  }
  exports.default = defineModel(ParticipantModel, 'participant', ['id', 'isAdmin', 'isSuperAdmin']);
}, 98);

__d('WAWebGroupParticipantCollection', ['WAWebCollection', 'WAWebGroupParticipantModel'], (g, require, dflt, ns, lazy, module, exports) => {
  class ParticipantCollection extends dflt('WAWebCollection') {
    static model = dflt('WAWebGroupParticipantModel');

    me() {
      return this.findFirst(({ id }) => ns('WAWebUserPrefsMeUser').isMeAccount(id));
    }
    iAmMember() {
      return Boolean(this.me());
    }
    iAmRestrictedMember() {
      return false;
    }
    iAmAdmin() {
      return Boolean(this.me()?.isAdmin);
    }
    iAmSuperAdmin() {
      return Boolean(this.me()?.isSuperAdmin);
    }
    getAdmins() {
      return this.filter((participant) => participant.isAdmin);
    }
    getSuperAdmin() {
      return this.findFirst((participant) => participant.isSuperAdmin);
    }
    canAdd() {
      return this.iAmAdmin();
    }
    canPromote(participant) {
      return this.iAmAdmin() && !participant.isAdmin;
    }
    canDemote(participant) {
      return this.iAmAdmin() && participant.isAdmin && !participant.isSuperAdmin;
    }
    canRemove(participant) {
      return this.iAmAdmin() && !participant.isSuperAdmin;
    }
  }
  exports.default = ParticipantCollection;
}, 98);

__d('WAWebGroupMetadataModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');
  const props =
    'id creation owner subject subjectTime desc descId descTime descOwner restrict announce noFrequentlyForwarded ' +
    'ephemeralDuration membershipApprovalMode memberAddMode size support suspended terminated isLidAddressingMode ' +
    'isParentGroup isParentGroupClosed parentGroup defaultSubgroup stale participants pastParticipants';

  class GroupMetadataModel extends BaseModel {
    static defaults() {
      return { isParentGroup: false, restrict: false, announce: false, memberAddMode: 'admin_add', stale: true };
    }

    initialize() {
      const Participants = dflt('WAWebGroupParticipantCollection');
      this.set({ participants: new Participants(), pastParticipants: new Participants() }, { silent: true });
    }

    get groupType() {
      return this.id && 'DEFAULT';
    }
    isTrusted() {
      return true;
    }
    canSetSubject() {
      return this.participants.iAmAdmin() || !this.restrict;
    }
    canSetDescription() {
      return this.canSetSubject();
    }
    canSetGroupProperty() {
      return this.participants.iAmAdmin();
    }
    getCollection() {
      return dflt('WAWebGroupMetadataCollection');
    }
  }
  exports.default = defineModel(GroupMetadataModel, 'groupMetadata', props.split(' '));
}, 98);

__d('WAWebGroupMetadataCollection', ['WAWebBaseCollection', 'WAWebGroupMetadataModel'], (g, require, dflt, ns, lazy, module, exports) => {
  class GroupMetadataCollection extends ns('WAWebBaseCollection').BaseCollection {
    static model = dflt('WAWebGroupMetadataModel');

    /** Asks the service anew; without a network what was known last must do. */
    async update(id) {
      await ns('WAWebGroupQueryJob')
        .queryAndUpdateGroupMetadataById({ id })
        .catch(() => {});
      return this.get(id);
    }
    _handleParentGroupChange() {}
  }
  exports.default = new GroupMetadataCollection();
}, 98);

__d('StandinGroups', ['StandinStore', 'WAWebGroupMetadataCollection'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const { createWid } = ns('WAWebWidFactory');

  /** Notes what a group is now, and whom that tells us of; the caller commits the store. */
  function learn(info) {
    store.note('groups', info.id, info);
    const named = store.contacts.get(info.id)?.name;
    if (named !== info.subject) store.changeContact(info.id, { name: info.subject });
    for (const { id, lid, pn, push_name: pushname } of info.participants) {
      if (!ns('WAWebUserPrefsMeUser').isMeAccount(id)) ns('StandinIntake').learnPerson({ chat: id, lid, pn, push_name: pushname });
      else if (lid && pn) ns('WAWebLidPnCache').lidPnCache.learn(`${lid}@lid`, `${pn}@c.us`);
    }
  }

  function fill(collection, participants) {
    const wanted = new Set(participants.map(({ id }) => id));
    collection.remove(collection.filter((known) => !wanted.has(String(known.id))));
    for (const { id, admin = false, super_admin: isSuperAdmin = false } of participants) {
      collection.add({ id: createWid(id), isAdmin: admin, isSuperAdmin }, { merge: true });
    }
  }

  /** Shows a group's row of the store. */
  function show(id) {
    const row = store.groups.get(String(id));
    if (!row) return undefined;
    const group = dflt('WAWebGroupMetadataCollection').gadd(createWid(row.id));
    fill(group.participants, row.participants);
    fill(group.pastParticipants, row.past.map((past) => ({ id: past })));
    group.set({
      subject: row.subject,
      desc: row.description,
      owner: createWid(row.owner),
      creation: row.creation,
      announce: row.announce,
      isLidAddressingMode: row.lid_addressing,
      size: row.participants.length,
      stale: false,
    });
    ns('WAWebContactCollection').showContact(row.id);
    for (const { id: member } of row.participants) ns('WAWebContactCollection').showContact(member);
    return group;
  }

  Object.assign(exports, { learn, show, goesByLid: (id) => store.groups.get(String(id))?.lid_addressing ?? true });
}, 98);

__d('WAWebGroupQueryJob', ['StandinLink', 'StandinGroups'], (g, require, dflt, ns, lazy, module, exports) => {
  const { createWid } = ns('WAWebWidFactory');

  async function take(info) {
    ns('StandinGroups').learn(info);
    await ns('StandinStore').commit();
    return ns('StandinGroups').show(info.id);
  }

  Object.assign(exports, {
    async queryAndUpdateGroupMetadataById({ id }) {
      return take(await ns('StandinLink').link.ask({ op: 'group', jid: String(id) }));
    },
    async queryAllGroups() {
      const all = await ns('StandinLink').link.ask({ op: 'groups' });
      return all.map((info) => ({
        id: createWid(info.id),
        subject: info.subject,
        creation: info.creation,
        owner: createWid(info.owner),
        announce: info.announce,
        isParentGroup: false,
        size: info.participants.length,
        participants: info.participants.map(({ id }) => createWid(id)),
      }));
    },
  });
}, 98);

__d('WAWebGroupSizeLimit', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.getGroupSizeLimit = () => 1024;
}, 98);
