import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { parseLabelSelector } from "../../api/kube/selector/label-selector.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { parseNamespacePattern } from "../../api/policy/namespace-rules.ts";
import { serviceKey } from "../../api/service-key.ts";
import {
  type MemberPolicy,
  type NamespaceScope,
  SHARE_EVERYTHING,
} from "../../controllers/policy/member-policy.ts";
import { anExport } from "../../controllers/testing/builders.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

let world: MemberWorld;
let a: TestCluster;
let b: TestCluster;

beforeEach(async () => {
  world = new MemberWorld();
  a = await world.member("a");
  b = await world.member("b");
});

afterEach(async () => {
  await world.expectNoChurn();
  await world[Symbol.asyncDispose]();
});

function denying(text: string): NamespaceScope {
  const parsed = parseNamespacePattern(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return { rules: { allow: [], deny: [parsed.value] } };
}

const NO_EXPORT: MemberPolicy = { ...SHARE_EVERYTHING, exports: denying("sh*") };
const NO_IMPORT: MemberPolicy = { ...SHARE_EVERYTHING, imports: denying("shop") };

/** Rows that the broker would send this cluster. */
async function seenBy(cluster: TestCluster): Promise<readonly string[]> {
  return (await cluster.slices()).map(({ metadata }) => metadata.name);
}

describe("exports of a denied namespace (EXP-28, SEC-04)", () => {
  test("say so, and contribute nothing", async () => {
    a.policy.set(NO_EXPORT);
    await a.exported();
    await b.exported({ type: "ClusterIP", clusterIP: "None" });
    await world.settle();
    expect(await a.conditions()).toEqual({
      Valid: "False/NamespaceDenied",
      Ready: "False/Pending",
    });
    expect(await a.events()).toEqual(["Warning NamespaceDenied ServiceExport/web"]);
    expect((await b.import())?.status?.clusters).toEqual([{ cluster: "b" }]);
    expect((await b.import())?.spec.type).toBe("Headless");
    expect(world.broker.store.table.owner(a.id)?.size ?? 0).toBe(0);
    // What others export is still imported: the denial is about what leaves.
    expect((await a.import())?.status?.clusters).toEqual([{ cluster: "b" }]);
  });

  test("are withdrawn when the policy changes, and come back when it changes again", async () => {
    await a.exported();
    await world.settle();
    expect(await b.import()).toBeDefined();
    a.policy.set(NO_EXPORT);
    await world.settle();
    expect(await b.import()).toBeUndefined();
    expect(await a.import()).toBeUndefined();
    a.policy.set(SHARE_EVERYTHING);
    await world.settle();
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
    expect((await a.conditions())["Valid"]).toBe("True/Valid");
  });

  test("follow the namespace's labels when a selector decides", async () => {
    const labels = parseLabelSelector("share=yes");
    if (!labels.ok) throw new Error(labels.error);
    const selector = { text: "share=yes", labels: labels.value };
    a.policy.set({ ...SHARE_EVERYTHING, exports: { ...SHARE_EVERYTHING.exports, selector } });
    await a.exported();
    await world.settle();
    expect((await a.conditions())["Valid"]).toBe("False/NamespaceDenied");
    await a.patch(NAMESPACES, "shop", { metadata: { labels: { share: "yes" } } });
    await world.settle();
    expect((await a.conditions())["Ready"]).toBe("True/Exported");
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
    await a.patch(NAMESPACES, "shop", { metadata: { labels: { share: "no" } } });
    await world.settle();
    expect(await b.import()).toBeUndefined();
  });
});

describe("imports into a denied namespace (IMP-36)", () => {
  test("are not made, and no row of it is even sent (I2)", async () => {
    b.policy.set(NO_IMPORT);
    await a.exported();
    await world.settle();
    expect(await b.import()).toBeUndefined();
    expect(await b.derived()).toBeUndefined();
    expect(await seenBy(b)).toEqual([]);
    expect(b.foreignServices).toEqual([]);
  });

  test("are withdrawn when the policy changes, with an Event and a log line, and come back", async () => {
    await a.exported();
    await world.settle();
    expect(await b.import()).toBeDefined();
    b.policy.set(NO_IMPORT);
    await world.settle();
    expect(await b.import()).toBeUndefined();
    expect(await b.derived()).toBeUndefined();
    expect(await seenBy(b)).toEqual([]);
    expect(await b.events()).toEqual(["Warning ImportDenied ServiceImport/web"]);
    expect(b.log.messages).toContain("import withdrawn by policy");
    expect(await a.import()).toBeDefined();
    b.policy.set(SHARE_EVERYTHING);
    await world.settle();
    expect(await b.backends()).toEqual({ a: ["10.97.0.1"] });
  });

  test("are withdrawn though the broker is away: the rule is this cluster's own", async () => {
    await a.exported();
    await world.settle();
    b.stop();
    world.broker.stop();
    b.policy.set(NO_IMPORT);
    b.start();
    await world.settle();
    expect(await b.import()).toBeUndefined();
    expect(await seenBy(b)).toEqual([]);
  });

  test("its own exports leave all the same, and say that conflicts are not seen", async () => {
    a.policy.set(NO_IMPORT);
    await a.exported();
    await b.exported({ type: "ClusterIP", clusterIP: "None" });
    await world.settle();
    expect(await a.conditions()).toEqual({
      Valid: "True/Valid",
      Ready: "True/Exported",
      Conflict: "Unknown/ImportDenied",
    });
    expect(await a.import()).toBeUndefined();
    expect((await b.import())?.status?.clusters).toEqual([{ cluster: "a" }, { cluster: "b" }]);
    expect((await b.conditions())["Conflict"]).toBe("True/TypeConflict");
  });

  test("what is not ours stays (I3)", async () => {
    await a.exported();
    await world.settle();
    await b.service({}, "mine");
    b.policy.set(NO_IMPORT);
    await world.settle();
    expect(await b.find(SERVICES, "mine")).toBeDefined();
    expect(await b.derived()).toBeUndefined();
  });
});

describe("an older export that arrives later (SEC-07)", () => {
  test("is told on the export that loses by it, and in the log of every importer", async () => {
    const c = await world.member("c");
    await world.clock.advance(5_000);
    await b.exported();
    await world.settle();
    // As restored from a backup, or made up: created before b's, arriving after it.
    const forged = anExport({ cluster: "a", createdAtMs: 1_000 });
    a.stop();
    const link = world.broker.link(a.id);
    link.setNamespaces(new Set(["shop"]));
    link.setOwnRows(serviceKey("shop", "web"), [forged]);
    link.markOwnComplete();
    link.start(new AbortController().signal);
    await world.settle();
    expect((await b.import())?.status?.clusters).toEqual([{ cluster: "a" }, { cluster: "b" }]);
    expect(await b.events()).toEqual(["Warning PrecedenceChanged ServiceExport/web"]);
    for (const member of [b, c]) {
      expect(member.log.messages).toContain("an older export has arrived and decides now");
    }
    expect(await c.events()).toEqual([]);
  });

  test("a younger one that arrives is no news", async () => {
    await b.exported();
    await world.clock.advance(5_000);
    await a.exported();
    await world.settle();
    expect(await b.events()).toEqual([]);
    expect(b.log.messages).not.toContain("an older export has arrived and decides now");
  });
});
