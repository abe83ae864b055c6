import { deadline } from "../../../runtime/clock/deadline.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import {
  readAll,
  socksConnect,
  TestAssociation,
} from "../../../sandbox/network/testing/socks-client.ts";
import type { E2eCluster } from "./e2e-cluster.ts";

const LIMIT_MS = 5_000;
const DATAGRAM_LIMIT_MS = 500;

/**
 * The address in `pod ip <address>`, as `nc HOST PORT` inside the cluster prints it; otherwise why not. The name is
 * resolved inside the cluster.
 */
export async function askPod(cluster: E2eCluster, host: string, port: number): Promise<string> {
  try {
    const socket = await socksConnect(entryOf(cluster), host, port);
    using limit = deadline(systemClock, LIMIT_MS);
    limit.signal.addEventListener("abort", () => socket.destroy(), { once: true });
    // Having nothing to say, it makes the pod speak at once.
    socket.end();
    return podIn((await readAll(socket)).toString());
  } catch (error) {
    return `no answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The same by UDP, `nc -u`. A datagram that nobody takes is lost without a word. */
export async function askPodByUdp(
  cluster: E2eCluster,
  host: string,
  port: number,
): Promise<string> {
  const association = await TestAssociation.open(entryOf(cluster));
  using limit = deadline(systemClock, DATAGRAM_LIMIT_MS);
  const silence = new Promise<string>((resolve) => {
    limit.signal.addEventListener("abort", () => resolve("no answer"), { once: true });
  });
  try {
    const answer = association.ask(host, port, "hello").then(({ text }) => podIn(text));
    return await Promise.race([answer, silence]);
  } finally {
    association.close();
  }
}

function podIn(text: string): string {
  return /^pod ip (\S+)\n/.exec(text)?.[1] ?? `no pod: ${JSON.stringify(text)}`;
}

function entryOf(cluster: E2eCluster): string {
  if (cluster.socksPort === undefined) throw new Error(`${cluster.id} has no SOCKS entry`);
  return `127.0.0.1:${cluster.socksPort}`;
}
