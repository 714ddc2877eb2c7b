/**
 * Builds the page around a device. Apart from `page.ts` so that the preview in dev/ can bring a device of its own.
 */
import type { Device, Level } from '@tincan/sdk';
import { Attention } from './attention.js';
import { Caller } from './caller.js';
import { canLetter, displayName } from './words.js';
import { peerPage, type Identity } from './identity.js';
import { view, type Snapshot, type View } from './model.js';
import { bindSound } from './sound/drawer.js';
import { signalFor, Tones } from './sound/tones.js';
import { Page } from './ui/page.js';
import { QualityMark } from './ui/quality.js';
import { Tag } from './ui/tag.js';
import { Scene } from './scene/scene.js';
import { element } from './ui/dom.js';

export function startPage(device: Device, identity: Identity): void {
  const me = displayName(identity.guest);
  const tones = new Tones();
  const attention = new Attention(me);
  const tag = new Tag();
  const scene = new Scene(element('scene'), {
    letters: [canLetter(identity.guest), canLetter(identity.peer)],
    paint: identity.side === 'a' ? ['a', 'b'] : ['b', 'a'],
    onMiddle: (at) => tag.hang(at),
  });
  const quality = new QualityMark(() => caller.call?.quality);
  const page = new Page(me, peerPage(identity, location.search), quality);
  let before: View | undefined;

  const show = (snapshot: Snapshot): void => {
    const now = view(snapshot);
    page.show(now, snapshot.peer);
    scene.pose = now.pose;
    tones.loop(now.tone);
    attention.show(now, snapshot.peer);
    tag.show(now.talking, () => caller.call?.connectedAt);
    if (now.callState === 'connected' && before?.callState === 'negotiating') tones.signal('connected');
    before = now;
  };
  const caller = new Caller(device, identity.peer, {
    onChange: (snapshot) => show(snapshot),
    onLevel: (level) => heard(level),
    onPath: (path) => tag.path(path),
    onEnded: (summary) => tones.signal(signalFor(summary)),
  });
  const heard = ({ input, output }: Level): void => {
    const mine = caller.call?.muted ? 0 : loudness(input);
    scene.levels(mine, loudness(output));
    page.level(mine);
  };

  page.on('connect', () => {
    void tones.unlock();
    void caller.register();
  });
  page.on('call', () => void caller.connect());
  page.on('accept', () => void caller.accept());
  page.on('reject', () => caller.reject());
  page.on('hangup', () => caller.hangup());
  page.on('mute', () => caller.toggleMute());
  page.on('unblock', () => void caller.unlock());
  page.on('disconnect', () => caller.unregister());
  bindSound(device.audio);
  show({ peer: displayName(identity.peer), server: device.state, opening: false });
}

/** From decibels, where a quiet room is about 0.2 and a loud voice 0.8, to what the eye expects: 0 and 1. */
function loudness(level: number): number {
  return Math.min(1, Math.max(0, (level - 0.28) / 0.5));
}
