import * as fc from "fast-check";
import { expect, test } from "vitest";
import { addStubDomain, removeStubDomain } from "./stub-domains.ts";

const ours = ["10.0.0.53"] as const;

test("laws: a JSON object of zones stays what it is, and removing gives the text back", () => {
  const zones = fc.dictionary(fc.domain(), fc.array(fc.ipV4(), { maxLength: 3 }));
  const text = fc
    .tuple(zones, fc.constantFrom(0, 2, "\t"), fc.constantFrom("", "\n", " "))
    .map(([value, indent, around]) => around + JSON.stringify(value, null, indent) + around);
  fc.assert(
    fc.property(text, (before) => {
      const added = addStubDomain(before, ours);
      if (!added.ok) throw new Error(added.error);
      expect(JSON.parse(added.value)).toEqual({
        ...JSON.parse(before),
        "clusterset.local": ["10.0.0.53"],
      });
      expect(addStubDomain(added.value, ours)).toEqual(added);
      expect(removeStubDomain(added.value, ours)).toBe(before);
    }),
  );
});

test.each([
  [undefined, '{"clusterset.local":["10.0.0.53"]}'],
  ["", '{"clusterset.local":["10.0.0.53"]}'],
  ['{"a.b": ["1.1.1.1"]}', '{"clusterset.local":["10.0.0.53"],"a.b": ["1.1.1.1"]}'],
])("%j becomes %j", (before, want) => {
  expect(addStubDomain(before, ours)).toEqual({ ok: true, value: want });
});

test.each([
  ['{"clusterset.local": ["9.9.9.9"]}', 'to ["9.9.9.9"] already, and not by Isthmus'],
  ["[1]", "must be a JSON object: got [1]"],
  ["{", "must be a JSON object: got {"],
])("%j is refused", (text, want) => {
  expect(addStubDomain(text, ours)).toMatchObject({
    ok: false,
    error: expect.stringContaining(want),
  });
  expect(removeStubDomain(text, ours)).toBe(text);
});

test("written anew by somebody with other spaces, ours is still found", () => {
  const text = '{ "a.b": [ "1.1.1.1" ], "clusterset.local": [ "10.0.0.53" ] }';
  expect(JSON.parse(removeStubDomain(text, ours))).toEqual({ "a.b": ["1.1.1.1"] });
});
