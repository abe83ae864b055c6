import { expect, test } from "vitest";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../../api/kube/custom-resource-definition.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { NO_RESPONDER } from "../../cli/paths/own-responder.ts";
import { udpProbes } from "../../cli/paths/probe-network.ts";
import { startPaths } from "../../cli/paths/start-paths.ts";
import {
  ANTREA_CLUSTER_SETS,
  ANTREA_INFO_IMPORTS,
  CONFIG_MAPS,
  SECRETS,
} from "../../connectivity/overlay-cni/mesh-objects.ts";
import {
  antreaClusterInfoImport,
  antreaClusterSet,
  ciliumClustermesh,
  ciliumConfig,
} from "../../connectivity/overlay-cni/real-objects.fixture.ts";
import { DEFAULT_CHOICE_SETTINGS } from "../../connectivity/select/choose-path.ts";
import { NO_PINS } from "../../connectivity/select/pins.ts";
import { unchanging } from "../../runtime/config/changing.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

/** Longer than from one look at the CNI's objects to the next. */
const LOOKED_MS = 70_000;

async function start(world: MemberWorld, cluster: TestCluster, ignoreCniImports = false) {
  const { clock, random } = world;
  const deps = { client: cluster.client, clock, random, log: cluster.log, meter };
  const stop = new AbortController();
  const started = startPaths(
    cluster.id,
    {
      backends: ["overlay-cni"],
      settings: unchanging({ choice: DEFAULT_CHOICE_SETTINGS, pins: NO_PINS }),
      ignoreCniImports,
      responder: NO_RESPONDER,
      namespace: "isthmus-system",
      podCidrs: ["10.1.0.0/16"],
    },
    { ...deps, probes: udpProbes(deps) },
    stop.signal,
  );
  await world.clock.advance(1_000);
  return { paths: await started, stop: () => stop.abort() };
}

/** As the CNI's own installer brings it. */
async function antreaInstalled(cluster: TestCluster): Promise<void> {
  for (const { group, version, plural, kind } of [ANTREA_CLUSTER_SETS, ANTREA_INFO_IMPORTS]) {
    const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    await create(cluster, CUSTOM_RESOURCE_DEFINITIONS, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: "Namespaced",
        names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
        versions: [
          { name: version, served: true, storage: true, schema: { openAPIV3Schema: open } },
        ],
      },
    } as KubeObject);
  }
}

async function create(cluster: TestCluster, resource: Resource, object: KubeObject): Promise<void> {
  const made = await cluster.admin.create(resource, object, {
    signal: new AbortController().signal,
  });
  if (!made.ok) throw new Error(made.error.message);
}

test("Cilium that imports services itself: nothing starts and nothing is written, unless somebody says so", async () => {
  await using world = new MemberWorld();
  const cluster = await world.cluster("east");
  await create(cluster, CONFIG_MAPS, ciliumConfig({ "clustermesh-enable-mcs-api": "true" }));
  const { paths } = await start(world, cluster);
  expect(paths).toMatchObject({
    ok: false,
    error: expect.stringContaining("clustermesh-enable-mcs-api is true in ConfigMap cilium-config"),
  });
  expect(cluster.writes).toEqual([]);
  const { paths: told, stop } = await start(world, cluster, true);
  expect(told.ok).toBe(true);
  stop();
});

test("Cilium that begins to import services: whoever runs is told to end, with the reason", async () => {
  await using world = new MemberWorld();
  const cluster = await world.cluster("east");
  await create(cluster, CONFIG_MAPS, ciliumConfig());
  await create(cluster, SECRETS, ciliumClustermesh());
  const { paths, stop } = await start(world, cluster);
  if (!paths.ok || paths.value === undefined) throw new Error("paths must have started");
  expect(paths.value.facts.current.overlay).toEqual({ mesh: "cilium-clustermesh", id: "east" });
  await world.clock.advance(LOOKED_MS);
  expect(paths.value.fighting.aborted).toBe(false);
  await cluster.admin.mergePatch(
    { resource: CONFIG_MAPS, namespace: "kube-system", name: "cilium-config" },
    { data: { "clustermesh-enable-mcs-api": "true" } },
    { signal: new AbortController().signal },
  );
  await world.clock.advance(LOOKED_MS);
  expect(paths.value.fighting.aborted).toBe(true);
  expect(paths.value.fighting.reason).toMatch(/^cannot import: Cilium's MCS-API controller/);
  stop();
});

test("Antrea Multi-cluster imports services always: nothing starts", async () => {
  await using world = new MemberWorld();
  const cluster = await world.cluster("east");
  await antreaInstalled(cluster);
  await world.clock.advance(1_000);
  await create(cluster, ANTREA_CLUSTER_SETS, antreaClusterSet());
  await create(cluster, ANTREA_INFO_IMPORTS, antreaClusterInfoImport("west", ["192.0.2.2"]));
  const { paths } = await start(world, cluster);
  expect(paths).toMatchObject({
    ok: false,
    error: expect.stringContaining(
      "Antrea's multi-cluster controller (ClusterSet test-clusterset)",
    ),
  });
});
