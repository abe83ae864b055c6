import { readFile } from "node:fs/promises";
import { z } from "zod";
import { err, type Result } from "../../api/result.ts";
import { type Backup, parseBackup } from "../../broker/backup/backup-file.ts";
import { restoreBackup } from "../../broker/backup/restore-backup.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { placeOf, placeSettings } from "../place-settings.ts";
import { defineVerb } from "../verb.ts";

export const brokerRestoreVerb = defineVerb({
  summary:
    "put a backup into an empty store, of any kind, before a broker is started on it; removals after the backup are forgotten",
  settings: z.object({
    ...placeSettings,
    from: z.string().describe('file that "isthmus broker backup" made'),
  }),
  async run({ settings, signal, env, out }) {
    const backup = await readBackup(settings.from);
    if (!backup.ok) {
      out.problem(`cannot restore: ${settings.from}: ${backup.error}`);
      return 1;
    }
    const log = pinoLogger("restore", "warn");
    const deps = { clock: systemClock, random: systemRandom, log, meter: silentMeter };
    const place = placeOf(settings, env, deps);
    if (!place.ok) {
      out.problem(place.error);
      return 1;
    }
    const restored = await restoreBackup(place.value, backup.value, signal);
    await place.value.close();
    if (!restored.ok) {
      out.problem(restored.error);
      return 1;
    }
    const { records, shared } = backup.value;
    out.line(`restored ${records.length} records of the store, ${shared.length} of identity`);
    return 0;
  },
});

async function readBackup(path: string): Promise<Result<Backup, string>> {
  try {
    return parseBackup(await readFile(path, "utf8"));
  } catch (error) {
    return err(error instanceof Error ? error.message : "unknown error");
  }
}
