import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseClusterId } from "../../api/cluster-id.ts";
import type { Result } from "../../api/result.ts";
import {
  CertificateAuthority,
  createAuthorityMaterial,
} from "../../broker/identity/authority/certificate-authority.ts";
import {
  createCertificateRequest,
  parseCertificateRequest,
} from "../../broker/identity/authority/certificate-request.ts";
import { generateKeyPem } from "../../broker/identity/authority/key-pair.ts";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import { runProgram } from "../../cli/program.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";
import { createApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { MetricRecorder, type MetricsByProcess } from "./metric-recorder.ts";

const DEADLINE_MS = 60_000;
/** Nobody listens there: a process that waits for this API server, or hub, does nothing else. */
const NOBODY = "127.0.0.1:1";

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
    const files = await writeFiles(folder, server.kubeconfigEntry("one"));
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

interface Files {
  readonly kubeconfig: string;
  /** Of an API server that is away. */
  readonly away: string;
  readonly identity: string;
  /** Settings and policies that say nothing. */
  readonly empty: string;
}

async function writeFiles(
  folder: string,
  entry: Parameters<typeof kubeconfigText>[0][number],
): Promise<Files> {
  const files = {
    kubeconfig: join(folder, "kubeconfig"),
    away: join(folder, "away"),
    identity: join(folder, "identity"),
    empty: join(folder, "empty.yaml"),
  };
  await writeFile(files.kubeconfig, kubeconfigText([entry]));
  await writeFile(files.away, kubeconfigText([{ ...entry, server: `https://${NOBODY}` }]));
  await writeFile(files.empty, "{}\n");
  await writeIdentity(files.identity);
  return files;
}

/** What a join would have given. */
async function writeIdentity(directory: string): Promise<void> {
  const material = must(await createAuthorityMaterial("default", clock));
  const authority = must(await CertificateAuthority.open(material, clock));
  const keyPem = await generateKeyPem();
  const request = must(await parseCertificateRequest(must(await createCertificateRequest(keyPem))));
  const clusterId = must(parseClusterId("one"));
  const peer = { clusterset: "default", clusterId, incarnation: 1 };
  const { certPem } = await authority.issueMember(request, peer);
  const caPem = authority.certPem;
  const store = new FileIdentityStore(directory, { clock });
  must(await store.save({ keyPem, certPem, caPem, brokerAddress: NOBODY }));
}

/** Each process with everything on that has metrics of its own. */
function commandLines(folder: string, files: Files): readonly (readonly string[])[] {
  const { kubeconfig, away, identity, empty } = files;
  const member = ["--kubeconfig", kubeconfig, "--identity-dir", identity];
  const machine = ["--kubeconfig", away, "--node", "one", "--state-dir", folder];
  const paths = ["--backends", "underlay,vxlan,proxy", "--probe-listen", ":0"];
  const traces = ["--otlp-endpoint", `http://${NOBODY}`];
  return [
    [
      ...["broker", "--data-dir", join(folder, "hub"), "--listen", "127.0.0.1:0"],
      ...["--policy", empty, ...traces],
    ],
    ["controllers", ...member, ...paths, ...traces, "--config", empty],
    ["dns", "--kubeconfig", kubeconfig, "--listen", "127.0.0.1:0", ...traces, "--config", empty],
    ["gateway", ...machine],
    ["node-agent", ...machine],
    ["proxy", ...member, "--address", "127.0.0.1", "--listen", "127.0.0.1:0"],
  ];
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

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
