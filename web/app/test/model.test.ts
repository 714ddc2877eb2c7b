import { describe, expect, it } from 'vitest';
import type { Quality } from '@tincan/sdk';
import { view, type LiveCall, type Snapshot } from '../src/model.js';

const ready: Snapshot = { peer: 'Client B', server: 'registered', opening: false };
const during = (state: LiveCall['state'], outgoing = true): Snapshot => ({ ...ready, call: { state, outgoing, devices: 1, muted: false, remoteMuted: false } });
const after = (reason: 'hung_up' | 'connection_lost' | 'busy', by: 'local' | 'remote' | 'server'): Snapshot =>
  ({ ...ready, last: { summary: { reason, by, talkMs: 0, at: 0 }, outgoing: true } });

describe('the view', () => {
  it('offers one thing at a time: connect, then call, then hang up', () => {
    expect(view({ ...ready, server: 'idle' })).toMatchObject({ panel: 'connect', canConnect: true, canCall: false });
    expect(view(ready)).toMatchObject({ panel: 'call', canCall: true });
    expect(view({ ...ready, opening: true })).toMatchObject({ panel: 'live', callState: 'opening', headline: 'Requesting' });
    expect(view(during('connected')).panel).toBe('live');
    expect(view(during('incoming', false)).panel).toBe('incoming');
  });

  it('keeps the call buttons when the server is lost during a call', () => {
    expect(view({ ...during('connected'), server: 'reconnecting' })).toMatchObject({ panel: 'live', headline: 'Connected', server: { text: 'Reconnecting' } });
  });

  it('offers to call again when the call was lost, and only then', () => {
    expect(view(after('connection_lost', 'server')).callLabel).toBe('Call again');
    expect(view(after('hung_up', 'remote')).callLabel).toBe('Call Client B');
  });

  it('leads to the diagnostics page when this browser or its network may be to blame, and not when a person was', () => {
    expect(view(after('connection_lost', 'server')).canCheck).toBe(true);
    expect(view({ ...ready, notice: { message: 'The microphone is not allowed.', hint: '' } }).canCheck).toBe(true);
    for (const now of [ready, after('busy', 'remote'), after('hung_up', 'local'), during('reconnecting')]) expect(view(now).canCheck).toBe(false);
  });

  it('tells how many devices have the request, and goes along when there are more', () => {
    const handed = (devices: number): string => view({ ...ready, call: { ...during('delivered').call!, devices } }).detail;
    expect([1, 2].map(handed)).toEqual(['Handed to 1 device of Client B. Not ringing yet…', 'Handed to 2 devices of Client B. Not ringing yet…']);
  });

  it('plays ringback only when it rings there', () => {
    expect(view(during('requesting')).tone).toBe('none');
    expect(view(during('delivered')).tone).toBe('none');
    expect(view(during('ringing')).tone).toBe('ringback');
    expect(view(during('incoming', false)).tone).toBe('ring');
    expect(view(during('connected')).tone).toBe('none');
  });

  it('lets go of the string on the side that hung up, and breaks it when the call was lost', () => {
    expect(view(after('hung_up', 'local')).pose).toBe('ended-by-me');
    expect(view(after('hung_up', 'remote')).pose).toBe('ended-by-them');
    expect(view(after('busy', 'remote')).pose).toBe('ended');
    expect(view(after('connection_lost', 'server')).pose).toBe('ended-lost');
  });

  it('carries how the call sounds, and says in place of the detail what is wrong', () => {
    const quality: Quality = { bars: 2, remoteBars: 4, mos: 3.2, cause: 'peer_network', sentence: 'Packets are lost.', path: 'direct', rttMs: 40, lost: 0.1, codec: 'opus' };
    const now: Snapshot = { ...ready, call: { ...during('connected').call!, quality } };
    expect(view(now)).toMatchObject({ quality: { bars: 2 }, headline: 'Connected', detail: 'Packets are lost.' });
    expect(view(during('connected'))).not.toHaveProperty('quality');
  });

  it('carries the reason of the end for the page to show', () => {
    expect(view(after('busy', 'remote'))).toMatchObject({ callState: 'ended', end: { reason: 'busy', text: 'Client B is busy.' } });
  });
});
