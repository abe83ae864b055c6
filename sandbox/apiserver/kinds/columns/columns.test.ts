import { expect, test } from "vitest";
import type { JsonValue } from "../../object/json.ts";
import { humanDuration } from "./human-duration.ts";
import { parseJsonPath } from "./json-path.ts";

const OBJECT: JsonValue = {
  metadata: { annotations: { "a.b/c": "x" } },
  status: {
    conditions: [
      { type: "Valid", status: "True" },
      { type: "Ready", status: "False" },
    ],
  },
  list: [1, 2, 3],
};

test.each<[string, readonly JsonValue[]]>([
  [".list", [[1, 2, 3]]],
  [".list[0]", [1]],
  [".list[-1]", [3]],
  [".list[*]", [1, 2, 3]],
  ['.status.conditions[?(@.type=="Ready")].status', ["False"]],
  [".metadata.annotations['a.b/c']", ["x"]],
  [".metadata.annotations.a\\.b/c", ["x"]],
  [".none.deeper", []],
  [".constructor", []],
])("%s", (text, want) => {
  const path = parseJsonPath(text);
  expect(path.ok && path.value(OBJECT)).toEqual(want);
});

test.each(["", "[", ".a[?(x)]", ".a..b"])("%j is refused", (text) => {
  expect(parseJsonPath(text)).toMatchObject({ ok: false });
});

test.each([
  [0, "0s"],
  [119_000, "119s"],
  [120_000, "2m"],
  [185_000, "3m5s"],
  [600_000, "10m"],
  [3 * 3_600_000 + 60_000, "3h1m"],
  [47 * 3_600_000, "47h"],
  [51 * 3_600_000, "2d3h"],
  [400 * 86_400_000, "400d"],
  [3 * 365 * 86_400_000, "3y"],
  [-5_000, "<invalid>"],
])("%d ms is %s", (ms, want) => {
  expect(humanDuration(ms)).toBe(want);
});
