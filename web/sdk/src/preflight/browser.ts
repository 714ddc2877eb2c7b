/** Whether this page and this browser can make calls at all. */

import type { Check } from './check.js';

export const checkBrowser: Check = async ({ platform }) => {
  if (!platform.isSecureContext) return { finding: 'insecure-context' };
  const able = platform.RTCPeerConnection && platform.mediaDevices?.getUserMedia && platform.WebSocket;
  return { finding: able ? 'browser-ok' : 'unsupported-browser' };
};
