import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { HttpKubeClient } from "../../runtime/kube/client/http-kube-client.ts";
import { KubeConfigAccess } from "../../runtime/kube/client/kube-config-access.ts";
import { loadKubeConfig } from "../../runtime/kube/client/load-kube-config.ts";
import type { KubeClientSubject } from "../../runtime/kube/kube-client.compliance.ts";
import { describeKubeClient } from "../../runtime/kube/kube-client.compliance.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";
import { CorePump } from "../../sandbox/apiserver/core/core-pump.ts";
import type { ApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { createApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { InMemoryKubeClient } from "../../sandbox/apiserver/in-memory-kube-client.ts";

const HISTORY_LIMIT = 100;
const CONFIG_MAPS: Resource = {
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};

describeKubeClient("HTTP, embedded API server", async () => {
  const server = await anApiServer();
  await server.start();
  const directory = mkdtempSync(join(tmpdir(), "isthmus-kube-client-"));
  const kubeconfig = join(directory, "config");
  writeFileSync(kubeconfig, kubeconfigText([server.kubeconfigEntry("sandbox")]));
  const client = httpClient(kubeconfig);
  return {
    client,
    expireHistory: (namespace) => overflowHistory(client, namespace),
    stop: async () => {
      client.close();
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
});

describeKubeClient("in memory, embedded API server", async () => {
  const { core } = await anApiServer();
  const pump = new CorePump({ settleDelayMs: 5 }, { core, clock: systemClock });
  const client = new InMemoryKubeClient({}, { core, pump, clock: systemClock });
  return {
    client,
    expireHistory: (namespace) => overflowHistory(client, namespace),
    stop: () => Promise.resolve(pump.stop()),
  };
});

// A real cluster, when one is named: ISTHMUS_TEST_KUBECONFIG=/path (its current context is written to).
const real = process.env["ISTHMUS_TEST_KUBECONFIG"];
if (real !== undefined) {
  describeKubeClient(
    "HTTP, the cluster of ISTHMUS_TEST_KUBECONFIG",
    (): Promise<KubeClientSubject> => {
      const client = httpClient(real);
      return Promise.resolve({ client, stop: () => Promise.resolve(client.close()) });
    },
  );
}

async function anApiServer(): Promise<ApiServer> {
  const created = await createApiServer(
    { serviceCidrs: ["10.96.0.0/16"], historyLimit: HISTORY_LIMIT },
    { clock: systemClock, random: systemRandom, log: silentLogger },
  );
  if (!created.ok) throw new Error(created.error);
  return created.value;
}

function httpClient(kubeconfig: string): HttpKubeClient {
  const target = loadKubeConfig({ kubeconfig, env: {} });
  if (!target.ok) throw new Error(target.error);
  const access = new KubeConfigAccess(target.value, { clock: systemClock });
  return new HttpKubeClient(
    {},
    { access, clock: systemClock, random: systemRandom, meter: silentMeter },
  );
}

async function overflowHistory(client: KubeClient, namespace: string): Promise<void> {
  const { signal } = new AbortController();
  const map: KubeObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "history", namespace },
  };
  await client.create(CONFIG_MAPS, map, { signal });
  const ref = { resource: CONFIG_MAPS, namespace, name: "history" };
  for (let n = 0; n < 2 * HISTORY_LIMIT; n++) {
    await client.mergePatch(ref, { data: { n: `${n}` } }, { signal });
  }
}
