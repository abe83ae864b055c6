import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { join } from "node:path";

/** What every server is given: a folder of its own for files, a port of 127.0.0.1, and the same clusterset in two forms. */
export interface ServerInput {
  readonly folder: string;
  readonly port: number;
  readonly kubeconfig: string;
  readonly zoneFile: string;
  /** Core that the server is pinned to; everywhere without it. */
  readonly core?: number;
}

/** A server that can be measured, started by its own program. */
export interface MeasuredServer {
  readonly name: string;
  /** Program and arguments, after files it needs were written. */
  command(input: ServerInput): readonly string[];
}

export interface RunningServer {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts the program, pinned; its output goes to `log` in the folder. It need not answer yet. */
export function startServer(server: MeasuredServer, input: ServerInput): RunningServer {
  const command = server.command(input);
  // taskset becomes the program: the pid stays.
  const pin = input.core === undefined ? [] : ["taskset", "-c", `${input.core}`];
  const [program = "", ...args] = [...pin, ...command];
  const log = openSync(join(input.folder, "log"), "w");
  const child = spawn(program, args, { stdio: ["ignore", log, log] });
  if (child.pid === undefined) throw new Error(`cannot start ${server.name}: ${command.join(" ")}`);
  return { name: server.name, port: input.port, pid: child.pid, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await exited;
  clearTimeout(timer);
}
