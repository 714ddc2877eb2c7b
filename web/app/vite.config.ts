import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Puts `src/caller.html`, the body both caller pages share, where a page says `<!-- caller -->`. */
function sharedBody(): Plugin {
  const body = here('src/caller.html');
  return {
    name: 'tincan:shared-body',
    configureServer(server) {
      server.watcher.add(body);
    },
    transformIndexHtml: {
      order: 'pre',
      handler: (html) => html.replace('<!-- caller -->', () => readFileSync(body, 'utf8')),
    },
  };
}

export default defineConfig({
  plugins: [sharedBody()],
  // Under the server's Content-Security-Policy nothing may be inline: no module-preload polyfill, no data: assets.
  build: {
    outDir: 'dist',
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: here('index.html'), callerA: here('callerA.html'), callerB: here('callerB.html') },
    },
  },
  // In development the pages come from Vite and the signaling from a Tincan server on its usual port.
  server: {
    proxy: {
      '/ws': { target: 'ws://localhost:8080', ws: true },
      '/ice-servers': 'http://localhost:8080',
    },
  },
});
