import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { startDnsServer } from "../../dns-server/dns-server.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { ObjectStore } from "../../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { headlessSlice, makeClusterset } from "./clusterset.ts";

// The server under load, in a process of its own. Parent: "change" with a number moves an endpoint of that service,
// "memory" asks for the resident bytes.

const deps = { log: silentLogger };
const imports = new ObjectStore<ServiceImport>({}, deps);
const slices = new ObjectStore<EndpointSlice>({}, deps);
const namespaces = new ObjectStore<Namespace>({}, deps);
const clusterset = makeClusterset();
namespaces.replace(clusterset.namespaces);
imports.replace(clusterset.imports);
slices.replace(clusterset.slices);
for (const view of [namespaces, imports, slices]) view.markSynced();

const startedMs = systemClock.monotonicMs();
const started = await startDnsServer(
  { listen: { host: "127.0.0.1", port: 0 } },
  {
    imports,
    slices,
    namespaces,
    clock: systemClock,
    log: silentLogger,
    meter: new PrometheusMeter(),
  },
);
if (!started.ok) throw new Error(started.error);
const server = started.value;
process.on("disconnect", () => void server.stop().then(() => process.exit()));
while (!server.isReady()) await new Promise((resolve) => setTimeout(resolve, 1));
process.send?.({ port: server.address.port, buildMs: systemClock.monotonicMs() - startedMs });

let round = 0;
process.on("message", (message: { readonly change?: number; readonly memory?: true }) => {
  if (message.change !== undefined) slices.put(headlessSlice(message.change, ++round));
  if (message.memory === true) process.send?.({ memoryBytes: process.memoryUsage.rss() });
});
