'use strict';
// Meta's module registry: `__d` registers a factory, `require` and its kin resolve it. Both client libraries find
// WhatsApp's modules here, and patch functions on the namespace object in place: so the page, too, must look a
// function up on that object at each call (`ns('WAWebX').f()`), never keep it.
(() => {
  const modules = Object.create(null);
  /** What clients see of it. A fault for tests: the page half loaded, so that some modules are not there for them. */
  const modulesMap = Object.create(null);
  const hidden = new Set((document.documentElement.dataset.hiddenModules ?? '').split(' '));
  let guardSkipped = false;

  function resolve(id) {
    if (id === '__debug') return { modulesMap };
    const entry = modules[id];
    if (!entry) throw new Error(`Requiring unknown module "${id}"`);
    if (entry.error) throw entry.error;
    if (!entry.module) {
      const module = { exports: {} };
      entry.module = module;
      try {
        entry.factory.call(null, globalThis, require, importDefault, importNamespace, requireLazy, module, module.exports);
      } catch (error) {
        entry.error = error;
        entry.module = null;
        throw error;
      }
    }
    return entry.module.exports;
  }

  /** A module that has nothing but a default export is that export. */
  function require(id) {
    const exports = resolve(id);
    const keys = Object.keys(exports);
    return keys.length === 1 && keys[0] === 'default' ? exports.default : exports;
  }

  /** The same object at each call: patching it is how the libraries listen. */
  function importNamespace(id) {
    // The site reports a failing factory through ErrorGuard and hands out null, unless told to let it through.
    try {
      return resolve(id);
    } catch (error) {
      if (guardSkipped) throw error;
      return null;
    }
  }

  function importDefault(id) {
    const exports = resolve(id);
    return 'default' in exports ? exports.default : exports;
  }

  function requireLazy(ids, callback) {
    setTimeout(() => callback?.(...ids.map((id) => require(id))), 0);
  }

  globalThis.ErrorGuard = {
    skipGuardGlobal(skip) {
      guardSkipped = skip;
    },
    applyWithGuard: (f, context, args) => f.apply(context, args ?? []),
    guard: (f) => f,
  };
  const forClients = (look) => (id) => look(hidden.has(id) ? `${id}, which is not loaded` : id);

  globalThis.requireLazy = requireLazy;
  globalThis.importNamespace = forClients(importNamespace);
  globalThis.importDefault = forClients(importDefault);
  globalThis.require = forClients(require);
  globalThis.__d = (id, deps, factory, flags) => {
    modules[id] ??= { id, deps, factory, flags, module: null, error: null };
    if (!hidden.has(id)) modulesMap[id] = modules[id];
  };
})();
