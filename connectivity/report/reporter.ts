import { microTime } from "../../api/kube/micro-time.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { LOCAL_NETWORK } from "../../api/network/member-network.ts";
import type {
  PathReport,
  PathReportSpec,
  ReportedPath,
  ReporterRole,
} from "../../api/network/path-report.ts";
import type { ProxyTraffic } from "../../api/network/proxy-traffic.ts";
import { NETWORK_GROUP, NETWORK_VERSION, PATH_REPORTS } from "../../api/network/resources.ts";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import { isNews } from "./is-news.ts";

/** How this gateway or proxy is reached, by peers and, of a proxy, by clients. */
export type ReachedAt = Pick<
  PathReportSpec,
  "endpoints" | "clientAddresses" | "port" | "publicKey" | "wgPort"
>;

export interface Said {
  readonly facts: ReachedAt;
  readonly paths: readonly ReportedPath[];
  /** Of a proxy. */
  readonly traffic?: ProxyTraffic;
}

export interface ReporterDeps {
  readonly client: Pick<KubeClient, "apply">;
  /** MemberNetworks: there is one for as long as this cluster is a member, and then it goes first (CLN-04). */
  readonly networks: Pick<ObjectView<KubeObject>, "get">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Figures that nobody acts on are told this often, and show that who reports lives. */
const RENEW_MS = 10_000;
const RETRY = { firstMs: 200, maxMs: 10_000 };

/**
 * Writes a gateway's or a proxy's PathReport: news at once, figures now and then, and what could not be written until it can. Nothing
 * while the cluster is no member: a report that was removed when it left would come back.
 */
export class Reporter {
  readonly #node: string;
  readonly #deps: ReporterDeps;
  readonly #role: ReporterRole;
  #said: Said | undefined;
  #written: Omit<PathReportSpec, "renewedAt"> | undefined;
  #wakeUp: AbortController | undefined;

  constructor(node: string, deps: ReporterDeps, role: ReporterRole = "gateway") {
    this.#node = node;
    this.#deps = deps;
    this.#role = role;
  }

  /** From now on this is so. */
  say(said: Said): void {
    this.#said = said;
    if (isNews(this.#written, this.#spec(said))) this.#wakeUp?.abort();
  }

  /** Writes until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      const said = this.#toBeSaid();
      const isWritten = said === undefined || (await this.#write(this.#spec(said), signal));
      failures = isWritten ? 0 : failures + 1;
      const waitMs = isWritten ? RENEW_MS : backoffMs(RETRY, failures - 1, random);
      const wakeUp = new AbortController();
      this.#wakeUp = wakeUp;
      const latest = this.#toBeSaid();
      const isBehind = latest !== undefined && isNews(this.#written, this.#spec(latest));
      // A failed write waits in any case: the server may need the time.
      if (isBehind && isWritten) continue;
      await sleep(clock, waitMs, AbortSignal.any([signal, wakeUp.signal]));
    }
  }

  #toBeSaid(): Said | undefined {
    if (this.#deps.networks.get(LOCAL_NETWORK) !== undefined) return this.#said;
    this.#written = undefined;
    return undefined;
  }

  async #write(spec: Omit<PathReportSpec, "renewedAt">, signal: AbortSignal): Promise<boolean> {
    const { client, clock, log } = this.#deps;
    const report: PathReport = {
      apiVersion: `${NETWORK_GROUP}/${NETWORK_VERSION}`,
      kind: PATH_REPORTS.kind,
      metadata: {
        name: reportName(this.#node, this.#role),
        labels: { [LABEL_MANAGED_BY]: MANAGED_BY },
      },
      spec: { ...spec, renewedAt: microTime(clock.nowMs()) },
    };
    const written = await client.apply(PATH_REPORTS, report, { signal });
    if (written.ok) this.#written = spec;
    else if (!signal.aborted) log.warn("path report not written", { err: written.error });
    return written.ok;
  }

  #spec({ facts, ...figures }: Said): Omit<PathReportSpec, "renewedAt"> {
    return { role: this.#role, node: this.#node, ...facts, ...figures };
  }
}

function reportName(node: string, role: ReporterRole = "gateway"): string {
  return `${role}-${node}`;
}
