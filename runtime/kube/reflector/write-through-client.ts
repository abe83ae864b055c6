import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import type { Result } from "../../../api/result.ts";
import type {
  ApplyOptions,
  CallOptions,
  CollectionQuery,
  DeleteOptions,
  DeletePreconditions,
  KubeClient,
  ListPage,
  ListQuery,
  ObjectRef,
  WatchEvent,
  WatchQuery,
} from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import { objectKey } from "../object-view.ts";
import type { WriteOutcome } from "./own-writes.ts";
import type { Reflector } from "./reflector.ts";

/** A reflector, whatever it reflects. */
export type WriteTarget = Pick<Reflector<KubeObject>, "status" | "writeThrough">;

/**
 * A client whose writes show at once in the views of these reflectors, so that a pass that follows a write does not
 * decide from the state before it: it would write the same again and be refused (I9).
 */
export class WriteThroughClient implements KubeClient {
  readonly #client: KubeClient;
  readonly #targets: ReadonlyMap<string, WriteTarget>;

  constructor(client: KubeClient, reflectors: readonly WriteTarget[]) {
    this.#client = client;
    this.#targets = new Map(reflectors.map((one) => [idOf(one.status().resource), one]));
  }

  get<T extends KubeObject>(
    target: ObjectRef,
    options: CallOptions,
  ): Promise<Result<T, KubeError>> {
    return this.#client.get(target, options);
  }

  list<T extends KubeObject>(
    resource: Resource,
    query: ListQuery,
    options: CallOptions,
  ): Promise<Result<ListPage<T>, KubeError>> {
    return this.#client.list(resource, query, options);
  }

  watch<T extends KubeObject>(
    resource: Resource,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined> {
    return this.#client.watch(resource, query, signal);
  }

  create<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: CallOptions & { readonly dryRun?: boolean },
  ): Promise<Result<T, KubeError>> {
    const write = (): Promise<Result<T, KubeError>> =>
      this.#client.create(resource, object, options);
    return options.dryRun === true ? write() : this.#written(resource, objectKey(object), write);
  }

  update<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>> {
    return this.#written(resource, objectKey(object), () =>
      this.#client.update(resource, object, options),
    );
  }

  apply<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: ApplyOptions,
  ): Promise<Result<T, KubeError>> {
    return this.#written(resource, objectKey(object), () =>
      this.#client.apply(resource, object, options),
    );
  }

  mergePatch<T extends KubeObject>(
    target: ObjectRef,
    patch: object,
    options: CallOptions & { readonly subresource?: "status" },
  ): Promise<Result<T, KubeError>> {
    return this.#written(target.resource, keyOf(target), () =>
      this.#client.mergePatch<T>(target, patch, options),
    );
  }

  delete(
    target: ObjectRef,
    preconditions: DeletePreconditions,
    options: DeleteOptions,
  ): Promise<Result<void, KubeError>> {
    const { uid } = preconditions;
    const write = (): Promise<Result<void, KubeError>> =>
      this.#client.delete(target, preconditions, options);
    // Without a uid nobody can say which life has ended.
    if (uid === undefined) return write();
    return this.#through(target.resource, keyOf(target), write, (answer) =>
      answer.ok ? { kind: "deleted", uid } : undefined,
    );
  }

  deleteCollection(
    resource: Resource,
    query: CollectionQuery,
    options: CallOptions,
  ): Promise<Result<void, KubeError>> {
    return this.#client.deleteCollection(resource, query, options);
  }

  servedVersions(
    group: string,
    plural: string,
    options: CallOptions,
  ): Promise<Result<readonly string[], KubeError>> {
    return this.#client.servedVersions(group, plural, options);
  }

  #written<T extends KubeObject>(
    resource: Resource,
    key: string,
    write: () => Promise<Result<T, KubeError>>,
  ): Promise<Result<T, KubeError>> {
    return this.#through(resource, key, write, (answer) =>
      answer.ok ? { kind: "written", object: answer.value } : undefined,
    );
  }

  #through<R>(
    resource: Resource,
    key: string,
    write: () => Promise<R>,
    outcomeOf: (answer: R) => WriteOutcome<KubeObject> | undefined,
  ): Promise<R> {
    const target = this.#targets.get(idOf(resource));
    return target === undefined ? write() : target.writeThrough(key, write, outcomeOf);
  }
}

function idOf({ group, version, plural }: Resource): string {
  return `${group}/${version}/${plural}`;
}

function keyOf({ namespace, name }: ObjectRef): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
