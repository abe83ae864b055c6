import { z } from "zod";
import { ok, type Result } from "../../api/result.ts";
import { openAuthorityFile } from "../../broker/identity/authority/authority-file.ts";
import { GrpcCertificateProvider } from "../../broker/identity/authority/grpc-certificate-provider.ts";
import { ServingCertificate } from "../../broker/identity/authority/serving-certificate.ts";
import { ClustersetAuthority } from "../../broker/identity/clusterset-authority.ts";
import { TokenFolder } from "../../broker/identity/token/token-folder.ts";
import { type RunningBroker, startBroker } from "../../broker/server/start-broker.ts";
import { openBrokerStore } from "../../broker/store/departures/open-broker-store.ts";
import type { Store } from "../../broker/store/store.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { listenDefault, logLevelSetting } from "../../runtime/config/common-settings.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { untilAborted } from "../until-aborted.ts";
import { defineVerb } from "../verb.ts";

export const DEFAULT_DATA_DIR = ".isthmus/broker";

export const brokerVerb = defineVerb({
  summary: "run the hub's broker",
  settings: z.object({
    dataDir: z
      .string()
      .default(DEFAULT_DATA_DIR)
      .describe("directory of rows, certificate authority and tokens; one broker at a time"),
    clusterset: z.string().default("default").describe("name of the clusterset, a DNS label"),
    listen: listenDefault("0.0.0.0:8443", "the one port members need: TLS, gRPC"),
    serverNames: z
      .array(z.string())
      .default([])
      .describe("host names and addresses to put into the serving certificate"),
    healthListen: listenDefault("127.0.0.1:8082", "address of /livez, /readyz and /metrics"),
    logLevel: logLevelSetting,
  }),
  async run({ settings, signal, out }) {
    const log = pinoLogger("broker", settings.logLevel);
    const meter = new PrometheusMeter();
    const store = await openBrokerStore(
      { dataDir: settings.dataDir },
      { clock: systemClock, random: systemRandom, log, meter },
    );
    if (!store.ok) {
      out.problem(store.error.text);
      return 1;
    }
    const broker = await serve(settings, store.value, { log, meter, signal });
    if (!broker.ok) {
      await store.value.close();
      out.problem(broker.error);
      return 1;
    }
    await untilAborted(signal);
    await broker.value.stop();
    await store.value.close();
    return 0;
  },
});

async function serve(
  settings: {
    readonly dataDir: string;
    readonly clusterset: string;
    readonly listen: ListenAddress;
    readonly serverNames: readonly string[];
    readonly healthListen: ListenAddress;
  },
  store: Store,
  surroundings: {
    readonly log: Logger;
    readonly meter: PrometheusMeter;
    readonly signal: AbortSignal;
  },
): Promise<Result<RunningBroker, string>> {
  const { log, meter, signal } = surroundings;
  const { dataDir, clusterset } = settings;
  const authority = await openAuthorityFile(dataDir, clusterset, systemClock);
  if (!authority.ok) return authority;
  const serving = new ServingCertificate(
    { hosts: settings.serverNames },
    { authority: authority.value, clock: systemClock, random: systemRandom, log },
  );
  const first = await serving.start(signal);
  if (!first.ok) return first;
  const started = await startBroker(
    { clusterset, listen: settings.listen, healthListen: settings.healthListen },
    {
      store,
      authority: new ClustersetAuthority({
        authority: authority.value,
        tokens: new TokenFolder(dataDir),
        members: store,
        clock: systemClock,
      }),
      certificates: new GrpcCertificateProvider(serving, authority.value.certPem),
      clock: systemClock,
      log,
      meter,
      metrics: meter,
    },
  );
  return started.ok ? ok(started.value) : started;
}
