import { z } from "zod";
import { err, ok } from "../../api/result.ts";
import { formatBackup } from "../../broker/backup/backup-file.ts";
import { makeBackup } from "../../broker/backup/make-backup.ts";
import { createFile } from "../../broker/files/atomic-file.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { placeOf, placeSettings } from "../broker/place-settings.ts";
import { Receipt } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

export const brokerBackupVerb = defineVerb({
  summary:
    "write rows, members, authority and tokens into a new file, beside a running broker; the file holds the authority's key",
  settings: z.object({
    ...placeSettings,
    to: z.string().describe("file to be made, readable by its owner only"),
    output: outputSetting,
  }),
  async run({ settings, env, out }) {
    const log = pinoLogger("backup", "warn");
    const deps = { clock: systemClock, random: systemRandom, log, meter: silentMeter };
    const place = placeOf(settings, env, deps);
    const receipt = new Receipt(settings.output, out);
    if (!place.ok) return receipt.end(place);
    const backup = await makeBackup(place.value);
    await place.value.close();
    if (!backup.ok) return receipt.end(err(`cannot back up: ${backup.error}`));
    try {
      if (!(await createFile(settings.to, formatBackup(backup.value)))) {
        return receipt.end(err(`cannot back up: ${settings.to} must not exist: it does`));
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : "unknown error";
      return receipt.end(err(`cannot back up: ${why}`));
    }
    const { records, shared } = backup.value;
    receipt.facts(
      { file: settings.to, records: records.length, identity: shared.length },
      `${settings.to}: ${records.length} records of the store, ${shared.length} of identity`,
    );
    return receipt.end(ok(undefined));
  },
});
