import { decode, encode } from "dns-packet";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageText, optionTexts } from "../testing/message-text.ts";
import { queryPacket } from "../testing/test-responder.ts";
import { emptyQuery, parseQuery } from "../wire/parse-query.ts";
import { toClientResponse, toUpstreamQuery } from "./forwarded-message.ts";

function upstreamQuery(packet: Buffer): Buffer {
  const query = emptyQuery();
  expect(parseQuery(packet, packet.length, query)).toBe("answer");
  return toUpstreamQuery(packet, query, 1232);
}

describe("what an upstream is asked", () => {
  test("name, type and wishes are the client's; its options are not", () => {
    const packet = queryPacket("WwW.Example.COM AAAA", {
      id: 7,
      flags: 0x0130,
      ednsBytes: 4096,
      isDnssecOk: true,
      options: [
        [10, "2464c4abcf10c957"],
        [3, ""],
      ],
    });
    const asked = decode(upstreamQuery(packet));
    expect(asked.questions).toEqual([{ name: "WwW.Example.COM", type: "AAAA", class: "IN" }]);
    expect(asked).toMatchObject({ flag_rd: true, flag_ad: true, flag_cd: true, type: "query" });
    expect(asked.additionals).toEqual([
      expect.objectContaining({ type: "OPT", udpPayloadSize: 1232, flag_do: true, options: [] }),
    ]);
  });

  test("without EDNS there is none", () => {
    expect(decode(upstreamQuery(queryPacket("a.example A", {}))).additionals).toEqual([]);
  });
});

const question = [{ name: "a.example", type: "A" as const }];
const questionEnd = queryPacket("a.example A", {}).length;

function response(addresses: number, hasOpt = true): Buffer {
  return encode({
    type: "response",
    id: 1,
    flags: 0x0180,
    questions: question,
    answers: Array.from({ length: addresses }, (_, index) => ({
      name: "a.example",
      type: "A" as const,
      ttl: 60,
      data: `192.0.2.${index}`,
    })),
    additionals: hasOpt
      ? [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize: 1232,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
}

const NSID = Buffer.from("00030003706f64", "hex");
const NONE = Buffer.alloc(0);

describe("what the client gets", () => {
  test("its own id, and our options behind the upstream's", () => {
    const client = { id: 99, questionEnd, bytesMax: 1232, options: NSID };
    const message = toClientResponse(response(1), client);
    expect(message.readUInt16BE(0)).toBe(99);
    expect(messageText(message)).toEqual(["NOERROR rd", "a.example 60 IN A 192.0.2.0"]);
    expect(optionTexts(message)).toEqual(["NSID pod"]);
  });

  test("RA, also where the upstream is an authority that offers none", () => {
    const from = response(1);
    from.writeUInt16BE(0x8500, 2);
    const client = { id: 99, questionEnd, bytesMax: 1232, options: NONE };
    expect(toClientResponse(from, client).readUInt16BE(2)).toBe(0x8580);
  });

  test("no options where the upstream sent no OPT, or where they do not fit", () => {
    const whole = response(1);
    for (const [from, bytesMax] of [
      [response(1, false), 1232],
      [whole, whole.length],
    ] as const) {
      const message = toClientResponse(from, { id: 99, questionEnd, bytesMax, options: NSID });
      expect(message.subarray(2)).toEqual(from.subarray(2));
    }
  });

  test("TC when the upstream sent more than the client takes", () => {
    const client = { id: 99, questionEnd, bytesMax: 512, options: NONE };
    const message = toClientResponse(response(40), client);
    expect(messageText(message)).toEqual(["NOERROR tc rd"]);
    expect(decode(message).questions).toEqual([expect.objectContaining({ name: "a.example" })]);
  });

  test("broken responses pass without harm", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: questionEnd, maxLength: 600 }), (bytes) => {
        const client = { id: 99, questionEnd, bytesMax: 512, options: NSID };
        const message = toClientResponse(Buffer.from(bytes), client);
        expect(message.length).toBeLessThanOrEqual(512);
        expect(message.readUInt16BE(0)).toBe(99);
      }),
    );
  });
});
