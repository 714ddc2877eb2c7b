/**
 * The start page's picture: the string is tight and two people take turns. It has no sound and opens no microphone.
 */
import './styles/tokens.css';
import './styles/base.css';
import './styles/scene.css';
import './styles/landing.css';
import { Scene } from './scene/scene.js';
import { element } from './ui/dom.js';

const TURN_S = 3.2;
const scene = new Scene(element('scene'), { letters: ['A', 'B'], paint: ['a', 'b'] });
scene.pose = 'connected';

if (!matchMedia('(prefers-reduced-motion: reduce)').matches) {
  setInterval(() => {
    if (document.hidden) return;
    const now = performance.now() / 1000;
    const turn = now % (2 * TURN_S);
    const mine = turn < TURN_S;
    const since = turn % TURN_S;
    scene.levels(mine ? speech(since) : 0, mine ? 0 : speech(since + 7));
  }, 100);
}

/** Something like the loudness of a sentence: syllables, words, and silence at its end. */
function speech(t: number): number {
  const within = t % 7;
  if (within > TURN_S - 0.9) return 0;
  return 0.55 * Math.abs(Math.sin(5.3 * t)) * (0.6 + 0.4 * Math.sin(2.1 * t + 1));
}
