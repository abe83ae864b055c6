import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { installCrds } from "../../cli/cluster/install-crds.ts";
import { anImport } from "../../dns-server/testing/objects.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import { askHealth } from "../../sandbox/clusterset/health.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { ManagedProcess } from "../../sandbox/process/managed-process.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";

// The DNS server as a process beside a cluster: settings that change while it runs, freshness, and its end.

const NAME = "web.shop.svc.clusterset.local";
const signal = AbortSignal.timeout(110_000);

let api: TestApiServer | undefined;
let dns: ManagedProcess | undefined;
afterEach(async () => {
  await dns?.stop();
  await api?.[Symbol.asyncDispose]();
});

interface World {
  readonly dns: ManagedProcess;
  readonly port: number;
  readonly healthPort: number;
  readonly configure: (text: string) => Promise<void>;
  readonly ttl: () => Promise<number | undefined>;
  readonly health: () => ReturnType<typeof askHealth>;
}

async function startWorld(config: string): Promise<World> {
  api = await startApiServer();
  const { folder, kubeconfig } = api;
  const connected = connectKube({ kubeconfig }, {}, silentMeter);
  if (!connected.ok) throw new Error(connected.error);
  const { client } = connected.value;
  const installed = await installCrds(client, systemClock, signal);
  if (!installed.ok) throw new Error(installed.error);
  await create(client, NAMESPACES, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop" },
  });
  await create(client, serviceImports("v1beta1"), anImport({ ips: ["10.96.0.1"] }));
  const [port = 0, healthPort = 0] = await freePorts(2, systemRandom);
  const file = join(folder, "dns.yaml");
  const configure = async (text: string): Promise<void> => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  await configure(config);
  const program = new ManagedProcess(
    {
      name: "dns",
      args: [
        ...["dns", "--kubeconfig", kubeconfig, "--config", file],
        ...["--listen", `127.0.0.1:${port}`, "--health-listen", `127.0.0.1:${healthPort}`],
      ],
      logFile: join(folder, "dns.log"),
      restart: false,
      env: process.env,
    },
    { clock: systemClock, random: systemRandom },
  );
  dns = program;
  program.start();
  const world: World = {
    dns: program,
    port,
    healthPort,
    configure,
    ttl: async () => {
      const answer = await askDns({ port, name: NAME, type: "A" }, systemClock);
      const [record] = answer?.answers ?? [];
      return record !== undefined && "ttl" in record ? record.ttl : undefined;
    },
    health: () => askHealth(healthPort, systemClock),
  };
  await expect.poll(world.health, { timeout: 30_000 }).toEqual({ kind: "ready" });
  return world;
}

async function create(client: KubeClient, resource: Resource, object: KubeObject): Promise<void> {
  // A definition that was installed a moment ago may not be served yet.
  await expect
    .poll(async () => (await client.create(resource, object, { signal })).ok, { timeout: 10_000 })
    .toBe(true);
}

test("settings of answers change with the file, at once after SIGHUP, and never to what is wrong", async () => {
  const world = await startWorld("ttl: 7\n");
  expect(await world.ttl()).toBe(7);
  await world.configure("ttl: 8\n");
  await expect.poll(world.ttl, { timeout: 15_000 }).toBe(8);
  await world.configure("ttl: 9\n");
  process.kill(world.dns.pid ?? 0, "SIGHUP");
  await expect.poll(world.ttl, { timeout: 15_000 }).toBe(9);
  for (const wrong of ["ttl: -1\n", "tttl: 1\n", "allow: [ten]\n", ": :\n"]) {
    await world.configure(wrong);
    process.kill(world.dns.pid ?? 0, "SIGHUP");
  }
  await expect
    .poll(() => world.dns.logTail(20), { timeout: 10_000 })
    .toContain("last good content stays in force");
  expect(await world.ttl()).toBe(9);
  expect(await world.health()).toEqual({ kind: "ready" });
  await world.configure("ttl: 10\n");
  process.kill(world.dns.pid ?? 0, "SIGHUP");
  await expect.poll(world.ttl, { timeout: 15_000 }).toBe(10);
});

test("asked to stop it is not ready any more, and answers until it has drained", async () => {
  const world = await startWorld("drain: 4s\n");
  const stopped = world.dns.stop();
  await expect
    .poll(world.health, { timeout: 3000 })
    .toEqual({ kind: "not-ready", why: expect.stringContaining("stopping") });
  expect(await world.ttl()).toBe(5);
  await stopped;
  expect(await world.ttl()).toBeUndefined();
});

test("without its API server it answers, yet is not ready after a while, and says why", async () => {
  const world = await startWorld("staleAfter: 2s\n");
  await api?.[Symbol.asyncDispose]();
  api = undefined;
  await expect.poll(world.health, { timeout: 30_000 }).toEqual({
    kind: "not-ready",
    why: expect.stringMatching(/not followed for \d+ s: /),
  });
  const answer = await askDns({ port: world.port, name: NAME, type: "A" }, systemClock);
  expect(addressesIn(answer)).toEqual(["10.96.0.1"]);
});

test("a setting that only the server can judge stops the start", async () => {
  api = await startApiServer();
  const { runCli } = await import("../e2e/harness/run-cli.ts");
  const outcome = await runCli([
    ...["dns", "--kubeconfig", api.kubeconfig, "--forward", "resolver.example"],
    ...["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"],
  ]);
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain(
    'cannot parse upstream: must be an IP address, with a port or without: got "resolver.example"',
  );
});
