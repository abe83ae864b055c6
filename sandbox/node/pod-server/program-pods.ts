import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SECRETS, type Secret } from "../../../api/kube/secret.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { askHealth } from "../../clusterset/health.ts";
import type { PodDirectory } from "../../network/pod-directory.ts";
import { freePorts } from "../../process/free-ports.ts";
import { ManagedProcess } from "../../process/managed-process.ts";
import type { Container } from "../kinds/pod.ts";
import type { PodRuntime, PodTask, RunningPodServers } from "./pod-runtime.ts";

export interface ProgramPodsOptions {
  /** Pods of this image are run as processes of the program. */
  readonly image: string;
  /** Receives volumes and logs of those pods. */
  readonly folder: string;
  /** Whom the processes use the API server as. */
  readonly kubeconfig: string;
  /** Environment of the processes, beside what their pods say. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Deps {
  /** Runs all other pods. */
  readonly others: PodRuntime;
  readonly directory: PodDirectory;
  readonly kube: Pick<KubeClient, "get">;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

const READY_WITHIN_MS = 60_000;
const LOOK_MS = 200;

/**
 * Pods of the program's own image as real processes on this machine: arguments as the pod has them, but for paths of volumes, which are
 * folders, and ports, which are free ones that the pod's address leads to. A pod counts as running once its process is ready.
 */
export class ProgramPods implements PodRuntime {
  readonly #options: ProgramPodsOptions;
  readonly #deps: Deps;

  constructor(options: ProgramPodsOptions, deps: Deps) {
    this.#options = options;
    this.#deps = deps;
  }

  async run(task: PodTask): Promise<Result<RunningPodServers, string>> {
    const container = task.containers?.find(({ image }) => image === this.#options.image);
    if (container === undefined) return this.#deps.others.run(task);
    const folder = join(this.#options.folder, task.identity.pod);
    const mounted = await this.#mount(task, container, folder);
    if (!mounted.ok) return mounted;
    const ports = await this.#portsOf(container);
    const process = new ManagedProcess(
      {
        name: task.identity.pod,
        args: (container.args ?? []).map((arg) => onThisMachine(arg, mounted.value, ports)),
        logFile: `${folder}.log`,
        restart: true,
        env: {
          ...this.#options.env,
          ...envOf(container),
          KUBECONFIG: this.#options.kubeconfig,
        },
      },
      this.#deps,
    );
    process.start();
    const port = ports.get(healthPortOf(container)) ?? 0;
    const ready = await this.#ready(process, port, task.signal);
    if (!ready.ok) {
      await process.stop();
      return ready;
    }
    const away = task.ips.map((ip) =>
      this.#deps.directory.register(ip, { tcp: ports, udp: ports }),
    );
    return ok({
      stop: async () => {
        for (const one of away) one();
        await process.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    });
  }

  /** @returns folder of this machine by path in the pod. */
  async #mount(
    { volumes = [], identity }: PodTask,
    container: Container,
    folder: string,
  ): Promise<Result<ReadonlyMap<string, string>, string>> {
    const mounts = new Map<string, string>();
    for (const { name, mountPath } of container.volumeMounts ?? []) {
      const place = join(folder, name);
      mkdirSync(place, { recursive: true });
      mounts.set(mountPath, place);
      const wanted = volumes.find((volume) => volume.name === name)?.secret;
      if (wanted?.secretName === undefined) continue;
      const target = { resource: SECRETS, namespace: identity.namespace, name: wanted.secretName };
      const secret = await this.#deps.kube.get<Secret>(target, { signal: this.#deps.signal });
      if (!secret.ok && wanted.optional === true && secret.error.kind === "not-found") continue;
      if (!secret.ok)
        return err(`cannot mount Secret ${wanted.secretName}: ${secret.error.message}`);
      for (const [key, value] of Object.entries(secret.value.data ?? {})) {
        writeFileSync(join(place, key), Buffer.from(value, "base64"));
      }
    }
    return ok(mounts);
  }

  /** Port of this machine by port of the pod; TCP and UDP alike. */
  async #portsOf({ ports = [] }: Container): Promise<ReadonlyMap<number, number>> {
    const wanted = [...new Set(ports.map(({ containerPort }) => containerPort))];
    const free = await freePorts(wanted.length, this.#deps.random);
    return new Map(wanted.map((port, index) => [port, free[index] ?? 0] as const));
  }

  async #ready(
    process: ManagedProcess,
    port: number,
    wanted: AbortSignal | undefined,
  ): Promise<Result<undefined, string>> {
    const { clock } = this.#deps;
    const signal = AbortSignal.any([this.#deps.signal, ...(wanted === undefined ? [] : [wanted])]);
    const untilMs = clock.monotonicMs() + READY_WITHIN_MS;
    while (!signal.aborted && clock.monotonicMs() < untilMs) {
      const health = await askHealth(port, clock);
      if (health.kind === "ready") return ok(undefined);
      await sleep(clock, LOOK_MS, signal);
    }
    if (signal.aborted) return err(`${process.name} is to go before it was ready`);
    return err(`${process.name} is not ready within ${READY_WITHIN_MS} ms: ${process.logTail()}`);
  }
}

/** `--flag=/mounted/path/file`, `--flag=:port`: the two ways in which our processes are told of what is around them. */
function onThisMachine(
  arg: string,
  mounts: ReadonlyMap<string, string>,
  ports: ReadonlyMap<number, number>,
): string {
  const [, flag = "", value = ""] = /^(--[a-z-]+=)(.*)$/.exec(arg) ?? [];
  for (const [path, folder] of mounts) {
    if (value === path || value.startsWith(`${path}/`))
      return flag + folder + value.slice(path.length);
  }
  // A pod's loopback is its own, and here all pods have the same one.
  if (/^127\.0\.0\.1:\d+$/.test(value)) return `${flag}127.0.0.1:0`;
  const port = value.startsWith(":") ? ports.get(Number(value.slice(1))) : undefined;
  return port === undefined ? arg : `${flag}127.0.0.1:${port}`;
}

function envOf({ env = [] }: Container): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}

function healthPortOf({ ports = [] }: Container): number {
  return ports.find(({ name }) => name === "health")?.containerPort ?? 0;
}
