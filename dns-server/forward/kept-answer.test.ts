import { type Answer, decode, encode, type RecordType } from "dns-packet";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageText } from "../testing/message-text.ts";
import { queryPacket } from "../testing/test-responder.ts";
import { TYPE } from "../wire/dns-numbers.ts";
import { keepAnswer, recallAnswer } from "./kept-answer.ts";

const HOUR = 3600;
const QUESTION_END = queryPacket("a.example A", {}).length;

interface Draft {
  readonly type?: RecordType;
  readonly flags?: number;
  readonly answers?: Answer[];
  readonly authorities?: Answer[];
  readonly additionals?: Answer[];
}

function response(draft: Draft): Buffer {
  const { type = "A", flags = 0x0180, answers = [], authorities = [], additionals = [] } = draft;
  const questions = [{ name: "a.example", type }];
  return encode({ type: "response", id: 1, flags, questions, answers, authorities, additionals });
}

const a = (ttl: number, name = "a.example"): Answer => ({
  name,
  type: "A",
  ttl,
  data: "192.0.2.1",
});
const alias: Answer = { name: "a.example", type: "CNAME", ttl: 50, data: "b.example" };
const ns: Answer = { name: "example", type: "NS", ttl: 40, data: "ns.example" };
const soa = (ttl: number, minimum: number): Answer => ({
  name: "example",
  type: "SOA",
  ttl,
  data: { mname: "m", rname: "r", serial: 1, refresh: 2, retry: 3, expire: 4, minimum },
});
const opt = (extendedRcode: number): Answer => ({
  type: "OPT",
  name: ".",
  udpPayloadSize: 1232,
  extendedRcode,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
});

describe("how long a response may be kept, seconds; undefined: not at all", () => {
  test.each<{ what: string; draft: Draft; want: number | undefined }>([
    { what: "an address, for its TTL", draft: { answers: [a(60)] }, want: 60 },
    {
      what: "as long as all its records are good",
      draft: { answers: [a(60)], authorities: [ns], additionals: [a(30, "ns.example")] },
      want: 30,
    },
    { what: "no longer than wanted here", draft: { answers: [a(86_400)] }, want: HOUR },
    { what: "OPT has no TTL", draft: { answers: [a(60)], additionals: [opt(0)] }, want: 60 },
    {
      what: "an alias with what it leads to",
      draft: { answers: [alias, a(60, "b.example")] },
      want: 50,
    },
    {
      what: "TTL 0: for this question alone (RFC 1035, section 3.2.1)",
      draft: { answers: [a(0)] },
      want: undefined,
    },
    {
      what: "a TTL with its highest bit set is 0 (RFC 2181, section 8)",
      draft: { answers: [a(2 ** 31 + 60)] },
      want: undefined,
    },
    {
      what: "NXDOMAIN for the SOA's minimum (RFC 2308, section 5)",
      draft: { flags: 0x0183, authorities: [soa(900, 30)] },
      want: 30,
    },
    {
      what: "... or for its TTL, if that is less",
      draft: { flags: 0x0183, authorities: [soa(20, 300)] },
      want: 20,
    },
    { what: "NODATA the same", draft: { authorities: [soa(900, 30)] }, want: 30 },
    {
      what: "an alias to a name without such records",
      draft: { answers: [alias], authorities: [soa(900, 30)] },
      want: 30,
    },
    {
      what: "NXDOMAIN without an SOA (RFC 2308, section 5)",
      draft: { flags: 0x0183 },
      want: undefined,
    },
    { what: "NODATA without one, a referral", draft: { authorities: [ns] }, want: undefined },
    { what: "an alias alone", draft: { answers: [alias] }, want: undefined },
    {
      what: "the SOA of a positive answer binds nothing but its own TTL",
      draft: { answers: [a(60)], authorities: [soa(900, 30)] },
      want: 60,
    },
    { what: "SERVFAIL", draft: { flags: 0x0182, authorities: [soa(900, 30)] }, want: undefined },
    { what: "REFUSED", draft: { flags: 0x0185 }, want: undefined },
    { what: "a cut answer", draft: { flags: 0x0380, answers: [a(60)] }, want: undefined },
    {
      what: "an extended code",
      draft: { answers: [a(60)], additionals: [opt(1)] },
      want: undefined,
    },
  ])("$what", ({ draft, want }) => {
    expect(keepAnswer(response(draft), QUESTION_END, HOUR)?.lifetimeSeconds).toBe(want);
  });

  test("ANY is answered by anything", () => {
    const message = response({ answers: [ns] });
    message.writeUInt16BE(TYPE.ANY, QUESTION_END - 4);
    expect(keepAnswer(message, QUESTION_END, HOUR)?.lifetimeSeconds).toBe(40);
  });

  test("nothing when nothing is to be kept, nor of what cannot be read", () => {
    const whole = response({ answers: [a(60)] });
    expect(keepAnswer(whole, QUESTION_END, 0)).toBeUndefined();
    expect(keepAnswer(whole.subarray(0, -1), QUESTION_END, HOUR)).toBeUndefined();
    expect(keepAnswer(Buffer.concat([whole, Buffer.alloc(1)]), QUESTION_END, HOUR)).toBeUndefined();
  });

  test("any bytes do no harm", () => {
    const header = response({}).subarray(0, QUESTION_END);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(3),
        fc.nat(3),
        (bytes, answers, others) => {
          const message = Buffer.concat([header, bytes]);
          message.writeUInt16BE(answers, 6);
          message.writeUInt16BE(others, 8);
          const kept = keepAnswer(message, QUESTION_END, HOUR);
          if (kept === undefined) return;
          expect(kept.lifetimeSeconds).toBeGreaterThan(0);
          expect(recallAnswer(kept, message, QUESTION_END, HOUR)).toHaveLength(message.length);
        },
      ),
    );
  });
});

describe("given again", () => {
  const kept = keepAnswer(
    response({ flags: 0x0583, authorities: [soa(900, 30)] }),
    QUESTION_END,
    HOUR,
  );
  if (kept === undefined) throw new Error("a denial with an SOA is kept");

  test("TTLs have run down; the SOA's is what is left of the denial (RFC 2308, section 5)", () => {
    const query = queryPacket("a.example A", {});
    const ttlOf = (age: number): unknown => {
      const [record] = decode(recallAnswer(kept, query, QUESTION_END, age)).authorities ?? [];
      return record?.type === "SOA" ? record.ttl : undefined;
    };
    expect([0, 12, 29, 31].map(ttlOf)).toEqual([30, 18, 1, 0]);
  });

  test("in the letters of who asks, without AA", () => {
    const query = queryPacket("A.eXample A", {});
    const message = recallAnswer(kept, query, QUESTION_END, 1);
    expect(messageText(message)[0]).toBe("NXDOMAIN rd");
    expect(decode(message).questions?.[0]?.name).toBe("A.eXample");
  });
});
