/**
 * From what the preflight told so far to what is shown. Pure: one snapshot in, one view out.
 */
import type { CheckName, CheckResult, CheckRunning, CheckStatus, Outlook, PreflightReport } from '@tincan/sdk';
import { ABOUT, ASK, BUTTON, CHECKS, HEADLINE, NAME, phrases } from './words.js';

export interface Snapshot {
  /** The latest that was told of each check. */
  readonly checks: ReadonlyMap<CheckName, CheckRunning | CheckResult>;
  readonly running: boolean;
  readonly report?: PreflightReport;
}

export interface Row {
  readonly name: CheckName;
  readonly title: string;
  readonly status: CheckStatus | 'waiting' | 'running';
  readonly message: string;
  readonly remedy: string;
  readonly figures: readonly string[];
  /** The microphone's level while it is listened to, 0 to 1. */
  readonly level?: number;
}

export interface View {
  readonly headline: string;
  readonly detail: string;
  readonly also: readonly string[];
  readonly outlook: Outlook | 'none' | 'running';
  readonly code: string;
  readonly startLabel: string;
  /** Whether the question about the tone is shown. */
  readonly question: boolean;
  readonly canCopy: boolean;
  readonly rows: readonly Row[];
  /** How taut the string is, 0 to 1. */
  readonly taut: number;
}

/** A string that carries sound, but not as it should. */
const LIMITED = 0.82;

export function view(now: Snapshot): View {
  const { checks, running, report } = now;
  const asked = [...checks.values()].find((check) => check.status === 'running' && check.ask !== undefined) as CheckRunning | undefined;
  return {
    ...headline(now, asked),
    startLabel: running ? BUTTON.stop : report ? BUTTON.again : BUTTON.start,
    question: asked?.ask === 'listen',
    canCopy: report !== undefined,
    rows: CHECKS.map((name) => row(name, checks.get(name))),
    taut: taut(now),
  };
}

function headline({ running, report }: Snapshot, asked: CheckRunning | undefined): Pick<View, 'headline' | 'detail' | 'also' | 'outlook' | 'code'> {
  if (running) {
    const detail = asked?.ask ? ASK[asked.ask] : HEADLINE.duringDetail;
    return { headline: HEADLINE.during, detail, also: [], outlook: 'running', code: '' };
  }
  if (!report) return { headline: HEADLINE.before, detail: HEADLINE.beforeDetail, also: [], outlook: 'none', code: '' };
  const { message, remedy = '', also, outlook, code } = report.verdict;
  return { headline: message, detail: remedy, also, outlook, code };
}

function row(name: CheckName, check: CheckRunning | CheckResult | undefined): Row {
  const base = { name, title: NAME[name], remedy: '', figures: [] };
  if (!check) return { ...base, status: 'waiting', message: ABOUT[name] };
  if (check.status === 'running') {
    const message = check.ask ? ASK[check.ask] : ABOUT[name];
    return { ...base, status: 'running', message, ...(check.level === undefined ? {} : { level: check.level }) };
  }
  return { ...base, status: check.status, message: check.message, remedy: check.remedy ?? '', figures: phrases(check.figures) };
}

/** Each check that is passed pulls the string a little; in the end the verdict says how tight it is. */
function taut({ checks, report }: Snapshot): number {
  if (report) return { good: 1, limited: LIMITED, bad: 0, unknown: 0 }[report.verdict.outlook];
  const passed = [...checks.values()].filter(({ status }) => status === 'ok' || status === 'warning');
  // The last pull is the verdict's.
  return (0.9 * passed.length) / CHECKS.length;
}
