import { decode, encode } from "dns-packet";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { queryPacket } from "../testing/test-responder.ts";
import { emptyQuery, parseQuery } from "../wire/parse-query.ts";
import { CachingForwarder } from "./caching-forwarder.ts";
import { toUpstreamQuery } from "./forwarded-message.ts";

type Asked = readonly [query: Buffer, questionEnd: number];

function asked(question: string, draft: Parameters<typeof queryPacket>[1] = {}): Asked {
  const packet = queryPacket(question, draft);
  const query = emptyQuery();
  parseQuery(packet, packet.length, query);
  return [toUpstreamQuery(packet, query, query.udpPayloadBytes), query.nameEnd + 4];
}

function answerTo(query: Buffer, ttl: number, name = "192.0.2.1"): Buffer {
  const { questions = [] } = decode(query);
  const answers = [{ name: questions[0]?.name ?? "", type: "A" as const, ttl, data: name }];
  return encode({ type: "response", id: 1, flags: 0x0180, questions, answers });
}

function cache(ttlMaxSeconds = 3600) {
  const clock = new VirtualClock();
  const lookups: string[] = [];
  const sizes: number[] = [];
  const waiting: { query: Buffer; answer: (response: Buffer | undefined) => void }[] = [];
  const forwarder = new CachingForwarder(
    { ttlMaxSeconds },
    {
      clock,
      ask: (query) => {
        const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
        waiting.push({ query, answer: resolve });
        return promise;
      },
      onLookup: (result) => lookups.push(result),
      onSize: (entries) => sizes.push(entries),
    },
  );
  /** Asks and has the upstream answer. */
  const learn = async (question: Asked, ttl: number): Promise<void> => {
    const response = forwarder.ask(...question, "udp");
    const next = waiting.shift();
    next?.answer(answerTo(next.query, ttl));
    await response;
  };
  return { forwarder, clock, lookups, sizes, waiting, learn };
}

const ttlOf = (response: Buffer | undefined): unknown => {
  const [record] = response === undefined ? [] : (decode(response).answers ?? []);
  return record?.type === "A" ? record.ttl : undefined;
};

describe("what an upstream said", () => {
  test("is known for its TTL, which runs down, and no longer", async () => {
    const { forwarder, clock, lookups, sizes, learn } = cache();
    const question = asked("www.example A");
    expect(forwarder.recall(...question)).toBeUndefined();
    await learn(question, 60);
    await clock.advance(20_500);
    expect(ttlOf(forwarder.recall(...question))).toBe(40);
    await clock.advance(39_499);
    expect(ttlOf(forwarder.recall(...question))).toBe(1);
    await clock.advance(1);
    expect(forwarder.recall(...question)).toBeUndefined();
    expect(lookups).toEqual(["miss", "hit", "hit", "miss"]);
    expect(sizes).toEqual([1, 0]);
  });

  test("whatever the letters of the question and the size that the client takes", async () => {
    const { forwarder, learn } = cache();
    await learn(asked("www.example A", { ednsBytes: 512 }), 60);
    const again = asked("WWW.exAmple A", { ednsBytes: 1232 });
    const response = forwarder.recall(...again) ?? Buffer.alloc(12);
    expect(decode(response).questions?.[0]?.name).toBe("WWW.exAmple");
  });

  test.each([
    { what: "another type", other: asked("www.example AAAA") },
    { what: "another name", other: asked("ww.example A") },
    { what: "without EDNS", other: asked("www.example A") },
    { what: "with DO", other: asked("www.example A", { ednsBytes: 1232, isDnssecOk: true }) },
    { what: "with CD", other: asked("www.example A", { ednsBytes: 1232, flags: 0x0010 }) },
  ])("is no answer to the question $what", async ({ other }) => {
    const { forwarder, learn } = cache();
    await learn(asked("www.example A", { ednsBytes: 1232 }), 60);
    expect(forwarder.recall(...other)).toBeUndefined();
  });

  test("types differ where letters do not: HTTPS (65) is no type 97", async () => {
    const { forwarder, learn } = cache();
    const [https, end] = asked("www.example A");
    https.writeUInt16BE(65, end - 4);
    const other = Buffer.from(https);
    other.writeUInt16BE(97, end - 4);
    await learn([https, end], 60);
    expect(forwarder.recall(other, end)).toBeUndefined();
  });

  test("is not kept when nothing is to be", async () => {
    const { forwarder, learn } = cache(0);
    const question = asked("www.example A");
    await learn(question, 60);
    expect(forwarder.recall(...question)).toBeUndefined();
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
    answer(answerTo(query, 60));
    const names = (await Promise.all([first, second])).map(
      (response) => response && decode(response).questions?.[0]?.name,
    );
    expect(names).toEqual(["www.example", "WWW.example"]);
  });

  test("nobody answers: nobody gets an answer, and the next one asks again", async () => {
    const { forwarder, waiting } = cache();
    const question = asked("www.example A");
    const both = [forwarder.ask(...question, "udp"), forwarder.ask(...question, "udp")];
    waiting[0]?.answer(undefined);
    expect(await Promise.all(both)).toEqual([undefined, undefined]);
    void forwarder.ask(...question, "udp");
    expect(waiting).toHaveLength(2);
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
