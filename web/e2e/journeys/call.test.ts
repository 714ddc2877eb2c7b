import { expect } from 'vitest';
import { VOICE } from '../rig/browsers.js';
import { ringing, talk, talking } from '../rig/calls.js';
import { journey } from '../rig/journey.js';
import { until } from '../rig/until.js';

const MOST_CLICKS = 3;

journey('two people hear each other after two clicks each, and the caller hangs up', async (world) => {
  const { a, b } = await talking(world);
  expect(a.clicks).toBeLessThanOrEqual(MOST_CLICKS);
  expect(b.clicks).toBeLessThanOrEqual(MOST_CLICKS);
  expect((await a.see()).headline).toBe('Connected');
  expect((await b.see()).headline).toBe('Connected');

  await a.click('hangup');
  const [mine, theirs] = await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  expect(mine).toMatchObject({ headline: 'Call Ended', why: 'You hung up.', server: 'registered', error: '' });
  expect(theirs).toMatchObject({ headline: 'Call Ended', why: 'Client A hung up.', server: 'registered', error: '' });
  await Promise.all([a.untilSilent(), b.untilSilent()]);
  expect(a.clicks).toBeLessThanOrEqual(MOST_CLICKS);
});

journey('the callee hangs up, and both pages tell the same', async (world) => {
  const { a, b } = await talking(world);
  await b.click('hangup');
  const [mine, theirs] = await Promise.all([b.untilEnded('hung_up'), a.untilEnded('hung_up')]);
  expect(mine.why).toBe('You hung up.');
  expect(theirs.why).toBe('Client B hung up.');
  await Promise.all([a.untilSilent(), b.untilSilent()]);
});

journey('a second call follows the first, the other way round', async (world) => {
  const { a, b } = await talking(world);
  await a.click('hangup');
  await Promise.all([a.untilEnded('hung_up'), b.untilEnded('hung_up')]);
  await b.click('call');
  await a.untilCall('incoming');
  await a.click('accept');
  await talk({ a, b });
});

journey('who is muted is not heard, is told so on both pages, and is heard again afterwards', async (world) => {
  const { a, b } = await talking(world);
  await a.click('mute');
  await b.hearsNothing();
  expect((await a.see()).detail).toBe('You are muted. Client B cannot hear you.');
  await until('B is told', async () => (await b.see()).detail === 'Client A is muted. They can hear you.');
  await a.hears(VOICE.B);
  await a.click('mute');
  await b.hears(VOICE.A);
});

journey('the microphone of the callee stays closed until they accept', async (world) => {
  const { a, b } = await ringing(world);
  expect((await a.probe('microphone')).open).toBe(1);
  expect(await b.probe('microphone')).toEqual({ asked: 0, open: 0 });
  expect(await b.probe('connections')).toBe(0);
  await b.click('accept');
  await talk({ a, b });
  expect(await b.probe('microphone')).toEqual({ asked: 1, open: 1 });
});

journey('no sound passes through the server', async (world) => {
  const { a, b } = await talking(world);
  const [mine, theirs] = await Promise.all([a.probe('candidates'), b.probe('candidates')]);
  for (const { local, remote } of [mine, theirs]) {
    expect(local).toMatchObject({ type: 'host', protocol: 'udp' });
    expect(remote?.port).not.toBe(world.server.port);
  }
  // Each browser's far end is the other browser's own port.
  expect([mine.remote?.address, mine.remote?.port]).toEqual([theirs.local?.address, theirs.local?.port]);
  expect([theirs.remote?.address, theirs.remote?.port]).toEqual([mine.local?.address, mine.local?.port]);
  // Two seconds of sound later the server's relay has still carried none. The browsers may have tried it, too.
  const enough = (await a.probe('packets')) + 100;
  await until('A has heard more', async () => (await a.probe('packets')) >= enough);
  const metrics = await world.server.metrics();
  const sound = ['to_peer', 'to_client'].map((direction) => metrics.get(`tincan_relay_bytes_total{direction="${direction}",carrying="media"}`));
  expect(sound).toEqual([0, 0]);
}, { env: { TINCAN_METRICS__LISTEN: '127.0.0.1:0' } });
