import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchesLabels, parseLabelSelector } from "./label-selector.ts";

describe("parseLabelSelector", () => {
  const labels = { app: "web", tier: "front", size: "5" };

  test.each([
    { text: "", want: true },
    { text: "app=web", want: true },
    { text: "app==web,tier=front", want: true },
    { text: "app=db", want: false },
    { text: "app!=db", want: true },
    { text: "none!=x", want: true },
    { text: "app in (web, db)", want: true },
    { text: "app notin (web,db)", want: false },
    { text: "none notin (x)", want: true },
    { text: "app", want: true },
    { text: "!app", want: false },
    { text: "!none , app", want: true },
    { text: "size>4,size<6", want: true },
    { text: "size>5", want: false },
    { text: "app>1", want: false },
    { text: "none=", want: false },
    { text: "in in (x)", want: false },
  ])("$text matches: $want", ({ text, want }) => {
    const selector = parseLabelSelector(text);
    expect(selector.ok && matchesLabels(selector.value, labels)).toBe(want);
  });

  test.each([
    ["a===b", "unable to parse requirement: found '=', expected: identifier"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["a=b,", "found '', expected: identifier after ','"],
    ["=b", "found '=', expected: !, identifier, or 'end of string'"],
    ["a in b", "unable to parse requirement: found 'b', expected: '('"],
    ["a>x", "the value must be an integer"],
    ["a=-", "Invalid value"],
    ["a/b/c=d", "Invalid value"],
  ])("%s is refused", (text, want) => {
    const selector = parseLabelSelector(text);
    expect(!selector.ok && selector.error).toContain(want);
  });

  test("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(typeof parseLabelSelector(text).ok).toBe("boolean");
      }),
    );
  });

  test("a label that an object inherits is not one it has", () => {
    const selector = parseLabelSelector("constructor");
    expect(selector.ok && matchesLabels(selector.value, {})).toBe(false);
  });
});
