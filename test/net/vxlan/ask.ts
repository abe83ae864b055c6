import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";

/** Runs in a client's namespace: `ask tcp|udp ADDRESS PORT`, prints what the echo pod says, or why not. */
const [protocol, address = "", port] = process.argv.slice(2);
const LIMIT_MS = 1_500;
const say = (text: string): void => {
  process.stdout.write(text.replace("::ffff:", ""));
  process.exit(0);
};
setTimeout(() => say("silence"), LIMIT_MS);
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
  socket.connect(Number(port), address, () => socket.send("hello"));
}
