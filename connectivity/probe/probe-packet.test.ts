import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import {
  answerProbe,
  decodeProbe,
  encodeProbe,
  PROBE_BYTES_MAX,
  PROBE_BYTES_MIN,
  type ProbePacket,
} from "./probe-packet.ts";

const EAST = clusterId("east");
const WEST = clusterId("west");

const packets: fc.Arbitrary<ProbePacket> = fc.record({
  kind: fc.constantFrom("request", "reply"),
  nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  sequence: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  cluster: fc.constantFrom(EAST, WEST, clusterId("c".repeat(63))),
  bytes: fc.integer({ min: PROBE_BYTES_MIN, max: 9_000 }),
});

describe("probe packets", () => {
  test("what is encoded is read back", () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const encoded = encodeProbe(packet);
        expect(encoded).toHaveLength(packet.bytes);
        expect(decodeProbe(encoded)).toEqual(packet);
      }),
    );
  });

  test("strangers' bytes, whatever they are, get no answer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(answerProbe(EAST, bytes)).toBeUndefined();
      }),
    );
  });

  test("an answer has the size of its question, is no question itself, and comes from who was asked", () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const answer = answerProbe(EAST, encodeProbe(packet));
        if (packet.kind === "reply" || packet.cluster !== EAST) {
          expect(answer).toBeUndefined();
          return;
        }
        expect(answer).toHaveLength(packet.bytes);
        expect(decodeProbe(answer ?? new Uint8Array())).toEqual({ ...packet, kind: "reply" });
        // Two responders that hear each other do not answer each other's answers.
        expect(answerProbe(EAST, answer ?? new Uint8Array())).toBeUndefined();
      }),
    );
  });

  test.each([
    { name: "magic", at: 0 },
    { name: "version", at: 4 },
    { name: "kind", at: 5 },
    { name: "length", at: 7 },
    { name: "id length", at: 20 },
  ])("a wrong $name is no probe", ({ at }) => {
    const packet = encodeProbe(aRequest());
    packet[at] = 0xee;
    expect(decodeProbe(packet)).toBeUndefined();
  });

  test("cut or longer than it says is no probe", () => {
    const packet = encodeProbe(aRequest());
    expect(decodeProbe(packet.subarray(0, -1))).toBeUndefined();
    expect(decodeProbe(new Uint8Array([...packet, 0]))).toBeUndefined();
  });

  test.each([PROBE_BYTES_MIN - 1, PROBE_BYTES_MAX + 1, 100.5])("%d bytes are refused", (bytes) => {
    expect(() => encodeProbe({ ...aRequest(), bytes })).toThrow(/a probe has 84 to 65507 bytes/);
  });
});

function aRequest(): ProbePacket {
  return { kind: "request", nonce: 7n, sequence: 1, cluster: EAST, bytes: 120 };
}

function clusterId(text: string): ClusterId {
  const parsed = parseClusterId(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
