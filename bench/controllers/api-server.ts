import { subscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";
import { type ApiServer, createApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { parseResourcePath } from "../../sandbox/apiserver/http/resource-path.ts";
import { fieldAt, type JsonObject, listAt } from "../../sandbox/apiserver/object/json.ts";
import { type Answered, isWrite, machineMs, type ServerState } from "./process-messages.ts";

// The embedded API server in a process of its own, which counts the requests that it answers. It says where its
// kubeconfig is, then answers `state`, and tells each write once it was told to `trace`.

const IMPORTS = "multicluster.x-k8s.io/serviceimports";
const VERBS: Readonly<Record<string, string>> = {
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

const counts: Record<string, number> = {};
let lastWriteMs = 0;
let isTracing = false;

async function main(): Promise<void> {
  const created = await createApiServer(
    { serviceCidrs: ["10.96.0.0/14"], objectLimit: 400_000, historyLimit: 100_000 },
    { clock, random, log },
  );
  if (!created.ok) throw new Error(created.error);
  const server = created.value;
  await server.start();
  const folder = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  process.on("disconnect", () => process.exit(0));
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText([server.kubeconfigEntry("bench")]));
  subscribe("http.server.response.finish", (message) => {
    const { request, response } = message as Exchange;
    count(answered(request, response));
  });
  process.on("message", (question) => {
    if (question === "state") process.send?.(state(server));
    else isTracing = question === "trace";
  });
  process.send?.({ kubeconfig });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function answered(request: IncomingMessage, response: ServerResponse): Answered {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const found = parseResourcePath(path);
  const reading = query.includes("watch=") ? "watch" : found?.name ? "get" : "list";
  const isDryRun = query.includes("dryRun=");
  return {
    verb: isDryRun ? "dry-run" : (VERBS[request.method ?? ""] ?? reading),
    resource: found === undefined ? path : resourceOf(found),
    status: response.statusCode,
    bytes: Number(request.headers["content-length"] ?? 0),
    atMs: machineMs(),
  };
}

function resourceOf(found: { readonly resource: string; readonly subresource: string }): string {
  return found.subresource === "" ? found.resource : `${found.resource}/${found.subresource}`;
}

function count(one: Answered): void {
  const key = `${one.verb} ${one.resource} ${one.status}`;
  counts[key] = (counts[key] ?? 0) + 1;
  if (!isWrite(one.verb)) return;
  lastWriteMs = one.atMs;
  if (isTracing) process.send?.(one);
}

function state({ core }: ApiServer): ServerState {
  const { store } = core.state;
  const imports = store.list(IMPORTS);
  const { user, system } = process.cpuUsage();
  return {
    counts,
    lastWriteMs,
    readyImports: imports.filter(({ object }) => isReady(object)).length,
    imports: imports.length,
    services: store.size("/services") - 1,
    slices: store.size("discovery.k8s.io/endpointslices"),
    cpuSeconds: (user + system) / 1e6,
    residentMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  };
}

function isReady(object: JsonObject): boolean {
  return (
    listAt(object, ["spec", "ips"]).length > 0 &&
    listAt(object, ["status", "clusters"]).length > 0 &&
    JSON.stringify(fieldAt(object, ["status", "conditions"]) ?? []).includes('"status":"True"')
  );
}

await main();
