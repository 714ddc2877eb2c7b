// Takes a picture of every state: `npm run states` in one terminal, `npm run shoot -- <folder> [pattern]` in another.
// With AXE=1 it looks for accessibility faults, too. CHROMIUM names the browser.
import { mkdirSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const [folder = 'shots', only = ''] = process.argv.slice(2);
const checks = ['before', 'speak', 'listen', 'good', 'udp-blocked', 'mic-silent', 'server-gone', 'stopped'];
const base = process.env.BASE ?? 'http://localhost:4173';
const states = ['idle', 'registering', 'registered', 'requesting', 'delivered', 'ringing', 'incoming', 'negotiating', 'connected', 'connected-muted',
  'connected-relay', 'connected-blocked', 'connected-fair', 'connected-poor', 'connected-bad', 'connected-figures', 'reconnecting', 'ended-me', 'ended-them', 'busy', 'unreachable', 'elsewhere', 'lost', 'failed', 'error', 'server-lost'];
const looks = [
  { name: 'desk-light', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  { name: 'desk-dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  { name: 'phone-light', viewport: { width: 390, height: 844 }, colorScheme: 'light', deviceScaleFactor: 2 },
  { name: 'small-dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark', deviceScaleFactor: 2 },
];

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
let violations = 0;
for (const { name, ...look } of looks) {
  const page = await (await browser.newContext(look)).newPage();
  page.on('console', (message) => message.type() === 'error' && console.log(`${name}: ${message.text()}`));
  page.on('pageerror', (error) => console.log(`${name}: ${error}`));
  const pages = [
    ['landing', '/'],
    ...states.map((state) => [state, `/dev/states.html?state=${state}`]),
    ...checks.map((state) => [`check-${state}`, `/dev/checks.html?state=${state}`]),
  ];
  for (const [state, path] of pages) {
    if (only && !`${name}/${state}`.match(new RegExp(only))) continue;
    await page.goto(base + path);
    await page.waitForTimeout(1900);
    if (state === 'connected-figures') await page.click('#quality');
    await page.screenshot({ path: `${folder}/${name}-${state}.png`, fullPage: state.startsWith('check-') });
    if (process.env.AXE) {
      const { violations: found } = await new AxeBuilder({ page }).analyze();
      violations += found.length;
      for (const { id, nodes } of found) console.log(`${name}/${state}: ${id}: ${nodes.map((node) => `${node.html} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
    }
  }
}
await browser.close();
if (process.env.AXE) console.log(`axe: ${violations} violations`);
