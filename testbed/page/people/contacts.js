'use strict';
// Contacts: the person behind a chat, under the id that the chat has.
__d('WAWebContactModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');
  const props =
    'id name shortName pushname type verifiedName isBusiness isEnterprise verifiedLevel privacyMode statusMute ' +
    'sectionHeader labels disappearingModeDuration disappearingModeSettingTimestamp username phoneNumber ' +
    'isContactBlocked isAddressBookContact syncToAddressbook isContactSyncCompleted status businessProfile';

  class ContactModel extends BaseModel {
    static defaults() {
      return { type: 'in', isBusiness: false, isEnterprise: false, isContactBlocked: false, labels: [] };
    }

    isBlocked() {
      return this.isContactBlocked;
    }
    getProfilePicThumb() {
      return ns('WAWebProfilePicThumbCollection').ProfilePicThumbCollection.get(this.id);
    }
    getCollection() {
      return ns('WAWebContactCollection').ContactCollection;
    }
  }

  exports.default = defineModel(ContactModel, 'contact', props.split(' '));
}, 98);

__d('WAWebContactGetters', ['WAWebContactModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const never = () => false;
  Object.assign(exports, {
    getName: (contact) => contact.name,
    getShortName: (contact) => contact.shortName,
    getPushname: (contact) => contact.pushname,
    getNotifyName: (contact) => contact.pushname ?? '',
    getPremiumMessageName: () => undefined,
    getUserid: (contact) => contact.id.user,
    getIsMe: (contact) => ns('WAWebUserPrefsMeUser').isMeAccount(contact.id),
    getIsUser: (contact) => contact.id.isUser(),
    getIsGroup: (contact) => contact.id.isGroup(),
    getIsBroadcast: (contact) => contact.id.isBroadcast(),
    getIsNewsletter: (contact) => contact.id.isNewsletter(),
    getIsPSA: (contact) => contact.id.isPSA(),
    getIsIAS: never,
    getIsSupportAccount: never,
    getIsWAContact: (contact) => contact.id.isUser(),
    getIsEnterprise: (contact) => contact.isEnterprise,
    getCanRequestPhoneNumber: (contact) => contact.id.isLid() && !ns('WAWebApiContact').getPhoneNumber(contact.id),
    getShowBusinessCheckmarkAsPrimary: never,
    getShowBusinessCheckmarkAsSecondary: never,
    getShowBusinessCheckmarkInChatlist: never,
    getIsDisplayNameApproved: never,
    getShouldForceBusinessUpdate: never,
    getVerifiedName: (contact) => contact.verifiedName,
    getVerifiedLevel: (contact) => contact.verifiedLevel,
    getStatusMute: (contact) => contact.statusMute,
  });
}, 98);

__d('WAWebFrontendContactGetters', ['WAWebContactGetters'], (g, require, dflt, ns, lazy, module, exports) => {
  function phone(contact) {
    const pn = ns('WAWebApiContact').getPhoneNumber(contact.id);
    return pn ? `+${pn.user}` : undefined;
  }

  const mine = (contact) => Boolean(contact.isAddressBookContact);
  const displayName = (contact) => contact.name ?? (contact.pushname ? `~${contact.pushname}` : phone(contact)) ?? '';
  const formattedName = (contact) => contact.name ?? contact.pushname ?? phone(contact) ?? contact.id.user;
  const shortName = (contact) => contact.shortName ?? formattedName(contact).split(' ')[0];

  Object.assign(exports, {
    getDisplayName: displayName,
    getPnForLid: (contact) => (contact.id.isLid() ? ns('WAWebApiContact').getPhoneNumber(contact.id) : undefined),
    getUserDisplayNameForLid: displayName,
    getPhoneNumber: phone,
    getFormattedPhone: (contact) => phone(contact) ?? '',
    getFormattedUsernameOrPhone: (contact) => contact.username ?? phone(contact) ?? '',
    getFormattedName: formattedName,
    getFormattedShortName: shortName,
    getFormattedShortNameWithNonBreakingSpaces: (contact) => shortName(contact).replaceAll(' ', '\u00a0'),
    getFormattedUser: (contact) => phone(contact) ?? contact.id.user,
    getMentionName: shortName,
    getSearchName: (contact) => formattedName(contact).toLowerCase(),
    getSearchVerifiedName: () => '',
    getHeader: (contact) => formattedName(contact)[0]?.toUpperCase() ?? '#',
    getTextStatusString: () => undefined,
    getIsMyContact: mine,
  });
}, 98);

__d('WAWebContactCollection', ['WAWebBaseCollection', 'WAWebContactModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseCollection } = ns('WAWebBaseCollection');
  const store = ns('StandinStore');
  const { createWid } = ns('WAWebWidFactory');

  class ContactCollection extends BaseCollection {
    static model = dflt('WAWebContactModel');

    /** An id that we hold nothing of is still a contact: the site answers with an empty one. */
    async findQuery(id) {
      const wid = createWid(id);
      const found = await ns('WAWebQueryExistsJob').queryWidExists(wid).catch(() => null);
      return { id: wid, pushname: found?.pushname };
    }

    getFilteredContacts() {
      return this.filter((contact) => !ns('WAWebContactGetters').getIsMe(contact));
    }
  }

  const collection = new ContactCollection();

  function attributesOf(row) {
    const id = createWid(row.id);
    return { ...row, id, phoneNumber: id.isLid() ? ns('WAWebLidPnCache').lidPnCache.getPhoneNumber(id) : undefined };
  }

  /** Shows a row of the store. */
  function show(id) {
    const row = store.contacts.get(String(id));
    if (row) collection.add(attributesOf(row), { merge: true });
  }

  Object.assign(exports, {
    ContactCollection: collection,
    ContactCollectionImpl: ContactCollection,
    showContact: show,
  });
}, 98);
