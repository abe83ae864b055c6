import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseClusterId } from "../cluster-id.ts";
import { parseSlice } from "./parse-slice.ts";
import type { Slice } from "./slice.ts";
import { SliceSet } from "./slice-set.ts";

const IDS = ["a", "b", "c", "d"];
const NAMES = ["shop", "shop-eu", "pay", "dev"];
const PATTERNS = [...NAMES, "shop*", "shop-*", "p*", "*"];

function cluster(id: string) {
  const parsed = parseClusterId(id);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function slice(name: string, document: unknown): Slice {
  const parsed = parseSlice(name, document);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function setOf(...slices: readonly Slice[]): SliceSet {
  const set = SliceSet.of(slices);
  if (!set.ok) throw new Error(set.error);
  return set.value;
}

const anySlice = fc.record({
  clusters: fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 1 }),
  namespaces: fc.uniqueArray(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 3 }),
  podSelector: fc.record({ matchLabels: fc.constantFrom({}, { app: "web" }) }),
});
/** Documents that conflict are as likely as ones that do not. */
const anySlices = fc
  .array(anySlice, { maxLength: 4 })
  .map((documents) => documents.map((document, at) => slice(`s${at}`, document)));
const anySet = anySlices.map((slices) => {
  const kept: Slice[] = [];
  for (const one of slices) if (SliceSet.of([...kept, one]).ok) kept.push(one);
  return setOf(...kept);
});
const anyService = fc.record({
  cluster: fc.constantFrom(...IDS).map(cluster),
  namespace: fc.constantFrom(...NAMES),
});
const anyClient = fc.record({
  cluster: fc.constantFrom(...IDS).map(cluster),
  namespace: fc.constantFrom(...NAMES),
  labels: fc.constantFrom<Record<string, string>>({}, { app: "web" }, { app: "db" }),
});

describe("verdict", () => {
  const set = setOf(
    slice("pay", {
      clusters: ["a", "b"],
      namespaces: ["pay", "shop*"],
      podSelector: { matchLabels: { app: "web" } },
    }),
    slice("other", { clusters: ["c", "d"], namespaces: ["pay"] }),
  );
  const web = { app: "web" };
  test.each([
    { name: "no slice has it", client: ["a", "dev", {}], service: ["c", "dev"], want: "open" },
    { name: "both inside", client: ["a", "shop", web], service: ["b", "pay"], want: "pay" },
    { name: "own cluster", client: ["a", "pay", web], service: ["a", "pay"], want: "pay" },
    { name: "by a pattern", client: ["b", "shop-eu", web], service: ["a", "shop"], want: "pay" },
    { name: "a pod without the label", client: ["a", "pay", {}], service: ["b", "pay"] },
    { name: "a pod with another", client: ["a", "pay", { app: "db" }], service: ["b", "pay"] },
    { name: "another namespace", client: ["a", "dev", web], service: ["b", "pay"] },
    { name: "a cluster outside", client: ["c", "shop", web], service: ["b", "shop"] },
    { name: "the same name in two slices", client: ["c", "pay", web], service: ["b", "pay"] },
    { name: "the other of them", client: ["c", "pay", {}], service: ["d", "pay"], want: "other" },
    { name: "a cluster that adds itself", client: ["a", "shop", web], service: ["c", "shop"] },
  ] as const)("$name", ({ client, service, ...rest }) => {
    const verdict = set.verdict(
      { cluster: cluster(client[0]), namespace: client[1], labels: client[2] },
      { cluster: cluster(service[0]), namespace: service[1] },
    );
    const want = "want" in rest ? rest.want : "outside";
    expect(verdict.kind === "inside" ? verdict.slice.name : verdict.kind).toBe(want);
  });

  test("without slices everything is open", () => {
    fc.assert(
      fc.property(anyClient, anyService, (client, service) => {
        expect(SliceSet.none.verdict(client, service)).toEqual({ kind: "open" });
      }),
    );
  });

  test("inside: both clusters and both namespaces are of that slice, and the pod is selected", () => {
    fc.assert(
      fc.property(anySet, anyClient, anyService, (set, client, service) => {
        const verdict = set.verdict(client, service);
        if (verdict.kind !== "inside") return;
        const { slice: its } = verdict;
        expect(its.clusters).toEqual(expect.arrayContaining([client.cluster, service.cluster]));
        expect(set.sliceOf(service)).toBe(its);
        expect(set.sliceOf(client)).toBe(its);
        if (its.podLabels["app"] !== undefined) expect(client.labels["app"]).toBe("web");
      }),
    );
  });

  test("one more slice closes and never opens what others have closed or open to others", () => {
    fc.assert(
      fc.property(anySlices, anyClient, anyService, (slices, client, service) => {
        const [last, ...others] = slices;
        const before = SliceSet.of(others);
        const after = last === undefined ? before : SliceSet.of(slices);
        if (last === undefined || !before.ok || !after.ok) return;
        const was = before.value.verdict(client, service);
        const is = after.value.verdict(client, service);
        // Only the new slice can take a client in, and only where it holds both.
        if (was.kind === "outside" && is.kind === "inside") expect(is.slice).toBe(last);
        if (was.kind === "inside") expect(is).toEqual(was);
        if (is.kind === "open") expect(was.kind).toBe("open");
      }),
    );
  });

  test("a cluster that knows its own slices alone judges its own clients as the hub would, for all that it can see", () => {
    fc.assert(
      fc.property(anySet, anyClient, anyService, (set, client, service) => {
        const own = setOf(
          ...set.slices.filter(({ clusters }) => clusters.includes(client.cluster)),
        );
        const hubs = set.verdict(client, service);
        // Of a namespace that only others have slices for, it is sent nothing.
        if (hubs.kind === "outside" && !own.claims(service.namespace)) return;
        expect(own.verdict(client, service)).toEqual(hubs);
      }),
    );
  });
});

describe("SliceSet.of", () => {
  test("in what it takes, a namespace is of one slice in each cluster; what it refuses has two", () => {
    fc.assert(
      fc.property(anySlices, (slices) => {
        const holders = (id: string, name: string): number =>
          setsOfOne(slices).filter(
            (one) => one.sliceOf({ cluster: cluster(id), namespace: name }) !== undefined,
          ).length;
        // Names that the patterns can tell apart.
        const names = [...NAMES, "shop-x", "px", "x"];
        const isTwice = IDS.some((id) => names.some((name) => holders(id, name) > 1));
        expect(SliceSet.of(slices).ok).toBe(!isTwice);
      }),
    );
  });

  test("says which slices conflict, where and about what", () => {
    const set = SliceSet.of([
      slice("pay", { clusters: ["a", "b"], namespaces: ["shop*"] }),
      slice("eu", { clusters: ["b", "c"], namespaces: ["shop-eu"] }),
    ]);
    expect(set.ok ? "" : set.error).toBe(
      'namespace must be of one slice in a cluster: slices eu ("shop-eu") and pay ("shop*") both want it in b',
    );
  });
});

function setsOfOne(slices: readonly Slice[]): readonly SliceSet[] {
  return slices.map((one) => setOf(one));
}
