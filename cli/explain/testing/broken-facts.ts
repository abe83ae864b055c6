import type { CustomResourceDefinition } from "../../../api/kube/custom-resource-definition.ts";
import { ok } from "../../../api/result.ts";
import { sliceOf } from "../../../api/slices/parse-slice.ts";
import type { Slice } from "../../../api/slices/slice.ts";
import type { DnsFact } from "../../ask-dns/dns-fact.ts";
import type { Facts } from "../facts.ts";
import {
  anEndpoint,
  anExport,
  anImport,
  aPeer,
  aService,
  aSlice,
  coredns,
  STATUS,
  shippedDefinitions,
} from "./healthy-facts.ts";

const HEARD = { secondsAgo: 4, durationSeconds: 30 };

function saying(status: Partial<typeof STATUS>): Partial<Facts> {
  return { controllers: ok({ status: { ...STATUS, ...status }, ...HEARD }) };
}

function answered(fact: Partial<DnsFact & { kind: "answered" }>): Partial<Facts> {
  const base = { kind: "answered", server: "10.96.0.53:53", type: "A", rcode: "NOERROR" } as const;
  return { answers: ok([{ ...base, addresses: [], ...fact }]) };
}

/** As an importing cluster sees it that has no such Service itself. */
const IMPORTING: Partial<Facts> = {
  service: ok(undefined),
  serviceSlices: ok([]),
  serviceExport: ok(undefined),
};

const UNKNOWN_HERE: Partial<Facts> = { ...IMPORTING, serviceImport: ok(undefined) };

const PAYMENTS: Slice = sliceOf("payments", {
  clusters: ["east", "west"].map((id) => id as Slice["clusters"][number]),
  namespaces: ["shop" as Slice["namespaces"][number]],
});

/** With one field of the import's definition taken away, as an older release has it. */
function skewed(): readonly CustomResourceDefinition[] {
  const text = JSON.stringify(shippedDefinitions());
  return JSON.parse(text, (key, value: unknown) => (key === "ipFamilies" ? undefined : value));
}

/** One thing that is wrong, and what explain must name first. */
export interface Broken {
  readonly name: string;
  readonly change: Partial<Facts>;
  readonly check: string;
  readonly says: RegExp;
}

export const BROKEN: readonly Broken[] = [
  {
    name: "no member",
    change: { membership: ok({ clusterId: undefined, clusterset: undefined }) },
    check: "membership",
    says: /no member/,
  },
  {
    name: "definition missing",
    change: { definitions: ok(shippedDefinitions().slice(1)) },
    check: "definitions",
    says: /no definition serviceexports/,
  },
  {
    name: "definition of another release",
    change: { definitions: ok(skewed()) },
    check: "definitions",
    says: /v1beta1 has no spec\.ipFamilies/,
  },
  {
    name: "certificate over",
    change: saying({ certificateExpiresAt: "2026-01-01T11:59:59.000Z" }),
    check: "certificate",
    says: /expired at 2026-01-01T11:59:59/,
  },
  {
    name: "certificate refused at the start",
    change: saying({ state: "stopped", problem: "certificate must be unexpired: it expired at X" }),
    check: "certificate",
    says: /it expired at X/,
  },
  {
    name: "controllers never there",
    change: { controllers: ok(undefined) },
    check: "controllers",
    says: /have ever said/,
  },
  { name: "stopped", change: saying({ state: "stopped" }), check: "controllers", says: /stopped/ },
  {
    name: "silent",
    change: { controllers: ok({ status: STATUS, secondsAgo: 31, durationSeconds: 30 }) },
    check: "controllers",
    says: /nothing for 31 s/,
  },
  {
    name: "broker away",
    change: saying({ broker: { state: "connecting", reason: "connection refused" } }),
    check: "broker",
    says: /not connected to the broker: connection refused/,
  },
  {
    name: "revoked",
    change: saying({ broker: { state: "rejected", reason: "revoked" } }),
    check: "broker",
    says: /refuses this cluster: revoked/,
  },
  {
    name: "controllers not ready",
    change: saying({ problem: "services are not listed" }),
    check: "readiness",
    says: /services are not listed/,
  },
  {
    name: "namespace missing",
    change: { ...UNKNOWN_HERE, namespaceObject: ok(undefined) },
    check: "namespace",
    says: /no namespace shop/,
  },
  {
    name: "exports denied",
    change: saying({
      policy: { exports: { allow: [], deny: ["shop"] }, imports: { allow: [], deny: [] } },
    }),
    check: "policy",
    says: /keeps exports of namespace shop here: pattern "shop" denies it/,
  },
  {
    name: "imports denied",
    change: {
      ...UNKNOWN_HERE,
      ...saying({
        policy: {
          exports: { allow: [], deny: [] },
          imports: { allow: [], deny: [], selector: "shared=yes" },
        },
      }),
    },
    check: "policy",
    says: /imports nothing into namespace shop: its labels do not match/,
  },
  {
    name: "no Service",
    change: { service: ok(undefined) },
    check: "service",
    says: /no Service shop\/web/,
  },
  {
    name: "ExternalName",
    change: { service: ok(aService({ type: "ExternalName" })) },
    check: "service",
    says: /ExternalName/,
  },
  {
    name: "not exported",
    change: { serviceExport: ok(undefined), serviceImport: ok(undefined) },
    check: "export",
    says: /not exported from here/,
  },
  {
    name: "nobody known to export",
    change: UNKNOWN_HERE,
    check: "export",
    says: /no cluster is known to export/,
  },
  {
    name: "not looked at",
    change: { serviceExport: ok({ ...anExport({}), status: { conditions: [] } }) },
    check: "export",
    says: /no condition Valid/,
  },
  {
    name: "audience not understood",
    change: {
      serviceExport: ok(anExport({ Valid: "False/InvalidExportTo: annotation must be ids" })),
    },
    check: "export",
    says: /InvalidExportTo.*must be ids/,
  },
  {
    name: "for others alone",
    change: {
      client: "north",
      serviceExport: ok(anExport({}, { "isthmus.dev/export-to": "west" })),
    },
    check: "audience",
    says: /for west alone, not for north/,
  },
  {
    name: "of a slice of others",
    change: { client: "north", slices: ok([PAYMENTS]) },
    check: "audience",
    says: /slice payments, which north is not in: only east, west/,
  },
  {
    name: "no ready endpoint",
    change: {
      serviceSlices: ok([aSlice("", [anEndpoint("10.1.0.5", { conditions: { ready: false } })])]),
    },
    check: "endpoints",
    says: /no ready endpoint here: 1 in all/,
  },
  {
    name: "refused by the hub",
    change: {
      serviceExport: ok(anExport({ Ready: "False/Failed: at most 1 exports: got 2" })),
    },
    check: "broker row",
    says: /refuses the export: at most 1 exports/,
  },
  {
    name: "not stored",
    change: { serviceExport: ok(anExport({ Ready: "Unknown/Pending: waiting" })) },
    check: "broker row",
    says: /not stored/,
  },
  {
    name: "no import",
    change: { serviceImport: ok(undefined) },
    check: "import",
    says: /no ServiceImport/,
  },
  {
    name: "somebody else's import",
    change: { serviceImport: ok({ ...anImport({}), metadata: { name: "web" } }) },
    check: "import",
    says: /not managed by Isthmus/,
  },
  {
    name: "quota",
    change: {
      serviceImport: ok(anImport({}, { ready: "False/Pending: exceeded quota: services" })),
    },
    check: "import",
    says: /exceeded quota/,
  },
  {
    name: "conflict",
    change: {
      serviceExport: ok(anExport({ Conflict: "True/PortConflict: ports: 80 from west is used" })),
    },
    check: "merge",
    says: /PortConflict.*80 from west/,
  },
  {
    name: "an exporter that is lost",
    change: { peerReports: ok([{ cluster: "west", liveness: "gone", seconds: 600 }]) },
    check: "exporters",
    says: /west has not been heard at the broker for 10m \(gone\)/,
  },
  {
    name: "no backend",
    change: { peers: ok([aPeer({ paths: [], reason: "pod networks overlap" })]) },
    check: "backend",
    says: /no backend reaches west: pod networks overlap/,
  },
  {
    name: "dead path",
    change: {
      peers: ok([aPeer({ backend: "vxlan", paths: [{ backend: "vxlan", state: "down" }] })]),
    },
    check: "path",
    says: /path to west over vxlan is dead/,
  },
  {
    name: "no endpoint anywhere",
    change: { ...IMPORTING, importSlices: ok([]) },
    check: "slices",
    says: /no ready endpoint is offered here \(east: 0, west: 0\)/,
  },
  {
    name: "a hostname that is none",
    change: {
      serviceImport: ok(anImport({ type: "Headless", ips: [] })),
      importSlices: ok([aSlice("west", [anEndpoint("10.2.0.5", { hostname: "Not_A_Label" })])]),
      ...answered({ addresses: ["10.2.0.5"] }),
    },
    check: "host names",
    says: /Not_A_Label of west has no name of its own.*RFC 1123/,
  },
  {
    name: "a name that is too long",
    change: {
      namespace: "n".repeat(63),
      serviceImport: ok(anImport({ type: "Headless", ips: [] })),
      importSlices: ok([
        aSlice("w".repeat(63), [anEndpoint("10.2.0.5", { hostname: "h".repeat(63) })]),
        aSlice("west", [anEndpoint("10.2.0.6")]),
      ]),
      name: "s".repeat(63),
    },
    check: "host names",
    says: /at most 253 bytes: got 276/,
  },
  {
    name: "no clusterset IP",
    change: { serviceImport: ok(anImport({ ips: [] })) },
    check: "clusterset IP",
    says: /no clusterset IP yet/,
  },
  {
    name: "derived Service deleted",
    change: { derivedService: ok(undefined) },
    check: "clusterset IP",
    says: /derived Service is missing/,
  },
  {
    name: "Corefile without the zone",
    change: { clusterDns: ok(coredns(".:53 {\n  forward . /etc/resolv.conf\n}\n")) },
    check: "cluster DNS",
    says: /does not know zone clusterset\.local/,
  },
  {
    name: "Corefile with another address",
    change: { clusterDns: ok(coredns("clusterset.local:53 {\n  forward . 10.96.0.99\n}\n")) },
    check: "cluster DNS",
    says: /to 10\.96\.0\.99, where isthmus dns is not/,
  },
  {
    name: "DNS server down",
    change: { answers: ok([{ kind: "silent", server: "10.96.0.53:53", why: "refused" }]) },
    check: "DNS answer",
    says: /10\.96\.0\.53:53 does not answer: refused/,
  },
  {
    name: "no such name",
    change: answered({ rcode: "NXDOMAIN", extended: "namespace unknown in this cluster" }),
    check: "DNS answer",
    says: /NXDOMAIN \(namespace unknown in this cluster\)/,
  },
  {
    name: "an old answer",
    change: answered({ addresses: ["10.101.0.8"] }),
    check: "DNS answer",
    says: /with 10\.101\.0\.8, the import says 10\.101\.0\.7/,
  },
  {
    name: "blocked port",
    change: {
      connections: ok([
        { cluster: undefined, address: "10.101.0.7", port: 80, failure: "refused" },
        { cluster: "west", address: "10.2.0.5", port: 8080, failure: "refused" },
      ]),
    },
    check: "packets",
    says: /port 8080 of endpoint of west, 10\.2\.0\.5 cannot be dialled: refused/,
  },
  {
    name: "a clusterset IP that nobody carries",
    change: {
      connections: ok([
        { cluster: undefined, address: "10.101.0.7", port: 80, failure: "no answer" },
        { cluster: "west", address: "10.2.0.5", port: 8080, failure: undefined },
      ]),
    },
    check: "packets",
    says: /port 80 of clusterset IP 10\.101\.0\.7 cannot be dialled/,
  },
];
