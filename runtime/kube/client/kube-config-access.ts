import { createHash } from "node:crypto";
import type { Agent } from "node:http";
import http from "node:http";
import https from "node:https";
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import type { Result } from "../../../api/result.ts";
import { err, ok } from "../../../api/result.ts";
import type { Clock } from "../../clock/clock.ts";
import { deadline } from "../../clock/deadline.ts";
import type { KubeError } from "../kube-error.ts";
import type { ClusterAccess, Connection } from "./cluster-access.ts";
import { fromConnectionError } from "./connection-error.ts";
import { inlineCredentials } from "./inline-credentials.ts";
import type { KubeTarget } from "./load-kube-config.ts";

/** Files are read again and plugins asked again at most this often. */
const CREDENTIALS_MAX_AGE_MS = 10_000;
/** Longest time an exec plugin may take, e.g. to ask an identity provider. */
const CREDENTIALS_TIMEOUT_MS = 30_000;
const REQUEST_SOCKETS_MAX = 32;
const IDLE_SOCKET_MS = 60_000;

interface Agents {
  /** Of what TLS was set up with; new agents when it changes. */
  readonly fingerprint: string;
  readonly requestAgent: Agent;
  readonly watchAgent: Agent;
}

/**
 * ClusterAccess over client-node's KubeConfig, which knows certificates, tokens, token files, exec plugins, OIDC,
 * impersonation and proxies. Its agents do not keep connections alive and are cached for ever, so ours replace
 * them, except through a proxy.
 */
export class KubeConfigAccess implements ClusterAccess {
  readonly server: string;
  readonly #target: KubeTarget;
  readonly #clock: Clock;
  #config: KubeConfig | undefined;
  /** When #config was made: it remembers token files for a minute and plugins' tokens for their life. */
  #renewedMs = Number.NEGATIVE_INFINITY;
  #agents: Agents | undefined;
  #current: { readonly connection: Connection; readonly sinceMs: number } | undefined;
  #loading: Promise<Result<Connection, KubeError>> | undefined;

  constructor(target: KubeTarget, { clock }: { readonly clock: Clock }) {
    this.server = target.cluster.server.replace(/\/+$/, "");
    this.#target = target;
    this.#clock = clock;
  }

  async connection(signal: AbortSignal): Promise<Result<Connection, KubeError>> {
    if (this.#current !== undefined && this.#ageMs() < CREDENTIALS_MAX_AGE_MS) {
      return ok(this.#current.connection);
    }
    // One load serves all who wait; each waits no longer than it wants to.
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return Promise.race([this.#loading, this.#givenUp(signal)]);
  }

  refresh(): boolean {
    if (this.#clock.monotonicMs() - this.#renewedMs < CREDENTIALS_MAX_AGE_MS) return false;
    this.#config = undefined;
    this.#current = undefined;
    return true;
  }

  close(): void {
    this.#agents?.requestAgent.destroy();
    this.#agents?.watchAgent.destroy();
    this.#agents = undefined;
    this.#current = undefined;
  }

  #ageMs(): number {
    return this.#current === undefined
      ? Number.POSITIVE_INFINITY
      : this.#clock.monotonicMs() - this.#current.sinceMs;
  }

  async #load(): Promise<Result<Connection, KubeError>> {
    using limit = deadline(this.#clock, CREDENTIALS_TIMEOUT_MS);
    try {
      const options = await Promise.race([this.#httpsOptions(), rejected(limit.signal)]);
      const { requestAgent, watchAgent } = this.#agentsFor(options);
      const connection = { headers: headersOf(options), requestAgent, watchAgent };
      this.#current = { connection, sinceMs: this.#clock.monotonicMs() };
      return ok(connection);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `cannot authenticate to API server ${this.server} as ${this.#target.user.name}: ${reason}`;
      return err({ kind: "unavailable", message });
    }
  }

  async #httpsOptions(): Promise<https.RequestOptions> {
    const inline = inlineCredentials(this.#target);
    if (inline !== undefined) return inline;
    if (this.#config === undefined) {
      this.#renewedMs = this.#clock.monotonicMs();
      this.#config = await newKubeConfig(this.#target);
    }
    const options: https.RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    return options;
  }

  /** Old agents are left to their requests under way; their idle sockets time out. */
  #agentsFor(options: https.RequestOptions): Agents {
    const fingerprint = fingerprintOf(options);
    if (this.#agents?.fingerprint !== fingerprint) {
      this.#agents = { fingerprint, ...newAgents(this.#target, options) };
    }
    return this.#agents;
  }

  async #givenUp(signal: AbortSignal): Promise<Result<never, KubeError>> {
    const error = await rejected(signal).catch((reason: unknown) => reason);
    return err(fromConnectionError(error, this.server, signal));
  }
}

/** Imported on first use: the module brings all generated API classes along (0.25 s, 80 MB). */
async function newKubeConfig({ context, cluster, user }: KubeTarget): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js");
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [cluster],
    users: [user],
    contexts: [{ name: context, cluster: cluster.name, user: user.name }],
    currentContext: context,
  });
  return config;
}

function newAgents(
  { cluster }: KubeTarget,
  options: https.RequestOptions,
): Omit<Agents, "fingerprint"> {
  const { agent, ca, cert, key, passphrase, rejectUnauthorized, servername } = options;
  if (cluster.proxyUrl && typeof agent === "object") {
    return { requestAgent: agent, watchAgent: agent };
  }
  const common = { keepAlive: true, timeout: IDLE_SOCKET_MS, scheduling: "lifo" } as const;
  const newAgent = (maxSockets: number): Agent =>
    cluster.server.startsWith("http:")
      ? new http.Agent({ ...common, maxSockets })
      : new https.Agent({
          ...common,
          maxSockets,
          ca,
          cert,
          key,
          passphrase,
          rejectUnauthorized,
          servername,
        });
  return {
    requestAgent: newAgent(REQUEST_SOCKETS_MAX),
    watchAgent: newAgent(Number.POSITIVE_INFINITY),
  };
}

function headersOf(options: https.RequestOptions): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // Tokens in files end with a newline, which a header must not hold.
    if (typeof value === "string") headers[name.toLowerCase()] = value.trim();
  }
  if (options.auth) {
    headers["authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
  }
  return headers;
}

function fingerprintOf(options: https.RequestOptions): string {
  const { ca, cert, key, passphrase, rejectUnauthorized, servername } = options;
  const hash = createHash("sha256");
  for (const part of [ca, cert, key, passphrase, rejectUnauthorized, servername]) {
    hash.update(`${JSON.stringify(part) ?? "none"}\n`);
  }
  return hash.digest("hex");
}

/** Rejects with the signal's reason when it aborts. */
function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
