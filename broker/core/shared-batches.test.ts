import * as fc from "fast-check";
import { expect, test } from "vitest";
import { packBatch } from "../wire/batch.ts";
import { SharedBatches } from "./shared-batches.ts";

const POOL = Array.from({ length: 6 }, (_, at) => new Uint8Array([10, 1, at]));

test("whatever was packed before, a batch holds the messages given; those just packed are the same bytes", () => {
  const lists = fc.array(fc.array(fc.constantFrom(...POOL), { minLength: 1, maxLength: 40 }));
  fc.assert(
    fc.property(lists, (all) => {
      const shared = new SharedBatches();
      for (const messages of all) {
        const batch = shared.pack(messages);
        expect(batch).toEqual(packBatch(messages));
        if (messages.length <= 16) expect(shared.pack([...messages])).toBe(batch);
      }
    }),
  );
});

test("messages that are merely equal are not taken for the same, and old batches are let go", () => {
  const shared = new SharedBatches();
  const first = shared.pack([new Uint8Array([1])]);
  expect(shared.pack([new Uint8Array([1])])).not.toBe(first);
  const [one = new Uint8Array()] = POOL;
  const before = shared.pack([one, one]);
  for (let at = 0; at < 20; at++) shared.pack([new Uint8Array([at]), one]);
  expect(shared.pack([one, one])).not.toBe(before);
});
