import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import type { ExitCode } from "../verb.ts";
import { PacketTestServer } from "./packet-test-server.ts";

/** Takes packet tests while `run` runs, if anybody may ask for them. */
export async function withPacketTests(
  listen: ListenAddress | undefined,
  deps: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly log: Logger;
  },
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  if (listen === undefined) return run();
  const tests = new PacketTestServer(listen, deps);
  const bound = await tests.start();
  if (!bound.ok) {
    // Answers are worth more than tests: somebody else has the port, and then nobody may ask.
    deps.log.error("no packet tests are taken", { err: bound.error });
    return run();
  }
  try {
    return await run();
  } finally {
    await tests.stop();
  }
}
