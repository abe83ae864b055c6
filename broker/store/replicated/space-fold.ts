import type { ClusterId } from "../../../api/cluster-id.ts";
import type { SpaceEvent, SpaceItem } from "../space/space.ts";
import { ClusterLog } from "./cluster-log.ts";
import { type FoldOutcome, OutcomeBuilder } from "./fold-outcome.ts";
import { decodeEntry, decodeHead, decodePart, type LogHead } from "./item-codec.ts";
import { type ItemNames, META_NAME } from "./item-names.ts";
import { parseMeta } from "./store-meta.ts";

/** The items of one cluster in a snapshot. */
interface ClusterItems {
  head?: SpaceItem;
  readonly entries: { readonly index: number; readonly item: SpaceItem }[];
  readonly parts: { readonly covered: number; readonly item: SpaceItem }[];
}

/**
 * Turns what is heard of a space into records for the table. Every replica hears the same order, so all of them come
 * to the same table, and to the same verdict about each entry. No IO.
 */
export class SpaceFold {
  readonly #epoch: string;
  readonly #names: ItemNames;
  /** BOUNDED: by the clusters that ever joined. */
  readonly #logs = new Map<ClusterId, ClusterLog>();
  /** Last item of each replica. BOUNDED: by the replicas; those that died are removed by the others. */
  readonly #replicas = new Map<string, SpaceItem>();

  constructor(epoch: string, names: ItemNames) {
    this.#epoch = epoch;
    this.#names = names;
  }

  get replicas(): ReadonlyMap<string, SpaceItem> {
    return this.#replicas;
  }

  log(cluster: ClusterId): ClusterLog {
    const known = this.#logs.get(cluster);
    if (known !== undefined) return known;
    const log = new ClusterLog(cluster, this.#names);
    this.#logs.set(cluster, log);
    return log;
  }

  logs(): Iterable<ClusterLog> {
    return this.#logs.values();
  }

  /** Everything at one moment; what it tells beyond what is known already becomes records. */
  snapshot(items: readonly SpaceItem[]): FoldOutcome {
    const outcome = new OutcomeBuilder();
    const meta = items.find(({ name }) => name === META_NAME);
    if (!this.#isOurs(meta)) {
      outcome.fail(
        "lost",
        "store must be the one that was opened: its contents have been replaced",
      );
      return outcome;
    }
    this.#replicas.clear();
    outcome.replicasChanged = true;
    const clusters = new Map<ClusterId, ClusterItems>();
    for (const cluster of this.#logs.keys()) clusters.set(cluster, { entries: [], parts: [] });
    for (const item of items) {
      if (this.#names.isLeftover(item.name)) outcome.leftovers.push(item.name);
      else this.#sort(item, clusters);
    }
    for (const [cluster, found] of clusters) this.#takeCluster(cluster, found, outcome);
    return outcome;
  }

  /** What happened next, in order. */
  changes(events: readonly SpaceEvent[]): FoldOutcome {
    const outcome = new OutcomeBuilder();
    for (const event of events) {
      if (event.kind === "put") this.#put(event.item, outcome);
      else this.#removed(event.name, outcome);
    }
    return outcome;
  }

  #isOurs(meta: SpaceItem | undefined): boolean {
    const parsed = meta === undefined ? undefined : parseMeta(meta.data);
    return parsed?.ok === true && parsed.value.epoch === this.#epoch;
  }

  #sort(item: SpaceItem, clusters: Map<ClusterId, ClusterItems>): void {
    const name = this.#names.parse(item.name);
    if (name?.kind === "replica") this.#replicas.set(name.id, item);
    if (name === undefined || name.kind === "replica") return;
    const found = clusters.get(name.cluster) ?? { entries: [], parts: [] };
    clusters.set(name.cluster, found);
    if (name.kind === "head") found.head = item;
    else if (name.kind === "log") found.entries.push({ index: name.index, item });
    else found.parts.push({ covered: name.covered, item });
  }

  #takeCluster(cluster: ClusterId, found: ClusterItems, outcome: OutcomeBuilder): void {
    const log = this.log(cluster);
    const head = found.head === undefined ? undefined : decodeHead(found.head.data);
    if (head?.ok === false) return outcome.fail("lost", `${cluster}: ${head.error}`);
    found.entries.sort((a, b) => a.index - b.index);
    const end = Math.max(head?.value.start ?? 0, (found.entries.at(-1)?.index ?? -1) + 1);
    if (end < log.next) {
      const text = `store must not go back: ${cluster} was at entry ${log.next}, now at ${end}`;
      return outcome.fail("lost", text);
    }
    if (head !== undefined && found.head !== undefined) {
      const hasGap = log.next < head.value.start;
      log.takeHead(head.value, found.head.version);
      if (hasGap) this.#takeParts(log, head.value, found, outcome);
    }
    for (const { item, index } of found.entries) {
      if (log.classify(index) === "missed") {
        const text = `store must hold every entry: ${cluster} lacks ${log.next} before ${index}`;
        return outcome.fail("lost", text);
      }
      this.#takeEntry(log, index, item, outcome);
    }
    const named = new Set(log.parts.map(({ name }) => name));
    for (const { item, covered } of found.parts) {
      if (covered < log.start && !named.has(item.name)) outcome.leftovers.push(item.name);
    }
  }

  /** Starts a cluster over: entries that were not heard are told by the parts alone. */
  #takeParts(log: ClusterLog, head: LogHead, found: ClusterItems, outcome: OutcomeBuilder): void {
    outcome.forgotten.add(log.cluster);
    const items = new Map(found.parts.map(({ item }) => [item.name, item]));
    for (const { name } of head.parts) {
      const item = items.get(name);
      if (item === undefined) {
        outcome.fail("lost", `store must hold ${name}: it is missing`);
        return;
      }
      const records = decodePart(item.data);
      if (!records.ok) {
        outcome.fail("lost", `${name}: ${records.error}`);
        return;
      }
      outcome.records.push(...records.value);
    }
  }

  #takeEntry(log: ClusterLog, index: number, item: SpaceItem, outcome: OutcomeBuilder): void {
    const verdict = log.classify(index);
    if (verdict === "known") return;
    const entry = decodeEntry(item.data);
    if (!entry.ok) return outcome.fail("lost", `${item.name}: ${entry.error}`);
    const isVoid = verdict === "void";
    if (isVoid) {
      outcome.leftovers.push(item.name);
    } else {
      log.take(entry.value, item.data.length);
      outcome.records.push(...entry.value.records);
    }
    const { id, opensSession, session } = entry.value;
    outcome.entries.push({ cluster: log.cluster, index, id, opensSession, session, isVoid });
  }

  #put(item: SpaceItem, outcome: OutcomeBuilder): void {
    if (item.name === META_NAME && !this.#isOurs(item)) {
      return outcome.fail("lost", "store must keep its epoch: got another");
    }
    const name = this.#names.parse(item.name);
    switch (name?.kind) {
      case "log": {
        const log = this.log(name.cluster);
        if (log.classify(name.index) === "missed") {
          outcome.fail("missed", `${item.name} came before entry ${log.next}`);
        } else {
          this.#takeEntry(log, name.index, item, outcome);
        }
        return;
      }
      case "head":
        return this.#putHead(this.log(name.cluster), item, outcome);
      case "replica":
        this.#replicas.set(name.id, item);
        outcome.replicasChanged = true;
        return;
      case "part":
      case undefined:
        return;
    }
  }

  #putHead(log: ClusterLog, item: SpaceItem, outcome: OutcomeBuilder): void {
    const head = decodeHead(item.data);
    if (!head.ok) return outcome.fail("lost", `${item.name}: ${head.error}`);
    // Its entries must have been heard before: their records are not read from parts here.
    if (head.value.start > log.next) {
      return outcome.fail("missed", `${item.name} starts after entry ${log.next}`);
    }
    log.takeHead(head.value, item.version);
  }

  #removed(text: string, outcome: OutcomeBuilder): void {
    const name = this.#names.parse(text);
    if (text === META_NAME) {
      outcome.fail("lost", "store must keep its epoch: it was removed");
    } else if (name?.kind === "replica") {
      this.#replicas.delete(name.id);
      outcome.replicasChanged = true;
    } else if (name !== undefined) {
      const log = this.log(name.cluster);
      if (log.needs(text)) outcome.damaged.add(name.cluster);
      if (name.kind === "head") log.loseHead();
    }
  }
}
