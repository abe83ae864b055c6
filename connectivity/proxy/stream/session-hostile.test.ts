import { describe, expect, test } from "vitest";
import { FRAME, RESET_CODES } from "../frame/frame-type.ts";
import { encodeHello } from "../frame/hello.ts";
import { encodeOpenHeader } from "../frame/open-header.ts";
import { controlFrame, numberFrame } from "../frame/write-frame.ts";
import { CreditBudget } from "./credit-budget.ts";
import { openHeader, SessionEnd, SessionPair } from "./session-pair.fixture.ts";

const hello = controlFrame(
  FRAME.hello,
  0,
  encodeHello({
    oldestVersion: 1,
    newestVersion: 1,
    windowBytes: 65_536,
    streamsMax: 100,
    instance: 9,
  }),
);
const open = (id: number, service = "db"): Uint8Array =>
  controlFrame(FRAME.open, id, encodeOpenHeader(openHeader("tcp", service)));
const data = (id: number, bytes: number): Uint8Array =>
  controlFrame(FRAME.data, id, new Uint8Array(bytes));

describe("a peer that breaks the protocol is cut off, and told why in our log", () => {
  test.each([
    ["speaks HTTP", [Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")], "at most"],
    ["begins with data", [data(1, 4)], "first frame must be hello"],
    ["begins with a stream", [open(1)], "first frame must be hello: got type 2"],
    ["says hello twice", [hello, hello], "hello must come once"],
    [
      "opens a stream with our number",
      [hello, open(2)],
      "must be the peer's to give and grow: got 2",
    ],
    ["says hello after all", [numberFrame(FRAME.full, 0, 64), hello], "at most 64 tunnels"],
    ["opens a stream twice", [hello, open(1), open(1)], "grow: got 1"],
    ["goes back in numbers", [hello, open(5), open(3)], "grow: got 3"],
    ["sends on a stream that never was", [hello, data(7, 1)], "got data on 7"],
    ["ends a stream that never was", [hello, controlFrame(FRAME.end, 4)], "frame of type 5 on 4"],
    [
      "ends twice",
      [hello, open(1), controlFrame(FRAME.end, 1), controlFrame(FRAME.end, 1)],
      "once",
    ],
    [
      "sends after its end",
      [hello, open(1), controlFrame(FRAME.end, 1), data(1, 1)],
      "before the end",
    ],
    ["accepts its own stream", [hello, open(1), controlFrame(FRAME.opened, 1)], "opened once"],
    [
      "sends more than its credit",
      [hello, open(1), data(1, 65_536), data(1, 1)],
      "within its credit of 0: got 1 on stream 1",
    ],
    ["gives credit of nothing", [hello, open(1), numberFrame(FRAME.window, 1, 0)], "1 to 2^31-1"],
    [
      "gives credit without end",
      [
        hello,
        open(1),
        ...Array.from({ length: 3 }, () => numberFrame(FRAME.window, 1, 0x7fff_0000)),
      ],
      "1 to 2^31-1",
    ],
    [
      "asks for answers that it does not read",
      [hello, ...Array.from({ length: 350_000 }, () => numberFrame(FRAME.ping, 0, 1))],
      "must read the answers",
    ],
  ])("%s", (_name, frames, reason) => {
    const end = new SessionEnd(false);
    for (const frame of frames) end.session.receive(frame, 0);
    expect(end.session.failure).toContain(reason);
    expect(end.session.receive(hello, 0)).toBe(false);
    expect(end.session.canOpen).toBe(false);
  });
});

describe("limits are answers, not failures", () => {
  function refusals(end: SessionEnd): number {
    const target = Buffer.alloc(4 * 1024 * 1024);
    const bytes = target.subarray(0, end.session.fill(target));
    let count = 0;
    for (let at = 0; at < bytes.length; at += 8 + bytes.readUIntBE(at + 1, 3)) {
      const isReset = bytes[at] === FRAME.reset;
      if (isReset && bytes.readUInt32BE(at + 8) === RESET_CODES.overload) count += 1;
    }
    return count;
  }

  test("streams at once", () => {
    const end = new SessionEnd(false, { streamsMax: 10 });
    end.session.receive(hello, 0);
    for (let id = 1; id < 51; id += 2) end.session.receive(open(id), 0);
    expect(end.session.failure).toBeUndefined();
    // The last one is for another service.
    expect(end.session.streamCount).toBe(9);
    expect(refusals(end)).toBe(16);
    end.session.receive(open(51, "cache"), 0);
    expect(end.session.streamCount).toBe(10);
    // When one has ended there is room for one again.
    end.opened[0]?.stream.reset("reset");
    end.session.receive(open(53), 0);
    expect(end.session.streamCount).toBe(10);
    end.session.receive(open(55), 0);
    expect(end.session.streamCount).toBe(10);
  });

  test("streams a second: as many again a second later", () => {
    const end = new SessionEnd(false, { opensPerSecond: 10 });
    end.session.receive(hello, 0);
    for (let id = 1; id < 61; id += 2) end.session.receive(open(id), 0);
    expect(end.session.streamCount).toBe(10);
    for (let id = 61; id < 121; id += 2) end.session.receive(open(id), 1_000);
    expect(end.session.streamCount).toBe(20);
    expect(refusals(end)).toBe(40);
  });

  test("memory: streams for whose window there is no room", () => {
    const end = new SessionEnd(false, {}, 5 * 65_536);
    end.session.receive(hello, 0);
    for (let id = 1; id < 41; id += 2) end.session.receive(open(id), 0);
    // What is left is for other peers.
    expect(end.session.streamCount).toBe(4);
    expect(end.budget.usedBytes).toBe(4 * 65_536);
    expect(refusals(end)).toBe(16);
    end.opened[0]?.stream.reset("reset");
    expect(end.budget.usedBytes).toBe(3 * 65_536);
    end.session.receive(open(41), 0);
    expect(end.session.streamCount).toBe(4);
  });

  test("memory: neither a service nor a peer that takes all it can keeps others out", () => {
    const budget = new CreditBudget(100 * 65_536);
    const [west, north] = [
      new SessionEnd(false, {}, budget, "west"),
      new SessionEnd(false, {}, budget, "north"),
    ];
    for (const { session } of [west, north]) session.receive(hello, 0);
    for (let id = 1; id < 401; id += 2) west.session.receive(open(id), 0);
    const greedy = west.session.streamCount;
    expect(greedy).toBeGreaterThan(75);
    west.session.receive(open(401, "cache"), 0);
    expect(west.session.streamCount).toBe(greedy + 1);
    for (let id = 403; id < 1_403; id += 2) west.session.receive(open(id, `s-${id}`), 0);
    expect(west.session.streamCount).toBeLessThanOrEqual(90);
    for (let id = 1; id < 7; id += 2) north.session.receive(open(id), 0);
    expect(north.session.streamCount).toBe(3);
    expect(budget.usedBytes).toBeLessThanOrEqual(100 * 65_536);
  });

  test("we open no more than the peer takes", () => {
    const pair = new SessionPair({ streamsMax: 3 });
    const [first] = [pair.a.open(), pair.a.open(), pair.a.open()];
    expect(pair.a.session.open(openHeader())).toBeUndefined();
    // It is full, not gone: nobody needs a way around it.
    expect(pair.a.session.canOpen).toBe(true);
    first?.stream.reset("reset");
    pair.a.open();
    pair.settle();
    expect(pair.b.session.streamCount).toBe(3);
  });
});

describe("ends", () => {
  test("draining: who is there stays until it is done, who comes is sent elsewhere", () => {
    const pair = new SessionPair();
    const early = pair.a.open();
    pair.settle();
    const late = pair.a.open();
    pair.b.session.drain();
    pair.settle();
    expect(pair.a.isPeerGoing).toBe(true);
    expect(late.resetCode).toBe("going-away");
    expect(pair.a.session.canOpen).toBe(false);
    early.send(Buffer.from("still here"));
    early.stream.end();
    pair.settle();
    expect(pair.b.opened[0]?.received.toString()).toBe("still here");
    expect(pair.b.idleCount).toBe(0);
    pair.b.opened[0]?.stream.end();
    pair.settle();
    expect(pair.b.idleCount).toBe(1);
    expect(early.hasEnded).toBe(true);
  });

  test("a connection that is gone resets every stream once, at both ends", () => {
    const pair = new SessionPair();
    const streams = [pair.a.open(), pair.a.open()];
    pair.settle();
    pair.a.session.close("reset");
    pair.a.session.close("reset");
    pair.b.session.close("going-away");
    expect(streams.map(({ resetCode }) => resetCode)).toEqual(["reset", "reset"]);
    expect(pair.b.opened.map(({ resetCode }) => resetCode)).toEqual(["going-away", "going-away"]);
    expect([pair.a.budget.usedBytes, pair.b.budget.usedBytes]).toEqual([0, 0]);
  });

  test("what was under way when a stream was reset disturbs nobody", () => {
    const pair = new SessionPair();
    const [one, two] = [pair.a.open(), pair.a.open()];
    pair.settle();
    one.send(Buffer.alloc(1_000));
    two.send(Buffer.from("two"));
    pair.b.opened[0]?.stream.reset("refused");
    pair.settle();
    expect(one.resetCode).toBe("refused");
    expect(pair.b.opened[1]?.received.toString()).toBe("two");
    expect([pair.a.session.failure, pair.b.session.failure]).toEqual([undefined, undefined]);
  });

  test("a ping comes back with its number", () => {
    const pair = new SessionPair();
    pair.a.session.ping(0xfeed_f00d);
    pair.settle();
    expect(pair.a.pongs).toEqual([0xfeed_f00d]);
  });
});
