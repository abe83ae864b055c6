import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Result } from "../../api/result.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { runMember } from "../../cli/controllers/run-member.ts";
import { NO_RESPONDER } from "../../cli/paths/own-responder.ts";
import { DEFAULT_CHOICE_SETTINGS } from "../../connectivity/select/choose-path.ts";
import { NO_PINS } from "../../connectivity/select/pins.ts";
import { SHARE_EVERYTHING } from "../../controllers/policy/member-policy.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { unchanging } from "../../runtime/config/changing.ts";
import { pinoLogger } from "../../runtime/log/pino-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import type { MemberStart, MemberState } from "./process-messages.ts";

// One member's controllers as `isthmus controllers` runs them, in a process of its own. It takes its identity and
// kubeconfig, says when it is ready (as /readyz would), answers `state`, and stops in good order on `stop`.

/** BOUNDED: by the connections that this process opens to the broker. */
const sockets = new Set<Socket>();

async function main(): Promise<void> {
  subscribe("net.client.socket", (message) => {
    sockets.add((message as { readonly socket: Socket }).socket);
  });
  const started = once(process, "message");
  process.send?.("up");
  const [start]: readonly MemberStart[] = await started;
  if (start === undefined) throw new Error("the first message must be MemberStart");
  const brokerPort = Number(start.identity.brokerAddress.split(":").at(-1));
  const meter = new PrometheusMeter();
  const log = pinoLogger("controllers", "warn");
  const kube = connectKube({ kubeconfig: start.kubeconfig }, {}, meter);
  if (!kube.ok) throw new Error(kube.error);
  const stop = new AbortController();
  process.on("message", (question) => {
    if (question === "stop") stop.abort();
    else process.send?.(state(brokerPort));
  });
  process.on("disconnect", () => process.exit(0));
  let readiness: (() => Result<string, string>) | undefined;
  const options = {
    // Good for longer than a measurement takes: nothing is renewed.
    renewal: {
      current: () => start.identity,
      problem: () => undefined,
      subscribe: () => () => undefined,
    },
    otherAddresses: [],
    cidrs: [],
    stateDir: mkdtempSync(join(tmpdir(), "isthmus-bench-member-")),
    paths: {
      backends: start.podCidrs === undefined ? [] : (["underlay"] as const),
      settings: unchanging({ choice: DEFAULT_CHOICE_SETTINGS, pins: NO_PINS }),
      ignoreCniImports: false,
      responder: NO_RESPONDER,
    },
    policy: unchanging(SHARE_EVERYTHING),
    // Leases of source clusters are heartbeats, not work: without them the writes counted are those of imports.
    staleAfterMs: Number.POSITIVE_INFINITY,
    leaseNamespace: "isthmus-system",
    network:
      start.podCidrs === undefined
        ? undefined
        : {
            settings: { podCidrs: start.podCidrs, serviceCidrs: [], encryption: "none" as const },
            fixed: [],
          },
    onReadiness: (check: () => Result<string, string>): void => {
      readiness = check;
    },
  };
  const deps = { client: kube.value.client, clock, random, log, meter };
  const running = runMember(options, deps, stop.signal);
  while (readiness?.().ok !== true && !stop.signal.aborted) await sleep(clock, 5, stop.signal);
  process.send?.("ready");
  const problem = await running;
  rmSync(options.stateDir, { recursive: true, force: true });
  if (problem !== undefined) throw new Error(problem);
}

function state(brokerPort: number): MemberState {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return {
    heapMiB: mebibytes(heapUsed),
    residentMiB: mebibytes(rss),
    peakMiB: mebibytes(Number(peak) * 1024),
    cpuSeconds: (user + system) / 1e6,
    linkBytes: [...sockets]
      .filter(({ remotePort }) => remotePort === brokerPort)
      .reduce((sum, { bytesRead }) => sum + bytesRead, 0),
  };
}

function mebibytes(bytes: number): number {
  return Math.round((bytes / 2 ** 20) * 10) / 10;
}

await main();
process.exit(0);
