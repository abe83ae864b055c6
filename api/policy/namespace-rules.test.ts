import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  denialOf,
  type NamespacePattern,
  parseNamespacePattern,
  SYSTEM_NAMESPACES,
} from "./namespace-rules.ts";

function patterns(...texts: readonly string[]): readonly NamespacePattern[] {
  return texts.map((text) => {
    const parsed = parseNamespacePattern(text);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.value;
  });
}

describe("parseNamespacePattern", () => {
  test.each(["shop", "kube-*", "k*", "*", "a-b", "9lives", "shop-*"])("%j is one", (text) => {
    expect(parseNamespacePattern(text)).toEqual({ ok: true, value: text });
  });

  test.each(["", "Shop", "sh*p", "**", "-a", "a-", "a.b", "shop*x", "!shop", "a".repeat(64)])(
    "%j is none, and the rule is told",
    (text) => {
      const parsed = parseNamespacePattern(text);
      expect(parsed.ok ? "" : parsed.error).toMatch(/must be a namespace's name, .*: got "/);
    },
  );
});

describe("denialOf (IMP-36, SEC-04)", () => {
  test.each([
    { name: "no rules", allow: [], deny: [], namespace: "shop", want: undefined },
    {
      name: "denied by a prefix",
      allow: [],
      deny: ["kube-*"],
      namespace: "kube-system",
      want: 'pattern "kube-*" denies it',
    },
    { name: "the prefix alone", allow: [], deny: ["kube-*"], namespace: "kube", want: undefined },
    { name: "a name in whole", allow: [], deny: ["shop"], namespace: "shop-2", want: undefined },
    { name: "allowed by name", allow: ["shop"], deny: [], namespace: "shop", want: undefined },
    {
      name: "not among the allowed",
      allow: ["shop", "team-*"],
      deny: [],
      namespace: "other",
      want: "no pattern of those that are allowed (shop, team-*) matches it",
    },
    {
      name: "denied though allowed",
      allow: ["*"],
      deny: ["shop"],
      namespace: "shop",
      want: 'pattern "shop" denies it',
    },
    {
      name: "everything",
      allow: [],
      deny: ["*"],
      namespace: "shop",
      want: 'pattern "*" denies it',
    },
  ])("$name", ({ allow, deny, namespace, want }) => {
    const rules = { allow: patterns(...allow), deny: patterns(...deny) };
    expect(denialOf(rules, namespace)).toBe(want);
  });

  test("the system's namespaces are patterns, and deny what Lighthouse denies", () => {
    const rules = { allow: [], deny: patterns(...SYSTEM_NAMESPACES) };
    const denied = ["kube-system", "kube-public", "openshift", "openshift-dns", "default", "shop"];
    expect(denied.map((namespace) => denialOf(rules, namespace) !== undefined)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  test("adding to deny never allows, adding to a list that allows never denies", () => {
    const name = fc.stringMatching(/^[a-c]{1,3}$/);
    const list = fc.array(
      fc.tuple(name, fc.boolean()).map(([text, isPrefix]) => (isPrefix ? `${text}*` : text)),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(list, list, list, name, (allow, deny, more, namespace) => {
        const isDenied = (allowed: readonly string[], denied: readonly string[]): boolean =>
          denialOf({ allow: patterns(...allowed), deny: patterns(...denied) }, namespace) !==
          undefined;
        const before = isDenied(allow, deny);
        if (before) expect(isDenied(allow, [...deny, ...more])).toBe(true);
        if (!before && allow.length > 0) expect(isDenied([...allow, ...more], deny)).toBe(false);
      }),
    );
  });
});
