import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ExportRow, RowPort } from "../../api/broker/row.ts";
import { CONFLICT_REASONS } from "../../api/mcs/conditions.ts";
import { anExport, clusterId } from "../testing/builders.ts";
import { mergeExports } from "./merge-exports.ts";

/** `name:port/PROTOCOL` of each merged port, in order. */
function portTexts(ports: readonly RowPort[]): string[] {
  return ports.map((p) => `${p.name}:${p.port}/${p.protocol}`);
}

function merged(...rows: ExportRow[]): NonNullable<ReturnType<typeof mergeExports>> {
  const result = mergeExports(rows);
  if (result === undefined) throw new Error("merged to nothing");
  return result;
}

describe("precedence", () => {
  test.each([
    { name: "oldest wins (CON-02)", a: 2_000, b: 1_000, winner: "b" },
    { name: "tie goes to the lower cluster id (CON-03)", a: 1_000, b: 1_000, winner: "a" },
  ])("$name", ({ a, b, winner }) => {
    const result = merged(
      anExport({ cluster: "b", createdAtMs: b, type: "Headless" }),
      anExport({ cluster: "a", createdAtMs: a, type: "ClusterSetIP" }),
    );
    expect(result.clusters[0]).toBe(winner);
    expect(result.type).toBe(winner === "b" ? "Headless" : "ClusterSetIP");
  });

  test("an unset value of the oldest export is a value (CON-05)", () => {
    const result = merged(
      anExport({ cluster: "a", createdAtMs: 1, labels: {} }),
      anExport({
        cluster: "b",
        createdAtMs: 2,
        labels: { tier: "gold" },
        trafficDistribution: "PreferClose",
      }),
    );
    expect(result.labels).toEqual({});
    expect(result.trafficDistribution).toBeUndefined();
  });
});

describe("ports", () => {
  test.each([
    { name: "same", given: [["http:80"], ["http:80"]], want: ["http:80/TCP"], conflict: false },
    {
      name: "reordered is no conflict (CON-08)",
      given: [
        ["a:1", "b:2"],
        ["b:2", "a:1"],
      ],
      want: ["a:1/TCP", "b:2/TCP"],
      conflict: false,
    },
    {
      name: "clean extension is a conflict (CON-20, C-10)",
      given: [
        ["tcp:42", "udp:42/UDP"],
        ["tcp:42", "stcp:142/SCTP"],
      ],
      want: ["tcp:42/TCP", "udp:42/UDP", "stcp:142/SCTP"],
      conflict: true,
    },
    {
      name: "same name, other number: older stays (CON-21, C-11)",
      given: [["tcp:42"], ["tcp:43"]],
      want: ["tcp:42/TCP"],
      conflict: true,
    },
    {
      name: "same number, other name: older stays (CON-17)",
      given: [["a:80"], ["b:80"]],
      want: ["a:80/TCP"],
      conflict: true,
    },
    {
      name: "protocol is part of the number (CON-19)",
      given: [["tcp:42"], ["udp:42/UDP"]],
      want: ["tcp:42/TCP", "udp:42/UDP"],
      conflict: true,
    },
    {
      name: "one pass, not two (CON-18)",
      given: [["a:80"], ["b:80"], ["b:82"]],
      want: ["a:80/TCP", "b:82/TCP"],
      conflict: true,
    },
    {
      name: "appProtocol differs: older stays",
      given: [["http:80=h2c"], ["http:80"]],
      want: ["http:80/TCP"],
      conflict: true,
    },
    {
      name: "the empty name counts as a name (CON-16)",
      given: [[":80"], [":81"]],
      want: [":80/TCP"],
      conflict: true,
    },
    { name: "no ports at all (HDL-09)", given: [[], []], want: [], conflict: false },
  ])("$name", ({ given, want, conflict }) => {
    const result = merged(
      ...given.map((ports, i) => anExport({ cluster: `c${i}`, createdAtMs: i, ports })),
    );
    expect(portTexts(result.ports)).toEqual(want);
    expect(result.conflicts.some((c) => c.reason === "PortConflict")).toBe(conflict);
  });
});

describe("conflicts", () => {
  const older = anExport({ cluster: "cluster-1", createdAtMs: 1 });
  test.each([
    { reason: "TypeConflict", other: { type: "Headless" } },
    { reason: "SessionAffinityConflict", other: { sessionAffinity: "ClientIP" } },
    { reason: "SessionAffinityConfigConflict", other: { sessionAffinityTimeoutSeconds: 10 } },
    { reason: "AnnotationsConflict", other: { annotations: { a: "b" } } },
    { reason: "LabelsConflict", other: { labels: { a: "b" } } },
    { reason: "InternalTrafficPolicyConflict", other: { internalTrafficPolicy: "Local" } },
    { reason: "TrafficDistributionConflict", other: { trafficDistribution: "PreferClose" } },
    { reason: "IPFamilyConflict", other: { ipFamilies: ["IPv6"] } },
  ] as const)("$reason when one of two differs, and nothing else", ({ reason, other }) => {
    const result = merged(older, anExport({ ...other, cluster: "cluster-2", createdAtMs: 2 }));
    expect(result.conflicts.map((c) => c.reason)).toEqual([reason]);
    expect(result.conflicts[0]?.message).toMatch(
      /^\S+: .+ from cluster-1 \(oldest export\) is used; 1 of 2 clusters differ$/,
    );
  });

  test("the message has the form of EXP-24", () => {
    const rows = [1, 2, 3, 4, 5].map((n) =>
      anExport({
        cluster: `cluster-${n}`,
        createdAtMs: n,
        type: n < 4 ? "ClusterSetIP" : "Headless",
      }),
    );
    expect(merged(...rows).conflicts[0]?.message).toBe(
      "type: ClusterSetIP from cluster-1 (oldest export) is used; 2 of 5 clusters differ",
    );
  });

  test("a port conflict names what was added and by whom", () => {
    const result = merged(
      older,
      anExport({ cluster: "b", createdAtMs: 2, ports: ["http:80", "x:9"] }),
    );
    expect(result.conflicts[0]?.message).toBe(
      "ports: http 80/TCP from cluster-1 (oldest export) is used, extended by x 9/TCP from b; 1 of 2 clusters differ",
    );
  });

  test("affinity of headless exports is no conflict (CON-09)", () => {
    const result = merged(
      anExport({ cluster: "a", createdAtMs: 1, type: "Headless", sessionAffinity: "ClientIP" }),
      anExport({ cluster: "b", createdAtMs: 2, type: "Headless", sessionAffinity: "None" }),
    );
    expect(result.conflicts).toEqual([]);
  });

  test("values that only look alike in the message differ all the same", () => {
    const merged = mergeExports([
      anExport({ cluster: "a", annotations: { a: "1,b=2" } }),
      anExport({ cluster: "b", annotations: { a: "1", b: "2" } }),
    ]);
    expect(merged?.conflicts.map(({ reason }) => reason)).toEqual(["AnnotationsConflict"]);
  });

  test("several come in the fixed order (EXP-20)", () => {
    const result = merged(
      older,
      anExport({
        cluster: "b",
        createdAtMs: 2,
        type: "Headless",
        ports: ["x:1"],
        labels: { a: "b" },
      }),
    );
    expect(result.conflicts.map((c) => c.reason)).toEqual([
      "PortConflict",
      "TypeConflict",
      "LabelsConflict",
    ]);
  });
});

describe("IP families (IMP-20)", () => {
  test.each([
    { given: [["IPv4"], ["IPv4"]], want: ["IPv4"], conflict: false },
    {
      given: [
        ["IPv6", "IPv4"],
        ["IPv4", "IPv6"],
      ],
      want: ["IPv6", "IPv4"],
      conflict: false,
    },
    { given: [["IPv4", "IPv6"], ["IPv6"]], want: ["IPv6"], conflict: false },
    { given: [["IPv4"], ["IPv6"]], want: ["IPv4"], conflict: true },
    { given: [["IPv4", "IPv6"], ["IPv4"], ["IPv6"]], want: ["IPv4"], conflict: true },
    { given: [["IPv4"], []], want: ["IPv4"], conflict: false },
    { given: [[], ["IPv6"]], want: ["IPv6"], conflict: false },
  ] as const)("$given -> $want", ({ given, want, conflict }) => {
    const result = merged(
      ...given.map((ipFamilies, i) => anExport({ cluster: `c${i}`, createdAtMs: i, ipFamilies })),
    );
    expect(result.ipFamilies).toEqual(want);
    expect(result.conflicts.some((c) => c.reason === "IPFamilyConflict")).toBe(conflict);
  });
});

const portArbitrary = fc.record({
  name: fc.constantFrom("", "a", "b", "c"),
  protocol: fc.constantFrom("TCP" as const, "UDP" as const),
  port: fc.constantFrom(80, 81, 82),
});
const exportArbitrary = fc
  .record({
    createdAtMs: fc.constantFrom(1_000, 2_000, 3_000),
    type: fc.constantFrom("ClusterSetIP" as const, "Headless" as const),
    // A Service's own ports are valid: unique by name and by (protocol, number).
    ports: fc
      .uniqueArray(portArbitrary, { maxLength: 4, selector: (p) => p.name })
      .map((ports) =>
        ports.filter(
          (p, i) => ports.findIndex((q) => q.protocol === p.protocol && q.port === p.port) === i,
        ),
      ),
    sessionAffinity: fc.constantFrom("None", "ClientIP"),
    labels: fc.dictionary(fc.constantFrom("x", "y"), fc.constantFrom("1", "2")),
    ipFamilies: fc.subarray(["IPv4" as const, "IPv6" as const]),
  })
  .map(({ ports, ...fields }) => ({ ...anExport({ ...fields, cluster: "x" }), ports }));
const exportsArbitrary = fc
  .array(exportArbitrary, { minLength: 1, maxLength: 6 })
  .map((rows) => rows.map((row, i) => ({ ...row, cluster: clusterId(`c${i}`) })));

describe("laws", () => {
  test("the merge is a function of the set: order and repetition do not matter", () => {
    fc.assert(
      fc.property(
        exportsArbitrary.chain((rows) =>
          fc.tuple(
            fc.constant(rows),
            fc.shuffledSubarray([...rows, ...rows], { minLength: rows.length * 2 }),
          ),
        ),
        ([rows, shuffled]) => {
          expect(mergeExports(shuffled)).toEqual(mergeExports(rows));
        },
      ),
    );
  });

  test("merged ports keep both invariants and hold every port of the oldest export (CON-12, CON-16)", () => {
    fc.assert(
      fc.property(exportsArbitrary, (rows) => {
        const result = merged(...rows);
        const names = result.ports.map((p) => p.name);
        const numbers = result.ports.map((p) => `${p.protocol}${p.port}`);
        expect(new Set(names).size).toBe(names.length);
        expect(new Set(numbers).size).toBe(numbers.length);
        expect(result.ports).toEqual(expect.arrayContaining([...(result.exports[0]?.ports ?? [])]));
      }),
    );
  });

  test("conflicts are exactly absent when all exports say the same", () => {
    fc.assert(
      fc.property(exportArbitrary, fc.integer({ min: 1, max: 5 }), (row, count) => {
        const rows = Array.from({ length: count }, (_, i) => ({
          ...row,
          cluster: clusterId(`c${i}`),
        }));
        expect(merged(...rows).conflicts).toEqual([]);
      }),
    );
  });

  test("reasons come once each and in order; messages stay within the CRD's limits", () => {
    fc.assert(
      fc.property(exportsArbitrary, (rows) => {
        const reasons = merged(...rows).conflicts.map((c) => c.reason);
        expect(reasons).toEqual(CONFLICT_REASONS.filter((r) => reasons.includes(r)));
      }),
    );
  });
});

test("nothing exported merges to nothing", () => {
  expect(mergeExports([])).toBeUndefined();
});
