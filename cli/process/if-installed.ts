import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { ReflectorStatus } from "../../runtime/kube/reflector/reflector.ts";
import type { Follower } from "./run-reflected.ts";

/** How often it is looked at before it is known whether there is such a kind. */
const LOOK_MS = 100;

/**
 * A collection that a cluster need not have: where its API server says that there is no such kind there are no objects of it
 * either, and nobody waits. The reflector goes on asking with back-off, so that a kind that is installed later is followed then.
 */
export function ifInstalled(
  reflector: Follower & { status(): ReflectorStatus },
  { clock }: { readonly clock: Clock },
): Follower & { status(): ReflectorStatus } {
  const status = (): ReflectorStatus => {
    const { error, ...found } = reflector.status();
    if (error?.kind === "no-such-resource") return { ...found, synced: true };
    return { ...found, ...(error !== undefined && { error }) };
  };
  return {
    start: (signal) => reflector.start(signal),
    stopped: () => reflector.stopped(),
    async synced(signal) {
      while (!signal.aborted && !status().synced) await sleep(clock, LOOK_MS, signal);
      return !signal.aborted;
    },
    status,
  };
}
