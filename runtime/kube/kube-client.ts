import type { KubeObject, Resource } from "../../api/kube/object.ts";
import type { Result } from "../../api/result.ts";
import type { KubeError } from "./kube-error.ts";

/** What every controller may ask of one cluster's API server. Objects are plain JSON as on the wire. */
export interface KubeClient {
  get<T extends KubeObject>(target: ObjectRef, options: CallOptions): Promise<Result<T, KubeError>>;

  /** One page. */
  list<T extends KubeObject>(
    resource: Resource,
    query: ListQuery,
    options: CallOptions,
  ): Promise<Result<ListPage<T>, KubeError>>;

  /**
   * Events until the server ends the watch, the signal aborts or the connection breaks.
   * Ends by returning a value: undefined for a clean end, the error otherwise. An ERROR event of the
   * server ends it as that error (410 Gone among them).
   */
  watch<T extends KubeObject>(
    resource: Resource,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined>;

  /** With `dryRun` the server validates, defaults and answers, but keeps nothing. */
  create<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: CallOptions & { readonly dryRun?: boolean },
  ): Promise<Result<T, KubeError>>;

  /** Replaces; a `metadata.resourceVersion` in the object makes it conditional (409 when stale). */
  update<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>>;

  /** Server-side apply with our field manager; creates when absent. */
  apply<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: ApplyOptions,
  ): Promise<Result<T, KubeError>>;

  /** RFC 7386 merge patch. */
  mergePatch<T extends KubeObject>(
    target: ObjectRef,
    patch: object,
    options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>>;

  /** `not-found` is an error value: callers that wanted absence treat it as done. */
  delete(
    target: ObjectRef,
    preconditions: DeletePreconditions,
    options: DeleteOptions,
  ): Promise<Result<void, KubeError>>;

  /**
   * Deletes all that the selector chooses, in one request of which a failure may leave any part undone. What is gone already is
   * no error; views hear of it by their watches.
   */
  deleteCollection(
    resource: Resource,
    query: CollectionQuery,
    options: CallOptions,
  ): Promise<Result<void, KubeError>>;

  /** Versions of an API group that the server serves and that have the resource, e.g. `["v1beta1"]`; empty when none. */
  servedVersions(
    group: string,
    plural: string,
    options: CallOptions,
  ): Promise<Result<readonly string[], KubeError>>;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** @default 10,000 */
  readonly timeoutMs?: number;
}

export interface ApplyOptions extends CallOptions {
  readonly subresource?: "status";
  /** Take fields over from other managers. @default true: controllers own what they apply. */
  readonly force?: boolean;
}

export interface ObjectRef {
  readonly resource: Resource;
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string;
  readonly name: string;
}

export function refOf(resource: Resource, { metadata }: KubeObject): ObjectRef {
  const { namespace, name } = metadata;
  return { resource, name, ...(namespace === undefined ? {} : { namespace }) };
}

export interface ListQuery {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continueToken?: string;
  /** "0" allows an answer from the watch cache. */
  readonly resourceVersion?: string;
}

/** Part of a collection. The selector is never left out: nobody here means everything. */
export interface CollectionQuery {
  readonly namespace?: string;
  readonly labelSelector: string;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Present when more pages follow. */
  readonly continueToken?: string;
}

export interface WatchQuery {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion: string;
  /** The server ends the watch by itself after this time. */
  readonly timeoutSeconds: number;
}

export type WatchEvent<T> =
  | { readonly kind: "added" | "modified" | "deleted"; readonly object: T }
  | { readonly kind: "bookmark"; readonly resourceVersion: string };

export interface DeleteOptions extends CallOptions {
  /** 0 removes a Pod that has stopped, as a kubelet does. @default the object's own */
  readonly gracePeriodSeconds?: number;
}

export interface DeletePreconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}
