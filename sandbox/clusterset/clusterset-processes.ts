import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Random } from "../../runtime/random/random.ts";
import { ManagedProcess, type ManagedProcessDeps } from "../process/managed-process.ts";
import { until } from "../process/until.ts";
import { askHealth } from "./health.ts";

export interface ClustersetPlan {
  /** Receives data, identities and logs of all processes. */
  readonly directory: string;
  readonly clusterset: string;
  readonly members: readonly MemberPlan[];
  /** Free ones, as many as `portsNeeded` says. */
  readonly ports: readonly number[];
  /** Environment of the processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logLevel?: string;
  /** Further arguments of every member's controllers. */
  readonly controllersArgs?: readonly string[];
  /** Further arguments of every member's DNS server. */
  readonly dnsArgs?: readonly string[];
  /** Further arguments of the broker. */
  readonly brokerArgs?: readonly string[];
  /** Where the broker runs. @default on loopback */
  readonly hubPlace?: ProcessPlace;
}

/** Where a process runs, if not on this machine's loopback. */
export interface ProcessPlace {
  /** Its address, for those who ask for its health, and for members who look for the broker. */
  readonly host: string;
  /** Command line that puts it there. */
  readonly within: readonly string[];
}

/** An existing cluster that is to be a member: embedded or real, nobody here can tell. */
export interface MemberPlan extends KubeCredentials {
  readonly id: string;
  /** Who our processes are there. @default whom the member's own kubeconfig names */
  readonly credentials?: { readonly controllers: KubeCredentials; readonly dns: KubeCredentials };
  /** @default on loopback */
  readonly places?: { readonly controllers: ProcessPlace; readonly dns: ProcessPlace };
  /** Further arguments of this member's controllers. */
  readonly controllersArgs?: readonly string[];
  /** Further arguments of this member's DNS server. */
  readonly dnsArgs?: readonly string[];
}

const LOOPBACK: ProcessPlace = { host: "127.0.0.1", within: [] };

export interface KubeCredentials {
  readonly kubeconfig: string;
  readonly context: string;
}

export interface MemberProcesses {
  readonly id: string;
  readonly identityDir: string;
  readonly controllers: ManagedProcess;
  readonly dns: ManagedProcess;
  readonly controllersHealthPort: number;
  readonly dnsHealthPort: number;
  /** UDP and TCP, on loopback or in the place of the DNS server. */
  readonly dnsPort: number;
}

type Deps = ManagedProcessDeps & { readonly clock: Clock; readonly random: Random };

/** Ports of a clusterset of so many members: two for the broker, three for each member. */
export function portsNeeded(members: number): number {
  return 2 + 3 * members;
}

/**
 * The processes that make existing clusters a clusterset: one broker and, for each member, controllers and DNS. They
 * run outside the clusters, each as its own process, exactly as on real machines.
 */
export class ClustersetProcesses {
  readonly broker: ManagedProcess;
  readonly brokerAddress: string;
  readonly brokerDataDir: string;
  readonly brokerHealthPort: number;
  readonly members: readonly MemberProcesses[];
  readonly #deps: Deps;
  readonly #hosts = new Map<ManagedProcess, string>();

  constructor(plan: ClustersetPlan, deps: Deps) {
    this.#deps = deps;
    mkdirSync(join(plan.directory, "logs"), { recursive: true });
    for (const { id } of plan.members) mkdirSync(join(plan.directory, id), { recursive: true });
    const [brokerPort = 0, brokerHealthPort = 0, ...memberPorts] = plan.ports;
    const hubPlace = plan.hubPlace ?? LOOPBACK;
    this.brokerAddress = `${hubPlace.host}:${brokerPort}`;
    this.brokerHealthPort = brokerHealthPort;
    this.brokerDataDir = join(plan.directory, "hub");
    const start = (name: string, place: ProcessPlace, args: readonly string[]): ManagedProcess => {
      const managed = new ManagedProcess(
        {
          name,
          args: [...args, "--log-level", plan.logLevel ?? "info"],
          logFile: join(plan.directory, "logs", `${name}.log`),
          restart: true,
          env: plan.env,
          within: place.within,
        },
        deps,
      );
      this.#hosts.set(managed, place.host);
      return managed;
    };
    this.broker = start("broker", hubPlace, [
      "broker",
      ...["--data-dir", this.brokerDataDir, "--clusterset", plan.clusterset],
      ...[
        "--listen",
        this.brokerAddress,
        "--health-listen",
        `${hubPlace.host}:${brokerHealthPort}`,
      ],
      ...(plan.brokerArgs ?? []),
    ]);
    this.members = plan.members.map((member, index) => {
      const at = (offset: number): number => memberPorts[index * 3 + offset] ?? 0;
      const identityDir = join(plan.directory, member.id, "identity");
      const { controllers = member, dns = member } = member.credentials ?? {};
      const { places = { controllers: LOOPBACK, dns: LOOPBACK } } = member;
      return {
        id: member.id,
        identityDir,
        controllersHealthPort: at(0),
        dnsHealthPort: at(1),
        dnsPort: at(2),
        controllers: start(`${member.id}-controllers`, places.controllers, [
          ...["controllers", ...kubeFlags(controllers), "--identity-dir", identityDir],
          ...["--health-listen", `${places.controllers.host}:${at(0)}`],
          ...(plan.controllersArgs ?? []),
          ...(member.controllersArgs ?? []),
        ]),
        dns: start(`${member.id}-dns`, places.dns, [
          ...["dns", ...kubeFlags(dns), "--cluster-id", member.id],
          // A server in a place of its own answers at all of the place's addresses.
          ...["--listen", `${member.places === undefined ? LOOPBACK.host : ""}:${at(2)}`],
          ...["--health-listen", `${places.dns.host}:${at(1)}`],
          ...(member.dnsArgs ?? []),
          ...(plan.dnsArgs ?? []),
        ]),
      };
    });
  }

  get processes(): readonly ManagedProcess[] {
    return [this.broker, ...this.members.flatMap(({ controllers, dns }) => [controllers, dns])];
  }

  member(id: string): MemberProcesses {
    const found = this.members.find((member) => member.id === id);
    if (found === undefined) throw new Error(`no member ${id} in this clusterset`);
    return found;
  }

  /** Waits until a process says it is ready; fails with what it said last and the end of its log. */
  async ready(process: ManagedProcess, healthPort: number, options: Waiting): Promise<void> {
    let last = "it does not answer";
    try {
      await until(
        `${process.name} to be ready`,
        async () => {
          const host = this.#hosts.get(process);
          const health = await askHealth(healthPort, this.#deps.clock, host);
          if (health.kind === "not-ready") last = health.why;
          // An answer while the process is down is somebody else's.
          return health.kind === "ready" && process.isRunning ? true : undefined;
        },
        { clock: this.#deps.clock, ...options },
      );
    } catch (error) {
      throw new Error(`${process.name} is not ready: ${last}\n${process.logTail()}`, {
        cause: error,
      });
    }
  }

  /** What /metrics of a process says. */
  async metrics(process: ManagedProcess, healthPort: number): Promise<string> {
    const host = this.#hosts.get(process) ?? LOOPBACK.host;
    const answer = await fetch(`http://${host}:${healthPort}/metrics`);
    return answer.text();
  }

  /** Members first, so that nobody logs a lost broker. */
  async stop(): Promise<void> {
    await Promise.all(
      this.members.flatMap(({ controllers, dns }) => [controllers.stop(), dns.stop()]),
    );
    await this.broker.stop();
  }
}

export interface Waiting {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function kubeFlags({ kubeconfig, context }: KubeCredentials): readonly string[] {
  return ["--kubeconfig", kubeconfig, "--context", context];
}
