import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { DEPLOYMENTS } from "../../api/kube/deployment.ts";
import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { HttpKubeClient } from "../../runtime/kube/client/http-kube-client.ts";
import { KubeConfigAccess } from "../../runtime/kube/client/kube-config-access.ts";
import { loadKubeConfig } from "../../runtime/kube/client/load-kube-config.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../apiserver/auth/kubeconfig.ts";
import { createApiServer } from "../apiserver/create-api-server.ts";
import { readAll, socksConnect } from "../network/testing/socks-client.ts";
import { PODS, type Pod } from "./kinds/pod.ts";
import { STATEFUL_SETS } from "./kinds/stateful-set.ts";
import { type MemberNode, startMemberNode } from "./member-node.ts";
import { aDeployment, aStatefulSet } from "./testing/builders.ts";

const signal = new AbortController().signal;
const base = { clock: systemClock, random: systemRandom, log: silentLogger };

/** The whole member as a process runs it: embedded API server over HTTPS, client, node. */
async function aCluster(): Promise<{ readonly kube: KubeClient; readonly node: MemberNode }> {
  const serviceCidrs = ["10.96.0.0/16"];
  const server = await createApiServer({ serviceCidrs }, base);
  if (!server.ok) throw new Error(server.error);
  await server.value.start();
  onTestFinished(() => server.value.stop());
  const folder = mkdtempSync(join(tmpdir(), "isthmus-node-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText([server.value.kubeconfigEntry("east")]));
  const config = loadKubeConfig({ kubeconfig, env: {} });
  if (!config.ok) throw new Error(config.error);
  const access = new KubeConfigAccess(config.value, { clock: systemClock });
  const kube = new HttpKubeClient(
    {},
    { access, clock: systemClock, random: systemRandom, meter: silentMeter },
  );
  const node = await startMemberNode(
    { cluster: "east", podCidrs: ["10.1.0.0/16"], serviceCidrs, terminationGraceMs: 20 },
    { ...base, meter: silentMeter, kube },
  );
  if (!node.ok) throw new Error(node.error);
  onTestFinished(() => node.value.stop());
  return { kube, node: node.value };
}

async function listed<T extends Pod | EndpointSlice>(
  kube: KubeClient,
  resource: Resource,
): Promise<readonly T[]> {
  const page = await kube.list<T>(resource, { namespace: "shop" }, { signal });
  if (!page.ok) throw new Error(page.error.message);
  return page.value.items;
}

test("against the embedded API server: deploy, resolve, reach, scale, delete", async () => {
  const { kube, node } = await aCluster();
  const create = async (resource: Resource, object: KubeObject): Promise<void> => {
    expect(await kube.create(resource, object, { signal })).toMatchObject({ ok: true });
  };
  const eventually = (check: () => Promise<void>): Promise<void> =>
    vi.waitFor(check, { timeout: 10_000, interval: 20 });
  const named = { apiVersion: "v1", metadata: { name: "shop" } };
  await create(NAMESPACES, { ...named, kind: "Namespace" });
  const { uid: _uid, generation: _generation, ...metadata } = aDeployment().metadata;
  await create(DEPLOYMENTS, { ...aDeployment(), metadata });
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
  };
  await create(SERVICES, service);
  await eventually(async () => {
    const slices = await listed<EndpointSlice>(kube, ENDPOINT_SLICES);
    const ready = slices.flatMap((slice) => slice.endpoints ?? []);
    expect(ready.filter((endpoint) => endpoint.conditions?.ready === true)).toHaveLength(3);
  });
  await eventually(async () => {
    const socket = await socksConnect(node.socks, "web.shop.svc.cluster.local", 80);
    socket.end("GET / HTTP/1.1\r\nhost: web.shop\r\nconnection: close\r\n\r\n");
    expect((await readAll(socket)).toString()).toContain('"namespace":"shop"');
  });
  const target = { resource: DEPLOYMENTS, namespace: "shop", name: "web" };
  await kube.mergePatch(target, { spec: { replicas: 1 } }, { signal });
  await eventually(async () => expect(await listed<Pod>(kube, PODS)).toHaveLength(1));
  await kube.delete({ resource: NAMESPACES, name: "shop" }, {}, { signal });
  await eventually(async () => {
    expect(await listed(kube, PODS)).toEqual([]);
    expect(await listed(kube, ENDPOINT_SLICES)).toEqual([]);
  });
});

test("a StatefulSet behind a headless Service: pods one after another, each with its host name", async () => {
  const { kube } = await aCluster();
  const create = async (resource: Resource, object: KubeObject): Promise<void> => {
    expect(await kube.create(resource, object, { signal })).toMatchObject({ ok: true });
  };
  const named = { apiVersion: "v1", metadata: { name: "shop" } };
  await create(NAMESPACES, { ...named, kind: "Namespace" });
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db", namespace: "shop" },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 5432 }] },
  };
  await create(SERVICES, service);
  const { uid: _uid, generation: _generation, ...metadata } = aStatefulSet().metadata;
  await create(STATEFUL_SETS, { ...aStatefulSet(), metadata });
  const target = { resource: STATEFUL_SETS, namespace: "shop", name: "db" };
  const hostnames = async (): Promise<string> => {
    const slices = await listed<EndpointSlice>(kube, ENDPOINT_SLICES);
    const ready = slices
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter((endpoint) => endpoint?.conditions?.ready === true);
    return ready
      .map((endpoint) => endpoint?.hostname ?? "")
      .toSorted((one, other) => one.localeCompare(other))
      .join();
  };
  const eventually = (check: () => Promise<void>): Promise<void> =>
    vi.waitFor(check, { timeout: 10_000, interval: 20 });
  await eventually(async () => expect(await hostnames()).toBe("db-0,db-1,db-2"));
  await eventually(async () =>
    expect(await kube.get(target, { signal })).toMatchObject({
      value: { status: { readyReplicas: 3, updatedReplicas: 3, observedGeneration: 1 } },
    }),
  );
  await kube.mergePatch(target, { spec: { replicas: 1 } }, { signal });
  await eventually(async () => expect(await hostnames()).toBe("db-0"));
  const image = [{ name: "main", image: "db:2" }];
  await kube.mergePatch(
    target,
    { spec: { template: { spec: { containers: image } } } },
    { signal },
  );
  await eventually(async () => {
    const pods = await listed<Pod>(kube, PODS);
    expect(pods.map(({ spec }) => spec.containers[0]?.image)).toEqual(["db:2"]);
    expect(await hostnames()).toBe("db-0");
  });
});
