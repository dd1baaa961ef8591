'use strict';
// What the page keeps in its own browser profile: the keys of this browser and, once linked, the device's credential.
// IndexedDB with strict durability, since the login must outlive a `kill -9` of the browser: the page reports a
// pairing as done only after this write.
__d('StandinProfile', [], (g, require, dflt, ns, lazy, module, exports) => {
  const opened = new Promise((resolve, reject) => {
    const request = indexedDB.open('wawc', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('user');
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

  async function transact(mode, act) {
    const db = await opened;
    return new Promise((resolve, reject) => {
      const transaction = db.transaction('user', mode, { durability: 'strict' });
      const request = act(transaction.objectStore('user'));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  const read = (key) => transact('readonly', (store) => store.get(key));
  const write = (key, value) => transact('readwrite', (store) => store.put(value, key));

  const current = { keys: null, credential: null };

  async function load() {
    current.keys = (await read('keys')) ?? null;
    current.credential = (await read('credential')) ?? null;
    if (!current.keys) {
      current.keys = freshKeys();
      await write('keys', current.keys);
    }
    return current;
  }

  function freshKeys() {
    const random = () => crypto.getRandomValues(new Uint8Array(32)).buffer;
    return { noise: random(), identity: random(), advSecret: random(), registrationId: Math.floor(Math.random() * 16380) };
  }

  async function saveCredential(credential) {
    await write('credential', credential);
    current.credential = credential;
  }

  async function wipe() {
    await transact('readwrite', (store) => store.clear());
    current.credential = null;
  }

  Object.assign(exports, { current, load, saveCredential, wipe });
}, 98);

// The QR's parts, and whether this browser is linked.
__d('WAWebUserPrefsInfoStore', ['StandinProfile'], (g, require, dflt, ns, lazy, module, exports) => {
  const { current } = ns('StandinProfile');
  exports.waNoiseInfo = {
    get: async () => ({ staticKeyPair: { pubKey: current.keys.noise, privKey: current.keys.noise }, recoveryToken: null }),
    set: async () => {},
  };
}, 98);

__d('WAWebSignalStoreApi', ['StandinProfile'], (g, require, dflt, ns, lazy, module, exports) => {
  const { current } = ns('StandinProfile');
  exports.waSignalStore = {
    getRegistrationInfo: async () => ({
      registrationId: current.keys.registrationId,
      identityKeyPair: { pubKey: current.keys.identity, privKey: current.keys.identity },
    }),
    setRegistrationInfo: async () => {},
  };
}, 98);

__d('WAWebUserPrefsMultiDevice', ['StandinProfile', 'WABase64'], (g, require, dflt, ns, lazy, module, exports) => {
  const { current } = ns('StandinProfile');
  Object.assign(exports, {
    isRegistered: () => Boolean(current.credential),
    isLoggedIn: () => Boolean(current.credential),
    getADVSecretKey: () => ns('WABase64').encodeB64(current.keys.advSecret),
    setADVSignedIdentity: () => {},
    clearADVSecretKey: () => {},
  });
}, 98);

__d('WAWebCompanionRegClientUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  // The number by which the QR says what kind of browser links.
  exports.DEVICE_PLATFORM = '1';
}, 98);

__d('WAWebAdvSignatureApi', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.verifyDeviceIdentityAccountSignature = () => true;
  exports.generateDeviceSignature = () => new ArrayBuffer(64);
}, 98);
