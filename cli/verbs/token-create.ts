import { z } from "zod";
import { FileAuditLog } from "../../broker/audit/file-audit-log.ts";
import { auditPath } from "../../broker/data-dir.ts";
import { issueToken } from "../../broker/identity/token/issue-token.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting } from "../../runtime/config/common-settings.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { placeOf, placeSettings } from "../broker/place-settings.ts";
import { outputSetting, render } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

export const tokenCreateVerb = defineVerb({
  summary: "make a single-use join token for one cluster id; prints it",
  settings: z.object({
    ...placeSettings,
    cluster: z
      .string()
      .describe("cluster id that may join with it: a DNS label of at most 63 bytes"),
    broker: z
      .string()
      .optional()
      .describe("broker address as the member dials it, host:port, put into the token"),
    ttl: durationSetting("15m", "life of the token, such as 90s, 15m or 24h; one second to a week"),
    replace: z
      .boolean()
      .default(false)
      .describe(
        "let it take over the id of a present member, whose rows are then dropped, or one that another token is open for, which is then void",
      ),
    output: outputSetting,
  }),
  async run({ settings, env, out }) {
    const log = pinoLogger("token", "warn");
    const deps = { clock: systemClock, random: systemRandom, log };
    const place = placeOf(settings, env, { ...deps, meter: silentMeter });
    if (!place.ok) {
      out.problem(place.error);
      return 1;
    }
    const path = auditPath(settings.dataDir);
    // Moving a full file away is the broker's business.
    const options = { path, maxBytes: Number.POSITIVE_INFINITY };
    const audit = new FileAuditLog(options, { clock: systemClock, log });
    const created = await issueToken(
      place.value,
      {
        clusterId: settings.cluster,
        ttlMs: settings.ttl,
        replace: settings.replace,
        ...(settings.broker === undefined ? {} : { brokerAddress: settings.broker }),
      },
      { ...deps, audit },
    );
    await audit.flush();
    await place.value.close();
    if (!created.ok) {
      out.problem(created.error);
      return 1;
    }
    const { text: token } = created.value;
    const data = { cluster: settings.cluster, token, ttlSeconds: settings.ttl / 1000 };
    out.line(render(settings.output, data, () => token));
    return 0;
  },
});
