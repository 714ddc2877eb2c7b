/** A sound card of nothing, without which Firefox plays no sound and so hears none. Reachable by our own socket only. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { scratch, start } from './processes.js';
import { until } from './until.js';

let socket: Promise<string> | undefined;

/** Starts it once, and returns the environment in which a program finds it. */
export async function soundCard(): Promise<Record<string, string>> {
  socket ??= begin();
  return { PULSE_SERVER: `unix:${await socket}` };
}

async function begin(): Promise<string> {
  const folder = scratch('pulse');
  const path = join(folder, 'native');
  const args = ['-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--log-target=stderr',
    '-L', 'module-null-sink', '-L', `module-native-protocol-unix socket=${path} auth-anonymous=1`];
  const env = { PATH: process.env['PATH'], HOME: folder, XDG_RUNTIME_DIR: folder, PULSE_RUNTIME_PATH: folder };
  const child = start('pulseaudio', args, { env, stdio: 'ignore' });
  await until('pulseaudio offers its socket', () => {
    if (child.exitCode !== null) throw new Error(`pulseaudio ended with ${child.exitCode}`);
    return existsSync(path);
  });
  return path;
}
