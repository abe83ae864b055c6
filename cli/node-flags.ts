/**
 * Flags of Node by verb.
 *
 * The DNS server makes hardly any garbage once it has read its cluster: room for young objects that grew while it read, up to
 * 128 MiB, would stay for nothing.
 *
 * The proxy's garbage is the memory that bytes were read into, whose size V8 counts as if it were old: without these it marks
 * its whole heap every few dozen megabytes that pass. Young objects are collected early instead, while what they held is
 * still in the CPU's cache, old ones when there is something to gain; helpers that wake up for a millisecond cost
 * more than they do (`docs/performance.md`).
 */
export const NODE_FLAGS: Readonly<Record<string, readonly string[]>> = {
  dns: ["--max-semi-space-size=8"],
  proxy: ["--max-semi-space-size=1", "--initial-old-space-size=128", "--single-threaded-gc"],
};

/** Replaces this very process by one with the flags of its verb, if it has not got them. A system that cannot goes on without. */
export function takeNodeFlags({ argv, execArgv, execPath, env, platform }: NodeJS.Process): void {
  const flags = NODE_FLAGS[argv[2] ?? ""] ?? [];
  if (flags.every((flag) => execArgv.includes(flag)) || platform !== "linux") return;
  process.execve?.(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], env);
}
