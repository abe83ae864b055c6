import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";

/** Runs in a client's namespace: `ask tcp|udp ADDRESS PORT LIMIT_MS`, prints what the echo pod says, or why not. */
const [protocol, address = "", port, limitMs] = process.argv.slice(2);
/** A datagram may be lost, and the kernel sends few ICMP errors a second. */
const AGAIN_MS = 500;
const say = (text: string): void => {
  process.stdout.write(text.replace("::ffff:", ""));
  process.exit(0);
};
setTimeout(() => say("silence"), Number(limitMs));
if (protocol === "tcp") {
  const socket = connect(Number(port), address);
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk.toString();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => say(error.code ?? "error"));
  socket.on("end", () => say(said));
} else {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  socket.on("message", (message) => say(message.toString()));
  socket.on("error", (error: NodeJS.ErrnoException) => say(error.code ?? "error"));
  socket.connect(Number(port), address, () => {
    socket.send("hello");
    setInterval(() => socket.send("hello"), AGAIN_MS);
  });
}
