import { expect } from 'vitest';
import { talking } from '../rig/calls.js';
import { journey } from '../rig/journey.js';
import { Network } from '../rig/network.js';
import type { Person } from '../rig/person.js';
import { untilSeen } from '../rig/until.js';

/** So many packets of a hundred that no redundancy makes up for it. */
const MANY = 45;
/** Three bad seconds, or five good ones, and as long again for a busy machine. */
const SOON_MS = 20_000;
/** With a relay the browser may go over to it, by TCP, where nothing is lost. */
const NO_RELAY = { TINCAN_MEDIA__MODE: 'off' };

interface Shown {
  readonly bars: number;
  readonly path: string;
  readonly label: string;
  readonly detail: string;
}

function bars(person: Person): Promise<Shown> {
  return person.tab.run(() => {
    const mark = document.getElementById('quality');
    const { bars = '-1', path = '' } = mark?.checkVisibility() ? mark.dataset : {};
    return { bars: Number(bars), path, label: mark?.ariaLabel ?? '', detail: document.getElementById('call-detail')?.textContent ?? '' };
  }, null);
}

const untilBars = (person: Person, are: (shown: Shown) => boolean): Promise<Shown> =>
  untilSeen(`${person.name}'s bars`, () => bars(person), are, SOON_MS);

for (const browser of ['chromium', 'firefox'] as const) {
  journey(`a clear call has four bars, and a card of figures behind them (${browser})`, async (world) => {
    const { a, b } = await talking(world, { b: { browser } });
    for (const person of [a, b]) {
      const shown = await untilBars(person, ({ bars }) => bars === 4);
      expect(shown).toMatchObject({ path: 'direct', label: 'Sound: clear, 4 of 4 bars. Show figures' });
      await person.tab.click('#quality');
      const figure = (id: string): Promise<string> => person.tab.run((id) => document.getElementById(`quality-${id}`)?.textContent ?? '', id);
      await untilSeen(`${person.name}'s round trip`, () => figure('rtt'), (rtt) => /^\d+ ms$/.test(rtt));
      await untilSeen(`${person.name} is heard clearly`, () => figure('remote'), (heard) => heard === 'clear');
      expect([await figure('way'), await figure('codec')]).toEqual(['direct', 'Opus']);
      await person.tab.press('Escape');
    }
  }, { within: 90_000 });
}

journey('where packets are lost, both see it, are told why, and see it pass; and the server is told', async (world) => {
  let network: Network | undefined;
  const { a, b } = await talking(world, { a: { before: async (person) => void (network = await Network.of(person)) } });
  await Promise.all([a, b].map((person) => untilBars(person, ({ bars }) => bars === 4)));
  await network?.spoil({ packetLoss: MANY });
  for (const person of [a, b]) {
    const shown = await untilBars(person, ({ bars, detail }) => bars >= 1 && bars <= 2 && detail.startsWith('Packets'));
    world.tell(`${person.name}: ${shown.label}; ${shown.detail}`);
  }
  await network?.giveBack();
  await Promise.all([a, b].map((person) => untilBars(person, ({ bars, detail }) => bars === 4 && detail.endsWith('can talk.'))));
  await a.click('hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  for (const person of [a, b]) {
    const reports = person.traffic.filter(({ type }) => type === 'call-quality').map(({ data }) => data ?? {});
    expect(reports.length).toBeGreaterThanOrEqual(2);
    expect(reports.some(({ poor }) => Number(poor) > 0)).toBe(true);
    expect(reports.at(-1)).toMatchObject({ path: 'direct' });
    expect(person.traffic.filter(({ by, type }) => by === 'server' && type === 'error')).toEqual([]);
  }
}, { env: NO_RELAY, within: 120_000 });
