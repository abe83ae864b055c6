import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Endpoints, Export, Row as RowMessage } from "../../api/broker/broker.gen.ts";
import type { ExportRow } from "../../api/broker/row.ts";
import { decodeRow, decodeRowBytes } from "./decode-row.ts";
import { encodeRow, encodeRowBytes } from "./encode-row.ts";
import { LIMITS } from "./limits.ts";
import { anyRow, testCluster } from "./row-arbitrary.ts";
import { rowDigest } from "./row-digest.ts";

const a = testCluster("a");
const b = testCluster("b");

const anExport: Export = {
  createdAtMs: 1,
  type: "ClusterSetIP",
  ports: [{ name: "http", protocol: "TCP", port: 80 }],
  sessionAffinity: "None",
  ipFamilies: ["IPv4"],
  labels: {},
  annotations: {},
};
const anEndpoint = { addresses: ["10.0.0.1"], ready: true, serving: true, terminating: false };
const someEndpoints: Endpoints = {
  slice: "web-1",
  addressType: "IPv4",
  ports: [{ name: "http", protocol: "TCP", port: 8080 }],
  endpoints: [anEndpoint],
};

function exportMessage(change: Partial<Export>, names: Partial<RowMessage> = {}): RowMessage {
  const value = { ...anExport, ...change };
  const content = { $case: "export", value } as const;
  return { namespace: "shop", name: "web", content, audience: undefined, ...names };
}

function endpointsMessage(change: Partial<Endpoints>): RowMessage {
  const value = { ...someEndpoints, ...change };
  const content = { $case: "endpoints", value } as const;
  return { namespace: "shop", name: "web", content, audience: undefined };
}

function withEndpoint(change: Partial<Endpoints["endpoints"][number]>): RowMessage {
  return endpointsMessage({ endpoints: [{ ...anEndpoint, ...change }] });
}

function manyLabels(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, "x"]));
}

describe("a row", () => {
  test("survives encoding and decoding", () => {
    fc.assert(
      fc.property(anyRow(a), (row) => {
        expect(decodeRow(a, encodeRow(row))).toEqual({ ok: true, value: row });
        expect(decodeRowBytes(a, encodeRowBytes(row))).toEqual({ ok: true, value: row });
      }),
    );
  });

  test("belongs to whom the certificate names, whatever cluster its writer had in mind (I3)", () => {
    fc.assert(
      fc.property(anyRow(a), (row) => {
        expect(decodeRowBytes(b, encodeRowBytes(row))).toEqual({
          ok: true,
          value: { ...row, cluster: b },
        });
      }),
    );
  });

  test("has a digest that does not depend on the order of its maps", () => {
    const row = decodeRow(a, exportMessage({ labels: { x: "1", y: "2" } }));
    const turned = decodeRow(a, exportMessage({ labels: { y: "2", x: "1" } }));
    const other = decodeRow(a, exportMessage({ labels: { x: "1", y: "3" } }));
    if (!row.ok || !turned.ok || !other.ok) throw new Error("rows of this test are valid");
    expect(rowDigest(row.value)).toEqual(rowDigest(turned.value));
    expect(rowDigest(row.value)).not.toEqual(rowDigest(other.value));
  });

  test("of arbitrary bytes is a value or an error, never an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(typeof decodeRowBytes(a, bytes).ok).toBe("boolean");
      }),
      { numRuns: 500 },
    );
  });

  test("with bytes flipped is refused, or is a row that encodes to itself", () => {
    fc.assert(
      fc.property(anyRow(a), fc.array(fc.tuple(fc.nat(), fc.nat(255))), (row, flips) => {
        const bytes = Uint8Array.from(encodeRowBytes(row));
        for (const [at, value] of flips) bytes[at % bytes.length] = value;
        const decoded = decodeRowBytes(a, bytes);
        if (decoded.ok) {
          expect(decodeRowBytes(a, encodeRowBytes(decoded.value))).toEqual(decoded);
        }
      }),
    );
  });
});

describe("a valid corner", () => {
  test.each<[name: string, message: RowMessage]>([
    [
      "headless export without ports or families",
      exportMessage({ type: "Headless", ports: [], ipFamilies: [] }),
    ],
    [
      "the same port number over TCP and UDP",
      exportMessage({
        ports: [
          { name: "a", protocol: "TCP", port: 42 },
          { name: "b", protocol: "UDP", port: 42 },
        ],
      }),
    ],
    ["the highest port", exportMessage({ ports: [{ name: "", protocol: "SCTP", port: 65_535 }] })],
    ["a future traffic distribution", exportMessage({ trafficDistribution: "PreferMoon" })],
    ["63 byte names", exportMessage({}, { namespace: "n".repeat(63), name: "s".repeat(63) })],
    ["slice without endpoints", endpointsMessage({ endpoints: [] })],
    [
      "1000 endpoints",
      endpointsMessage({ endpoints: Array.from({ length: 1000 }, () => anEndpoint) }),
    ],
    ["the address after loopback", withEndpoint({ addresses: ["128.0.0.1"] })],
    [
      "a global IPv6 address",
      endpointsMessage({
        addressType: "IPv6",
        endpoints: [{ ...anEndpoint, addresses: ["2001:db8::1"] }],
      }),
    ],
  ])("%s is accepted", (_, message) => {
    expect(decodeRow(a, message)).toMatchObject({ ok: true });
  });
});

describe("an invalid row names the rule and the value", () => {
  test.each<[error: RegExp, message: RowMessage]>([
    [/namespace: must be .* got "Shop"/, exportMessage({}, { namespace: "Shop" })],
    [
      /namespace: must be .* at most 63 bytes: got 64/,
      exportMessage({}, { namespace: "n".repeat(64) }),
    ],
    [/service name: must be .* got "9web"/, exportMessage({}, { name: "9web" })],
    [/service name: must be .* got "a\/b"/, exportMessage({}, { name: "a/b" })],
    [/ports of a service with an address .* got none/, exportMessage({ ports: [] })],
    [/export, endpoints or a network: got none/, exportMessage({}, { content: undefined })],
    [/cluster id: must be .* got "East"/, exportMessage({}, { audience: { clusters: ["East"] } })],
    [
      /audience must name each cluster once/,
      exportMessage({}, { audience: { clusters: ["b", "b"] } }),
    ],
    [
      /audience must be at most 500 clusters: got 501/,
      exportMessage(
        {},
        { audience: { clusters: Array.from({ length: 501 }, (_, at) => `c${at}`) } },
      ),
    ],
    [/type must be "ClusterSetIP" or "Headless": got "Other"/, exportMessage({ type: "Other" })],
    [/creation time must be .* got 9000000000000000/, exportMessage({ createdAtMs: 9e15 })],
    [
      /port must be 1 to 65535: got 0/,
      exportMessage({ ports: [{ name: "", protocol: "TCP", port: 0 }] }),
    ],
    [
      /port must be .* got 65536/,
      exportMessage({ ports: [{ name: "", protocol: "TCP", port: 65_536 }] }),
    ],
    [
      /port protocol must be .* got "tcp"/,
      exportMessage({ ports: [{ name: "", protocol: "tcp", port: 1 }] }),
    ],
    [
      /port name must be .* got "Http"/,
      exportMessage({ ports: [{ name: "Http", protocol: "TCP", port: 1 }] }),
    ],
    [
      /appProtocol must be .* got "a b"/,
      exportMessage({
        ports: [{ name: "", protocol: "TCP", port: 1, appProtocol: "a b" }],
      }),
    ],
    [
      /port names must be unique: got "x" twice/,
      exportMessage({
        ports: [
          { name: "x", protocol: "TCP", port: 1 },
          { name: "x", protocol: "TCP", port: 2 },
        ],
      }),
    ],
    [
      /protocol and number of their own/,
      exportMessage({
        ports: [
          { name: "x", protocol: "TCP", port: 1 },
          { name: "y", protocol: "TCP", port: 1 },
        ],
      }),
    ],
    [
      /ports must be at most 100: got 101/,
      exportMessage({
        ports: Array.from({ length: 101 }, (_, i) => ({
          name: `p${i}`,
          protocol: "TCP",
          port: i + 1,
        })),
      }),
    ],
    [/sessionAffinity must be .* got ""/, exportMessage({ sessionAffinity: "" })],
    [
      /affinity timeout must be 1 to 86400 s: got 86401/,
      exportMessage({ sessionAffinityTimeoutSeconds: 86_401 }),
    ],
    [/internalTrafficPolicy must be .* got "Far"/, exportMessage({ internalTrafficPolicy: "Far" })],
    [/trafficDistribution must be .* got "a b"/, exportMessage({ trafficDistribution: "a b" })],
    [/ipFamilies must be .* got 2/, exportMessage({ ipFamilies: ["IPv4", "IPv4"] })],
    [/ipFamilies must be "IPv4" or "IPv6": got "IPv5"/, exportMessage({ ipFamilies: ["IPv5"] })],
    [/labels must be at most 256: got 257/, exportMessage({ labels: manyLabels(257) })],
    [/annotations must be at most 256: got 257/, exportMessage({ annotations: manyLabels(257) })],
    [/label key must be .* got "-x"/, exportMessage({ labels: { "-x": "" } })],
    [
      /label key must be .* got "Example.COM\/x"/,
      exportMessage({ labels: { "Example.COM/x": "" } }),
    ],
    [/value of label "x" must be .* got "a b"/, exportMessage({ labels: { x: "a b" } })],
    [/annotation key must be .* got "a\/b\/c"/, exportMessage({ annotations: { "a/b/c": "" } })],
    [/slice name must be .* got "a\/b"/, endpointsMessage({ slice: "a/b" })],
    [/addressType must be .* got "FQDN"/, endpointsMessage({ addressType: "FQDN" })],
    [
      /endpoints must be at most 1000 in a row: got 1001/,
      endpointsMessage({
        endpoints: Array.from({ length: 1001 }, () => anEndpoint),
      }),
    ],
    [/addresses of an endpoint must be 1 to 100: got 0/, withEndpoint({ addresses: [] })],
    [
      /address must be an IPv4 address: got "2001:db8::1"/,
      withEndpoint({ addresses: ["2001:db8::1"] }),
    ],
    [
      /address must be an IPv4 address: got "10.0.0.01"/,
      withEndpoint({ addresses: ["10.0.0.01"] }),
    ],
    [/hostname: must be .* got "Web"/, withEndpoint({ hostname: "Web" })],
    [/zone must be .* got "a b"/, withEndpoint({ zone: "a b" })],
  ])("%s", (error, message) => {
    const decoded = decodeRow(a, message);
    expect(decoded).toMatchObject({ ok: false });
    expect(decoded.ok ? "" : decoded.error).toMatch(error);
  });

  test("and cuts what a peer made too long to show", () => {
    const decoded = decodeRow(a, exportMessage({ trafficDistribution: "x".repeat(10_000) }));
    expect(decoded.ok ? "" : decoded.error).toMatch(/got "x{80}" \(cut, 10000 characters\)$/);
  });

  test("a row of more than 256 KiB is refused by its size", () => {
    const annotations = { big: "x".repeat(LIMITS.rowBytes) };
    const row: ExportRow = {
      kind: "export",
      cluster: a,
      namespace: "shop",
      name: "web",
      createdAtMs: 1,
      type: "Headless",
      ports: [],
      sessionAffinity: "None",
      ipFamilies: [],
      labels: {},
      annotations,
    };
    expect(decodeRowBytes(a, encodeRowBytes(row))).toEqual({
      ok: false,
      error: expect.stringMatching(/^row must be at most 262144 bytes: got 262\d+$/),
    });
  });
});
