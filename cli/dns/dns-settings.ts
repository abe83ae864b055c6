import { z } from "zod";
import { type AnswerOptions, NEARBY } from "../../dns-server/server-options.ts";
import {
  durationSetting,
  kubeSettings,
  listenDefault,
  listenSetting,
  logLevelSetting,
} from "../../runtime/config/common-settings.ts";
import { isLoopback } from "../packet-test/packet-test-server.ts";
import { probeListenSetting } from "../paths/probe-listen-setting.ts";
import { tracingSettings } from "../tracing/start-tracing.ts";

function seconds(what: string): z.ZodType<number> {
  return z.coerce.number().int().min(0).max(3600).default(5).describe(`${what}, seconds`);
}

function count(what: string): z.ZodType<number> {
  return z.coerce.number().int().min(0).default(0).describe(`${what}; 0 for no limit`);
}

function texts(description: string): z.ZodType<readonly string[]> {
  return z.array(z.string()).default([]).describe(description);
}

/** What the DNS server answers, and to whom. Followed in a `--config` file. */
const answerSettings = {
  zone: z.string().default("clusterset.local").describe("zone to answer for"),
  ttl: seconds("TTL of answers"),
  negativeTtl: seconds("TTL of negative answers"),
  udpPayload: z.coerce
    .number()
    .int()
    .default(1232)
    .describe("largest UDP answer, bytes, 512 to 4096"),
  nsAddresses: texts(
    "addresses of the zone's name server, usually the ClusterIPs of this server's Service",
  ),
  cookieSecrets: texts(
    "secrets of DNS cookies, 32 hexadecimal digits each, the same for all servers behind one address; the first signs; none: drawn at the start",
  ),
  nsid: z
    .string()
    .optional()
    .describe("name of this server for those who ask by NSID, such as the pod's; default: none"),
  allow: texts("addresses and CIDRs that may ask, others are refused; none given: all may"),
  rateLimit: count("UDP responses per second to one client that no cookie vouches for"),
  rateLimitExempt: texts(
    "addresses and CIDRs without that limit, such as the cluster DNS in front",
  ),
  headlessMax: count("endpoints of a headless service in one answer, the same for A, AAAA and SRV"),
  exportAnnotations: z
    .boolean()
    .default(false)
    .describe(
      "annotations dns.isthmus.dev/affinity, local-threshold and weights of exports balance headless services",
    ),
  ptr: z
    .boolean()
    .default(false)
    .describe("answer PTR questions about clusterset IPs and headless endpoints"),
  forward: texts(
    "resolvers to ask about other zones, by preference, so that this server can be a node's only one: addresses, port 53 unless given; none: such questions are refused",
  ),
  forwardAllow: z
    .array(z.string())
    .default([...NEARBY])
    .describe("addresses and CIDRs whose questions are sent on to them"),
  forwardTimeout: durationSetting("1500ms", "how long each attempt at a resolver may take"),
  forwardCache: z.coerce
    .number()
    .int()
    .min(0)
    .max(86_400)
    .default(3600)
    .describe("longest time their answers are kept, whatever their TTLs, seconds; 0: none are"),
  forwardStale: z.coerce
    .number()
    .int()
    .min(0)
    .max(604_800)
    .default(0)
    .describe("how long after that they are given while no resolver answers, seconds; 0: never"),
  clusterId: z
    .string()
    .optional()
    .describe("id of this cluster, whose endpoints affinity prefers; default: none are preferred"),
} as const;

type Answers = z.output<z.ZodObject<typeof answerSettings>>;

export function answerOptions(settings: Answers): AnswerOptions {
  const { nsid, allow, rateLimit, headlessMax, exportAnnotations, clusterId } = settings;
  return {
    zone: settings.zone,
    ttlSeconds: settings.ttl,
    negativeTtlSeconds: settings.negativeTtl,
    udpPayloadBytes: settings.udpPayload,
    nsAddresses: settings.nsAddresses,
    cookieSecrets: settings.cookieSecrets,
    ...(nsid === undefined ? {} : { nsid }),
    ...(allow.length === 0 ? {} : { allow }),
    ...(rateLimit === 0 ? {} : { rateLimit }),
    rateLimitExempt: settings.rateLimitExempt,
    ...(headlessMax === 0 ? {} : { headlessEndpointsMax: headlessMax }),
    answersReverse: settings.ptr,
    forward: settings.forward,
    forwardAllow: settings.forwardAllow,
    forwardTimeoutMs: settings.forwardTimeout,
    forwardCacheSeconds: settings.forwardCache,
    forwardStaleSeconds: settings.forwardStale,
    ...(exportAnnotations
      ? { balancing: clusterId === undefined ? {} : { localCluster: clusterId } }
      : {}),
  };
}

/** Everything that `isthmus dns` can be told. */
export const dnsSettings = z.object({
  ...kubeSettings,
  listen: listenDefault("127.0.0.1:5353", "address for UDP and TCP queries"),
  healthListen: listenDefault("127.0.0.1:8081", "address of /livez, /readyz and /metrics"),
  packetTestListen: listenSetting
    .refine(isLoopback, "must be a loopback address, such as 127.0.0.1:8082")
    .optional()
    .describe(
      "loopback address at which isthmus explain, through the API server's port forwarding, may ask whether the ports of an imported service can be dialled from here; default: nobody may",
    ),
  ...answerSettings,
  workers: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe("processes that share the port; limits on clients and connections count for each"),
  udpEngine: z
    .enum(["auto", "batch", "dgram"])
    .default("auto")
    .describe("what moves datagrams: batch (the native addon), dgram, or auto"),
  tcpIdle: durationSetting("10s", "how long a TCP connection may be without a whole query"),
  tcpConnections: z.coerce.number().int().min(1).default(1024).describe("TCP connections at once"),
  tcpConnectionsPerClient: z.coerce
    .number()
    .int()
    .min(1)
    .default(256)
    .describe("TCP connections of one client address at once"),
  ...tracingSettings,
  staleAfter: durationSetting(
    "2m",
    "not ready once the API server has given no sign of life for this long; 0s: never; answers go on in any case",
  ),
  slices: z
    .boolean()
    .default(false)
    .describe(
      "names of a slice's services are there for its own pods alone, by the address that asks: only where pods ask this server themselves, with no resolver in between",
    ),
  probeListen: probeListenSetting,
  drain: durationSetting(
    "0s",
    "how long to go on answering, not ready any more, when asked to stop",
  ),
  logLevel: logLevelSetting,
});

export type DnsSettings = z.output<typeof dnsSettings>;
