'use strict';
// The emitter beneath every model, collection and bus: several names in one string, `this` as given, `all` for every
// event. Listeners live in a WeakMap, so that nothing of it is enumerable on a model.
__d('WAWebEventEmitter', [], (g, require, dflt, ns, lazy, module, exports) => {
  const registered = new WeakMap();
  const silenced = new WeakMap();

  function table(emitter) {
    let found = registered.get(emitter);
    if (!found) registered.set(emitter, (found = new Map()));
    return found;
  }

  const split = (names) => String(names).trim().split(/\s+/);

  class EventEmitter {
    on(names, callback, context) {
      if (typeof callback !== 'function') throw new TypeError('Callback parameter passed is not a function');
      for (const name of split(names)) {
        const listeners = table(this).get(name) ?? [];
        table(this).set(name, [...listeners, { callback, context, once: false }]);
      }
      return this;
    }

    once(names, callback, context) {
      if (typeof callback !== 'function') throw new TypeError('Callback parameter passed is not a function');
      for (const name of split(names)) {
        const listeners = table(this).get(name) ?? [];
        table(this).set(name, [...listeners, { callback, context, once: true }]);
      }
      return this;
    }

    off(names, callback, context) {
      const events = table(this);
      for (const name of names ? split(names) : [...events.keys()]) {
        const kept = (events.get(name) ?? []).filter(
          (l) => (callback && l.callback !== callback) || (context && l.context !== context),
        );
        if (kept.length) events.set(name, kept);
        else events.delete(name);
      }
      return this;
    }

    trigger(names, ...args) {
      for (const name of split(names)) {
        if (silenced.get(this)?.has(name)) continue;
        this.$fire(name, args);
        if (name !== 'all') this.$fire('all', [name, ...args]);
      }
      return this;
    }

    $fire(name, args) {
      const listeners = registered.get(this)?.get(name);
      if (!listeners) return;
      for (const listener of listeners) {
        if (listener.once) {
          const now = table(this).get(name) ?? [];
          table(this).set(name, now.filter((l) => l !== listener));
        }
        try {
          listener.callback.apply(listener.context ?? this, args);
        } catch (error) {
          // One faulty listener must not stop the page from taking messages in.
          reportError(error);
        }
      }
    }

    listenTo(other, names, callback) {
      other.on(names, callback, this);
      return this;
    }

    listenToOnce(other, names, callback) {
      other.once(names, callback, this);
      return this;
    }

    listenToAndRun(other, names, callback) {
      this.listenTo(other, names, callback);
      callback.call(this);
      return this;
    }

    stopListening(other, names, callback) {
      other?.off(names, callback, this);
      return this;
    }

    isListening(name) {
      return Boolean(registered.get(this)?.get(name)?.length);
    }

    removeAllListeners() {
      registered.delete(this);
      return this;
    }

    bind(...args) {
      return this.on(...args);
    }
    unbind(...args) {
      return this.off(...args);
    }
    removeListener(...args) {
      return this.off(...args);
    }
    emit(...args) {
      return this.trigger(...args);
    }
  }

  /** A fault that the control API can cause: an emitter that goes deaf for an event, as has been seen in the field. */
  EventEmitter.silence = (emitter, name) => {
    const names = silenced.get(emitter) ?? new Set();
    silenced.set(emitter, names.add(name));
  };

  exports.default = EventEmitter;
}, 98);
