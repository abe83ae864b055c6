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
import { type JsonObject, listAt, stringAt } from "../../sandbox/apiserver/object/json.ts";
import {
  type Answered,
  type Census,
  isWrite,
  machineMs,
  type ServerState,
} from "./process-messages.ts";

// The embedded API server in a process of its own, which counts the requests that it answers. It says where its
// kubeconfig is, then answers `state` and `census`, and tells each write it was told to trace: `all`, `slices` (changes
// of slices alone, few among many) or `none`.

const GROUP = "multicluster.x-k8s.io";
const VERBS: Readonly<Record<string, string>> = {
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

const counts: Record<string, number> = {};
let lastWriteMs = 0;
let traced: unknown = "none";

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
    if (question === "state") process.send?.(state());
    else if (question === "census") process.send?.(census(server));
    else traced = question;
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
    object: found?.name ? `${found.namespace}/${found.name}` : "",
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
  const isSlice = one.verb === "patch" && one.resource === "endpointslices";
  if (traced === "all" || (traced === "slices" && isSlice)) process.send?.(one);
}

function state(): ServerState {
  const { user, system } = process.cpuUsage();
  return { counts, lastWriteMs, cpuSeconds: (user + system) / 1e6 };
}

function census({ core }: ApiServer): Census {
  const { store } = core.state;
  const all = (plural: string): JsonObject[] =>
    store.list(`${GROUP}/${plural}`).map(({ object }) => object);
  const readyImports = all("serviceimports").filter(
    (one) =>
      isReady(one) &&
      listAt(one, ["spec", "ips"]).length > 0 &&
      listAt(one, ["status", "clusters"]).length > 0,
  );
  const [first] = readyImports;
  return {
    readyImports: readyImports.length,
    readyImport: first === undefined ? undefined : stringAt(first, ["metadata", "name"]),
    readyExports: all("serviceexports").filter(isReady).length,
    slices: store.list("discovery.k8s.io/endpointslices").length,
  };
}

function isReady(object: JsonObject): boolean {
  return listAt(object, ["status", "conditions"]).some(
    (one) => stringAt(one, ["type"]) === "Ready" && stringAt(one, ["status"]) === "True",
  );
}

await main();
