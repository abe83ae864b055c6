import { StateKeeper } from "../../../broker/client/saved/state-keeper.ts";
import type { OwnResponder } from "../../../cli/paths/own-responder.ts";
import { runWhileLeading } from "../../../controllers/leadership/run-while-leading.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { LeaderElector } from "../../../runtime/kube/leader/leader-elector.ts";
import type { InMemoryKubeClient } from "../../../sandbox/apiserver/in-memory-kube-client.ts";
import { startMemberPaths, startResponder } from "../paths/member-paths.ts";
import type { KubeFaults } from "./kube-faults.ts";
import { LEASE_NAME, LEASE_NAMESPACE } from "./lease.ts";
import { MemberTerm, type MemberTermDeps } from "./member-term.ts";
import { reportingLogger } from "./reporting-logger.ts";
import type { SimStateFile } from "./sim-state-file.ts";

export interface ControllersProcessDeps extends MemberTermDeps {
  readonly faults: KubeFaults;
  /** Called before each request of this process is handled. */
  readonly onPerform: (process: ControllersProcess) => void;
  /** The process works from now on, as leader if there are several. */
  readonly onTerm: (process: ControllersProcess, term: MemberTerm) => void;
  /** Leadership was won or lost; not told of processes that need none. */
  readonly onLeading: (process: ControllersProcess, isLeading: boolean) => void;
}

export interface ControllersProcessOptions {
  /** Unique among all processes of the run. */
  readonly identity: string;
  readonly incarnation: number;
  /** Stands for election and waits for it; works at once otherwise. */
  readonly elects: boolean;
  /** Of its replica: outlives the process. */
  readonly stateFile: SimStateFile;
}

/** For what a planted bug says last. */
const FLUSH_MS = 50;
const UNREACHABLE: KubeError = { kind: "unavailable", message: "injected: no way to the server" };
const DEAD: KubeError = { kind: "aborted", message: "the process is gone" };

/** One process of a member's controllers, from start to crash or graceful stop. */
export class ControllersProcess {
  readonly identity: string;
  readonly elects: boolean;
  readonly incarnation: number;
  readonly #deps: ControllersProcessDeps;
  readonly #base: InMemoryKubeClient;
  readonly #client: KubeClient;
  readonly #stateFile: SimStateFile;
  readonly #stop = new AbortController();
  #term: MemberTerm | undefined;
  #responder: OwnResponder | undefined;
  #isDead = false;
  #isCutOff = false;

  constructor(deps: ControllersProcessDeps, options: ControllersProcessOptions) {
    const { cluster, faults } = deps;
    this.identity = options.identity;
    this.elects = options.elects;
    this.#deps = deps;
    this.incarnation = options.incarnation;
    this.#stateFile = options.stateFile;
    this.#base = cluster.client(
      "controllers",
      {
        intercept: (request, moment, signal) => {
          if (this.#isDead) return Promise.resolve(DEAD);
          if (this.#isCutOff) return Promise.resolve(UNREACHABLE);
          return faults.intercept(request, moment, signal);
        },
      },
      () => deps.onPerform(this),
    );
    this.#client = faults.delayWatches(this.#base);
  }

  /** Undefined while another replica leads. */
  get term(): MemberTerm | undefined {
    return this.#term;
  }

  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  start(): void {
    const { signal } = this.#stop;
    this.#run(signal).catch((error: unknown) => {
      this.#deps.report("bug", `controllers ended: ${String(error)}`);
    });
  }

  /** As SIGTERM: jobs under way may end. @returns when it works no more, where that takes time. */
  stopGracefully(): Promise<void> | undefined {
    const { wiring, cluster } = this.#deps;
    if (this.#responder !== undefined) return this.#responder.part().then(() => this.#stop.abort());
    if (wiring.beforeStop === undefined || this.#term === undefined) this.#stop.abort();
    else {
      wiring.beforeStop(this.#term.wiredLink, () =>
        cluster.clock.setTimer(FLUSH_MS, () => this.#stop.abort()),
      );
    }
    return undefined;
  }

  /** As SIGKILL: nothing that was not handled yet reaches the API server. */
  crash(): void {
    this.#isDead = true;
    this.#stop.abort();
  }

  /** No request arrives any more, and what was asked is not answered. */
  cutOff(): void {
    this.#isCutOff = true;
    this.#base.breakWatches(UNREACHABLE);
  }

  reconnect(): void {
    this.#isCutOff = false;
  }

  cutWatches(error: KubeError): void {
    this.#base.breakWatches(error);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { paths, cluster } = this.#deps;
    if (paths !== undefined) {
      const responder = await startResponder(paths, cluster);
      this.#responder = responder;
      signal.addEventListener("abort", () => responder.stop(), { once: true });
    }
    await (this.elects ? this.#standForElection(signal) : this.#work(signal));
  }

  async #standForElection(signal: AbortSignal): Promise<void> {
    const { cluster, random, report, wiring } = this.#deps;
    const { clock } = cluster;
    const log = reportingLogger(`elector of ${this.identity}`, report);
    const elector = new LeaderElector(
      { namespace: LEASE_NAMESPACE, name: LEASE_NAME, identity: this.identity },
      { client: wiring.electionKube?.(this.#client) ?? this.#client, clock, random, log },
    );
    elector.subscribe((isLeading) => this.#deps.onLeading(this, isLeading));
    const candidate = wiring.candidate?.(elector) ?? elector;
    await runWhileLeading(candidate, (term) => this.#work(term), signal);
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { cluster, report } = this.#deps;
    const by = { clusterset: "memory", clusterId: cluster.id, incarnation: this.incarnation };
    const keeper = new StateKeeper({
      file: this.#stateFile.open(by, () => this.#isDead),
      clock: cluster.clock,
      log: reportingLogger(`state of ${this.identity}`, report),
    });
    const { paths: withPaths } = this.#deps;
    const responder = this.#responder;
    const paths =
      withPaths &&
      responder &&
      (await startMemberPaths(withPaths, this.#deps, this.#client, responder, signal));
    // Ended before anything was known.
    if (withPaths !== undefined && paths === undefined) return;
    const saved = await keeper.load();
    const { incarnation } = this;
    const term = new MemberTerm(this.#deps, this.#client, { incarnation, saved, paths });
    keeper.follow(term.link);
    this.#term = term;
    this.#deps.onTerm(this, term);
    const untold = responder?.toldBy(() => term.telling);
    await term.run(signal);
    untold?.();
    this.#term = undefined;
    await keeper.stop();
  }
}
