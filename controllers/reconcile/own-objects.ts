import { type JsonRecord } from "../../api/json.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { ok, type Result } from "../../api/result.ts";
import { type KubeClient, refOf } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { isOwn } from "./is-own.ts";

/**
 * Writes to objects that are ours, and to no others (I3): creation never overwrites, changes are conditional
 * on the version they were computed from, deletions on the object's identity.
 */
export class OwnObjects {
  readonly #kube: Pick<KubeClient, "get" | "create" | "mergePatch" | "delete">;

  constructor(kube: Pick<KubeClient, "get" | "create" | "mergePatch" | "delete">) {
    this.#kube = kube;
  }

  /**
   * The object as it is, made when it is missing.
   * @returns "foreign" when somebody else's object has the name.
   */
  async ensure<T extends KubeObject>(
    resource: Resource,
    observed: T | undefined,
    job: { readonly make: () => T; readonly signal: AbortSignal },
  ): Promise<Result<T | "foreign", KubeError>> {
    if (observed !== undefined) return ok(isOwn(observed) ? observed : "foreign");
    const wanted = job.make();
    const created = await this.#kube.create(resource, wanted, { signal: job.signal });
    if (created.ok || created.error.kind !== "already-exists") return created;
    // The view lags behind: our own earlier write, or somebody else's object.
    const existing = await this.#kube.get<T>(refOf(resource, wanted), { signal: job.signal });
    if (!existing.ok) return existing;
    return ok(isOwn(existing.value) ? existing.value : "foreign");
  }

  /** Applies a merge patch that carries the resourceVersion it was made against; no patch, no write (I9). */
  async patch<T extends KubeObject>(
    resource: Resource,
    observed: T,
    job: {
      readonly patch: JsonRecord | undefined;
      readonly subresource?: "status";
      readonly signal: AbortSignal;
    },
  ): Promise<Result<T, KubeError>> {
    if (job.patch === undefined) return ok(observed);
    return this.#kube.mergePatch<T>(refOf(resource, observed), job.patch, {
      signal: job.signal,
      ...(job.subresource === undefined ? {} : { subresource: job.subresource }),
    });
  }

  /** Deletes this very object; one that is gone or was replaced since is left alone. */
  async remove(
    resource: Resource,
    observed: KubeObject,
    signal: AbortSignal,
  ): Promise<Result<void, KubeError>> {
    if (!isOwn(observed) || observed.metadata.deletionTimestamp !== undefined) return ok(undefined);
    const { uid } = observed.metadata;
    const removed = await this.#kube.delete(
      refOf(resource, observed),
      uid === undefined ? {} : { uid },
      { signal },
    );
    if (removed.ok || removed.error.kind === "not-found") return ok(undefined);
    return removed;
  }
}
