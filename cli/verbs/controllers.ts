import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import { createGrpcBrokerLink } from "../../broker/client/grpc/grpc-broker-link.ts";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { underlayBackend } from "../../connectivity/underlay/underlay-backend.ts";
import { MemberControllers } from "../../controllers/member-controllers.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import {
  kubeSettings,
  listenDefault,
  logLevelSetting,
} from "../../runtime/config/common-settings.ts";
import { HealthServer } from "../../runtime/http/health-server.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { connectKube } from "../connect-kube.ts";
import { prepareMember } from "../prepare-member.ts";
import { reflectorsCheck } from "../reflectors-check.ts";
import { defineVerb, type Output } from "../verb.ts";
import { DEFAULT_IDENTITY_DIR } from "./join.ts";

export const controllersVerb = defineVerb({
  summary: "run a member's export and import controllers",
  settings: z.object({
    ...kubeSettings,
    identityDir: z
      .string()
      .default(DEFAULT_IDENTITY_DIR)
      .describe('directory that "isthmus join" wrote'),
    broker: z
      .array(z.string())
      .default([])
      .describe("further broker addresses, host:port, tried after the one this member joined at"),
    cidrs: z
      .array(z.string())
      .default([])
      .describe("CIDRs of this cluster's pods; the broker then refuses endpoints outside of them"),
    healthListen: listenDefault("127.0.0.1:8080", "address of /livez, /readyz and /metrics"),
    logLevel: logLevelSetting,
  }),
  async run({ settings, signal, env, out }) {
    const log = pinoLogger("controllers", settings.logLevel);
    const meter = new PrometheusMeter();
    const identity = await loadIdentity(settings.identityDir, out);
    if (identity === undefined) return 1;
    const kube = connectKube(settings, env, meter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const deps = {
      client: kube.value.client,
      clock: systemClock,
      random: systemRandom,
      log,
      meter,
    };
    const ready = new Readiness();
    const health = new HealthServer(
      {
        listen: settings.healthListen,
        livez: { process: () => ok("running") },
        readyz: { member: () => ready.check() },
      },
      { log, metrics: meter },
    );
    const bound = await health.start();
    if (!bound.ok) {
      out.problem(bound.error);
      return 1;
    }
    const prepared = await prepareMember(identity, deps, {
      signal,
      onWaiting: (reason) => ready.set(() => err(reason)),
    });
    if (prepared.kind !== "prepared") {
      await health.stop();
      if (prepared.kind === "stopped") return 0;
      out.problem(prepared.message);
      return 1;
    }
    const { otherAddresses, cidrs } = { otherAddresses: settings.broker, cidrs: settings.cidrs };
    const link = createGrpcBrokerLink({ identity, otherAddresses, cidrs }, deps);
    const controllers = new MemberControllers(
      { cluster: identity.clusterId, ...prepared.member },
      { ...deps, link, backend: underlayBackend },
    );
    ready.set(
      reflectorsCheck(controllers.reflectors, () => link.hasSynced() || "waiting for the broker"),
    );
    link.start(signal);
    await controllers.run(signal);
    await health.stop();
    return 0;
  },
});

/** The check behind `/readyz`, which changes as the start goes on. */
class Readiness {
  #check: () => Result<string, string> = () => err("starting");

  set(check: () => Result<string, string>): void {
    this.#check = check;
  }

  check(): Result<string, string> {
    return this.#check();
  }
}

async function loadIdentity(directory: string, out: Output): Promise<MemberIdentity | undefined> {
  const identity = await new FileIdentityStore(directory, { clock: systemClock }).load();
  if (!identity.ok) out.problem(identity.error);
  else if (identity.value === undefined) {
    out.problem(`no identity in ${directory}: run "isthmus join" first`);
  } else return identity.value;
  return undefined;
}
