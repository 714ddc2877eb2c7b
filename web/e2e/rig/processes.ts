/** The programs a test started. None of them outlives it, however it ends. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const running = new Set<ChildProcess>();
const folders = new Set<string>();

/** Whatever still runs, and every folder. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) discard(folder);
}

process.once('exit', endAll);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
// The test runner itself is gone.
process.once('disconnect', () => process.exit(1));

export function start(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(program, args, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Takes a program that something else started into our care. */
export function adopt(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Asks it to end, insists after `patience` milliseconds, and returns when it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM', patience = 3_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const insist = setTimeout(() => child.kill('SIGKILL'), patience);
  await gone;
  clearTimeout(insist);
}

/** A new folder that is gone when the tests are. */
export function scratch(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `tincan-e2e-${purpose}-`));
  folders.add(folder);
  return folder;
}

export function discard(folder: string): void {
  // A browser that was killed may be writing for a moment longer.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  folders.delete(folder);
}
