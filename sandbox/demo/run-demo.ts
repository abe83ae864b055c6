import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Random } from "../../runtime/random/random.ts";
import { joinMember } from "../clusterset/join-member.ts";
import { DemoClusterset } from "./demo-clusterset.ts";
import { DemoScenario, type ScenarioMember } from "./demo-scenario.ts";
import { mergeKubeconfigs } from "./merge-kubeconfigs.ts";
import { pasteLines } from "./paste-lines.ts";
import { StepPrinter } from "./step-printer.ts";

export interface DemoOptions {
  readonly clusters: number;
  /** End after the main job instead of staying up. */
  readonly exit: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface DemoDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly line: (text: string) => void;
  readonly connect: (kubeconfig: string, context: string) => KubeClient;
  readonly installCrds: (client: KubeClient, signal: AbortSignal) => Promise<void>;
  /** Resolves when the person has had enough. */
  readonly stopped: AbortSignal;
}

const START_MS = 60_000;

/** A whole clusterset on this machine; leaves no process and no file behind, however it ends. */
export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "isthmus-demo-"));
  const steps = new StepPrinter(deps.line, deps.clock);
  const clusterset = await DemoClusterset.plan(
    { ...options, directory, clusterset: "demo" },
    {
      ...deps,
      onDeath: ({ name, how }) => {
        const after = clusterset.isRestarted(name) ? "; it is started again" : "";
        steps.line(`! ${name} died (${how})${after}`);
      },
    },
  );
  try {
    const members = await bringUp(clusterset, steps, deps);
    await tellStory(members, steps, deps, options.exit);
    steps.line();
    steps.line(`done in ${steps.totalText().trim()}`);
    if (!options.exit) {
      for (const text of pasteLines(clusterset)) steps.line(text);
      await aborted(deps.stopped);
      steps.line("\nstopping ...");
    }
  } finally {
    await clusterset.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function bringUp(
  clusterset: DemoClusterset,
  steps: StepPrinter,
  deps: DemoDeps,
): Promise<readonly ScenarioMember[]> {
  const { processes } = clusterset;
  const waiting = { timeoutMs: START_MS, signal: deps.stopped };
  const count = clusterset.members.length;
  await steps.step(`hub and ${count} clusters, each its own process`, async () => {
    processes.broker.start();
    await Promise.all([
      clusterset.startClusters(waiting),
      processes.ready(processes.broker, processes.brokerHealthPort, waiting),
    ]);
    clusterset.writeKubeconfig(
      mergeKubeconfigs(
        clusterset.members.map(({ kubeconfig }) => readFileSync(kubeconfig, "utf8")),
      ),
    );
  });
  const members = clusterset.members.map(({ id, socksPort }) => ({
    id,
    socksPort,
    dnsPort: processes.member(id).dnsPort,
    kube: deps.connect(clusterset.kubeconfig, id),
  }));
  await steps.step(
    "custom resources installed; every member joined with its own token",
    async () => {
      await Promise.all(
        members.map(async ({ id, kube }) => {
          await Promise.all([
            deps.installCrds(kube, deps.stopped),
            joinMember(processes.member(id), processes, deps),
          ]);
        }),
      );
    },
  );
  await steps.step("controllers and DNS of every member ready", async () => {
    for (const { controllers, dns } of processes.members) {
      controllers.start();
      dns.start();
    }
    await Promise.all(
      processes.members.flatMap((member) => [
        processes.ready(member.controllers, member.controllersHealthPort, waiting),
        processes.ready(member.dns, member.dnsHealthPort, waiting),
      ]),
    );
  });
  return members;
}

async function tellStory(
  members: readonly ScenarioMember[],
  steps: StepPrinter,
  deps: DemoDeps,
  withUnexport: boolean,
): Promise<void> {
  using limit = deadline(deps.clock, 120_000, deps.stopped);
  const scenario = new DemoScenario(members, { clock: deps.clock, steps, signal: limit.signal });
  await scenario.deploy();
  await scenario.exportAndReach();
  // Whoever stays to play finds both exporters in place.
  if (withUnexport) await scenario.unexport();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
