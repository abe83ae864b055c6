import { z } from "zod";
import { durationSetting, kubeSettings } from "../../runtime/config/common-settings.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { benchmarkClusterset } from "../benchmark/benchmark-clusterset.ts";
import { isGood, type Measurement } from "../benchmark/measurement.ts";
import { outputSetting, render } from "../output/render.ts";
import { table } from "../output/table.ts";
import { defineVerb } from "../verb.ts";
import { membersUnderTest } from "../verify/members-under-test.ts";
import { verifyVerb } from "./verify.ts";

const { contexts, entry, dnsServer, image, systemNamespace } = verifyVerb.settings.shape;
/** Of names or requests: what a client in a pod has measured must fit into its log. */
const TRIES_MAX = 5_000;
const MEGABYTE = 1_000_000;

function rate(perSecond: number, most: number, what: string) {
  return z.coerce.number().int().min(1).max(most).default(perSecond).describe(what);
}

export const benchmarkVerb = defineVerb({
  summary:
    "measure between live clusters: export to answer, names, requests and throughput; the first of the contexts exports; cleans up",
  settings: z.object({
    kubeconfig: kubeSettings.kubeconfig,
    contexts,
    ...{ entry, dnsServer, image, systemNamespace },
    rounds: z.coerce.number().int().min(1).max(100).default(5).describe("exports made, one by one"),
    dnsRate: rate(100, 1_000, "names resolved a second"),
    requestRate: rate(20, 200, "requests a second"),
    duration: durationSetting("5s", "how long names are resolved, and requests sent; up to 60s"),
    megabytes: z.coerce
      .number()
      .int()
      .min(1)
      .max(200)
      .default(16)
      .describe("megabytes taken once over one connection, for throughput"),
    timeout: durationSetting("60s", "how long to wait for each thing"),
    output: outputSetting,
  }),
  async run({ settings, signal, env, out }) {
    const { duration: durationMs, dnsRate, requestRate } = settings;
    const tries = (Math.max(dnsRate, requestRate) * durationMs) / 1_000;
    if (durationMs < 100 || durationMs > 60_000 || tries > TRIES_MAX) {
      out.problem(
        `cannot measure: --duration must be 100ms to 60s, with at most ${TRIES_MAX} tries in it: got ${durationMs} ms and ${tries} tries`,
      );
      return 2;
    }
    const members = await membersUnderTest(settings, env, signal);
    if (!members.ok) {
      out.problem(`cannot measure: ${members.error}`);
      return 1;
    }
    const [exporter, ...importers] = members.value;
    if (exporter === undefined) return 1;
    const unique = Math.floor(systemRandom.next() * 36 ** 5).toString(36);
    const { rounds, megabytes, timeout: timeoutMs, output } = settings;
    const load = { rounds, dnsRate, requestRate, durationMs, bytes: megabytes * MEGABYTE };
    const options = { ...load, timeoutMs, unique, signal };
    const measurements = await benchmarkClusterset([exporter, ...importers], options);
    out.line(render(output, { measurements }, () => text(measurements)));
    return isGood(measurements) ? 0 : 1;
  },
});

function text(measurements: readonly Measurement[]): string {
  const rows = measurements.map(
    ({ from, at, measure, result, summary, megabitsPerSecond, detail }) => [
      ...[from, at, measure, result],
      ...(summary === undefined
        ? ["-", "-", "-", "-"]
        : [
            `${summary.count}${summary.failed === 0 ? "" : `, ${summary.failed} failed`}`,
            ...[summary.p50Ms, summary.p99Ms, summary.maxMs].map((ms) => `${ms} ms`),
          ]),
      rateText(measure, summary?.perSecond, megabitsPerSecond),
      detail,
    ],
  );
  const head = ["EXPORTER", "SEEN IN", "MEASURE", "RESULT", "TRIES", "P50", "P99", "MAX", "RATE"];
  return table([...head, "HOW"], rows).join("\n");
}

function rateText(
  measure: Measurement["measure"],
  perSecond: number | undefined,
  megabits: number | undefined,
): string {
  if (megabits !== undefined) return `${megabits} Mbit/s`;
  return perSecond === undefined || measure === "propagation" ? "-" : `${perSecond}/s`;
}
