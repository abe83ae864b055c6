import type { ServiceKey } from "../../api/service-key.ts";

/** Problems that stand in the way of services, so that each is told when it comes up and not at every look. */
export class StandingProblems {
  /** BOUNDED: by the services of this cluster that have a problem now. */
  readonly #known = new Map<ServiceKey, ReadonlySet<string>>();

  /**
   * Replaces what stands in the way of one service.
   * @returns the problems that were not there before.
   */
  update(key: ServiceKey, problems: readonly string[]): readonly string[] {
    const before = this.#known.get(key);
    if (problems.length === 0) this.#known.delete(key);
    else this.#known.set(key, new Set(problems));
    return problems.filter((problem) => before?.has(problem) !== true);
  }
}
