import { writeFileSync } from "node:fs";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../../api/kube/custom-resource-definition.ts";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { shippedCrds } from "../../cli/cluster/install-crds.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";
import { CorePump } from "../../sandbox/apiserver/core/core-pump.ts";
import { createApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { InMemoryKubeClient } from "../../sandbox/apiserver/in-memory-kube-client.ts";
import {
  CLUSTER_SET_IP_SERVICES,
  clusterSetIp,
  HEADLESS_SERVICES,
  headlessSlice,
  ipKey,
  makeClusterset,
} from "./clusterset.ts";

// The clusterset's API server, a process of its own: `api-server.ts <kubeconfig to write>`. Tells its parent when all objects
// are there. Parent: `{ change: index }` moves one endpoint, `{ changesPerSecond, what }` moves endpoints of all headless
// services, or IPs of all others, in turn until it is 0, and is then told how many there were, `{ changed }`.

const clock = systemClock;
const signal = new AbortController().signal;
const created = await createApiServer(
  { serviceCidrs: ["10.101.0.0/16"] },
  { clock, random: systemRandom, log: silentLogger },
);
if (!created.ok) throw new Error(created.error);
const server = created.value;
const pump = new CorePump({ settleDelayMs: 20 }, { core: server.core, clock });
const client = new InMemoryKubeClient({}, { core: server.core, pump, clock });

const { namespaces, imports, slices } = makeClusterset();
await createAll(CUSTOM_RESOURCE_DEFINITIONS, shippedCrds());
await new Promise((resolve) => setTimeout(resolve, 200));
await createAll(NAMESPACES, namespaces);
await createAll(serviceImports(), imports);
await createAll(ENDPOINT_SLICES, slices);
await server.start();
writeFileSync(process.argv[2] ?? "", kubeconfigText([server.kubeconfigEntry("bench")]));
process.send?.({ ready: true });

let round = 0;
let next = 0;
let changesPerSecond = 0;
let changed = 0;
let owed = 0;
const TICK_MS = 5;
/** Changes that may be late, seconds of them: a server that cannot keep up makes fewer instead of all at once. */
const OWED_SECONDS = 0.05;

interface Wish {
  readonly change?: number;
  readonly changesPerSecond?: number;
  /** @default "endpoints" */
  readonly what?: "endpoints" | "ips";
}

let what: Wish["what"];
process.on("message", (wish: Wish) => {
  if (wish.change !== undefined) void move(wish.change);
  if (wish.changesPerSecond === undefined) return;
  changesPerSecond = wish.changesPerSecond;
  what = wish.what;
  if (changesPerSecond > 0) changed = 0;
  else process.send?.({ changed });
});
process.on("disconnect", () => process.exit());

let lastMs = clock.monotonicMs();
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  const nowMs = clock.monotonicMs();
  const late = owed + ((nowMs - lastMs) * changesPerSecond) / 1000;
  owed = Math.min(Math.ceil(changesPerSecond * OWED_SECONDS), late);
  lastMs = nowMs;
  for (; owed >= 1; owed--) {
    if (what === "ips") await moveIp(next++);
    else await move(next++ % HEADLESS_SERVICES);
    changed++;
    // Watchers are written to between two changes, or they would be cut for what waits for them.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function move(index: number): Promise<void> {
  const updated = await client.update(ENDPOINT_SLICES, headlessSlice(index, ++round), { signal });
  if (!updated.ok) throw new Error(updated.error.message);
}

async function moveIp(at: number): Promise<void> {
  const index = at % CLUSTER_SET_IP_SERVICES;
  const [namespace = "", name = ""] = ipKey(index).split("/");
  const ips = [clusterSetIp(index, 1 + Math.floor(at / CLUSTER_SET_IP_SERVICES))];
  const target = { resource: serviceImports(), namespace, name };
  const moved = await client.mergePatch(target, { spec: { ips } }, { signal });
  if (!moved.ok) throw new Error(moved.error.message);
}

async function createAll(resource: Resource, objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) {
    const result = await client.create(resource, object, { signal });
    if (!result.ok) throw new Error(result.error.message);
  }
}
