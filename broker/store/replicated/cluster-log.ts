import type { LogPart } from "../../../api/broker/store.gen.ts";
import type { ClusterId } from "../../../api/cluster-id.ts";
import type { LogEntry, LogHead } from "./item-codec.ts";
import type { ItemNames } from "./item-names.ts";

/** What a replica knows of one cluster's log; its records are in the table. */
export class ClusterLog {
  readonly cluster: ClusterId;
  readonly #names: ItemNames;
  /** First entry that the parts do not hold. */
  #start = 0;
  #next = 0;
  #session = "";
  #headVersion: string | undefined;
  #parts: readonly LogPart[] = [];
  /** Bytes of each entry from `start` on. BOUNDED: by compaction (log-compactor.ts). */
  readonly #tail = new Map<number, number>();

  constructor(cluster: ClusterId, names: ItemNames) {
    this.cluster = cluster;
    this.#names = names;
  }

  get start(): number {
    return this.#start;
  }

  /** Where the next entry goes. */
  get next(): number {
    return this.#next;
  }

  /** The one that may write. */
  get session(): string {
    return this.#session;
  }

  get parts(): readonly LogPart[] {
    return this.#parts;
  }

  /** Undefined: the log has no head yet. */
  get headVersion(): string | undefined {
    return this.#headVersion;
  }

  get tailCount(): number {
    return this.#tail.size;
  }

  get tailBytes(): number {
    let bytes = 0;
    for (const size of this.#tail.values()) bytes += size;
    return bytes;
  }

  /** Whether an item of this name tells something that no other does. */
  needs(name: string): boolean {
    const item = this.#names.parse(name);
    if (item?.kind === "log") return item.index >= this.#start && item.index < this.#next;
    if (item?.kind === "head") return this.#headVersion !== undefined;
    return this.#parts.some((part) => part.name === name);
  }

  /** Names of the entries from `start` on. */
  tailNames(): string[] {
    return [...this.#tail.keys()].map((index) => this.#names.log(this.cluster, index));
  }

  /**
   * void: written at an index that parts have taken over since, by somebody who did not know; it never counts.
   * known: heard before. missed: an earlier one has not been heard.
   */
  classify(index: number): "next" | "void" | "known" | "missed" {
    if (index < this.#start) return "void";
    if (index < this.#next) return "known";
    return index === this.#next ? "next" : "missed";
  }

  /** The entry at `next`. */
  take({ opensSession, session }: LogEntry, bytes: number): void {
    this.#tail.set(this.#next, bytes);
    this.#next += 1;
    if (opensSession) this.#session = session;
  }

  /** Whoever had the session writes no more. */
  endSession(): void {
    this.#session = "";
  }

  /** False: an older one. Entries that it takes over have been heard, or are told by its parts. */
  takeHead(head: LogHead, version: string): boolean {
    if (head.start < this.#start) return false;
    this.#start = head.start;
    this.#parts = head.parts;
    this.#headVersion = version;
    if (this.#next < head.start) {
      this.#next = head.start;
      this.#session = head.session;
    }
    for (const index of this.#tail.keys()) if (index < head.start) this.#tail.delete(index);
    return true;
  }

  /** Somebody has removed it. */
  loseHead(): void {
    this.#headVersion = undefined;
  }
}
