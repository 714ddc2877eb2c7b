import { expect, test } from 'vitest';
import { hasCodec, iceUfrag, withCodecFirst, withoutAddresses, withoutRelated, withSetupRole, withWishes } from './sdp.js';

const sdp = (fmtp: string) => `v=0\r\na=rtpmap:111 opus/48000/2\r\n${fmtp}a=rtpmap:0 PCMU/8000\r\n`;

test('error correction and few packets in silence are asked for where Opus has parameters without them', () => {
  expect(withWishes(sdp('a=fmtp:111 minptime=10\r\n'))).toBe(sdp('a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n'));
  expect(withWishes(sdp('a=fmtp:111 useinbandfec=1\r\n'))).toBe(sdp('a=fmtp:111 useinbandfec=1;usedtx=1\r\n'));
});

test('they are asked for where Opus has no parameters', () => {
  expect(withWishes(sdp(''))).toBe(sdp('a=fmtp:111 useinbandfec=1;usedtx=1\r\n'));
});

test('a description that speaks of them stays as it is', () => {
  for (const value of [0, 1]) {
    const text = sdp(`a=fmtp:111 minptime=10;useinbandfec=${value};usedtx=${value}\r\n`);
    expect(withWishes(text)).toBe(text);
  }
});

test('a description without Opus stays as it is', () => {
  expect(withWishes('v=0\r\n')).toBe('v=0\r\n');
});

const lines = (...all: string[]) => all.map((line) => `${line}\r\n`).join('');

test('a description that hides addresses names only a relay', () => {
  const told = lines(
    'v=0',
    'm=audio 54400 UDP/TLS/RTP/SAVPF 111',
    'c=IN IP4 192.168.1.2',
    'a=rtcp:54401 IN IP6 2001:db8::1',
    'a=candidate:1 1 udp 2122260223 192.168.1.2 54400 typ host generation 0',
    'a=candidate:2 1 udp 1686052607 203.0.113.9 54400 typ srflx raddr 192.168.1.2 rport 54400',
    'a=candidate:3 1 udp 41885439 198.51.100.1 50000 typ relay raddr 203.0.113.9 rport 54400 generation 0',
    'a=candidate:4 1 udp 41885439 198.51.100.1 50001 typ relay',
    'a=ice-ufrag:x',
  );
  expect(withoutAddresses(told)).toBe(
    lines(
      'v=0',
      'm=audio 54400 UDP/TLS/RTP/SAVPF 111',
      'c=IN IP4 0.0.0.0',
      'a=rtcp:9 IN IP4 0.0.0.0',
      'a=candidate:3 1 udp 41885439 198.51.100.1 50000 typ relay raddr 0.0.0.0 rport 0 generation 0',
      'a=candidate:4 1 udp 41885439 198.51.100.1 50001 typ relay',
      'a=ice-ufrag:x',
    ),
  );
});

test('what a relay candidate was made for is hidden in IPv6, too', () => {
  expect(withoutRelated('candidate:1 1 udp 1 198.51.100.1 5 typ relay raddr 2001:db8::1 rport 9 ufrag x')).toBe(
    'candidate:1 1 udp 1 198.51.100.1 5 typ relay raddr 0.0.0.0 rport 0 ufrag x',
  );
});

test('another name of the ICE session is a restart', () => {
  expect(iceUfrag(lines('v=0', 'a=ice-ufrag:Ab+/', 'a=ice-pwd:x'))).toBe('Ab+/');
  expect(iceUfrag(undefined)).toBeUndefined();
});

test('the codec that is put first is the first payload, and the others keep their order', () => {
  const audio = (payloads: string) =>
    lines(`m=audio 9 UDP/TLS/RTP/SAVPF ${payloads}`, 'a=rtpmap:111 opus/48000/2', 'a=rtpmap:63 red/48000/2', 'a=rtpmap:9 G722/8000');
  expect(withCodecFirst(audio('111 63 9'), 'red')).toBe(audio('63 111 9'));
  expect(withCodecFirst(audio('63 111 9'), 'opus')).toBe(audio('111 63 9'));
  expect(withCodecFirst(audio('111 63 9'), 'g722')).toBe(audio('111 63 9'));
  expect([hasCodec(audio('111 63'), 'red'), hasCodec(sdp(''), 'red')]).toEqual([true, false]);
});

test('a role is set in each part of a description', () => {
  expect(withSetupRole(lines('a=setup:actpass', 'm=x', 'a=setup:actpass'), 'passive')).toBe(
    lines('a=setup:passive', 'm=x', 'a=setup:passive'),
  );
});
