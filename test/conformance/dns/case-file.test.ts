import { expect, test } from "vitest";
import { parseCaseFile } from "./case-file.ts";
import { readQuestion } from "./question-text.ts";
import { readZone } from "./zone-text.ts";

test("zone first, then cases; comments and empty lines mean nothing", () => {
  const text = `; about
import shop/web ClusterSetIP 10.0.0.1

= first ; of two
? web.shop. IN A
NOERROR aa

= second
? no.shop. IN A
NXDOMAIN
`;
  expect(parseCaseFile("x/y", text)).toEqual({
    name: "x/y",
    zone: ["import shop/web ClusterSetIP 10.0.0.1"],
    cases: [
      { title: "first", question: "web.shop. IN A", answer: ["NOERROR aa"] },
      { title: "second", question: "no.shop. IN A", answer: ["NXDOMAIN"] },
    ],
  });
});

test.each([
  { name: "no case", text: "namespace shop\n" },
  { name: "no question", text: "= a\nNOERROR\n" },
  { name: "no answer", text: "= a\n? x. IN A\n= b\n? x. IN A\nNOERROR\n" },
])("$name is a mistake", ({ text }) => {
  expect(() => parseCaseFile("x/y", text)).toThrow("a case needs a question and an answer");
});

test("words that mean nothing are mistakes", () => {
  expect(() => readQuestion("x. IN A +fast")).toThrow("+fast");
  expect(() => readQuestion("x. XX A")).toThrow("no such class");
  expect(() => readZone(["improt shop/web"])).toThrow("improt");
});
