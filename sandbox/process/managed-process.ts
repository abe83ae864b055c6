import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import type { Random } from "../../runtime/random/random.ts";

export interface ManagedProcessOptions {
  readonly name: string;
  /** Arguments of the `isthmus` program. */
  readonly args: readonly string[];
  /** Receives standard output and error, appended over restarts. */
  readonly logFile: string;
  /** Start it again when it dies unasked, as a kubelet would. */
  readonly restart: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Command line that the process is started by, such as that of a network namespace. It must become the process. @default none */
  readonly within?: readonly string[];
}

export interface ManagedProcessDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Told when the process dies unasked. */
  readonly onDeath?: (death: { readonly name: string; readonly how: string }) => void;
}

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const EXIT_WITH_PARENT = new URL("./exit-with-parent.mjs", import.meta.url).href;
const STOP_DEADLINE_MS = 5_000;
const RESTART = { firstMs: 2_000, maxMs: 15_000 };

/** The command line that runs the `isthmus` program with these arguments. */
export function programLine(args: readonly string[]): readonly string[] {
  return [process.execPath, MAIN, ...args];
}

/** One real process of the sandbox: the very program that runs against real clusters, started, watched and ended. */
export class ManagedProcess {
  readonly #options: ManagedProcessOptions;
  readonly #deps: ManagedProcessDeps;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #restartTimer: Timer | undefined;
  #deaths = 0;
  #stopping = false;

  constructor(options: ManagedProcessOptions, deps: ManagedProcessDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    this.#stopping = false;
    const log = openSync(this.#options.logFile, "a");
    const [program = "", ...args] = [
      ...(this.#options.within ?? []),
      ...[process.execPath, "--import", EXIT_WITH_PARENT, MAIN, ...this.#options.args],
    ];
    const child = spawn(program, args, {
      // The open standard input is how the child notices that we are gone, however we went.
      stdio: ["pipe", log, log],
      // Its own process group: Ctrl-C reaches the supervisor alone, which ends its children in order.
      detached: true,
      env: { ...this.#options.env },
    });
    closeSync(log);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      const gone = (how: string): void => {
        if (this.#child === child) this.#child = undefined;
        resolve();
        this.#onGone(how);
      };
      child.once("error", (error) => gone(`could not be started: ${error.message}`));
      child.once("exit", (code, signal) => gone(signal === null ? `exit code ${code}` : signal));
    });
  }

  /** As a fault: no chance to clean up. It comes back when it restarts. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Asks it to end, insists after a while. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#restartTimer?.cancel();
    const child = this.#child;
    if (child === undefined) return;
    child.kill("SIGTERM");
    using limit = deadline(this.#deps.clock, STOP_DEADLINE_MS);
    limit.signal.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
    await this.#exited;
  }

  /** The end of its log: what to show when it failed. */
  logTail(lines = 10): string {
    try {
      return readFileSync(this.#options.logFile, "utf8")
        .trimEnd()
        .split("\n")
        .slice(-lines)
        .join("\n");
    } catch {
      return "(no log)";
    }
  }

  #onGone(how: string): void {
    if (this.#stopping) return;
    this.#deps.onDeath?.({ name: this.name, how });
    if (!this.#options.restart) return;
    const delayMs = backoffMs(RESTART, this.#deaths++, this.#deps.random);
    this.#restartTimer = this.#deps.clock.setTimer(delayMs, () => this.start());
  }
}
