/** A certificate for the lab's names, made for one run. */
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from '../rig/processes.js';

export interface Certificate {
  /** PEM files. */
  readonly certFile: string;
  readonly keyFile: string;
  /** SHA-256 of its public key, in base64: how Chromium is told to trust it. */
  readonly keyHash: string;
}

export function makeCertificate(...names: readonly string[]): Certificate {
  const folder = scratch('certificate');
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${names[0]}`,
    '-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`, '-keyout', keyFile, '-out', certFile,
  ], { stdio: 'ignore' });
  const key = new X509Certificate(readFileSync(certFile)).publicKey.export({ type: 'spki', format: 'der' });
  return { certFile, keyFile, keyHash: createHash('sha256').update(key).digest('base64') };
}
