import { z } from "zod";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import { joinClusterset } from "../../broker/identity/member/join-clusterset.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting } from "../../runtime/config/common-settings.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { defineVerb } from "../verb.ts";

export const DEFAULT_IDENTITY_DIR = ".isthmus/identity";

export const joinVerb = defineVerb({
  summary: "join this cluster to a clusterset: trade a token for an identity",
  positionals: [{ name: "token", description: 'what "isthmus token create" printed' }],
  settings: z.object({
    clusterId: z
      .string()
      .describe(
        "id of this cluster, the one the token was made for: a DNS label of at most 63 bytes",
      ),
    broker: z
      .string()
      .optional()
      .describe("broker address, host:port; default: the one in the token"),
    identityDir: z
      .string()
      .default(DEFAULT_IDENTITY_DIR)
      .describe(
        "directory that receives key, certificate and authority, for `isthmus controllers`",
      ),
    timeout: durationSetting("60s", "how long to keep trying"),
  }),
  async run({ settings, positionals, out }) {
    const joined = await joinClusterset(
      {
        token: positionals[0] ?? "",
        clusterId: settings.clusterId,
        timeoutMs: settings.timeout,
        ...(settings.broker === undefined ? {} : { address: settings.broker }),
      },
      {
        store: new FileIdentityStore(settings.identityDir, { clock: systemClock }),
        clock: systemClock,
        random: systemRandom,
      },
    );
    if (!joined.ok) {
      out.problem(joined.error.message);
      return 1;
    }
    const { clusterId, clusterset, brokerAddress } = joined.value;
    out.line(`${clusterId} joined clusterset ${clusterset} at ${brokerAddress}`);
    out.line(`identity saved in ${settings.identityDir}`);
    return 0;
  },
});
