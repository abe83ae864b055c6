import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { KubeObject } from "../../../api/kube/object.ts";
import {
  parseMemberNetwork,
  parsePathReport,
  parsePeer,
} from "../../../api/network/parse-network-objects.ts";
import type { JsonObject } from "../object/json.ts";
import { customKindOf } from "./custom-kind.ts";
import { DEFINITION } from "./definition/definition-kind.ts";
import { accepted, causes, KindTrial } from "./kind-trial.ts";

function trial(plural: string): KindTrial {
  const manifest: JsonObject = parse(
    readFileSync(new URL(`../../../api/crds/isthmus.dev_${plural}.yaml`, import.meta.url), "utf8"),
  );
  return new KindTrial(customKindOf(accepted(new KindTrial(DEFINITION).create(manifest))));
}

const FACTS = {
  podCidrs: ["10.1.0.0/16", "fd00:1::/56"],
  serviceCidrs: ["10.96.0.0/12"],
  globalPrefixes: [{ cidr: "10.1.0.0/16", global: "242.1.0.0/16" }],
  nodePrefixes: ["242.2.0.0/24"],
  backends: ["underlay", "vxlan"],
  responders: ["10.1.0.9:7100", "[fd00:1::9]:7100"],
  gateways: [
    {
      node: "n1",
      endpoints: ["192.0.2.1"],
      port: 4790,
      tunnelAddresses: ["242.2.0.1"],
      publicKey: "Zm9v",
      wgPort: 51_820,
    },
  ],
  proxies: [{ endpoint: "proxy.example:7443" }],
  overlay: { mesh: "cilium-clustermesh", id: "east" },
};
const SPECS = {
  peers: { cluster: "east", ...FACTS },
  membernetworks: {
    cluster: "east",
    podCidrs: FACTS.podCidrs,
    serviceCidrs: FACTS.serviceCidrs,
    globalPrefixes: FACTS.globalPrefixes,
    nodePrefixes: FACTS.nodePrefixes,
    nodeAddresses: { n1: ["242.2.0.1"] },
    gateways: [
      {
        node: "n1",
        internalIps: ["192.0.2.1"],
        port: 4790,
        tunnelAddresses: ["242.2.0.1"],
        ready: true,
      },
    ],
    encryption: "wireguard",
    mtu: 1400,
  },
  pathreports: {
    role: "gateway",
    node: "n1",
    endpoints: ["192.0.2.1"],
    port: 4790,
    publicKey: "Zm9v",
    wgPort: 51_820,
    paths: [
      {
        peer: "west",
        backend: "vxlan",
        state: "up",
        rttMs: 1.5,
        lossPercent: 0,
        mtu: 1450,
        since: "2026-01-02T03:04:05Z",
        reason: "answers",
      },
    ],
    renewedAt: "2026-01-02T03:04:05Z",
  },
};
const STATUS = {
  backend: "vxlan",
  since: "2026-01-02T03:04:05Z",
  reason: "first that is healthy",
  dead: false,
  paths: [{ backend: "vxlan", state: "up", rttMs: 1.5, mtu: 1450 }],
};
const KINDS = [
  { plural: "peers", kind: "Peer", name: "east", read: parsePeer },
  { plural: "membernetworks", kind: "MemberNetwork", name: "local", read: parseMemberNetwork },
  { plural: "pathreports", kind: "PathReport", name: "n1", read: parsePathReport },
] as const;

function objectOf(kind: string, name: string, spec: unknown): JsonObject & KubeObject {
  const object: JsonObject & KubeObject = JSON.parse(
    JSON.stringify({ apiVersion: "isthmus.dev/v1alpha1", kind, metadata: { name }, spec }),
  );
  return object;
}

describe("objects of isthmus.dev", () => {
  test.each(KINDS)(
    "$kind: nothing of a full spec is pruned, and the code reads all of it",
    (one) => {
      const stored = accepted(
        trial(one.plural).create(objectOf(one.kind, one.name, SPECS[one.plural])),
      );
      expect(stored["spec"]).toEqual(SPECS[one.plural]);
      const read = one.read(objectOf(one.kind, one.name, stored["spec"]));
      expect(read).toMatchObject({ ok: true, value: { spec: SPECS[one.plural] } });
    },
  );

  test("Peer: status is a subresource, and read", () => {
    const peers = trial("peers");
    const object = { ...objectOf("Peer", "east", SPECS.peers), status: STATUS };
    const read = parsePeer(object);
    expect(read).toMatchObject({ ok: true, value: { status: STATUS } });
    const body: JsonObject = JSON.parse(JSON.stringify(object));
    const stored = accepted(peers.create(body));
    expect(stored).not.toHaveProperty("status");
  });

  test.each([
    ["peers", { ...SPECS.peers, cluster: "Not A Label" }, "spec.cluster"],
    ["peers", { ...SPECS.peers, podCidrs: Array(65).fill("10.0.0.0/8") }, "spec.podCidrs"],
    ["peers", { ...SPECS.peers, gateways: [{ node: "n", port: 0 }] }, "spec.gateways[0].port"],
    ["membernetworks", { ...SPECS.membernetworks, encryption: "rot13" }, "spec.encryption"],
    ["pathreports", { ...SPECS.pathreports, role: "spy" }, "spec.role"],
  ] as const)("%s: a wrong part is refused by name", (plural, spec, field) => {
    expect(causes(trial(plural).create(objectOf("X", "x", spec)))).toEqual(
      expect.arrayContaining([expect.stringContaining(field)]),
    );
  });

  test.each([
    [parsePeer, { cluster: "A" }, /Peer x: spec\.cluster: .*RFC 1123/],
    [parsePeer, undefined, /Peer x: spec: /],
    [parsePeer, { cluster: "a", gateways: [{ node: 3 }] }, /spec\.gateways\.0\.node/],
    [parsePathReport, { role: "spy", renewedAt: "" }, /spec\.role/],
  ])("what a laxer CRD let through is refused with what is wrong", (read, spec, problem) => {
    const result = read(objectOf("Peer", "x", spec));
    expect(result.ok ? "" : result.error).toMatch(problem);
  });

  test("backends of a later version mean nothing, and fields left out are empty", () => {
    expect(parsePeer(objectOf("Peer", "a", { cluster: "a", backends: ["warp", "proxy"] }))).toEqual(
      {
        ok: true,
        value: expect.objectContaining({
          spec: {
            cluster: "a",
            podCidrs: [],
            serviceCidrs: [],
            globalPrefixes: [],
            nodePrefixes: [],
            backends: ["proxy"],
            responders: [],
            gateways: [],
            proxies: [],
          },
        }),
      },
    );
  });
});
