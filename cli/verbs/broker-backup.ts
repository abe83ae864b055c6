import { z } from "zod";
import { formatBackup } from "../../broker/backup/backup-file.ts";
import { makeBackup } from "../../broker/backup/make-backup.ts";
import { createFile } from "../../broker/files/atomic-file.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { placeOf, placeSettings } from "../place-settings.ts";
import { defineVerb } from "../verb.ts";

export const brokerBackupVerb = defineVerb({
  summary:
    "write rows, members, authority and tokens into a new file, beside a running broker; the file holds the authority's key",
  settings: z.object({
    ...placeSettings,
    to: z.string().describe("file to be made, readable by its owner only"),
  }),
  async run({ settings, env, out }) {
    const log = pinoLogger("backup", "warn");
    const deps = { clock: systemClock, random: systemRandom, log, meter: silentMeter };
    const place = placeOf(settings, env, deps);
    if (!place.ok) {
      out.problem(place.error);
      return 1;
    }
    const backup = await makeBackup(place.value);
    await place.value.close();
    if (!backup.ok) {
      out.problem(`cannot back up: ${backup.error}`);
      return 1;
    }
    try {
      if (!(await createFile(settings.to, formatBackup(backup.value)))) {
        out.problem(`cannot back up: ${settings.to} must not exist: it does`);
        return 1;
      }
    } catch (error) {
      out.problem(`cannot back up: ${error instanceof Error ? error.message : "unknown error"}`);
      return 1;
    }
    const { records, shared } = backup.value;
    out.line(
      `${settings.to}: ${records.length} records of the store, ${shared.length} of identity`,
    );
    return 0;
  },
});
