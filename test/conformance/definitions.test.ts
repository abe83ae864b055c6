import { describe, expect, test } from "vitest";
import { shippedCrds } from "../../cli/cluster/install-crds.ts";

const MCS = shippedCrds().filter(({ spec }) => spec.group === "multicluster.x-k8s.io");

describe("shipped definitions of the MCS API", () => {
  test.each([
    {
      rule: "EXP-01",
      plural: "serviceexports",
      kind: "ServiceExport",
      shortNames: ["svcex", "svcexport"],
      columns: ["Age"],
    },
    {
      rule: "IMP-01",
      plural: "serviceimports",
      kind: "ServiceImport",
      shortNames: ["svcim", "svcimport"],
      columns: ["Type", "IP", "Age"],
    },
  ])(
    "$rule: names, scope, status and columns of $plural",
    ({ plural, kind, shortNames, columns }) => {
      const crd = MCS.find(({ spec }) => spec.names.plural === plural);
      expect(crd?.spec).toMatchObject({
        scope: "Namespaced",
        names: { kind, shortNames },
      });
      for (const version of crd?.spec.versions ?? []) {
        expect(version).toMatchObject({
          subresources: { status: {} },
          additionalPrinterColumns: columns.map((name) => ({ name })),
        });
      }
    },
  );

  test("VER-01, VER-05: both versions are served with one schema, v1beta1 is stored", () => {
    expect(MCS).toHaveLength(2);
    for (const { spec } of MCS) {
      expect(spec).not.toHaveProperty("conversion");
      expect(spec.versions.map(({ name, served, storage }) => ({ name, served, storage }))).toEqual(
        [
          { name: "v1alpha1", served: true, storage: false },
          { name: "v1beta1", served: true, storage: true },
        ],
      );
      const [old, current] = spec.versions;
      expect({ ...old, name: "", storage: true }).toEqual({ ...current, name: "" });
    }
  });

  test("IMP-09, IMP-32: ports are required, endpointSliceObjects is Present or Absent", () => {
    const imports = MCS.find(({ spec }) => spec.names.plural === "serviceimports");
    expect(imports?.spec.versions[0]?.schema).toMatchObject({
      openAPIV3Schema: {
        properties: {
          spec: { required: expect.arrayContaining(["ports"]) },
          status: { properties: { endpointSliceObjects: { enum: ["Present", "Absent"] } } },
        },
      },
    });
  });
});

test("CID-11: ClusterProperty is cluster-scoped and served as v1alpha1 and v1beta1", () => {
  const crd = shippedCrds().find(({ spec }) => spec.group === "about.k8s.io");
  expect(crd?.spec).toMatchObject({
    scope: "Cluster",
    names: { plural: "clusterproperties", kind: "ClusterProperty" },
    versions: [
      { name: "v1alpha1", served: true, storage: false },
      { name: "v1beta1", served: true, storage: true },
    ],
  });
});
