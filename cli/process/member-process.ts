import { ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { HealthServer } from "../../runtime/http/health-server.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { type LogLevel, pinoLogger } from "../../runtime/log/pino-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import type { Random } from "../../runtime/random/random.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { connectKube, type KubeChoice } from "../cluster/connect-kube.ts";
import { Readiness } from "./readiness.ts";

export interface MemberProcessSettings extends KubeChoice {
  readonly healthListen: ListenAddress;
  readonly logLevel: LogLevel;
}

/** What a long-running process beside one cluster starts with. */
export interface MemberProcess {
  readonly deps: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly meter: PrometheusMeter;
  };
  readonly readiness: Readiness;
  /** Ends the health server; idempotent. */
  stop(): Promise<void>;
}

/** Log, metrics, the cluster's client and `/livez`, `/readyz`, `/metrics`: these listen before anything else is tried. */
export async function startMemberProcess(
  name: string,
  settings: MemberProcessSettings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Result<MemberProcess, string>> {
  const log = pinoLogger(name, settings.logLevel);
  const meter = new PrometheusMeter();
  const kube = connectKube(settings, env, meter);
  if (!kube.ok) return kube;
  const readiness = new Readiness();
  const health = new HealthServer(
    {
      listen: settings.healthListen,
      livez: { process: () => ok("running") },
      readyz: { [name]: () => readiness.check() },
    },
    { log, metrics: meter },
  );
  const bound = await health.start();
  if (!bound.ok) return bound;
  return ok({
    deps: { client: kube.value.client, clock: systemClock, random: systemRandom, log, meter },
    readiness,
    stop: () => health.stop(),
  });
}
