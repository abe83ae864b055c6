import { systemClock } from "../../runtime/clock/system-clock.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import { httpThroughSocks } from "../../sandbox/clusterset/http-through-socks.ts";
import { ClientPod } from "../verify/client-pod.ts";
import type { HostPort, MemberUnderTest } from "../verify/members-under-test.ts";
import { MEASURE_PROGRAM } from "../verify/pod-programs.ts";
import { nameIn, TEST_PORT } from "../verify/test-service.ts";
import { AT_ONCE, type BenchmarkOptions } from "./benchmark-options.ts";
import { type Measurement, measured } from "./measurement.ts";
import { paced } from "./paced.ts";
import { type PodMeasures, podMeasures } from "./pod-measures.ts";

interface Place extends BenchmarkOptions {
  readonly namespace: string;
  readonly from: string;
  /** Why no request can be answered; undefined: a pod of the test service is ready. */
  readonly noPods: string | undefined;
  /** How the importer reaches the exporter, for people. */
  readonly backend: string | undefined;
}

/** Names, requests and throughput as one importer has them: measured from here where it is entered from here, else from a pod. */
export async function measureImporter(
  importer: MemberUnderTest,
  place: Place,
): Promise<readonly Measurement[]> {
  const { dns, entry } = importer;
  const pod = dns === undefined || entry === undefined ? await inPod(importer, place) : undefined;
  return [
    dns === undefined ? namesInPod(pod, importer, place) : await names(dns, importer, place),
    ...(entry === undefined
      ? requestsInPod(pod, importer, place)
      : await requests(entry, importer, place)),
  ];
}

type InPod = PodMeasures | string | undefined;
const FROM_POD = "from a pod, one at a time";

/** What a client in a pod has measured, or why there is none. */
async function inPod(importer: MemberUnderTest, place: Place): Promise<InPod> {
  const { namespace, signal, durationMs, timeoutMs } = place;
  const env = {
    ...{ NAME: nameIn(namespace), PORT: String(TEST_PORT), BYTES: String(place.bytes) },
    ...{ DNS_RATE: String(place.dnsRate), RATE: String(place.requestRate) },
    SECONDS: String(durationMs / 1_000),
  };
  const client = new ClientPod<PodMeasures>(
    {
      ...{ namespace, image: importer.image, program: MEASURE_PROGRAM, env, read: podMeasures },
      ...{ timeoutMs: timeoutMs + 3 * durationMs, signal },
    },
    importer,
  );
  const started = await client.start();
  if (!started.ok) return started.error;
  const last = await client.last();
  return last.ok ? last.value : last.error.why;
}

function namesInPod(pod: InPod, { cluster: at }: MemberUnderTest, { from }: Place): Measurement {
  const about = { from, at, measure: "dns" } as const;
  if (pod === undefined || typeof pod === "string") {
    return { ...about, result: "not tested", detail: pod ?? "no client pod was made" };
  }
  return measured(about, pod.dns, `the cluster's DNS, ${FROM_POD}`);
}

function requestsInPod(
  pod: InPod,
  { cluster: at }: MemberUnderTest,
  { from, noPods, backend }: Place,
): readonly Measurement[] {
  const [request, throughput] = (["request", "throughput"] as const).map((measure) => ({
    ...{ from, at, measure },
  }));
  if (request === undefined || throughput === undefined) return [];
  const why = noPods ?? (typeof pod === "string" ? pod : undefined);
  if (why !== undefined || pod === undefined || typeof pod === "string") {
    const result = "not tested" as const;
    const detail = why ?? "no client pod was made";
    return [request, throughput].map((about) => ({ ...about, result, detail }));
  }
  return [
    measured(request, pod.request, over(FROM_POD, backend)),
    bulk(throughput, pod, over("one connection, from a pod", backend)),
  ];
}

function bulk(
  about: Pick<Measurement, "from" | "at" | "measure">,
  { bytes, bulkMs }: Pick<PodMeasures, "bytes" | "bulkMs">,
  how: string,
): Measurement {
  if (bulkMs === undefined) {
    return { ...about, result: "failed", detail: `${bytes} bytes did not come in whole` };
  }
  const megabitsPerSecond = Math.round((bytes * 8) / 1_000 / bulkMs);
  return { ...about, result: "measured", detail: how, megabitsPerSecond };
}

function over(how: string, backend: string | undefined): string {
  return backend === undefined ? how : `${how}, over ${backend}`;
}

async function names(
  server: HostPort,
  { cluster: at }: MemberUnderTest,
  { namespace, from, dnsRate, durationMs, signal }: Place,
): Promise<Measurement> {
  const name = nameIn(namespace);
  const isAnswered = async (type: "A" | "AAAA"): Promise<boolean> =>
    addressesIn(await askDns({ ...server, name, type }, systemClock)).length > 0;
  // Of the family that the service has: it is asked for once.
  const type = (await isAnswered("A")) ? "A" : "AAAA";
  const pace = { perSecond: dnsRate, durationMs, atOnce: AT_ONCE };
  const samples = await paced(() => isAnswered(type), pace, { clock: systemClock, signal });
  return measured({ from, at, measure: "dns" }, samples, `the DNS server, from here, over UDP`);
}

async function requests(
  { host, port }: HostPort,
  { cluster: at }: MemberUnderTest,
  { namespace, from, noPods, backend, bytes, requestRate, durationMs, signal }: Place,
): Promise<readonly Measurement[]> {
  if (noPods !== undefined) {
    return (["request", "throughput"] as const).map((measure) => ({
      ...{ from, at, measure, result: "not tested", detail: noPods },
    }));
  }
  const get = async (path: string, timeoutMs: number): Promise<string | undefined> => {
    const url = new URL(`http://${nameIn(namespace)}:${TEST_PORT}${path}`);
    const options = { clock: systemClock, socksHost: host, timeoutMs };
    const { status, body } = await httpThroughSocks(port, url, options);
    return status === 200 ? body : undefined;
  };
  const attempt = async (): Promise<boolean> => (await get("/hostname", 5_000)) !== undefined;
  const pace = { perSecond: requestRate, durationMs, atOnce: AT_ONCE };
  const samples = await paced(attempt, pace, { clock: systemClock, signal });
  const startMs = systemClock.monotonicMs();
  const body = await get(`/bytes?n=${bytes}`, BULK_MS).catch(() => undefined);
  const bulkMs = systemClock.monotonicMs() - startMs;
  const came = body?.length === bytes ? { bulkMs } : {};
  const how = over("one connection each, through the SOCKS5 entry", backend);
  return [
    measured({ from, at, measure: "request" }, samples, how),
    bulk({ from, at, measure: "throughput" }, { bytes, ...came }, how),
  ];
}

/** For all that is taken once. */
const BULK_MS = 60_000;
