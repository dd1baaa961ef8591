'use strict';
// Files between the page and the service. On the site they are encrypted under the message's key; here only the seal of
// ten bytes at the end depends on the key. The page refuses what does not fit its seal, and nothing else: whether the file
// is the one that the message tells the hash of is left to whoever reads it.
__d('StandinSeal', ['WABase64'], (g, require, dflt, ns, lazy, module, exports) => {
  const SEAL = 10;
  const sha256 = (buffer) => crypto.subtle.digest('SHA-256', buffer);

  async function seal(key, buffer) {
    const text = new TextEncoder().encode(key);
    const hash = new Uint8Array(await sha256(buffer));
    return new Uint8Array(await sha256(new Uint8Array([...text, ...hash]))).slice(0, SEAL);
  }

  /** The file of what the service has; throws when it was altered. */
  async function open(key, stored) {
    const end = stored.byteLength - SEAL;
    if (end < 0) throw altered();
    const file = stored.slice(0, end);
    const right = await seal(key, file);
    const found = new Uint8Array(stored, end);
    if (!right.every((byte, at) => byte === found[at])) throw altered();
    return file;
  }

  function altered() {
    const error = new Error('media-fault: the seal of the file is wrong');
    error.name = 'MediaDecryptionError';
    return error;
  }

  Object.assign(exports, { seal, open, sha256 });
}, 98);

__d('WAMediaCalculateFilehash', ['StandinSeal'], (g, require, dflt, ns, lazy, module, exports) => {
  const { encodeB64 } = ns('WABase64');
  exports.calculateFilehashFromBlob = async (blob) => encodeB64(await ns('StandinSeal').sha256(await blob.arrayBuffer()));
  exports.getRandomFilehash = async () => encodeB64(crypto.getRandomValues(new Uint8Array(32)));
}, 98);

__d('WAWebDownloadManager', ['StandinSeal'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.downloadManager = {
    async downloadAndMaybeDecrypt({ directPath, mediaKey, signal }) {
      const response = await fetch(directPath, { signal });
      if (!response.ok) throw Object.assign(new Error(`media-fault: HTTP ${response.status}`), { status: response.status });
      return ns('StandinSeal').open(mediaKey, await response.arrayBuffer());
    },
  };
}, 98);

__d('WAWebStartMediaUploadQpl', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.startMediaUploadQpl = () => ({ addAnnotations: () => {}, addPoint: () => {}, end: () => {} });
}, 98);

__d('WAWebUploadManager', ['StandinSeal'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.encryptAndUpload = async ({ blob, type, mediaKey, signal }) => {
    const { device, secret } = ns('StandinProfile').current.credential;
    const stored = new Blob([blob, await ns('StandinSeal').seal(mediaKey, await blob.arrayBuffer())]);
    const url = `/mms/${type}?device=${device}&secret=${secret}`;
    const response = await fetch(url, { method: 'POST', body: stored, signal });
    if (!response.ok) throw Object.assign(new Error(`media-fault: HTTP ${response.status}`), { status: response.status });
    const { direct_path: directPath, enc_filehash: encFilehash } = await response.json();
    const mediaKeyTimestamp = ns('WATimeUtils').unixTime();
    return { url: location.origin + directPath, directPath, encFilehash, mediaKey, mediaKeyTimestamp };
  };
}, 98);

__d('WAWebMediaMmsV4Upload', ['WAWebUploadManager', 'WABase64'], (g, require, dflt, ns, lazy, module, exports) => {
  exports.uploadMedia = async ({ mediaObject, mediaType, signal }) => {
    const blob = mediaObject.mediaBlob.forceToBlob();
    const mediaKey = ns('WABase64').encodeB64(crypto.getRandomValues(new Uint8Array(32)));
    const uploaded = await ns('WAWebUploadManager').encryptAndUpload({ blob, type: mediaType, mediaKey, signal });
    const { url, encFilehash, directPath, mediaKeyTimestamp } = uploaded;
    const mediaEntry = { mmsUrl: url, deprecatedMms3Url: url, directPath, mediaKey, mediaKeyTimestamp };
    return { kind: 'success', mediaEntry: { ...mediaEntry, encFilehash, uploadHash: encFilehash } };
  };
  exports.uploadUnencryptedMedia = (options) => exports.uploadMedia(options);
}, 98);

__d('WAWebMediaUploadMmsThumbnail', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.default = async () => ({ kind: 'success', mediaEntry: null, filehash: null });
}, 98);
