// Two programs with which a router's ways are found out, from a home and from the internet (RFC 5780 §4, in small).
//   node asking.mjs answer HERE THERE     on a public machine with these two addresses
//   node asking.mjs ask HERE THERE        in a home; prints what it found as JSON
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

const UDP_PORT = 3478;
const TCP_PORTS = [443, 3478];
const PATIENCE_MS = 400;

const [, , role, here, there] = process.argv;
const isIpv6 = here.includes(':');
if (role === 'answer') await answer();
else console.log(JSON.stringify(await ask()));

/** Tells whoever writes from which port they are seen; before that, the other address writes to them unasked. */
async function answer() {
  const sockets = await Promise.all([here, there].map(bound));
  sockets.forEach((socket, n) => socket.on('message', (_, { address, port }) => {
    sockets[1 - n].send('unasked', port, address, () => socket.send(String(port), port, address));
  }));
  await Promise.all(TCP_PORTS.map((port) => new Promise((resolve) => createServer((near) => near.end()).listen(port, here, resolve))));
  console.log('ready');
}

async function ask() {
  const socket = await bound(isIpv6 ? '::' : '0.0.0.0');
  const heard = [];
  socket.on('message', (text, { address }) => heard.push({ text: String(text), address }));
  const seenFrom = async (address) => {
    socket.send('?', UDP_PORT, address);
    await Promise.race([until(() => heard.some((one) => one.address === address && one.text !== 'unasked')), pause(PATIENCE_MS)]);
    return heard.find((one) => one.address === address && one.text !== 'unasked')?.text ?? null;
  };
  const first = await seenFrom(here);
  const unasked = heard.some(({ text }) => text === 'unasked');
  const second = await seenFrom(there);
  const tcp = await Promise.all(TCP_PORTS.map(opens));
  socket.close();
  return { own: String(UDP_PORT), first, second, unasked, tcp: TCP_PORTS.filter((_, n) => tcp[n]) };
}

function bound(address) {
  const socket = createSocket(isIpv6 ? 'udp6' : 'udp4');
  return new Promise((resolve) => socket.bind(UDP_PORT, address, () => resolve(socket)));
}

function opens(port) {
  const socket = connect(port, here);
  const answer = new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
  return Promise.race([answer, pause(PATIENCE_MS).then(() => false)]).finally(() => socket.destroy());
}

async function until(so) {
  while (!so()) await pause(5);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
