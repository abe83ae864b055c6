import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, type Result } from "../../api/result.ts";
import { runProgram } from "../../cli/program.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { createApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { commandLines, writeProcessFiles } from "./every-process.ts";
import { MetricRecorder, type MetricsByProcess } from "./metric-recorder.ts";

const DEADLINE_MS = 60_000;

/**
 * Runs every process that serves `/metrics`, all in this one, and notes what each registers. There is an embedded API server; that of the gateway and the node agent is
 * away, so that they wait and change nothing of this machine.
 * @param isDone asked again and again for a minute: is enough known?
 */
export async function collectMetrics(
  isDone: (seen: MetricsByProcess) => boolean,
): Promise<MetricsByProcess> {
  const folder = await mkdtemp(join(tmpdir(), "isthmus-metrics-"));
  const server = must(
    await createApiServer({ serviceCidrs: ["10.101.0.0/16"] }, { clock, random, log }),
  );
  await server.start();
  const recorder = new MetricRecorder();
  const stopping = new AbortController();
  const running: Promise<unknown>[] = [];
  try {
    const files = await writeProcessFiles(folder, server.kubeconfigEntry("one"));
    must(await run(["crds", "--apply", "--kubeconfig", files.kubeconfig], stopping.signal));
    for (const argv of commandLines(folder, files)) {
      const started = recorder.next(argv[0] ?? "");
      const common = ["--health-listen", "127.0.0.1:0", "--log-level", "error"];
      const ended = run([...argv, ...common], stopping.signal);
      running.push(ended);
      // Processes run until they are stopped: one that ends before could not start.
      await Promise.race([started, ended.then(must)]);
    }
    const startMs = clock.monotonicMs();
    while (!isDone(recorder.seen) && clock.monotonicMs() - startMs < DEADLINE_MS) {
      await sleep(clock, 50, stopping.signal);
    }
    return recorder.seen;
  } finally {
    stopping.abort();
    await Promise.all(running);
    recorder.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(argv: readonly string[], signal: AbortSignal): Promise<Result<void, string>> {
  const problems: string[] = [];
  const out = {
    line: () => undefined,
    problem: (text: string) => void problems.push(text),
  };
  const onHangup = () => () => undefined;
  const code = await runProgram(argv, { env: {}, program: "", signal, out, onHangup });
  if (code === 0 && !LONG_RUNNING.has(argv[0] ?? "")) return { ok: true, value: undefined };
  return { ok: false, error: `isthmus ${argv[0]} ended with ${code}: ${problems.join("; ")}` };
}

const LONG_RUNNING = new Set(["broker", "controllers", "dns", "gateway", "node-agent", "proxy"]);
