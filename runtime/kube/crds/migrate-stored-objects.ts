import type { CustomResourceDefinition } from "../../../api/kube/custom-resource-definition.ts";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../../../api/kube/custom-resource-definition.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../clock/clock.ts";
import { sleep } from "../../clock/sleep.ts";
import type { KubeClient } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import { listAll } from "../list-all.ts";

/** Replicas of the API server hear of a new storage version within this time; the server itself waits as long. */
const SETTLE_MS = 5_000;
/** An object that somebody changes all the time is written in the new version by him. */
const ATTEMPTS = 5;

export interface StoredCrd extends CustomResourceDefinition {
  readonly status?: { readonly storedVersions?: readonly string[] };
}

export interface MigrateDeps {
  readonly client: Pick<KubeClient, "get" | "list" | "update">;
  readonly clock: Clock;
}

/**
 * VER-06: writes every object of a definition anew, unchanged, so that none is stored in an old version any more, and only
 * then takes the old versions out of `status.storedVersions`. Old versions stay served (VER-05). When the definition was
 * changed meanwhile, the list stays as it is: another run finds it.
 * @returns how many objects were rewritten; undefined when there was nothing to do.
 */
export async function migrateStoredObjects(
  name: string,
  { client, clock }: MigrateDeps,
  signal: AbortSignal,
): Promise<Result<number | undefined, KubeError>> {
  const ref = { resource: CUSTOM_RESOURCE_DEFINITIONS, name };
  const found = await client.get<StoredCrd>(ref, { signal });
  if (!found.ok) return found;
  const crd = found.value;
  const storage = crd.spec.versions.find((version) => version.storage)?.name;
  const stored = crd.status?.storedVersions ?? [];
  if (storage === undefined || stored.every((version) => version === storage)) {
    return ok(undefined);
  }
  await sleep(clock, SETTLE_MS, signal);
  const { group, names, scope } = crd.spec;
  const resource: Resource = {
    ...{ group, version: storage, plural: names.plural, kind: names.kind },
    namespaced: scope === "Namespaced",
  };
  const objects = await listAll<KubeObject>(client, resource, {}, signal);
  if (!objects.ok) return objects;
  for (const object of objects.value) {
    const rewritten = await rewrite(resource, object, client, signal);
    if (!rewritten.ok) return rewritten;
  }
  const done = await forgetOldVersions(crd, storage, client, signal);
  return done.ok ? ok(objects.value.length) : done;
}

/** Only of the definition under which the objects were written: another spec may store another version. */
async function forgetOldVersions(
  crd: StoredCrd,
  storage: string,
  client: MigrateDeps["client"],
  signal: AbortSignal,
): Promise<Result<void, KubeError>> {
  const { name, generation } = crd.metadata;
  const now = await client.get<StoredCrd>(
    { resource: CUSTOM_RESOURCE_DEFINITIONS, name },
    { signal },
  );
  if (!now.ok) return now;
  if (now.value.metadata.generation !== generation) {
    return err({ kind: "conflict", message: `definition ${name} was changed meanwhile` });
  }
  // Conditional by its resourceVersion.
  const updated = await client.update<StoredCrd>(
    CUSTOM_RESOURCE_DEFINITIONS,
    { ...now.value, status: { ...now.value.status, storedVersions: [storage] } },
    { signal, subresource: "status" },
  );
  return updated.ok ? ok(undefined) : updated;
}

async function rewrite(
  resource: Resource,
  listed: KubeObject,
  client: MigrateDeps["client"],
  signal: AbortSignal,
): Promise<Result<void, KubeError>> {
  const { namespace, name } = listed.metadata;
  const ref = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
  let object = listed;
  for (let attempt = 1; ; attempt++) {
    const written = await client.update(resource, object, { signal });
    if (written.ok || written.error.kind === "not-found") return ok(undefined);
    if (written.error.kind !== "conflict" || attempt === ATTEMPTS) return err(written.error);
    const again = await client.get<KubeObject>(ref, { signal });
    if (!again.ok) return again.error.kind === "not-found" ? ok(undefined) : again;
    object = again.value;
  }
}
