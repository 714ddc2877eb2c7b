// The PeerJS server as its package ships it, on loopback: `node server.js PORT`.
// Only its limit on clients is raised, from 5,000, so that 15,000 idle ones can be measured.
import { PeerServer } from "peer";

const port = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 1) {
  console.error("usage: node server.js PORT");
  process.exit(2);
}
PeerServer({ host: "127.0.0.1", port, path: "/", key: "peerjs", concurrent_limit: 100_000 });
