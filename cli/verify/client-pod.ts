import type { KubeObject } from "../../api/kube/object.ts";
import { PODS } from "../../api/kube/pod.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { PodLogs } from "../../runtime/kube/pod-logs.ts";
import { testPodSpec } from "./test-pod.ts";
import { make } from "./test-service.ts";
import { waitUntil } from "./wait-until.ts";

export interface ClientPodOptions<T> {
  /** For `node -e`, with its environment. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it says last, out of its log; undefined: nothing yet. */
  readonly read: (log: string) => T | undefined;
  readonly namespace: string;
  readonly image: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Pod extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly {
      readonly state?: {
        readonly waiting?: { readonly reason?: string; readonly message?: string };
        readonly terminated?: { readonly exitCode: number; readonly message?: string };
      };
    }[];
  };
}

/** Why nothing is known of what it sees. */
export interface Unknown {
  readonly kind: "unreadable" | "silent";
  readonly why: string;
}

const CLIENT_POD = "verify-client";
const LOG = { tailLines: 20, limitBytes: 64 * 1024 };

/** A client in a pod of the cluster: what it sees is what any pod there sees. Gone with its namespace. */
export class ClientPod<T> {
  readonly #deps: { readonly client: KubeClient; readonly logs: PodLogs };
  readonly #options: ClientPodOptions<T>;

  constructor(
    options: ClientPodOptions<T>,
    deps: { readonly client: KubeClient; readonly logs: PodLogs },
  ) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Error: why there is none, so that nothing can be said of the cluster. */
  async start(): Promise<Result<undefined, string>> {
    const { namespace, image, program, env, timeoutMs, signal } = this.#options;
    const pod = testPodSpec({ image, program, env, ports: [] });
    const metadata = { namespace, name: CLIENT_POD };
    const object = {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { ...pod, restartPolicy: "Never" },
    };
    const made = await make({ resource: PODS, object }, this.#deps.client, signal);
    if (!made.ok) return made;
    let hopeless: string | undefined;
    const { missing } = await waitUntil(
      async () => {
        const state = await this.#state();
        if (state.kind === "hopeless") hopeless = state.why;
        return state.kind === "waiting" ? state.why : undefined;
      },
      systemClock.monotonicMs() + timeoutMs,
      signal,
    );
    const problem = hopeless ?? missing;
    return problem === undefined ? ok(undefined) : err(problem);
  }

  /** What it saw last. Error: nothing is known. */
  async last(): Promise<Result<T, Unknown>> {
    const { namespace, read, signal } = this.#options;
    const log = await this.#deps.logs({ namespace, pod: CLIENT_POD, ...LOG }, { signal });
    if (!log.ok) {
      const why = `the client pod's log cannot be read: ${log.error.message}`;
      return err({ kind: "unreadable", why });
    }
    const report = read(log.value);
    if (report !== undefined) return ok(report);
    return err({ kind: "silent", why: "the client pod has said nothing yet" });
  }

  async #state(): Promise<State> {
    const { namespace, signal } = this.#options;
    const last = await this.last();
    if (last.ok) return { kind: "speaks" };
    const target = { resource: PODS, namespace, name: CLIENT_POD };
    const found = await this.#deps.client.get<Pod>(target, { signal });
    if (!found.ok) return { kind: "waiting", why: `the client pod: ${found.error.message}` };
    const { phase = "Pending", conditions = [], containerStatuses = [] } = found.value.status ?? {};
    const { waiting, terminated } = containerStatuses[0]?.state ?? {};
    if (phase === "Failed" || phase === "Succeeded" || terminated !== undefined) {
      const how = terminated === undefined ? phase : `code ${terminated.exitCode}`;
      return { kind: "hopeless", why: `the client pod has ended (${how})` };
    }
    // It runs, and nobody shows what it writes: an API server without nodes behind it.
    if (phase === "Running" && last.error.kind === "unreadable") {
      return { kind: "hopeless", why: last.error.why };
    }
    const unplaced = conditions.find(
      ({ type, status }) => type === "PodScheduled" && status === "False",
    );
    const why = waiting?.message ?? waiting?.reason ?? unplaced?.message ?? last.error.why;
    return { kind: "waiting", why: `the client pod does not run (${phase}): ${why}` };
  }
}

type State =
  | { readonly kind: "speaks" }
  | { readonly kind: "waiting" | "hopeless"; readonly why: string };
