import { fileURLToPath } from "node:url";
import { z } from "zod";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { DEMO_CLUSTERS } from "../../sandbox/demo/demo-plan.ts";
import { DEMO_BACKENDS, runDemo } from "../../sandbox/demo/run-demo.ts";
import { isInRoom, runInRoom, whyNoRoom } from "../../sandbox/network/netns/enter-room.ts";
import { connectKube } from "../cluster/connect-kube.ts";
import { installCrds } from "../cluster/install-crds.ts";
import { ensureSystemNamespace } from "../cluster/system-namespace.ts";
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
    backend: z
      .enum(DEMO_BACKENDS)
      .optional()
      .describe(
        "how clusters reach each other: underlay or vxlan between network namespaces, which takes root, or proxy; default: a userland network routes between them",
      ),
    exit: z.boolean().default(false).describe("end after the main job instead of staying up"),
  }),
  async run({ settings, args, signal, env, out }) {
    const { backend, ...others } = settings;
    if (backend !== undefined && backend !== "proxy" && !isInRoom()) {
      const problem = whyNoRoom(["nft", "setpriv"], env["PATH"]);
      if (problem === undefined) return runDemoInRoom(args, env);
      out.problem(`cannot run the demo with --backend: ${problem}`);
      return 1;
    }
    try {
      await runDemo(
        { ...others, ...(backend === undefined ? {} : { backend }), env },
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

/** The same again, in namespaces of its own. */
async function runDemoInRoom(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<0 | 1> {
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const code = await runInRoom([process.execPath, main, "demo", ...args], env);
  return code === 0 ? 0 : 1;
}
