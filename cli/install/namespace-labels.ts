import { z } from "zod";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";

interface Deps {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
}

/** By label: what it was before the first install (null: it was not there), and what installs set it to. */
export const labelChanges = z.record(
  z.string(),
  z.object({ was: z.string().nullable(), now: z.string() }),
);

export type LabelChanges = z.output<typeof labelChanges>;

/** What the objects change in labels of their namespace, which is there, on top of what earlier installs have changed. */
export async function observeLabelChanges(
  namespace: string,
  objects: readonly KubeObject[],
  earlier: LabelChanges,
  { client, signal }: Deps,
): Promise<Result<LabelChanges, string>> {
  const wanted = objects.find(({ kind }) => kind === NAMESPACES.kind)?.metadata.labels ?? {};
  if (Object.keys(wanted).length === 0) return ok({});
  const got = await client.get({ resource: NAMESPACES, name: namespace }, { signal });
  if (!got.ok) return err(got.error.message);
  const labels = got.value.metadata.labels ?? {};
  const changes = Object.entries(wanted).map(([name, now]) => {
    const known = earlier[name];
    return [name, { was: known === undefined ? (labels[name] ?? null) : known.was, now }] as const;
  });
  return ok(Object.fromEntries(changes.filter(([, { was, now }]) => was !== now)));
}

/** Puts labels back that nobody has changed since. A namespace that is gone has none. */
export async function restoreLabels(
  namespace: string,
  changes: LabelChanges,
  { client, signal }: Deps,
): Promise<Result<undefined, string>> {
  if (Object.keys(changes).length === 0) return ok(undefined);
  const target = { resource: NAMESPACES, name: namespace };
  const got = await client.get(target, { signal });
  if (!got.ok) return got.error.kind === "not-found" ? ok(undefined) : err(got.error.message);
  const labels = got.value.metadata.labels ?? {};
  const ours = Object.entries(changes).filter(([name, { now }]) => labels[name] === now);
  if (ours.length === 0) return ok(undefined);
  const before = Object.fromEntries(ours.map(([name, { was }]) => [name, was]));
  const patched = await client.mergePatch(target, { metadata: { labels: before } }, { signal });
  return patched.ok ? ok(undefined) : err(patched.error.message);
}
