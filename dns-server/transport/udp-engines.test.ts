import { createSocket } from "node:dgram";
import { once } from "node:events";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { HAS_ADDON } from "../testing/native-addon.ts";
import { SAMPLE_ZONE } from "../testing/sample-zone.ts";
import { queryPacket, testResponder } from "../testing/test-responder.ts";
import { makeUdpListener, type UdpEngine } from "./udp-engine.ts";

/** A server on a port of its own that has never answered anything, and the responses that one client gets of it. */
async function exchange(engine: UdpEngine, packets: readonly Buffer[]): Promise<readonly string[]> {
  const { responder } = testResponder(SAMPLE_ZONE);
  const drops: string[] = [];
  const made = makeUdpListener(
    { host: "127.0.0.1", port: 0, reusePort: false, queueBytes: 1024 * 1024, udpEngine: engine },
    {
      answer: (packet, length, transport, into, client) =>
        responder.respond(packet, length, transport, into, client),
      dropped: (reason) => void drops.push(reason),
      admitted: () => undefined,
      clock: systemClock,
      log: silentLogger,
    },
  );
  if (!made.ok) throw new Error(made.error);
  const port = await made.value.start();
  if (!port.ok) throw new Error(port.error.message);
  const socket = createSocket("udp4");
  const received: Buffer[] = [];
  socket.on("message", (message) => void received.push(message));
  const last = queryPacket("end.of.the.packets A", { id: 4242 });
  for (const packet of [...packets, last]) socket.send(packet, port.value, "127.0.0.1");
  const signal = AbortSignal.timeout(15_000);
  while (received.at(-1)?.readUInt16BE(0) !== 4242) await once(socket, "message", { signal });
  socket.close();
  made.value.stop();
  return [...received.map((message) => message.toString("hex")), ...drops];
}

const QUESTIONS = [
  "web.shop A",
  "db.shop A",
  "_http._tcp.web.shop SRV",
  "pods.shop AAAA",
  "no.shop A",
];

const aPacket = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(...QUESTIONS),
      fc.nat(4000),
      fc.option(fc.constantFrom(0, 512, 1232, 9999)),
    )
    .map(([question, id, ednsBytes]) => {
      const [name, type] = question.split(" ");
      const draft = { id, ...(ednsBytes === null ? {} : { ednsBytes }) };
      return queryPacket(`${name}.svc.clusterset.local ${type}`, draft);
    }),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from([0, ...bytes])),
  fc.constant(Buffer.concat([queryPacket("web.shop.svc.clusterset.local A"), Buffer.alloc(5000)])),
);

test.skipIf(!HAS_ADDON)(
  "both engines answer the same bytes and drop the same packets",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aPacket, { maxLength: 100 }), async (packets) => {
        expect(await exchange("batch", packets)).toEqual(await exchange("dgram", packets));
      }),
      { numRuns: 30 },
    );
  },
);
