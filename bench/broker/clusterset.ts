import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { MemberProcess } from "./member-process.ts";
import {
  type BrokerReady,
  type BrokerStart,
  type BrokerUsage,
  type MembersAnswer,
  type MembersCommand,
  machineMs,
} from "./process-messages.ts";
import type { Workload } from "./workload.ts";

const MEMBERS_PER_PROCESS = 250;

export interface Cost<T> extends BrokerUsage {
  readonly ms: number;
  readonly result: T;
}

/** Broker and members, as processes. */
export class Clusterset {
  readonly #workload: Workload;
  readonly #dataDir: string;
  #broker: ChildProcess | undefined;
  #port = 0;
  #processes: readonly MemberProcess[] = [];

  constructor(workload: Workload, dataDir: string) {
    this.#workload = workload;
    this.#dataDir = dataDir;
  }

  async begin(takesBatches: boolean): Promise<void> {
    const { members } = this.#workload;
    const identities = await this.startBroker(members);
    const processes: MemberProcess[] = [];
    for (let first = 0; first < members; first += MEMBERS_PER_PROCESS) {
      const its = identities.slice(first, first + MEMBERS_PER_PROCESS);
      const start = { identities: its, first, workload: this.#workload, takesBatches };
      const process = new MemberProcess();
      processes.push(process);
      await process.ask({ kind: "begin", start });
    }
    this.#processes = processes;
  }

  /** Returns the identities of so many members; after `kill`, on the same port. */
  async startBroker(members = 0): Promise<BrokerReady["identities"]> {
    const start: BrokerStart = { members, dataDir: this.#dataDir, port: this.#port };
    this.#broker = fork(new URL("./server.ts", import.meta.url), [JSON.stringify(start)], {
      execArgv: ["--expose-gc"],
    });
    const [ready]: [BrokerReady] = await answerOf(this.#broker);
    this.#port = ready.port;
    return ready.identities;
  }

  async kill(): Promise<void> {
    const broker = this.#broker;
    if (broker === undefined) return;
    const exited = once(broker, "exit");
    broker.kill("SIGKILL");
    await exited;
  }

  deleteStore(): void {
    rmSync(join(this.#dataDir, "store"), { recursive: true });
  }

  async usage(): Promise<BrokerUsage> {
    const broker = this.#broker;
    if (broker === undefined) throw new Error("broker must have been started");
    const answer = answerOf(broker);
    broker.send("measure");
    const [usage]: [BrokerUsage] = await answer;
    return usage;
  }

  /** What the broker spends on it; of one that is killed within, since it was started again. */
  async cost<T>(work: () => Promise<T>): Promise<Cost<T>> {
    const broker = this.#broker;
    const before = await this.usage();
    const startMs = machineMs();
    const result = await work();
    const ms = machineMs() - startMs;
    const usage = await this.usage();
    const base = broker === this.#broker ? before : { cpuMs: 0, sentBytes: 0, receivedBytes: 0 };
    return {
      ...usage,
      ms,
      result,
      cpuMs: usage.cpuMs - base.cpuMs,
      sentBytes: usage.sentBytes - base.sentBytes,
      receivedBytes: usage.receivedBytes - base.receivedBytes,
    };
  }

  /** Answers of the processes that the command concerns. */
  async all(command: MembersCommand): Promise<readonly MembersAnswer[]> {
    const answers = await Promise.all(this.#processes.map((process) => process.ask(command)));
    return answers.filter((answer) => answer !== undefined);
  }

  /** Changes an export, and waits until all have it. */
  async change(
    at: number,
    revision: number,
  ): Promise<{ readonly ms: number; readonly reached: number }> {
    const awaited = this.all({ kind: "await", at, revision });
    const [changed] = await this.all({ kind: "change", at, revision });
    const reached = await awaited;
    const lastMs = Math.max(
      ...reached.filter(({ members }) => members > 0).map((each) => each.doneMs),
    );
    return {
      ms: lastMs - (changed?.doneMs ?? Number.NaN),
      reached: reached.reduce((sum, { members }) => sum + members, 0),
    };
  }

  /** Until the broker sends nothing any more. */
  async rest(): Promise<void> {
    for (let last = -1; ; ) {
      const { sentBytes } = await this.usage();
      if (sentBytes === last) return;
      last = sentBytes;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  end(): void {
    for (const process of this.#processes) process.end();
    this.#broker?.kill();
  }
}

async function answerOf(child: ChildProcess): Promise<[never]> {
  const done = new AbortController();
  const { signal } = done;
  const gone = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`broker must run: it ended with ${code}`);
  });
  try {
    return await Promise.race([once(child, "message", { signal }) as Promise<[never]>, gone]);
  } finally {
    gone.catch(() => undefined);
    done.abort();
  }
}
