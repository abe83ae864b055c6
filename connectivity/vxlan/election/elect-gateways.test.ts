import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Node } from "../../../api/kube/node.ts";
import { electGateways, LABEL_GATEWAY } from "./elect-gateways.ts";

function node(name: string, { ready = true, label = "", unschedulable = false } = {}): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, ...(label && { labels: { [LABEL_GATEWAY]: label } }) },
    spec: { unschedulable },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

const names = fc.uniqueArray(fc.stringMatching(/^n[a-z0-9]{1,4}$/), { maxLength: 20 });

describe("election of gateways", () => {
  test.each([
    {
      what: "labelled ones, all of them",
      nodes: [node("c"), node("b", { label: "true" }), node("a", { label: "true" })],
      chosen: ["a", "b"],
    },
    {
      what: "labelled ones though they are not ready",
      nodes: [node("a", { label: "true", ready: false }), node("b")],
      chosen: ["a"],
    },
    {
      what: "ready ones where none is labelled",
      nodes: [node("a", { ready: false }), node("b"), node("c")],
      chosen: ["b", "c"],
    },
    {
      what: "none that is cordoned or says false",
      nodes: [node("a", { unschedulable: true }), node("b", { label: "false" }), node("c")],
      chosen: ["c"],
    },
    {
      what: "those that run a gateway",
      nodes: [node("a"), node("b"), node("c")],
      isRunning: (name: string) => name !== "a",
      chosen: ["b", "c"],
    },
    {
      what: "the only one that runs one, though it is not ready",
      nodes: [node("a"), node("b", { ready: false }), node("c", { label: "false" })],
      isRunning: (name: string) => name === "b",
      chosen: ["b"],
    },
    {
      what: "the ready ones where nothing was heard of any",
      nodes: [node("a"), node("b"), node("c", { ready: false })],
      isRunning: () => false,
      chosen: ["a", "b"],
    },
    {
      what: "those there are, where none is ready",
      nodes: [node("a", { ready: false }), node("b", { ready: false })],
      chosen: ["a", "b"],
    },
    { what: "nobody where there is nobody", nodes: [], chosen: [] },
  ])("$what", ({ nodes, isRunning, chosen }) => {
    const options = isRunning === undefined ? {} : { isRunning };
    expect(electGateways(nodes, "east", options)).toEqual(chosen);
  });

  test("the order in which nodes are told does not matter, and there are as many as asked for", () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 4 }), (all, count) => {
        const chosen = electGateways(
          all.map((name) => node(name)),
          "east",
          { count },
        );
        expect(chosen).toHaveLength(Math.min(count, all.length));
        expect(
          electGateways(
            [...all].reverse().map((name) => node(name)),
            "east",
            { count },
          ),
        ).toEqual(chosen);
      }),
    );
  });

  test("a node that goes changes one gateway if it was one, and none otherwise", () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 4 }), fc.nat(), (all, count, pick) => {
        fc.pre(all.length > 0);
        const gone = all[pick % all.length];
        const before = electGateways(
          all.map((name) => node(name)),
          "east",
          { count },
        );
        const after = electGateways(
          all.filter((name) => name !== gone).map((name) => node(name)),
          "east",
          { count },
        );
        const kept = before.filter((name) => name !== gone);
        expect(kept.every((name) => after.includes(name))).toBe(true);
      }),
    );
  });
});
