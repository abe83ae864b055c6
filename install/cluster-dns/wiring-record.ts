import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import type { Addresses } from "./corefile-stanza.ts";
import { type DnsConfigMap, type DnsConfigMaps, unwired, type WiringEdit } from "./wiring-plan.ts";

const keyRecord = z.object({
  configMap: z.enum(["coredns", "coredns-custom", "kube-dns", "node-local-dns"]),
  key: z.string(),
  /** What was there before us. Absent: no such key. */
  before: z.string().optional(),
  /** What we made of it. */
  after: z.string(),
  /** The ConfigMap was not there before us. */
  madeMap: z.boolean(),
});

const recordData = z.object({ address: z.string(), keys: z.array(keyRecord) });

/** The backup: what was changed, from what to what. BOUNDED: by the ConfigMaps that are known, one key of each. */
export type WiringRecord = z.output<typeof recordData>;

export function parseWiringRecord(text: string): Result<WiringRecord, string> {
  try {
    const parsed = recordData.safeParse(JSON.parse(text));
    if (parsed.success) return ok(parsed.data);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return err(`must be a backup that "isthmus wire-dns" wrote: got ${text.slice(0, 40)}`);
}

/** The record with these edits in it: what was before us stays the oldest that is known, but for what others changed since. */
export function recordOf(
  edits: readonly WiringEdit[],
  addresses: Addresses,
  maps: DnsConfigMaps,
  earlier: WiringRecord | undefined,
): WiringRecord {
  const keys = new Map((earlier?.keys ?? []).map((one) => [keyName(one), one] as const));
  for (const { configMap, key, before: text, after } of edits) {
    const old = keys.get(keyName({ configMap, key }));
    const hadKey = old === undefined ? text !== undefined : old.before !== undefined;
    const before = text === undefined ? text : unwired({ key, text, hadKey }, addresses);
    const madeMap = old?.madeMap ?? maps[configMap] === undefined;
    if (after === undefined) continue;
    const entry = { configMap, key, after, madeMap };
    keys.set(keyName(entry), before === undefined ? entry : { ...entry, before });
  }
  return { address: addresses[0], keys: [...keys.values()] };
}

export interface Restored extends WiringEdit {
  /** Nothing else was in it, and we had made it: it goes as a whole. */
  readonly dropMap: boolean;
  readonly how: "as it was before" | "ours removed, what others changed since stays" | "was gone";
}

/** How each key gets to be without what is ours. */
export function planRestore(record: WiringRecord, maps: DnsConfigMaps): readonly Restored[] {
  return record.keys.map((one) => {
    const { configMap, key, before: backup, after: made, madeMap } = one;
    const data = maps[configMap];
    const now = data?.[key];
    if (now === undefined) {
      const none = { configMap, key, before: undefined, after: undefined };
      return { ...none, dropMap: false, how: "was gone" };
    }
    const hadKey = backup !== undefined;
    const isOurs = now === made;
    const after = isOurs ? backup : unwired({ key, text: now, hadKey }, [record.address]);
    const isLast = after === undefined && Object.keys(data ?? {}).length === 1;
    const edit = { configMap, key, before: now, after, dropMap: madeMap && isLast };
    if (after === now) return { ...edit, how: "was gone" };
    const how = isOurs ? "as it was before" : "ours removed, what others changed since stays";
    return { ...edit, how };
  });
}

function keyName({ configMap, key }: { configMap: DnsConfigMap; key: string }): string {
  return `${configMap}/${key}`;
}
