import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { HttpKubeClient } from "../../runtime/kube/client/http-kube-client.ts";
import { KubeConfigAccess } from "../../runtime/kube/client/kube-config-access.ts";
import { loadKubeConfig } from "../../runtime/kube/client/load-kube-config.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";
import type { ClusterCertificates } from "../../sandbox/apiserver/auth/server-certificates.ts";
import type { ApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { createApiServer } from "../../sandbox/apiserver/create-api-server.ts";

const CONFIG_MAPS: Resource = {
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};
const DEPS = { clock: systemClock, random: systemRandom, log: silentLogger };

test("a view over HTTPS follows the server, survives its loss, and takes over what another life of it holds", async () => {
  const first = await startServer({});
  const directory = mkdtempSync(join(tmpdir(), "isthmus-reflector-"));
  const kubeconfig = join(directory, "config");
  writeFileSync(kubeconfig, kubeconfigText([first.server.kubeconfigEntry("sandbox")]));
  const target = loadKubeConfig({ kubeconfig, env: {} });
  if (!target.ok) throw new Error(target.error);
  const access = new KubeConfigAccess(target.value, { clock: systemClock });
  const client = new HttpKubeClient(
    {},
    { access, clock: systemClock, random: systemRandom, meter: silentMeter },
  );
  const stop = new AbortController();
  const { signal } = stop;
  const reflector = new Reflector<KubeObject>(
    { resource: CONFIG_MAPS, namespace: "default", pageSize: 3, labelSelector: "set=mine" },
    { ...DEPS, client, meter: silentMeter },
  );
  const names = (): string[] => [...reflector.view.keys()].sort();
  const create = async (name: string): Promise<void> => {
    const metadata = { name, namespace: "default", labels: { set: "mine" } };
    const made = await client.create(
      CONFIG_MAPS,
      { apiVersion: "v1", kind: "ConfigMap", metadata },
      { signal },
    );
    if (!made.ok) throw new Error(made.error.message);
  };

  for (const name of ["a", "b", "c", "d"]) await create(name);
  reflector.start(signal);
  expect(await reflector.synced(signal)).toBe(true);
  expect(names()).toEqual(["default/a", "default/b", "default/c", "default/d"]);

  await create("e");
  await client.delete({ resource: CONFIG_MAPS, namespace: "default", name: "a" }, {}, { signal });
  await expect.poll(names).toEqual(["default/b", "default/c", "default/d", "default/e"]);

  await first.server.stop();
  await expect.poll(() => reflector.status().error?.kind).toBe("unavailable");
  expect(names()).toHaveLength(4);

  // Another life with the same address and certificates and none of the objects: versions start again.
  const second = await startServer({ port: first.port, certificates: first.server.certificates });
  await expect.poll(names, { timeout: 20_000 }).toEqual([]);
  await create("z");
  await expect.poll(names, { timeout: 20_000 }).toEqual(["default/z"]);

  stop.abort();
  await reflector.stopped();
  client.close();
  await second.server.stop();
  rmSync(directory, { recursive: true });
});

async function startServer({
  port = 0,
  certificates,
}: {
  readonly port?: number;
  readonly certificates?: ClusterCertificates;
}): Promise<{ readonly server: ApiServer; readonly port: number }> {
  const created = await createApiServer(
    {
      serviceCidrs: ["10.96.0.0/16"],
      listen: { host: "127.0.0.1", port },
      ...(certificates && { certificates }),
    },
    DEPS,
  );
  if (!created.ok) throw new Error(created.error);
  const url = await created.value.start();
  return { server: created.value, port: Number(new URL(url).port) };
}
