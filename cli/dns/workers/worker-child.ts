import { fork } from "node:child_process";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** One running worker, as its pool sees it. */
export interface WorkerChild {
  send(message: ToWorker): void;
  /** Asks it to stop: it drains and ends. */
  disconnect(): void;
  /** Ends it at once. */
  kill(): void;
}

export interface WorkerEvents {
  readonly onMessage: (message: FromWorker) => void;
  /** Once; `how` is for people: "code 1", "SIGKILL". */
  readonly onExit: (how: string) => void;
}

export type StartWorker = (events: WorkerEvents) => WorkerChild;

/** As isthmus.mjs starts a DNS server. */
const NODE_FLAGS = ["--max-semi-space-size=8"];

/** Workers as processes of this program: `<program> <verb> <args>`. */
export function processWorkers(
  program: string,
  verb: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): StartWorker {
  return ({ onMessage, onExit }) => {
    const child = fork(program, [verb, ...args], {
      execArgv: NODE_FLAGS,
      env: { ...env },
      // Its own process group: Ctrl-C reaches the pool alone, which stops its workers in order.
      detached: true,
    });
    child.on("message", (message) => onMessage(message as FromWorker));
    child.on("error", () => undefined);
    child.on("exit", (code, signal) => onExit(signal ?? `code ${code ?? 0}`));
    return {
      // A worker that has just died is not an error of who talks to it: "exit" follows.
      send: (message) => void (child.connected && child.send(message, () => undefined)),
      disconnect: () => void (child.connected && child.disconnect()),
      kill: () => void child.kill("SIGKILL"),
    };
  };
}
