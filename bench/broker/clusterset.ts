import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { MemberProcess } from "./member-process.ts";
import {
  type BenchPlace,
  type BrokerFanOut,
  type BrokerQuestion,
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

/** One change on its way to everybody, in milliseconds. */
export interface Change {
  /** From the owner's `setOwnRows` until the last mirror shows it. */
  readonly ms: number;
  /** Of these the broker's: from the Put until the last subscriber's stream has taken it. */
  readonly brokerMs: number;
  /** Of those until the store has it. */
  readonly durableMs: number;
  /** Pauses for garbage meanwhile: of the broker, and of the members' process that paused longest. */
  readonly brokerGcMs: number;
  readonly membersGcMs: number;
  /** Members that it reached. */
  readonly reached: number;
}

/** Broker and members, as processes. */
export class Clusterset {
  readonly #workload: Workload;
  readonly #dataDir: string;
  readonly #place: BenchPlace;
  /** The broker that members use, and where they find it. */
  #broker: ChildProcess | undefined;
  #port = 0;
  /** Another replica over the same store, which they know of too. */
  #standby: ChildProcess | undefined;
  #processes: readonly MemberProcess[] = [];

  constructor(workload: Workload, dataDir: string, place: BenchPlace = { kind: "file" }) {
    this.#workload = workload;
    this.#dataDir = dataDir;
    this.#place = place;
  }

  async begin(takesBatches: boolean): Promise<void> {
    const { members } = this.#workload;
    const identities = await this.startBroker(members);
    const otherAddresses: string[] = [];
    if (this.#place.kind !== "file") {
      const { child, ready } = await this.#spawn({ members: 0, port: 0 });
      this.#standby = child;
      otherAddresses.push(`127.0.0.1:${ready.port}`);
    }
    const processes: MemberProcess[] = [];
    for (let first = 0; first < members; first += MEMBERS_PER_PROCESS) {
      const its = identities.slice(first, first + MEMBERS_PER_PROCESS);
      const start = {
        identities: its,
        first,
        workload: this.#workload,
        takesBatches,
        otherAddresses,
      };
      const process = new MemberProcess();
      processes.push(process);
      await process.ask({ kind: "begin", start });
    }
    this.#processes = processes;
  }

  /** Returns the identities of so many members; after `kill`, on the same port. */
  async startBroker(members = 0): Promise<BrokerReady["identities"]> {
    const { child, ready } = await this.#spawn({ members, port: this.#port });
    this.#broker = child;
    this.#port = ready.port;
    return ready.identities;
  }

  async #spawn(
    which: Pick<BrokerStart, "members" | "port">,
  ): Promise<{ readonly child: ChildProcess; readonly ready: BrokerReady }> {
    const start: BrokerStart = { ...which, place: this.#place, dataDir: this.#dataDir };
    const child = fork(new URL("./server.ts", import.meta.url), [JSON.stringify(start)], {
      execArgv: ["--expose-gc"],
    });
    const [ready]: [BrokerReady] = await answerOf(child);
    return { child, ready };
  }

  /** The broker that members use dies; from here on the other replica is the one that is measured. */
  async loseReplica(): Promise<void> {
    await this.kill();
    this.#broker = this.#standby;
    this.#standby = undefined;
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
    const [usage]: [BrokerUsage] = await this.#askBroker("measure");
    return usage;
  }

  #askBroker(question: BrokerQuestion): Promise<[never]> {
    const broker = this.#broker;
    if (broker === undefined) throw new Error("broker must have been started");
    const answer = answerOf(broker);
    broker.send(question);
    return answer;
  }

  /** What the broker spends on it; of one that is started anew within, since then. */
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
  async change(at: number, revision: number): Promise<Change> {
    const awaited = this.all({ kind: "await", at, revision });
    const [changed] = await this.all({ kind: "change", at, revision });
    const reached = await awaited;
    const lastMs = Math.max(
      ...reached.filter(({ members }) => members > 0).map((each) => each.doneMs),
    );
    const [broker]: [BrokerFanOut] = await this.#askBroker("fan-out");
    return {
      ms: lastMs - (changed?.doneMs ?? Number.NaN),
      brokerMs: broker.writtenMs - broker.receivedMs,
      durableMs: broker.durableMs - broker.receivedMs,
      brokerGcMs: broker.gcMs,
      membersGcMs: Math.max(...reached.map(({ gcMs }) => gcMs)),
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
    this.#standby?.kill();
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
