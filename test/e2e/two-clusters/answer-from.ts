import { PODS } from "../../../api/kube/pod.ts";
import { must } from "../../../api/result.ts";
import { systemClock as clock } from "../../../runtime/clock/system-clock.ts";
import { SAMPLE } from "../../../sandbox/demo/sample-service.ts";
import { until } from "../../../sandbox/process/until.ts";
import type { LineCluster } from "./two-clusters.ts";

/** Waits until a pod of the exporter answers a pod of the importer. Fails with why nobody did at last. */
export async function expectAnswerFrom(
  exporter: LineCluster,
  importer: LineCluster,
  url: URL,
  { patienceMs, signal }: { readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<void> {
  let last: unknown;
  const look = async (): Promise<true | undefined> => {
    try {
      const pod = await importer.whoAnswers(url);
      const query = { namespace: SAMPLE.namespace };
      const pods = must(await exporter.kube.list(PODS, query, { signal })).items;
      last = `the answer of ${pod}, which is no pod of the exporter`;
      return pods.some(({ metadata }) => metadata.name === pod) ? true : undefined;
    } catch (error) {
      last = error;
      return undefined;
    }
  };
  const waiting = { clock, timeoutMs: patienceMs, signal, everyMs: 100 };
  await until(`an answer at ${url.href}`, look, waiting).catch((cause: unknown) => {
    throw new Error(`${String(cause)}: ${String(last)}`, { cause });
  });
}
