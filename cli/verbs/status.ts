import { z } from "zod";
import { ok, type Result } from "../../api/result.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting, kubeSettings } from "../../runtime/config/common-settings.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { ClusterReader } from "../cluster/cluster-reader.ts";
import { connectKube } from "../cluster/connect-kube.ts";
import { SYSTEM_NAMESPACE } from "../cluster/system-namespace.ts";
import { WiredZone } from "../cluster-dns/wired-zone.ts";
import { outputSetting, render } from "../output/render.ts";
import { type MemberReport, memberReport } from "../status/member-report.ts";
import { readMember } from "../status/read-member.ts";
import { PATHS_WAIT_MS, pathProblems, reportProblems } from "../status/report-problems.ts";
import { statusText } from "../status/status-text.ts";
import { defineVerb } from "../verb.ts";

const LOOK_MS = 500;

export const statusVerb = defineVerb({
  summary:
    "show a member's membership, other clusters, exports and imports, as its API server holds them",
  settings: z.object({
    ...kubeSettings,
    namespace: z
      .string()
      .optional()
      .describe("only exports and imports of this namespace; default: of all"),
    systemNamespace: z
      .string()
      .default(SYSTEM_NAMESPACE)
      .describe("namespace of the Leases by which controllers and other clusters are known"),
    output: outputSetting,
    wait: z
      .boolean()
      .default(false)
      .describe(
        "wait until controllers run, the broker is connected, exports and imports are ready, and the cluster's DNS, where it was told to, answers for the zone; and half a minute at most until paths to clusters that are there are up",
      ),
    timeout: durationSetting("60s", "how long to wait; with --wait"),
  }),
  async run({ settings, signal, env, out }) {
    const kube = connectKube(settings, env, silentMeter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const { client, forward } = kube.value;
    const reader = new ClusterReader(client, signal);
    const asking = { client, forward, clock: systemClock, random: systemRandom, signal };
    const zone = new WiredZone(settings.systemNamespace, asking);
    const endMs = systemClock.monotonicMs() + (settings.wait ? settings.timeout : 0);
    let readyMs: number | undefined;
    for (;;) {
      const report = await look(reader, settings);
      const problems = report.ok ? [...reportProblems(report.value)] : [report.error.message];
      if (settings.wait && problems.length === 0) problems.push(...(await zone.problems()));
      const unreached = report.ok ? pathProblems(report.value) : [];
      const nowMs = systemClock.monotonicMs();
      readyMs = problems.length === 0 ? (readyMs ?? nowMs) : undefined;
      const isLast = nowMs >= endMs || signal.aborted;
      const isUnreached = unreached.length > 0 && nowMs < (readyMs ?? nowMs) + PATHS_WAIT_MS;
      if (settings.wait && (problems.length > 0 || isUnreached) && !isLast) {
        await sleep(systemClock, LOOK_MS, signal);
        continue;
      }
      if (report.ok) {
        out.line(render(settings.output, report.value, () => statusText(report.value)));
      }
      if (settings.wait || !report.ok) {
        for (const problem of [...problems, ...unreached]) out.problem(problem);
      }
      if (zone.untested !== undefined) {
        out.problem(`not tested whether the cluster's DNS answers for the zone: ${zone.untested}`);
      }
      return report.ok && (!settings.wait || problems.length === 0) ? 0 : 1;
    }
  },
});

async function look(
  reader: ClusterReader,
  settings: { readonly systemNamespace: string; readonly namespace?: string | undefined },
): Promise<Result<MemberReport, KubeError>> {
  const { systemNamespace, namespace } = settings;
  const nowMs = systemClock.nowMs();
  const read = await readMember(reader, { systemNamespace, namespace, nowMs });
  return read.ok ? ok(memberReport({ ...read.value, nowMs })) : read;
}
