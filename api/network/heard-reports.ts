import { microTime } from "../kube/micro-time.ts";
import type { PathReport } from "./path-report.ts";

/** Clocks that differ by less are taken to agree, and what a report says stands. */
const AGREEING_MS = 5_000;

/**
 * When reports were renewed, by the clock of who reads them: one whose machine is minutes behind is no dead one, and one whose machine is
 * ahead does not live on after its death. What changed while we looked was renewed then; of what was there before there is only its word.
 */
export class HeardReports {
  /** By name. BOUNDED: by the reports that the reader keeps. */
  readonly #heard = new Map<string, { readonly renewedAt: string; readonly atMs: number }>();

  /**
   * The report with `renewedAt` as the reader's clock has it.
   * @param nowMs of the reader, epoch milliseconds
   */
  take(report: PathReport, nowMs: number): PathReport {
    const { metadata, spec } = report;
    const saidMs = Date.parse(spec.renewedAt);
    if (Number.isNaN(saidMs)) return report;
    const before = this.#heard.get(metadata.name);
    const first = before === undefined ? Math.min(saidMs, nowMs) : nowMs;
    const atMs = before?.renewedAt === spec.renewedAt ? before.atMs : first;
    this.#heard.set(metadata.name, { renewedAt: spec.renewedAt, atMs });
    if (Math.abs(saidMs - atMs) < AGREEING_MS) return report;
    return { ...report, spec: { ...spec, renewedAt: microTime(atMs) } };
  }

  /** All that there are; what is known of others is forgotten. */
  takeAll(reports: readonly PathReport[], nowMs: number): readonly PathReport[] {
    const names = new Set(reports.map(({ metadata }) => metadata.name));
    for (const name of [...this.#heard.keys()]) if (!names.has(name)) this.forget(name);
    return reports.map((report) => this.take(report, nowMs));
  }

  forget(name: string): void {
    this.#heard.delete(name);
  }
}
