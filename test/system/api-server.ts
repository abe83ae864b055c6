import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { invariant } from "../../api/invariant.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";
import {
  type ApiServerOptions,
  createApiServer,
} from "../../sandbox/apiserver/create-api-server.ts";

/** An API server of its own for one test file, with a kubeconfig in a folder of its own. */
export interface TestApiServer extends AsyncDisposable {
  readonly folder: string;
  readonly kubeconfig: string;
}

/** The folder is `isthmus-<random>` in the machine's place for such things; disposing removes it. */
export async function startApiServer(
  options: Omit<ApiServerOptions, "serviceCidrs"> = {},
): Promise<TestApiServer> {
  const deps = { clock: systemClock, random: systemRandom, log: silentLogger };
  const server = await createApiServer({ serviceCidrs: ["10.101.0.0/16"], ...options }, deps);
  invariant(server.ok, "the API server starts", { server });
  await server.value.start();
  const folder = await mkdtemp(join(tmpdir(), "isthmus-"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, kubeconfigText([server.value.kubeconfigEntry("one")]));
  return {
    folder,
    kubeconfig,
    async [Symbol.asyncDispose]() {
      await server.value.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
