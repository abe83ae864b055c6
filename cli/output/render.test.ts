import { expect, test } from "vitest";
import { parse } from "yaml";
import { render } from "./render.ts";
import { table } from "./table.ts";

const DATA = { cluster: "east", gone: undefined, list: ["a", "1"], note: "two\nlines" };

test.each([
  { form: "json" as const, read: (text: string): unknown => JSON.parse(text) },
  { form: "yaml" as const, read: (text: string): unknown => parse(text) },
])("$form says what the data says, and nothing of keys without a value", ({ form, read }) => {
  const text = render(form, DATA, () => "never");
  expect(read(text)).toEqual({ cluster: "east", list: ["a", "1"], note: "two\nlines" });
  expect(text.endsWith("\n")).toBe(false);
});

test("a table is the caller's", () => {
  expect(render("table", DATA, () => "A  B")).toBe("A  B");
});

test("columns line up", () => {
  expect(
    table(
      ["NAME", "AGE"],
      [
        ["web", "3m"],
        ["database", ""],
      ],
    ),
  ).toEqual(["NAME      AGE", "web       3m", "database"]);
  expect(table(["NAME", "AGE"], [])).toEqual(["NAME  none"]);
});
