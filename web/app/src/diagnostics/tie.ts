/**
 * Builds the page around a run. Apart from `start.ts` so that the preview in dev/ can bring a preflight of its own.
 */
import type { PreflightOptions } from '@tincan/sdk';
import { Scene } from '../scene/scene.js';
import { element } from '../ui/dom.js';
import { view, type Snapshot } from './model.js';
import { DiagnosticsPage } from './page.js';
import { reportText } from './report.js';
import { Run, type Running } from './run.js';

export function startDiagnostics(options: PreflightOptions, begin?: (options: PreflightOptions) => Running): void {
  const scene = new Scene(element('scene'), { letters: ['Y', 'S'], paint: ['a', 'b'] });
  const page = new DiagnosticsPage();
  let text = '';

  const show = (snapshot: Snapshot): void => {
    const now = view(snapshot);
    page.show(now);
    if (now.outlook === 'good') scene.pose = 'connected';
    else if (now.outlook === 'bad') scene.pose = 'ended-lost';
    else if (now.outlook === 'none' || now.outlook === 'unknown') scene.pose = 'apart';
    else scene.pull(now.taut);
    const microphone = snapshot.checks.get('microphone');
    scene.levels(microphone?.status === 'running' ? loudness(microphone.level ?? 0) : 0, 0);
    if (!snapshot.report) return;
    text = reportText(snapshot.report, location.href, navigator.userAgent);
    page.report(text);
  };
  const run = new Run(options, { onChange: show, onTold: (told) => page.tell(told) }, begin);

  page.on('start', () => (run.running ? run.stop() : run.start()));
  page.on('heard', () => run.heard(true));
  page.on('unheard', () => run.heard(false));
  page.on('copy', () => {
    void copy(text).then((done) => page.copied(done));
  });
  show({ checks: new Map(), running: false });
}

/** Absent on insecure pages, and refused where the user forbids it. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** From decibels, where a quiet room is about 0.2 and a loud voice 0.8, to what the eye expects: 0 and 1. */
function loudness(level: number): number {
  return Math.min(1, Math.max(0, (level - 0.28) / 0.5));
}
