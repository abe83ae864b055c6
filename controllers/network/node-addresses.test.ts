import * as fc from "fast-check";
import { expect, test } from "vitest";
import { addressNodes, NODE_QUARANTINE_MS, type NodeAddressing } from "./node-addresses.ts";

const PREFIXES = ["242.0.1.0/24", "fd69:7374:6800:1::/120"];
const NONE: NodeAddressing = { addresses: {}, absentSinceMs: new Map(), left: [] };

test("a node gets one address of each prefix, in the order of names", () => {
  expect(addressNodes(NONE, ["n2", "n1"], PREFIXES, 0).addresses).toEqual({
    n1: ["242.0.1.1", "fd69:7374:6800:1::1"],
    n2: ["242.0.1.2", "fd69:7374:6800:1::2"],
  });
});

test("no room is told, and the others keep theirs", () => {
  const { addresses, left } = addressNodes(NONE, ["a", "b", "c"], ["242.0.1.0/30"], 0);
  expect([Object.keys(addresses), left]).toEqual([["a", "b"], ["c"]]);
});

test("over any order of nodes that come and go: unique, stable while a node is there, nobody else's before its quarantine is over", () => {
  const names = fc.subarray(["a", "b", "c", "d", "e"]);
  const step = fc.tuple(names, fc.nat(NODE_QUARANTINE_MS), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let state = NONE;
      let nowMs = 0;
      const lastSeen = new Map<string, { node: string; atMs: number }>();
      for (const [nodes, afterMs, isRestart] of steps) {
        nowMs += afterMs;
        const before = state;
        if (isRestart) state = { ...state, absentSinceMs: new Map() };
        state = addressNodes(state, nodes, PREFIXES, nowMs);
        const all = Object.values(state.addresses).flat();
        expect(new Set(all).size).toBe(all.length);
        for (const node of nodes) {
          const held = state.addresses[node] ?? [];
          expect(held).toHaveLength(2);
          if (before.addresses[node] !== undefined) expect(held).toEqual(before.addresses[node]);
          for (const address of held) {
            const last = lastSeen.get(address);
            const isFree =
              last === undefined || last.node === node || nowMs - last.atMs >= NODE_QUARANTINE_MS;
            expect([address, last, isFree]).toEqual([address, last, true]);
            lastSeen.set(address, { node, atMs: nowMs });
          }
        }
        // Nothing changes in an unchanged world (I9).
        expect(addressNodes(state, nodes, PREFIXES, nowMs)).toEqual(state);
      }
    }),
  );
});

test("with other prefixes everybody gets new addresses", () => {
  const before = addressNodes(NONE, ["a"], PREFIXES, 0);
  expect(addressNodes(before, ["a"], ["242.9.0.0/24"], 0).addresses).toEqual({ a: ["242.9.0.1"] });
});
