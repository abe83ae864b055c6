import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { queryPacket } from "../../dns-server/testing/test-responder.ts";

// A hostile client, a process of its own: `flood-client.ts addresses|slow-tcp <port> <seconds> <packets a second>`. Tells its parent
// when it begins, and what it did.

const ADDRESSES = 2_000;
const BURST = 64;
const TCP_CLIENTS = 1_500;

const [kind, portText, secondsText, perSecondText] = process.argv.slice(2);
const port = Number(portText);
const packetsPerMs = Number(perSecondText) / 1000;

process.send?.(kind === "addresses" ? await fromManyAddresses() : await slowTcp());
process.exit();

/** When the flood is over. */
function begin(): number {
  process.send?.("begins");
  return performance.now() + Number(secondsText) * 1000;
}

/** Each packet from the next of many addresses: to the server as good as forged ones, of which it knows none. */
async function fromManyAddresses(): Promise<string> {
  const sockets = [];
  for (let index = 0; index < ADDRESSES; index++) {
    const socket = createSocket("udp4");
    socket.on("error", () => undefined);
    socket.bind(0, `127.${1 + (index % 200)}.${index >> 8}.${1 + (index % 250)}`);
    await once(socket, "listening");
    sockets.push(socket);
  }
  const packets = sockets.map((_, index) =>
    queryPacket(`f${index}.ns-1.svc.clusterset.local A`, { id: index, ednsBytes: 1232 }),
  );
  let sent = 0;
  let answered = 0;
  for (const socket of sockets) socket.on("message", () => answered++);
  const untilMs = begin();
  const startMs = performance.now();
  while (performance.now() < untilMs) {
    const due = (performance.now() - startMs) * packetsPerMs - sent;
    for (let count = 0; count < Math.min(BURST, due); count++, sent++) {
      const index = sent % ADDRESSES;
      sockets[index]?.send(packets[index] ?? "", port, "127.0.0.1");
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const perSecond = Math.round(sent / Number(secondsText));
  return `${perSecond}/s sent, ${Math.round((answered / sent) * 100)} % answered`;
}

/** Connections that never finish a query, opened again whenever they are closed. */
async function slowTcp(): Promise<string> {
  let opened = 0;
  let open = 0;
  const untilMs = begin();
  const start = (): void => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.on("connect", () => {
      opened++;
      open++;
      const timer = setInterval(() => socket.write(Buffer.alloc(1)), 1000);
      socket.on("close", () => {
        clearInterval(timer);
        open--;
        if (performance.now() < untilMs) setTimeout(start, 100);
      });
    });
  };
  for (let client = 0; client < TCP_CLIENTS; client++) start();
  await new Promise((resolve) => setTimeout(resolve, untilMs - performance.now()));
  return `${opened} connections, ${open} open at the end`;
}
