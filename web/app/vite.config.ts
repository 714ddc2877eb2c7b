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

const signaling = process.env['TINCAN_URL'] ?? 'http://localhost:8080';

/** What the server sends with these pages, so that `vite preview` shows them under the same rules. */
const policy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'", "connect-src 'self'",
  "media-src 'self' blob:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ');

export default defineConfig(({ mode }) => ({
  plugins: [sharedBody()],
  // Under the server's Content-Security-Policy nothing may be inline: no module-preload polyfill, no data: assets.
  build: {
    outDir: 'dist',
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: {
        index: here('index.html'),
        callerA: here('callerA.html'),
        callerB: here('callerB.html'),
        diagnostics: here('diagnostics.html'),
        operator: here('operator.html'),
        // Never in a release: the page that shows every state with a fake device.
        ...(mode === 'states' ? { states: here('dev/states.html'), checks: here('dev/checks.html') } : {}),
      },
    },
  },
  // In development the pages come from Vite and the signaling from a Tincan server on its usual port, or at TINCAN_URL.
  server: {
    proxy: {
      '/ws': { target: signaling, ws: true },
      '/ice-servers': signaling,
      '/calls': process.env['TINCAN_METRICS_URL'] ?? 'http://localhost:9090',
    },
  },
  preview: { headers: { 'content-security-policy': policy } },
}));
