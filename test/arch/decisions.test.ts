import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./source-files.ts";

const FOLDER = join(ROOT, "docs/decisions");

test("decisions are numbered one after the other, as their titles say: two of one number cannot be told apart", () => {
  const files = readdirSync(FOLDER).toSorted();
  const numbers = files.map((file) => file.slice(0, 4));
  expect(numbers).toEqual(files.map((_, at) => String(at + 1).padStart(4, "0")));
  const titles = files.map((file) => readFileSync(join(FOLDER, file), "utf8").slice(0, 8));
  expect(titles).toEqual(numbers.map((number) => `# ${number}: `));
});
