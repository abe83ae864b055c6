import { decode, encode } from "dns-packet";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { Reply } from "../answer/outside-zone.ts";
import { queryPacket } from "../testing/test-responder.ts";
import { emptyQuery, parseQuery } from "../wire/parse-query.ts";
import { CachingForwarder } from "./caching-forwarder.ts";
import { toUpstreamQuery } from "./forwarded-message.ts";
import type { Asked } from "./forwarder.ts";

const SILENCE: Asked = { kind: "failed", response: undefined };

type Question = readonly [query: Buffer, questionEnd: number];

function asked(question: string, draft: Parameters<typeof queryPacket>[1] = {}): Question {
  const packet = queryPacket(question, draft);
  const query = emptyQuery();
  parseQuery(packet, packet.length, query);
  return [toUpstreamQuery(packet, query, query.udpPayloadBytes), query.nameEnd + 4];
}

const nameOf = (reply: Reply | undefined): string | undefined =>
  reply?.response && decode(reply.response).questions?.[0]?.name;

function answerTo(query: Buffer, ttl: number, name = "192.0.2.1"): Buffer {
  const { questions = [] } = decode(query);
  const answers = [{ name: questions[0]?.name ?? "", type: "A" as const, ttl, data: name }];
  return encode({ type: "response", id: 1, flags: 0x0180, questions, answers });
}

function cache(ttlMaxSeconds = 3600, staleMaxSeconds = 0) {
  const clock = new VirtualClock();
  const lookups: string[] = [];
  const sizes: number[] = [];
  const waiting: { query: Buffer; answer: (asked: Asked) => void }[] = [];
  const forwarder = new CachingForwarder(
    { ttlMaxSeconds, staleMaxSeconds },
    {
      clock,
      ask: (query) => {
        const { promise, resolve } = Promise.withResolvers<Asked>();
        waiting.push({ query, answer: resolve });
        return promise;
      },
      onLookup: (result) => lookups.push(result),
      onSize: (entries) => sizes.push(entries),
    },
  );
  /** Asks and has the upstream answer. */
  const learn = async (question: Question, ttl: number): Promise<void> => {
    const response = forwarder.ask(...question, "udp");
    const next = waiting.shift();
    next?.answer(answered(answerTo(next.query, ttl)));
    await response;
  };
  /** Asks, and the upstream fails. */
  const fail = async (question: Question, response?: Buffer): Promise<Reply> => {
    const reply = forwarder.ask(...question, "udp");
    waiting.shift()?.answer({ kind: "failed", response });
    return reply;
  };
  const recall = (question: Question): Reply | undefined => forwarder.recall(...question, "udp");
  return { forwarder, clock, lookups, sizes, waiting, learn, fail, recall };
}

const answered = (response: Buffer): Asked => ({ kind: "answered", response });

const ttlOf = (reply: Reply | undefined): unknown => {
  const [record] = reply?.response === undefined ? [] : (decode(reply.response).answers ?? []);
  return record?.type === "A" ? record.ttl : undefined;
};

describe("what an upstream said", () => {
  test("is known for its TTL, which runs down, and no longer", async () => {
    const { recall, clock, lookups, sizes, learn } = cache();
    const question = asked("www.example A");
    expect(recall(question)).toBeUndefined();
    await learn(question, 60);
    await clock.advance(20_500);
    expect(ttlOf(recall(question))).toBe(40);
    await clock.advance(39_499);
    expect(ttlOf(recall(question))).toBe(1);
    await clock.advance(1);
    expect(recall(question)).toBeUndefined();
    expect(lookups).toEqual(["miss", "hit", "hit", "miss"]);
    expect(sizes).toEqual([1, 0]);
  });

  test("whatever the letters of the question and the size that the client takes", async () => {
    const { recall, learn } = cache();
    await learn(asked("www.example A", { ednsBytes: 512 }), 60);
    const again = asked("WWW.exAmple A", { ednsBytes: 1232 });
    expect(nameOf(recall(again))).toBe("WWW.exAmple");
  });

  test.each([
    { what: "another type", other: asked("www.example AAAA") },
    { what: "another name", other: asked("ww.example A") },
    { what: "without EDNS", other: asked("www.example A") },
    { what: "with DO", other: asked("www.example A", { ednsBytes: 1232, isDnssecOk: true }) },
    { what: "with CD", other: asked("www.example A", { ednsBytes: 1232, flags: 0x0010 }) },
  ])("is no answer to the question $what", async ({ other }) => {
    const { recall, learn } = cache();
    await learn(asked("www.example A", { ednsBytes: 1232 }), 60);
    expect(recall(other)).toBeUndefined();
  });

  test("types differ where letters do not: HTTPS (65) is no type 97", async () => {
    const { recall, learn } = cache();
    const [https, end] = asked("www.example A");
    https.writeUInt16BE(65, end - 4);
    const other = Buffer.from(https);
    other.writeUInt16BE(97, end - 4);
    await learn([https, end], 60);
    expect(recall([other, end])).toBeUndefined();
  });

  test("is not kept when nothing is to be", async () => {
    const { recall, learn } = cache(0);
    const question = asked("www.example A");
    await learn(question, 60);
    expect(recall(question)).toBeUndefined();
  });

  test("I12: as much as fits, however much is asked", async () => {
    const { sizes, learn } = cache();
    for (let index = 0; index < 20_100; index++) await learn(asked(`n${index}.example A`), 60);
    expect(sizes.at(-1)).toBe(20_000);
  });
});

describe("the same question while it is under way (RFC 5452, section 5)", () => {
  test("goes out once, and each gets the answer in its own letters", async () => {
    const { forwarder, waiting } = cache();
    const first = forwarder.ask(...asked("www.example A"), "udp");
    const second = forwarder.ask(...asked("WWW.example A"), "udp");
    expect(waiting).toHaveLength(1);
    const [{ query, answer } = { query: Buffer.alloc(0), answer: () => undefined }] = waiting;
    answer(answered(answerTo(query, 60)));
    const names = (await Promise.all([first, second])).map(nameOf);
    expect(names).toEqual(["www.example", "WWW.example"]);
  });

  test("nobody answers: nobody gets an answer", async () => {
    const { forwarder, waiting } = cache();
    const question = asked("www.example A");
    const both = [forwarder.ask(...question, "udp"), forwarder.ask(...question, "udp")];
    waiting[0]?.answer(SILENCE);
    const failure = { kind: "failure", response: undefined, isKept: false };
    expect(await Promise.all(both)).toEqual([failure, failure]);
    expect(waiting).toHaveLength(1);
  });

  test("not by another transport, nor for another size", () => {
    const { forwarder, waiting } = cache();
    void forwarder.ask(...asked("www.example A", { ednsBytes: 512 }), "udp");
    void forwarder.ask(...asked("www.example A", { ednsBytes: 1232 }), "udp");
    void forwarder.ask(...asked("www.example A", { ednsBytes: 1232 }), "tcp");
    expect(waiting).toHaveLength(3);
  });

  test("I12: so many wait for one answer, more ask on their own", () => {
    const { forwarder, waiting } = cache();
    const question = asked("www.example A");
    for (let index = 0; index < 4100; index++) void forwarder.ask(...question, "udp");
    expect(waiting).toHaveLength(4);
  });
});

describe("a failure (RFC 9520)", () => {
  const question = asked("www.example A");

  test("is known for a second, then for twice as long each time, and in every spelling", async () => {
    const { clock, recall, fail, lookups } = cache();
    expect(await fail(question)).toMatchObject({ kind: "failure", isKept: false });
    expect(recall(asked("WWW.example A"))).toMatchObject({ kind: "failure", isKept: true });
    await clock.advance(999);
    expect(recall(question)).toBeDefined();
    await clock.advance(1);
    expect(recall(question)).toBeUndefined();
    await fail(question);
    await clock.advance(1999);
    expect(recall(question)).toBeDefined();
    await clock.advance(1);
    expect(recall(question)).toBeUndefined();
    expect(lookups).toEqual(["failure", "failure", "miss", "failure", "miss"]);
  });

  test("is given with what the upstream said, in the client's letters", async () => {
    const { recall, fail } = cache();
    const refused = answerTo(question[0], 60);
    refused.writeUInt16BE(0x8185, 2);
    await fail(question, refused);
    const known = recall(asked("wWw.example A"));
    expect(nameOf(known)).toBe("wWw.example");
    expect((known?.response?.readUInt16BE(2) ?? 0) & 0xf).toBe(5);
  });

  test("is over with the first answer", async () => {
    const { clock, recall, fail, learn } = cache();
    await fail(question);
    await clock.advance(1000);
    await learn(question, 1);
    await clock.advance(1000);
    await fail(question);
    await clock.advance(1000);
    expect(recall(question)).toBeUndefined();
  });

  test.each([
    { what: "TCP", transport: "tcp", other: question },
    { what: "another type", transport: "udp", other: asked("www.example AAAA") },
    {
      what: "CD, which a validating upstream may answer",
      transport: "udp",
      other: asked("www.example A", { flags: 0x0010 }),
    },
  ] as const)("says nothing of $what", async ({ transport, other }) => {
    const { forwarder, fail } = cache();
    await fail(question);
    expect(forwarder.recall(...other, transport)).toBeUndefined();
  });

  test("of ours, too many questions under way, is none of the upstream's", async () => {
    const { forwarder, recall, waiting } = cache();
    const reply = forwarder.ask(...question, "udp");
    waiting[0]?.answer({ kind: "overload" });
    expect(await reply).toMatchObject({ kind: "failure" });
    expect(recall(question)).toBeUndefined();
  });

  test("pushes no answer out, however many there are (I12)", async () => {
    const { recall, fail, learn } = cache();
    await learn(question, 3600);
    for (let index = 0; index < 10_100; index++) await fail(asked(`f${index}.example A`));
    expect(recall(question)).toMatchObject({ kind: "answer" });
    expect(recall(asked("f0.example A"))).toBeUndefined();
    expect(recall(asked("f10099.example A"))).toBeDefined();
  });
});

describe("an answer that is too old (RFC 8767)", () => {
  const question = asked("www.example A");

  test("is given when the upstream fails, for 30 s more, in which it is not asked again", async () => {
    const { clock, recall, fail, learn } = cache(3600, 86_400);
    await learn(question, 60);
    await clock.advance(60_000);
    expect(recall(question)).toBeUndefined();
    const reply = await fail(question);
    expect(reply.kind).toBe("stale");
    expect(ttlOf(reply)).toBe(30);
    await clock.advance(29_999);
    expect(recall(question)).toMatchObject({ kind: "stale" });
    await clock.advance(1);
    expect(recall(question)).toBeUndefined();
  });

  test("is given when the upstream takes longer than 1.8 s, and the late answer is known afterwards", async () => {
    const { forwarder, clock, recall, learn, waiting } = cache(3600, 86_400);
    await learn(question, 60);
    await clock.advance(60_000);
    const reply = forwarder.ask(...question, "udp");
    await clock.advance(1800);
    expect(await reply).toMatchObject({ kind: "stale" });
    waiting[0]?.answer(answered(answerTo(question[0], 77)));
    await clock.advance(0);
    expect(ttlOf(recall(question))).toBe(77);
  });

  test("gives way to an answer in time, a denial too", async () => {
    const { forwarder, clock, recall, learn, waiting, fail } = cache(3600, 86_400);
    await learn(question, 60);
    await clock.advance(60_000);
    const reply = forwarder.ask(...question, "udp");
    const denial = answerTo(question[0], 60);
    denial.writeUInt16BE(0x8183, 2);
    waiting.shift()?.answer(answered(denial));
    expect(await reply).toMatchObject({ kind: "answer" });
    expect(await fail(question)).toMatchObject({ kind: "failure" });
    expect(recall(question)).toMatchObject({ kind: "failure" });
  });

  test("is given no longer than is asked for, and never unless asked for", async () => {
    for (const staleMaxSeconds of [0, 10]) {
      const { clock, learn, fail, sizes, recall } = cache(3600, staleMaxSeconds);
      await learn(question, 60);
      await clock.advance((60 + staleMaxSeconds) * 1000);
      expect(recall(question)).toBeUndefined();
      expect(await fail(question)).toMatchObject({ kind: "failure" });
      expect(sizes.at(-1)).toBe(0);
    }
  });
});
