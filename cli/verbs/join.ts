import { z } from "zod";
import { err, ok } from "../../api/result.ts";
import { joinClusterset } from "../../broker/identity/member/join-clusterset.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting, kubeSettings } from "../../runtime/config/common-settings.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { connectKube } from "../cluster/connect-kube.ts";
import { identityPlaceOf, identitySettings } from "../membership/identity-place.ts";
import { Receipt } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

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
    ...identitySettings,
    ...kubeSettings,
    timeout: durationSetting("60s", "how long to keep trying"),
    output: outputSetting,
  }),
  async run({ settings, positionals, signal, env, out }) {
    const connect = () => {
      const kube = connectKube(settings, env, silentMeter);
      return kube.ok ? ok(kube.value.client) : kube;
    };
    const place = identityPlaceOf(settings, connect, { clock: systemClock, signal });
    const receipt = new Receipt(settings.output, out);
    if (!place.ok) return receipt.end(place);
    const joined = await joinClusterset(
      {
        token: positionals[0] ?? "",
        clusterId: settings.clusterId,
        timeoutMs: settings.timeout,
        ...(settings.broker === undefined ? {} : { address: settings.broker }),
      },
      {
        store: place.value.store,
        clock: systemClock,
        random: systemRandom,
      },
    );
    if (!joined.ok) return receipt.end(err(joined.error.message));
    const { clusterId, clusterset, brokerAddress } = joined.value;
    const { where } = place.value;
    receipt.facts(
      { clusterId, clusterset, broker: brokerAddress, identity: where },
      `${clusterId} joined clusterset ${clusterset} at ${brokerAddress}`,
      `identity saved ${where}`,
    );
    return receipt.end(ok(undefined));
  },
});
