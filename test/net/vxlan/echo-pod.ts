import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** Runs in a pod's namespace: tells who asks, over TCP and UDP, on the ports given. */
const ports = process.argv.slice(2).map(Number);
for (const port of ports) {
  createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(`${socket.remoteAddress}`);
  }).listen(port, "::");
  const udp = createSocket({ type: "udp6" });
  udp.on("message", (_, { address, port: from }) => udp.send(address, from, address));
  udp.bind(port, "::");
}
