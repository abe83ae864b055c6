import { err, ok, type Result } from "../../../api/result.ts";
import { DNS_NAME } from "../../../install/dns-process.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import type { PortForward } from "../../../runtime/kube/port-forward.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { askPacketTest } from "../../packet-test/ask-packet-test.ts";
import type { DnsFact, Facts, Looked } from "../facts.ts";
import type { ServiceTarget } from "../service-target.ts";
import { askLiveDns, type LiveQuestion } from "./ask-live-dns.ts";
import type { DnsPod } from "./dns-pods.ts";

/** API server, node and pod have a part in it. */
const OPEN_MS = 10_000;
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

export interface ThroughApiDeps {
  readonly forward: PortForward;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Asks a pod of the DNS server, by TCP. That none is ready, or that it does not answer, is a fact; that it cannot be reached is not. */
export async function askThroughApi(
  { namespace, pods, hasService }: ThroughApi,
  questions: readonly Pick<LiveQuestion, "name" | "type">[],
  deps: ThroughApiDeps,
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

/** Asks one pod, by TCP. Error: what went wrong on the way there, which says nothing about its server. */
export async function askPod(
  { namespace, name, dnsPort: port }: Pick<DnsPod, "name" | "dnsPort"> & { namespace: string },
  question: Pick<LiveQuestion, "name" | "type">,
  deps: ThroughApiDeps,
): Promise<Looked<DnsFact>> {
  const server = { host: `pod ${namespace}/${name}`, port };
  let problem: string | undefined;
  const open = async () => {
    const limits = { timeoutMs: OPEN_MS, signal: deps.signal };
    const opened = await deps.forward({ namespace, pod: name, port }, limits);
    if (opened.ok) {
      opened.value.once("error", ({ message }) => {
        if (!isRefused(message)) problem = message;
      });
    } else problem = opened.error;
    return opened;
  };
  const asked = { ...question, server, entry: { kind: "stream", open } } as const;
  const answer = await askLiveDns(asked, deps);
  return problem === undefined ? ok(answer) : err(problem);
}

/** Lets a pod of the DNS server dial: it is where clients are, as far as the network is concerned. */
export async function packetsThroughApi(
  { namespace, pods }: ThroughApi,
  target: ServiceTarget,
  deps: ThroughApiDeps,
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

/** The pod's own answer: nobody listens there. */
function isRefused(message: string): boolean {
  return /refused/i.test(message);
}
