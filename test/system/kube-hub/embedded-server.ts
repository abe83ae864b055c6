import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../../../api/result.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../../sandbox/apiserver/auth/kubeconfig.ts";
import { CorePump } from "../../../sandbox/apiserver/core/core-pump.ts";
import { type ApiServer, createApiServer } from "../../../sandbox/apiserver/create-api-server.ts";
import { InMemoryKubeClient } from "../../../sandbox/apiserver/in-memory-kube-client.ts";
import { freePorts } from "../../../sandbox/process/free-ports.ts";
import type { HubServer } from "./hub-server.ts";

const deps = { clock: systemClock, random: systemRandom, log: silentLogger };

/** The embedded API server, in this process. */
export class EmbeddedServer implements HubServer {
  readonly kubeconfig: string;
  readonly context = undefined;
  readonly isShared = false;
  readonly isRestartable = true;
  readonly #server: ApiServer;

  private constructor(kubeconfig: string, server: ApiServer) {
    this.kubeconfig = kubeconfig;
    this.#server = server;
  }

  static async start(folder: string): Promise<EmbeddedServer> {
    const [port = 0] = await freePorts(1, systemRandom);
    const listen = { host: "127.0.0.1", port };
    const options = { serviceCidrs: ["10.101.0.0/16"], historyLimit: 2000, listen };
    const server = must(await createApiServer(options, deps));
    await server.start();
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, kubeconfigText([server.kubeconfigEntry("hub")]));
    return new EmbeddedServer(kubeconfig, server);
  }

  readonly memoryClient = (): KubeClient => {
    const { core } = this.#server;
    const pump = new CorePump({ settleDelayMs: 5 }, { core, clock: systemClock });
    return new InMemoryKubeClient({}, { core, pump, clock: systemClock });
  };

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async resume(): Promise<void> {
    await this.#server.start();
  }

  close(): Promise<void> {
    return this.#server.stop();
  }
}
