import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Indexed, QuestionIndex } from "./question-index.ts";

/** Few hashes, some of them at the end of the table: entries collide, and their runs wrap around. */
const hashes = fc.constantFrom(0, 1, 2, 1022, 1023, -1, 1023 + 1024);
const steps = fc.array(fc.tuple(fc.constantFrom("add", "remove"), fc.nat(40), hashes), {
  maxLength: 200,
});

function entryOf(name: number, hash: number): Indexed {
  return { hash, bytes: Uint8Array.from([9, name, hash & 0xff]), at: 1, length: 2 };
}

test("finds what a plain map finds, whatever collides", () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const index = new QuestionIndex<Indexed>();
      const model = new Map<string, Indexed>();
      for (const [what, name, hash] of taken) {
        const key = `${name} ${hash & 0xff} ${hash}`;
        const known = model.get(key);
        if (what === "add" && known === undefined) {
          const entry = entryOf(name, hash);
          model.set(key, entry);
          index.add(entry);
        }
        if (what === "remove" && known !== undefined) {
          model.delete(key);
          index.remove(known);
          index.remove(known);
        }
        expect(index.size).toBe(model.size);
        for (const entry of model.values()) expect(find(index, entry)).toBe(entry);
        if (known !== undefined && what === "remove") expect(find(index, known)).toBeUndefined();
      }
    }),
  );
});

function find(index: QuestionIndex<Indexed>, { hash, bytes, at, length }: Indexed) {
  return index.find({ hash, bytes: bytes.subarray(at, at + length), length });
}

test("grows, and goes round over every entry in turn", () => {
  const index = new QuestionIndex<Indexed>();
  expect(index.nextInTurn()).toBeUndefined();
  const entries = Array.from({ length: 5000 }, (_, name) => ({
    ...entryOf(name, Math.imul(name, 0x9e3779b1)),
    bytes: Uint8Array.from([0, name >> 8, name & 0xff]),
  }));
  for (const entry of entries) index.add(entry);
  for (const entry of entries) expect(find(index, entry)).toBe(entry);
  expect(new Set(entries.map(() => index.nextInTurn()))).toEqual(new Set(entries));
});
