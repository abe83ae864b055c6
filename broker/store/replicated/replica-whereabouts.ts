import { Replica } from "../../../api/broker/store.gen.ts";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { Space, SpaceItem, SpaceVersion } from "../space/space.ts";
import type { PresentMember, Whereabouts } from "../whereabouts.ts";
import type { ItemNames } from "./item-names.ts";

interface Deps {
  readonly space: Space;
  readonly names: ItemNames;
  readonly clock: Clock;
  /** This replica's, unlike any other's. */
  readonly id: string;
  /** What this replica wrote is not heard: what it hears may be old. */
  readonly onDoubt: () => void;
  /** What this replica wrote is heard. */
  readonly onHeard: () => void;
}

interface Other {
  readonly version: SpaceVersion;
  readonly heardMs: number;
  readonly members: readonly PresentMember[];
}

/** Between two beats. */
const BEAT_MS = 5000;
/** News are told sooner, not more often than this. */
const NEWS_MS = 500;
/** Without a beat: a replica's members are taken for disconnected. */
const SILENT_MS = 20_000;
/** Without a beat: its item is removed. */
const DEAD_MS = 120_000;

/**
 * Says in an item of its own which streams this replica holds, again and again, and hears of the others the same way.
 * Lives are told by the local clock alone. That a replica hears its own beats also proves that it hears everything.
 */
export class ReplicaWhereabouts implements Whereabouts {
  readonly #deps: Deps;
  /** BOUNDED: by the members connected here. */
  #members: readonly PresentMember[] = [];
  /** BOUNDED: by the living replicas. */
  #others: ReadonlyMap<string, Other> = new Map();
  /** BOUNDED: by the parts of the broker that subscribe. */
  readonly #listeners = new Set<() => void>();
  #beat = 0;
  #version: SpaceVersion | undefined;
  #heardBeat = 0;
  #heardMs: number;
  #failure: string | undefined;
  #timer: Timer | undefined;
  #work: Promise<void> | undefined;
  #isClosed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#heardMs = deps.clock.monotonicMs();
  }

  start(): void {
    this.#schedule(0);
  }

  /** Why what this replica knows may be old; undefined: it is not. */
  get problem(): string | undefined {
    const silentMs = this.#deps.clock.monotonicMs() - this.#heardMs;
    if (silentMs < SILENT_MS) return undefined;
    const why = this.#failure ?? "what is written is not heard of";
    return `store must be heard of every ${SILENT_MS} ms: silent for ${Math.round(silentMs)} ms: ${why}`;
  }

  publish(members: readonly PresentMember[]): void {
    this.#members = members;
    this.#schedule(NEWS_MS);
  }

  elsewhere(): ReadonlyMap<ClusterId, PresentMember> {
    const found = new Map<ClusterId, PresentMember>();
    for (const { heardMs, members } of this.#others.values()) {
      // By the beat that was heard of ourselves, not by now: a store that is away silences everybody, and says nothing of them.
      if (this.#heardMs - heardMs >= SILENT_MS) continue;
      for (const member of members) {
        const known = found.get(member.cluster);
        if (known === undefined || known.incarnation < member.incarnation) {
          found.set(member.cluster, member);
        }
      }
    }
    return found;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The items of all replicas, as last heard. */
  heard(items: ReadonlyMap<string, SpaceItem>): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const others = new Map<string, Other>();
    for (const [id, item] of items) {
      if (id === this.#deps.id) {
        this.#hearOwn(item);
        continue;
      }
      const known = this.#others.get(id);
      others.set(
        id,
        known?.version === item.version
          ? known
          : { version: item.version, heardMs: nowMs, members: membersOf(item) },
      );
    }
    this.#others = others;
    this.#tell();
  }

  /** Says nothing any more. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#work;
  }

  /** Takes this replica's facts back. */
  async close(): Promise<void> {
    await this.stop();
    await this.#deps.space.remove(this.#deps.names.replica(this.#deps.id));
  }

  #hearOwn(item: SpaceItem): void {
    const { beat } = decodeReplica(item);
    if (beat <= this.#heardBeat) return;
    this.#heardBeat = beat;
    this.#heardMs = this.#deps.clock.monotonicMs();
    this.#deps.onHeard();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** News bring a beat forward; a beat that has been asked for is never put off. */
  #schedule(delayMs: number): void {
    if (this.#isClosed || this.#work !== undefined) return;
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.setTimer(delayMs, () => {
      this.#work = this.#pulse().finally(() => {
        this.#work = undefined;
        this.#schedule(BEAT_MS);
      });
    });
  }

  /** Never rejects: spaces answer with values. */
  async #pulse(): Promise<void> {
    const silentMs = this.#deps.clock.monotonicMs() - this.#heardMs;
    if (silentMs > 2 * BEAT_MS) this.#deps.onDoubt();
    await this.#write();
    await this.#removeDead();
    // Somebody may have fallen silent.
    if (this.#others.size > 0) this.#tell();
  }

  async #write(): Promise<void> {
    const { space, names, id } = this.#deps;
    this.#beat += 1;
    const members = this.#members.map(({ cluster: clusterId, incarnation }) => ({
      clusterId,
      incarnation,
    }));
    const data = Replica.encode({ beat: this.#beat, members }).finish();
    const summary = `${members.length} connected`;
    const write = { name: names.replica(id), data, about: { kind: "replica", summary } };
    const written =
      this.#version === undefined
        ? await space.create(write)
        : await space.replace(write, this.#version);
    if (written.ok) {
      this.#version = written.value;
      this.#failure = undefined;
      return;
    }
    this.#failure = written.error.text;
    // Written without an answer, or removed by somebody who took this replica for dead.
    const present = await space.read(write.name);
    if (present.ok) this.#version = present.value?.version;
  }

  async #removeDead(): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [id, { version, heardMs }] of this.#others) {
      if (nowMs - heardMs < DEAD_MS) continue;
      await this.#deps.space.remove(this.#deps.names.replica(id), version);
    }
  }
}

function membersOf(item: SpaceItem): PresentMember[] {
  return decodeReplica(item).members.flatMap(({ clusterId, incarnation }) => {
    const cluster = parseClusterId(clusterId);
    return cluster.ok ? [{ cluster: cluster.value, incarnation }] : [];
  });
}

/** What cannot be read says nothing. */
function decodeReplica(item: SpaceItem): Replica {
  try {
    return Replica.decode(item.data);
  } catch {
    return { beat: 0, members: [] };
  }
}
