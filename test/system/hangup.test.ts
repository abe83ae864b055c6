import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { VERBS } from "../../cli/verb-table.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { askHealth } from "../../sandbox/clusterset/health.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { ManagedProcess } from "../../sandbox/process/managed-process.ts";

test("every server is marked as one", async () => {
  const servers: string[] = [];
  for (const { path, load } of VERBS) {
    if ((await load()).isService === true) servers.push(path.join(" "));
  }
  expect(servers.toSorted()).toEqual([
    "broker",
    "controllers",
    "dns",
    "gateway",
    "node-agent",
    "proxy",
  ]);
});

test("SIGHUP stops no broker, and has its policy read again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "isthmus-hangup-"));
  const policy = join(folder, "policy.yaml");
  await writeFile(policy, "{}\n");
  const [port = 0, healthPort = 0] = await freePorts(2, systemRandom);
  const broker = new ManagedProcess(
    {
      name: "broker",
      args: [
        ...["broker", "--data-dir", join(folder, "hub"), "--policy", policy],
        ...["--listen", `127.0.0.1:${port}`, "--health-listen", `127.0.0.1:${healthPort}`],
      ],
      logFile: join(folder, "broker.log"),
      restart: false,
      env: process.env,
    },
    { clock: systemClock, random: systemRandom },
  );
  try {
    broker.start();
    const health = () => askHealth(healthPort, systemClock);
    await expect.poll(health, { timeout: 30_000 }).toEqual({ kind: "ready" });
    await writeFile(policy, "no: policy\n");
    process.kill(broker.pid ?? 0, "SIGHUP");
    await expect
      .poll(() => broker.logTail(20), { timeout: 15_000 })
      .toContain("last good content stays in force");
    process.kill(broker.pid ?? 0, "SIGHUP");
    expect(await health()).toEqual({ kind: "ready" });
  } finally {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
