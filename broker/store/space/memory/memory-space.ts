import { err, ok, type Result } from "../../../../api/result.ts";
import type {
  Following,
  Space,
  SpaceError,
  SpaceEvent,
  SpaceItem,
  SpaceListener,
  SpaceVersion,
  SpaceWrite,
} from "../space.ts";
import type { MemorySpaceServer } from "./memory-space-server.ts";

const CUT: SpaceError = { kind: "unavailable", text: "no answer: the space is cut off" };

/**
 * One replica's way to a MemorySpaceServer, with the faults of a network: cut off, answers lost after the write,
 * changes heard late. For tests and the simulation.
 */
export class MemorySpace implements Space {
  readonly #server: MemorySpaceServer;
  readonly #followings = new Set<MemoryFollowing>();
  #isClosed = false;
  #isCut = false;
  /** The next so many writes happen without an answer. */
  lostAnswers = 0;

  constructor(server: MemorySpaceServer) {
    this.#server = server;
  }

  /** Nothing gets through, and nothing is heard, until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const following of this.#followings) following.disconnect();
  }

  mend(): void {
    this.#isCut = false;
    for (const following of this.#followings) following.connect();
  }

  /** Changes are kept back until `release`. */
  hold(): void {
    for (const following of this.#followings) following.hold();
  }

  release(): void {
    for (const following of this.#followings) following.release();
  }

  async read(name: string): Promise<Result<SpaceItem | undefined, SpaceError>> {
    await Promise.resolve();
    return this.#isUnreachable() ? err(CUT) : ok(this.#server.items.get(name));
  }

  async list(prefix: string): Promise<Result<readonly SpaceItem[], SpaceError>> {
    await Promise.resolve();
    if (this.#isUnreachable()) return err(CUT);
    return ok([...this.#server.items.values()].filter(({ name }) => name.startsWith(prefix)));
  }

  create(write: SpaceWrite): Promise<Result<SpaceVersion, SpaceError>> {
    return this.#write(() => this.#server.create(write));
  }

  replace(write: SpaceWrite, version: SpaceVersion): Promise<Result<SpaceVersion, SpaceError>> {
    return this.#write(() => this.#server.replace(write, version));
  }

  remove(name: string, version?: SpaceVersion): Promise<Result<void, SpaceError>> {
    return this.#write(() => this.#server.remove(name, version));
  }

  follow(listener: SpaceListener): Following {
    const following = new MemoryFollowing(this.#server, listener);
    this.#followings.add(following);
    if (!this.#isUnreachable()) queueMicrotask(() => following.connect());
    return {
      restart: () => {
        following.disconnect();
        if (!this.#isUnreachable()) following.connect();
      },
      stop: async () => {
        following.stop();
        this.#followings.delete(following);
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const following of this.#followings) following.stop();
    this.#followings.clear();
  }

  async #write<T>(perform: () => Result<T, SpaceError>): Promise<Result<T, SpaceError>> {
    await Promise.resolve();
    if (this.#isUnreachable()) return err(CUT);
    const done = perform();
    if (done.ok && this.lostAnswers > 0) {
      this.lostAnswers -= 1;
      return err({ kind: "unavailable", text: "no answer: it was lost" });
    }
    return done;
  }

  #isUnreachable(): boolean {
    return this.#isClosed || this.#isCut;
  }
}

class MemoryFollowing implements SpaceListener {
  readonly #server: MemorySpaceServer;
  readonly #listener: SpaceListener;
  #leave: (() => void) | undefined;
  /** Kept back while set. BOUNDED: by the test that holds them. */
  #held: SpaceEvent[] | undefined;
  #isStopped = false;

  constructor(server: MemorySpaceServer, listener: SpaceListener) {
    this.#server = server;
    this.#listener = listener;
  }

  connect(): void {
    if (!this.#isStopped) this.#leave ??= this.#server.follow(this);
  }

  disconnect(): void {
    this.#leave?.();
    this.#leave = undefined;
    this.#held = undefined;
  }

  stop(): void {
    this.#isStopped = true;
    this.disconnect();
  }

  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined && held.length > 0) this.#listener.changes(held);
  }

  snapshot(items: readonly SpaceItem[]): void {
    this.#listener.snapshot(items);
  }

  changes(events: readonly SpaceEvent[]): void {
    if (this.#held === undefined) this.#listener.changes(events);
    else this.#held.push(...events);
  }
}
