import type { Result } from "../../../api/result.ts";
import type { Container, Volume } from "../kinds/pod.ts";
import type { PodIdentity } from "./pod-identity.ts";

export interface PodPort {
  readonly protocol: "TCP" | "UDP";
  readonly port: number;
}

/** What to run. */
export interface PodTask {
  readonly identity: PodIdentity;
  /** Primary first. */
  readonly ips: readonly string[];
  readonly ports: readonly PodPort[];
  /** As the Pod has them, for a runtime that looks at images. */
  readonly containers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  /** Aborts when the Pod is to go before it runs: whoever waits for it to be ready need not any more. @default never */
  readonly signal?: AbortSignal;
}

/** What a kubelet runs pods with. */
export interface PodRuntime {
  /** Resolves once every port is served at every address; or nothing runs and it says why. */
  run(task: PodTask): Promise<Result<RunningPodServers, string>>;
}

export interface RunningPodServers {
  /** Ends open connections too. */
  stop(): Promise<void>;
}
