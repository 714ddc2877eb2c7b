/** Reads the browser's statistics report into our words. Pure. */

import type { CallPath, Path, Sample } from './types.js';

type Entry = Record<string, unknown> & { id: string; type: string };

/** Makes one {@link Sample} of a report. What the browser does not tell is absent. */
export function sampleOf(report: RTCStatsReport, at: number): Sample {
  const entries = [...report.values()] as Entry[];
  const audio = (type: string) => entries.find((e) => e.type === type && (e['kind'] ?? 'audio') === 'audio');
  const inbound = audio('inbound-rtp');
  const outbound = audio('outbound-rtp');
  const remote = audio('remote-inbound-rtp');
  const pair = selectedPair(entries);
  const codec = entries.find((e) => e.id === inbound?.['codecId']);
  const optional: Partial<Sample> = {};
  const take = (name: keyof Sample, value: unknown, scale = 1): void => {
    if (typeof value === 'number') Object.assign(optional, { [name]: value * scale });
  };
  // Firefox reports 0 for the pair; the other side's report is measured end to end in both browsers.
  take('rttMs', remote?.['roundTripTime'] ?? pair?.['currentRoundTripTime'], 1000);
  take('jitterMs', inbound?.['jitter'], 1000);
  take('concealedSamples', inbound?.['concealedSamples']);
  take('totalSamples', inbound?.['totalSamplesReceived']);
  take('silentConcealedSamples', inbound?.['silentConcealedSamples']);
  take('bufferDelayS', inbound?.['jitterBufferDelay']);
  take('bufferSamples', inbound?.['jitterBufferEmittedCount']);
  take('remoteFractionLost', remote?.['fractionLost']);
  if (typeof codec?.['mimeType'] === 'string') optional.codec = codec['mimeType'].replace('audio/', '').toLowerCase();
  const relayed = entries.find((e) => e.id === pair?.['localCandidateId'] && e['candidateType'] === 'relay');
  const protocol = relayed?.['relayProtocol'];
  if (protocol === 'udp' || protocol === 'tcp' || protocol === 'tls') optional.relayProtocol = protocol;
  const count = (entry: Entry | undefined, name: string): number => Number(entry?.[name] ?? 0);
  return {
    at,
    path: pathOf(report),
    packetsReceived: count(inbound, 'packetsReceived'),
    packetsLost: count(inbound, 'packetsLost'),
    packetsSent: count(outbound, 'packetsSent'),
    bytesReceived: count(inbound, 'bytesReceived'),
    bytesSent: count(outbound, 'bytesSent'),
    ...optional,
  };
}

/** Whether sound goes straight or through a relay at either end. */
export function pathOf(report: RTCStatsReport): Path {
  const entries = [...report.values()] as Entry[];
  const pair = selectedPair(entries);
  if (!pair) return 'unknown';
  const type = (id: unknown) => entries.find((e) => e.id === id)?.['candidateType'];
  const types = [type(pair['localCandidateId']), type(pair['remoteCandidateId'])];
  if (types.includes('relay')) return 'relay';
  return types.some((t) => t === undefined) ? 'unknown' : 'direct';
}

/** The same with how this side reaches its relay; by UDP also if only the other side has one. */
export function callPathOf({ path, relayProtocol = 'udp' }: Pick<Sample, 'path' | 'relayProtocol'>): CallPath {
  return path === 'relay' ? `relay_${relayProtocol}` : path;
}

function selectedPair(entries: readonly Entry[]): Entry | undefined {
  const transport = entries.find((e) => e.type === 'transport' && e['selectedCandidatePairId'] !== undefined);
  const pairs = entries.filter((e) => e.type === 'candidate-pair');
  return (
    pairs.find((e) => e.id === transport?.['selectedCandidatePairId']) ??
    // Firefox has no transport entry of that kind, but marks the pair.
    pairs.find((e) => e['selected'] === true) ??
    pairs.find((e) => e['nominated'] === true && e['state'] === 'succeeded')
  );
}
