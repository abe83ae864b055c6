import { decode, encode } from "dns-packet";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { queryPacket } from "../testing/test-responder.ts";
import { emptyQuery, parseQuery } from "./parse-query.ts";

const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
const name = fc.array(label, { minLength: 1, maxLength: 8 }).map((labels) => labels.join("."));

test("reads what dns-packet writes", () => {
  fc.assert(
    fc.property(
      name,
      fc.constantFrom("A", "AAAA", "SRV", "TXT", "SOA"),
      fc.nat(65_535),
      fc.option(fc.record({ ednsBytes: fc.nat(65_535), isDnssecOk: fc.boolean() }), {
        nil: undefined,
      }),
      (qname, type, id, edns) => {
        const packet = queryPacket(`${qname} ${type}`, { id, ...edns });
        const query = emptyQuery();
        expect(parseQuery(packet, packet.length, query)).toBe("answer");
        const oracle = decode(packet);
        const opt = oracle.additionals?.[0];
        expect(query).toMatchObject({
          id: oracle.id,
          hasEdns: opt !== undefined,
          isDnssecOk: opt?.type === "OPT" && opt.flag_do,
          udpPayloadBytes: edns?.ednsBytes ?? 0,
        });
        expect(packet.subarray(12, query.nameEnd)).toEqual(
          encode({ questions: [{ name: qname, type: "A" }] }).subarray(12, -4),
        );
      },
    ),
  );
});

test("what it takes for a query, dns-packet decodes to the same question", () => {
  const base = queryPacket("web.shop.svc.clusterset.local A");
  const query = emptyQuery();
  // All but the type of OPT: dns-packet reads the data of other types, which the server skips over.
  const optType = base.length - 10;
  const at = fc.nat(base.length - 1).filter((at) => at !== optType && at !== optType + 1);
  let answered = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(at, fc.nat(255)), { maxLength: 3 }), (mutations) => {
      const packet = Buffer.from(base);
      for (const [at, value] of mutations) packet[at] = value;
      if (parseQuery(packet, packet.length, query) !== "answer") return;
      answered++;
      const oracle = decode(packet);
      expect(oracle.questions).toHaveLength(1);
      expect(oracle.flag_qr).toBe(false);
      const opts = (oracle.additionals ?? []).filter(({ type }) => type === "OPT");
      expect(opts.length > 0).toBe(query.hasEdns);
    }),
    { numRuns: 2000 },
  );
  expect(answered).toBeGreaterThan(500);
});

describe("limits", () => {
  const verdict = (packet: Buffer): string => parseQuery(packet, packet.length, emptyQuery());
  const ofName = (wire: Buffer): Buffer =>
    Buffer.concat([queryPacket("a A", {}).subarray(0, 12), wire, Buffer.from([0, 1, 0, 1])]);
  const labels = (...sizes: number[]): Buffer =>
    Buffer.concat([
      ...sizes.map((size) => Buffer.concat([Buffer.from([size]), Buffer.alloc(size, 97)])),
      Buffer.from([0]),
    ]);

  test.each([
    { name: "labels of 63 bytes", wire: labels(63, 63, 63, 61), want: "answer" },
    { name: "a name of 256 bytes", wire: labels(63, 63, 63, 62), want: "malformed" },
    { name: "127 labels", wire: labels(...Array.from({ length: 127 }, () => 1)), want: "answer" },
    {
      name: "128 labels",
      wire: labels(...Array.from({ length: 128 }, () => 1)),
      want: "malformed",
    },
    { name: "a label of 64 bytes", wire: labels(64), want: "malformed" },
    { name: "the root", wire: labels(), want: "answer" },
  ])("$name: $want", ({ wire, want }) => expect(verdict(ofName(wire))).toBe(want));

  test("every cut of a query is malformed or dropped, never read past its end", () => {
    const packet = queryPacket("web.shop.svc.clusterset.local A");
    for (let length = 0; length < packet.length; length++) {
      expect(verdict(packet.subarray(0, length))).toBe(length < 12 ? "drop" : "malformed");
    }
  });

  test("unknown EDNS options are ignored, broken ones are not", () => {
    const packet = queryPacket("a A");
    const withOption = (bytes: number[]): Buffer => {
      const opt = Buffer.concat([packet, Buffer.from(bytes)]);
      opt.writeUInt16BE(bytes.length, packet.length - 2);
      return opt;
    };
    expect(verdict(withOption([253, 233, 0, 2, 1, 2]))).toBe("answer");
    expect(verdict(withOption([253, 233, 0, 3, 1, 2]))).toBe("malformed");
    expect(verdict(withOption([253, 233]))).toBe("malformed");
  });

  test("65,535 announced records that are not there cost nothing", () => {
    const packet = queryPacket("a A", {});
    for (const at of [6, 8, 10]) packet.writeUInt16BE(0xffff, at);
    expect(verdict(packet)).toBe("malformed");
  });
});
