import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "./session-limits.ts";
import { type KeptStream, SessionPair } from "./session-pair.fixture.ts";

type Step =
  | { readonly kind: "open" }
  | {
      readonly kind: "send";
      readonly stream: number;
      readonly bytes: number;
      readonly atB: boolean;
    }
  | { readonly kind: "end"; readonly stream: number; readonly atB: boolean }
  | {
      readonly kind: "consume";
      readonly stream: number;
      readonly bytes: number;
      readonly atB: boolean;
    }
  | { readonly kind: "move"; readonly way: "a-to-b" | "b-to-a"; readonly chop: number };

const stream = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("open" as const) }),
  fc.record({
    kind: fc.constant("send" as const),
    stream,
    bytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 90_000 })),
    atB: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("end" as const), stream, atB: fc.boolean() }),
  fc.record({
    kind: fc.constant("consume" as const),
    stream,
    bytes: fc.integer({ min: 1, max: 80_000 }),
    atB: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("move" as const),
    way: fc.constantFrom("a-to-b" as const, "b-to-a" as const),
    chop: fc.constantFrom(1 << 17, 1_000, 7),
  }),
);

/** What one end has sent, as a checkable sequence: byte n of a direction is a function of n. */
class Sent {
  bytes = 0;
  hasEnded = false;

  next(length: number): Buffer {
    const chunk = Buffer.alloc(length);
    for (let at = 0; at < length; at++) chunk[at] = ((this.bytes + at) * 31 + 7) % 251;
    this.bytes += length;
    return chunk;
  }
}

interface Line {
  readonly a: KeptStream;
  readonly sentA: Sent;
  readonly sentB: Sent;
}

const FIRST_WINDOW = 4_096;
const WINDOW_MAX = 32_768;

function isSequence(received: Buffer): boolean {
  return received.every((byte, at) => byte === (at * 31 + 7) % 251);
}

function checkBounds(pair: SessionPair, lines: readonly Line[]): void {
  for (const [index, { a }] of lines.entries()) {
    const b = pair.b.opened[index];
    for (const end of b === undefined ? [a] : [a, b]) {
      expect(end.stream.sendCredit).toBeGreaterThanOrEqual(0);
      expect(end.stream.receiveCredit).toBeGreaterThanOrEqual(0);
      expect(end.unconsumed).toBeLessThanOrEqual(WINDOW_MAX);
    }
  }
  for (const { session, budget } of [pair.a, pair.b]) {
    expect(session.failure).toBeUndefined();
    expect(budget.usedBytes).toBeGreaterThanOrEqual(session.streamCount * FIRST_WINDOW);
    expect(budget.usedBytes).toBeLessThanOrEqual(session.streamCount * WINDOW_MAX);
  }
}

function perform(pair: SessionPair, lines: Line[], given: Step): void {
  if (given.kind === "move") {
    pair.move(given.way, given.chop);
    return;
  }
  if (given.kind === "open") {
    if (lines.length < 6) lines.push({ a: pair.a.open(), sentA: new Sent(), sentB: new Sent() });
    return;
  }
  const line = lines[given.stream];
  const end = given.atB ? pair.b.opened[given.stream] : line?.a;
  const sent = given.atB ? line?.sentB : line?.sentA;
  if (end === undefined || sent === undefined) return;
  if (given.kind === "consume") end.consume(given.bytes);
  else if (given.kind === "send" && !sent.hasEnded) end.send(sent.next(given.bytes));
  else if (given.kind === "end") {
    sent.hasEnded = true;
    end.stream.end();
  }
}

/** Everybody reads, everything moves, until nothing happens any more. */
function finish(pair: SessionPair, lines: readonly Line[]): void {
  for (let round = 0; round < 2_000; round++) {
    for (const end of [...lines.map(({ a }) => a), ...pair.b.opened]) end.consume();
    const moved = [pair.move("a-to-b"), pair.move("b-to-a")];
    const isAllRead = [...lines.map(({ a }) => a), ...pair.b.opened].every(
      ({ unconsumed }) => unconsumed === 0,
    );
    if (!moved.includes(true) && isAllRead) return;
  }
  throw new Error("did not come to rest");
}

describe("laws of a tunnel's session", () => {
  test("under any interleaving no byte is lost, doubled or out of order, credit is never negative, memory is bounded", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const pair = new SessionPair({
          firstWindowBytes: FIRST_WINDOW,
          windowMaxBytes: WINDOW_MAX,
        });
        const lines: Line[] = [];
        for (const each of steps) {
          perform(pair, lines, each);
          checkBounds(pair, lines);
        }
        finish(pair, lines);
        for (const [index, { a, sentA, sentB }] of lines.entries()) {
          const b = pair.b.opened[index];
          expect(b?.bytes).toBe(sentA.bytes);
          expect(a.bytes).toBe(sentB.bytes);
          expect(isSequence(a.received)).toBe(true);
          expect(b !== undefined && isSequence(b.received)).toBe(true);
          expect(b?.hasEnded).toBe(sentA.hasEnded);
          expect(a.hasEnded).toBe(sentB.hasEnded);
          expect(a.isOpened).toBe(true);
        }
        const open = lines.filter(({ sentA, sentB }) => !sentA.hasEnded || !sentB.hasEnded);
        expect(pair.a.session.streamCount).toBe(open.length);
        expect(pair.b.session.streamCount).toBe(open.length);
      }),
      { numRuns: 60 },
    );
  });

  test("a reader that stalls stalls nobody else, and holds no more than its window", () => {
    const pair = new SessionPair();
    const [stalled, other] = [pair.a.open(), pair.a.open()];
    pair.settle();
    const stalledAtB = pair.b.opened[0];
    const otherAtB = pair.b.opened[1];
    let sent = 0;
    for (let round = 0; round < 200; round++) {
      if (stalled.isWritable) stalled.send(Buffer.alloc(65_536, 1));
      other.send(Buffer.alloc(65_536, 2));
      sent += 65_536;
      pair.settle();
      otherAtB?.consume();
      pair.settle();
    }
    expect(otherAtB?.bytes).toBe(sent);
    expect(stalledAtB?.bytes).toBe(65_536);
    // One queue's worth waits at the sender, and the sender has been told.
    expect(stalled.isWritable).toBe(false);
    expect(stalled.stream.queuedBytes).toBeLessThanOrEqual(DEFAULT_LIMITS.queueBytes + 65_536);
    stalledAtB?.consume();
    pair.settle();
    expect(stalledAtB?.bytes).toBeGreaterThan(65_536);
  });

  test("streams send in turn: one with much to say does not keep one with little waiting", () => {
    const pair = new SessionPair({ firstWindowBytes: 1 << 20 });
    const big = pair.a.open();
    const small = pair.a.open();
    pair.settle();
    big.send(Buffer.alloc(1 << 20, 1));
    small.send(Buffer.from("hello"));
    pair.move("a-to-b");
    expect(pair.b.opened[1]?.received.toString()).toBe("hello");
    expect(pair.b.opened[0]?.bytes).toBeLessThan(1 << 20);
  });

  test("a window grows while its reader is fast, and the budget gets it back", () => {
    const pair = new SessionPair();
    const stream = pair.a.open();
    pair.settle();
    for (let round = 0; round < 300; round++) {
      stream.send(Buffer.alloc(65_536));
      pair.settle();
      pair.b.opened[0]?.consume();
      pair.settle();
    }
    expect(pair.b.budget.usedBytes).toBe(4 * 1024 * 1024);
    stream.stream.reset("reset");
    pair.settle();
    expect(pair.b.opened[0]?.resetCode).toBe("reset");
    expect(pair.b.budget.usedBytes).toBe(0);
    expect(pair.a.budget.usedBytes).toBe(0);
  });

  test("datagrams are whole or gone, and never wait for credit", () => {
    const pair = new SessionPair();
    const udp = pair.a.open("udp");
    pair.settle();
    const sizes = [1, 9_000, 65_507, 3, 65_507, 12];
    for (const [index, size] of sizes.entries()) {
      udp.send(Buffer.alloc(size, index + 1));
      // Chopped, so that they must be joined again.
      pair.move("a-to-b", 1_000);
    }
    pair.settle();
    const got = [...(pair.b.opened[0]?.pieces ?? [])];
    expect(got.map((piece) => piece.length)).toEqual(sizes);
    expect(got.every((piece, index) => piece.every((byte) => byte === index + 1))).toBe(true);
    // Nothing moves: the queue fills, then datagrams are dropped, and what was queued arrives whole.
    const kept = Array.from({ length: 100 }, () => udp.stream.send(Buffer.alloc(9_000, 7)));
    expect(kept).toContain(false);
    pair.settle();
    expect(pair.b.opened[0]?.pieces.length).toBe(
      sizes.length + kept.filter((isKept) => isKept).length,
    );
  });
});
