/** What a page and the server say to each other on `/ws`. */
import type { Page } from 'playwright-core';

export interface Frame {
  readonly by: 'page' | 'server';
  readonly type: string;
  readonly call?: string;
  readonly from?: string;
  readonly data?: Record<string, unknown>;
}

export function frames(page: Page): readonly Frame[] {
  const seen: Frame[] = [];
  const note = (by: Frame['by'], payload: string | Buffer): void => {
    seen.push({ ...(JSON.parse(String(payload)) as Omit<Frame, 'by'>), by });
  };
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => note('page', payload));
    socket.on('framereceived', ({ payload }) => note('server', payload));
  });
  return seen;
}

/** The ids of the calls that were negotiated: in which an offer or an answer passed. */
export function negotiated(seen: readonly Frame[]): string[] {
  return [...new Set(seen.filter(({ type }) => type === 'offer' || type === 'answer').map(({ call }) => call ?? ''))];
}
