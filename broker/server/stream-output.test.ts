import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { StreamOutput } from "./stream-output.ts";

/** A stream whose reader takes one message whenever it is told to. */
function aStream(): { readonly stream: Writable; readonly take: () => Promise<void> } {
  const taken: (() => void)[] = [];
  const stream = new Writable({
    objectMode: true,
    write: (_message, _encoding, done) => void taken.push(done),
  });
  const take = async (): Promise<void> => {
    taken.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { stream, take };
}

test("is full at so many bytes, and tells once when there is room", async () => {
  const { stream, take } = aStream();
  let told = 0;
  const output = new StreamOutput(stream, () => (told += 1), 100);
  expect([output.write(Buffer.alloc(60)), output.write(Buffer.alloc(60))]).toEqual([true, false]);
  await take();
  expect(told).toBe(1);
  expect(output.write(Buffer.alloc(10))).toBe(true);
  await take();
  await take();
  expect(told).toBe(1);
});

test("is full at so many messages, however small", async () => {
  const { stream, take } = aStream();
  let told = 0;
  const output = new StreamOutput(stream, () => (told += 1), 100);
  let written = 1;
  while (output.write(Buffer.alloc(1))) written += 1;
  expect(written).toBe(stream.writableHighWaterMark);
  for (let at = 0; at < written; at++) await take();
  expect(told).toBe(1);
});

test("stays full while what is left is over its bound", async () => {
  const { stream, take } = aStream();
  let told = 0;
  const output = new StreamOutput(stream, () => (told += 1), 100);
  expect([output.write(Buffer.alloc(90)), output.write(Buffer.alloc(200))]).toEqual([true, false]);
  await take();
  expect(told).toBe(0);
  await take();
  expect(told).toBe(1);
});

test("takes one message over its bound: the bound is on what comes after", async () => {
  const { stream, take } = aStream();
  let told = 0;
  const output = new StreamOutput(stream, () => (told += 1), 100);
  expect(output.write(Buffer.alloc(1000))).toBe(false);
  expect(told).toBe(0);
  await take();
  expect([told, output.write(Buffer.alloc(1))]).toEqual([1, true]);
});
