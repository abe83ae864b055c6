import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { Condition } from "../../../api/kube/condition.ts";
import type { CustomResourceDefinition } from "../../../api/kube/custom-resource-definition.ts";
import type { Endpoint, EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { Service } from "../../../api/kube/service.ts";
import {
  LABEL_MANAGED_BY,
  LABEL_SERVICE_NAME,
  LABEL_SOURCE_CLUSTER,
  MANAGED_BY,
} from "../../../api/mcs/labels.ts";
import type { MemberStatus } from "../../../api/mcs/member-status.ts";
import type { ServiceExport } from "../../../api/mcs/service-export.ts";
import type { ServiceImport } from "../../../api/mcs/service-import.ts";
import type { Peer, PeerStatus } from "../../../api/network/peer.ts";
import { ok } from "../../../api/result.ts";
import type { ClusterDns } from "../../../install/cluster-dns/wiring-plan.ts";
import type { Facts } from "../facts.ts";

export const NOW_MS = Date.parse("2026-01-01T12:00:00Z");
const IP = "10.101.0.7";
const OURS = { [LABEL_MANAGED_BY]: MANAGED_BY };

export const STATUS: MemberStatus = {
  state: "running",
  broker: { state: "connected" },
  certificateExpiresAt: "2026-01-02T00:00:00.000Z",
  policy: {
    exports: { allow: [], deny: ["kube-*"] },
    imports: { allow: [], deny: ["kube-*"] },
  },
};

/** Service shop/web of east and west, exported by both, seen from east: nothing is wrong, and everything could be seen. */
export function healthyFacts(): Facts {
  return {
    namespace: "shop",
    name: "web",
    systemNamespace: "isthmus-system",
    nowMs: NOW_MS,
    membership: ok({ clusterId: "east", clusterset: "prod" }),
    definitions: ok(shippedDefinitions()),
    controllers: ok({ status: STATUS, secondsAgo: 4, durationSeconds: 30 }),
    namespaceObject: ok({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }),
    service: ok(aService({ selector: { app: "web" } })),
    serviceSlices: ok([aSlice("", [anEndpoint("10.1.0.5")])]),
    serviceExport: ok(anExport({})),
    serviceImport: ok(anImport({})),
    derivedService: ok({
      ...aService({ clusterIP: IP, clusterIPs: [IP] }),
      metadata: { namespace: "shop", name: "derived-0123456789", labels: OURS },
    }),
    importSlices: ok([
      aSlice("east", [anEndpoint("10.1.0.5")]),
      aSlice("west", [anEndpoint("10.2.0.5")]),
    ]),
    peerReports: ok([{ cluster: "west", liveness: "alive", seconds: 3 }]),
    peers: ok([
      aPeer({
        backend: "vxlan",
        paths: [{ backend: "vxlan", state: "up", rttMs: 1.5, lossPercent: 0 }],
      }),
    ]),
    slices: ok([]),
    clusterDns: ok(
      coredns(
        ".:53 {\n  forward . /etc/resolv.conf\n}\nclusterset.local:53 {\n  forward . 10.96.0.53\n}\n",
      ),
    ),
    dnsAddresses: ok(["10.96.0.53"]),
    answers: ok([
      {
        kind: "answered",
        server: "10.96.0.53:53",
        type: "A",
        rcode: "NOERROR",
        addresses: [IP],
      },
    ]),
    connections: ok([
      { cluster: undefined, address: IP, port: 80, failure: undefined },
      { cluster: "west", address: "10.2.0.5", port: 8080, failure: undefined },
    ]),
  };
}

export function coredns(text: string): ClusterDns {
  return { maps: { coredns: { Corefile: text } }, runsKubeDns: false, servesImports: true };
}

export function aService(spec: Partial<Service["spec"]>): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name: "web" },
    spec: { ports: [{ port: 80 }], clusterIP: "10.96.0.9", ...spec },
  };
}

export function anEndpoint(address: string, more: Partial<Endpoint> = {}): Endpoint {
  return { addresses: [address], conditions: { ready: true }, ...more };
}

export function aSlice(cluster: string, endpoints: readonly Endpoint[]): EndpointSlice {
  const labels = { ...OURS, [LABEL_SERVICE_NAME]: "web", [LABEL_SOURCE_CLUSTER]: cluster };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "shop", name: `web-${cluster}`, labels },
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints,
  };
}

/** `Type=Status/Reason: message` of each condition. */
export function anExport(
  told: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
): ServiceExport {
  const conditions = {
    Valid: "True/Valid: the Service exists",
    Ready: "True/Exported: stored by the broker and offered to the clusterset",
    Conflict: "False/NoConflicts: all exports of this service agree",
    ...told,
  };
  return {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceExport",
    metadata: { namespace: "shop", name: "web", annotations },
    status: { conditions: Object.entries(conditions).map(condition) },
  };
}

function condition([type, text]: readonly [string, string]): Condition {
  const [, status = "", reason = "", message = ""] = /^(\w+)\/([\w,]+): (.*)$/s.exec(text) ?? [];
  return {
    type,
    status: status === "True" || status === "False" ? status : "Unknown",
    reason,
    message,
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
}

export function anImport(
  spec: Partial<ServiceImport["spec"]>,
  { ready = "True/Ready: the service is reachable", clusters = ["east", "west"] } = {},
): ServiceImport {
  return {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceImport",
    metadata: { namespace: "shop", name: "web", labels: OURS },
    spec: {
      type: "ClusterSetIP",
      ports: [{ protocol: "TCP", port: 80 }],
      ips: [IP],
      ipFamilies: ["IPv4"],
      ...spec,
    },
    status: {
      clusters: clusters.map((cluster) => ({ cluster })),
      conditions: [condition(["Ready", ready])],
    },
  };
}

export function aPeer(status: PeerStatus | undefined): Peer {
  return {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "Peer",
    metadata: { name: "west" },
    spec: {
      cluster: "west" as ClusterId,
      podCidrs: [],
      serviceCidrs: [],
      globalPrefixes: [],
      nodePrefixes: [],
      backends: [],
      responders: [],
      gateways: [],
      proxies: [],
    },
    ...(status === undefined ? {} : { status }),
  };
}

export function shippedDefinitions(): readonly CustomResourceDefinition[] {
  return ["serviceexports", "serviceimports"].map((plural) => {
    const file = new URL(`../../../api/crds/multicluster.x-k8s.io_${plural}.yaml`, import.meta.url);
    return parse(readFileSync(file, "utf8")) as CustomResourceDefinition;
  });
}
