import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import { err, ok } from "../../api/result.ts";
import { commonSettings } from "../../install/common-settings.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { ClusterReader } from "../cluster/cluster-reader.ts";
import { connectKube } from "../cluster/connect-kube.ts";
import { parseEntry } from "../explain/collect/entry.ts";
import { bundleOf } from "../gather/bundle.ts";
import { collectLogs } from "../gather/collect-logs.ts";
import { type Collected, collectObjects } from "../gather/collect-objects.ts";
import { collectReports } from "../gather/collect-reports.ts";
import { redactText } from "../gather/redact.ts";
import { Receipt } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

const FETCH_MS = 5_000;

export const gatherVerb = defineVerb({
  summary:
    "write a support bundle: objects, Events, status, what is wrong with services, our pods' logs, and logs and metrics that it is pointed at; keys, tokens and Secrets' data are left out",
  settings: z.object({
    ...kubeSettings,
    namespace: commonSettings.namespace,
    file: z.string().default("isthmus-gather.tar.gz").describe("file to write; must not exist"),
    podLogs: z.boolean().default(true).describe("put in the logs of our own pods"),
    log: z
      .array(z.string())
      .default([])
      .describe("files of logs to put in, of processes that run elsewhere"),
    metrics: z
      .array(z.string())
      .default([])
      .describe("URLs of /metrics to put in, as they are reached from here"),
    maxObjects: z.coerce
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(2_000)
      .describe("objects of each kind, at most"),
    maxMegabytes: z.coerce
      .number()
      .int()
      .min(1)
      .max(1_000)
      .default(50)
      .describe("size of all before it is packed, at most"),
    output: outputSetting,
  }),
  async run({ settings, signal, env, out }) {
    const kube = connectKube(settings, env, silentMeter);
    const receipt = new Receipt(settings.output, out);
    if (!kube.ok) return receipt.end(kube);
    const { client, logs, forward } = kube.value;
    const entry = parseEntry("auto", env);
    const looking = { clock: systemClock, random: systemRandom, client, forward, signal };
    const files = [
      ...(entry.ok
        ? await collectReports(
            { systemNamespace: settings.namespace, entry: entry.value },
            { ...looking, reader: new ClusterReader(client, signal) },
          )
        : []),
      ...(await collectObjects(settings, { client, signal })),
      ...(settings.podLogs ? await collectLogs(settings.namespace, { client, logs, signal }) : []),
      ...(await Promise.all(settings.metrics.map(readMetrics))),
      ...(await Promise.all(settings.log.map(readLog))),
    ];
    const maxBytes = settings.maxMegabytes * 1024 * 1024;
    const bundle = bundleOf(files, { maxBytes, nowMs: systemClock.nowMs() });
    try {
      await writeFile(settings.file, bundle, { mode: 0o600, flag: "wx" });
    } catch (error) {
      return receipt.end(err(`cannot write ${settings.file}: ${messageOf(error)}`));
    }
    for (const { name, text } of files) {
      if (/\.(missing|cut)\.txt$/.test(name)) receipt.problem(`${name}: ${text.trimEnd()}`);
    }
    receipt.facts(
      { file: settings.file, files: files.length, bytes: bundle.length },
      `${settings.file}: ${files.length} files, ${bundle.length} bytes`,
    );
    return receipt.end(ok(undefined));
  },
});

async function readMetrics(url: string, index: number): Promise<Collected> {
  const name = `metrics/${index + 1}`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
    return { name: `${name}.txt`, text: `# ${url}\n${redactText(await answer.text())}` };
  } catch (error) {
    return { name: `${name}.missing.txt`, text: `${url}: ${messageOf(error)}\n` };
  }
}

async function readLog(path: string, index: number): Promise<Collected> {
  const name = `logs/${index + 1}-${basename(path)
    .replaceAll(/[^\w.-]/g, "_")
    .slice(0, 40)}`;
  try {
    return { name, text: redactText(await readFile(path, "utf8")) };
  } catch (error) {
    return { name: `${name}.missing.txt`, text: `${messageOf(error)}\n` };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
