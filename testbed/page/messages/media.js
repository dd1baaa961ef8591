'use strict';
// Media: files as the libraries hold them (opaque data, the caches by hash), and what the page knows of a message's
// file. The bytes are fetched from the service when somebody asks for them, and kept in this page's memory alone.
__d('WAWebMediaOpaqueDataBase', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.default = class OpaqueDataBase {
    released = false;
    retain() {}
    autorelease() {}
    autoreleaseWhenPromiseCompletes() {}
    throwIfReleased() {
      if (this.released) throw new Error('media-fault: the data was released');
    }
  };
}, 98);

__d('WAWebMediaOpaqueData', ['WAWebMediaOpaqueDataBase'], (g, require, dflt, ns, lazy, module, exports) => {
  class OpaqueData extends dflt('WAWebMediaOpaqueDataBase') {
    #blob;
    #url = null;

    constructor(blob) {
      super();
      this.#blob = blob;
    }

    static async createFromData(data, type) {
      const same = data instanceof Blob && (!type || data.type === type);
      return new OpaqueData(same ? data : new Blob([data], { type }));
    }
    static async createFromBase64Jpeg(base64) {
      return new OpaqueData(new Blob([ns('WABase64').decodeB64(base64)], { type: 'image/jpeg' }));
    }

    url() {
      this.throwIfReleased();
      return (this.#url ??= URL.createObjectURL(this.#blob));
    }
    size() {
      return this.#blob.size;
    }
    type() {
      return this.#blob.type;
    }
    formData() {
      return this.#blob;
    }
    forceToBlob() {
      return this.#blob;
    }
    async validate() {
      return true;
    }
    toJSON() {
      return undefined;
    }
  }
  exports.default = OpaqueData;
}, 98);

__d('WAWebMediaInMemoryBlobCache', [], (g, require, dflt, ns, lazy, module, exports) => {
  class InMemoryMediaBlobCacheImpl {
    #blobs = new Map();
    is24h = true;
    get(hash) {
      return this.#blobs.get(hash);
    }
    has(hash) {
      return this.#blobs.has(hash);
    }
    put(hash, blob) {
      this.#blobs.set(hash, blob);
    }
    getOrCreateURL(hash) {
      return this.has(hash) ? URL.createObjectURL(this.get(hash)) : undefined;
    }
    revokeURL() {}
    touch() {}
    increaseUsageCount() {}
    /** Whoever showed it last is done with it. */
    decreaseUsageCount(hash) {
      this.#blobs.delete(hash);
    }
    clear() {
      this.#blobs.clear();
    }
  }
  Object.assign(exports, { InMemoryMediaBlobCacheImpl, InMemoryMediaBlobCache: new InMemoryMediaBlobCacheImpl() });
}, 98);

// By the file's hash, as much as fits. On the site it is on the disk, and larger.
__d('WAWebMediaLruStore', [], (g, require, dflt, ns, lazy, module, exports) => {
  const MAX_BYTES = 32 * 1024 * 1024;
  const kept = new Map();
  let bytes = 0;

  function drop(hash) {
    bytes -= kept.get(hash)?.byteLength ?? 0;
    kept.delete(hash);
  }

  exports.LruMediaStore = {
    async get(hash) {
      const found = kept.get(hash);
      if (!found) return null;
      kept.delete(hash);
      kept.set(hash, found);
      return found;
    },
    async put(hash, buffer) {
      drop(hash);
      if (buffer.byteLength > MAX_BYTES) return;
      kept.set(hash, buffer);
      bytes += buffer.byteLength;
      while (bytes > MAX_BYTES) drop(kept.keys().next().value);
    },
    del: async (hash) => drop(hash),
    async clear() {
      kept.clear();
      bytes = 0;
    },
    count: async () => kept.size,
    has: async (hash) => kept.has(hash),
  };
}, 98);

__d('WAWebMediaGatingUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  const MB = 1024 * 1024;
  const LIMITS = { image: 16 * MB, audio: 100 * MB, video: 100 * MB, sticker: 1 * MB, document: 2000 * MB };
  exports.getUploadLimit = (type) => LIMITS[type] ?? LIMITS.document;
}, 98);

__d('WAWebMmsMediaTypes', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.msgToMediaType = ({ type, isGif }) => (type === 'video' && isGif ? 'gif' : type);
  exports.castToV4 = (type) => String(type).toLowerCase();
}, 98);

__d('WAWebMediaDataUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.shouldUseMediaCache = (type) => ['audio', 'document', 'image', 'ptt', 'video', 'sticker'].includes(type);
}, 98);

__d('WAWebMediaDataModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');
  const props =
    'type directPath mediaKey mediaKeyTimestamp encFilehash mediaStage size filehash mimetype mediaBlob renderableUrl ' +
    'fullHeight fullWidth aspectRatio isAnimated isViewOnce preview sidecar duration isGif filename pageCount waveform ' +
    'clientUrl deprecatedMms3Url uploadhash streamingSidecar firstFrameSidecar mediaHandle';

  class MediaData extends BaseModel {
    static defaults() {
      return { mediaStage: 'INIT', isGif: false, isAnimated: false, isViewOnce: false };
    }
    isDownloadable() {
      return Boolean(this.directPath);
    }
    isStreamable() {
      return false;
    }
    /** Without the file itself, and without what is not known. */
    serialize() {
      const { mediaBlob, ...rest } = this.attributes;
      return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    }
  }
  exports.default = defineModel(MediaData, 'mediaData', props.split(' '));
}, 98);

__d('WAWebMediaObject', [], (g, require, dflt, ns, lazy, module, exports) => {
  class MediaObject {
    contentInfo = {};
    downloadPromise = null;

    constructor(filehash) {
      this.filehash = filehash;
    }

    consolidate({ type, size, mediaBlob, duration, waveform, fullWidth, fullHeight }) {
      this.type = String(type).toUpperCase();
      this.size = size;
      if (mediaBlob) this.mediaBlob = mediaBlob;
      this.contentInfo = { duration, waveform, width: fullWidth, height: fullHeight, ...this.contentInfo };
      return this;
    }
    clearBlob() {
      this.mediaBlob = undefined;
    }
    toJSON() {
      const { filehash, size, type } = this;
      return { filehash, size, type };
    }
  }
  Object.assign(exports, { MediaObject, webMediaTypeToWamMediaType: (type) => String(type).toUpperCase() });
}, 98);

__d('WAWebMediaStorage', ['WAWebMediaObject'], (g, require, dflt, ns, lazy, module, exports) => {
  const { MediaObject } = ns('WAWebMediaObject');
  const objects = new Map();
  exports.getOrCreateMediaObject = (filehash) => {
    if (!objects.has(filehash)) objects.set(filehash, new MediaObject(filehash));
    return objects.get(filehash);
  };
}, 98);

// What the page knows of the file of each message.
__d('StandinMedia', ['WAWebMediaDataModel', 'WAWebMediaStorage'], (g, require, dflt, ns, lazy, module, exports) => {
  const store = ns('StandinStore');
  const MAX_HELD = 8;
  const known = new WeakMap();
  const held = [];

  function attach(msg, data) {
    known.set(msg, data);
    // The libraries listen on the message for what its medium goes through.
    data.on('change:mediaStage', (_, stage) => msg.trigger('change:mediaData.mediaStage', data, stage));
    return data;
  }

  function dataOf(msg) {
    const had = known.get(msg);
    if (had) return had;
    const { type, mimetype, size, filehash, encFilehash, directPath, mediaKey, mediaKeyTimestamp } = msg;
    const { duration, waveform, isGif, isViewOnce, filename, width, height } = msg;
    const what = { type, mimetype, size, filehash, encFilehash, directPath, mediaKey, mediaKeyTimestamp };
    const looks = { duration, waveform, isGif, isViewOnce, filename, fullWidth: width, fullHeight: height };
    const { mediaBlob } = objectOf(msg);
    const data = new (dflt('WAWebMediaDataModel'))({ ...what, ...looks });
    if (mediaBlob) data.set({ mediaBlob, mediaStage: 'RESOLVED' });
    return attach(msg, data);
  }

  function objectOf(msg) {
    const object = ns('WAWebMediaStorage').getOrCreateMediaObject(msg.filehash);
    object.type ??= String(msg.type).toUpperCase();
    object.size ??= msg.size;
    return object;
  }

  /** Of the files in memory the oldest go first: they can be fetched again. */
  function hold(data, blob) {
    data.set({ mediaBlob: blob, mediaStage: 'RESOLVED' });
    held.push(data);
    if (held.length > MAX_HELD) held.shift().set({ mediaBlob: undefined, mediaStage: 'INIT' });
  }

  /** Under a hash only what has it: another message may be of the same file, and whole. */
  const fits = async (filehash, buffer) => ns('WABase64').encodeB64(await ns('StandinSeal').sha256(buffer)) === filehash;

  /** Answers also when the file is gone: what became of it is in `mediaStage`. Without a network it throws. */
  async function download(msg) {
    const object = objectOf(msg);
    object.downloadPromise ??= fetchMedium(msg).finally(() => (object.downloadPromise = null));
    return object.downloadPromise;
  }

  async function fetchMedium(msg) {
    const data = dataOf(msg);
    if (data.mediaBlob) return;
    data.mediaStage = 'FETCHING';
    try {
      const { directPath, encFilehash, filehash, mediaKey, mediaKeyTimestamp, type } = msg;
      const request = { directPath, encFilehash, filehash, mediaKey, mediaKeyTimestamp, type };
      const buffer = await ns('WAWebDownloadManager').downloadManager.downloadAndMaybeDecrypt(request);
      if (await fits(filehash, buffer)) await ns('WAWebMediaLruStore').LruMediaStore.put(filehash, buffer);
      hold(data, await dflt('WAWebMediaOpaqueData').createFromData(buffer, msg.mimetype));
    } catch (error) {
      if (error.status === 404 || error.status === 410) askAgain(msg, data);
      else if (error.name === 'MediaDecryptionError') data.mediaStage = 'ERROR_UNKNOWN';
      else {
        data.mediaStage = 'NEED_POKE';
        throw error;
      }
    }
  }

  /** The phone uploads it again, if it has it; whoever wants the file asks once more. */
  function askAgain(msg, data) {
    data.mediaStage = 'REUPLOADING';
    ns('StandinLink')
      .link.ask({ op: 'media_retry', path: String(msg.directPath) })
      .then(async (directPath) => {
        store.changeMsg(msg.id, { directPath });
        await store.commit();
        msg.set({ directPath });
        data.set({ directPath, mediaStage: 'INIT' });
      })
      .catch(({ message }) => (data.mediaStage = message === 'offline' ? 'INIT' : 'ERROR_MISSING'));
  }

  Object.assign(exports, { attach, dataOf, objectOf, hold, download });
}, 98);
