import { randomBytes } from "node:crypto";
import { ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { KubeconfigEntry } from "./auth/kubeconfig.ts";
import { type ClusterCertificates, makeClusterCertificates } from "./auth/server-certificates.ts";
import type { TokenClaims } from "./auth/service-account-token.ts";
import type { User } from "./auth/user.ts";
import { ApiServerCore, type ApiServerCoreOptions } from "./core/api-server-core.ts";
import { CorePump } from "./core/core-pump.ts";
import { HttpServer } from "./http/shell/http-server.ts";
import { stringAt } from "./object/json.ts";

export interface ApiServerOptions extends ApiServerCoreOptions {
  /** Port 0 picks a free one. @default 127.0.0.1:0 */
  readonly listen?: { readonly host: string; readonly port: number };
  /** From `makeClusterCertificates`, to outlive a restart. @default made at start */
  readonly certificates?: ClusterCertificates;
  /** Bearer tokens known from the start. */
  readonly staticTokens?: ReadonlyMap<string, User>;
  /** Between a write and the background work it makes due (garbage collection, namespaces, CRDs). @default 20 */
  readonly settleDelayMs?: number;
}

export interface ApiServerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface ApiServer {
  readonly core: ApiServerCore;
  readonly certificates: ClusterCertificates;
  /** Listens; gives `https://host:port`. */
  start(): Promise<string>;
  /** Idempotent; ends watches and closes connections at once. */
  stop(): Promise<void>;
  /** The administrator's entry for a kubeconfig, once started. */
  kubeconfigEntry(name: string): KubeconfigEntry;
}

const DEFAULT_SETTLE_DELAY_MS = 20;

/** One embedded cluster API over HTTPS. Fails on service ranges that cannot be used. */
export async function createApiServer(
  options: ApiServerOptions,
  deps: ApiServerDeps,
): Promise<Result<ApiServer, string>> {
  const nowMs = deps.clock.nowMs();
  const created = ApiServerCore.create(options, { random: deps.random, nowMs });
  if (!created.ok) return created;
  const core = created.value;
  const listen = options.listen ?? { host: "127.0.0.1", port: 0 };
  const serverNames = [
    ...new Set([listen.host, "127.0.0.1", "localhost", "kubernetes.default.svc"]),
  ];
  const certificates =
    options.certificates ?? (await makeClusterCertificates({ serverNames, nowMs }));
  const settleDelayMs = options.settleDelayMs ?? DEFAULT_SETTLE_DELAY_MS;
  const pump = new CorePump({ settleDelayMs }, { core, clock: deps.clock });
  const server = new HttpServer(
    {
      ...listen,
      tls: certificates.server,
      clientCa: certificates.ca,
      authentication: {
        staticTokens: options.staticTokens ?? new Map(),
        tokenKey: randomBytes(32),
        serviceAccountExists: (claims) => serviceAccountExists(core, claims),
      },
    },
    { core, pump, clock: deps.clock, log: deps.log },
  );
  return ok(apiServer({ core, certificates, pump, server, host: listen.host }));
}

function apiServer(parts: {
  readonly core: ApiServerCore;
  readonly certificates: ClusterCertificates;
  readonly pump: CorePump;
  readonly server: HttpServer;
  readonly host: string;
}): ApiServer {
  const { core, certificates, pump, server, host } = parts;
  let url = "";
  return {
    core,
    certificates,
    async start() {
      const port = await server.listen();
      url = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
      return url;
    },
    async stop() {
      pump.stop();
      await server.close();
    },
    kubeconfigEntry: (name) => ({
      name,
      server: url,
      ca: certificates.ca,
      user: certificates.admin,
    }),
  };
}

function serviceAccountExists(core: ApiServerCore, { namespace, name, uid }: TokenClaims): boolean {
  const account = core.state.store.get("/serviceaccounts", `${namespace}/${name}`);
  return account !== undefined && stringAt(account, ["metadata", "uid"]) === uid;
}
