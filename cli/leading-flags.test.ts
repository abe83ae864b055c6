import { expect, test } from "vitest";
import { withoutLeadingFlags } from "./leading-flags.ts";

test.each([
  { argv: "export web -n shop", want: "export web -n shop" },
  { argv: "-n shop export web", want: "export web --namespace shop" },
  {
    argv: "--context=east --kubeconfig file -n=shop status",
    want: "status --context east --kubeconfig file --namespace shop",
  },
  { argv: "--context east token create", want: "token create --context east" },
  { argv: "--other x status", want: "--other x status" },
  { argv: "-n shop", want: "-n shop" },
  { argv: "-n", want: "-n" },
  { argv: "", want: "" },
])("$argv is $want", ({ argv, want }) => {
  const words = (text: string): readonly string[] => text.split(" ").filter((word) => word !== "");
  expect(withoutLeadingFlags(words(argv)).join(" ")).toBe(want);
});
