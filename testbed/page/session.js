'use strict';
// The connection's state as the libraries see it: Socket, Stream, Conn, Cmd, and the network.
__d('WAWebSocketModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');

  class SocketModel extends BaseModel {
    static defaults() {
      return { state: 'OPENING', stream: 'DISCONNECTED', hasSynced: false, launched: true, launchGeneration: 1 };
    }

    logout() {
      return ns('StandinSession').logout();
    }
    takeover() {
      ns('StandinSession').takeover();
    }
    poke() {
      ns('StandinSession').poke();
    }
    initConn() {}
  }
  const props = ['state', 'stream', 'hasSynced', 'canSend', 'retryTimestamp', 'launched', 'launchGeneration', 'pokeable'];
  defineModel(SocketModel, 'socket', props);

  exports.Socket = new SocketModel();
}, 98);

__d('WAWebStreamModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');

  class StreamModel extends BaseModel {
    static defaults() {
      return { info: 'OPENING', mode: 'SYNCING', needsUpdate: false, available: false };
    }

    get displayInfo() {
      return this.info;
    }
    markAvailable() {
      this.$tell(true);
    }
    markUnavailable() {
      this.$tell(false);
    }
    $tell(available) {
      this.set({ available });
      ns('StandinLink').link.send({ op: 'available', available });
    }
  }
  defineModel(StreamModel, 'stream', ['info', 'mode', 'needsUpdate', 'available', 'obscurity', 'uiActive', 'phoneAuthed']);

  exports.Stream = new StreamModel();
}, 98);

__d('WAWebConnModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');

  class ConnModel extends BaseModel {
    static defaults() {
      return { id: 'conn', connected: false, platform: 'android', is24h: true, lg: 'en', lc: 'GB', locales: 'en-GB' };
    }
    get isSMB() {
      return this.platform === 'smba' || this.platform === 'smbi';
    }
    canSetMyPushname() {
      return true;
    }
  }
  const props = 'id ref refTTL wid connected battery plugged lc lg locales is24h platform phone pushname tos blockStoreAdds';
  defineModel(ConnModel, 'conn', props.split(' '));

  Object.assign(exports, { Conn: new ConnModel(), ConnImpl: ConnModel });
}, 98);

__d('WAWebCmd', ['WAWebEventEmitter'], (g, require, dflt, ns, lazy, module, exports) => {
  class CmdImpl extends dflt('WAWebEventEmitter') {
    isMainLoaded = false;
    uiBusy = 0;

    mainLoaded() {
      this.isMainLoaded = true;
      this.trigger('main_loaded');
    }
    refreshQR() {
      ns('StandinSession').refreshQR();
    }
    logout() {
      this.trigger('logout');
    }

    /** The list comes bare, or in `{type, list}` in later versions. */
    async sendRevokeMsgs(chat, msgs) {
      await ns('StandinRevoke').revoke(chat, msgs.list ?? msgs);
    }
    async sendDeleteMsgs(chat, msgs) {
      await ns('StandinRevoke').remove(chat, msgs.list ?? msgs);
    }
    async sendStarMsgs(chat, msgs) {
      for (const msg of msgs.list ?? msgs) msg.set({ star: true });
    }
    async sendUnstarMsgs(chat, msgs) {
      for (const msg of msgs.list ?? msgs) msg.set({ star: false });
    }
    async archiveChat(chat, archive) {
      chat.set({ archive });
    }
    async openChatBottom() {
      return true;
    }
    async openChatAt() {
      return true;
    }
    async openChatFromUnread() {
      return true;
    }
    closeChat() {}
  }

  Object.assign(exports, { Cmd: new CmdImpl(), CmdImpl });
}, 98);

__d('WAWebNetworkStatus', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');

  class NetworkStatusModel extends BaseModel {
    static defaults() {
      return { online: true };
    }
    async checkOnline() {
      return this.online;
    }
  }
  defineModel(NetworkStatusModel, 'networkStatus', ['online']);

  exports.default = new NetworkStatusModel();
}, 98);

__d('WAWebBackendEventBus', ['WAWebEventEmitter'], (g, require, dflt, ns, lazy, module, exports) => {
  const names =
    'logout refresh_qr starting_logout on_initial_chat_synced on_recent_chat_history_synced on_full_chat_history_synced ' +
    'on_critical_sync_done new_history_sync_chunk_processed storage_initialization_error socket_stream_disconnected ' +
    'open_socket_stream reconnect_socket set_socket_state update_status_privacy_settings account_temporarily_banned ' +
    'account_sync_for_privacy unexpected_logout_modal initial_load_ready main_stream_mode_ready service_unavailable_503 ' +
    'offline_process_ready offline_delivery_end offline_delivery_state_reset on_ab_props_update ab_props_loaded';
  class BackendEventBus extends dflt('WAWebEventEmitter') {}
  exports.BackendEvent = Object.fromEntries(names.split(' ').map((name) => [name.toUpperCase(), name]));
  exports.BackendEventBus = new BackendEventBus();
}, 98);

__d('WAWebHistorySyncProgressModel', ['WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { BaseModel, defineModel } = ns('WAWebBaseModel');

  class HistorySyncProgressModel extends BaseModel {
    static defaults() {
      return { id: 'history', incomplete: false, realProgress: null, fakeProgress: 0, remainingPausedSeconds: 0 };
    }
    setProgress(progress) {
      this.set({ realProgress: progress, fakeProgress: progress });
    }
  }
  const props = ['id', 'incomplete', 'realProgress', 'fakeProgress', 'remainingPausedSeconds', 'inProgress', 'paused'];
  defineModel(HistorySyncProgressModel, 'historySyncProgress', props);

  exports.HistorySyncProgressModel = HistorySyncProgressModel;
}, 98);

__d('WAWebHistorySyncProgress', ['WAWebHistorySyncProgressModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const progress = new (ns('WAWebHistorySyncProgressModel').HistorySyncProgressModel)();
  exports.getHistorySyncProgressModel = () => progress;
}, 98);

__d('WAWebOfflineHandler', [], (g, require, dflt, ns, lazy, module, exports) => {
  let percent = 100;
  exports.OfflineMessageHandler = {
    getOfflineDeliveryProgress: () => percent,
    setOfflineDeliveryProgress(done) {
      percent = done;
      ns('WAWebCmd').Cmd.trigger('offline_progress_update_from_bridge');
    },
  };
}, 98);
