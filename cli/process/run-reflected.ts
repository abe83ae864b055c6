import { untilAborted } from "./until-aborted.ts";

export interface Follower {
  start(signal: AbortSignal): void;
  stopped(): Promise<void>;
  synced(signal: AbortSignal): Promise<boolean>;
}

/** Starts the reflectors, and the work once each has synced: nothing is decided from half of what there is. */
export async function runReflected(
  reflectors: readonly Follower[],
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  for (const reflector of reflectors) reflector.start(signal);
  const synced = await Promise.all(reflectors.map((reflector) => reflector.synced(signal)));
  if (synced.every(Boolean)) await work();
  await untilAborted(signal);
  await Promise.all(reflectors.map((reflector) => reflector.stopped()));
}
