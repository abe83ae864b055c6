import { parseClusterId } from "../api/cluster-id.ts";
import { err, ok, type Result } from "../api/result.ts";
import type { ListenAddress } from "../runtime/net/listen-address.ts";
import { parseNsid } from "./answer/edns-options.ts";
import type { ForwardMemoryOptions } from "./forward/forward-memory.ts";
import type { ForwarderOptions } from "./forward/forwarder.ts";
import { parseUpstreams } from "./forward/parse-upstreams.ts";
import { AccessList } from "./guard/access-list.ts";
import { parseCookieSecret } from "./guard/server-cookies.ts";
import type { UdpEngine } from "./transport/udp-engine.ts";
import type { EndpointPolicy } from "./zone/choose-endpoints.ts";
import { parseZoneConfig, type ZoneConfig } from "./zone/zone-config.ts";

/** What the server answers, and to whom. Everything here can be changed while it runs. */
export interface AnswerOptions {
  /** @default "clusterset.local" (DNS-01) */
  readonly zone?: string;
  /** TTL of positive answers, 0 to 3600 seconds. @default 5 (DNS-05) */
  readonly ttlSeconds?: number;
  /** TTL of negative answers, 0 to 3600 seconds. @default ttlSeconds */
  readonly negativeTtlSeconds?: number;
  /** Name server of the zone, a name inside it. @default "ns.dns.<zone>" */
  readonly nsName?: string;
  /** Addresses of the name server, usually the ClusterIPs of its Service. @default none */
  readonly nsAddresses?: readonly string[];
  /** Largest UDP answer and the size offered in OPT, 512 to 4096 bytes. @default 1232 */
  readonly udpPayloadBytes?: number;
  /**
   * Secrets of DNS cookies (RFC 9018), 32 hexadecimal digits each; the first one signs, all are accepted. Servers that share
   * an address need the same. @default one drawn at the start
   */
  readonly cookieSecrets?: readonly string[];
  /** What those who ask for NSID are told (RFC 5001), at most 32 bytes. @default nothing */
  readonly nsid?: string;
  /** Addresses and CIDR blocks that may ask; others are refused. @default everybody */
  readonly allow?: readonly string[];
  /** UDP responses per second to one client that has not proven its address by a cookie. @default no limit */
  readonly rateLimit?: number;
  /** Addresses and CIDR blocks without that limit, such as resolvers in front. @default none */
  readonly rateLimitExempt?: readonly string[];
  /** Most endpoints of a headless service in one answer, the same ones for A and AAAA (DNS-20). @default all */
  readonly headlessEndpointsMax?: number;
  /** Whether annotations on exports balance headless services, and which cluster is the local one. @default they do not */
  readonly balancing?: { readonly localCluster?: string };
  /** Answers PTR questions about clusterset IPs and headless endpoints. @default false (DNS-32) */
  readonly answersReverse?: boolean;
  /** Resolvers that are asked about other zones, by preference: addresses, with a port or 53. @default none: REFUSED */
  readonly forward?: readonly string[];
  /** Addresses and CIDR blocks whose questions are sent on. @default loopback, private and link-local ones */
  readonly forwardAllow?: readonly string[];
  /** How long each attempt at a resolver may take. @default 1500 */
  readonly forwardTimeoutMs?: number;
  /** Longest time that their answers are kept, whatever their TTLs, seconds, 0 to 86,400; 0 keeps none. @default 3600 */
  readonly forwardCacheSeconds?: number;
  /** How long after that they are given while no resolver answers, seconds, 0 to 604,800 (RFC 8767). @default 0: never */
  readonly forwardStaleSeconds?: number;
}

export interface DnsServerOptions extends AnswerOptions {
  /** Port 0 takes a free port, the same one for UDP and TCP. */
  readonly listen: ListenAddress;
  /** Lets several processes share the port (SO_REUSEPORT). @default false */
  readonly reusePort?: boolean;
  /**
   * With it the server opens its port only when its zone is whole: beside others on the same port it must not take questions
   * that they can answer. Told when the port cannot be opened then. @default it opens at once, and the start fails
   */
  readonly onOpenFailed?: (error: string) => void;
  /** Told each time that settings have their whole zone, the first ones among them. */
  readonly onZone?: () => void;
  /** What moves datagrams. @default "auto" */
  readonly udpEngine?: UdpEngine;
  /** How long a TCP connection may be without a whole query. @default 10,000 */
  readonly tcpIdleMs?: number;
  /** TCP connections in all, and of one client address. @default 1024 and 256 */
  readonly tcpConnectionsMax?: number;
  readonly tcpConnectionsPerClientMax?: number;
}

/** Options of answers, checked. */
export interface AnswerSettings {
  readonly config: ZoneConfig;
  readonly udpPayloadBytes: number;
  readonly cookieSecrets: readonly Buffer[];
  readonly nsid?: Buffer;
  readonly access?: AccessList;
  readonly rateLimit?: { readonly perSecond: number; readonly exempt: AccessList };
  readonly endpoints: EndpointPolicy;
  readonly answersReverse: boolean;
  readonly forward?: ForwarderOptions & ForwardMemoryOptions & { readonly access: AccessList };
}

/** Loopback, private (RFC 1918, 4193, 6598) and link-local addresses. */
export const NEARBY: readonly string[] = [
  ...["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"],
  ...["169.254.0.0/16", "::1", "fc00::/7", "fe80::/10"],
];
const FORWARD_TIMEOUT_MS = 1500;
const FORWARD_CACHE_SECONDS = { default: 3600, max: 86_400 } as const;
/** Seven days (RFC 8767, section 4). */
const FORWARD_STALE_SECONDS_MAX = 604_800;
const UDP_PAYLOAD_BYTES = { default: 1232, min: 512, max: 4096 } as const;

/** The error names the option, the rule and the value. */
export function parseAnswerOptions(options: AnswerOptions): Result<AnswerSettings, string> {
  const config = parseZoneConfig(options);
  if (!config.ok) return config;
  const { min, max } = UDP_PAYLOAD_BYTES;
  const udpPayloadBytes = options.udpPayloadBytes ?? UDP_PAYLOAD_BYTES.default;
  if (!Number.isInteger(udpPayloadBytes) || udpPayloadBytes < min || udpPayloadBytes > max) {
    return err(
      `cannot parse udp payload size: must be ${min} to ${max} bytes: got ${udpPayloadBytes}`,
    );
  }
  const cookieSecrets = parseAll(options.cookieSecrets ?? [], parseCookieSecret);
  if (!cookieSecrets.ok) return cookieSecrets;
  const nsid = options.nsid === undefined ? undefined : parseNsid(options.nsid);
  if (nsid?.ok === false) return nsid;
  const access = options.allow === undefined ? undefined : AccessList.parse("allow", options.allow);
  if (access?.ok === false) return access;
  const exempt = AccessList.parse("rate limit exemption", options.rateLimitExempt ?? []);
  if (!exempt.ok) return exempt;
  const { rateLimit, headlessEndpointsMax, balancing } = options;
  const forwardTimeoutMs = options.forwardTimeoutMs ?? FORWARD_TIMEOUT_MS;
  const upstreams = parseUpstreams(options.forward ?? []);
  if (!upstreams.ok) return upstreams;
  const forwardAccess = AccessList.parse("forward allow", options.forwardAllow ?? NEARBY);
  if (!forwardAccess.ok) return forwardAccess;
  const ttlMaxSeconds = options.forwardCacheSeconds ?? FORWARD_CACHE_SECONDS.default;
  const staleMaxSeconds = options.forwardStaleSeconds ?? 0;
  const counts = [
    checkCount("rate limit", "responses per second", rateLimit),
    checkCount("headless subset", "endpoints", headlessEndpointsMax),
    checkCount("forward timeout", "milliseconds", forwardTimeoutMs),
    checkSeconds("forward cache", ttlMaxSeconds, FORWARD_CACHE_SECONDS.max),
    checkSeconds("forward stale", staleMaxSeconds, FORWARD_STALE_SECONDS_MAX),
  ];
  const wrong = counts.find((problem) => problem !== undefined);
  if (wrong !== undefined) return err(wrong);
  const localCluster = balancing?.localCluster;
  const cluster = localCluster === undefined ? undefined : parseClusterId(localCluster);
  if (cluster?.ok === false) return cluster;
  return ok({
    config: config.value,
    udpPayloadBytes,
    cookieSecrets: cookieSecrets.value,
    ...(nsid === undefined ? {} : { nsid: nsid.value }),
    ...(access === undefined ? {} : { access: access.value }),
    ...(rateLimit === undefined
      ? {}
      : { rateLimit: { perSecond: rateLimit, exempt: exempt.value } }),
    endpoints: {
      ...(headlessEndpointsMax === undefined ? {} : { endpointsMax: headlessEndpointsMax }),
      ...(balancing === undefined ? {} : { balancing }),
    },
    answersReverse: options.answersReverse ?? false,
    ...(upstreams.value.length === 0
      ? {}
      : {
          forward: {
            upstreams: upstreams.value,
            timeoutMs: forwardTimeoutMs,
            ttlMaxSeconds,
            staleMaxSeconds,
            access: forwardAccess.value,
          },
        }),
  });
}

function parseAll<T>(
  texts: readonly string[],
  parse: (text: string) => Result<T, string>,
): Result<readonly T[], string> {
  const values: T[] = [];
  for (const text of texts) {
    const parsed = parse(text);
    if (!parsed.ok) return parsed;
    values.push(parsed.value);
  }
  return ok(values);
}

function checkCount(what: string, unit: string, count: number | undefined): string | undefined {
  if (count === undefined || (Number.isInteger(count) && count > 0)) return undefined;
  return `cannot parse ${what}: must be a whole number of ${unit} from 1: got ${count}`;
}

function checkSeconds(what: string, seconds: number, max: number): string | undefined {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= max) return undefined;
  return `cannot parse ${what}: must be a whole number of seconds from 0 to ${max}: got ${seconds}`;
}
