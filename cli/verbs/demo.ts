import { z } from "zod";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { DEMO_CLUSTERS } from "../../sandbox/demo/demo-plan.ts";
import { runDemo } from "../../sandbox/demo/run-demo.ts";
import { connectKube } from "../connect-kube.ts";
import { installCrds } from "../install-crds.ts";
import { ensureSystemNamespace } from "../system-namespace.ts";
import { defineVerb } from "../verb.ts";

export const demoVerb = defineVerb({
  summary:
    "a whole clusterset on this machine: hub, members, sample service, first cross-cluster answer",
  settings: z.object({
    clusters: z.coerce
      .number()
      .int()
      .min(DEMO_CLUSTERS.min)
      .max(DEMO_CLUSTERS.max)
      .default(DEMO_CLUSTERS.default)
      .describe(`members, ${DEMO_CLUSTERS.min} to ${DEMO_CLUSTERS.max}`),
    exit: z.boolean().default(false).describe("end after the main job instead of staying up"),
  }),
  async run({ settings, signal, env, out }) {
    try {
      await runDemo(
        { ...settings, env },
        {
          clock: systemClock,
          random: systemRandom,
          line: (text) => out.line(text),
          connect: (kubeconfig, context) => {
            const kube = connectKube({ kubeconfig, context }, env, silentMeter);
            if (!kube.ok) throw new Error(kube.error);
            return kube.value.client;
          },
          installCrds: async (client, stop) => {
            const installed = await installCrds(client, systemClock, stop);
            if (!installed.ok) throw new Error(installed.error);
            const namespace = await ensureSystemNamespace(client, stop);
            if (!namespace.ok) throw new Error(namespace.error.message);
          },
          stopped: signal,
        },
      );
      return 0;
    } catch (error) {
      if (signal.aborted) return 0;
      out.problem(error instanceof Error ? error.message : String(error));
      return 1;
    }
  },
});
