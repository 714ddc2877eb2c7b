/** The live calls: who talks, since when, and each side's curve. */
import type { LiveCall, LiveLeg } from './calls.js';
import { h } from './html.js';
import { sparkline } from './plots.js';
import { GRADES, POOR, WAYS, between, blame, grade, lasting, milliseconds, percent, score } from './words.js';

export function liveCalls(calls: readonly LiveCall[], now: number): HTMLElement[] {
  return calls.map((call) => liveCall(call, now));
}

function liveCall(call: LiveCall, now: number): HTMLElement {
  const [caller, callee] = call.legs;
  return h('li', { class: 'card', 'aria-label': `Call of ${between(call)}` },
    h('p', { class: 'card__since' }, `for ${lasting(Math.max(0, now - call.accepted_at))}`),
    h('div', { class: 'card__legs' }, side(caller, callee.leg, 'caller'), side(callee, caller.leg, 'callee')));
}

function side({ leg, latest, recent }: LiveLeg, other: string, role: string): HTMLElement {
  const head = h('p', { class: 'leg__head' }, h('span', { class: 'leg__name' }, leg), h('span', { class: 'leg__role' }, role));
  if (!latest) return h('div', { class: 'leg' }, head, h('p', { class: 'leg__quiet' }, 'Has not reported yet.'));
  const kind = grade(latest.mos);
  const figures = h('p', { class: 'leg__figures' },
    pill(latest.mos), ` ${WAYS[latest.path]} · ${milliseconds(latest.rtt_ms)} there and back · ${percent(latest.concealed_ppm)} made up`);
  const parts = [head, sparkline(leg, recent), figures];
  if (latest.mos < POOR || latest.poor > 0) parts.push(h('p', { class: `trouble is-${kind}` }, blame(latest.cause, leg, other)));
  else parts.push(h('p'));
  return h('div', { class: 'leg' }, ...parts);
}

/** A score in its grade's colour, with the grade in words. */
export function pill(mos: number): HTMLElement {
  const kind = grade(mos);
  return h('span', { class: `pill is-${kind}` }, score(mos), h('span', { class: 'pill__word' }, ` ${GRADES[kind]}`));
}
