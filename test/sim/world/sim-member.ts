import type { Clock } from "../../../runtime/clock/clock.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { ControllersProcess, type ControllersProcessDeps } from "./controllers-process.ts";
import { DnsProcess, type DnsProcessDeps } from "./dns-process.ts";
import { NO_FAULTS } from "./kube-faults.ts";

export interface SimMemberDeps extends ControllersProcessDeps, DnsProcessDeps {
  readonly clock: Clock;
  readonly onControllers: (process: ControllersProcess) => void;
}

/** One member: an API server, and the processes of Isthmus beside it, which come and go. */
export class SimMember {
  readonly #deps: SimMemberDeps;
  #incarnation = 1;
  #controllers: ControllersProcess | undefined;
  #dns: DnsProcess | undefined;

  constructor(deps: SimMemberDeps) {
    this.#deps = deps;
  }

  get deps(): SimMemberDeps {
    return this.#deps;
  }

  /** Undefined while it is down. */
  get controllers(): ControllersProcess | undefined {
    return this.#controllers;
  }

  /** Of the newest process, running or to come. */
  get incarnation(): number {
    return this.#incarnation;
  }

  get dns(): DnsProcess | undefined {
    return this.#dns;
  }

  startControllers(): void {
    if (this.#controllers !== undefined) return;
    this.#controllers = new ControllersProcess(this.#deps, this.#incarnation);
    this.#deps.onControllers(this.#controllers);
    this.#controllers.start();
  }

  startDns(): void {
    if (this.#dns !== undefined) return;
    this.#dns = new DnsProcess(this.#deps);
    this.#dns.start();
  }

  /** `rejoin` comes back under a new certificate: another incarnation of the same member. */
  restartControllers(how: "crash" | "graceful" | "rejoin", downMs: number): void {
    if (how === "graceful") this.#controllers?.stopGracefully();
    else this.#controllers?.crash();
    if (how === "rejoin") this.#incarnation += 1;
    this.#controllers = undefined;
    this.#deps.clock.setTimer(downMs, () => this.startControllers());
  }

  restartDns(downMs: number): void {
    this.#dns?.stop();
    this.#dns = undefined;
    this.#deps.clock.setTimer(downMs, () => this.startDns());
  }

  cutWatches(error: KubeError): void {
    this.#controllers?.cutWatches(error);
    this.#dns?.cutWatches(error);
  }

  /** No faults, and everything runs. */
  calm(): void {
    this.#deps.faults.level = NO_FAULTS;
    this.startControllers();
    this.startDns();
  }

  stop(): void {
    this.#controllers?.crash();
    this.#dns?.stop();
    this.#deps.cluster.stop();
  }
}
