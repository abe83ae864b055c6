import { isDeepStrictEqual } from "node:util";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type {
  CallOptions,
  DeleteOptions,
  DeletePreconditions,
  ListPage,
  ListQuery,
  ObjectRef,
  WatchEvent,
  WatchQuery,
} from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { objectKey } from "../../../runtime/kube/object-view.ts";
import type { NodeKube } from "../member-node-options.ts";
import { toRfc3339 } from "../rfc3339.ts";

/** A write that reached the server, for tests that count them. */
export interface Write {
  readonly verb: "create" | "update" | "patch" | "delete";
  readonly resource: string;
  readonly key: string;
}

interface Change {
  readonly version: number;
  readonly plural: string;
  readonly event: WatchEvent<KubeObject>;
}

/**
 * The part of an API server that a node needs, in memory: versions, conflicts, status as a subresource,
 * graceful deletion of bound Pods, garbage collection by owner. Validation is the real server's business.
 */
export class MemoryKube implements NodeKube {
  readonly writes: Write[] = [];
  /** Answers writes instead of the store while set. */
  fail: ((write: Write) => KubeError | undefined) | undefined;
  readonly #collections = new Map<string, Map<string, KubeObject>>();
  readonly #history: Change[] = [];
  readonly #waiting: (() => void)[] = [];
  #version = 0;

  /** All objects of a kind, as a test sees them. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the test knows the kind
  all<T extends KubeObject>(resource: Resource): readonly T[] {
    return [...this.#collection(resource).values()].map((object) => cast<T>(object));
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the test knows the kind
  find<T extends KubeObject>(resource: Resource, key: string): T | undefined {
    const found = this.#collection(resource).get(key);
    return found === undefined ? undefined : cast<T>(found);
  }

  list<T extends KubeObject>(
    resource: Resource,
    _query: ListQuery,
    _options: CallOptions,
  ): Promise<Result<ListPage<T>, KubeError>> {
    const items = this.all<T>(resource);
    return Promise.resolve(ok({ items, resourceVersion: String(this.#version) }));
  }

  async *watch<T extends KubeObject>(
    resource: Resource,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined> {
    let seen = Number(query.resourceVersion);
    while (!signal.aborted) {
      const next = this.#history.find(
        (entry) => entry.version > seen && entry.plural === resource.plural,
      );
      if (next === undefined) await this.#change(signal);
      else {
        seen = next.version;
        yield cast<WatchEvent<T>>(next.event);
      }
    }
    return undefined;
  }

  create<T extends KubeObject>(
    resource: Resource,
    object: T,
    _options: CallOptions,
  ): Promise<Result<T, KubeError>> {
    const failure = this.#record("create", resource, objectKey(object));
    if (failure !== undefined) return Promise.resolve(err(failure));
    if (this.#collection(resource).has(objectKey(object))) {
      return Promise.resolve(err({ kind: "already-exists", message: "already exists" }));
    }
    const metadata = {
      ...object.metadata,
      uid: `uid-${this.#version + 1}`,
      generation: 1,
      creationTimestamp: toRfc3339(this.#version * 1000),
    };
    return Promise.resolve(ok(this.#put(resource, { ...object, metadata }, "added")));
  }

  update<T extends KubeObject>(
    resource: Resource,
    object: T,
    _options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>> {
    const key = objectKey(object);
    const failure = this.#record("update", resource, key);
    if (failure !== undefined) return Promise.resolve(err(failure));
    const stored = this.#collection(resource).get(key);
    if (stored === undefined) return Promise.resolve(err(NOT_FOUND));
    const { resourceVersion } = object.metadata;
    if (resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion) {
      return Promise.resolve(err({ kind: "conflict", message: "the object has been modified" }));
    }
    return Promise.resolve(ok(this.#put(resource, object, "modified")));
  }

  mergePatch<T extends KubeObject>(
    target: ObjectRef,
    patch: object,
    options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>> {
    const key = keyOf(target);
    const failure = this.#record("patch", target.resource, key);
    if (failure !== undefined) return Promise.resolve(err(failure));
    const stored = this.find<T>(target.resource, key);
    if (stored === undefined) return Promise.resolve(err(NOT_FOUND));
    const merged = cast<T>(merge(stored, patch));
    const bump = options.subresource === undefined && !isSameSpec(stored, merged) ? 1 : 0;
    const generation = (stored.metadata.generation ?? 1) + bump;
    const next = { ...merged, metadata: { ...merged.metadata, generation } };
    if (isDeepStrictEqual(next, stored)) return Promise.resolve(ok(stored));
    return Promise.resolve(ok(this.#put(target.resource, next, "modified")));
  }

  delete(
    target: ObjectRef,
    preconditions: DeletePreconditions,
    options: DeleteOptions,
  ): Promise<Result<void, KubeError>> {
    const key = keyOf(target);
    const failure = this.#record("delete", target.resource, key);
    if (failure !== undefined) return Promise.resolve(err(failure));
    const stored = this.#collection(target.resource).get(key);
    if (stored === undefined) return Promise.resolve(err(NOT_FOUND));
    if (preconditions.uid !== undefined && preconditions.uid !== stored.metadata.uid) {
      return Promise.resolve(err({ kind: "conflict", message: "the UID does not match" }));
    }
    const isGraceful =
      target.resource.plural === "pods" && isBound(stored) && options.gracePeriodSeconds !== 0;
    if (!isGraceful) this.#remove(target.resource, stored);
    else if (stored.metadata.deletionTimestamp === undefined) {
      const deletionTimestamp = toRfc3339(this.#version * 1000);
      const metadata = { ...stored.metadata, deletionTimestamp };
      this.#put(target.resource, { ...stored, metadata }, "modified");
    }
    return Promise.resolve(ok(undefined));
  }

  #collection(resource: Resource): Map<string, KubeObject> {
    const known = this.#collections.get(resource.plural);
    const collection = known ?? new Map<string, KubeObject>();
    this.#collections.set(resource.plural, collection);
    return collection;
  }

  #record(verb: Write["verb"], resource: Resource, key: string): KubeError | undefined {
    const write = { verb, resource: resource.plural, key };
    this.writes.push(write);
    return this.fail?.(write);
  }

  #put<T extends KubeObject>(resource: Resource, object: T, kind: "added" | "modified"): T {
    this.#version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    const stored = { ...object, metadata };
    this.#collection(resource).set(objectKey(stored), stored);
    this.#emit(resource, { kind, object: stored });
    return stored;
  }

  #remove(resource: Resource, object: KubeObject): void {
    this.#version += 1;
    const resourceVersion = String(this.#version);
    this.#collection(resource).delete(objectKey(object));
    const last = { ...object, metadata: { ...object.metadata, resourceVersion } };
    this.#emit(resource, { kind: "deleted", object: last });
    for (const [plural, collection] of this.#collections) {
      for (const dependent of [...collection.values()]) {
        const owners = dependent.metadata.ownerReferences ?? [];
        const isOrphan = owners.some((owner) => owner.uid === object.metadata.uid);
        if (isOrphan) this.#collect({ ...resource, plural }, dependent);
      }
    }
  }

  #collect(resource: Resource, { metadata }: KubeObject): void {
    const { name, namespace } = metadata;
    const target = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
    void this.delete(target, {}, { signal: new AbortController().signal });
  }

  #emit(resource: Resource, event: WatchEvent<KubeObject>): void {
    this.#history.push({ version: this.#version, plural: resource.plural, event });
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
  }
}

const NOT_FOUND: KubeError = { kind: "not-found", message: "not found" };

function keyOf({ namespace, name }: ObjectRef): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function isBound(object: KubeObject): boolean {
  const spec = cast<{ readonly spec?: { readonly nodeName?: string } }>(object).spec;
  return (spec?.nodeName ?? "") !== "";
}

function isSameSpec(a: unknown, b: unknown): boolean {
  type WithSpec = { readonly spec?: unknown };
  return isDeepStrictEqual(cast<WithSpec>(a).spec, cast<WithSpec>(b).spec);
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const base =
    typeof target === "object" && target !== null && !Array.isArray(target) ? target : {};
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merge(result[name], value);
  }
  return result;
}

/** The store holds objects of every kind: what comes out is what went in under the same resource. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the one place where kinds are assumed
function cast<T>(value: unknown): T {
  return value as T;
}
