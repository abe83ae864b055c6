import { tc } from "./kernel-command.ts";
import { type Entry, entry } from "./kernel-entries.ts";
import type { KernelState, TrafficClass } from "./kernel-state.ts";

/** Of our queues' handles, hexadecimal; a packet's priority names its class by it. On our own links nobody else has one. */
export const QUEUE_MAJOR = "1570";

/** All classes that borrow at once get the same; larger than any packet that the kernel has put together. */
const QUANTUM = 65_536;

export function queueEntries({ queues }: KernelState): readonly Entry[] {
  return queues.map(({ link, fallback }) =>
    entry(link, `${fallback}`, {
      add: tc(
        `qdisc replace dev ${link} root handle ${QUEUE_MAJOR}: htb default ${fallback.toString(16)}`,
      ),
      remove: tc(`qdisc del dev ${link} root`),
    }),
  );
}

/** The class that holds the others has to come before them and go after them. */
export function outerClassEntries({ classes }: KernelState): readonly Entry[] {
  return classes.filter(({ minor }) => minor === 1).map((outer) => classEntry(outer, ""));
}

export function innerClassEntries({ classes }: KernelState): readonly Entry[] {
  return classes.filter(({ minor }) => minor !== 1).map((inner) => classEntry(inner, "1"));
}

function classEntry({ link, minor, rate, ceil }: TrafficClass, parent: string): Entry {
  const id = `classid ${QUEUE_MAJOR}:${minor.toString(16)}`;
  const line = `class replace dev ${link} parent ${QUEUE_MAJOR}:${parent} ${id} htb rate ${rate} ceil ${ceil} quantum ${QUANTUM}`;
  return entry(`${link} ${minor}`, `${rate} ${ceil}`, {
    add: tc(line),
    remove: tc(`class del dev ${link} ${id}`),
  });
}
