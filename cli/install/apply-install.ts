import { NAMESPACES } from "../../api/kube/namespace.ts";
import { apiVersionOf, type KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { applyManifests, resourceOf } from "../../runtime/kube/policy/apply-manifests.ts";
import { hubCrds, installCrds, migrateCrds, shippedCrds } from "../cluster/install-crds.ts";
import type { Steps } from "../output/receipt.ts";
import {
  type InstallRecord,
  isSameRef,
  type Part,
  readRecord,
  refOf,
  writeRecord,
} from "./install-record.ts";
import { observeLabelChanges, restoreLabels } from "./namespace-labels.ts";
import { chosenSettings } from "./render.ts";

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly out: Steps;
}

/** Of the part; the definitions themselves, by version rule VER-07. */
export function crdsOf(part: Part): ReturnType<typeof shippedCrds> {
  return part === "hub" ? hubCrds() : shippedCrds();
}

/**
 * Definitions first, then the objects in order, then what an earlier install had and this one has no more is removed. Says each
 * step; may be repeated. Error: what was refused.
 */
export async function applyInstall(
  part: Part,
  {
    namespace,
    settings,
    objects,
  }: {
    readonly namespace: string;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly objects: readonly KubeObject[];
  },
  deps: Deps,
): Promise<Result<undefined, string>> {
  const crds = await applyCrds(part, deps);
  if (!crds.ok) return crds;
  const before = await readRecord(part, namespace, deps);
  if (!before.ok) return before;
  const madeNamespace = await ensureNamespace(namespace, deps);
  if (!madeNamespace.ok) return madeNamespace;
  const labelsBefore = before.value?.namespaceLabels ?? {};
  const changes = await observeLabelChanges(namespace, objects, labelsBefore, deps);
  if (!changes.ok) return changes;
  const refs = objects.map(refOf);
  const earlier = before.value?.objects ?? [];
  // Written before as well as after: an install that is cut short leaves nothing that is not on record.
  const record: InstallRecord = {
    settings,
    chosen: [...chosenSettings(part, settings, before.value)],
    objects: [...refs, ...earlier.filter((one) => !refs.some((ref) => isSameRef(ref, one)))],
    madeNamespace: before.value?.madeNamespace ?? madeNamespace.value,
    namespaceLabels: { ...labelsBefore, ...changes.value },
  };
  const begun = await writeRecord(part, namespace, record, deps);
  if (!begun.ok) return begun;
  const dropped = Object.entries(labelsBefore).filter(([name]) => !(name in changes.value));
  const restored = await restoreLabels(namespace, Object.fromEntries(dropped), deps);
  if (!restored.ok) return restored;
  const outcomes = await applyManifests(objects.filter(hasWish), deps, deps.signal);
  const refused = outcomes.filter(({ problem }) => problem !== undefined);
  for (const { object, problem } of outcomes) {
    if (problem === undefined) deps.out.step({ what: object, did: "applied" });
    else deps.out.problem(`cannot apply ${object}: ${problem}`);
  }
  if (refused.length > 0) return err(`${refused.length} objects were not taken`);
  for (const ref of record.objects.slice(refs.length)) {
    const removed = await removeRef(ref, deps);
    if (!removed.ok) return removed;
    if (removed.value) deps.out.step({ what: refText(ref), did: "removed" });
  }
  const now = { ...record, objects: refs, namespaceLabels: changes.value };
  return writeRecord(part, namespace, now, deps);
}

/** A namespace is there by now. Applied without labels, it would lose those that the other part has put there. */
function hasWish({ kind, metadata }: KubeObject): boolean {
  return kind !== NAMESPACES.kind || Object.keys(metadata.labels ?? {}).length > 0;
}

async function applyCrds(part: Part, deps: Deps): Promise<Result<undefined, string>> {
  const crds = crdsOf(part);
  const installed = await installCrds(deps.client, deps.clock, deps.signal, crds);
  if (!installed.ok) return installed;
  for (const { name, decision } of installed.value) deps.out.step({ what: name, did: decision });
  const migrated = await migrateCrds(deps.client, deps.clock, deps.signal, crds);
  return migrated.ok ? ok(undefined) : migrated;
}

/** @returns whether it was made now. */
async function ensureNamespace(
  name: string,
  { client, signal }: Deps,
): Promise<Result<boolean, string>> {
  const object = {
    apiVersion: apiVersionOf(NAMESPACES),
    kind: NAMESPACES.kind,
    metadata: { name },
  };
  const created = await client.create(NAMESPACES, object, { signal });
  if (created.ok) return ok(true);
  return created.error.kind === "already-exists" ? ok(false) : err(created.error.message);
}

/** @returns false: it was not there. */
export async function removeRef(
  ref: ReturnType<typeof refOf>,
  { client, signal }: Pick<Deps, "client" | "signal">,
): Promise<Result<boolean, string>> {
  const { apiVersion, kind, namespace, name } = ref;
  const resource = resourceOf({ apiVersion, kind, metadata: { name } });
  const target = namespace === undefined ? { resource, name } : { resource, namespace, name };
  const removed = await client.delete(target, {}, { signal });
  if (removed.ok) return ok(true);
  if (removed.error.kind === "not-found") return ok(false);
  return err(`cannot remove ${refText(ref)}: ${removed.error.message}`);
}

export function refText({ kind, namespace, name }: ReturnType<typeof refOf>): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
