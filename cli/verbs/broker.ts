import { hostname } from "node:os";
import { z } from "zod";
import { ok, type Result } from "../../api/result.ts";
import { createAdminHandlers } from "../../broker/admin/admin-handlers.ts";
import { AdminServer } from "../../broker/admin/admin-server.ts";
import type { AuditLog } from "../../broker/audit/audit-log.ts";
import { FileAuditLog } from "../../broker/audit/file-audit-log.ts";
import { adminSocketPath, auditPath } from "../../broker/data-dir.ts";
import { DEFAULT_GLOBAL_CIDRS, parsePools } from "../../broker/globals/block-book.ts";
import { GlobalAddresses } from "../../broker/globals/global-addresses.ts";
import { MEMBER_LIFE } from "../../broker/identity/authority/certificate-life.ts";
import { openBrokerIdentity } from "../../broker/identity/broker-identity.ts";
import { type HubPolicy, NO_POLICY } from "../../broker/policy/cluster-policy.ts";
import { parsePolicy } from "../../broker/policy/parse-policy.ts";
import { type RunningBroker, startBroker } from "../../broker/server/start-broker.ts";
import type { BrokerHop } from "../../broker/server/write-hops.ts";
import type { SharedRecords } from "../../broker/shared/shared-records.ts";
import type { Store } from "../../broker/store/store.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { type Changing, unchanging } from "../../runtime/config/changing.ts";
import {
  durationSetting,
  listenDefault,
  logLevelSetting,
} from "../../runtime/config/common-settings.ts";
import { ReloadedFile } from "../../runtime/config/reloaded-file.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { placeOf, placeSettings } from "../broker/place-settings.ts";
import { untilAborted } from "../process/until-aborted.ts";
import { startTracing, tracingSettings } from "../tracing/start-tracing.ts";
import { spanOfBrokerHop } from "../tracing/trace-propagation.ts";
import { defineVerb, type VerbInput } from "../verb.ts";

export const brokerVerb = defineVerb({
  summary: "run the hub's broker",
  isService: true,
  settings: z.object({
    ...placeSettings,
    listen: listenDefault("0.0.0.0:8443", "the one port members need: TLS, gRPC"),
    serverNames: z
      .array(z.string())
      .default([])
      .describe("host names and addresses to put into the serving certificate"),
    certificateLife: durationSetting(
      "24h",
      "life of members' certificates, one hour to 90 days; renewed after two thirds, so the hub may be away for a third of it",
    ).refine((ms) => ms >= MEMBER_LIFE.minMs && ms <= MEMBER_LIFE.maxMs, "must be 1h to 2160h"),
    drain: durationSetting(
      "5s",
      "how long members are given to move to another replica when this one is stopped; with --store file there is none, and no wait",
    ),
    adminSocket: z
      .string()
      .optional()
      .describe(
        "Unix socket for isthmus members, revoke and authority; default: admin.sock in the data directory",
      ),
    policy: z
      .string()
      .optional()
      .describe(
        "YAML file of what each cluster may export, import and use, followed while running; default: no limits but the broker's own",
      ),
    globalCidr: z
      .array(z.string())
      .default([...DEFAULT_GLOBAL_CIDRS])
      .describe("networks that members' global addresses are taken from, apart from all of theirs"),
    ...tracingSettings,
    healthListen: listenDefault("127.0.0.1:8082", "address of /livez, /readyz and /metrics"),
    logLevel: logLevelSetting,
  }),
  async run({ settings, signal, onHangup, env, out }) {
    const log = pinoLogger("broker", settings.logLevel);
    const meter = new PrometheusMeter();
    const policy = await followPolicy(settings.policy, { log, meter, signal, onHangup });
    if (!policy.ok) {
      out.problem(policy.error);
      return 1;
    }
    const pools = parsePools(settings.globalCidr);
    if (!pools.ok) {
      out.problem(`cannot use --global-cidr: ${pools.error}`);
      return 1;
    }
    const deps = { clock: systemClock, random: systemRandom, log, meter };
    const place = placeOf(settings, env, deps);
    if (!place.ok) {
      out.problem(place.error);
      return 1;
    }
    const store = await place.value.openStore(signal);
    if (!store.ok) {
      await place.value.close();
      out.problem(store.error);
      return 1;
    }
    const audit = new FileAuditLog(
      { path: auditPath(settings.dataDir) },
      { clock: systemClock, log },
    );
    const { records } = place.value;
    const globals = new GlobalAddresses(pools.value, {
      ...deps,
      records,
      table: store.value.table,
    });
    const process = `${hostname()}-${Math.floor(systemRandom.next() * 2 ** 32).toString(36)}`;
    const named = { "service.name": "isthmus-broker", "service.instance.id": process };
    const trace = await startTracing(named, settings.otlpEndpoint, deps);
    const tracing = trace?.run(signal);
    const onHop =
      trace && ((hop: BrokerHop): void => trace.tracer.span(spanOfBrokerHop(hop, process)));
    const surroundings = { log, meter, audit, signal, policy: policy.value, globals, onHop };
    const broker = await serve(settings, { store: store.value, records }, surroundings);
    if (!broker.ok) {
      await store.value.close();
      await place.value.close();
      out.problem(broker.error);
      return 1;
    }
    await untilAborted(signal);
    await broker.value.stop();
    await tracing;
    await audit.flush();
    await store.value.close();
    await place.value.close();
    return 0;
  },
});

/** As the file says from time to time: one that is not good keeps the broker from starting, and changes nothing later. */
async function followPolicy(
  path: string | undefined,
  {
    log,
    meter,
    signal,
    onHangup,
  }: Pick<VerbInput<unknown>, "signal" | "onHangup"> & {
    readonly log: Logger;
    readonly meter: PrometheusMeter;
  },
): Promise<Result<Changing<HubPolicy>, string>> {
  if (path === undefined) return ok(unchanging(NO_POLICY));
  const options = { path, what: "policy", parse: parsePolicy };
  const file = await ReloadedFile.open(options, { clock: systemClock, log, meter });
  if (!file.ok) return file;
  void file.value.follow(signal);
  onHangup(() => void file.value.reload());
  return file;
}

async function serve(
  settings: {
    readonly dataDir: string;
    readonly clusterset: string;
    readonly listen: ListenAddress;
    readonly serverNames: readonly string[];
    readonly certificateLife: number;
    readonly store: "file" | "kubernetes" | "etcd";
    readonly drain: number;
    readonly adminSocket?: string | undefined;
    readonly healthListen: ListenAddress;
  },
  kept: { readonly store: Store; readonly records: SharedRecords },
  surroundings: {
    readonly log: Logger;
    readonly meter: PrometheusMeter;
    readonly audit: AuditLog;
    readonly signal: AbortSignal;
    readonly policy: Changing<HubPolicy>;
    readonly globals: GlobalAddresses;
    readonly onHop: ((hop: BrokerHop) => void) | undefined;
  },
): Promise<Result<Pick<RunningBroker, "stop">, string>> {
  const { clusterset, listen, healthListen } = settings;
  const drainMs = settings.store === "file" ? 0 : settings.drain;
  const { meter, signal, log, globals } = surroundings;
  const { store } = kept;
  const deps = { ...surroundings, ...kept, clock: systemClock, random: systemRandom };
  const { certificateLife: certificateLifeMs } = settings;
  const identity = await openBrokerIdentity(
    { clusterset, hosts: settings.serverNames, certificateLifeMs },
    deps,
    signal,
  );
  if (!identity.ok) return identity;
  const broker = await startBroker(
    { clusterset, listen, healthListen, drainMs },
    { ...deps, ...identity.value, metrics: meter },
  );
  if (!broker.ok) return broker;
  const running = broker.value;
  const { hub } = running;
  const nowMs = (): number => systemClock.nowMs();
  const asked = { store, hub, globals, certificateLifeMs, nowMs };
  const handlers = createAdminHandlers({ ...asked, ...identity.value });
  const admin = new AdminServer(settings.adminSocket ?? adminSocketPath(settings.dataDir), {
    handlers,
    log,
  });
  const opened = await admin.start();
  if (!opened.ok) {
    await running.stop();
    return opened;
  }
  return ok({
    stop: async () => {
      await admin.stop();
      await running.stop();
    },
  });
}
