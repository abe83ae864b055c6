import * as fc from "fast-check";
import type {
  EndpointsRow,
  ExportRow,
  NetworkRow,
  Row,
  RowPort,
  ServiceRow,
} from "../../api/broker/row.ts";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { invariant } from "../../api/invariant.ts";
import type { IpFamily } from "../../api/kube/service.ts";

/** For tests: a cluster id out of a literal. */
export function testCluster(text: string): ClusterId {
  const parsed = parseClusterId(text);
  invariant(parsed.ok, "a test's cluster id is valid", { text });
  return parsed.value;
}

const label = fc.stringMatching(/^[a-z]([-a-z0-9]{0,10}[a-z0-9])?$/);
const qualifiedName = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,10}[A-Za-z0-9])?$/),
  fc.tuple(label, label).map(([prefix, name]) => `${prefix}.example/${name}`),
);
const labelValue = fc.oneof(fc.constant(""), fc.stringMatching(/^[A-Za-z0-9]{1,10}$/));

const port: fc.Arbitrary<RowPort> = fc.record(
  {
    name: fc.oneof(fc.constant(""), label),
    protocol: fc.constantFrom("TCP", "UDP", "SCTP"),
    port: fc.integer({ min: 1, max: 65_535 }),
    appProtocol: qualifiedName,
  },
  { requiredKeys: ["name", "protocol", "port"] },
);

const anyAudience = fc
  .subarray(["b", "c", "d-2"])
  .map((clusters) => clusters.map(testCluster).toSorted());

function ports(): fc.Arbitrary<readonly RowPort[]> {
  return fc
    .uniqueArray(port, { maxLength: 5, selector: ({ name }) => name })
    .filter((list) => new Set(list.map((p) => `${p.protocol}${p.port}`)).size === list.length);
}

const address: Readonly<Record<IpFamily, fc.Arbitrary<string>>> = {
  IPv4: fc
    .tuple(fc.integer({ min: 1, max: 126 }), fc.nat(255), fc.nat(255))
    .map(([a, b, c]) => `${a}.${b}.${c}.7`),
  IPv6: fc.tuple(fc.nat(0xffff), fc.nat(0xffff)).map(([a, b]) => hex(a, b)),
};

function hex(a: number, b: number): string {
  return `2001:db8::${a.toString(16)}:${b.toString(16)}`;
}

/** Valid rows of a cluster, of every shape. */
export function anyRow(cluster: ClusterId): fc.Arbitrary<Row> {
  return fc.oneof(
    { weight: 4, arbitrary: anyServiceRow(cluster) },
    { weight: 1, arbitrary: anyNetworkRow(cluster) },
  );
}

export function anyServiceRow(cluster: ClusterId): fc.Arbitrary<ServiceRow> {
  return fc.oneof(anyExportRow(cluster), anyEndpointsRow(cluster));
}

const podCidr = fc.integer({ min: 1, max: 126 }).map((a) => `${a}.0.0.0/16`);

function anyNetworkRow(cluster: ClusterId): fc.Arbitrary<NetworkRow> {
  return fc.record(
    {
      kind: fc.constant("network"),
      cluster: fc.constant(cluster),
      podCidrs: fc.uniqueArray(podCidr, { maxLength: 3 }),
      serviceCidrs: fc.uniqueArray(podCidr, { maxLength: 3 }),
      globalPrefixes: fc.uniqueArray(
        fc.record({ cidr: podCidr, global: fc.nat(200).map((b) => `242.${b}.0.0/16`) }),
        { maxLength: 3 },
      ),
      nodePrefixes: fc.constant(["242.255.7.0/24"]),
      backends: fc.subarray(["underlay", "overlay-cni", "vxlan", "proxy"]),
      responders: fc.array(
        fc.oneof(
          address.IPv4.map((ip) => `${ip}:7`),
          address.IPv6.map((ip) => `[${ip}]:65535`),
        ),
        { maxLength: 3 },
      ),
      gateways: fc.array(anyGateway(), { maxLength: 3 }),
      proxies: fc.array(
        fc.oneof(label, address.IPv4).map((host) => ({ endpoint: `${host}.example:443` })),
        { maxLength: 2 },
      ),
      overlay: fc.record({ mesh: label, id: labelValue }),
    },
    {
      requiredKeys: [
        "kind",
        "cluster",
        "podCidrs",
        "serviceCidrs",
        "globalPrefixes",
        "nodePrefixes",
        "backends",
        "responders",
        "gateways",
        "proxies",
      ],
    },
  );
}

function anyGateway(): fc.Arbitrary<NetworkRow["gateways"][number]> {
  const base = {
    node: fc.tuple(label, label).map(([a, b]) => `${a}.${b}`),
    endpoints: fc.array(fc.oneof(address.IPv4, address.IPv6), { maxLength: 3 }),
    port: fc.integer({ min: 1, max: 65_535 }),
    tunnelAddresses: fc.array(
      fc.nat(255).map((d) => `242.255.7.${d}`),
      { maxLength: 2 },
    ),
  };
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  return fc.oneof(
    fc.record(base),
    fc.record({
      ...base,
      publicKey: key.map((bytes) => Buffer.from(bytes).toString("base64")),
      wgPort: fc.integer({ min: 1, max: 65_535 }),
    }),
  );
}

function anyExportRow(cluster: ClusterId): fc.Arbitrary<ExportRow> {
  const parts: fc.Arbitrary<ExportRow> = fc.record(
    {
      kind: fc.constant("export"),
      cluster: fc.constant(cluster),
      namespace: label,
      name: label,
      createdAtMs: fc.nat(),
      type: fc.constantFrom("ClusterSetIP", "Headless"),
      ports: ports(),
      sessionAffinity: fc.constantFrom("None", "ClientIP"),
      sessionAffinityTimeoutSeconds: fc.integer({ min: 1, max: 86_400 }),
      internalTrafficPolicy: fc.constantFrom("Cluster", "Local"),
      trafficDistribution: fc.constantFrom("PreferClose", "PreferSameNode"),
      ipFamilies: fc.subarray<IpFamily>(["IPv4", "IPv6"]),
      labels: fc.dictionary(qualifiedName, labelValue, { maxKeys: 5, noNullPrototype: true }),
      audience: anyAudience,
      annotations: fc.dictionary(qualifiedName, fc.string({ unit: "grapheme" }), {
        maxKeys: 5,
        noNullPrototype: true,
      }),
    },
    {
      requiredKeys: [
        "kind",
        "cluster",
        "namespace",
        "name",
        "createdAtMs",
        "type",
        "ports",
        "sessionAffinity",
        "ipFamilies",
        "labels",
        "annotations",
      ],
    },
  );
  // No Service with an address is without ports.
  return parts.map((row) => (row.ports.length === 0 ? { ...row, type: "Headless" } : row));
}

function anyEndpointsRow(cluster: ClusterId): fc.Arbitrary<EndpointsRow> {
  return fc.constantFrom<IpFamily>("IPv4", "IPv6").chain((addressType) =>
    fc.record(
      {
        kind: fc.constant("endpoints"),
        cluster: fc.constant(cluster),
        namespace: label,
        name: label,
        audience: anyAudience,
        slice: fc.tuple(label, label).map(([a, b]) => `${a}.${b}`),
        addressType: fc.constant(addressType),
        ports: ports(),
        endpoints: fc.array(
          fc.record(
            {
              addresses: fc.array(address[addressType], { minLength: 1, maxLength: 3 }),
              ready: fc.boolean(),
              serving: fc.boolean(),
              terminating: fc.boolean(),
              hostname: label,
              zone: label,
            },
            { requiredKeys: ["addresses", "ready", "serving", "terminating"] },
          ),
          { maxLength: 5 },
        ),
      },
      {
        requiredKeys: [
          "kind",
          "cluster",
          "namespace",
          "name",
          "slice",
          "addressType",
          "ports",
          "endpoints",
        ],
      },
    ),
  );
}
