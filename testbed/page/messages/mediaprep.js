'use strict';
// Files that are about to be sent: what they are, how large, how long, their hash. The site scales pictures down and
// packs films anew; here every file goes out as it is, and a file that the browser cannot look into goes out all the same.
__d('WAWebMediaUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.getImageWidthHeight = async (blob) => {
    const bitmap = await createImageBitmap(blob);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  };
}, 98);

__d('WAWebImageUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  const STICKER = 512;

  function draw(source, width, height, maxSide) {
    const scale = Math.min(1, maxSide / Math.max(width, height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
    canvas.getContext('2d').drawImage(source, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  async function rotateAndResize(blob, type, maxSides) {
    const bitmap = await createImageBitmap(blob);
    const { width, height } = bitmap;
    const make = (side) => draw(bitmap, width, height, side).convertToBlob({ type: type ?? 'image/jpeg', quality: 0.8 });
    return { width, height, images: await Promise.all([maxSides].flat().map(make)) };
  }

  async function toWebpSticker(file) {
    const bitmap = await createImageBitmap(file);
    const scale = STICKER / Math.max(bitmap.width, bitmap.height);
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    const canvas = new OffscreenCanvas(STICKER, STICKER);
    canvas.getContext('2d').drawImage(bitmap, (STICKER - width) / 2, (STICKER - height) / 2, width, height);
    return canvas.convertToBlob({ type: 'image/webp' });
  }

  Object.assign(exports, { rotateAndResize, toWebpSticker });
}, 98);

__d('WAWebMediaPlayUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  /** Loads a file into an element until `event`; a file that it cannot play fails as the site's does. */
  async function loaded(tag, file, event, look) {
    const url = URL.createObjectURL(file);
    try {
      const element = document.createElement(tag);
      await new Promise((resolve, reject) => {
        element.addEventListener(event, resolve, { once: true });
        element.addEventListener('error', () => reject(new Error('MEDIA_ERR_SRC_NOT_SUPPORTED')), { once: true });
        Object.assign(element, { preload: 'auto', muted: true, src: url });
      });
      return look(element);
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  const seconds = ({ duration }) => (Number.isFinite(duration) ? Math.round(duration) : undefined);

  async function generateVideoThumbsAndDuration({ file, maxDimensions }) {
    return loaded('video', file, 'loadeddata', (video) => {
      const thumb = (side) => {
        const { videoWidth: fullWidth, videoHeight: fullHeight } = video;
        const scale = Math.min(1, side / Math.max(fullWidth, fullHeight));
        const canvas = document.createElement('canvas');
        Object.assign(canvas, { width: Math.max(1, fullWidth * scale), height: Math.max(1, fullHeight * scale) });
        canvas.getContext('2d').drawImage(video, 0, 0, canvas.width, canvas.height);
        return { url: canvas.toDataURL('image/jpeg'), width: canvas.width, height: canvas.height, fullWidth, fullHeight };
      };
      return { duration: seconds(video), thumbs: maxDimensions.map(thumb) };
    });
  }

  const audioDuration = (file) => loaded('audio', file, 'loadedmetadata', seconds);

  Object.assign(exports, { generateVideoThumbsAndDuration, audioDuration });
}, 98);

__d('WAWebProcessRawMedia', ['WAWebImageUtils'], (g, require, dflt, ns, lazy, module, exports) => {
  const THUMBNAIL = 72;
  const MAX_PICTURE = 16 * 1024 * 1024;

  /** The file looked into, as far as it can be. */
  const tried = (look) => look().catch(() => ({}));

  async function encoded(blob) {
    return ns('WABase64').encodeB64(await blob.arrayBuffer());
  }

  async function processRawImage(data) {
    const blob = data.forceToBlob();
    const looks = await tried(async () => {
      if (blob.size > MAX_PICTURE) return {};
      const { width, height, images } = await ns('WAWebImageUtils').rotateAndResize(blob, 'image/jpeg', [THUMBNAIL]);
      return { fullWidth: width, fullHeight: height, preview: await encoded(images[0]) };
    });
    return { type: 'image', mediaBlob: data, mimetype: data.type(), ...looks };
  }

  async function processRawSticker(data) {
    const webp = data.type() === 'image/webp';
    const mediaBlob = webp ? data : await dflt('WAWebMediaOpaqueData').createFromData(await sticker(data), 'image/webp');
    const looks = await tried(() => ns('WAWebMediaUtils').getImageWidthHeight(mediaBlob.forceToBlob()));
    return { type: 'sticker', mediaBlob, mimetype: 'image/webp', fullWidth: looks.width, fullHeight: looks.height };
  }

  const sticker = (data) => ns('WAWebImageUtils').toWebpSticker(data.forceToBlob());

  async function processRawAudioVideo(data, isPtt, precomputed, asGif) {
    const [kind] = data.type().split('/');
    const file = data.forceToBlob();
    const looks = await tried(async () => {
      if (kind === 'audio') return { duration: await ns('WAWebMediaPlayUtils').audioDuration(file) };
      const request = { file, maxDimensions: [THUMBNAIL], debugHint: 'prep', throwOnBlack: false };
      const { duration, thumbs } = await ns('WAWebMediaPlayUtils').generateVideoThumbsAndDuration(request);
      const [{ url, fullWidth, fullHeight }] = thumbs;
      return { duration, fullWidth, fullHeight, preview: url.split(',')[1] };
    });
    const type = kind === 'video' ? 'video' : isPtt ? 'ptt' : 'audio';
    return { type, mediaBlob: data, mimetype: data.type(), isGif: Boolean(kind === 'video' && asGif), ...looks, ...precomputed };
  }

  /** What a file is sent as. */
  async function processRawMedia(data, { isPtt, asDocument, asGif, asSticker, precomputedFields } = {}) {
    const [kind] = data.type().split('/');
    if (asSticker) return exports.processRawSticker(data);
    if (!asDocument && kind === 'image' && data.type() !== 'image/svg+xml') return processRawImage(data);
    if (!asDocument && (kind === 'audio' || kind === 'video')) {
      return exports.processRawAudioVideo(data, isPtt, precomputedFields, asGif);
    }
    const mimetype = data.type() || 'application/octet-stream';
    return { type: 'document', mediaBlob: data, mimetype, filename: data.forceToBlob().name };
  }

  /** An animated WebP says so in its extended header. */
  function isAnimatedWebp(buffer) {
    const bytes = new Uint8Array(buffer, 0, Math.min(buffer.byteLength, 21));
    const word = (at) => String.fromCharCode(...bytes.slice(at, at + 4));
    return word(0) === 'RIFF' && word(8) === 'WEBP' && word(12) === 'VP8X' && Boolean(bytes[20] & 2);
  }

  Object.assign(exports, { processRawMedia, processRawSticker, processRawAudioVideo, isAnimatedWebp });
}, 98);

__d('WAWebPrepRawMedia', ['WAWebProcessRawMedia', 'WAWebMediaDataModel'], (g, require, dflt, ns, lazy, module, exports) => {
  class MediaPrep {
    #prepared;

    constructor(type, prepared) {
      this.type = type;
      this._mediaData = new (dflt('WAWebMediaDataModel'))({ type, mediaStage: 'PREPARING' });
      this.#prepared = prepared.then((fields) => this._mediaData.set({ ...fields, mediaStage: 'PREPARED' }));
      // Whoever waits for it hears of its failure; nobody may.
      this.#prepared.catch(() => {});
    }

    async waitForPrep() {
      await this.#prepared;
      return this._mediaData;
    }

    async sendToChat({ chat, options = {} }) {
      return ns('StandinMediaSend').send(await this.waitForPrep(), chat, options);
    }
  }

  async function prepare(data, options) {
    if (!data.size()) throw new Error('media-fault: the file is empty');
    const fields = await ns('WAWebProcessRawMedia').processRawMedia(data, options);
    const blob = fields.mediaBlob.forceToBlob();
    const filehash = await ns('WAMediaCalculateFilehash').calculateFilehashFromBlob(blob);
    const known = { ...fields, filehash, size: blob.size };
    ns('WAWebMediaStorage').getOrCreateMediaObject(filehash).consolidate(known);
    return known;
  }

  Object.assign(exports, {
    MediaPrep,
    prepRawMedia: (data, options = {}) => new MediaPrep(null, prepare(data, options)),
    uploadProductImage: async () => {
      throw new Error('there is no catalogue here');
    },
  });
}, 98);
