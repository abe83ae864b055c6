import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { Peer } from "../../broker/client/peer-table.ts";
import { isAloneAmong, judgePeers, NOBODY_LOST, type PeerFacts } from "./judge-peers.ts";
import { withheldClusters } from "./withheld-clusters.ts";

const STALE_MS = 60_000;
const id = (name: string): ClusterId => name as ClusterId;
const connected: Peer = { kind: "connected" };
const left: Peer = { kind: "left" };
const silentSince = (sinceMs: number): Peer => ({ kind: "disconnected", sinceMs });

function judge(peers: Readonly<Record<string, Peer>>, facts: Partial<PeerFacts> = {}) {
  const entries = Object.entries(peers).map(([name, peer]) => [id(name), peer] as const);
  const known = { firstSyncedMs: 0, isHeard: true, staleAfterMs: STALE_MS, nowMs: 100_000 };
  return judgePeers({ peers: new Map(entries), ...known, ...facts }, NOBODY_LOST);
}

describe("judgePeers", () => {
  test.each([
    ["connected", connected, []],
    ["silent for less than the time", silentSince(40_001), []],
    ["silent for the time", silentSince(40_000), ["a"]],
    ["left: it has no endpoints to lose", left, []],
  ])("%s", (_what, peer, lost) => {
    expect([...judge({ a: peer, b: connected }).lost]).toEqual(lost);
  });

  test("says when time alone changes it", () => {
    const peers = { a: silentSince(50_000), b: silentSince(45_000), c: connected };
    expect(judge(peers).nextMs).toBe(105_000);
    expect(judge({ c: connected }).nextMs).toBeUndefined();
    expect(judge({ c: connected }, { nowMs: 1_000 }).nextMs).toBe(STALE_MS);
  });

  test("a broker that is not heard is no witness: what held before stands (I7)", () => {
    const before = { ...NOBODY_LOST, lost: new Set([id("b")]) };
    const peers = new Map([[id("a"), silentSince(0)]]);
    const facts = { peers, firstSyncedMs: 0, staleAfterMs: STALE_MS, nowMs: 1e9 };
    const after = judgePeers({ ...facts, isHeard: false }, before);
    expect([...after.lost, after.nextMs]).toEqual(["b", undefined]);
  });

  test("for ever is for ever", () => {
    const forEver = { staleAfterMs: Number.POSITIVE_INFINITY, nowMs: 1e12 };
    expect(judge({ a: silentSince(0), b: connected }, forEver)).toEqual(NOBODY_LOST);
  });

  test.each([
    ["both of two", { a: silentSince(0), b: silentSince(0) }, true],
    ["one of two", { a: silentSince(0), b: connected }, false],
    ["both of two that are left of three", { a: silentSince(0), b: silentSince(0), c: left }, true],
    ["the only one", { a: silentSince(0) }, false],
    ["nobody there is", {}, false],
  ])("alone when everybody is lost: %s", (_what, peers, isAlone) => {
    const { lost } = judge(peers);
    const entries = Object.entries<Peer>(peers).map(([name, peer]) => [id(name), peer] as const);
    expect(isAloneAmong(new Map(entries), (cluster) => lost.has(cluster))).toBe(isAlone);
  });
});

describe("withheldClusters", () => {
  const backing = fc
    .dictionary(fc.constantFrom("a", "b", "c", "d"), fc.boolean())
    .map((record) => new Map(Object.entries(record).map(([name, ready]) => [id(name), ready])));
  const lost = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d").map(id));

  test("are lost ones only, and never the last that can answer", () => {
    fc.assert(
      fc.property(backing, lost, fc.boolean(), (backed, gone, isAlone) => {
        const health = { isLost: (cluster: ClusterId) => gone.includes(cluster), isAlone };
        const withheld = withheldClusters(backed, health);
        for (const cluster of withheld) expect(gone).toContain(cluster);
        if (isAlone) expect(withheld.size).toBe(0);
        const ready = [...backed].filter(([, isReady]) => isReady).map(([cluster]) => cluster);
        const left = ready.filter((cluster) => !withheld.has(cluster));
        if (ready.length > 0) expect(left.length).toBeGreaterThan(0);
        // All of the lost ones go, or none.
        const isAnyAlive = ready.some((cluster) => !gone.includes(cluster));
        const doomed = [...backed.keys()].filter((cluster) => gone.includes(cluster));
        expect([...withheld]).toEqual(isAnyAlive && !isAlone ? doomed : []);
      }),
    );
  });
});
