import type { ClusterId } from "../../api/cluster-id.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { HeardReports } from "../../api/network/heard-reports.ts";
import { parsePathReport } from "../../api/network/parse-network-objects.ts";
import type { PathReport } from "../../api/network/path-report.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";

/** The PathReports of this cluster, as they could be read last. */
export class ReportBook {
  readonly #log: Logger;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #heard = new HeardReports();
  /** BOUNDED: by the pods and nodes that report. */
  readonly #reports = new Map<string, PathReport>();

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Pick<Clock, "nowMs"> }) {
    this.#log = log;
    this.#clock = clock;
  }

  all(): readonly PathReport[] {
    return [...this.#reports.values()];
  }

  /**
   * One that cannot be read leaves what was said before.
   * @param object undefined: it is gone
   * @returns the peers that it says something else of; "all": proxies take clients elsewhere, for whomever
   */
  take(key: string, object: KubeObject | undefined): ReadonlySet<ClusterId> | "all" {
    const before = this.#reports.get(key);
    if (object === undefined) {
      this.#reports.delete(key);
      this.#heard.forget(key);
    } else {
      this.#put(key, object);
    }
    const both = [before, this.#reports.get(key)];
    const [were, are] = both.map((report) => JSON.stringify(report?.spec.clientAddresses ?? []));
    if (were !== are) return "all";
    return new Set(both.flatMap((report) => report?.spec.paths ?? []).map(({ peer }) => peer));
  }

  #put(key: string, object: KubeObject): void {
    const parsed = parsePathReport(object);
    if (parsed.ok) this.#reports.set(key, this.#heard.take(parsed.value, this.#clock.nowMs()));
    else this.#log.warn("path report cannot be used", { problem: parsed.error });
  }
}
