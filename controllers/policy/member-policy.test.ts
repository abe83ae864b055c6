import { describe, expect, test } from "vitest";
import type { Namespace } from "../../api/kube/namespace.ts";
import { parseLabelSelector } from "../../api/kube/selector/label-selector.ts";
import { type NamespacePattern, parseNamespacePattern } from "../../api/policy/namespace-rules.ts";
import { isImported, isSameToPolicy, type NamespaceScope, scopeDenial } from "./member-policy.ts";

function pattern(text: string): NamespacePattern {
  const parsed = parseNamespacePattern(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function scope(fields: { deny?: readonly string[]; selector?: string } = {}): NamespaceScope {
  const rules = { allow: [], deny: (fields.deny ?? []).map(pattern) };
  if (fields.selector === undefined) return { rules };
  const labels = parseLabelSelector(fields.selector);
  if (!labels.ok) throw new Error(labels.error);
  return { rules, selector: { text: fields.selector, labels: labels.value } };
}

function namespace(labels: Readonly<Record<string, string>> = {}, phase = "Active"): Namespace {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop", labels },
    status: { phase },
  };
}

describe("scopeDenial", () => {
  test.each([
    { name: "nothing asked", of: scope(), labels: {}, want: undefined },
    {
      name: "a pattern",
      of: scope({ deny: ["sh*"] }),
      labels: {},
      want: 'pattern "sh*" denies it',
    },
    {
      name: "labels fit",
      of: scope({ selector: "share=yes" }),
      labels: { share: "yes" },
      want: undefined,
    },
    {
      name: "labels do not fit",
      of: scope({ selector: "share=yes" }),
      labels: { share: "no" },
      want: 'its labels do not match the selector "share=yes"',
    },
    {
      name: "a pattern is told before labels",
      of: scope({ deny: ["*"], selector: "share=yes" }),
      labels: {},
      want: 'pattern "*" denies it',
    },
  ])("$name", ({ of, labels, want }) => {
    expect(scopeDenial(of, namespace(labels))).toBe(want);
  });
});

test("a namespace that ends is not imported into", () => {
  const policy = { exports: scope(), imports: scope() };
  expect(isImported(policy, namespace())).toBe(true);
  expect(isImported(policy, namespace({}, "Terminating"))).toBe(false);
  expect(isImported({ ...policy, imports: scope({ deny: ["shop"] }) }, namespace())).toBe(false);
});

describe("isSameToPolicy: which changes of a namespace matter", () => {
  const policy = { exports: scope(), imports: scope({ selector: "share" }) };
  test.each([
    {
      name: "a label nobody asks for",
      before: namespace(),
      after: namespace({ x: "y" }),
      want: true,
    },
    {
      name: "the label asked for",
      before: namespace(),
      after: namespace({ share: "" }),
      want: false,
    },
    { name: "it appears", before: undefined, after: namespace(), want: false },
    { name: "it ends", before: namespace(), after: namespace({}, "Terminating"), want: false },
    { name: "and is gone", before: namespace({}, "Terminating"), after: undefined, want: true },
  ])("$name", ({ before, after, want }) => {
    expect(isSameToPolicy(policy, before, after)).toBe(want);
  });
});
