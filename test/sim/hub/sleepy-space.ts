import type { Result } from "../../../api/result.ts";
import type { MemorySpace } from "../../../broker/store/space/memory/memory-space.ts";
import type {
  Following,
  Space,
  SpaceError,
  SpaceItem,
  SpaceListener,
  SpaceVersion,
  SpaceWrite,
} from "../../../broker/store/space/space.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";

interface Deps {
  readonly clock: Clock;
  /** Of each request, milliseconds, drawn anew. */
  readonly latencyMs: () => number;
}

/**
 * A replica's way to the space that takes time. While it sleeps, requests that were made arrive only when it wakes, long
 * after others have written: a stale writer.
 */
export class SleepySpace implements Space {
  readonly #space: MemorySpace;
  readonly #deps: Deps;
  readonly #closing = new AbortController();
  #wakesMs = 0;
  #waking: Timer | undefined;

  constructor(space: MemorySpace, deps: Deps) {
    this.#space = space;
    this.#deps = deps;
  }

  sleepFor(forMs: number): void {
    const { clock } = this.#deps;
    this.#space.hold();
    this.#wakesMs = clock.monotonicMs() + forMs;
    this.#waking?.cancel();
    this.#waking = clock.setTimer(forMs, () => this.wake());
  }

  wake(): void {
    this.#waking?.cancel();
    this.#waking = undefined;
    this.#wakesMs = 0;
    this.#space.release();
  }

  async read(name: string): Promise<Result<SpaceItem | undefined, SpaceError>> {
    await this.#arrive();
    return this.#space.read(name);
  }

  async list(prefix: string): Promise<Result<readonly SpaceItem[], SpaceError>> {
    await this.#arrive();
    return this.#space.list(prefix);
  }

  async create(write: SpaceWrite): Promise<Result<SpaceVersion, SpaceError>> {
    await this.#arrive();
    return this.#space.create(write);
  }

  async replace(
    write: SpaceWrite,
    version: SpaceVersion,
  ): Promise<Result<SpaceVersion, SpaceError>> {
    await this.#arrive();
    return this.#space.replace(write, version);
  }

  async remove(name: string, version?: SpaceVersion): Promise<Result<void, SpaceError>> {
    await this.#arrive();
    return this.#space.remove(name, version);
  }

  follow(listener: SpaceListener): Following {
    return this.#space.follow(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#waking?.cancel();
    await this.#space.close();
  }

  async #arrive(): Promise<void> {
    const { clock, latencyMs } = this.#deps;
    const wakingMs = Math.max(0, this.#wakesMs - clock.monotonicMs());
    await sleep(clock, latencyMs() + wakingMs, this.#closing.signal);
  }
}
