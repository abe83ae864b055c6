import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { NODE_FLAGS } from "../../cli/node-flags.ts";
import type { TunnelIdentity } from "../../connectivity/proxy/tunnel/tunnel-identity.ts";
import type { ProxySetup, ProxyState, ToProxy } from "./proxy-process.ts";

const PROCESS = join(import.meta.dirname, "proxy-process.ts");
const TUNNELS_MS = 60_000;

/** A proxy that is a process of its own, with the flags of the real one, seen from its parent. */
export class ProxyChild {
  readonly pid: number;
  readonly process: ChildProcess;

  private constructor(process: ChildProcess, pid: number) {
    this.process = process;
    this.pid = pid;
  }

  /** Resolves when it listens, for tunnels and for clients. */
  static async start(setup: ProxySetup): Promise<ProxyChild> {
    const child = fork(PROCESS, [], { execArgv: [...(NODE_FLAGS["proxy"] ?? [])] });
    const { pid } = child;
    if (pid === undefined) throw new Error("cannot start a proxy");
    const started = new ProxyChild(child, pid);
    const ready = once(child, "message");
    started.#tell({ kind: "setup", setup });
    const gone = once(child, "exit").then(([code]) => {
      throw new Error(`proxy of ${setup.identity.cluster} ended at once: ${code}`);
    });
    await Promise.race([ready, gone]);
    gone.catch(() => undefined);
    return started;
  }

  async state(): Promise<ProxyState> {
    const answer = once(this.process, "message");
    this.#tell({ kind: "state" });
    const [state]: [ProxyState] = (await answer) as [ProxyState];
    return state;
  }

  /** Waits until it has so many tunnels that take streams. */
  async tunnelsTo(peer: string, count: number): Promise<void> {
    for (const start = performance.now(); performance.now() - start < TUNNELS_MS; ) {
      if (((await this.state()).usable[peer] ?? 0) >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`not within ${TUNNELS_MS} ms: ${count} tunnels to ${peer}`);
  }

  setIdentity(identity: TunnelIdentity): void {
    this.#tell({ kind: "identity", identity });
  }

  /** In good order. */
  drain(): void {
    this.#tell({ kind: "stop" });
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  #tell(message: ToProxy): void {
    this.process.send(message);
  }
}
