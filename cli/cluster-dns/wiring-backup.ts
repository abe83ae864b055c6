import { CONFIG_MAPS, type ConfigMap } from "../../api/kube/config-map.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { parseWiringRecord, type WiringRecord } from "../../install/cluster-dns/wiring-record.ts";
import type { Deps } from "./observe-cluster-dns.ts";

/** Of the ConfigMap with what was before us; beside the record, each text as it was, for people. */
const BACKUP_NAME = "isthmus-dns-backup";

/** Undefined: nothing is wired. */
export async function readBackup(
  namespace: string,
  { client, signal }: Deps,
): Promise<Result<WiringRecord | undefined, string>> {
  const target = { resource: CONFIG_MAPS, namespace, name: BACKUP_NAME };
  const got = await client.get<ConfigMap>(target, { signal });
  if (!got.ok) return got.error.kind === "not-found" ? ok(undefined) : err(got.error.message);
  const record = parseWiringRecord(got.value.data?.["record"] ?? "");
  return record.ok ? record : err(`ConfigMap ${namespace}/${BACKUP_NAME} ${record.error}`);
}

export async function writeBackup(
  namespace: string,
  record: WiringRecord,
  { client, signal }: Deps,
): Promise<Result<undefined, string>> {
  const texts = record.keys.map(
    ({ configMap, key, before }) => [`${configMap}.${key}`, before ?? ""] as const,
  );
  const object: ConfigMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace, name: BACKUP_NAME },
    data: { ...Object.fromEntries(texts), record: JSON.stringify(record) },
  };
  const applied = await client.apply(CONFIG_MAPS, object, { signal });
  return applied.ok ? ok(undefined) : err(applied.error.message);
}

export async function removeBackup(
  namespace: string,
  { client, signal }: Deps,
): Promise<Result<undefined, string>> {
  const target = { resource: CONFIG_MAPS, namespace, name: BACKUP_NAME };
  const removed = await client.delete(target, {}, { signal });
  return removed.ok || removed.error.kind === "not-found"
    ? ok(undefined)
    : err(removed.error.message);
}
