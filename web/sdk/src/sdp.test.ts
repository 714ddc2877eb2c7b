import { expect, test } from 'vitest';
import { withFec } from './sdp.js';

const sdp = (fmtp: string) => `v=0\r\na=rtpmap:111 opus/48000/2\r\n${fmtp}a=rtpmap:0 PCMU/8000\r\n`;

test('error correction is asked for where Opus has parameters without it', () => {
  expect(withFec(sdp('a=fmtp:111 minptime=10\r\n'))).toBe(sdp('a=fmtp:111 minptime=10;useinbandfec=1\r\n'));
});

test('error correction is asked for where Opus has no parameters', () => {
  expect(withFec(sdp(''))).toBe(sdp('a=fmtp:111 useinbandfec=1\r\n'));
});

test('a description that speaks of it stays as it is', () => {
  for (const value of [0, 1]) {
    const text = sdp(`a=fmtp:111 minptime=10;useinbandfec=${value}\r\n`);
    expect(withFec(text)).toBe(text);
  }
});

test('a description without Opus stays as it is', () => {
  expect(withFec('v=0\r\n')).toBe('v=0\r\n');
});
