/** A person at the diagnostics page. */
import type { Entrance, World } from './journey.js';
import type { Person } from './person.js';
import { untilSeen } from './until.js';

export interface Diagnosis {
  readonly outlook: string;
  /** The stable name of the verdict, and the sentence. */
  readonly code: string;
  readonly verdict: string;
  readonly detail: string;
  /** Each check's status, sentence and figures, by name. */
  readonly checks: Readonly<Record<string, { status: string; says: string; figures: string[] }>>;
}

export function visit(world: World, entrance: Partial<Entrance> = {}): Promise<Person> {
  return world.enter({ as: 'A', path: '/diagnostics.html', microphone: 'words', ...entrance });
}

export function diagnosis(person: Person): Promise<Diagnosis> {
  return person.tab.run(() => {
    const at = (id: string): HTMLElement => document.getElementById(id) ?? document.createElement('i');
    const rows = [...document.querySelectorAll<HTMLElement>('.check')].map((row) => {
      const text = (part: string): string => row.querySelector(`.check__${part}`)?.textContent ?? '';
      const figures = [...row.querySelectorAll('.check__figures li')].map((item) => item.textContent ?? '');
      return [row.id.replace('check-', ''), { status: row.dataset['status'] ?? '', says: text('message'), figures }] as const;
    });
    const { outlook = '', code = '' } = at('verdict').dataset;
    return { outlook, code, verdict: at('verdict').textContent ?? '', detail: at('remedy').textContent ?? '', checks: Object.fromEntries(rows) };
  }, null);
}

/** Starts the check, says whether the tone is heard when asked, and returns what it found. */
export async function examine(person: Person, { heard = true, within = 50_000 } = {}): Promise<Diagnosis> {
  await person.tab.click('#start');
  let replied = false;
  return untilSeen(`${person.name} is told how it is`, async () => {
    if (!replied && (await isAsked(person))) {
      replied = true;
      await person.tab.click(heard ? '#heard' : '#unheard');
    }
    return diagnosis(person);
  }, ({ code }) => code !== '', within);
}

function isAsked(person: Person): Promise<boolean> {
  return person.tab.run(() => document.getElementById('question')?.hidden === false, null);
}
