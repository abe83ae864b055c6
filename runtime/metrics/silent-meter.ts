import type { Meter } from "./meter.ts";

/** For tests and the simulation. */
export const silentMeter: Meter = {
  counter: () => ({ add: () => undefined, remove: () => undefined }),
  gauge: () => ({ set: () => undefined, remove: () => undefined }),
  histogram: () => ({ observe: () => undefined }),
};
