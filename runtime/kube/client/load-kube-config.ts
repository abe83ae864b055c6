import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { delimiter, dirname, join, resolve } from "node:path";
import type { Cluster, Context, User } from "@kubernetes/client-node/dist/config_types.js";
import { newClusters, newContexts, newUsers } from "@kubernetes/client-node/dist/config_types.js";
import { parse } from "yaml";
import { isRecord } from "../../../api/json.ts";
import type { Result } from "../../../api/result.ts";
import { err, ok } from "../../../api/result.ts";

/** Where to look, in this order: the given file, KUBECONFIG, ~/.kube/config, the pod's service account. */
export interface KubeConfigSource {
  readonly kubeconfig?: string;
  /** @default the file's current-context */
  readonly context?: string;
  /** The process environment: KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST and _PORT are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default "/var/run/secrets/kubernetes.io/serviceaccount" */
  readonly serviceAccountDirectory?: string;
}

/** One cluster and who we are there. */
export interface KubeTarget {
  readonly context: string;
  readonly cluster: Cluster;
  readonly user: User;
  /** The context's namespace, or the pod's own. */
  readonly namespace?: string;
}

interface Entries {
  readonly files: string;
  readonly clusters: readonly Cluster[];
  readonly users: readonly User[];
  readonly contexts: readonly Context[];
  readonly currentContext: string | undefined;
}

const SERVICE_ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Finds the cluster to talk to; the error is for the operator. */
export function loadKubeConfig(source: KubeConfigSource): Result<KubeTarget, string> {
  if (source.kubeconfig !== undefined) return fromFiles([source.kubeconfig], source.context, false);
  const listed = (source.env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  // kubectl skips files of the list that do not exist.
  if (listed.length > 0) return fromFiles(listed, source.context, true);
  const home = source.env["HOME"] ?? source.env["USERPROFILE"];
  const homeFile = home === undefined ? undefined : join(home, ".kube", "config");
  if (homeFile !== undefined && readText(homeFile).ok) {
    return fromFiles([homeFile], source.context, false);
  }
  const pod = fromPod(source);
  if (pod !== undefined) return pod;
  const homeWords = homeFile === undefined ? "HOME is not set" : `${homeFile} is not there`;
  return err(
    `cannot find a cluster: no kubeconfig given, KUBECONFIG is not set, ${homeWords} and this is not a pod`,
  );
}

function fromFiles(
  paths: readonly string[],
  context: string | undefined,
  skipMissing: boolean,
): Result<KubeTarget, string> {
  const loaded: Entries[] = [];
  for (const path of paths) {
    const text = readText(path);
    if (!text.ok) {
      if (skipMissing && text.error.missing) continue;
      return err(`cannot read kubeconfig ${path}: ${text.error.reason}`);
    }
    const entries = parseEntries(path, text.value);
    if (!entries.ok) return entries;
    loaded.push(entries.value);
  }
  if (loaded.length === 0) {
    return err(`cannot read kubeconfig: none of these files exists: ${paths.join(", ")}`);
  }
  return selectTarget(merge(loaded), context);
}

function readText(
  path: string,
): Result<string, { readonly reason: string; readonly missing: boolean }> {
  try {
    return ok(readFileSync(path, "utf8"));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const missing = code === "ENOENT";
    return err({ missing, reason: missing ? "no such file" : messageOf(error) });
  }
}

function parseEntries(path: string, text: string): Result<Entries, string> {
  try {
    const document: unknown = parse(text);
    if (!isRecord(document)) {
      return err(`cannot parse kubeconfig ${path}: must be a YAML mapping: got ${typeof document}`);
    }
    const directory = dirname(resolve(path));
    const currentContext = document["current-context"];
    return ok({
      files: path,
      clusters: newClusters(document["clusters"]).map((cluster) =>
        cluster.caFile ? { ...cluster, caFile: resolve(directory, cluster.caFile) } : cluster,
      ),
      users: newUsers(document["users"]).map((user) =>
        completeUser(user, directory, document["users"]),
      ),
      contexts: newContexts(document["contexts"]),
      currentContext:
        typeof currentContext === "string" && currentContext !== "" ? currentContext : undefined,
    });
  } catch (error) {
    return err(`cannot parse kubeconfig ${path}: ${messageOf(error)}`);
  }
}

/** Absolute paths, and the standard `tokenFile`, which client-node 2.0.1 does not read. */
function completeUser(user: User, directory: string, rawUsers: unknown): User {
  const raw = Array.isArray(rawUsers)
    ? rawUsers.find((entry) => isRecord(entry) && entry["name"] === user.name)
    : undefined;
  const fields = isRecord(raw) && isRecord(raw["user"]) ? raw["user"] : {};
  const tokenFile = fields["tokenFile"];
  return {
    ...user,
    ...(user.certFile && { certFile: resolve(directory, user.certFile) }),
    ...(user.keyFile && { keyFile: resolve(directory, user.keyFile) }),
    // kubectl: tokenFile wins over token.
    ...(typeof tokenFile === "string" &&
      tokenFile !== "" && { token: "", ...tokenFileUser(resolve(directory, tokenFile)) }),
  };
}

function tokenFileUser(tokenFile: string): Pick<User, "authProvider"> {
  return { authProvider: { name: "tokenFile", config: { tokenFile } } };
}

/** kubectl's rule: of entries with one name the first file's counts. */
function merge(loaded: readonly Entries[]): Entries {
  return {
    files: loaded.map((entries) => entries.files).join(", "),
    clusters: loaded.flatMap((entries) => entries.clusters),
    users: loaded.flatMap((entries) => entries.users),
    contexts: loaded.flatMap((entries) => entries.contexts),
    currentContext: loaded.find((entries) => entries.currentContext)?.currentContext,
  };
}

function selectTarget(entries: Entries, wanted: string | undefined): Result<KubeTarget, string> {
  const fail = (fact: string): Result<never, string> =>
    err(`cannot use kubeconfig ${entries.files}: ${fact}`);
  const known = [...new Set(entries.contexts.map((context) => context.name))];
  const choice = known.length === 0 ? "it has no contexts" : `it has ${known.join(", ")}`;
  const name = wanted ?? entries.currentContext;
  if (name === undefined) return fail(`current-context is not set: name a context: ${choice}`);
  const context = entries.contexts.find((each) => each.name === name);
  if (context === undefined) return fail(`no context ${JSON.stringify(name)}: ${choice}`);
  const cluster = entries.clusters.find((each) => each.name === context.cluster);
  if (cluster === undefined) {
    return fail(
      `context ${name} names cluster ${JSON.stringify(context.cluster)}, which is not in it`,
    );
  }
  const user = entries.users.find((each) => each.name === context.user);
  if (context.user && user === undefined) {
    return fail(`context ${name} names user ${JSON.stringify(context.user)}, which is not in it`);
  }
  const server = checkServer(cluster);
  if (!server.ok) return fail(server.error);
  const { namespace } = context;
  return ok({
    context: name,
    cluster: server.value,
    user: user ?? { name: "anonymous" },
    ...(namespace !== undefined && { namespace }),
  });
}

function checkServer(cluster: Cluster): Result<Cluster, string> {
  const url = URL.canParse(cluster.server) ? new URL(cluster.server) : undefined;
  if (url?.protocol === "https:") return ok(cluster);
  // client-node refuses plain HTTP unless TLS checks are off; kubectl does not (`kubectl proxy`). There is no TLS to check.
  if (url?.protocol === "http:") return ok({ ...cluster, skipTLSVerify: true });
  const seen = JSON.stringify(cluster.server);
  return err(`cluster ${cluster.name}: server must be an http or https URL: got ${seen}`);
}

/** The service account that Kubernetes mounts into pods; undefined outside of one. */
function fromPod(source: KubeConfigSource): Result<KubeTarget, string> | undefined {
  const host = source.env["KUBERNETES_SERVICE_HOST"];
  const port = source.env["KUBERNETES_SERVICE_PORT"];
  if (!host || !port) return undefined;
  if (source.context !== undefined) {
    return err(`cannot use context ${JSON.stringify(source.context)}: a pod has no kubeconfig`);
  }
  const directory = source.serviceAccountDirectory ?? SERVICE_ACCOUNT_DIRECTORY;
  const tokenFile = join(directory, "token");
  const token = readText(tokenFile);
  if (!token.ok)
    return err(`cannot read service account token ${tokenFile}: ${token.error.reason}`);
  const namespace = readText(join(directory, "namespace"));
  return ok({
    context: "in-cluster",
    cluster: {
      name: "in-cluster",
      caFile: join(directory, "ca.crt"),
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      skipTLSVerify: false,
    },
    user: { name: "in-cluster", ...tokenFileUser(tokenFile) },
    ...(namespace.ok && { namespace: namespace.value.trim() }),
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
