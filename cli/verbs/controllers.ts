import { hostname } from "node:os";
import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { runWhileLeading } from "../../controllers/leadership/run-while-leading.ts";
import { MemberStatusLease } from "../../controllers/membership/member-status-lease.ts";
import {
  durationSetting,
  kubeSettings,
  listenDefault,
  logLevelSetting,
} from "../../runtime/config/common-settings.ts";
import { LeaderElector } from "../../runtime/kube/leader/leader-elector.ts";
import { SYSTEM_NAMESPACE } from "../cluster/system-namespace.ts";
import { CONTROLLERS_LEASE } from "../controllers/controllers-lease.ts";
import {
  announcedCidrs,
  networkSettings,
  toNetworkOptions,
} from "../controllers/network-settings.ts";
import { memberPolicy, policySettings } from "../controllers/policy-settings.ts";
import { type RunMemberDeps, type RunMemberOptions, runMember } from "../controllers/run-member.ts";
import {
  type IdentityPlace,
  identityPlaceOf,
  identitySettings,
} from "../membership/identity-place.ts";
import {
  identityAppears,
  type JoinChoice,
  joinOnce,
  loadIdentity,
} from "../membership/member-identity.ts";
import { renewIdentity } from "../membership/renew-identity.ts";
import { OwnResponder } from "../paths/own-responder.ts";
import { pathSettings, toPathSettings } from "../paths/path-settings.ts";
import { udpProbes } from "../paths/probe-network.ts";
import { followConfig } from "../process/follow-config.ts";
import { startMemberProcess } from "../process/member-process.ts";
import type { Readiness } from "../process/readiness.ts";
import { tracingSettings } from "../tracing/start-tracing.ts";
import { defineVerb } from "../verb.ts";

export const controllersVerb = defineVerb({
  summary: "run a member's export and import controllers",
  isService: true,
  settings: z.object({
    ...kubeSettings,
    ...identitySettings,
    joinTokenFile: z
      .string()
      .optional()
      .describe(
        "file with a join token, such as a mounted Secret: where no identity is stored this cluster joins with it first",
      ),
    clusterId: z
      .string()
      .optional()
      .describe("id of this cluster, the one the token was made for; with --join-token-file"),
    stateDir: z
      .string()
      .optional()
      .describe(
        "directory where what the broker has sent is kept, so that a restarted process is sent only what changed; losing it costs traffic alone [default: --identity-dir]",
      ),
    broker: z
      .array(z.string())
      .default([])
      .describe("further broker addresses, host:port, tried after the one this member joined at"),
    cidrs: z
      .array(z.string())
      .default([])
      .describe("CIDRs of this cluster's pods; the broker then refuses endpoints outside of them"),
    ...pathSettings,
    ...networkSettings,
    ...policySettings,
    staleAfter: durationSetting(
      "60s",
      "how long a cluster may be unheard of at the broker before its endpoints are withdrawn here; 0s: for ever",
    ),
    ...tracingSettings,
    healthListen: listenDefault("127.0.0.1:8080", "address of /livez, /readyz and /metrics"),
    leaderElect: z
      .boolean()
      .default(false)
      .describe("stand for election: of several replicas only the leader works, the others wait"),
    namespace: z
      .string()
      .default(SYSTEM_NAMESPACE)
      .describe("namespace of our Leases: one per source cluster, and the one replicas elect by"),
    logLevel: logLevelSetting,
  }),
  async run(input) {
    const { settings, signal, env, out } = input;
    const started = await startMemberProcess("controllers", settings, env);
    if (!started.ok) {
      out.problem(started.error);
      return 1;
    }
    const { deps, readiness } = started.value;
    const place = identityPlaceOf(settings, () => ok(deps.client), { ...deps, signal });
    if (!place.ok) {
      await started.value.stop();
      out.problem(place.error);
      return 1;
    }
    const identity = await identityOf(place.value, settings, { ...deps, signal, readiness });
    if (!identity.ok) {
      await started.value.stop();
      if (signal.aborted) return 0;
      await tellCannotStart(settings, identity.error, deps);
      out.problem(identity.error);
      return 1;
    }
    const policy = await followConfig(input, (changed) => ok(memberPolicy(changed)), deps);
    if (!policy.ok) {
      await started.value.stop();
      out.problem(policy.error);
      return 1;
    }
    const paths = await followConfig(input, toPathSettings, deps);
    if (!paths.ok) {
      await started.value.stop();
      out.problem(paths.error);
      return 1;
    }
    // Read only where it is used: an earlier --cidrs with bits beyond its prefix goes on working without --backends.
    const network = settings.backends.length === 0 ? ok(undefined) : toNetworkOptions(settings);
    if (!network.ok) {
      await started.value.stop();
      out.problem(network.error);
      return 1;
    }
    const announced = announcedCidrs(settings.cidrs);
    if (!announced.ok) {
      await started.value.stop();
      out.problem(announced.error);
      return 1;
    }
    if (announced.value.length < settings.cidrs.length) {
      const announcing = { count: settings.cidrs.length, announced: announced.value };
      deps.log.warn(
        "more --cidrs than the broker takes: fewer that hold them are announced",
        announcing,
      );
    }
    // From here on, whoever leads: a replica that stands by answers probes like the others.
    const responder = await OwnResponder.start(identity.value.clusterId, settings.probeListen, {
      ...deps,
      probes: udpProbes(deps),
    });
    if (!responder.ok) {
      await started.value.stop();
      out.problem(responder.error);
      return 1;
    }
    const sources = { store: place.value.store, otherAddresses: settings.broker };
    const renewal = renewIdentity(identity.value, sources, deps);
    const options: RunMemberOptions = {
      renewal,
      otherAddresses: settings.broker,
      cidrs: announced.value,
      stateDir: settings.stateDir ?? settings.identityDir,
      policy: policy.value,
      staleAfterMs: settings.staleAfter === 0 ? Number.POSITIVE_INFINITY : settings.staleAfter,
      leaseNamespace: settings.namespace,
      otlpEndpoint: settings.otlpEndpoint,
      network: network.value,
      paths: {
        backends: settings.backends,
        settings: paths.value,
        ignoreCniImports: settings.ignoreCniImports,
        responder: responder.value,
      },
      onReadiness: (check) => readiness.decidedBy(check),
    };
    const renewing = renewal.run(signal);
    const parted = new AbortController();
    signal.addEventListener("abort", () => {
      void responder.value.part().then(() => parted.abort());
    });
    const ending = settings.leaderElect
      ? await runMemberWhileLeading(settings.namespace, options, {
          ...deps,
          signal: parted.signal,
          readiness,
        })
      : await runMember(options, deps, parted.signal);
    // What ended otherwise, by leaving, needs no certificate any more.
    if (signal.aborted) await renewing;
    responder.value.stop();
    await started.value.stop();
    if (ending === undefined) return 0;
    out.problem(ending);
    return 1;
  },
});

/** Whoever looks into the cluster need not have this process' log. */
async function tellCannotStart(
  { clusterId, namespace }: { readonly clusterId?: string | undefined; readonly namespace: string },
  problem: string,
  deps: RunMemberDeps,
): Promise<void> {
  const lease = new MemberStatusLease({ namespace, cluster: clusterId ?? "unknown" }, deps);
  await lease.lastWord({ state: "stopped", problem });
}

type Surroundings = RunMemberDeps & {
  readonly signal: AbortSignal;
  readonly readiness: Readiness;
};

/** Of replicas that share a place one joins, so that none spends the token with a key that another has replaced. */
async function identityOf(
  place: IdentityPlace,
  settings: JoinChoice & { readonly leaderElect: boolean; readonly namespace: string },
  { signal, readiness, ...deps }: Surroundings,
): Promise<Result<MemberIdentity, string>> {
  const loaded = await loadIdentity(place);
  if (loaded.ok || settings.joinTokenFile === undefined) return loaded;
  const onWaiting = (reason: string): void => readiness.decidedBy(() => err(reason));
  let joined: Result<MemberIdentity, string> = loaded;
  const join = async (term: AbortSignal): Promise<void> => {
    joined = await joinOnce(settings, place, deps, { signal: term, onWaiting });
  };
  onWaiting("waiting to join");
  if (!settings.leaderElect) {
    await join(signal);
    return joined;
  }
  // Another replica that has joined goes on to lead: then there is no election to wait for.
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  const election = runWhileLeading(electorIn(settings.namespace, deps), join, either);
  const found = identityAppears(place, deps, either).then((identity) => {
    if (identity !== undefined) done.abort();
    return identity;
  });
  await election;
  done.abort();
  const identity = await found;
  return identity === undefined ? joined : ok(identity);
}

function electorIn(namespace: string, deps: RunMemberDeps): LeaderElector {
  // Two replicas may share a host name; a process that comes back is another candidate.
  const identity = `${hostname()}_${Math.floor(deps.random.next() * 2 ** 32).toString(36)}`;
  return new LeaderElector({ namespace, name: CONTROLLERS_LEASE, identity }, deps);
}

/** Stands for election first: only the leader connects to the broker and writes. */
async function runMemberWhileLeading(
  namespace: string,
  options: RunMemberOptions,
  { signal, readiness, ...deps }: Surroundings,
): Promise<string | undefined> {
  let problem: string | undefined;
  const standBy = (): void => readiness.decidedBy(() => ok("standing by: another replica leads"));
  standBy();
  await runWhileLeading(
    electorIn(namespace, deps),
    async (term) => {
      problem = await runMember(options, deps, term);
      standBy();
    },
    signal,
  );
  return problem;
}
