import type { LeaderElector } from "../../runtime/kube/leader/leader-elector.ts";

export type Candidate = Pick<LeaderElector, "start" | "stopped" | "subscribe" | "isLeader">;

/**
 * Runs `term` each time this process is elected, with a signal that aborts when leadership is lost or `signal` does.
 * The lease is given back only when the last term has ended, so that the next leader never meets a write of this one.
 * @param term must end soon after its signal aborts; one that ends by itself ends the candidacy.
 */
export async function runWhileLeading(
  candidate: Candidate,
  term: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const candidacy = new AbortController();
  candidate.start(candidacy.signal);
  try {
    while (await elected(candidate, signal)) {
      const current = new AbortController();
      const unsubscribe = candidate.subscribe((leading) => {
        if (!leading) current.abort();
      });
      if (!candidate.isLeader()) current.abort();
      await term(AbortSignal.any([current.signal, signal]));
      unsubscribe();
      if (!current.signal.aborted) break;
    }
  } finally {
    candidacy.abort();
    await candidate.stopped();
  }
}

/** True once this process leads, false when the signal aborts first. */
function elected(candidate: Candidate, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (isElected: boolean): void => {
      signal.removeEventListener("abort", onAbort);
      unsubscribe();
      resolve(isElected);
    };
    const onAbort = (): void => finish(false);
    const unsubscribe = candidate.subscribe((leading) => {
      if (leading) finish(true);
    });
    if (signal.aborted) finish(false);
    else if (candidate.isLeader()) finish(true);
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
