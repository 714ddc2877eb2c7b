/**
 * What the picture shows in each situation. A can is lifted when its person holds it; the string tells how the call is.
 * Pure tables; the scene aims its springs at them.
 */
import type { Feel } from './spring.js';

export type PoseName =
  | 'apart' // not connected to the server
  | 'reaching' // connecting to the server: the string sways
  | 'ready' // connected, no call
  | 'requesting' // you hold your can, a knock travels to the other
  | 'ringing-there' // the other can rings
  | 'ringing-here' // your can rings
  | 'pulling' // being checked: as tight as `pulled` says
  | 'joining' // accepted: the string is pulled tight
  | 'connected'
  | 'reconnecting' // slack and frayed, both still hold on
  | 'ended' // both put down
  | 'ended-by-me' // you let go first
  | 'ended-by-them'
  | 'ended-lost'; // the string broke

export type PoseValue =
  | 'liftLeft' | 'liftRight' // 0 on the table, 1 held
  | 'tiltLeft' | 'tiltRight' // degrees, opening upwards
  | 'sag' // share of the room between string and table; above 1 it lies on the table
  | 'curl' | 'sway'
  | 'fray' // 0 whole, 1 hanging by a thread
  | 'snap' // 0 held by the thread, 1 broken
  | 'dropLeft' | 'dropRight'; // 1 = that end was let go

export type Pose = Record<PoseValue, number>;

const rest: Pose = {
  liftLeft: 0, liftRight: 0, tiltLeft: 0, tiltRight: 0, sag: 1.5, curl: 1, sway: 0, fray: 0, snap: 0, dropLeft: 0, dropRight: 0,
};

export const poses: Record<PoseName, Pose> = {
  apart: rest,
  reaching: { ...rest, curl: 0.72, sway: 1 },
  ready: { ...rest, curl: 0.62, sway: 0.12 },
  requesting: { ...rest, liftLeft: 1, tiltLeft: 9, sag: 0.42, curl: 0.1 },
  'ringing-there': { ...rest, liftLeft: 1, tiltLeft: 7, sag: 0.22, curl: 0 },
  'ringing-here': { ...rest, liftRight: 1, tiltRight: 7, sag: 0.22, curl: 0 },
  joining: { ...rest, liftLeft: 1, liftRight: 1, tiltLeft: 3, tiltRight: 3, sag: 0.16, curl: 0 },
  pulling: { ...rest, curl: 0.62, sway: 0.12 },
  connected: { ...rest, liftLeft: 1, liftRight: 1, sag: 0, curl: 0 },
  reconnecting: { ...rest, liftLeft: 0.86, liftRight: 0.86, tiltLeft: 6, tiltRight: 6, sag: 0.34, curl: 0, sway: 0.5, fray: 1 },
  ended: { ...rest, curl: 0.45 },
  'ended-by-me': { ...rest, liftRight: 0.1, curl: 0.3, dropLeft: 1 },
  'ended-by-them': { ...rest, liftLeft: 0.1, curl: 0.3, dropRight: 1 },
  'ended-lost': { ...rest, curl: 0.2, fray: 1, snap: 1 },
};

/** How it looks while the string is being pulled in: `taut` from 0, loose on the table, to 1, tight. */
export function pulled(taut: number): Pose {
  const [loose, tight] = [poses.ready, poses.connected];
  // The loop opens before the string leaves the table.
  const share = (value: PoseValue): number => (value === 'curl' ? Math.min(1, 2.5 * taut) : taut);
  const between = (value: PoseValue): number => loose[value] + (tight[value] - loose[value]) * share(value);
  return Object.fromEntries((Object.keys(loose) as PoseValue[]).map((value) => [value, between(value)])) as Pose;
}

/** Which can rings, and what knocks along the string. */
export const rings: Partial<Record<PoseName, { can: 'left' | 'right' | 'none'; from: 'left' | 'right' }>> = {
  requesting: { can: 'none', from: 'left' },
  'ringing-there': { can: 'right', from: 'left' },
  'ringing-here': { can: 'left', from: 'right' },
};

const hand: Feel = { stiffness: 70, damping: 0.62 };
const cord: Feel = { stiffness: 90, damping: 0.5 };
const air: Feel = { stiffness: 14, damping: 1 };

export const feels: Record<PoseValue, Feel> = {
  liftLeft: hand, liftRight: hand, tiltLeft: hand, tiltRight: hand,
  sag: cord, curl: { stiffness: 60, damping: 0.85 }, sway: air,
  fray: { stiffness: 120, damping: 0.7 }, snap: cord, dropLeft: { stiffness: 60, damping: 0.75 }, dropRight: { stiffness: 60, damping: 0.75 },
};
