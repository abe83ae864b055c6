import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { freePorts } from "../../sandbox/process/free-ports.ts";
import { ManagedProcess } from "../../sandbox/process/managed-process.ts";
import { until } from "../../sandbox/process/until.ts";
import { type Outcome, runCommand } from "./kubectl-command.ts";

// The real kubectl against a whole member of the sandbox, started as a process: what needs pods that run.

const isInstalled = (await runCommand("kubectl", ["version", "--client"], {})).code === 0;
const absence = isInstalled ? "" : " (skipped: kubectl is not on the PATH)";

describe.skipIf(!isInstalled)(`kubectl and a member${absence}`, () => {
  let folder: string;
  let member: ManagedProcess;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "isthmus-member-"));
    const [healthPort = 0] = await freePorts(1, systemRandom);
    const health = `127.0.0.1:${healthPort}`;
    const args = [
      ["--name", "one", "--pod-cidrs", "10.1.0.0/16", "--service-cidrs", "10.101.0.0/16"],
      ["--kubeconfig-out", join(folder, "config"), "--health-listen", health],
    ].flat();
    member = new ManagedProcess(
      {
        name: "one",
        args: ["sandbox-member", ...args],
        logFile: join(folder, "log"),
        restart: false,
        env: process.env,
      },
      { clock: systemClock, random: systemRandom },
    );
    member.start();
    const isReady = async () => {
      const answer = await fetch(`http://${health}/readyz`).catch(() => undefined);
      return answer?.ok === true ? true : undefined;
    };
    const { signal } = new AbortController();
    await until("the member", isReady, { clock: systemClock, timeoutMs: 20_000, signal }).catch(
      async (failure: unknown) => {
        throw new Error(await readFile(join(folder, "log"), "utf8"), { cause: failure });
      },
    );
    await must("create", "namespace", "shop");
  });
  afterAll(async () => {
    await member.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function kubectl(...args: readonly string[]): Promise<Outcome> {
    const environment = { KUBECONFIG: join(folder, "config"), HOME: folder };
    return runCommand("kubectl", ["-n", "shop", ...args], environment);
  }

  async function must(...args: readonly string[]): Promise<string> {
    const { code, out } = await kubectl(...args);
    expect(code, `kubectl ${args.join(" ")}: ${out}`).toBe(0);
    return out;
  }

  test("a deployment is created, exposed, scaled, changed and deleted with its pods", async () => {
    await must("create", "deployment", "web", "--image=nginx:1", "--replicas=2", "--port=8080");
    expect(await must("rollout", "status", "deployment/web", "--timeout=20s")).toContain(
      "successfully rolled out",
    );
    await must("expose", "deployment", "web", "--port=80", "--target-port=8080");
    await must("scale", "deployment", "web", "--replicas=3");
    await must("wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=3");
    await must("set", "image", "deployment/web", "nginx=nginx:2");
    await must("rollout", "status", "deployment/web", "--timeout=20s");
    await must("wait", "deployment/web", "--for=condition=Available");
    const [header, row] = (await must("get", "deployment", "web", "-o", "wide")).split("\n");
    expect(header?.split(/\s+/)).toEqual(
      "NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR".split(" "),
    );
    expect(row).toMatch(/^web +3\/3 +3 +3 +\d+s +nginx +nginx:2 +app=web$/);
    expect(await must("describe", "service", "web")).toMatch(/^Endpoints: +10\.1\.\d+\.\d+:8080,/m);
    await must("delete", "deployment", "web", "--cascade=foreground", "--timeout=20s");
    await must("wait", "pods", "-l", "app=web", "--for=delete", "--timeout=20s");
  });

  test("a pod runs, is shown, and goes by eviction and by force", async () => {
    await must("run", "p", "--image=busybox", "--labels=a=b", "--port=8080");
    await must("wait", "pod/p", "--for=condition=Ready", "--timeout=20s");
    const [header, row] = (await must("get", "pods", "-o", "wide", "-l", "a=b")).split("\n");
    expect(header?.split(/ {2,}/)).toEqual(
      "NAME,READY,STATUS,RESTARTS,AGE,IP,NODE,NOMINATED NODE,READINESS GATES".split(","),
    );
    expect(row).toMatch(/^p +1\/1 +Running +0 +\d+s +10\.1\.\d+\.\d+ +node-1 +<none> +<none>$/);
    expect(await must("describe", "pod", "p")).toMatch(/^Node: +node-1\//m);
    const dryRun = ["drain", "node-1", "--force", "--dry-run=server", "--ignore-daemonsets"];
    expect(await must(...dryRun)).toContain("evicting pod shop/p (server dry run)");
    await must("delete", "pod", "p", "--grace-period=0", "--force");
    expect((await kubectl("get", "pod", "p")).out).toContain("(NotFound)");
  });

  test("describe node tells what the node has", async () => {
    const out = await must("describe", "node", "node-1");
    expect(out).toMatch(/^ +Ready +True /m);
    expect(out).toMatch(/^ +cpu +0 \(0%\) /m);
    expect(out).not.toContain("-9223372036854775808");
  });

  test.each([
    { command: "logs", args: [], why: "log is not served" },
    { command: "exec", args: ["--", "ls"], why: "exec is not served" },
    { command: "attach", args: [], why: "attach is not served" },
    { command: "port-forward", args: ["8080"], why: "portforward is not served" },
  ])("$command fails with a reason", async ({ command, args, why }) => {
    const name = `for-${command}`;
    await must("run", name, "--image=busybox");
    await must("wait", `pod/${name}`, "--for=condition=Ready", "--timeout=20s");
    const { code, out } = await kubectl(command, name, ...args);
    expect(code).not.toBe(0);
    expect(out).toContain(`pods "${name}": ${why}: `);
  });

  test.each([
    { args: ["top", "pods"], why: "Metrics API not available" },
    { args: ["create", "job", "j", "--image=x"], why: "could not find the requested resource" },
    { args: ["get", "ingress"], why: 'the server doesn\'t have a resource type "ingress"' },
    { args: ["rollout", "undo", "deployment/none"], why: "(NotFound)" },
  ])("$args fails with a reason", async ({ args, why }) => {
    const { code, out } = await kubectl(...args);
    expect(code).not.toBe(0);
    expect(out).toContain(why);
  });
});
