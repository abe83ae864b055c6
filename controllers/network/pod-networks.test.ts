import { expect, test } from "vitest";
import type { Node } from "../../api/kube/node.ts";
import { MEMBER_CIDRS_MAX } from "../../api/network/member-cidr.ts";
import { FEW_NODES, podNetworks } from "./pod-networks.ts";

function node(name: string, ...podCIDRs: readonly string[]): Node {
  return { apiVersion: "v1", kind: "Node", metadata: { name }, spec: { podCIDRs } };
}

const NOTHING = { given: [], nodes: [], known: [], avoid: [] };

function many(count: number): readonly Node[] {
  return Array.from({ length: count }, (_, at) =>
    node(`n${at}`, `10.${64 + Math.floor(at / 256)}.${at % 256}.0/24`),
  );
}

test.each([
  { name: "nothing is known", input: {}, networks: [], problems: [] },
  {
    name: "Nodes of two families",
    input: { nodes: [node("a", "10.1.0.0/24", "fd00::/64"), node("b", "10.1.1.0/24")] },
    networks: ["10.1.0.0/24", "10.1.1.0/24", "fd00::/64"],
    problems: [],
  },
  {
    name: "an old Node has podCIDR alone",
    input: { nodes: [{ ...node("a"), spec: { podCIDR: "10.1.0.0/24" } }] },
    networks: ["10.1.0.0/24"],
    problems: [],
  },
  {
    name: "the admin's word counts, not the Nodes'",
    input: { given: ["10.9.0.0/16"], nodes: many(3), known: ["10.0.0.0/8"] },
    networks: ["10.9.0.0/16"],
    problems: [],
  },
  {
    name: "what nobody can have is left out and told",
    input: { given: ["10.9.0.0/16", "127.0.0.0/8", "fe80::/64"] },
    networks: ["10.9.0.0/16"],
    problems: [/--cidrs: must not meet 127\.0\.0\.0\/8: got 127/, /must not meet fe80::\/10/],
  },
  {
    name: "a Node's that cannot be read too",
    input: { nodes: [node("a", "10.1.0.7/24"), node("b", "10.1.1.0/24")] },
    networks: ["10.1.1.0/24"],
    problems: [/podCIDRs of Nodes: .*no bits beyond its prefix.*10\.1\.0\.7/],
  },
  {
    name: "few Nodes are said one by one",
    input: { nodes: many(2), known: [] },
    networks: ["10.64.0.0/24", "10.64.1.0/24"],
    problems: [],
  },
  {
    name: "many Nodes are one network",
    input: { nodes: many(600) },
    networks: ["10.64.0.0/14"],
    problems: [],
  },
  {
    name: "but not with addresses of others in it",
    input: { nodes: many(FEW_NODES + 1), avoid: ["10.64.24.0/24"] },
    networks: ["10.64.0.0/20", "10.64.16.0/24"],
    problems: [],
  },
])("$name", ({ input, networks, problems }) => {
  const said = podNetworks({ ...NOTHING, ...input });
  expect(said.networks).toEqual(networks);
  expect(said.problems).toEqual(problems.map((pattern) => expect.stringMatching(pattern)));
});

test("a hundred --cidrs side by side are few; a hundred apart are told", () => {
  const beside = Array.from({ length: 128 }, (_, at) => `10.1.${at}.0/24`);
  expect(podNetworks({ ...NOTHING, given: beside })).toEqual({
    networks: ["10.1.0.0/17"],
    problems: [],
  });
  const apart = Array.from({ length: 100 }, (_, at) => `${at + 1 + (at > 8 ? 1 : 0)}.0.0.0/32`);
  const said = podNetworks({ ...NOTHING, given: apart.filter((text) => !text.startsWith("127")) });
  expect(said.networks).toHaveLength(MEMBER_CIDRS_MAX);
  expect(said.problems).toEqual([
    expect.stringMatching(/at most 64, --cidrs: 36 more are not reached/),
  ]);
});
