import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { must } from "../../api/result.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { hubCrds, shippedCrds } from "../../cli/cluster/install-crds.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { resourceOf } from "../../runtime/kube/policy/apply-manifests.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";
import { type Outcome, runIsthmus } from "./run-isthmus.ts";
import {
  contentsOf,
  definitionOf,
  installDefinition,
  isOfOtherRelease,
} from "./server-contents.ts";

// From the release before to this one, and out again: what is there before and after is equal, definitions never go back (VER-07).

const RELEASE = new URL("../golden/release-0.1.0/", import.meta.url);
const { signal } = new AbortController();
const TOKEN = "isthmus-join.a.b.c.hub:8443";
const OURS = { apiVersion: "v1", kind: "Namespace", metadata: { name: "isthmus-system" } };
const done = { code: 0, problems: [] };

let server: TestApiServer;
let client: KubeClient;
beforeEach(async () => {
  server = await startApiServer();
  client = must(connectKube({ kubeconfig: server.kubeconfig }, {}, silentMeter)).client;
});
afterEach(() => server[Symbol.asyncDispose]());

function isthmus(...argv: readonly string[]): Promise<Outcome> {
  return runIsthmus([...argv, "--kubeconfig", server.kubeconfig], signal);
}

/** The objects as that release left them, the namespace first. */
async function installRelease(part: "hub" | "member"): Promise<void> {
  const text = readFileSync(new URL(`${part}.yaml`, RELEASE), "utf8");
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
  const rank = ({ kind }: KubeObject): number => (kind === "Namespace" ? 0 : 1);
  for (const object of objects.toSorted((a, b) => rank(a) - rank(b))) {
    must(await client.apply(resourceOf(object), object, { signal }));
  }
}

describe.each([
  {
    part: "hub",
    argv: ["install", "hub", "--apply"],
    uninstall: ["uninstall", "hub"],
    older: hubCrds()[0],
    newer: undefined,
  },
  {
    part: "member",
    argv: [...["install", "member", "--apply", TOKEN], "--cluster-id=east", "--cidrs=10.1.0.0/16"],
    uninstall: ["uninstall", "member", "--local-only"],
    older: shippedCrds().find(({ spec }) => spec.names.plural === "serviceexports"),
    newer: shippedCrds().find(({ spec }) => spec.names.plural === "peers"),
  },
] as const)("a $part of release 0.1.0", ({ part, argv, uninstall, older, newer }) => {
  test("upgraded is what a new install makes, with the settings of the old one; uninstalled leaves nothing", async () => {
    // The member's record says that somebody else made the namespace.
    if (part === "member") must(await client.create(NAMESPACES, OURS, { signal }));
    const before = await contentsOf(client);
    await installRelease(part);
    expect(await isthmus("upgrade")).toMatchObject(done);
    const upgraded = await contentsOf(client);
    expect(await isthmus(...uninstall)).toMatchObject(done);
    expect(await contentsOf(client)).toEqual(before);

    await using fresh = await startApiServer();
    const other = must(connectKube({ kubeconfig: fresh.kubeconfig }, {}, silentMeter)).client;
    const installed = await runIsthmus([...argv, "--kubeconfig", fresh.kubeconfig], signal);
    expect(installed).toMatchObject(done);
    // Which drops the token.
    expect(await runIsthmus(["upgrade", "--kubeconfig", fresh.kubeconfig], signal)).toMatchObject(
      done,
    );
    expect(comparable(upgraded)).toEqual(comparable(await contentsOf(other)));
  });

  test("brings older definitions to this release, leaves newer ones alone, and removes none (VER-07)", async () => {
    if (older === undefined) throw new Error("definitions");
    await installRelease(part);
    await installDefinition(client, older, "v0.0.1");
    if (newer !== undefined) await installDefinition(client, newer, "v99.0.0");
    expect(await isthmus("upgrade")).toMatchObject(done);
    expect(isOfOtherRelease(await definitionOf(client, older.metadata.name))).toBe(false);
    expect(await isthmus(...uninstall)).toMatchObject(done);
    const crds = part === "hub" ? hubCrds() : shippedCrds();
    for (const { metadata } of crds) await definitionOf(client, metadata.name);
    if (newer === undefined) return;
    expect(isOfOtherRelease(await definitionOf(client, newer.metadata.name))).toBe(true);
    // A later install does not take it back either.
    expect(await isthmus(...argv)).toMatchObject(done);
    expect(isOfOtherRelease(await definitionOf(client, newer.metadata.name))).toBe(true);
  });
});

/** Without what differs from server to server, and the record: it names settings that the old release did not have. */
function comparable(contents: ReadonlyMap<string, KubeObject>): unknown {
  const objects = [...contents].filter(([name]) => !/^ConfigMap .*-install$/.test(name));
  return objects.map(([name, object]) => {
    const text = JSON.stringify(object);
    return [
      name,
      JSON.parse(
        text
          .replaceAll(/"clusterIPs?":(\[[^\]]*\]|"[^"]*")/g, '"clusterIP":""')
          .replaceAll(/"nodePort":\d+/g, '"nodePort":0'),
      ) as unknown,
    ];
  });
}
