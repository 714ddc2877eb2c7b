/**
 * The operator's page: how calls are, and how they were. It asks the server every few seconds for what is live, and for what
 * ended when a call has left the live ones. Only the metrics listener serves it.
 */
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/operator.css';
import { element, say, show } from '../ui/dom.js';
import { NoCalls, ask, type Calls, type EndedCall } from './calls.js';
import { EndedTable } from './ended.js';
import { liveCalls } from './live.js';
import { scores, scoresInWords, ways, waysInWords } from './plots.js';

const LIVE_EVERY_MS = 5_000;
const ALL_EVERY_MS = 60_000;
const PAGE = 50;
/** Kept by this tab only. */
const KEPT = 'tincan.operator.token';

const table = new EndedTable(element('ended'));
const door = element('door', HTMLFormElement);
const input = element('token', HTMLInputElement);
const more = element('more', HTMLButtonElement);
const ended = new Map<number, EndedCall>();
let token = sessionStorage.getItem(KEPT) ?? '';
let next: number | null = null;
let live = new Set<string>();
let allAt = -Infinity;

/** Asks, shows, and says what went wrong. Returns whether it went well. */
async function refresh(): Promise<boolean> {
  const all = performance.now() - allAt > ALL_EVERY_MS;
  try {
    const calls = await ask(token, { ended: all ? PAGE : 0 });
    if (all) take(calls);
    else if ([...live].some((call) => !calls.live.some((it) => it.call === call))) allAt = -Infinity;
    showLive(calls);
    show(door, false);
    show(element('sheet'), true);
    // Not read aloud: it changes all the time. What goes wrong is.
    say(element('state'), `As of ${new Date(calls.now).toLocaleTimeString('en-GB')}`);
    say(element('trouble'), '');
    return true;
  } catch (error) {
    fail(error);
    return false;
  }
}

function fail(error: unknown): void {
  if (error instanceof NoCalls && error.status === 401) {
    show(door, true);
    show(element('sheet'), false);
    say(element('state'), '');
    say(element('door-error'), token === '' ? '' : 'The server does not know that token.');
    if (document.activeElement === document.body) input.focus();
    return;
  }
  const why = error instanceof NoCalls && error.status > 0 ? error.message : 'The server does not answer.';
  say(element('trouble'), `${why} Trying again.`);
}

function take(calls: Calls): void {
  if (calls.ended.every(({ row }) => !ended.has(row))) {
    // Nothing in common with what was there: what lies between is not known, so it starts anew.
    ended.clear();
    next = calls.next;
  }
  for (const call of calls.ended) ended.set(call.row, call);
  allAt = performance.now();
  if (calls.day) {
    element('mos-plot').replaceChildren(scores(calls.day));
    element('path-plot').replaceChildren(ways(calls.day));
    say(element('mos-caption'), `Legs by opinion score. ${scoresInWords(calls.day)}`);
    say(element('path-caption'), `Legs by the way their sound took. ${waysInWords(calls.day)}`);
  }
  showEnded();
}

function showLive(calls: Calls): void {
  live = new Set(calls.live.map(({ call }) => call));
  element('live').replaceChildren(...liveCalls(calls.live, calls.now));
  const some = calls.live.length < calls.live_total ? ` The ${calls.live.length} worst are shown.` : '';
  const one = calls.live_total === 1 ? 'One call is' : `${calls.live_total} calls are`;
  say(element('live-note'), calls.live_total === 0 ? 'Nobody is talking.' : `${one} live, the worst first.${some} Below the dashed line the sound is poor.`);
}

function showEnded(): void {
  table.show([...ended.values()]);
  say(element('ended-note'), ended.size === 0 ? 'No call has ended yet.' : 'Each leg’s score is of the whole call: the caller’s, then the callee’s.');
  show(more, next !== null);
}

more.addEventListener('click', () => {
  if (next === null) return;
  ask(token, { ended: PAGE, before: next }).then((calls) => {
    for (const call of calls.ended) ended.set(call.row, call);
    next = calls.next;
    showEnded();
    if (next === null) element('ended-title').focus();
  }, fail);
});

door.addEventListener('submit', (event) => {
  event.preventDefault();
  token = input.value.trim();
  refresh().then((good) => {
    if (!good) return;
    sessionStorage.setItem(KEPT, token);
    input.value = '';
    element('ended-title').focus();
  }, fail);
});

/** Asks again, if somebody looks and is let in. */
function again(): void {
  if (!document.hidden && door.hidden) void refresh();
}

document.addEventListener('visibilitychange', again);
setInterval(again, LIVE_EVERY_MS);
await refresh();
