/**
 * The caller page with a fake device, in the state that the address names: `/dev/states.html?state=ringing`.
 * Without a state the fake plays along: Connect, Call, and it is accepted after five seconds.
 */
import '../src/styles/tokens.css';
import '../src/styles/base.css';
import '../src/styles/caller.css';
import '../src/styles/dock.css';
import '../src/styles/drawer.css';
import '../src/styles/quality.css';
import '../src/styles/scene.css';
import { CallError, type CallState, type CallSummary, type Quality } from '@tincan/sdk';
import { readIdentity } from '../src/identity.js';
import { startPage } from '../src/start.js';
import { asDevice, FakeCall, FakeDevice } from './fake.js';

const query = new URLSearchParams(location.search);
const state = query.get('state') ?? '';
const device = new FakeDevice();
const root = document.documentElement;
if (query.get('side') === 'b') Object.assign(root.dataset, { side: 'b', guest: 'clientB', peer: 'clientA' });
const identity = readIdentity(root.dataset, location.search);
startPage(asDevice(device), identity);

const SOUNDS: Record<string, Partial<Quality>> = {
  fair: { bars: 3, mos: 3.8, lost: 0.031 },
  poor: { bars: 2, remoteBars: 2, cause: 'own_network', mos: 3.3, rttMs: 212, lost: 0.084, sentence: 'Packets are lost or late both ways. It may be your network or the other side’s.' },
  bad: { bars: 1, cause: 'peer_network', mos: 2.1, rttMs: 340, lost: 0.22, sentence: 'Packets are lost or late on the way to you, probably in the other side’s network.' },
};

const INCOMING: readonly string[] = ['incoming', 'accepting'];
const ENDS: Record<string, Partial<CallSummary>> = {
  'ended-me': { reason: 'hung_up', by: 'local', talkMs: 125_000 },
  'ended-them': { reason: 'hung_up', by: 'remote', talkMs: 61_000 },
  'no-answer': { reason: 'no_answer', by: 'server' },
  busy: { reason: 'busy', by: 'remote' },
  declined: { reason: 'declined', by: 'remote' },
  unreachable: { reason: 'unreachable', by: 'server' },
  elsewhere: { reason: 'answered_elsewhere', by: 'server' },
  lost: { reason: 'connection_lost', by: 'server', talkMs: 754_000 },
  failed: { reason: 'failed', by: 'local', error: new CallError('rate-limited') },
};

if (state !== '') enter(state);

function enter(name: string): void {
  if (name === 'idle') return;
  if (name === 'registering' || name === 'registered') return device.move(name);
  device.move(name === 'server-lost' ? 'reconnecting' : 'registered');
  if (name === 'server-lost') return;
  if (name === 'error') return device.emit('error', new CallError('mic-denied'));
  const end = ENDS[name];
  const base = name.replace(/-(muted|relay|blocked|fair|poor|bad|figures)$/, '') as CallState;
  const call = new FakeCall(INCOMING.includes(name) || name === 'elsewhere' ? 'incoming' : 'outgoing', identity.peer, 'incoming', name.endsWith('relay') ? 'relay' : 'direct');
  if (!INCOMING.includes(name)) call.state = 'requesting';
  device.emit('incoming', call);
  if (end) return call.finish(end);
  if (base === 'connected' || base === 'reconnecting') talk(call);
  call.move(base);
  if (base === 'connected') call.sound(SOUNDS[/-(\w+)$/.exec(name)?.[1] ?? '']);
  if (name.endsWith('muted')) { call.mute(); call.remoteMuted = true; call.emit('remoteMute', true); }
  if (name.endsWith('blocked')) call.emit('warning', { name: 'playback-blocked', message: 'The browser does not play the sound yet.' });
}

function talk(call: FakeCall): void {
  call.connectedAt = Date.now() - 134_000;
  const begun = Date.now();
  setInterval(() => {
    const t = (Date.now() - begun) / 1000;
    const syllable = 0.62 + 0.2 * Math.sin(6 * t);
    const mine = t % 5 < 3.4;
    call.emit('level', { input: mine ? syllable : 0.1, output: mine ? 0.1 : syllable });
  }, 100);
}
