/**
 * Shows a view: words, buttons, focus and the two live regions. It decides nothing; see model.ts.
 */
import type { Panel, View } from '../model.js';
import { ANNOUNCE, BUTTON, CAPTION } from '../words.js';
import { element, say, show } from './dom.js';
import type { QualityMark } from './quality.js';

const ACTIONS = ['connect', 'call', 'accept', 'reject', 'hangup', 'mute', 'unblock', 'disconnect'] as const;
type Action = (typeof ACTIONS)[number];

/** A key that was already on its way down when the call came in shall not accept or reject it. */
const KEY_GUARD_MS = 500;

/** Where the focus goes when the panel it was in disappears. */
const FIRST: Record<Panel, Action> = { connect: 'connect', call: 'call', live: 'hangup', incoming: 'accept' };

export class Page {
  readonly #buttons = Object.fromEntries(ACTIONS.map((id) => [id, element(id, HTMLButtonElement)])) as Record<Action, HTMLButtonElement>;
  readonly #quality: QualityMark;
  readonly #peerHasPage: boolean;
  #panel: Panel | undefined;
  #panelAt = 0;
  #spoken = '';

  constructor(me: string, peerPage: string | undefined, quality: QualityMark) {
    this.#quality = quality;
    say(element('me'), me);
    say(element('my-name'), me);
    this.#peerHasPage = peerPage !== undefined;
    if (peerPage !== undefined) element('open-peer', HTMLAnchorElement).href = peerPage;
  }

  on(action: Action, act: () => void): void {
    this.#buttons[action].addEventListener('click', (event) => {
      const byKey = event.detail === 0 && event.isTrusted;
      if (byKey && this.#panel === 'incoming' && performance.now() - this.#panelAt < KEY_GUARD_MS) return;
      act();
    });
  }

  show(view: View, peer: string): void {
    // Before anything is hidden: what is hidden loses the focus at once.
    const focused = element('dock').contains(document.activeElement) || this.#quality.hasFocus;
    this.#words(view, peer);
    this.#quality.show(view, peer);
    this.#controls(view);
    this.#turnTo(view, focused);
    this.#announce(view, peer);
  }

  /** The meter in the mute button, 0 to 1. */
  level(mine: number): void {
    const bars = String(Math.ceil(mine * 5 - 0.1));
    if (this.#buttons.mute.dataset['bars'] !== bars) this.#buttons.mute.dataset['bars'] = bars;
  }

  #words(view: View, peer: string): void {
    const status = element('server-status');
    say(status, view.server.text);
    status.dataset['state'] = view.server.state;
    const state = element('call-state');
    say(state, view.headline);
    state.dataset['state'] = view.callState;
    say(element('call-detail'), view.detail);
    const end = element('end-reason');
    say(end, view.end?.text ?? '');
    end.dataset['reason'] = view.end?.reason ?? '';
    show(end, view.end !== undefined);
    say(element('peer-name'), peer);
    say(element('open-peer-name'), peer);
    say(element('incoming-from'), peer);
    say(element('my-note'), view.muted && view.talking ? CAPTION.muted : CAPTION.you);
    say(element('peer-note'), view.remoteMuted && view.talking ? CAPTION.muted : '');
    document.documentElement.dataset['pose'] = view.pose;
  }

  #controls(view: View): void {
    const { connect, call, mute, unblock, disconnect } = this.#buttons;
    say(connect, view.connectLabel);
    say(element('call-label'), view.callLabel);
    // `aria-disabled` keeps the focus on a button that cannot be pressed just now; `disabled` would lose it.
    connect.setAttribute('aria-disabled', String(!view.canConnect));
    connect.toggleAttribute('data-busy', view.server.state === 'registering');
    show(connect, view.panel === 'connect');
    call.disabled = !view.canCall;
    mute.disabled = !view.canMute;
    mute.setAttribute('aria-pressed', String(view.muted));
    say(element('mute-label'), view.muted ? BUTTON.unmute : BUTTON.mute);
    show(disconnect, view.panel === 'call');
    const { notice } = view;
    show(element('error'), notice !== undefined);
    say(element('error-message'), notice?.message ?? '');
    say(element('error-hint'), notice?.hint ?? '');
    show(unblock, notice?.action === 'unlock');
    show(element('check'), view.canCheck);
    show(element('other-page'), this.#peerHasPage && notice === undefined && (view.panel === 'connect' || view.panel === 'call'));
  }

  /** Shows the panel of the moment, and takes the focus along if it was in the one that goes. */
  #turnTo({ panel }: View, focused: boolean): void {
    if (panel === this.#panel) return;
    show(element('panel-idle'), panel === 'connect' || panel === 'call');
    show(element('panel-live'), panel === 'live');
    show(element('incoming'), panel === 'incoming');
    const first = this.#panel === undefined;
    this.#panel = panel;
    this.#panelAt = performance.now();
    if (first || !(focused || panel === 'incoming')) return;
    const next = this.#buttons[FIRST[panel]];
    (next.disabled ? element('dock') : next).focus({ preventScroll: true });
  }

  #announce(view: View, peer: string): void {
    const incoming = view.panel === 'incoming';
    say(element('live-now'), incoming ? ANNOUNCE.incoming(peer) : '');
    const notice = view.notice ? `${view.notice.message} ${view.notice.hint}` : '';
    const call = [view.headline, view.end?.text ?? '', view.detail].filter(Boolean).join('. ');
    const spoken = incoming ? '' : notice || (view.callState === 'none' ? `${ANNOUNCE.server(view.server.text)} ${view.detail}` : call);
    // The first view is the page itself: a screen reader reads that anyway.
    if (this.#spoken !== '' && spoken !== this.#spoken) say(element('live'), spoken);
    this.#spoken = spoken || this.#spoken;
  }
}
