import { expect, test } from "vitest";
import { z } from "zod";
import { readDocument } from "./read-document.ts";

const schema = z.strictObject({
  limit: z.int().min(1).max(9).optional(),
  inner: z.strictObject({ names: z.array(z.string()).optional() }).optional(),
});

test.each([
  { text: "limit: 3\ninner: {names: [a]}", want: { limit: 3, inner: { names: ["a"] } } },
  { text: "{}", want: {} },
])("reads $text", ({ text, want }) => {
  expect(readDocument(schema, text)).toEqual({ ok: true, value: want });
});

test.each([
  {
    name: "a misspelt key",
    text: "limt: 3",
    want: /^document: must hold known keys only: got limt$/,
  },
  {
    name: "one further in",
    text: "inner: {name: a}",
    want: /^inner: must hold known keys only: got name$/,
  },
  { name: "out of range", text: "limit: 10", want: /^limit: .*9.*: got 10$/ },
  {
    name: "of the wrong kind",
    text: "inner: {names: [1]}",
    want: /^inner\.names\.0: .*string.*: got 1$/,
  },
  { name: "several", text: "limit: 0\ninner: 3", want: /^limit: .*: got 0; inner: .*: got 3$/ },
  { name: "no YAML", text: "a: [", want: /^must be YAML: / },
  { name: "a key twice", text: "limit: 1\nlimit: 2", want: /^must be YAML: .*unique/ },
  { name: "nothing: an emptied file is no decision", text: "", want: /^document: .*: got null$/ },
])("an error names path, rule and value: $name", ({ text, want }) => {
  const read = readDocument(schema, text);
  expect(read.ok ? "accepted" : read.error).toMatch(want);
});
