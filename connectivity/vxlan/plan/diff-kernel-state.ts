import type { KernelCommand } from "./kernel-command.ts";
import {
  addressEntries,
  type Entry,
  forwardingEntries,
  groupEntries,
  linkEntries,
  neighbourEntries,
  nexthopEntries,
  routeEntries,
  ruleEntries,
} from "./kernel-entries.ts";
import type { KernelState } from "./kernel-state.ts";
import { innerClassEntries, outerClassEntries, queueEntries } from "./queue-entries.ts";

/** Kinds in the order in which each needs those before it. */
const KINDS: readonly ((state: KernelState) => readonly Entry[])[] = [
  linkEntries,
  queueEntries,
  outerClassEntries,
  innerClassEntries,
  addressEntries,
  neighbourEntries,
  forwardingEntries,
  nexthopEntries,
  groupEntries,
  routeEntries,
  ruleEntries,
];

/**
 * The commands that lead from one state to the other, in order: what is new comes before what is old goes, so that a packet
 * always finds a way if either state has one. Empty for equal states. The only exception: a link of other properties has
 * to go before it can be made anew, and takes along what stands on it; whoever applies looks again afterwards.
 */
export function diffKernelState(
  desired: KernelState,
  actual: KernelState,
): readonly KernelCommand[] {
  const add: KernelCommand[] = [];
  const remove: KernelCommand[] = [];
  for (const entriesOf of KINDS) {
    const there = new Map(entriesOf(actual).map((entry) => [entry.key, entry]));
    const wanted = entriesOf(desired);
    for (const entry of wanted) add.push(...toReach(entry, there.get(entry.key)));
    const keys = new Set(wanted.map(({ key }) => key));
    const gone = [...there.values()].filter(({ key }) => !keys.has(key));
    remove.unshift(...gone.flatMap((entry) => entry.remove));
  }
  return [...add, ...remove];
}

/** Whether a link has to be made anew on the way from one state to the other. */
export function replacesLink(desired: KernelState, actual: KernelState): boolean {
  const there = new Map(linkEntries(actual).map((entry) => [entry.key, entry.identity]));
  return linkEntries(desired).some(
    ({ key, identity }) => (there.get(key) ?? identity) !== identity,
  );
}

function toReach(wanted: Entry, found: Entry | undefined): readonly KernelCommand[] {
  if (found === undefined) return wanted.add;
  if (found.identity !== wanted.identity) return [...found.remove, ...wanted.add];
  return found.value === wanted.value ? [] : wanted.change;
}
