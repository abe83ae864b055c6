import type { Slice } from "../../api/slices/slice.ts";
import { kernelRate } from "../vxlan/plan/kernel-rate.ts";
import type { Queue, TrafficClass } from "../vxlan/plan/kernel-state.ts";

/** Of a gateway that has not been told what its line carries: floors mean nothing on a slower one. */
export const LINE_RATE_DEFAULT = 100e9;

/** Class of everything that no class is for. */
const OTHERS = 2;
const FIRST = 3;
/** Of the line, left over by floors that together want more than it carries. */
const UNRESERVED_MIN = 0.01;

/** Names to the classes that their traffic is in; slices without bandwidth have none. */
export function sliceClasses(slices: readonly Slice[]): ReadonlyMap<string, number> {
  const shaped = slices.filter(({ bandwidth }) => Object.keys(bandwidth).length > 0);
  return new Map(shaped.map(({ name }, at) => [name, FIRST + at]));
}

export interface SliceQueues {
  readonly queues: readonly Queue[];
  readonly classes: readonly TrafficClass[];
}

/**
 * Hierarchical token buckets (tc-htb(8)) on each device to other clusters: a floor is the rate that a class has before any
 * class borrows, a ceiling what it never exceeds. Nothing where no slice has either: such a queue costs.
 * @param lineRate what the gateway's line carries, bits per second
 */
export function sliceQueues(
  slices: readonly Slice[],
  links: readonly string[],
  lineRate: number,
): SliceQueues {
  const minors = sliceClasses(slices);
  if (minors.size === 0) return { queues: [], classes: [] };
  const shaped = slices.filter(({ name }) => minors.has(name));
  const floors = shaped.reduce((sum, { bandwidth: { floor = 0 } }) => sum + floor, 0);
  const unreserved = Math.max(lineRate - floors, lineRate * UNRESERVED_MIN);
  // Those without a floor, and all that is in no class, have equal parts of what floors leave.
  const sharing = shaped.filter(({ bandwidth }) => bandwidth.floor === undefined).length + 1;
  const part = unreserved / sharing;
  const leaves = shaped.map(({ name, bandwidth: { floor = part, ceiling = lineRate } }) => {
    const ceil = Math.min(ceiling, lineRate);
    return { minor: minors.get(name) ?? OTHERS, rate: Math.min(floor, ceil), ceil };
  });
  return {
    queues: links.map((link) => ({ link, fallback: OTHERS })),
    classes: links.flatMap((link) => [
      trafficClass(link, { minor: 1, rate: lineRate, ceil: lineRate }),
      ...[{ minor: OTHERS, rate: part, ceil: lineRate }, ...leaves].map((leaf) =>
        trafficClass(link, leaf),
      ),
    ]),
  };
}

function trafficClass(
  link: string,
  { minor, rate, ceil }: { readonly minor: number; readonly rate: number; readonly ceil: number },
): TrafficClass {
  return { link, minor, rate: kernelRate(rate), ceil: kernelRate(ceil) };
}
