import { err, ok, type Result } from "../../../api/result.ts";
import { DNS_NAME } from "../../../install/dns-process.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import type { LiveQuestion } from "../../ask-dns/ask-live-dns.ts";
import { type AskPodDeps, askPod, OPEN_MS } from "../../ask-dns/ask-pod.ts";
import type { DnsFact } from "../../ask-dns/dns-fact.ts";
import type { DnsPod } from "../../ask-dns/dns-pods.ts";
import { askPacketTest } from "../../packet-test/ask-packet-test.ts";
import type { Facts, Looked } from "../facts.ts";
import type { ServiceTarget } from "../service-target.ts";

/** Both ends of each connection wait two seconds, and the pod reads its API server before. */
const TEST_MS = 15_000;
const ELSEWHERE =
  "or run this in a pod (--entry here), or name a SOCKS5 proxy in the cluster (--entry socks5://HOST:PORT)";

export interface ThroughApi {
  readonly namespace: string;
  readonly pods: Looked<readonly DnsPod[]>;
  /** There is a Service of the DNS server: that it has no pods is wrong then, not a matter of where to look. */
  readonly hasService: boolean;
}

/** Asks a pod of the DNS server, by TCP. That none is ready, or that it does not answer, is a fact; that it cannot be reached is not. */
export async function askThroughApi(
  { namespace, pods, hasService }: ThroughApi,
  questions: readonly Pick<LiveQuestion, "name" | "type">[],
  deps: AskPodDeps,
): Promise<Facts["answers"]> {
  if (!pods.ok) return pods;
  const [pod] = pods.value;
  if (pod?.isReady !== true && hasService) {
    const why =
      pod === undefined ? "it has no pods" : `of its pods (${pods.value.length}) none is ready`;
    return ok([{ kind: "silent", server: `of Service ${namespace}/${DNS_NAME}`, why }]);
  }
  if (pod === undefined) return noPods(namespace);
  const answers: DnsFact[] = [];
  for (const question of questions) {
    const answer = await askPod({ namespace, ...pod }, question, deps);
    if (!answer.ok) return err(`${answer.error}; ${ELSEWHERE}`);
    if (answer.value.kind === "answered" && answer.value.rcode === "REFUSED") {
      return err(
        `pod ${namespace}/${pod.name} answers no question from its own loopback (--allow); ${ELSEWHERE}`,
      );
    }
    answers.push(answer.value);
  }
  return ok(answers);
}

/** Lets a pod of the DNS server dial: it is where clients are, as far as the network is concerned. */
export async function packetsThroughApi(
  { namespace, pods }: ThroughApi,
  target: ServiceTarget,
  deps: AskPodDeps,
): Promise<Facts["connections"]> {
  if (!pods.ok) return pods;
  const [pod] = pods.value;
  if (pod === undefined) return noPods(namespace);
  if (!pod.isReady) return err(`no pod of the DNS server is ready to dial; ${ELSEWHERE}`);
  if (pod.packetTestPort === undefined) {
    return err(
      `pod ${namespace}/${pod.name} takes no packet tests (isthmus dns --packet-test-listen, which an install of this version has); ${ELSEWHERE}`,
    );
  }
  const to = { namespace, pod: pod.name, port: pod.packetTestPort };
  const opened = await deps.forward(to, { timeoutMs: OPEN_MS, signal: deps.signal });
  if (!opened.ok) return err(`${opened.error}; ${ELSEWHERE}`);
  using limit = deadline(deps.clock, TEST_MS, deps.signal);
  const tested = await askPacketTest(target, opened.value, limit.signal);
  opened.value.destroy();
  return tested.ok ? tested : err(`pod ${namespace}/${pod.name}: ${tested.error}`);
}

function noPods(namespace: string): Result<never, string> {
  return err(
    `namespace ${namespace} has no pod of the DNS server to forward a port to: name the namespace (--system-namespace), ${ELSEWHERE}`,
  );
}
