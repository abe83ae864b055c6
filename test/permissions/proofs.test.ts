import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { callsIn, granted, rolesIn, unlawful, unused } from "./calls.ts";
import { ONLY_SOMETIMES, PROOFS } from "./proofs.ts";

const ROOT = new URL("../../", import.meta.url);
const POLICY = new URL("api/cluster-policy/", ROOT);

/** Roles for people, which no process of ours has. */
const FOR_USERS = ["isthmus:edit", "isthmus:view"];

test("every role of a process is held against what the process does", () => {
  const files = ["", "hub/"].flatMap((folder) =>
    readdirSync(new URL(folder, POLICY))
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => folder + name),
  );
  const roles = files.flatMap((file) =>
    rolesIn(file).map(({ metadata: { name: role } }) => ({ file, role })),
  );
  const unique = [...new Map(roles.map((one) => [one.role, one])).values()];
  const wanted = unique.filter(({ role }) => !FOR_USERS.includes(role));
  const proved = PROOFS.map(({ file, role }) => ({ file, role }));
  expect(proved.toSorted(byRole)).toEqual(wanted.toSorted(byRole));
});

function byRole(a: { readonly role: string }, b: { readonly role: string }): number {
  return a.role < b.role ? -1 : 1;
}

describe.each(PROOFS)("$role", ({ file, role, test: path }) => {
  test("is named in a test that asks what is unused and what is unlawful", () => {
    const text = readFileSync(new URL(path, ROOT), "utf8");
    expect(text).toContain(`"${role}"`);
    expect(text).toMatch(/\bunused\(/);
    expect(text).toMatch(/\bunlawful\(/);
  });

  test("is excused for nothing that it does not grant, and where a test is named it is there", () => {
    for (const [call, why] of Object.entries(ONLY_SOMETIMES[role] ?? {})) {
      expect([...granted(file, role)]).toContain(call);
      const [named] = /test\/\S+\.test\.ts/.exec(why) ?? [];
      if (named !== undefined) readFileSync(new URL(named, ROOT));
    }
  });
});

test("both sides are read: a verb too many and one too few are found", () => {
  const metrics = `isthmus_kube_request_seconds_count{verb="apply",resource="pathreports.isthmus.dev",outcome="ok"} 1
isthmus_kube_request_seconds_count{verb="delete",resource="nodes",outcome="ok"} 1
isthmus_kube_request_seconds_count{verb="discover",resource="x",outcome="ok"} 1
isthmus_kube_request_seconds_bucket{verb="get",resource="x",outcome="ok",le="1"} 1`;
  const calls = callsIn(metrics);
  expect([...calls]).toEqual([
    "create pathreports.isthmus.dev",
    "patch pathreports.isthmus.dev",
    "delete nodes",
  ]);
  expect(unlawful("33-vxlan-roles.yaml", "isthmus:gateway", calls)).toEqual(["delete nodes"]);
  const left = unused("33-vxlan-roles.yaml", "isthmus:gateway", calls);
  expect(left).toContain("watch nodes");
  expect(left).not.toContain("create pathreports.isthmus.dev");
  expect(left).not.toContain("watch pods");
});
