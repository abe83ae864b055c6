// Preloaded into a program that is a pod of a userland network: what it dials at a pod's address goes to the pod's door
// (pod-doors.ts), as a route would do it. ISTHMUS_SANDBOX_DOORS: `10.1.0.=127.40.3.`, several with commas.
import { Socket } from "node:net";

const doors = (process.env["ISTHMUS_SANDBOX_DOORS"] ?? "")
  .split(",")
  .filter((text) => text !== "")
  .map((text) => text.split("="));
const connect = Reflect.get(Socket.prototype, "connect");

Socket.prototype.connect = function connectThroughDoor(...args) {
  // `net.connect` hands over its arguments in one array, already in order.
  const inner = Array.isArray(args[0]) ? args[0] : args;
  const [options] = inner;
  const host = options?.host;
  const door = typeof host === "string" ? doors.find(([pods]) => host.startsWith(pods)) : undefined;
  if (door !== undefined) {
    const [pods, machine] = door;
    inner[0] = { ...options, host: `${machine}${host.slice(pods.length)}` };
  }
  return Reflect.apply(connect, this, args);
};
