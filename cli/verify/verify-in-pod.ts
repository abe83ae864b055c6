import { ok, type Result } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { Check } from "./check.ts";
import { ClientPod } from "./client-pod.ts";
import { type ClientReport, lastReport } from "./client-report.ts";
import type { MemberUnderTest } from "./members-under-test.ts";
import { CLIENT_PROGRAM } from "./pod-programs.ts";
import { nameIn, TEST_PORT } from "./test-service.ts";
import { failed, untested, type World } from "./verify-world.ts";
import { waitUntil } from "./wait-until.ts";

/** Undefined: everything is reached from here. Started once the import is there, so that no DNS server remembers that it was not. */
export async function clientPodOf(importer: MemberUnderTest, world: World): Promise<ClientInPod> {
  if (importer.dns !== undefined && importer.entry !== undefined) return undefined;
  const { namespace, timeoutMs, signal } = world;
  const env = { NAME: nameIn(namespace), PORT: String(TEST_PORT) };
  const { image } = importer;
  const pod = new ClientPod(
    { namespace, image, program: CLIENT_PROGRAM, env, read: lastReport, timeoutMs, signal },
    importer,
  );
  const started = await pod.start();
  return started.ok ? ok(pod) : started;
}

type ClientInPod = Result<ClientPod<ClientReport>, string> | undefined;

export interface InPod {
  readonly pod: ClientInPod;
  readonly world: World;
}

/** Until what the pod sees is right, or the time is up. */
export async function verifyInPod(
  { pod, world }: InPod,
  {
    at,
    check,
    judge,
    show,
  }: {
    readonly at: string;
    readonly check: string;
    readonly judge: (report: ClientReport) => string | undefined;
    readonly show: (report: ClientReport) => string;
  },
): Promise<Check> {
  if (pod?.ok !== true) return untested(world, at, check, pod?.error ?? "no client pod was made");
  let last: ClientReport | undefined;
  const { missing } = await waitUntil(
    async () => {
      const report = await pod.value.last();
      if (!report.ok) return report.error.why;
      last = report.value;
      return judge(report.value);
    },
    systemClock.monotonicMs() + world.timeoutMs,
    world.signal,
    POD_LOOK_MS,
  );
  if (missing !== undefined) return failed(world.from, at, check, missing);
  const detail = last === undefined ? "" : show(last);
  const ms = check === "request" ? last?.ms : undefined;
  const about = { from: world.from, at, check, result: "passed", detail } as const;
  return ms === undefined ? about : { ...about, ms };
}

/** Each look is a request to the API server, the node and the pod's log. */
const POD_LOOK_MS = 200;
