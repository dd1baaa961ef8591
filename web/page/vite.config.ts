import { defineConfig } from 'vite';

// One classic script with one global, `crmPage`: the server puts it into the page behind the library and calls
// `crmPage.start(…)`. build.rs says where to.
export default defineConfig({
  root: 'page',
  logLevel: 'warn',
  build: {
    lib: { entry: 'main.ts', formats: ['iife'], name: 'crmPage', fileName: () => 'page.js' },
    target: 'chrome120',
    emptyOutDir: false,
  },
});
