import type { KubeObject } from "../../api/kube/object.ts";

/**
 * How long a report must stay as it is before it is taken to be nobody's any more: far longer than any restart or outage
 * of a node, since the last report of a gateway is still good for something (`deriveFacts`).
 */
export const SILENT_MS = 3_600_000;

interface Seen {
  readonly resourceVersion: string | undefined;
  readonly sinceMs: number;
}

/** PathReports of gateways and proxies that came and went, by what this process has seen of them: clocks of others prove nothing. */
export class SilentReports {
  /** BOUNDED: by the reports that there are. */
  #seen: ReadonlyMap<string, Seen> = new Map();

  /** Those to be removed. None while all are silent: then it is the API server that nobody can write to. */
  look(reports: readonly KubeObject[], nowMs: number): readonly KubeObject[] {
    this.#seen = new Map(
      reports.map(({ metadata: { name, resourceVersion } }) => {
        const before = this.#seen.get(name);
        const isSame = before !== undefined && before.resourceVersion === resourceVersion;
        return [name, isSame ? before : { resourceVersion, sinceMs: nowMs }];
      }),
    );
    const silent = reports.filter(
      ({ metadata: { name } }) => nowMs - (this.#seen.get(name)?.sinceMs ?? nowMs) >= SILENT_MS,
    );
    return silent.length === reports.length ? [] : silent;
  }
}
