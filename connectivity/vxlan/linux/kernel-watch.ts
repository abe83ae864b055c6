import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { z } from "zod";
import { parseJson } from "../../../api/json.ts";
import { backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { KernelNews } from "./kernel-news.ts";
import type { Ownership } from "./read-kernel-state.ts";
import type { RunCommand } from "./run-command.ts";

export interface KernelWatchDeps {
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Calls back after somebody, who may be ourselves, has changed what is ours; until the signal aborts. */
export type WatchKernel = (onChange: () => void, signal: AbortSignal) => Promise<void>;

/** Whoever takes away one thing takes away more: they are looked at together. */
const GATHER_MS = 50;
const RETRY = { firstMs: 1_000, maxMs: 60_000 };
/** One that has told us things for so long and then ends is begun again as if it were the first time. */
const SOUND_MS = 60_000;
const PROGRAMS: readonly (readonly [program: string, ...args: string[]])[] = [
  ["ip", "-oneline", "monitor", "link", "address", "route", "rule", "nexthop"],
  // A table that goes is what others do to all of us at once (`flush ruleset`); the rest is found by looking regularly.
  // It holds all rules of the machine in memory, 200 MB for 80,000 of kube-proxy's: within the pod's limit (256Mi) it may have so much,
  // KiB, and where that does not do it ends, and there is looking regularly alone.
  ["sh", "-c", "ulimit -v 98304; exec nft monitor destroy tables"],
];
const ERROR_CHARS_MAX = 500;
const LINKS = z.array(z.object({ ifname: z.string(), mtu: z.int() }));

/**
 * Has the kernel's own notifications told by `ip monitor` and `nft monitor`, which end with this process, at the latest with the next
 * thing they have to tell. Without them changes are still found by looking regularly.
 */
export function kernelWatch(ours: Ownership, deps: KernelWatchDeps): WatchKernel {
  return async (onChange, signal) => {
    const news = new KernelNews(ours);
    let isGathering = false;
    const gather = async (): Promise<void> => {
      if (isGathering) return;
      isGathering = true;
      await sleep(deps.clock, GATHER_MS, signal);
      isGathering = false;
      if (!signal.aborted) onChange();
    };
    const onLine = (line: string): void => {
      if (news.isNews(line)) void gather();
    };
    const begun = async (): Promise<void> => news.begin(await linkSizes(deps.run, signal));
    await Promise.all(
      PROGRAMS.map((argv) => follow(argv, { onLine, begun, gather }, deps, signal)),
    );
  };
}

interface Followed {
  readonly onLine: (line: string) => void;
  readonly begun: () => Promise<void>;
  readonly gather: () => Promise<void>;
}

async function follow(
  [program, ...args]: readonly [string, ...string[]],
  { onLine, begun, gather }: Followed,
  { clock, random, log }: KernelWatchDeps,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    const ended = linesOf(program, args, onLine, signal);
    await begun();
    const how = await ended;
    if (signal.aborted) return;
    failures = clock.monotonicMs() - startedMs >= SOUND_MS ? 1 : failures + 1;
    log.warn("the kernel's news are not told, looking regularly instead", {
      program,
      how,
      failures,
    });
    await sleep(clock, backoffMs(RETRY, failures - 1, random), signal);
    // Whatever happened meanwhile was not told.
    void gather();
  }
}

/** Resolves when the program has ended, to how. */
function linesOf(
  program: string,
  args: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve("given up before it began");
      return;
    }
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const onAbort = (): void => {
      child.kill("SIGKILL");
    };
    signal.addEventListener("abort", onAbort, { once: true });
    createInterface({ input: child.stdout }).on("line", onLine);
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString("utf8")).slice(-ERROR_CHARS_MAX);
    });
    const finish = (how: string): void => {
      signal.removeEventListener("abort", onAbort);
      resolve(how);
    };
    child.on("error", (error) => finish(error.message));
    child.on("close", (code, killed) => finish(`${killed ?? `exit code ${code}`}: ${said.trim()}`));
  });
}

async function linkSizes(
  run: RunCommand,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const listed = await run({ program: "ip", args: ["-json", "link", "show"] }, signal);
  const links = LINKS.safeParse(listed.ok ? parseJson(listed.value) : undefined);
  return new Map(links.success ? links.data.map(({ ifname, mtu }) => [ifname, mtu]) : []);
}
