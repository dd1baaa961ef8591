'use strict';
// Collections: models by the string of their id. `get` takes what the libraries pass: a string, a Wid, a message key,
// a model, or plain attributes.
__d('WAWebCollection', ['WAWebEventEmitter', 'WAWebBaseModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const EventEmitter = dflt('WAWebEventEmitter');
  const { heldBy } = ns('WAWebBaseModel');

  function keyOf(id) {
    if (id === null || id === undefined) return undefined;
    if (typeof id !== 'object') return String(id);
    // A Wid or a message key says itself; a model or plain attributes have it in `id`.
    const ownString = id.toString !== Object.prototype.toString;
    return ownString ? String(id) : keyOf(id.id);
  }

  const keyOfModel = (model) => keyOf(model?.attributes ? model.attributes.id : model);

  class Collection extends EventEmitter {
    constructor() {
      super();
      if (!this.constructor.model) throw new Error('Collection initialized without model');
      Object.defineProperties(this, {
        _models: { value: [], writable: true },
        _index: { value: new Map(), writable: true },
      });
    }

    get modelClass() {
      return this.constructor.model;
    }
    get length() {
      return this._models.length;
    }

    isModel(value) {
      return value instanceof this.modelClass;
    }

    get(id) {
      if (id === null || id === undefined) return undefined;
      return this._index.get(this.isModel(id) ? keyOfModel(id) : keyOf(id));
    }

    assertGet(id) {
      const model = this.get(id);
      if (!model) throw new Error(`${this.constructor.name}: no model with id ${id}`);
      return model;
    }

    add(values, options = {}) {
      const added = [values].flat().map((value) => this.$addOne(value, options));
      return Array.isArray(values) ? added : added[0];
    }

    $addOne(value, { merge, silent, at } = {}) {
      const known = this.get(value);
      if (known) {
        if (merge) known.set(this.isModel(value) ? value.attributes : value);
        return known;
      }
      const model = this.isModel(value) ? value : new this.modelClass(value);
      this._index.set(keyOfModel(model), model);
      if (at === undefined) this._models.push(model);
      else this._models.splice(at, 0, model);
      heldBy(model).add(this);
      if (!silent) {
        model.trigger('add', model, this);
        this.trigger('add', model, this);
      }
      return model;
    }

    remove(values, { silent } = {}) {
      const removed = [];
      for (const value of [values].flat()) {
        const model = this.get(value);
        if (!model) continue;
        this._index.delete(keyOfModel(model));
        this._models.splice(this._models.indexOf(model), 1);
        if (!silent) {
          model.trigger('remove', model, this);
          this.trigger('remove', model, this);
        }
        heldBy(model).delete(this);
        removed.push(model);
      }
      return removed;
    }

    /** Puts a model under a new id, without events: an id changes when a chat moves from its number to its LID. */
    replaceId(model, id) {
      this._index.delete(keyOfModel(model));
      model.set({ id }, { silent: true });
      this._index.set(keyOfModel(model), model);
    }

    reset() {
      this.remove(this._models.slice(), { silent: true });
      this.trigger('reset', this);
    }

    set(values, options) {
      return this.add(values, { merge: true, ...options });
    }

    sort({ silent } = {}) {
      const { comparator } = this.constructor;
      if (comparator) this._models.sort(comparator);
      if (!silent) this.trigger('sort', this);
      return this;
    }

    at(position) {
      return this._models[position];
    }
    head() {
      return this._models[0];
    }
    last() {
      return this._models.at(-1);
    }
    where(ids) {
      return ids.map((id) => this.get(id)).filter(Boolean);
    }
    findFirst(predicate) {
      return this._models.find(predicate);
    }
    getModelsArray() {
      return this._models.slice();
    }
    toArray() {
      return this._models.slice();
    }
    serialize() {
      return this._models.map((model) => model.serialize());
    }
    toJSON() {
      return this.serialize();
    }
    includes(model) {
      return this._models.includes(model);
    }
    [Symbol.iterator]() {
      return this._models[Symbol.iterator]();
    }
  }

  for (const name of ['indexOf', 'lastIndexOf', 'every', 'some', 'forEach', 'map', 'filter', 'reduce', 'slice']) {
    Object.defineProperty(Collection.prototype, name, {
      value(...args) {
        return this._models[name](...args);
      },
    });
  }

  exports.default = Collection;
}, 98);

__d('WAWebBaseCollection', ['WAWebCollection'], (g, require, dflt, ns, lazy, module, exports) => {
  const Collection = dflt('WAWebCollection');

  /** A collection that can look an absent model up: `findQuery` asks, `find` answers with the model. */
  class BaseCollection extends Collection {
    async find(id) {
      return this.get(id) ?? this.update(id);
    }

    async update(id) {
      const found = await this.findQuery(id);
      return found && this.add(found, { merge: true });
    }

    async findQuery(id) {
      return { id };
    }

    gadd(id, options) {
      return this.get(id) ?? this.add({ id }, options);
    }

    gaddUp(id) {
      return this.gadd(id);
    }

    isStateStale() {
      return false;
    }

    onResume() {}
    initializeFromCache() {}
    saveToCache() {}
  }

  exports.BaseCollection = BaseCollection;
}, 98);
