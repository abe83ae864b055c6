import { talkGrpc, talkWebSocket } from "./node-clients.ts";
import { serveGrpc, serveHttp, serveHttp2, serveWebSocket } from "./node-servers.ts";

// A process in a place of its own: `main.ts serve HOST`, or `main.ts grpc|websocket HOST PORT`, which ends with 0 when all was said.

const SERVERS = [
  [8001, serveHttp],
  [8002, serveHttp2],
  [8003, serveGrpc],
  [8004, serveWebSocket],
] as const;

const [what, host = "", port] = process.argv.slice(2);
if (what === "serve") {
  // In order: who finds the last one finds them all.
  for (const [at, serve] of SERVERS) await serve(host, at);
} else if (what === "grpc") {
  await talkGrpc(host, Number(port));
} else if (what === "websocket") {
  await talkWebSocket(host, Number(port));
} else {
  throw new Error(`must be serve, grpc or websocket: got ${what}`);
}
