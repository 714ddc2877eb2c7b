import { describe, expect, it } from 'vitest';
import type { CallState, CallSummary, EndReason, Quality } from '@tincan/sdk';
import * as words from '../src/words.js';

const REASONS: readonly EndReason[] = [
  'hung_up', 'cancelled', 'declined', 'busy', 'no_answer', 'unreachable', 'answered_elsewhere', 'declined_elsewhere', 'glare', 'replaced',
  'media_failed', 'user_media_failed', 'connection_lost', 'failed',
];
const STATES: readonly Exclude<CallState, 'ended'>[] = [
  'requesting', 'delivered', 'ringing', 'incoming', 'accepting', 'negotiating', 'connected', 'reconnecting',
];
const summary = (reason: EndReason, by: CallSummary['by'], talkMs = 0): CallSummary => ({ reason, by, talkMs, at: 0 });
const call = { peer: 'Client B', outgoing: true, devices: 1, muted: false, remoteMuted: false, trouble: '' };

describe('the words', () => {
  it('have a full sentence for every end reason, whoever ended it and on both sides', () => {
    for (const reason of REASONS)
      for (const by of ['local', 'remote', 'server'] as const)
        for (const outgoing of [true, false])
          expect(words.ended(summary(reason, by), 'Client B', outgoing).why, `${reason} ${by}`).toMatch(/^[A-Z].*\.$/);
  });

  it('have a line for every call state', () => {
    for (const state of STATES) {
      const { state: headline, detail } = words.duringCall(state, call);
      expect(headline).toMatch(/^[A-Z]/);
      expect(detail).toMatch(/[.…]$/);
    }
  });

  it('tell who calls the echo what it does, and why it may not', () => {
    expect(words.displayName('echo')).toBe('Echo');
    expect(words.withoutCall('registered', 'Echo').detail).toBe('Ready. Call Echo, and hear your own voice a second later.');
    expect(words.duringCall('connected', { ...call, peer: 'Echo' }).detail).toBe('Say something. A second later you hear it.');
    expect(words.ended(summary('busy', 'server'), 'Echo', true).then).toMatch(/^As many are calling/);
    expect(words.ended(summary('unreachable', 'server'), 'Echo', true).then).toBe('This server has it switched off.');
  });

  it('never call picking up an answer', () => {
    const all = [
      ...STATES.map((state) => words.duringCall(state, call).detail),
      ...REASONS.flatMap((reason) => [true, false].map((outgoing) => Object.values(words.ended(summary(reason, 'server'), 'B', outgoing)).join(' '))),
    ].join(' ');
    expect(all).not.toMatch(/answer/i);
  });

  it('keep the original sequence: No Call, Requesting, Calling, Connected, Call Ended', () => {
    const headlines = [
      words.withoutCall('registered', 'Client B').state,
      ...(['requesting', 'delivered', 'ringing', 'negotiating', 'connected'] as const).map((state) => words.duringCall(state, call).state),
      words.ENDED,
    ];
    expect([...new Set(headlines)]).toEqual(['No Call', 'Requesting', 'Calling', 'Connected', 'Call Ended']);
  });

  it('say to how many devices the request was handed', () => {
    const handed = (devices: number): string => words.duringCall('delivered', { ...call, devices }).detail;
    expect(handed(1)).toBe('Handed to 1 device of Client B. Not ringing yet…');
    expect(handed(2)).toBe('Handed to 2 devices of Client B. Not ringing yet…');
    expect(handed(0)).toBe('Handed to Client B. Not ringing yet…');
  });

  it('say what is wrong with the sound, unless somebody is muted', () => {
    const detail = (more: object): string => words.duringCall('connected', { ...call, trouble: 'Packets are lost.', ...more }).detail;
    expect(detail({})).toBe('Packets are lost.');
    expect(detail({ muted: true })).toBe('You are muted. Client B cannot hear you.');
    expect(detail({ trouble: '' })).toBe('You and Client B can talk.');
  });

  it('have a word for every number of bars, and say the number, too', () => {
    const labels = ([0, 1, 2, 3, 4] as const).map(words.QUALITY.label);
    expect(labels[3]).toBe('Sound: fair, 3 of 4 bars. Show figures');
    expect(new Set(labels).size).toBe(5);
  });

  it('tell the figures as people read them, and what is not known', () => {
    const known: Quality = { bars: 4, remoteBars: 3, mos: 4.37, cause: 'none', sentence: '', path: 'relay_tls', rttMs: 48.4, lost: 0.0123, codec: 'opus' };
    const read = (now: Quality): string[] => Object.values(words.FIGURES).map((figure) => figure(now));
    expect(read(known)).toEqual(['4.4 of 5', 'fair', '48 ms', '1.2 %', 'relay, TLS', 'Opus']);
    expect(read({ ...known, remoteBars: undefined, rttMs: undefined, path: 'unknown', codec: undefined }))
      .toEqual(['4.4 of 5', 'not known', 'not known', '1.2 %', 'not known', 'not known']);
    expect(words.QUALITY.verdict(known)).toBe('The sound is clear.');
    expect(words.QUALITY.verdict({ ...known, sentence: 'Far away.' })).toBe('Far away.');
  });

  it('say who hung up and for how long the two talked', () => {
    expect(words.ended(summary('hung_up', 'remote', 61_000), 'Client B', true)).toEqual({ why: 'Client B hung up.', then: 'You talked for 1 minute 1 second.' });
    expect(words.ended(summary('hung_up', 'local', 5_000), 'Client B', true).why).toBe('You hung up.');
  });

  it('tell the callee of a call that was given up that they missed it', () => {
    expect(words.ended(summary('cancelled', 'remote'), 'Client A', false).why).toBe('You missed a call from Client A.');
  });

  it('name clients A to Z, and take any other name as it is', () => {
    expect(words.displayName('clientA')).toBe('Client A');
    expect(words.displayName('alice')).toBe('alice');
    expect(words.canLetter('clientB')).toBe('B');
    expect(words.canLetter('alice')).toBe('A');
  });

  it('write times for the clock and for the ear', () => {
    expect(words.clock(0)).toBe('0:00');
    expect(words.clock(125_999)).toBe('2:05');
    expect(words.clock(3_725_000)).toBe('1:02:05');
    expect(words.duration(400)).toBe('1 second');
    expect(words.duration(3_600_000)).toBe('1 hour');
  });
});
