import type { MemberNetwork } from "../../api/network/member-network.ts";
import { MEMBER_NETWORKS } from "../../api/network/resources.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Gauge, Meter } from "../../runtime/metrics/meter.ts";
import type { EventRecorder } from "../events/event-recorder.ts";
import type { Overlap } from "./find-overlaps.ts";

interface Deps {
  readonly client: Pick<KubeClient, "mergePatch">;
  readonly events: Pick<EventRecorder, "record">;
  readonly log: Logger;
  readonly meter: Meter;
}

/** As the CRD takes them. */
const PROBLEMS_MAX = 32;
const PROBLEM_MAX = 1024;

/** What is wrong with the own network, told where people look: log, metric, status of the MemberNetwork, Event on it. */
export class NetworkProblems {
  readonly #deps: Deps;
  readonly #count: Gauge;
  readonly #overlapping: Gauge;
  #told = "[[],[]]";

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#count = deps.meter.gauge({
      name: "isthmus_controllers_network_problems",
      help: "What is wrong with what this cluster says about its network: status.problems of MemberNetwork local.",
    });
    this.#overlapping = deps.meter.gauge({
      name: "isthmus_controllers_overlapping_peers",
      help: "Peers whose pod networks overlap those of this cluster: underlay and overlay-cni cannot reach them.",
    });
  }

  /** Logs once, until something else is to be told. */
  note(problems: readonly string[], overlaps: readonly Overlap[]): void {
    this.#count.set(problems.length);
    this.#overlapping.set(new Set(overlaps.map(({ peer }) => peer)).size);
    const told = JSON.stringify([problems, overlaps]);
    if (told === this.#told) return;
    this.#told = told;
    const { log } = this.#deps;
    for (const { peer, here, there } of overlaps) {
      log.warn("pod networks overlap: underlay and overlay-cni are of no use with this peer", {
        peer,
        here,
        there,
      });
    }
    for (const problem of problems) {
      log.warn("network of this cluster cannot be told in whole", { problem });
    }
  }

  /** Writes where something differs (I9); an Event for each that is new. Undefined: written, or nothing to write. */
  async publish(
    known: MemberNetwork,
    all: readonly string[],
    signal: AbortSignal,
  ): Promise<KubeError | undefined> {
    const problems = all.slice(0, PROBLEMS_MAX).map((problem) => problem.slice(0, PROBLEM_MAX));
    const before = known.status?.problems ?? [];
    if (JSON.stringify(before) === JSON.stringify(problems)) return undefined;
    const { client, events } = this.#deps;
    const patched = await client.mergePatch(
      { resource: MEMBER_NETWORKS, name: known.metadata.name },
      { status: { problems } },
      { signal, subresource: "status" },
    );
    if (!patched.ok) return patched.error;
    for (const note of problems.filter((problem) => !before.includes(problem))) {
      const draft = {
        type: "Warning",
        reason: "NetworkProblem",
        action: "Publishing",
        note,
      } as const;
      events.record(known, draft, signal);
    }
    return undefined;
  }
}
