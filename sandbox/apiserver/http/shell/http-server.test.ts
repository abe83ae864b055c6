import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "../../../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../../../runtime/log/silent-log.ts";
import { systemRandom } from "../../../../runtime/random/system-random.ts";
import { createApiServer } from "../../create-api-server.ts";

test("closing ends connections that have not finished their handshake too", async () => {
  const server = await createApiServer(
    { serviceCidrs: ["10.101.0.0/16"] },
    { clock: systemClock, random: systemRandom, log: silentLogger },
  );
  if (!server.ok) throw new Error(server.error);
  await server.value.start();
  const { hostname, port } = new URL(server.value.kubeconfigEntry("one").server);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  // The server has the connection as well once another one, made later, is answered.
  await fetch(`http://${hostname}:${port}/`).catch(() => undefined);
  const closed = once(socket, "close");
  await server.value.stop();
  await closed;
  expect(socket.destroyed).toBe(true);
});
