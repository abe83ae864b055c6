import type { Result } from "../../api/result.ts";
import type { CallOptions } from "./kube-client.ts";
import type { KubeError } from "./kube-error.ts";

export interface PodLogQuery {
  readonly namespace: string;
  readonly pod: string;
  /** Needed where a pod has several. */
  readonly container?: string;
  /** Of the life before this one. @default false */
  readonly previous?: boolean;
  /** The last of them, at most. */
  readonly tailLines: number;
  /** From their beginning, at most. */
  readonly limitBytes: number;
}

/** What a container has written so far, by way of the API server and the pod's node (`pods/log`). */
export type PodLogs = (
  query: PodLogQuery,
  options: CallOptions,
) => Promise<Result<string, KubeError>>;
