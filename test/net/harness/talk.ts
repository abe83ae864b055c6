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

/** Patience where silence is what is expected, ms: it could at worst hide somebody who is slow, and never fails a test. */
export const SILENCE_MS = 1_500;
const PATIENCE_MS = 15_000;
/** Of IPv4 and ICMP, bytes. */
const PING_HEADERS = 28;

const NOBODY: PodFacts = { cluster: "", node: "", pod: "", podIp: "", client: "" };

/** Who answers HTTP there; of somebody who does not, `cluster` says why. */
export async function httpFrom(
  client: PodProcess | undefined,
  host: string,
  port: number,
  timeoutMs: number = PATIENCE_MS,
): Promise<PodFacts> {
  const answer = await client?.ask({ kind: "http", host, port, path: "/", timeoutMs });
  if (answer?.kind === "http") return JSON.parse(answer.body) as PodFacts;
  return { ...NOBODY, cluster: answer?.kind === "failed" ? answer.why : "no client" };
}

/** The client's address as a UDP server there sees it; or why there was no answer. */
export async function whoByUdp(
  client: PodProcess | undefined,
  host: string,
  port: number,
  timeoutMs: number = PATIENCE_MS,
): Promise<string> {
  const answer = await client?.ask({ kind: "udp", host, port, text: "who\n", timeoutMs });
  if (answer?.kind === "udp") return answer.text.split("\n")[1] ?? "";
  return answer?.kind === "failed" ? answer.why : "no client";
}

/** ICMP echo, each second until there is an answer. */
export async function pingFrom(
  client: PodProcess | undefined,
  host: string,
  {
    timeoutMs = PATIENCE_MS,
    wholeBytes,
  }: {
    readonly timeoutMs?: number;
    /** Of the IPv4 packet that asks, which nobody may cut. @default whatever ping sends */
    readonly wholeBytes?: number;
  } = {},
): Promise<"answered" | "silent"> {
  const whole = wholeBytes === undefined ? [] : ["-M", "do", "-s", `${wholeBytes - PING_HEADERS}`];
  const { code } = await runIn(client?.namespace ?? "", [
    ...["ping", "-n", "-c", "1", "-w", `${Math.ceil(timeoutMs / 1_000)}`, ...whole],
    host,
  ]);
  return code === 0 ? "answered" : "silent";
}
