'use strict';
// Enumerations and versions that both clients read. Values are WhatsApp Web's own.
__d('WAWebSocketConstants', [], (g, require, dflt, ns, lazy, module, exports) => {
  const same = (names) => Object.fromEntries(names.map((name) => [name, name]));
  const states = ['OPENING', 'PAIRING', 'UNPAIRED', 'UNPAIRED_IDLE', 'CONNECTED', 'TIMEOUT', 'CONFLICT', 'UNLAUNCHED'];
  const blocks = ['PROXYBLOCK', 'TOS_BLOCK', 'SMB_TOS_BLOCK', 'DEPRECATED_VERSION'];
  exports.SOCKET_STATE = same([...states, ...blocks]);
  exports.SOCKET_STREAM = same(['DISCONNECTED', 'SYNCING', 'RESUMING', 'CONNECTED']);
  exports.WATCHED_SOCKET_STATE = same(['OPEN', 'CLOSED']);
}, 98);

__d('WAWebStreamConstants', [], (g, require, dflt, ns, lazy, module, exports) => {
  const same = (names) => Object.fromEntries(names.map((name) => [name, name]));
  const modes = ['QR', 'MAIN', 'SYNCING', 'OFFLINE', 'CONFLICT', 'PROXYBLOCK', 'TOS_BLOCK', 'SMB_TOS_BLOCK'];
  exports.StreamMode = same([...modes, 'DEPRECATED_VERSION']);
  exports.StreamInfo = same(['OFFLINE', 'OPENING', 'PAIRING', 'SYNCING', 'RESUMING', 'CONNECTING', 'NORMAL']);
}, 98);

__d('WAWebAck', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.ACK = {
    MD_DOWNGRADE: -7,
    INACTIVE: -6,
    CONTENT_UNUPLOADABLE: -5,
    CONTENT_TOO_BIG: -4,
    CONTENT_GONE: -3,
    EXPIRED: -2,
    FAILED: -1,
    CLOCK: 0,
    SENT: 1,
    RECEIVED: 2,
    READ: 3,
    PLAYED: 4,
    PEER: 5,
  };
  exports.ACK_STRING = {
    SENDER: 'sender',
    DELIVERY: 'delivery',
    READ: 'read',
    PLAYED: 'played',
    INACTIVE: 'inactive',
    READ_SELF: 'read-self',
    PLAYED_SELF: 'played-self',
  };
  exports.EDIT_ATTR = { SENDER_REVOKE: 7, ADMIN_REVOKE: 8 };
}, 98);

__d('WAWebMsgType', [], (g, require, dflt, ns, lazy, module, exports) => {
  const types =
    'notification notification_template group_notification gp2 broadcast_notification e2e_notification call_log ' +
    'protocol chat location payment vcard ciphertext multi_vcard revoked oversized groups_v4_invite hsm ' +
    'template_button_reply image video audio ptt sticker document product order list interactive list_response ' +
    'buttons_response reaction native_flow poll_creation poll_update pinned_message keep_in_chat unknown';
  exports.MSG_TYPE = Object.fromEntries(types.split(' ').map((type) => [type.toUpperCase(), type]));
  exports.SYSTEM_MESSAGE_TYPES = [
    'notification',
    'notification_template',
    'group_notification',
    'gp2',
    'broadcast_notification',
    'e2e_notification',
    'call_log',
    'protocol',
  ];
}, 98);

__d('WAWebSendMsgResultAction', [], (g, require, dflt, ns, lazy, module, exports) => {
  const names = ['OK', 'ERROR_NETWORK', 'ERROR_EXPIRED', 'ERROR_CANCELLED', 'ERROR_UPLOAD', 'ERROR_UNKNOWN'];
  exports.SendMsgResult = Object.fromEntries(names.map((name) => [name, name]));
}, 98);

__d('WAWebLogoutReasonConstants', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.LogoutReason = {
    UserInitiated: 'user_initiated',
    SyncdFailure: 'syncd_failure',
    InvalidAdvStatus: 'invalid_adv_status',
    CriticalSyncTimeout: 'critical_sync_timeout',
    SyncdTimeout: 'syncd_timeout',
    HistorySyncTimeout: 'history_sync_timeout',
    AccountSyncTimeout: 'account_sync_timeout',
    MDOptOut: 'md_opt_out',
    UnknownCompanion: 'unknown_companion',
    ClientVersionOutdated: 'client_version_outdated',
    StorageQuotaExceeded: 'storage_quota_exceeded',
    PrimaryIdentityKeyChange: 'primary_identity_key_change',
    AccountLocked: 'account_locked',
    WebFailStorageInitialization: 'web_fail_storage_initialization',
  };
  exports.LOGOUT_REASON_CODE = {
    CLIENT_FATAL: '0',
    SYNC_FAIL: '1',
    INITIAL_HISTORY_SYNC_TIMEOUT: '2',
    ACCOUNT_LOCKED: '3',
  };
}, 98);

__d('WAWebLogoutReason', ['WAWebLogoutReasonConstants'], (g, require, dflt, ns, lazy, module, exports) => {
  const { LogoutReason, LOGOUT_REASON_CODE } = ns('WAWebLogoutReasonConstants');
  const codes = {
    [LogoutReason.AccountLocked]: LOGOUT_REASON_CODE.ACCOUNT_LOCKED,
    [LogoutReason.HistorySyncTimeout]: LOGOUT_REASON_CODE.INITIAL_HISTORY_SYNC_TIMEOUT,
    [LogoutReason.SyncdFailure]: LOGOUT_REASON_CODE.SYNC_FAIL,
    [LogoutReason.WebFailStorageInitialization]: LOGOUT_REASON_CODE.CLIENT_FATAL,
  };
  let previous = null;
  Object.assign(exports, {
    getErrorCodeFromLogoutReason: (reason) => codes[reason] ?? null,
    setPrevLogoutReasonCode: (code) => void (previous = code),
    getPrevLogoutReasonCode: () => previous,
    setPrevCustomLogoutMessage: () => {},
    getPrevCustomLogoutMessage: () => null,
  });
}, 98);

__d('WAWebVersionString', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.SANITIZED_VERSION_STR = document.documentElement.dataset.version;
}, 98);

__d('WAWebBuildConstants', ['WAWebVersionString'], (g, require, dflt, ns, lazy, module, exports) => {
  const version = document.documentElement.dataset.version;
  const [primary, secondary, tertiary] = version.split('.');
  Object.assign(exports, {
    VERSION_STR: version,
    VERSION_BASE: version,
    VERSION_PRIMARY: primary,
    VERSION_SECONDARY: secondary,
    VERSION_TERTIARY: tertiary,
    WINDOWS_BUILD: null,
  });
}, 98);

__d('WATimeUtils', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.unixTimeMs = () => Date.now();
  exports.unixTime = () => Math.floor(Date.now() / 1000);
}, 98);

__d('WABase64', [], (g, require, dflt, ns, lazy, module, exports) => {
  exports.encodeB64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
  exports.decodeB64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
}, 98);
