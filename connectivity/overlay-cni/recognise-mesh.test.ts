import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../api/kube/object.ts";
import { describeBackend } from "../backend.compliance.ts";
import type { DataObject, MeshObjects } from "./mesh-objects.ts";
import { overlayBackend } from "./overlay-backend.ts";
import {
  antreaClusterInfoImport,
  antreaClusterSet,
  ciliumClustermesh,
  ciliumConfig,
  ovnIcConfig,
} from "./real-objects.fixture.ts";
import { recogniseMesh } from "./recognise-mesh.ts";

describeBackend("overlay-cni", () => overlayBackend);

const NOTHING: MeshObjects = {
  ciliumConfig: undefined,
  ciliumRemotes: undefined,
  antreaClusterSets: [],
  antreaInfoImports: [],
  ovnIcConfig: undefined,
};

function aConfigMap(data: Record<string, string>): DataObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data };
}

function anObject(kind: string, parts: object): KubeObject {
  return {
    apiVersion: "multicluster.crd.antrea.io/v1alpha2",
    kind,
    metadata: { name: "set" },
    ...parts,
  };
}

const CILIUM = aConfigMap({ "cluster-name": "east", "cluster-id": "1" });
const REMOTES = aConfigMap({
  west: "",
  "west.etcd-client.crt": "",
  "west.etcd-client.key": "",
  "common-etcd-client-ca.crt": "",
});

describe("Cilium Cluster Mesh", () => {
  test("names this cluster, and those it is connected to", () => {
    const mesh = recogniseMesh({ ...NOTHING, ciliumConfig: CILIUM, ciliumRemotes: REMOTES });
    expect(mesh).toMatchObject({
      mesh: "cilium-clustermesh",
      id: "east",
      importsServices: undefined,
    });
    expect(mesh?.problemWith("west")).toBeUndefined();
    expect(mesh?.problemWith("west.etcd-client.crt")).toContain("not connected");
    expect(mesh?.problemWith("north")).toBe('Cilium Cluster Mesh is not connected to "north"');
  });

  test.each([
    { name: "no id", data: { "cluster-name": "default" } },
    { name: "id 0", data: { "cluster-name": "default", "cluster-id": "0" } },
  ])("Cilium without a mesh is none: $name", ({ data }) => {
    expect(recogniseMesh({ ...NOTHING, ciliumConfig: aConfigMap(data) })).toBeUndefined();
  });

  test("no Secret yet: connected to nobody", () => {
    const mesh = recogniseMesh({ ...NOTHING, ciliumConfig: CILIUM });
    expect(mesh?.problemWith("west")).toContain("not connected");
  });

  test("that imports services itself is told", () => {
    const data = { ...CILIUM.data, "clustermesh-enable-mcs-api": "true" };
    const mesh = recogniseMesh({ ...NOTHING, ciliumConfig: aConfigMap(data) });
    expect(mesh?.importsServices).toContain("clustermesh-enable-mcs-api");
  });
});

describe("Antrea Multi-cluster", () => {
  const clusterSet = (status: string): KubeObject =>
    anObject("ClusterSet", {
      spec: { clusterID: "east", leaders: [{ clusterID: "leader" }] },
      status: { conditions: [{ type: "Ready", status, message: "leader is away" }] },
    });
  const info = (gateways: readonly object[]): KubeObject =>
    anObject("ClusterInfoImport", { spec: { clusterID: "west", gatewayInfos: gateways } });

  test.each([
    { name: "up", ready: "True", infos: [info([{ gatewayIP: "192.0.2.1" }])], want: undefined },
    {
      name: "nothing known",
      ready: "True",
      infos: [],
      want: 'Antrea has no ClusterInfoImport of "west"',
    },
    {
      name: "no gateway",
      ready: "True",
      infos: [info([])],
      want: 'Antrea knows no gateway of "west"',
    },
    {
      name: "leader away",
      ready: "False",
      infos: [info([{ gatewayIP: "192.0.2.1" }])],
      want: "Antrea's ClusterSet is not ready: leader is away",
    },
  ])("$name", ({ ready, infos, want }) => {
    const mesh = recogniseMesh({
      ...NOTHING,
      antreaClusterSets: [clusterSet(ready)],
      antreaInfoImports: infos,
    });
    expect(mesh).toMatchObject({ mesh: "antrea-multicluster", id: "east" });
    expect(mesh?.problemWith("west")).toBe(want);
    expect(mesh?.importsServices).toContain("Antrea");
  });
});

describe("Kube-OVN interconnection", () => {
  test.each([
    { name: "off", data: { "enable-ic": "false", "az-name": "az1" }, id: undefined },
    {
      name: "on",
      data: { "enable-ic": "true", "az-name": "az1", "auto-route": "true" },
      id: "az1",
    },
  ])("$name", ({ data, id }) => {
    const mesh = recogniseMesh({ ...NOTHING, ovnIcConfig: aConfigMap(data) });
    expect(mesh?.id).toBe(id);
    expect(mesh?.problemWith("az2")).toBeUndefined();
  });

  test("without automatic routes nobody is reached by it", () => {
    const data = { "enable-ic": "true", "az-name": "az1", "auto-route": "false" };
    const mesh = recogniseMesh({ ...NOTHING, ovnIcConfig: aConfigMap(data) });
    expect(mesh?.problemWith("az2")).toContain("auto-route is not true");
  });
});

describe("objects as they are found in clusters", () => {
  test("Cilium: connected with certificates of its own and with common ones; files are no clusters", () => {
    const mesh = recogniseMesh({
      ...NOTHING,
      ciliumConfig: ciliumConfig(),
      ciliumRemotes: ciliumClustermesh(),
    });
    expect(mesh).toMatchObject({ mesh: "cilium-clustermesh", id: "east" });
    expect(mesh?.importsServices).toBeUndefined();
    expect(["west", "north"].map((peer) => mesh?.problemWith(peer))).toEqual([
      undefined,
      undefined,
    ]);
    for (const file of ["west.etcd-client.key", "common-etcd-client-ca.crt", "south"])
      expect(mesh?.problemWith(file)).toContain("not connected");
  });

  test("Cilium as it is installed without a mesh, and with its MCS-API", () => {
    const alone = ciliumConfig({ "cluster-id": "0", "cluster-name": "default" });
    expect(recogniseMesh({ ...NOTHING, ciliumConfig: alone })).toBeUndefined();
    const imports = ciliumConfig({ "clustermesh-enable-mcs-api": "true" });
    const mesh = recogniseMesh({ ...NOTHING, ciliumConfig: imports });
    expect(mesh?.importsServices).toContain("clustermesh-enable-mcs-api is true");
  });

  test("Antrea: a peer with a gateway is reached, one without is not, and none while the leader is away", () => {
    const antreaInfoImports = [
      antreaClusterInfoImport("west", ["192.0.2.2"]),
      antreaClusterInfoImport("north", []),
    ];
    const mesh = recogniseMesh({
      ...NOTHING,
      antreaClusterSets: [antreaClusterSet()],
      antreaInfoImports,
    });
    expect(mesh).toMatchObject({ mesh: "antrea-multicluster", id: "east" });
    expect(mesh?.problemWith("west")).toBeUndefined();
    expect(mesh?.problemWith("north")).toContain("knows no gateway");
    for (const ready of ["False", "Unknown"] as const) {
      const away = recogniseMesh({
        ...NOTHING,
        antreaClusterSets: [antreaClusterSet(ready)],
        antreaInfoImports,
      });
      expect(away?.problemWith("west")).toContain("Disconnected from leader");
    }
  });

  test.each([
    { data: {}, id: "az1" },
    { data: { "enable-ic": "false" }, id: undefined },
    // What its controller does not find to be "false" is on.
    { data: { "enable-ic": "" }, id: "az1" },
  ])("Kube-OVN: $data", ({ data, id }) => {
    const mesh = recogniseMesh({ ...NOTHING, ovnIcConfig: ovnIcConfig(data) });
    expect([mesh?.id, mesh?.importsServices]).toEqual([id, undefined]);
  });
});
