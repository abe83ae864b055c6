import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { PortForward } from "../../runtime/kube/port-forward.ts";
import type { Random } from "../../runtime/random/random.ts";
import { askLiveDns, type LiveQuestion } from "./ask-live-dns.ts";
import type { DnsFact } from "./dns-fact.ts";
import type { DnsPod } from "./dns-pods.ts";

/** For a forwarded port to open: API server, node and pod have a part in it. */
export const OPEN_MS = 10_000;

export interface AskPodDeps {
  readonly forward: PortForward;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Asks one pod, by TCP, over the API server's port forwarding. Error: what went wrong on the way there, which says nothing about its server. */
export async function askPod(
  { namespace, name, dnsPort: port }: Pick<DnsPod, "name" | "dnsPort"> & { namespace: string },
  question: Pick<LiveQuestion, "name" | "type">,
  deps: AskPodDeps,
): Promise<Result<DnsFact, string>> {
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

/** The pod's own answer: nobody listens there. */
function isRefused(message: string): boolean {
  return /refused/i.test(message);
}
