/** Another relay in the place of Tincan's own: if a row fails with both, it is the lab's or the browsers' doing. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch, start } from '../rig/processes.js';
import { until } from '../rig/until.js';
import type { Certificate } from './certificate.js';
import { addressOf } from './internet.js';
import type { Namespace } from './namespace.js';

const NAME = 'relay.test';
const [USER, PASSWORD] = ['lab', 'lab'];

/** Tincan's settings with which pages are sent to it. */
export const COTURN_SETTINGS = {
  TINCAN_MEDIA__MODE: 'off',
  TINCAN_ICE__SERVERS: `[{urls=["stun:${NAME}:3478","turn:${NAME}:3478?transport=udp","turn:${NAME}:3478?transport=tcp","turns:${NAME}:443?transport=tcp"],username="${USER}",credential="${PASSWORD}"}]`,
};

export async function startCoturn(machine: Namespace, { certFile, keyFile }: Omit<Certificate, 'keyHash'>): Promise<ChildProcess> {
  const [enter, ...rest] = [
    ...machine.through, 'turnserver', '-n', '--no-cli', '--log-file', 'stdout', '--simple-log', '--pidfile', join(scratch('coturn'), 'pid'),
    '--listening-ip', addressOf(NAME), '--relay-ip', addressOf(NAME), '--listening-port', '3478', '--tls-listening-port', '443',
    '--realm', NAME, '--lt-cred-mech', '--user', `${USER}:${PASSWORD}`, '--cert', certFile, '--pkey', keyFile,
  ] as const;
  const child = start(enter!, rest, { stdio: 'ignore' });
  await until('coturn listens', () => {
    if (child.exitCode !== null) throw new Error(`coturn ended with ${child.exitCode}`);
    // Its log is written late, and its sockets are the machine's only ones as yet.
    const open = (kind: string, port: number): boolean => readFileSync(`/proc/${child.pid}/net/${kind}`, 'latin1').includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `);
    return open('tcp', 443) && open('tcp', 3478) && open('udp', 3478);
  });
  return child;
}
