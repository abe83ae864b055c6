import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { Asker } from "../../bench/dns/ask.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { installCrds } from "../../cli/cluster/install-crds.ts";
import { aNamespace, anImport } from "../../dns-server/testing/objects.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";

// `isthmus dns --workers 2` as it is run, beside an API server: answers, metrics, readiness, death and stop.

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const QUESTION = "web.shop.svc.clusterset.local A";

let apiServer: TestApiServer;
let dnsPort = 0;
let healthPort = 0;
let pool: ChildProcess;

beforeAll(async () => {
  apiServer = await startApiServer();
  const { signal } = new AbortController();
  const kube = connectKube({ kubeconfig: apiServer.kubeconfig }, {}, silentMeter);
  if (!kube.ok) throw new Error(kube.error);
  const { client } = kube.value;
  await installCrds(client, systemClock, signal);
  await client.create(NAMESPACES, aNamespace("shop"), { signal });
  const created = await client.create(serviceImports(), anImport({ ips: ["10.96.0.1"] }), {
    signal,
  });
  if (!created.ok) throw new Error(created.error.message);
  [dnsPort = 0, healthPort = 0] = await freePorts(2, systemRandom);
  pool = startPool(dnsPort, healthPort);
});

afterAll(async () => {
  pool.kill("SIGKILL");
  await apiServer[Symbol.asyncDispose]();
});

function startPool(port: number, health: number): ChildProcess {
  const args = [
    `--kubeconfig=${apiServer.kubeconfig}`,
    `--listen=127.0.0.1:${port}`,
    `--health-listen=127.0.0.1:${health}`,
    "--workers=2",
  ];
  return spawn(process.execPath, [MAIN, "dns", ...args], { stdio: ["ignore", "ignore", "pipe"] });
}

const get = async (path: string): Promise<string> =>
  (await fetch(`http://127.0.0.1:${healthPort}${path}`)).text();

/** Queries answered, by all workers together. */
async function answered(): Promise<number> {
  const line = /^isthmus_dns_queries_total\{type="A",code="NOERROR",transport="udp"\} (\d+)$/m;
  return Number(line.exec(await get("/metrics"))?.[1] ?? 0);
}

/** Asks from so many sockets, some of which meet each worker; how many were answered. */
async function ask(sockets: number): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: sockets }, async () => {
      using asker = new Asker(dnsPort);
      const answer = await asker.ask(QUESTION);
      // Not before: what "using" ends must have answered.
      return answer;
    }),
  );
  return answers.filter((answer) => answer?.includes("10.96.0.1")).length;
}

async function ready(): Promise<void> {
  await expect
    .poll(() => get("/readyz").catch(() => ""), { timeout: 60_000, interval: 100 })
    .toContain("[+]dns ok: 2 workers");
}

function workerPids(): readonly number[] {
  const children = `/proc/${pool.pid}/task/${pool.pid}/children`;
  return readFileSync(children, "utf8").trim().split(" ").map(Number);
}

test("two workers answer on one port, and count as one server", async () => {
  await ready();
  expect(await ask(100)).toBe(100);
  await expect.poll(answered, { timeout: 10_000 }).toBe(100);
  expect(await get("/metrics")).toContain("isthmus_dns_zone_services 1");
});

test("one worker dies: not ready, the other answers, counters do not fall, and it comes back", async () => {
  const [victim = 0] = workerPids();
  process.kill(victim, "SIGKILL");
  await expect.poll(() => get("/readyz")).toContain("ended (SIGKILL), starts again");
  expect(await ask(50)).toBe(50);
  await expect.poll(answered, { timeout: 10_000 }).toBe(150);
  await ready();
  expect(await ask(50)).toBe(50);
  await expect.poll(answered, { timeout: 10_000 }).toBe(200);
});

test("a taken port ends all, with the reason", async () => {
  const [health = 0] = await freePorts(1, systemRandom);
  const blocker = createSocket("udp4");
  blocker.bind(0, "127.0.0.1");
  await once(blocker, "listening");
  const second = startPool(blocker.address().port, health);
  let problems = "";
  second.stderr?.on("data", (text) => {
    problems += String(text);
  });
  const [code] = await once(second, "exit");
  blocker.close();
  expect(code).toBe(1);
  expect(problems).toContain("address in use by another process");
});

test("stops in order when asked, and leaves nobody behind", async () => {
  const pids = workerPids();
  const exited = once(pool, "exit");
  pool.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});
