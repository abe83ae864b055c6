import { describe, expect, test } from "vitest";
import type { ExportRow } from "../../../api/broker/row.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { mergeExports } from "../../merge/merge-exports.ts";
import { anExport, clusterId, someEndpoints } from "../../testing/builders.ts";
import { deriveSlices, type ReachableRow, sliceName } from "./derive-slices.ts";
import { diffSlices } from "./diff-slices.ts";

const OWNER = {
  apiVersion: "multicluster.x-k8s.io/v1beta1",
  kind: "ServiceImport",
  name: "web",
  uid: "u1",
};

function slices(
  exports: readonly ExportRow[],
  rows: readonly ReachableRow[],
): readonly EndpointSlice[] {
  const merged = mergeExports(exports);
  if (merged === undefined) throw new Error("nothing exported");
  return deriveSlices(merged, rows, OWNER);
}

describe("deriveSlices", () => {
  test("one slice per source slice and cluster, with the labels consumers join by", () => {
    const got = slices(
      [anExport({ cluster: "a" }), anExport({ cluster: "b" })],
      [
        someEndpoints({ cluster: "a", slice: "web-1", endpoints: [{ address: "10.1.0.1" }] }),
        someEndpoints({ cluster: "a", slice: "web-2", endpoints: [{ address: "10.1.0.2" }] }),
        someEndpoints({ cluster: "b", slice: "web-1", endpoints: [{ address: "10.2.0.1" }] }),
      ],
    );
    expect(
      got.map((s) => s.metadata.labels?.["multicluster.kubernetes.io/source-cluster"]),
    ).toEqual(["a", "a", "b"]);
    expect(new Set(got.map((s) => s.metadata.name)).size).toBe(3);
    expect(got[0]?.metadata).toEqual({
      namespace: "shop",
      name: sliceName("web", clusterId("a"), "web-1"),
      labels: {
        "multicluster.kubernetes.io/service-name": "web",
        "multicluster.kubernetes.io/source-cluster": "a",
        "endpointslice.kubernetes.io/managed-by": "isthmus.dev",
        "isthmus.dev/managed-by": "isthmus.dev",
        "kubernetes.io/service-name": expect.stringMatching(/^derived-[0-9a-v]{10}$/),
      },
      ownerReferences: [OWNER],
    });
  });

  test("slices of an export for chosen clusters say so; one that is for all again says nothing", () => {
    const rows = [someEndpoints({ cluster: "a" })];
    const audience = [clusterId("b"), clusterId("c")];
    const [chosen] = slices([{ ...anExport({ cluster: "a" }), audience }], rows);
    expect(chosen?.metadata.annotations).toEqual({ "isthmus.dev/export-to": "b,c" });
    const everybody = slices([anExport({ cluster: "a" })], rows);
    expect(everybody[0]?.metadata.annotations).toBeUndefined();
    if (chosen === undefined) throw new Error("no slice");
    const others = { ...chosen.metadata.annotations, "example.org/note": "ours" };
    const standing = { ...chosen, metadata: { ...chosen.metadata, annotations: others } };
    const observed = { ownSlices: [standing], findSlice: () => standing };
    expect(diffSlices(observed, [chosen])).toEqual([]);
    expect(diffSlices(observed, everybody)).toMatchObject([
      { kind: "patch", patch: { metadata: { annotations: { "isthmus.dev/export-to": null } } } },
    ]);
  });

  test("rows of a cluster that does not export are no backends (VIP-05)", () => {
    const got = slices([anExport({ cluster: "a" })], [someEndpoints({ cluster: "b" })]);
    expect(got).toEqual([]);
  });

  test("a cluster without any of the merged ports gets no slice (CON-26)", () => {
    const got = slices(
      [
        anExport({ cluster: "a", createdAtMs: 1, ports: ["tcp:42"] }),
        anExport({ cluster: "b", createdAtMs: 2, ports: ["tcp:43"] }),
      ],
      [someEndpoints({ cluster: "b", ports: ["tcp:43"], endpoints: [{ address: "10.2.0.1" }] })],
    );
    expect(got).toEqual([]);
  });

  test("a portless headless service keeps its addresses (HDL-09)", () => {
    const got = slices(
      [anExport({ cluster: "a", type: "Headless", ports: [] })],
      [
        someEndpoints({
          cluster: "a",
          ports: [],
          endpoints: [{ address: "10.1.0.1", hostname: "db-0" }],
        }),
      ],
    );
    expect(got[0]?.ports).toEqual([]);
    expect(got[0]?.endpoints?.[0]).toMatchObject({ addresses: ["10.1.0.1"], hostname: "db-0" });
  });

  test.each([
    { distribution: undefined, zones: ["z1", "z2"], want: [undefined, undefined] },
    { distribution: "PreferClose", zones: ["z1", "z2"], want: [["z1"], ["z2"]] },
    { distribution: "PreferSameZone", zones: ["z1", "z1"], want: [["z1"], ["z1"]] },
    { distribution: "PreferClose", zones: ["z1", undefined], want: [undefined, undefined] },
  ])(
    "hints for $distribution in zones $zones: all ready endpoints or none (EPS-22)",
    ({ distribution, zones, want }) => {
      const got = slices(
        [
          anExport({
            cluster: "a",
            ...(distribution === undefined ? {} : { trafficDistribution: distribution }),
          }),
        ],
        [
          someEndpoints({
            cluster: "a",
            endpoints: zones.map((zone, i) => ({
              address: `10.1.0.${i}`,
              ...(zone === undefined ? {} : { zone }),
            })),
          }),
        ],
      );
      const hints = got
        .flatMap((s) => s.endpoints ?? [])
        .map((e) => e.hints?.forZones?.map((z) => z.name));
      expect(hints).toEqual(want);
    },
  );
});

describe("diffSlices", () => {
  const exports = [anExport({ cluster: "a" })];
  const two = slices(exports, [
    someEndpoints({ cluster: "a", slice: "s1", endpoints: [{ address: "10.1.0.1" }] }),
    someEndpoints({ cluster: "a", slice: "s2", endpoints: [{ address: "10.1.0.2" }] }),
  ]);
  const asObserved = (slice: EndpointSlice): EndpointSlice => ({
    ...slice,
    metadata: { ...slice.metadata, uid: "x", resourceVersion: "7", generation: 1 },
  });

  const seen = (ownSlices: readonly EndpointSlice[]): Parameters<typeof diffSlices>[0] => ({
    ownSlices,
    findSlice: (name) => ownSlices.find(({ metadata }) => metadata.name === name),
  });

  test("nothing to do for what is already there (I9)", () => {
    expect(diffSlices(seen(two.map(asObserved)), two)).toEqual([]);
  });

  test("creates before it deletes, so that moving endpoints are never missing", () => {
    const moved = slices(exports, [
      someEndpoints({
        cluster: "a",
        slice: "s3",
        endpoints: [{ address: "10.1.0.1" }, { address: "10.1.0.2" }],
      }),
    ]);
    expect(diffSlices(seen(two.map(asObserved)), moved).map((op) => op.kind)).toEqual([
      "create",
      "delete",
      "delete",
    ]);
  });

  test("a changed endpoint patches only the endpoints, on the version seen", () => {
    const changed = slices(exports, [
      someEndpoints({ cluster: "a", slice: "s1", endpoints: [{ address: "10.1.0.9" }] }),
      someEndpoints({ cluster: "a", slice: "s2", endpoints: [{ address: "10.1.0.2" }] }),
    ]);
    expect(diffSlices(seen(two.map(asObserved)), changed)).toEqual([
      {
        kind: "patch",
        observed: expect.anything(),
        patch: {
          metadata: { resourceVersion: "7" },
          endpoints: [
            {
              addresses: ["10.1.0.9"],
              conditions: { ready: true, serving: true, terminating: false },
            },
          ],
        },
      },
    ]);
  });

  test("another address type makes room first (EPS-10)", () => {
    const [first] = two;
    if (first === undefined) throw new Error("no slice");
    const ops = diffSlices(seen([{ ...asObserved(first), addressType: "IPv6" }]), [first]);
    expect(ops.map((op) => op.kind)).toEqual(["delete", "create"]);
  });
});
