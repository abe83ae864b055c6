import { readFile } from "node:fs/promises";
import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import { type Backup, parseBackup } from "../../broker/backup/backup-file.ts";
import { restoreBackup } from "../../broker/backup/restore-backup.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { placeOf, placeSettings } from "../broker/place-settings.ts";
import { Receipt } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

export const brokerRestoreVerb = defineVerb({
  summary:
    "put a backup into an empty store, of any kind, before a broker is started on it; removals after the backup are forgotten",
  settings: z.object({
    ...placeSettings,
    from: z.string().describe('file that "isthmus broker backup" made'),
    output: outputSetting,
  }),
  async run({ settings, signal, env, out }) {
    const backup = await readBackup(settings.from);
    const receipt = new Receipt(settings.output, out);
    if (!backup.ok) {
      return receipt.end(err(`cannot restore: ${settings.from}: ${backup.error}`));
    }
    const log = pinoLogger("restore", "warn");
    const deps = { clock: systemClock, random: systemRandom, log, meter: silentMeter };
    const place = placeOf(settings, env, deps);
    if (!place.ok) return receipt.end(place);
    const restored = await restoreBackup(place.value, backup.value, signal);
    await place.value.close();
    if (!restored.ok) return receipt.end(restored);
    const { records, shared } = backup.value;
    receipt.facts(
      { records: records.length, identity: shared.length },
      `restored ${records.length} records of the store, ${shared.length} of identity`,
    );
    return receipt.end(ok(undefined));
  },
});

async function readBackup(path: string): Promise<Result<Backup, string>> {
  try {
    return parseBackup(await readFile(path, "utf8"));
  } catch (error) {
    return err(error instanceof Error ? error.message : "unknown error");
  }
}
