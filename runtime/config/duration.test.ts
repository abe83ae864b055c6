import { expect, test } from "vitest";
import { err, ok } from "../../api/result.ts";
import { parseDurationMs } from "./duration.ts";

test.each([
  { text: "500ms", want: 500 },
  { text: "90s", want: 90_000 },
  { text: "15m", want: 900_000 },
  { text: "1.5h", want: 5_400_000 },
  { text: "0s", want: 0 },
])("$text is $want ms", ({ text, want }) => {
  expect(parseDurationMs(text)).toEqual(ok(want));
});

test.each(["", "15", "m", "-1s", "1d", "1e3s", " 1s", "1s "])(
  "%j is refused with the rule",
  (text) => {
    expect(parseDurationMs(text)).toEqual(err(expect.stringContaining("number and a unit")));
  },
);
