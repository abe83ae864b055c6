import type { KubeObject } from "../../api/kube/object.ts";

/**
 * A local, read-only picture of one collection of one cluster, kept by a reflector.
 * Keys are `namespace/name`, or `name` for cluster-scoped resources.
 */
export interface ObjectView<T extends KubeObject> {
  get(key: string): T | undefined;
  keys(): IterableIterator<string>;
  values(): IterableIterator<T>;
  readonly size: number;
  /** Objects with this value in the named index; throws InvariantError for an unknown index. */
  byIndex(index: string, value: string): readonly T[];
  /** True once one full list has been taken in; stays true through later disconnections. */
  hasSynced(): boolean;
  /** Called after each change, and once with `synced` when the first full list is in. Returns the unsubscribe. */
  subscribe(listener: (event: ViewEvent<T>) => void): () => void;
}

export type ViewEvent<T> =
  | { readonly kind: "synced" }
  | {
      readonly kind: "changed";
      readonly key: string;
      /** Absent when the object is new. */
      readonly before?: T;
      /** Absent when the object is gone. */
      readonly after?: T;
    };

/** Values under which an object is found by `byIndex`. */
export type IndexFunction<T> = (object: T) => readonly string[];

export function objectKey(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}
