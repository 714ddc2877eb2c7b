/** A home: a machine with a browser, somewhere behind a router or with a public address of its own. */
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Place } from '../rig/place.js';
import { scratch, start } from '../rig/processes.js';
import type { Namespace } from './namespace.js';

/** Makes it a place for browsers that trust the lab's certificate, by the hash of its key. */
export async function homeAt(machine: Namespace, keyHash: string): Promise<Place> {
  const folder = scratch('home');
  return {
    name: machine.name,
    starts: (program) => starter(folder, machine, program),
    // Unlike a wish to ignore certificates altogether, this holds for TURN over TLS, too.
    chromiumArgs: [`--ignore-certificate-errors-spki-list=${keyHash}`],
    firefoxPrefs: {},
    firefoxPort: await tunnel(machine),
    anyCertificate: true,
  };
}

function starter(folder: string, machine: Namespace, program: string): string {
  const path = join(folder, program.replaceAll('/', '-'));
  writeFileSync(path, `#!/bin/sh\nexec ${[...machine.through, program].join(' ')} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Runs in the home, and carries one connection over its standard input and output. */
const CARRY = `const far = require('node:net').connect(Number(process.argv[1]), '127.0.0.1');
far.on('error', () => process.exit(1));
process.stdin.pipe(far).pipe(process.stdout);`;

/** A port of ours that leads to the home's loopback port of the same number: Firefox is told what to do by a socket. */
async function tunnel(machine: Namespace): Promise<number> {
  const [enter, ...rest] = [...machine.through, process.execPath, '-e', CARRY] as const;
  const listener = createServer((near) => {
    const far = start(enter!, [...rest, String(port())], { stdio: ['pipe', 'pipe', 'inherit'] });
    near.on('error', () => far.kill()).pipe(far.stdin!.on('error', () => near.destroy()));
    far.stdout!.pipe(near);
  });
  const port = (): number => (listener.address() as AddressInfo).port;
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  listener.unref();
  return port();
}
