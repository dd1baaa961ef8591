'use strict';
// What a message is besides its text, between the page's models and the service: its type, and the fields that go with
// it. Whatever is not named here stays in this browser, as it has no place in what WhatsApp's phones send each other.
__d('StandinContent', [], (g, require, dflt, ns, lazy, module, exports) => {
  const MEDIA = ['image', 'video', 'ptv', 'audio', 'ptt', 'document', 'sticker'];
  const SENT = {
    every: 'isForwarded forwardingScore mentionedJidList groupMentions ephemeralDuration ephemeralSettingTimestamp footer title',
    media:
      'body mimetype size filehash encFilehash directPath mediaKey mediaKeyTimestamp duration waveform width height isGif ' +
      'isViewOnce isAnimated pageCount',
    document: 'filename',
    location: 'body lat lng loc clientUrl isLive accuracy speed degrees shareDuration sequence comment',
    vcard: 'body vcardFormattedName',
    multi_vcard: 'vcardList',
    poll_creation: 'pollName pollOptions pollSelectableOptionsCount',
    list: 'body list',
    buttons_response: 'body selectedButtonId',
    list_response: 'body listResponse',
    template_button_reply: 'body selectedId selectedIndex',
  };

  const isMedia = (type) => MEDIA.includes(type);

  /** The fields in which a client leaves what the site derives from the medium. */
  function settled(raw) {
    if (!isMedia(raw.type)) return raw;
    const mimetype = raw.mimetype ?? (raw.type === 'sticker' ? 'image/webp' : undefined);
    return { ...raw, mimetype, width: raw.width ?? raw.fullWidth, height: raw.height ?? raw.fullHeight };
  }

  function plain(value) {
    if (ArrayBuffer.isView(value)) return [...value];
    if (Array.isArray(value)) return value.map(plain);
    if (value && typeof value === 'object' && value.toString !== Object.prototype.toString) return String(value);
    return value;
  }

  /** What goes out for a message that a client made: `text`, and `body` where it is more than a text. */
  function ofRaw(raw) {
    const names = [SENT.every, isMedia(raw.type) ? SENT.media : '', SENT[raw.type] ?? ''].join(' ').split(' ');
    const fields = {};
    for (const name of names.filter(Boolean)) {
      const value = plain(raw[name]);
      const empty = value === undefined || value === null || value === false || (Array.isArray(value) && !value.length);
      if (!empty) fields[name] = value;
    }
    if (isMedia(raw.type)) return { text: raw.isCaptionByUser === false ? '' : (raw.caption ?? ''), body: { type: raw.type, fields } };
    return { text: raw.type === 'chat' ? (raw.body ?? '') : '', body: { type: raw.type, fields } };
  }

  /** The fields of a message that the service brings. */
  function ofStanza({ kind, text, body, votes }) {
    if (kind === 'ciphertext') return { type: 'ciphertext' };
    const { type = 'chat', fields = {} } = body ?? {};
    if (type === 'chat') return { ...fields, type, body: text };
    if (!isMedia(type)) return { ...fields, type, body: fields.body ?? (text || undefined), votes };
    return { ...fields, type, ...captionOf(type, text, fields), ...urlOf(fields) };
  }

  const urlOf = ({ directPath }) => (directPath ? { deprecatedMms3Url: location.origin + directPath } : {});

  /** A document that nobody wrote anything under has its name for a caption. */
  function captionOf(type, text, { filename }) {
    if (text) return { caption: text, isCaptionByUser: true };
    return type === 'document' ? { caption: filename, isCaptionByUser: false } : {};
  }

  /** What an edit changes, which under a medium is the caption. */
  const edited = (type, text) => (isMedia(type) ? { caption: text, isCaptionByUser: true } : { body: text });

  /** What is left of a message that was deleted for everyone. */
  function revoked() {
    const gone = Object.values(SENT).join(' ').split(' ');
    return { ...Object.fromEntries(gone.map((name) => [name, undefined])), caption: undefined, type: 'revoked', subtype: 'sender' };
  }

  /** What a reply shows of the message that it quotes. */
  const quotedText = (quoted) => (isMedia(quoted?.type) ? quoted.caption : quoted?.body) ?? '';

  Object.assign(exports, { isMedia, settled, ofRaw, ofStanza, edited, revoked, quotedText });
}, 98);
