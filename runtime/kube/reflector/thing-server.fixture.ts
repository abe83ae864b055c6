import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import type { Result } from "../../../api/result.ts";
import { err, ok } from "../../../api/result.ts";
import type { KubeClient, ListPage, ListQuery, WatchEvent, WatchQuery } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";

export const THINGS: Resource = {
  group: "example.com",
  version: "v1",
  plural: "things",
  kind: "Thing",
  namespaced: false,
};

export const GONE: KubeError = { kind: "gone", message: "too old resource version", status: 410 };
export const BROKEN: KubeError = { kind: "unavailable", message: "connection reset" };

/** One collection with a history, as an API server keeps it, that fails when told to. */
export class ThingServer {
  readonly objects = new Map<string, KubeObject>();
  readonly lists: ListQuery[] = [];
  readonly watches: WatchQuery[] = [];
  listError: KubeError | undefined;
  watchError: KubeError | undefined;
  #version = 1;
  #compactedTo = 0;
  #history: { readonly version: number; readonly event: WatchEvent<KubeObject> }[] = [];
  #snapshots = new Map<
    string,
    { readonly items: readonly KubeObject[]; readonly version: number }
  >();
  #wake = Promise.withResolvers<void>();
  /** What ends each open watch, or is sent on it. */
  #broadcast: { readonly end?: KubeError | "clean"; readonly bookmark?: true }[] = [];

  put(name: string): void {
    const known = this.objects.has(name);
    const object = this.#stamp(name);
    this.objects.set(name, object);
    this.#record({ kind: known ? "modified" : "added", object });
  }

  delete(name: string): void {
    if (!this.objects.delete(name)) return;
    this.#record({ kind: "deleted", object: this.#stamp(name) });
  }

  /** Old versions and continue tokens are Gone from now on. */
  compact(): void {
    this.#compactedTo = this.#version;
    this.#snapshots.clear();
    this.#history = [];
  }

  tellWatches(what: { readonly end?: KubeError | "clean"; readonly bookmark?: true }): void {
    this.#broadcast.push(what);
    this.#notify();
  }

  readonly client: Pick<KubeClient, "list" | "watch"> = {
    list: async <T extends KubeObject>(
      _: Resource,
      query: ListQuery,
    ): Promise<Result<ListPage<T>, KubeError>> => {
      this.lists.push(query);
      if (this.listError !== undefined) return err(this.listError);
      const token = query.continueToken;
      const known = token === undefined ? undefined : this.#snapshots.get(token);
      if (token !== undefined && known === undefined) return err(GONE);
      const { items, version } = known ?? {
        items: [...this.objects.values()],
        version: this.#version,
      };
      const limit = query.limit ?? items.length;
      const rest = items.slice(limit);
      const page = {
        items: items.slice(0, limit) as unknown as T[],
        resourceVersion: `${version}`,
      };
      if (rest.length === 0) return ok(page);
      const continueToken = `${version}-${rest.length}`;
      this.#snapshots.set(continueToken, { items: rest, version });
      return ok({ ...page, continueToken });
    },
    watch: <T extends KubeObject>(_: Resource, query: WatchQuery, signal: AbortSignal) => {
      this.watches.push(query);
      return this.#watch(Number(query.resourceVersion), signal) as AsyncGenerator<
        WatchEvent<T>,
        KubeError | undefined,
        undefined
      >;
    },
  };

  async *#watch(
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<KubeObject>, KubeError | undefined, undefined> {
    if (this.watchError !== undefined) return this.watchError;
    let sent = from;
    let heard = this.#broadcast.length;
    const aborted = new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve(), { once: true }),
    );
    for (;;) {
      if (signal.aborted) return { kind: "aborted", message: "given up" };
      if (sent < this.#compactedTo) return GONE;
      for (const { version, event } of this.#history) {
        if (version <= sent) continue;
        sent = version;
        yield event;
      }
      for (; heard < this.#broadcast.length; heard++) {
        const what = this.#broadcast[heard];
        if (what?.bookmark) yield { kind: "bookmark", resourceVersion: `${this.#version}` };
        if (what?.end === "clean") return undefined;
        if (what?.end !== undefined) return what.end;
      }
      await Promise.race([this.#wake.promise, aborted]);
    }
  }

  #stamp(name: string): KubeObject {
    this.#version += 1;
    return {
      apiVersion: "example.com/v1",
      kind: "Thing",
      metadata: { name, uid: name, resourceVersion: `${this.#version}`, managedFields: [{}] },
    };
  }

  #record(event: WatchEvent<KubeObject>): void {
    this.#history.push({ version: this.#version, event });
    this.#notify();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
