import { describe, expect, test } from "vitest";
import { VERBS } from "../cli/verb-table.ts";
import { readSettings } from "../runtime/config/settings.ts";
import { resourceOf } from "../runtime/kube/policy/apply-manifests.ts";
import { hubObjects } from "./hub-objects.ts";
import { hubSettings } from "./hub-settings.ts";
import { memberObjects } from "./member-objects.ts";
import { memberSettings } from "./member-settings.ts";
import { containerOf, findObject, namesOf, shippedTexts } from "./testing/find-objects.ts";

const TOKEN = "isthmus-join.a.b.c.hub:8443";

function member(flags: Readonly<Record<string, unknown>> = {}) {
  const given = { clusterId: "east", ...flags };
  const settings = readSettings(memberSettings, { flags: given, file: undefined });
  if (!settings.ok) throw new Error(settings.error);
  const objects = memberObjects(settings.value, shippedTexts("member"));
  if (!objects.ok) throw new Error(objects.error);
  return objects.value;
}

function hub() {
  const settings = readSettings(hubSettings, { flags: {}, file: undefined });
  if (!settings.ok) throw new Error(settings.error);
  const objects = hubObjects(settings.value, shippedTexts("hub"));
  if (!objects.ok) throw new Error(objects.error);
  return objects.value;
}

test("a member is controllers and DNS beside what api/cluster-policy says", () => {
  const own = namesOf(member()).slice(
    namesOf(member()).indexOf("NetworkPolicy isthmus-controllers"),
  );
  expect(own).toEqual([
    "NetworkPolicy isthmus-controllers",
    "Deployment isthmus-controllers",
    "PodDisruptionBudget isthmus-controllers",
    "NetworkPolicy isthmus-dns",
    "Deployment isthmus-dns",
    "PodDisruptionBudget isthmus-dns",
    "Service isthmus-dns",
  ]);
  expect(namesOf(member())).toContain("Secret isthmus-identity");
});

test("the token is in a Secret and nowhere else; the controllers join with it", () => {
  const objects = member({ joinToken: TOKEN });
  expect(findObject(objects, "Secret", "isthmus-join")).toMatchObject({
    data: { token: Buffer.from(TOKEN).toString("base64") },
  });
  expect(JSON.stringify(objects)).not.toContain(TOKEN);
  expect(containerOf(objects, "isthmus-controllers").args).toEqual(
    expect.arrayContaining(["--join-token-file=/etc/isthmus/join/token", "--cluster-id=east"]),
  );
});

test("without DNS nothing but its service account and roles is left of it", () => {
  const names = namesOf(member({ dns: false }));
  expect(names).not.toContain("Deployment isthmus-dns");
  expect(names).not.toContain("Service isthmus-dns");
});

describe.each([
  { objects: hub(), name: "isthmus-broker" },
  { objects: member(), name: "isthmus-controllers" },
  { objects: member(), name: "isthmus-dns" },
])("$name", ({ objects, name }) => {
  test("runs as nobody, without powers, on a file system it may not write to", () => {
    expect(containerOf(objects, name).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(findObject(objects, "Deployment", name)).toMatchObject({
      spec: { template: { spec: { securityContext: { runAsNonRoot: true } } } },
    });
  });

  test("its words are a verb and flags that the verb has, with values that it takes", async () => {
    const [word = "", ...flags] = containerOf(objects, name).args;
    const verb = await VERBS.find(({ path }) => path.join(" ") === word)?.load();
    const given = Object.fromEntries(
      flags.map((flag) => {
        const [, key = "", value] = /^--([a-z-]+)(?:=(.*))?$/.exec(flag) ?? [];
        const setting = key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
        const isList = ["brokers", "cidrs", "serverNames", "broker"].includes(setting);
        return [setting, value === undefined ? true : isList ? value.split(",") : value];
      }),
    );
    if (verb === undefined) throw new Error(`no verb ${word}`);
    expect(readSettings(verb.settings, { flags: given, file: given })).toMatchObject({ ok: true });
  });

  test("is an identity of api/cluster-policy", () => {
    expect(findObject(objects, "ServiceAccount", name)).toBeDefined();
  });
});

test("every object is of a kind that can be applied, in its place", () => {
  for (const object of [...hub(), ...member({ joinToken: TOKEN })]) {
    expect(resourceOf(object).namespaced).toBe(object.metadata.namespace !== undefined);
  }
});

test("an id is needed, and a token must look like one", () => {
  const none = readSettings(memberSettings, { flags: {}, file: undefined });
  expect(none.ok ? "" : none.error).toContain("--cluster-id) is required");
  const odd = readSettings(memberSettings, {
    flags: { clusterId: "east", joinToken: "secret" },
    file: undefined,
  });
  expect(odd.ok ? "" : odd.error).toContain("isthmus token create");
});
