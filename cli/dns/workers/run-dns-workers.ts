import { randomBytes } from "node:crypto";
import { ok } from "../../../api/result.ts";
import { COOKIE_SECRET_BYTES } from "../../../dns-server/guard/server-cookies.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { HealthServer } from "../../../runtime/http/health-server.ts";
import { pinoLogger } from "../../../runtime/log/pino-log.ts";
import { PrometheusMeter } from "../../../runtime/metrics/prometheus-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { connectKube } from "../../cluster/connect-kube.ts";
import { withPacketTests } from "../../packet-test/with-packet-tests.ts";
import { respondFor } from "../../paths/respond-for.ts";
import type { ExitCode, VerbInput } from "../../verb.ts";
import type { DnsSettings } from "../dns-settings.ts";
import { processWorkers } from "./worker-child.ts";
import { WorkerPool } from "./worker-pool.ts";

/** `isthmus dns` with several workers: this process answers no question, it keeps them and speaks for them. */
export async function runDnsWorkers(input: VerbInput<DnsSettings>): Promise<ExitCode> {
  const { settings, program, args, env, signal, config, onHangup, out } = input;
  if (settings.listen.port === 0) {
    out.problem("cannot share a port among workers: the port must be named: got 0");
    return 2;
  }
  const log = pinoLogger("dns", settings.logLevel);
  const meter = new PrometheusMeter();
  // Nothing is asked of the cluster but for packet tests.
  const kube = connectKube(settings, env, meter);
  if (!kube.ok) {
    out.problem(kube.error);
    return 1;
  }
  const pool = new WorkerPool(
    {
      count: settings.workers,
      cookieSecret: randomBytes(COOKIE_SECRET_BYTES).toString("hex"),
      drainMs: settings.drain,
    },
    {
      startWorker: processWorkers(program, "dns-worker", args, env),
      ownMetrics: () => meter.snapshot(),
      clock: systemClock,
      random: systemRandom,
      log,
    },
  );
  const health = new HealthServer(
    {
      listen: settings.healthListen,
      livez: { process: () => ok("running") },
      readyz: { dns: () => pool.health() },
    },
    { log, metrics: pool.metrics },
  );
  const bound = await health.start();
  if (!bound.ok) {
    out.problem(bound.error);
    return 1;
  }
  const responder = await respondFor(settings, { clock: systemClock, random: systemRandom, log });
  if (!responder.ok) {
    await health.stop();
    out.problem(responder.error);
    return 1;
  }
  if (config !== undefined) onHangup(() => pool.hangup());
  const run = async (): Promise<ExitCode> => ((await pool.run(signal)) ? 0 : 1);
  const code = await withPacketTests(
    settings.packetTestListen,
    { client: kube.value.client, clock: systemClock, log },
    run,
  );
  responder.value?.stop();
  await health.stop();
  return code;
}
