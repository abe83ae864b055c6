import type { Socket } from "node:net";
import { type experimental, experimental as grpcExperimental, Server } from "@grpc/grpc-js";
import { BrokerService } from "../../api/broker/broker.gen.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import { HealthServer, type MetricsSource } from "../../runtime/http/health-server.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { GlobalAllocator } from "../globals/global-block.ts";
import type { HubPolicy } from "../policy/cluster-policy.ts";
import type { Store } from "../store/store.ts";
import { LIMITS } from "../wire/limits.ts";
import { ConnectionGate } from "./gate/connection-gate.ts";
import { Hub, type HubDeps } from "./hub.ts";
import { createJoinHandler, type IdentityAuthority } from "./join-handler.ts";
import { createLeaveHandler } from "./leave-handler.ts";
import { createRenewHandler, type RenewalAuthority } from "./renew-handler.ts";
import { createSyncHandler, type EncodedMessage } from "./sync-handler.ts";

export interface BrokerOptions {
  readonly clusterset: string;
  /** The one port members need: TLS, gRPC. */
  readonly listen: ListenAddress;
  /** Plain HTTP for probes and scrapes; absent: none. */
  readonly healthListen?: ListenAddress;
  /** @default 5000 */
  readonly heartbeatIntervalMs?: number;
  /** When it stops, members are given this long to move to another replica. @default 0: there is none */
  readonly drainMs?: number;
}

export interface BrokerDeps {
  /** Stays the caller's: close it after the broker has stopped. */
  readonly store: Store;
  readonly authority: IdentityAuthority;
  readonly renewals: RenewalAuthority;
  readonly audit: AuditLog;
  /** The serving certificate, renewed while running, and the authorities that clients must chain to. */
  readonly certificates: experimental.CertificateProvider;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
  readonly metrics?: MetricsSource;
  /** What each cluster may do. @default only the broker's own bounds */
  readonly policy?: Changing<HubPolicy>;
  /** Global addresses of members. @default none are given */
  readonly globals?: GlobalAllocator;
  /** As of the Hub. */
  readonly onHop?: HubDeps["onHop"];
}

export interface RunningBroker {
  /** As bound: a port of 0 has become a real one. */
  readonly listen: ListenAddress;
  readonly healthListen: ListenAddress | undefined;
  readonly hub: Hub;
  /**
   * Not ready, members asked to move, then streams closed with a status, calls drained, and cut after a bound.
   * Withdraws nothing. Idempotent.
   */
  stop(): Promise<void>;
}

const DRAIN_MS = 2000;
/** A connection without streams is ended: a member that comes back opens its own. */
const IDLE_CONNECTION_MS = 60_000;

const SERVER_OPTIONS = {
  "grpc.max_receive_message_length": LIMITS.messageBytes,
  "grpc.max_send_message_length": LIMITS.messageBytes,
  "grpc.max_concurrent_streams": LIMITS.streamsPerConnection,
  "grpc.max_connection_idle_ms": IDLE_CONNECTION_MS,
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/** The Sync call, whose answers come encoded: rows are passed on without being decoded. */
const SYNC_SERVICE = {
  join: BrokerService.join,
  leave: BrokerService.leave,
  renew: BrokerService.renew,
  sync: {
    ...BrokerService.sync,
    responseSerialize: ({ buffer, byteOffset, byteLength }: EncodedMessage): Buffer =>
      Buffer.from(buffer, byteOffset, byteLength),
  },
};

/** Serves the broker until stopped. Errors say which address failed and why. */
export async function startBroker(
  options: BrokerOptions,
  deps: BrokerDeps,
): Promise<Result<RunningBroker, string>> {
  const { clusterset } = options;
  const members = createMembersPort(options, deps);
  const { hub, gate } = members;
  // Before the first member can come: none may miss a change.
  hub.start();
  const bound = await gate.listen();
  if (!bound.ok) {
    await stopMembersPort(members, deps.clock);
    return bound;
  }
  const lifecycle = { isStopping: false };
  const health = await startHealth(options, deps, lifecycle);
  if (!health.ok) {
    await stopMembersPort(members, deps.clock);
    return health;
  }
  deps.log.info("broker listening", { clusterset, port: bound.value, epoch: deps.store.epoch });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    lifecycle.isStopping = true;
    // Nobody new from here on: who moves must find another replica at once.
    gate.shut();
    await hub.drain(options.drainMs ?? 0);
    await stopMembersPort(members, deps.clock);
    await health.value.server?.stop();
    deps.log.info("broker stopped", { clusterset });
  };
  return ok({
    listen: { ...options.listen, port: bound.value },
    healthListen: health.value.listen,
    hub,
    stop: () => (stopped ??= stop()),
  });
}

/** From the port inwards: connections, gRPC, streams. */
interface MembersPort {
  readonly gate: ConnectionGate;
  readonly server: Server;
  readonly hub: Hub;
}

function createMembersPort(options: BrokerOptions, deps: BrokerDeps): MembersPort {
  const { clusterset, heartbeatIntervalMs, listen } = options;
  const hub = new Hub(
    { clusterset, ...(heartbeatIntervalMs === undefined ? {} : { heartbeatIntervalMs }) },
    deps,
  );
  const server = new Server(SERVER_OPTIONS);
  const accept = acceptInto(server, deps.certificates);
  const gate = new ConnectionGate({ listen }, { ...deps, accept });
  server.addService(SYNC_SERVICE, {
    join: createJoinHandler(deps),
    renew: createRenewHandler({ clusterset }, { ...deps, gate }),
    sync: createSyncHandler({ clusterset }, { ...deps, hub, gate }),
    leave: createLeaveHandler({ clusterset }, { ...deps, hub, gate }),
  });
  return { gate, server, hub };
}

/** Nobody new, every stream told, then whatever is left after the bound is cut. */
async function stopMembersPort({ gate, server, hub }: MembersPort, clock: Clock): Promise<void> {
  gate.shut();
  hub.stop();
  await drain(server, clock);
  gate.clear();
}

/** One port for all calls: Join comes without a client certificate, the others check for one. */
function acceptInto(
  server: Server,
  certificates: experimental.CertificateProvider,
): (socket: Socket) => void {
  const credentials = grpcExperimental.createCertificateProviderServerCredentials(
    certificates,
    certificates,
    false,
  );
  const injector = server.createConnectionInjector(credentials);
  return (socket) => injector.injectConnection(socket);
}

async function startHealth(
  { healthListen }: BrokerOptions,
  { store, log, metrics }: BrokerDeps,
  lifecycle: { readonly isStopping: boolean },
): Promise<Result<{ server?: HealthServer; listen: ListenAddress | undefined }, string>> {
  if (healthListen === undefined) return ok({ listen: undefined });
  const server = new HealthServer(
    {
      listen: healthListen,
      livez: {
        // Only a restart gives such a broker the contents that there are now.
        store: () => {
          const health = store.health();
          return health.kind === "lost" ? err(health.reason) : ok("known");
        },
      },
      readyz: {
        store: () => {
          const health = store.health();
          return health.kind === "ok" ? ok("writable") : err(health.reason);
        },
        serving: () => (lifecycle.isStopping ? err("stopping") : ok("accepting members")),
      },
    },
    { log, ...(metrics === undefined ? {} : { metrics }) },
  );
  const started = await server.start();
  return started.ok ? ok({ server, listen: started.value }) : started;
}

function drain(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(DRAIN_MS, () => {
      server.forceShutdown();
      resolve();
    });
    server.tryShutdown(() => {
      timer.cancel();
      resolve();
    });
  });
}
