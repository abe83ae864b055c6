import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Waiting } from "../clusterset/clusterset-processes.ts";
import type { ScenarioMember } from "./demo-scenario.ts";

/** What a demo's clusters and processes are made of. The methods are called in this order. */
export interface DemoStage {
  /** Title of the first step: what it is that starts. */
  readonly opening: string;
  /** The hub and the clusters. */
  open(waiting: Waiting): Promise<void>;
  /** Definitions in every cluster, and an identity for every member. */
  join(signal: AbortSignal): Promise<void>;
  /** Controllers and DNS of every member, and what its backend needs. */
  startMembers(waiting: Waiting): Promise<void>;
  readonly members: readonly ScenarioMember[];
  /** Whether a process of this name comes back by itself. */
  isRestarted(name: string): boolean;
  /** Lines that a person can paste into another terminal; all of them work as they stand. */
  pasteLines(): readonly string[];
  stop(): Promise<void>;
}

export interface StageDeps {
  readonly connect: (kubeconfig: string, context: string) => KubeClient;
  readonly installCrds: (client: KubeClient, signal: AbortSignal) => Promise<void>;
}
