'use strict';
// The model base class. Attributes are behind accessors on the prototype, so that setting one says `change:<name>`
// (model, value, previous) and then `change` (model), on the model and on **every** collection that holds it.
__d('WAWebBaseModel', ['WAWebEventEmitter'], (g, require, dflt, ns, lazy, module, exports) => {
  const EventEmitter = dflt('WAWebEventEmitter');
  const inner = new WeakMap();

  const plain = (value) => (value && typeof value.serialize === 'function' ? value.serialize() : value);

  class BaseModel extends EventEmitter {
    constructor(attributes, options) {
      super();
      inner.set(this, { attributes: {}, collections: new Set() });
      const { defaults } = this.constructor;
      Object.assign(inner.get(this).attributes, typeof defaults === 'function' ? defaults() : defaults);
      if (attributes) this.set(attributes, { silent: true });
      this.initialize(attributes, options);
    }

    initialize() {}

    get isState() {
      return true;
    }

    get attributes() {
      return inner.get(this)?.attributes;
    }

    get(name) {
      return this[name];
    }

    set(name, value, options) {
      const changes = typeof name === 'string' ? { [name]: value } : name;
      const silent = (typeof name === 'string' ? options : value)?.silent;
      const { attributes } = inner.get(this);
      const changed = [];
      for (const [key, next] of Object.entries(changes)) {
        const previous = attributes[key];
        if (!(key in this)) expose(this, key);
        if (previous === next) continue;
        attributes[key] = next;
        changed.push([key, next, previous]);
      }
      if (!silent && changed.length) {
        for (const [key, next, previous] of changed) this.$bubble(`change:${key}`, this, next, previous);
        this.$bubble('change', this);
      }
      return this;
    }

    unset(names) {
      for (const name of [names].flat()) this.set(name, undefined);
      return this;
    }

    clear() {
      return this.unset(Object.keys(this.attributes).filter((key) => key !== 'id'));
    }

    delete() {
      for (const collection of [...inner.get(this).collections]) collection.remove(this);
    }

    reset() {
      return this.clear();
    }

    serialize() {
      return Object.fromEntries(Object.entries(this.attributes).map(([key, value]) => [key, plain(value)]));
    }

    toJSON() {
      return this.serialize();
    }

    get collection() {
      return inner.get(this)?.collections.values().next().value;
    }

    $bubble(event, ...args) {
      this.trigger(event, ...args);
      for (const collection of inner.get(this).collections) collection.trigger(event, ...args);
    }
  }

  function accessor(name) {
    return {
      configurable: true,
      enumerable: false,
      // On the prototype itself there is no state: the libraries look there, and it must not throw.
      get() {
        return inner.get(this)?.attributes[name];
      },
      set(value) {
        this.set(name, value);
      },
    };
  }

  /** An attribute that the model was not declared with. */
  function expose(model, name) {
    Object.defineProperty(model, name, accessor(name));
  }

  /** Declares a model: its name in the registry's terms (`chat`, `msg`, …) and its attributes. */
  function defineModel(Class, proxyName, props) {
    const { prototype } = Class;
    Object.defineProperty(prototype, 'proxyName', { value: proxyName, configurable: true });
    Object.defineProperty(prototype, '__props', { value: props, configurable: true });
    for (const name of props) {
      if (!(name in prototype)) Object.defineProperty(prototype, name, accessor(name));
    }
    return Class;
  }

  Object.assign(exports, { BaseModel, defineModel, heldBy: (model) => inner.get(model).collections });
}, 98);
