import type { KubeObject } from "../../api/kube/object.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { resourceOf } from "../../runtime/kube/policy/apply-manifests.ts";
import type { Steps } from "../output/receipt.ts";
import type { InstallRecord } from "./install-record.ts";
import { render } from "./render.ts";

interface Deps {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  readonly out: Steps;
}

const LOOK_MS = 500;

/**
 * Has gateways and node agents remove what they put into nodes, and waits for the last node. Does nothing where none were
 * installed. Error: what was refused, or which nodes are missing.
 */
export async function cleanNodes(
  { settings, objects }: InstallRecord,
  timeoutMs: number,
  deps: Deps,
): Promise<Result<undefined, string>> {
  const rendered = render("member", { ...settings, cleanNodes: true });
  if (!rendered.ok) return rendered;
  const sets = rendered.value.filter(
    ({ kind, metadata }) =>
      kind === "DaemonSet" &&
      objects.some((one) => one.kind === kind && one.name === metadata.name),
  );
  for (const set of sets) {
    const applied = await deps.client.apply(resourceOf(set), set, { signal: deps.signal });
    if (!applied.ok) return err(applied.error.message);
  }
  const untilMs = systemClock.monotonicMs() + timeoutMs;
  for (const set of sets) {
    const cleaned = await waitFor(set, untilMs, deps);
    if (!cleaned.ok) return cleaned;
  }
  return ok(undefined);
}

async function waitFor(
  set: KubeObject,
  untilMs: number,
  { client, signal, out }: Deps,
): Promise<Result<undefined, string>> {
  const { namespace = "", name } = set.metadata;
  const target = { resource: resourceOf(set), namespace, name };
  for (;;) {
    const got = await client.get<DaemonSet>(target, { signal });
    if (!got.ok) return err(got.error.message);
    const progress = progressOf(got.value);
    if (progress.isDone) {
      out.step(
        {
          what: `${progress.ready} nodes`,
          did: "cleaned",
          detail: `of what ${name} put into them`,
        },
        `cleaned ${progress.ready} nodes of what ${name} put into them`,
      );
      return ok(undefined);
    }
    if (signal.aborted || systemClock.monotonicMs() >= untilMs) {
      return err(
        `DaemonSet ${namespace}/${name} has cleaned ${progress.ready} of ${progress.wanted ?? "an unknown number of"} nodes: kubectl -n ${namespace} get pods -o wide says which are missing; run it again, or leave nodes as they are with --skip-nodes`,
      );
    }
    await sleep(systemClock, LOOK_MS, signal);
  }
}

type DaemonSet = KubeObject & {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberReady?: number;
  };
};

interface Progress {
  readonly isDone: boolean;
  readonly ready: number;
  /** Undefined: nobody has looked at the DaemonSet yet. */
  readonly wanted: number | undefined;
}

/** A pod that is ready has cleaned its node, if it is one of the new kind. */
function progressOf({ metadata, status }: DaemonSet): Progress {
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 1);
  const wanted = isSeen ? (status?.desiredNumberScheduled ?? 0) : undefined;
  const ready = Math.min(status?.updatedNumberScheduled ?? 0, status?.numberReady ?? 0);
  return { isDone: wanted !== undefined && ready >= wanted, ready, wanted };
}
