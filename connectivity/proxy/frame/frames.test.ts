import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { err, ok } from "../../../api/result.ts";
import { FrameReader } from "./frame-reader.ts";
import {
  FRAME,
  MAX_CONTROL_BYTES,
  MAX_DATA_BYTES,
  RESET_CODES,
  resetCodeOf,
} from "./frame-type.ts";
import { decodeHello, encodeHello, type Hello } from "./hello.ts";
import { decodeOpenHeader, encodeOpenHeader, type OpenHeader } from "./open-header.ts";
import { controlFrame, numberFrame, writeHeader } from "./write-frame.ts";

const SERVICE: OpenHeader = {
  kind: "service",
  protocol: "tcp",
  namespace: "shop",
  name: "db",
  port: "sql",
  hostname: "db-0",
  client: { address: Uint8Array.of(10, 1, 2, 3), port: 40_000 },
  clientNamespace: "web",
  portNumber: 5432,
};
const RELAY: OpenHeader = { kind: "relay", to: "east", from: "west", hopsLeft: 3 };
const HELLO: Hello = {
  oldestVersion: 1,
  newestVersion: 1,
  windowBytes: 65_536,
  streamsMax: 100,
  instance: 0xdead_beef,
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** What stands here is on the wire between versions of the program: it must not change. */
describe("golden bytes", () => {
  test.each([
    [
      "hello",
      controlFrame(FRAME.hello, 0, encodeHello(HELLO)),
      "0100001200000000 49535450 01 01 00010000 00000064 deadbeef",
    ],
    [
      "open a connection to a service",
      controlFrame(FRAME.open, 7, encodeOpenHeader(SERVICE)),
      "0200001f00000007 01 0473686f70 026462 0373716c 0464622d30 040a010203 9c40 03776562 1538",
    ],
    [
      "open a tunnel through a relay",
      controlFrame(FRAME.open, 9, encodeOpenHeader(RELAY)),
      "0200000c00000009 03 0465617374 0477657374 03",
    ],
    ["opened", controlFrame(FRAME.opened, 7), "0300000000000007"],
    ["end", controlFrame(FRAME.end, 7), "0500000000000007"],
    ["reset", numberFrame(FRAME.reset, 7, RESET_CODES.refused), "0600000400000007 00000002"],
    ["window", numberFrame(FRAME.window, 7, 32_768), "0700000400000007 00008000"],
    ["ping", numberFrame(FRAME.ping, 0, 5), "0800000400000000 00000005"],
    ["go away", numberFrame(FRAME.goAway, 0, 12), "0a00000400000000 0000000c"],
  ])("%s", (_name, frame, want) => {
    expect(hex(frame)).toBe(want.replaceAll(" ", ""));
  });

  test("numbers of reset codes are all different, and unknown ones read as internal", () => {
    expect(new Set(Object.values(RESET_CODES)).size).toBe(Object.keys(RESET_CODES).length);
    for (const [name, code] of Object.entries(RESET_CODES)) expect(resetCodeOf(code)).toBe(name);
    expect(resetCodeOf(9_999)).toBe("internal");
  });
});

describe("headers", () => {
  test.each([SERVICE, RELAY, { ...SERVICE, protocol: "udp" as const, port: "", hostname: "" }])(
    "decoding gives back what was encoded, whatever later versions add",
    (header) => {
      const bytes = encodeOpenHeader(header);
      expect(decodeOpenHeader(bytes)).toEqual(ok(header));
      expect(decodeOpenHeader(Buffer.concat([bytes, Buffer.from("later")]))).toEqual(ok(header));
    },
  );

  test("an open frame of the time before ports had numbers tells none", () => {
    const before = encodeOpenHeader(SERVICE).subarray(0, -2);
    expect(decodeOpenHeader(before)).toEqual(ok({ ...SERVICE, portNumber: 0 }));
  });

  test("hello tells other protocols and other versions apart", () => {
    expect(decodeHello(encodeHello(HELLO))).toEqual(ok(HELLO));
    const http = Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(decodeHello(http)).toEqual(err(expect.stringContaining("must begin with ISTP")));
    const later = encodeHello({ ...HELLO, oldestVersion: 2, newestVersion: 9 });
    expect(decodeHello(later)).toEqual(err(expect.stringContaining("got 2 to 9")));
  });

  test("no bytes at all make the decoders throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodeOpenHeader(bytes);
        decodeHello(bytes);
      }),
    );
  });

  test.each([
    ["cut off", encodeOpenHeader(SERVICE).subarray(0, 8), "cut off"],
    ["of an unknown kind", Uint8Array.of(9), "kind must be 1, 2 or 3: got 9"],
    ["empty", new Uint8Array(0), "got 0"],
    ["not UTF-8", Uint8Array.of(1, 1, 0xff), "UTF-8"],
  ])("an open frame that is %s is refused", (_name, bytes, rule) => {
    expect(decodeOpenHeader(bytes)).toEqual(err(expect.stringContaining(rule)));
  });
});

interface Read {
  readonly type: number;
  readonly stream: number;
  readonly payload: string;
}

/** Everything that a reader passes on of these chunks, data joined per frame. */
function readAll(chunks: readonly Uint8Array[]): { frames: Read[]; error: string | undefined } {
  const frames: Read[] = [];
  let data: { stream: number; length: number; pieces: Uint8Array[] } | undefined;
  const reader = new FrameReader({
    onDataStart: (stream, length) => {
      data = { stream, length, pieces: [] };
    },
    onDataPiece: (piece, isLast) => {
      if (data === undefined) throw new Error("piece without a start");
      data.pieces.push(piece.slice());
      if (!isLast) return;
      const payload = Buffer.concat(data.pieces);
      expect(payload.length).toBe(data.length);
      frames.push({ type: FRAME.data, stream: data.stream, payload: hex(payload) });
    },
    onFrame: (type, stream, payload) => frames.push({ type, stream, payload: hex(payload) }),
  });
  let error: string | undefined;
  for (const chunk of chunks) {
    const pushed = reader.push(chunk);
    if (!pushed.ok) error ??= pushed.error;
  }
  return { frames, error };
}

describe("reading", () => {
  const frame = fc.record({
    type: fc.constantFrom(FRAME.data, FRAME.open, FRAME.window, FRAME.ping, FRAME.routes, 0x90),
    stream: fc.integer({ min: 1, max: 0xffff_ffff }),
    payload: fc.uint8Array({ maxLength: 600 }),
  });

  test("however bytes are chopped, the frames are the same", () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 30 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(
            frames.map(({ type, stream, payload }) => controlFrame(type, stream, payload)),
          );
          const chunks: Uint8Array[] = [];
          for (let at = 0, n = 0; at < bytes.length; n++) {
            const end = at + (cuts[n % cuts.length] ?? 1);
            chunks.push(bytes.subarray(at, end));
            at = end;
          }
          const want = frames.map(({ type, stream, payload }) => ({
            type,
            stream,
            payload: hex(payload),
          }));
          expect(readAll(chunks)).toEqual({ frames: want, error: undefined });
        },
      ),
    );
  });

  test.each([
    ["data that is too long", FRAME.data, 1, MAX_DATA_BYTES + 1, "at most 65536 bytes"],
    ["headers without end", FRAME.open, 1, MAX_CONTROL_BYTES + 1, "at most 2048 bytes"],
    ["the longest length there is", FRAME.ping, 0, 0xff_ffff, "got 16777215"],
    ["a type that nobody knows", 0x33, 1, 4, "must be known: got 51"],
    ["type 0", 0, 0, 4, "must be known: got 0"],
    ["data on the tunnel itself", FRAME.data, 0, 4, "got stream 0"],
  ])(
    "%s is refused at the header, and nothing is read after it",
    (_n, type, stream, length, rule) => {
      const header = new Uint8Array(8);
      writeHeader(header, 0, { type, length, stream });
      const read = readAll([header, controlFrame(FRAME.end, 1)]);
      expect(read.error).toContain(rule);
      expect(read.frames).toEqual([]);
    },
  );
});
