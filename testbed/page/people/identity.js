'use strict';
// Who we are, and which LID is which phone number.
__d('WAWebUserPrefsMeUser', ['StandinProfile', 'WAWebWidFactory'], (g, require, dflt, ns, lazy, module, exports) => {
  const { current } = ns('StandinProfile');
  const { createWid } = ns('WAWebWidFactory');
  const pn = () => (current.credential ? createWid(`${current.credential.number}@c.us`) : undefined);
  const lid = () => (current.credential?.lid ? createWid(`${current.credential.lid}@lid`) : undefined);

  function orThrow(wid, what) {
    if (!wid) throw new Error(`${what}: no user is logged in`);
    return wid;
  }

  Object.assign(exports, {
    getMaybeMePnUser: pn,
    getMaybeMeLidUser: lid,
    getMaybeMeDevicePn: pn,
    getMaybeMeDeviceLid: lid,
    getMePnUserOrThrow: () => orThrow(pn(), 'getMePnUserOrThrow'),
    getMeLidUserOrThrow: () => orThrow(lid(), 'getMeLidUserOrThrow'),
    getMeDevicePnOrThrow: () => orThrow(pn(), 'getMeDevicePnOrThrow'),
    getMeDeviceLidOrThrow: () => orThrow(lid(), 'getMeDeviceLidOrThrow'),
    getMePNandLIDWids: () => [pn(), lid()],
    getMe: pn,
    isMeAccount: (wid) => Boolean(wid) && (String(wid) === String(pn()) || String(wid) === String(lid())),
  });
}, 98);

__d('WAWebUserPrefsGeneral', ['WAWebConnModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const prefs = { Photos: true, Audio: true, Videos: true, Documents: true };
  for (const kind of Object.keys(prefs)) {
    exports[`getAutoDownload${kind}`] = () => prefs[kind];
    exports[`setAutoDownload${kind}`] = (on) => void (prefs[kind] = on);
  }
  let theme = 'light';
  Object.assign(exports, {
    getPushname: () => ns('WAWebConnModel').Conn.pushname,
    setBrowserId: () => {},
    getUserPrivacySettings: () => ({ readReceipts: 'all', lastSeen: 'all', profilePicture: 'all', online: 'all' }),
    getTheme: () => theme,
    setTheme: (name) => void (theme = name),
  });
}, 98);

__d('WAWebLidPnCache', ['StandinStore', 'WAWebWidFactory'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const { createWid } = ns('WAWebWidFactory');
  const lidOf = new Map();

  const wid = (value) => (value ? createWid(value) : undefined);

  exports.lidPnCache = {
    getCurrentLid: (pn) => wid(lidOf.get(String(pn))),
    getPhoneNumber: (lid) => wid(store.mappings.get(String(lid))),
    has: (id) => lidOf.has(String(id)) || store.mappings.has(String(id)),
    clear: () => lidOf.clear(),
    /** From what the store holds, at start. */
    warm() {
      for (const [lid, pn] of store.mappings) lidOf.set(pn, lid);
    },
    /** Notes a pair; the caller commits the store. */
    learn(lid, pn) {
      const before = store.mappings.get(lid);
      if (before === pn) return;
      // A number is one person's at a time, and a person has one number.
      if (before && lidOf.get(before) === lid) lidOf.delete(before);
      store.note('mappings', lid, pn);
      lidOf.set(pn, lid);
    },
  };
}, 98);

// Before the contact getters, which also have a getPhoneNumber: the first match wins.
__d('WAWebApiContact', ['WAWebLidPnCache'], (g, require, dflt, ns, lazy, module, exports) => {
  const { lidPnCache } = ns('WAWebLidPnCache');
  Object.assign(exports, {
    getCurrentLid: (wid) => (wid.isLid() ? wid : (lidPnCache.getCurrentLid(wid) ?? null)),
    getPhoneNumber: (wid) => (wid.isLid() ? (lidPnCache.getPhoneNumber(wid) ?? null) : wid),
    getAlternateUserWid: (wid) =>
      (wid.isLid() ? lidPnCache.getPhoneNumber(wid) : lidPnCache.getCurrentLid(wid)) ?? null,
  });
}, 98);

__d('WAWebDBCreateLidPnMappings', ['WAWebLidPnCache'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.createLidPnMappings = async ({ mappings }) => {
    for (const { lid, pn } of mappings) ns('WAWebLidPnCache').lidPnCache.learn(String(lid), String(pn));
    await ns('StandinStore').commit();
  };
}, 98);

__d('WAWebLid1X1MigrationGating', [], (g, require, dflt, ns, lazy, module, exports) => {
  const migrated = () => document.documentElement.dataset.lidMigrated === 'true';
  exports.Lid1X1MigrationUtils = {
    isLidMigrated: migrated,
    isSyncdSessionMigrated: migrated,
    setIsLidMigrated: () => {},
    shouldApplyNonMigratedMessagingRules: () => !migrated(),
  };
}, 98);

__d('WAWebLidMigrationUtils', ['WAWebApiContact'], (g, require, dflt, ns, lazy, module, exports) => {
  Object.assign(exports, {
    toPn: (wid) => ns('WAWebApiContact').getPhoneNumber(wid),
    toLid: (wid) => ns('WAWebApiContact').getCurrentLid(wid),
    toUserLid: (wid) => ns('WAWebApiContact').getCurrentLid(wid),
    toUserLidOrThrow: (wid) => ns('WAWebWidFactory').toUserLidOrThrow(wid),
    shouldHaveAccountLid: (wid) => Boolean(wid?.isLid?.()),
  });
}, 98);

// Asks the service whether a person is on WhatsApp, and learns their LID and number from the answer.
__d('WAWebQueryExistsJob', ['StandinLink', 'WAWebWidFactory'], (g, require, dflt, ns, lazy, module, exports) => {
  const { createWid } = ns('WAWebWidFactory');

  async function queryWidExists(wid) {
    const found = await ns('StandinLink').link.ask({ op: 'exists', jid: String(wid) });
    if (!found) return null;
    if (found.lid && found.pn) {
      ns('WAWebLidPnCache').lidPnCache.learn(found.lid, found.pn);
      await ns('StandinStore').commit();
    }
    return {
      wid: createWid(found.wid),
      chat: createWid(found.chat),
      biz: false,
      bizInfo: undefined,
      disappearingMode: undefined,
      username: found.username ?? undefined,
      pushname: found.pushname,
    };
  }

  async function queryUsernameExists(username) {
    const found = await ns('StandinLink').link.ask({ op: 'username', username: String(username).replace(/^@/, '') });
    if (!found) return null;
    return { wid: createWid(found.lid ?? found.chat), biz: false, username: found.username, wasUpdated: false, isUsernameSearch: true };
  }

  /** What the username behind a LID is now; the contact shows it from then on. */
  async function queryWidUsernameExists(wid) {
    if (!wid.isLid()) return undefined;
    const found = await ns('StandinLink').link.ask({ op: 'exists', jid: String(wid) });
    if (!found) return undefined;
    const oldUsername = ns('StandinStore').contacts.get(String(wid))?.username;
    ns('StandinStore').changeContact(wid, { username: found.username ?? undefined });
    await ns('StandinStore').commit();
    ns('WAWebContactCollection').showContact(wid);
    const username = found.username ?? undefined;
    const usernameChanged = oldUsername !== undefined && oldUsername !== username;
    return { username, usernameChanged, wasPreviouslyKnown: oldUsername !== undefined, isPhoneNumberKnown: Boolean(found.pn), oldUsername };
  }

  Object.assign(exports, { queryUsernameExists, queryWidUsernameExists });
  exports.queryWidExists = queryWidExists;
  exports.queryPhoneExists = (phone) => exports.queryWidExists(createWid(`${String(phone).replace(/\D/g, '')}@c.us`));
}, 98);
