import { DEPLOYMENTS } from "../../api/kube/deployment.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { FileAuditLog } from "../../broker/audit/file-audit-log.ts";
import { auditPath } from "../../broker/data-dir.ts";
import { issueToken } from "../../broker/identity/token/issue-token.ts";
import { openPlace } from "../../broker/place/open-place.ts";
import { BROKER_NAME, BROKER_PORT } from "../../install/hub-objects.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import type { Steps } from "../output/receipt.ts";
import { joinLine } from "./join-line.ts";

export interface JoinLines {
  readonly namespace: string;
  readonly clusterset: string;
  readonly store: "kubernetes" | "etcd";
  readonly clusters: readonly string[];
  readonly image: string;
  readonly address: string | undefined;
  /** Of the audit log of tokens that are made by hand: where the command runs. */
  readonly dataDir: string;
  readonly ttlMs: number;
  readonly timeoutMs: number;
}

interface Deps {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  readonly out: Steps;
}

const LOOK_MS = 1_000;

/** Waits for the broker, which makes the authority that tokens name, and prints what to type at each member. */
export async function printJoinLines(
  lines: JoinLines,
  deps: Deps,
): Promise<Result<undefined, string>> {
  if (lines.store !== "kubernetes") {
    return err(
      'join lines need --store kubernetes: run "isthmus token create" where the etcd is reached',
    );
  }
  const untilMs = systemClock.monotonicMs() + lines.timeoutMs;
  const address = await waitFor(() => addressOf(lines, deps), untilMs, deps);
  if (!address.ok) return address;
  const log = pinoLogger("token", "error");
  const surroundings = { clock: systemClock, random: systemRandom, log, meter: silentMeter };
  const { client } = deps;
  const { namespace, clusterset } = lines;
  const place = openPlace({ kind: "kubernetes", client, namespace, clusterset }, surroundings);
  if (!place.ok) return place;
  // As "token create" keeps it.
  const options = { path: auditPath(lines.dataDir), maxBytes: Number.POSITIVE_INFINITY };
  const audit = new FileAuditLog(options, { clock: systemClock, log });
  try {
    for (const clusterId of lines.clusters) {
      const wanted = { clusterId, ttlMs: lines.ttlMs, brokerAddress: address.value };
      const running = await waitFor(() => brokerRuns(lines, deps), untilMs, deps);
      if (!running.ok) return running;
      const issued = await issueToken(place.value, wanted, {
        ...surroundings,
        audit,
      });
      if (!issued.ok) return issued;
      const line = joinLine({ clusterId, token: issued.value.text, image: lines.image });
      deps.out.step({ what: clusterId, did: "join line", detail: line }, line);
    }
  } finally {
    await audit.flush();
    await place.value.close();
  }
  return ok(undefined);
}

/** Tries until it is there; the last reason is told. */
async function waitFor<T>(
  look: () => Promise<Result<T, string>>,
  untilMs: number,
  { signal }: Deps,
): Promise<Result<T, string>> {
  for (;;) {
    const found = await look();
    if (found.ok || signal.aborted || systemClock.monotonicMs() >= untilMs) return found;
    await sleep(systemClock, LOOK_MS, signal);
  }
}

async function addressOf(
  { address, namespace }: JoinLines,
  { client, signal }: Deps,
): Promise<Result<string, string>> {
  if (address !== undefined) return ok(address);
  const target = { resource: SERVICES, namespace, name: BROKER_NAME };
  const got = await client.get<LoadBalanced>(target, { signal });
  if (!got.ok) return err(got.error.message);
  const [first] = got.value.status?.loadBalancer?.ingress ?? [];
  const host = first?.hostname ?? first?.ip;
  if (host === undefined) {
    return err(
      `Service ${namespace}/${BROKER_NAME} has no load balancer's address: say how members reach the broker with --address host:port`,
    );
  }
  return ok(`${host.includes(":") ? `[${host}]` : host}:${BROKER_PORT}`);
}

type LoadBalanced = Parameters<KubeClient["create"]>[1] & {
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
    };
  };
};

async function brokerRuns(
  { namespace }: JoinLines,
  { client, signal }: Deps,
): Promise<Result<undefined, string>> {
  const target = { resource: DEPLOYMENTS, namespace, name: BROKER_NAME };
  const got = await client.get<
    Parameters<KubeClient["create"]>[1] & {
      readonly status?: { readonly availableReplicas?: number };
    }
  >(target, { signal });
  if (!got.ok) return err(got.error.message);
  return (got.value.status?.availableReplicas ?? 0) > 0
    ? ok(undefined)
    : err(
        `Deployment ${namespace}/${BROKER_NAME} is not available: kubectl -n ${namespace} describe pods says why`,
      );
}
