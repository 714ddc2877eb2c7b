import { describe, expect, it } from 'vitest';
import type { CheckName, CheckResult, CheckRunning, Outlook, PreflightReport } from '@tincan/sdk';
import { view, type Snapshot } from '../src/diagnostics/model.js';
import { reportText, withoutAddresses } from '../src/diagnostics/report.js';
import { Run, type Running } from '../src/diagnostics/run.js';
import { CHECKS, phrases } from '../src/diagnostics/words.js';

const result = (name: CheckName, status: CheckResult['status'] = 'ok', more: Partial<CheckResult> = {}): CheckResult =>
  ({ name, status, finding: 'browser-ok', message: 'As it should be.', figures: {}, ...more });
const running = (name: CheckName, more: Partial<CheckRunning> = {}): CheckRunning => ({ name, status: 'running', ...more });
const during = (...told: (CheckResult | CheckRunning)[]): Snapshot => ({ running: true, checks: new Map(told.map((one) => [one.name, one])) });
const report = (outlook: Outlook, checks: CheckResult[] = CHECKS.map((name) => result(name))): PreflightReport =>
  ({ at: 0, durationMs: 19_400, checks, verdict: { code: 'everything-works', outlook, message: 'A verdict.', remedy: 'A remedy.', also: ['And another.'] } });
const after = (outlook: Outlook): Snapshot => ({ ...during(), running: false, report: report(outlook) });

describe('the view of a check', () => {
  it('has a row for each check from the beginning', () => {
    const { rows, startLabel, outlook } = view({ running: false, checks: new Map() });
    expect(rows.map(({ name, status }) => `${name} ${status}`)).toEqual(CHECKS.map((name) => `${name} waiting`));
    expect([startLabel, outlook]).toEqual(['Start the check', 'none']);
  });

  it('asks of the user what a check needs, in large and in its row', () => {
    const { detail, rows, question } = view(during(result('browser'), running('microphone', { ask: 'speak', level: 0.4 }), running('relay-udp')));
    expect(detail).toBe('Speak now: say a few words.');
    expect(rows[1]).toMatchObject({ status: 'running', message: 'Speak now: say a few words.', level: 0.4 });
    expect(question).toBe(false);
    expect(view(during(running('speaker', { ask: 'listen' }))).question).toBe(true);
  });

  it('pulls the string with each check that is passed, and lets the verdict say how tight it is', () => {
    const pulls = [0, 3, 8].map((n) => view(during(...CHECKS.slice(0, n).map((name) => result(name)))).taut);
    expect(pulls).toEqual([0, expect.closeTo(0.34, 2), 0.9]);
    expect(view(during(...CHECKS.map((name) => result(name, 'failed')))).taut).toBe(0);
    expect((['good', 'limited', 'bad', 'unknown'] as const).map((outlook) => view(after(outlook)).taut)).toEqual([1, 0.82, 0, 0]);
  });

  it('says the verdict in large words, with its remedy and what else is so', () => {
    expect(view(after('limited'))).toMatchObject({
      headline: 'A verdict.', detail: 'A remedy.', also: ['And another.'], outlook: 'limited', startLabel: 'Check again', canCopy: true,
    });
  });
});

describe('figures', () => {
  it('are short, with units, and without those that are not known', () => {
    expect(phrases({})).toEqual([]);
    expect(phrases({ connectMs: 149.4, packets: 200, loss: 0.115, rttMs: 48.2, rttP95Ms: 67, jitterMs: 4.83 })).toEqual([
      '11.5 % lost of 200', '48 ms there and back', '95 % within 67 ms', 'jitter 4.8 ms', 'connected in 149 ms',
    ]);
    expect(phrases({ peakDb: -21.4 })).toEqual(['loudest −21 dB']);
    expect(phrases({ nat: 'many-ports', address: '203.0.113.…' })).toEqual(['seen as 203.0.113.…', 'NAT changes ports']);
  });
});

describe('the report as text', () => {
  const text = reportText(
    report('limited', [result('relay-udp', 'failed', { finding: 'relay-unreachable', target: 'turn:198.51.100.7:3478', figures: { rttMs: 20 } })]),
    'https://203.0.113.9/diagnostics.html?guest=ada', 'A browser',
  );

  it('has the verdict, each check with its finding and figures, the page and the browser', () => {
    expect(text).toContain('Tincan check of 1970-01-01 00:00 UTC, 19 s');
    for (const line of ['A verdict.', 'A remedy.', 'And another.', 'Browser: A browser']) expect(text).toContain(line);
    expect(text).toMatch(/^Failed +Relay over UDP +As it should be\. \[relay-unreachable\]\n +20 ms there and back\n/m);
  });

  it('has no full address and no name', () => {
    for (const secret of ['198.51.100.7', '203.0.113.9', 'ada']) expect(text).not.toContain(secret);
    expect(withoutAddresses('turn:[2001:db8:1:2::7]:3478')).toBe('turn:[2001:db8:…]:3478');
    expect(withoutAddresses('turns:calls.example:443?transport=tcp')).toBe('turns:calls.example:443?transport=tcp');
  });
});

describe('a run', () => {
  function rig() {
    let tell: (told: CheckRunning | CheckResult) => void = () => {};
    let finish: (report: PreflightReport) => void = () => {};
    let heard: Promise<boolean> | undefined;
    let stopped = 0;
    const told: string[] = [];
    const shown: Snapshot[] = [];
    const run = new Run({ guest: 'ada' }, { onChange: (now) => shown.push(now), onTold: ({ name, status }) => told.push(`${name} ${status}`) }, (options) => {
      heard = options.heard?.(new AbortController().signal);
      return { done: new Promise((resolve) => (finish = resolve)), on: (_event, listener) => (tell = listener), stop: () => (stopped += 1) } satisfies Running;
    });
    return { run, told, shown, tell: (one: CheckRunning | CheckResult) => tell(one), finish: (one: PreflightReport) => finish(one), heard: () => heard, stopped: () => stopped };
  }

  it('tells once what a check asks for, however often its level changes', () => {
    const { run, told, tell } = rig();
    run.start();
    for (const level of [0.1, 0.5, 0.3]) tell(running('microphone', { ask: 'speak', level }));
    tell(result('microphone'));
    expect(told).toEqual(['microphone running', 'microphone ok']);
  });

  it('hands on whether the tone was heard', async () => {
    const { run, heard } = rig();
    run.start();
    run.heard(false);
    expect(await heard()).toBe(false);
  });

  it('begins anew after its report, and not before', async () => {
    const { run, shown, finish, stopped } = rig();
    run.start();
    run.start();
    run.stop();
    expect(stopped()).toBe(1);
    finish(report('unknown'));
    await new Promise((resolve) => setTimeout(resolve));
    expect(run.report?.verdict.outlook).toBe('unknown');
    run.start();
    expect([run.report, shown.at(-1)?.running]).toEqual([undefined, true]);
  });
});
