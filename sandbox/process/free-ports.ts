import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import type { Random } from "../../runtime/random/random.ts";

/**
 * Below the range from which systems choose ports by themselves (Linux: from 32768 on), so that no connection and no
 * "any port" listener of another program takes one between here and its use.
 */
const RANGE = { first: 20_000, last: 32_000 } as const;
const ATTEMPTS_MAX = 2_000;

/** Different loopback ports on which nobody listens now, neither on TCP nor on UDP. */
export async function freePorts(count: number, random: Random): Promise<readonly number[]> {
  const found = new Set<number>();
  for (let attempt = 0; found.size < count; attempt++) {
    if (attempt === ATTEMPTS_MAX) {
      throw new Error(
        `cannot find ${count} free ports from ${RANGE.first} to ${RANGE.last}: got ${found.size}`,
      );
    }
    const port = RANGE.first + Math.floor(random.next() * (RANGE.last - RANGE.first));
    if (!found.has(port) && (await isFreeTcp(port)) && (await isFreeUdp(port))) found.add(port);
  }
  return [...found];
}

function isFreeTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

function isFreeUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => resolve(false));
    socket.bind(port, "127.0.0.1", () => socket.close(() => resolve(true)));
  });
}
