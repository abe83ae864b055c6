import { constants, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Batch, BrokerMessage } from "../../api/broker/broker.gen.ts";
import { encodeRowPut } from "../core/outgoing.ts";
import { packBatch, type SingleMessage, unpackBatch } from "./batch.ts";
import { encodeRowBytes } from "./encode-row.ts";
import { LIMITS } from "./limits.ts";
import { anyRow, testCluster } from "./row-arbitrary.ts";

const cluster = testCluster("a");

const anyEncoded: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc
    .record({ sequence: fc.nat(), row: anyRow(cluster) })
    .map(({ sequence, row }) =>
      encodeRowPut({ cluster, incarnation: 1, sequence, bytes: encodeRowBytes(row) }),
    ),
  fc.nat().map((generation) => encode({ $case: "synced", value: { generation } })),
);

function encode(message: BrokerMessage["message"]): Uint8Array {
  return BrokerMessage.encode({ message }).finish();
}

function batchOf(bytes: Uint8Array): Batch {
  const { message } = BrokerMessage.decode(bytes);
  if (message?.$case !== "batch") throw new Error(`must be a batch: got ${message?.$case}`);
  return message.value;
}

function framed(plain: Uint8Array, size = plain.length): Batch {
  return { messages: [], zstd: zstdCompressSync(plain), size };
}

function plainOf(...messages: readonly Uint8Array[]): Uint8Array {
  return Batch.encode({ messages, zstd: new Uint8Array(), size: 0 }).finish();
}

const synced: SingleMessage = { $case: "synced", value: { generation: 4 } };

test("what was packed is unpacked, in order, compressed or not", () => {
  let framedCount = 0;
  fc.assert(
    fc.property(fc.array(anyEncoded, { minLength: 1, maxLength: 40 }), (messages) => {
      const batch = batchOf(packBatch(messages));
      framedCount += batch.zstd.length > 0 ? 1 : 0;
      const unpacked = unpackBatch(batch);
      const expected = messages.map((bytes) => BrokerMessage.decode(bytes).message);
      expect(unpacked).toEqual({ ok: true, value: expected });
    }),
  );
  expect(framedCount).toBeGreaterThan(0);
});

test("many alike are compressed, a few bytes are not", () => {
  const row = encode({ $case: "stored", value: { sequence: 7 } });
  expect(batchOf(packBatch([row, row])).zstd).toHaveLength(0);
  const many = packBatch(Array.from({ length: 1000 }, () => row));
  expect(batchOf(many).zstd.length).toBeGreaterThan(0);
  expect(many.length).toBeLessThan(500);
});

test("a message that is not known here is none, and the others count", () => {
  const future = new Uint8Array([0xa2, 0x3f, 0x00]);
  expect(unpackBatch(framed(plainOf(future, encode(synced))))).toEqual({
    ok: true,
    value: [undefined, synced],
  });
});

describe("refused, with the rule, is", () => {
  const bomb = new Uint8Array(64 * 1024 * 1024);
  test.each<{ name: string; batch: Batch; error: RegExp }>([
    {
      name: "a frame that says it holds too much",
      batch: framed(plainOf(encode(synced)), LIMITS.messageBytes + 1),
      error: /^batch must be at most 1048576 bytes: got 1048577$/,
    },
    {
      name: "a frame that holds more than it says: a bomb of 64 MiB",
      batch: {
        messages: [],
        zstd: zstdCompressSync(bomb, { params: { [constants.ZSTD_c_windowLog]: 19 } }),
        size: LIMITS.messageBytes,
      },
      error: /^batch must hold readable messages: .*1048576/,
    },
    {
      name: "a frame that holds less than it says",
      batch: framed(plainOf(encode(synced)), 4000),
      error: /^batch must be of the size it names, 4000: got \d+$/,
    },
    {
      name: "a frame of which an end is missing",
      batch: { ...framed(plainOf(encode(synced))), zstd: zstdCompressSync(bomb).subarray(0, 60) },
      error: /^batch must hold readable messages/,
    },
    {
      name: "a frame that is none",
      batch: { messages: [], zstd: new Uint8Array([1, 2, 3]), size: 3 },
      error: /^batch must hold readable messages/,
    },
    {
      name: "a frame that asks for a window larger than any batch",
      batch: {
        messages: [],
        zstd: zstdCompressSync(bomb, {
          params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 },
        }),
        size: 100,
      },
      error: /^batch must hold readable messages/,
    },
    {
      name: "a batch within a batch",
      batch: framed(plainOf(packBatch([encode(synced)]))),
      error: /^batch must hold single messages: got a batch$/,
    },
    {
      name: "bytes that are no message",
      batch: framed(plainOf(new Uint8Array([0x0a, 0xff]))),
      error: /^batch must hold readable messages/,
    },
  ])("$name", ({ batch, error }) => {
    const before = process.memoryUsage().arrayBuffers;
    const unpacked = unpackBatch(batch);
    expect(unpacked.ok ? "unpacked" : unpacked.error).toMatch(error);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });
});
