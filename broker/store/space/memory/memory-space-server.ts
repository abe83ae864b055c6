import { err, ok, type Result } from "../../../../api/result.ts";
import type {
  SpaceError,
  SpaceEvent,
  SpaceItem,
  SpaceListener,
  SpaceVersion,
  SpaceWrite,
} from "../space.ts";

/** The engine that memory spaces share: one order of writes, and a history of all of them. */
export class MemorySpaceServer {
  /** BOUNDED: by the test that fills it. */
  readonly #items = new Map<string, SpaceItem>();
  readonly #followers = new Set<SpaceListener>();
  #version = 0;
  /** While set, every write is answered so, and nothing is written. */
  refusal: SpaceError | undefined;

  get items(): ReadonlyMap<string, SpaceItem> {
    return this.#items;
  }

  create(write: SpaceWrite): Result<SpaceVersion, SpaceError> {
    if (this.refusal !== undefined) return err(this.refusal);
    if (this.#items.has(write.name)) return conflict(`${write.name} must be absent: it exists`);
    return ok(this.#put(write));
  }

  replace(write: SpaceWrite, version: SpaceVersion): Result<SpaceVersion, SpaceError> {
    if (this.refusal !== undefined) return err(this.refusal);
    const current = this.#items.get(write.name)?.version;
    return current === version
      ? ok(this.#put(write))
      : conflict(`${write.name} must be of version ${version}: got ${current ?? "none"}`);
  }

  remove(name: string, version?: SpaceVersion): Result<void, SpaceError> {
    if (this.refusal !== undefined) return err(this.refusal);
    const current = this.#items.get(name)?.version;
    if (current === undefined) return ok(undefined);
    if (version !== undefined && current !== version) {
      return conflict(`${name} must be of version ${version}: got ${current}`);
    }
    this.#version += 1;
    this.#items.delete(name);
    this.#tell({ kind: "removed", name });
    return ok(undefined);
  }

  /** Tells the present items, then each change. Returns the end of it. */
  follow(listener: SpaceListener): () => void {
    listener.snapshot([...this.#items.values()]);
    this.#followers.add(listener);
    return () => this.#followers.delete(listener);
  }

  #put({ name, data }: SpaceWrite): SpaceVersion {
    this.#version += 1;
    const item = { name, data: Uint8Array.from(data), version: String(this.#version) };
    this.#items.set(name, item);
    this.#tell({ kind: "put", item });
    return item.version;
  }

  #tell(event: SpaceEvent): void {
    for (const follower of this.#followers) follower.changes([event]);
  }
}

function conflict(text: string): Result<never, SpaceError> {
  return err({ kind: "conflict", text });
}
