import type { LogPart } from "../../../api/broker/store.gen.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { TableView } from "../../core/broker-table.ts";
import type { Space } from "../space/space.ts";
import type { ClusterLog } from "./cluster-log.ts";
import { ENTRY_BYTES } from "./cluster-writer.ts";
import { encodeHead, encodePart } from "./item-codec.ts";
import type { ItemNames } from "./item-names.ts";
import { planCompaction } from "./plan-compaction.ts";
import { summarize } from "./summarize.ts";

interface Deps {
  readonly space: Space;
  readonly names: ItemNames;
  readonly table: TableView;
  readonly log: Logger;
  /** Text that nobody else makes. */
  readonly newId: () => string;
}

/** Entries after which a log is folded into parts. */
export const TAIL_ENTRIES = 64;
/** Removed at once; more would only wait in the engine. */
const REMOVERS = 8;

/**
 * Folds logs into parts. The log's head says which parts count and is changed in one step, so another replica that
 * does the same at the same time, or a crash at any point, costs only items that nobody needs.
 */
export class LogCompactor {
  readonly #tailEntries: number;
  readonly #deps: Deps;
  /** One after another. */
  #last: Promise<unknown> = Promise.resolve();
  /** BOUNDED: by the clusters. */
  readonly #queued = new Set<ClusterLog>();
  #isClosed = false;

  constructor({ tailEntries }: { readonly tailEntries: number }, deps: Deps) {
    this.#tailEntries = tailEntries;
    this.#deps = deps;
  }

  /** When it is due, or at once. Failures are logged: the log is as good as before. */
  schedule(log: ClusterLog, isUrgent = false): void {
    if (this.#isClosed || this.#queued.has(log)) return;
    if (log.tailCount === 0 || (!isUrgent && log.tailCount < this.#tailEntries)) return;
    this.#queued.add(log);
    this.#run(async () => {
      this.#queued.delete(log);
      const compacted = await this.#compact(log);
      if (!compacted.ok) {
        this.#deps.log.warn("log not compacted", { cluster: log.cluster, reason: compacted.error });
      }
    });
  }

  /** Items that nobody needs; that some are gone already is fine. */
  remove(names: readonly string[]): void {
    if (names.length > 0 && !this.#isClosed) this.#run(() => this.#removeAll(names));
  }

  /** Resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }

  #run(work: () => Promise<unknown>): void {
    this.#last = this.#last.then(() => (this.#isClosed ? undefined : work()));
  }

  async #compact(log: ClusterLog): Promise<Result<void, string>> {
    const { space, names, table } = this.#deps;
    // All of this in one turn: the table shows exactly the entries before `next`.
    const { next, session, headVersion, cluster } = log;
    if (log.tailCount === 0) return ok(undefined);
    const plan = planCompaction(log, table, ENTRY_BYTES);
    const kept = new Set(plan.kept.map(({ name }) => name));
    const obsolete = [
      ...log.tailNames(),
      ...log.parts.map(({ name }) => name).filter((name) => !kept.has(name)),
    ];
    const added: LogPart[] = [];
    for (const { records, incarnation, sequence } of plan.added) {
      const name = names.part(cluster, next - 1, this.#deps.newId());
      const data = encodePart(records);
      const about = summarize("part", cluster, records);
      const created = await space.create({ name, data, about });
      // Leftovers of a failure go with the next compaction of this log that succeeds.
      if (!created.ok) return err(created.error.text);
      added.push({ name, bytes: data.length, incarnation, sequence });
    }
    const head = encodeHead({ start: next, session, parts: [...plan.kept, ...added] });
    const write = { name: names.head(cluster), data: head, about: { kind: "head", cluster } };
    const written =
      headVersion === undefined
        ? await space.create(write)
        : await space.replace(write, headVersion);
    if (written.ok) {
      await this.#removeAll(obsolete);
    } else if (written.error.kind !== "unavailable") {
      // Another replica was first. Without an answer they may be in force: then they stay.
      await this.#removeAll(added.map(({ name }) => name));
    }
    return written.ok ? ok(undefined) : err(written.error.text);
  }

  async #removeAll(names: readonly string[]): Promise<void> {
    const left = [...names];
    const remover = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        const removed = await this.#deps.space.remove(name);
        if (removed.ok) continue;
        this.#deps.log.debug("item not removed", { name, reason: removed.error.text });
        if (removed.error.kind === "unavailable") return;
      }
    };
    await Promise.all(Array.from({ length: REMOVERS }, remover));
  }
}
