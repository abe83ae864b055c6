import type { Clock } from "../../../runtime/clock/clock.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { ControllersProcess, type ControllersProcessDeps } from "./controllers-process.ts";
import { DnsProcess, type DnsProcessDeps } from "./dns-process.ts";
import { NO_FAULTS } from "./kube-faults.ts";
import type { MemberTerm } from "./member-term.ts";
import { SimStateFile } from "./sim-state-file.ts";

export interface SimMemberDeps extends ControllersProcessDeps, DnsProcessDeps {
  readonly clock: Clock;
  /** Of the controllers. With more than one they elect a leader, as with `--leader-elect`. */
  readonly replicas: number;
  readonly onProcess: (process: ControllersProcess) => void;
  readonly onReachable: (process: ControllersProcess, isReachable: boolean) => void;
  readonly onStopped: (process: ControllersProcess, how: "crash" | "graceful") => void;
}

/** One member: an API server, and the processes of Isthmus beside it, which come and go. */
export class SimMember {
  readonly #deps: SimMemberDeps;
  #incarnation = 1;
  #processCount = 0;
  /** Undefined while it is down. BOUNDED: by `replicas`. */
  readonly #replicas: (ControllersProcess | undefined)[];
  /** Of each replica. BOUNDED: by `replicas`. */
  readonly #stateFiles: readonly SimStateFile[];
  #dns: DnsProcess | undefined;

  constructor(deps: SimMemberDeps) {
    this.#deps = deps;
    this.#replicas = Array.from({ length: deps.replicas }, () => undefined);
    this.#stateFiles = this.#replicas.map(() => new SimStateFile());
  }

  get deps(): SimMemberDeps {
    return this.#deps;
  }

  /** Processes that are up. */
  get processes(): readonly ControllersProcess[] {
    return this.#replicas.flatMap((process) => process ?? []);
  }

  /** Of the process that works; undefined while none does. */
  get term(): MemberTerm | undefined {
    return this.processes.find(({ term }) => term !== undefined)?.term;
  }

  /** Of the newest processes, running or to come. */
  get incarnation(): number {
    return this.#incarnation;
  }

  get dns(): DnsProcess | undefined {
    return this.#dns;
  }

  startDns(): void {
    if (this.#dns !== undefined) return;
    this.#dns = new DnsProcess(this.#deps);
    this.#dns.start();
  }

  restartControllers(replica: number, how: "crash" | "graceful", downMs: number): void {
    const index = replica % this.#replicas.length;
    const process = this.#replicas[index];
    const stopping = how === "graceful" ? process?.stopGracefully() : process?.crash();
    if (process !== undefined) this.#deps.onStopped(process, how);
    this.#replicas[index] = undefined;
    const start = (): void =>
      void this.#deps.clock.setTimer(downMs, () => this.#startReplica(index));
    if (stopping === undefined) start();
    else void stopping.then(start);
  }

  /** All processes crash and come back. */
  crashControllers(downMs: number): void {
    for (const index of this.#replicas.keys()) this.restartControllers(index, "crash", downMs);
  }

  /** All processes come back under a new certificate: another incarnation of the same member. */
  rejoin(downMs: number): void {
    this.#incarnation += 1;
    this.crashControllers(downMs);
  }

  /** One replica's requests do not arrive for some time. */
  cutOff(replica: number, forMs: number): void {
    const process = this.#replicas[replica % this.#replicas.length];
    if (process === undefined) return;
    process.cutOff();
    this.#deps.onReachable(process, false);
    this.#deps.clock.setTimer(forMs, () => this.#reconnect(process));
  }

  restartDns(downMs: number): void {
    this.#dns?.stop();
    this.#dns = undefined;
    this.#deps.clock.setTimer(downMs, () => this.startDns());
  }

  cutWatches(error: KubeError): void {
    for (const process of this.processes) process.cutWatches(error);
    this.#dns?.cutWatches(error);
  }

  /** No faults, and everything runs. */
  calm(): void {
    this.#deps.faults.level = NO_FAULTS;
    for (const process of this.processes) this.#reconnect(process);
    for (const index of this.#replicas.keys()) this.#startReplica(index);
    this.startDns();
  }

  stop(): void {
    for (const process of this.processes) process.crash();
    this.#dns?.stop();
    this.#deps.cluster.stop();
  }

  #reconnect(process: ControllersProcess): void {
    if (!process.isCutOff || !this.processes.includes(process)) return;
    process.reconnect();
    this.#deps.onReachable(process, true);
  }

  #startReplica(index: number): void {
    const stateFile = this.#stateFiles[index];
    if (this.#replicas[index] !== undefined || stateFile === undefined) return;
    this.#processCount += 1;
    const process = new ControllersProcess(this.#deps, {
      identity: `${this.#deps.cluster.id}-${index}-${this.#processCount}`,
      incarnation: this.#incarnation,
      elects: this.#replicas.length > 1,
      stateFile,
    });
    this.#replicas[index] = process;
    this.#deps.onProcess(process);
    process.start();
  }
}
