import type { Socket as UdpSocket } from "node:dgram";
import { afterEach, beforeEach, expect, test } from "vitest";
import { invariant } from "../../../api/invariant.ts";
import { err, ok } from "../../../api/result.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import type { Dialer, UdpFlow } from "../dialer.ts";
import { bindUdp } from "../loopback.ts";
import { encodeDatagram } from "./encode.ts";
import { UdpAssociation } from "./udp-association.ts";

const SWEEP_MS = 60_000;

class TestFlow implements UdpFlow {
  readonly sent: string[] = [];
  closed = false;

  send(payload: Uint8Array): void {
    this.sent.push(String(Buffer.from(payload)));
  }

  close(): void {
    this.closed = true;
  }
}

let clock: VirtualClock;
let association: UdpAssociation;
let client: UdpSocket;
let relayPort: number;
/** Every flow that was opened, by its destination's port. */
let flows: Map<number, TestFlow[]>;

beforeEach(async () => {
  clock = new VirtualClock();
  flows = new Map();
  const dialer: Dialer = {
    dialTcp: () => Promise.resolve(err({ kind: "refused", message: "no TCP here" })),
    openUdp: ({ port }) => {
      const flow = new TestFlow();
      flows.set(port, [...(flows.get(port) ?? []), flow]);
      return Promise.resolve(ok(flow));
    },
  };
  association = new UdpAssociation(
    { clientIp: "10.1.0.250", controlAddress: "127.0.0.1", peer: "127.0.0.1" },
    { clock, dialer, resolve: ({ host }) => Promise.resolve(ok([host])) },
  );
  const started = await association.start(new AbortController().signal);
  const bound = await bindUdp("127.0.0.1");
  invariant(started.ok && bound.ok, "the sockets are there", { started });
  relayPort = started.value.port;
  client = bound.value;
});
afterEach(() => {
  association.stop();
  client.close();
});

/** Sends to 10.1.0.2:`port`; resolves when a flow has it. */
async function send(port: number, text: string): Promise<void> {
  const destination = { kind: "ip", host: "10.1.0.2", port } as const;
  client.send(encodeDatagram(destination, Buffer.from(text)), relayPort, "127.0.0.1");
  const sent = () => (flows.get(port) ?? []).flatMap((flow) => flow.sent);
  await expect.poll(sent, { interval: 1 }).toContain(text);
}

function closedOf(port: number): readonly boolean[] {
  return (flows.get(port) ?? []).map(({ closed }) => closed);
}

test("a flow that was not used for a minute is closed at the next sweep, others stay", async () => {
  await send(1, "old");
  await send(2, "first");
  await clock.advance(SWEEP_MS);
  expect([closedOf(1), closedOf(2)]).toEqual([[false], [false]]);
  await send(2, "again");
  await clock.advance(SWEEP_MS);
  expect([closedOf(1), closedOf(2)]).toEqual([[true], [false]]);
  await send(1, "new");
  expect(closedOf(1)).toEqual([true, false]);
});

test("of more than 256 destinations the longest unused one leaves (I12)", async () => {
  for (let port = 1; port <= 256; port += 1) await send(port, "x");
  await send(1, "used again");
  await send(300, "one more");
  await expect.poll(() => closedOf(2)).toEqual([true]);
  const closed = [...flows.keys()].filter((port) => closedOf(port)[0]);
  expect(closed).toEqual([2]);
});

test("a stop closes every flow and leaves no timer", async () => {
  await send(1, "x");
  association.stop();
  await expect.poll(() => closedOf(1)).toEqual([true]);
  expect(clock.timerCount).toBe(0);
});
