import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { freePorts } from "./free-ports.ts";

test("ports are different, and outside of what systems hand out by themselves", async () => {
  const ports = await freePorts(40, seededRandom(1));
  expect(new Set(ports).size).toBe(40);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test("a port that somebody listens on is passed over, on TCP as on UDP", async () => {
  const [tcp = 0, udp = 0] = await freePorts(2, seededRandom(2));
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(tcp, "127.0.0.1", resolve);
  });
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => {
    socket.bind(udp, "127.0.0.1", resolve);
  });
  // The same draws again: both are taken now.
  const others = await freePorts(2, seededRandom(2));
  expect(others).not.toContain(tcp);
  expect(others).not.toContain(udp);
  server.close();
  socket.close();
});
