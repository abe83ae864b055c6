import type { PodProcess } from "../../../sandbox/network/netns/pod/pod-process.ts";
import { runIn } from "../../../sandbox/network/netns/run-commands.ts";

export interface PodFacts {
  readonly cluster: string;
  readonly node: string;
  readonly pod: string;
  readonly podIp: string;
  /** The client's address as the pod saw it. */
  readonly client: string;
}

const NOBODY: PodFacts = { cluster: "", node: "", pod: "", podIp: "", client: "" };

/** Who answers HTTP there; of somebody who does not, `cluster` says why. */
export async function httpFrom(
  client: PodProcess | undefined,
  host: string,
  port: number,
): Promise<PodFacts> {
  const answer = await client?.ask({ kind: "http", host, port, path: "/" });
  if (answer?.kind === "http") return JSON.parse(answer.body) as PodFacts;
  return { ...NOBODY, cluster: answer?.kind === "failed" ? answer.why : "no client" };
}

/** The client's address as a UDP server there sees it; or why there was no answer. */
export async function whoByUdp(
  client: PodProcess | undefined,
  host: string,
  port: number,
): Promise<string> {
  const answer = await client?.ask({ kind: "udp", host, port, text: "who\n" });
  if (answer?.kind === "udp") return answer.text.split("\n")[1] ?? "";
  return answer?.kind === "failed" ? answer.why : "no client";
}

/** ICMP echo, once. */
export async function pingFrom(
  client: PodProcess | undefined,
  host: string,
  options: { readonly bytes?: number; readonly dontFragment?: boolean } = {},
): Promise<"answered" | "silent"> {
  const { bytes = 56, dontFragment = false } = options;
  const { code } = await runIn(client?.namespace ?? "", [
    ...["ping", "-n", "-c", "1", "-W", "2", "-s", String(bytes)],
    ...(dontFragment ? ["-M", "do"] : []),
    host,
  ]);
  return code === 0 ? "answered" : "silent";
}
