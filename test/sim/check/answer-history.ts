import { LABEL_SERVICE_NAME } from "../../../api/mcs/labels.ts";
import { SIM_KEYS } from "../script/service-shapes.ts";
import type { DnsProcess } from "../world/dns-process.ts";
import { naiveAddresses } from "./naive-addresses.ts";
import type { Report } from "./violation.ts";

/**
 * I10: each answer is what one state of the server's views gives, never a mix of two. The states are recorded at
 * every event of a view; answers are asked for whenever a zone is published.
 */
export class AnswerHistory {
  readonly #report: Report;
  /** Answers that were right at some moment. BOUNDED: by the states of one run. */
  readonly #right = new Map<string, Set<string>>();
  #process: DnsProcess | undefined;

  constructor(report: Report) {
    this.#report = report;
  }

  /** @param services those that the change may bear on, whether scripts know them or not. */
  viewChanged(process: DnsProcess, services: readonly string[]): void {
    this.#begin(process);
    for (const key of services) this.#right.get(key)?.add(rightAnswer(process, key));
  }

  /** @param services those that the zone says something new of; all are asked for at rest. */
  zoneChanged(process: DnsProcess, services: Iterable<string>): void {
    this.#begin(process);
    const changed = new Set(services);
    for (const key of SIM_KEYS) {
      if (!changed.has(key)) continue;
      const answer = process.addresses(key);
      if (this.#right.get(key)?.has(answer) === true) continue;
      this.#report(
        "I10",
        `${process.cluster.id} answers for ${key} what was never true: ${answer}`,
      );
    }
  }

  /** A new process has seen nothing of what the old one saw. */
  #begin(process: DnsProcess): void {
    if (this.#process === process) return;
    this.#process = process;
    for (const key of SIM_KEYS) this.#right.set(key, new Set([rightAnswer(process, key)]));
  }
}

function rightAnswer({ views }: DnsProcess, key: string): string {
  const [namespace = "", name = ""] = key.split("/");
  return naiveAddresses({
    hasNamespace: views.namespaces.view.get(namespace) !== undefined,
    serviceImport: views.imports.view.get(key),
    slices: [...views.slices.view.values()].filter(
      ({ metadata }) =>
        metadata.namespace === namespace && metadata.labels?.[LABEL_SERVICE_NAME] === name,
    ),
    dead: views.deadPeers?.current ?? new Set(),
  });
}
