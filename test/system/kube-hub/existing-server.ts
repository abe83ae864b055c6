import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { HubServer } from "./hub-server.ts";

const COMMAND_MS = 120_000;

/**
 * An API server of yours: ISTHMUS_HUB_KUBECONFIG and, unless its current context is meant, ISTHMUS_HUB_CONTEXT. It is killed
 * and started again by the shell commands ISTHMUS_HUB_STOP and ISTHMUS_HUB_START, where both are set.
 */
export class ExistingServer implements HubServer {
  readonly kubeconfig: string;
  readonly context: string | undefined;
  readonly isShared = true;
  readonly memoryClient = undefined;
  readonly #stop: string | undefined;
  readonly #start: string | undefined;

  private constructor(kubeconfig: string, env: Readonly<Record<string, string | undefined>>) {
    this.kubeconfig = kubeconfig;
    this.context = env["ISTHMUS_HUB_CONTEXT"];
    this.#stop = env["ISTHMUS_HUB_STOP"];
    this.#start = env["ISTHMUS_HUB_START"];
  }

  /** Undefined: none is named. */
  static fromEnv(env: Readonly<Record<string, string | undefined>>): ExistingServer | undefined {
    const kubeconfig = env["ISTHMUS_HUB_KUBECONFIG"];
    return kubeconfig === undefined ? undefined : new ExistingServer(kubeconfig, env);
  }

  get isRestartable(): boolean {
    return this.#stop !== undefined && this.#start !== undefined;
  }

  stop(): Promise<void> {
    return shell(this.#stop);
  }

  resume(): Promise<void> {
    return shell(this.#start);
  }

  async close(): Promise<void> {
    // It was there before.
  }
}

async function shell(line: string | undefined): Promise<void> {
  if (line === undefined) {
    throw new Error("ISTHMUS_HUB_STOP and ISTHMUS_HUB_START must be set: they are not");
  }
  await promisify(execFile)("sh", ["-c", line], { timeout: COMMAND_MS });
}
