import { ok, type Result } from "../../api/result.ts";
import { openPlace } from "../../broker/place/open-place.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import type { InstallRecord } from "./install-record.ts";

/**
 * Clusters that have joined the hub of this record and have neither left nor been revoked, connected at present or not.
 * Undefined: what it keeps cannot be read from here.
 */
export async function membersOfHub(
  { settings }: InstallRecord,
  namespace: string,
  client: KubeClient,
): Promise<Result<readonly string[] | undefined, string>> {
  const { store, clusterset } = settings;
  if (store !== "kubernetes" || typeof clusterset !== "string") return ok(undefined);
  const log = pinoLogger("uninstall", "error");
  const place = openPlace(
    { kind: "kubernetes", client, namespace, clusterset },
    { clock: systemClock, random: systemRandom, meter: silentMeter, log },
  );
  if (!place.ok) return place;
  const table = await place.value.peekTable();
  await place.value.close();
  if (!table.ok) return table;
  const members = table.value.members().filter(({ frozenAtMs }) => frozenAtMs === undefined);
  return ok(members.map(({ cluster }) => cluster).toSorted());
}
