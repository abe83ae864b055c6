import { z } from "zod";
import { CONFIG_MAPS, type ConfigMap } from "../../api/kube/config-map.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { labelChanges } from "./namespace-labels.ts";

export type Part = "hub" | "member";

const objectRef = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  namespace: z.string().optional(),
  name: z.string(),
});

/** Enough to find an object again. */
export type InstalledRef = z.output<typeof objectRef>;

const recordData = z.object({
  settings: z.record(z.string(), z.unknown()),
  objects: z.array(objectRef),
  madeNamespace: z.boolean(),
  namespaceLabels: labelChanges.default({}),
  /** Settings that somebody chose, which are those that are not as by default. Records of 0.1.0 do not say. */
  chosen: z.array(z.string()).optional(),
});

/** What was installed, and how: a ConfigMap beside it, so that an upgrade and an uninstall need no word of its admin. */
export type InstallRecord = z.output<typeof recordData>;

export function refOf({ apiVersion, kind, metadata }: KubeObject): InstalledRef {
  const { namespace, name } = metadata;
  return { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name };
}

export function isSameRef(a: InstalledRef, b: InstalledRef): boolean {
  return (
    a.apiVersion === b.apiVersion &&
    a.kind === b.kind &&
    a.namespace === b.namespace &&
    a.name === b.name
  );
}

const nameOf = (part: Part): string => `isthmus-${part}-install`;

export function recordRef(part: Part, namespace: string): InstalledRef {
  return { apiVersion: "v1", kind: "ConfigMap", namespace, name: nameOf(part) };
}

/** Undefined: nothing was installed there by these commands. */
export async function readRecord(
  part: Part,
  namespace: string,
  deps: { readonly client: KubeClient; readonly signal: AbortSignal },
): Promise<Result<InstallRecord | undefined, string>> {
  const target = { resource: CONFIG_MAPS, namespace, name: nameOf(part) };
  const got = await deps.client.get<ConfigMap>(target, { signal: deps.signal });
  if (!got.ok) return got.error.kind === "not-found" ? ok(undefined) : err(got.error.message);
  try {
    const parsed = recordData.safeParse(JSON.parse(got.value.data?.["record"] ?? ""));
    if (parsed.success) return ok(parsed.data);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return err(`cannot read ConfigMap ${namespace}/${nameOf(part)}: must hold what an install wrote`);
}

/** The token is worth something for a while: it is not written here. */
export async function writeRecord(
  part: Part,
  namespace: string,
  record: InstallRecord,
  deps: { readonly client: KubeClient; readonly signal: AbortSignal },
): Promise<Result<undefined, string>> {
  const kept = Object.entries(record.settings).filter(([key]) => key !== "joinToken");
  const settings = Object.fromEntries(kept);
  const chosen = record.chosen?.filter((name) => name in settings);
  const object: ConfigMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace, name: nameOf(part) },
    data: { record: JSON.stringify({ ...record, settings, chosen }) },
  };
  const applied = await deps.client.apply(CONFIG_MAPS, object, { signal: deps.signal });
  return applied.ok ? ok(undefined) : err(applied.error.message);
}
