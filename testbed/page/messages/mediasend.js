'use strict';
// A file on its way out: shown at once, uploaded, and only then a message like any other. Until the upload is done the
// message is in this page's memory alone: if the page goes, so does it, and nothing was sent.
__d('StandinMediaSend', ['WAWebMediaMmsV4Upload', 'StandinSend'], (g, require, dflt, ns, lazy, module, exports) => {
  const MsgKey = dflt('WAWebMsgKey');
  const AGAIN_MS = 500;
  const TRIES = 600;

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** What a message takes over of its file. */
  function fieldsOf(data) {
    const { type, mimetype, size, filehash, duration, waveform, isGif, isAnimated, fullWidth, fullHeight, preview, filename } = data;
    const looks = { duration, waveform, isGif, isAnimated, width: fullWidth, height: fullHeight, body: preview };
    const fields = { type, mimetype, size, filehash, filename, ...looks };
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  }

  async function rawOf(data, chat, { productMsgOptions, ...options }) {
    const from = ns('StandinIntake').me(chat.id);
    const { caption, footer, mentionedJidList, isForwarded, forwardingScore, isViewOnce, quotedMsg } = options;
    const id = productMsgOptions?.id ?? new MsgKey({ from, to: chat.id, id: await MsgKey.newId(), selfDir: 'out' });
    const raw = {
      ...ns('WAWebGetEphemeralFieldsMsgActionsUtils').getEphemeralFields(chat),
      ...{ from, to: chat.id, t: ns('WATimeUtils').unixTime(), ack: 0, self: 'out', local: true, isNewMsg: true },
      ...{ caption, footer, isCaptionByUser: caption !== undefined, isForwarded, forwardingScore, mentionedJidList },
      ...quotedMsg?.msgContextInfo(chat.id),
      ...fieldsOf(data),
      isViewOnce: Boolean(isViewOnce),
      ...productMsgOptions,
      // The very key that the caller made: clients compare it.
      id,
    };
    return { ...raw, type: productMsgOptions?.type ?? data.type };
  }

  /** Again and again while there is no network; what the service refuses is refused. */
  async function upload(request) {
    for (let tried = 1; ; tried += 1) {
      try {
        return (await ns('WAWebMediaMmsV4Upload').uploadMedia(request)).mediaEntry;
      } catch (error) {
        const passing = error.status === undefined || error.status >= 500;
        if (!passing || tried === TRIES) throw error;
        await pause(AGAIN_MS);
      }
    }
  }

  async function send(data, chat, options) {
    const raw = await rawOf(data, chat, options);
    const mediaObject = ns('WAWebMediaStorage').getOrCreateMediaObject(data.filehash);
    const msg = ns('StandinSend').show(chat, { ...raw, isUnsentMedia: true });
    ns('StandinMedia').attach(msg, data);
    data.mediaStage = 'UPLOADING';
    const mediaType = ns('WAWebMmsMediaTypes').msgToMediaType({ type: raw.type, isGif: raw.isGif });
    try {
      const entry = await upload({ mimetype: data.mimetype, mediaObject, mediaType });
      const { directPath, mediaKey, mediaKeyTimestamp, encFilehash, deprecatedMms3Url } = entry;
      const where = { directPath, mediaKey, mediaKeyTimestamp, encFilehash, deprecatedMms3Url };
      data.set(where);
      ns('StandinMedia').hold(data, data.mediaBlob);
      msg.set({ ...where, isUnsentMedia: false });
      const [queued, result] = ns('StandinSend').addAndSendMsgToChat(chat, { ...raw, ...where });
      await queued;
      return result;
    } catch (error) {
      reportError(error);
      data.mediaStage = 'ERROR_UPLOAD';
      msg.set({ ack: -1, isSendFailure: true });
      return { messageSendResult: 'ERROR_UPLOAD', t: raw.t };
    }
  }

  exports.send = send;
}, 98);
