import { randomBytes } from "node:crypto";
import type { EndpointSlice } from "../api/kube/endpoint-slice.ts";
import type { Namespace } from "../api/kube/namespace.ts";
import type { ServiceImport } from "../api/mcs/service-import.ts";
import { err, ok, type Result } from "../api/result.ts";
import type { Clock } from "../runtime/clock/clock.ts";
import type { ObjectView } from "../runtime/kube/object-view.ts";
import type { Logger } from "../runtime/log/log.ts";
import type { Meter } from "../runtime/metrics/meter.ts";
import type { ListenAddress } from "../runtime/net/listen-address.ts";
import { type EdnsSettings, parseNsid } from "./answer/edns-options.ts";
import { Responder, type ResponderOptions } from "./answer/responder.ts";
import { AccessList } from "./guard/access-list.ts";
import { RateLimiter, type RateVerdict } from "./guard/rate-limiter.ts";
import { COOKIE_SECRET_BYTES, parseCookieSecret, ServerCookies } from "./guard/server-cookies.ts";
import { QueryStats } from "./query-stats.ts";
import { ZoneSource } from "./source/zone-source.ts";
import type { AnswerPacket } from "./transport/answer-packet.ts";
import { startListeners } from "./transport/listeners.ts";
import type { UdpEngine } from "./transport/udp-engine.ts";
import { FLAG } from "./wire/dns-numbers.ts";
import { parseZoneConfig } from "./zone/zone-config.ts";

/** Where and what the server answers; every limit has a default. */
export interface DnsServerOptions {
  /** Port 0 takes a free port, the same one for UDP and TCP. */
  readonly listen: ListenAddress;
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
  /** Addresses and CIDR blocks that may ask; others are refused. @default everybody */
  readonly allow?: readonly string[];
  /** UDP responses per second to one client that has not proven its address by a cookie. @default no limit */
  readonly rateLimit?: number;
  /** Addresses and CIDR blocks without that limit, such as resolvers in front. @default none */
  readonly rateLimitExempt?: readonly string[];
  /** What those who ask for NSID are told (RFC 5001), at most 32 bytes. @default nothing */
  readonly nsid?: string;
  /** Lets several processes share the port (SO_REUSEPORT). @default false */
  readonly reusePort?: boolean;
  /** What moves datagrams. @default "auto" */
  readonly udpEngine?: UdpEngine;
}

export interface DnsServerDeps {
  readonly imports: ObjectView<ServiceImport>;
  /** May hold other slices too: those without the MCS labels are ignored (EPS-03, EPS-04). */
  readonly slices: ObjectView<EndpointSlice>;
  readonly namespaces: ObjectView<Namespace>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
}

export interface DnsServer {
  /** As asked for, with the port that was taken. */
  readonly address: ListenAddress;
  /** True once all three views have synced and the whole zone is built: answers are right from then on. */
  isReady(): boolean;
  /** Idempotent, ends within two seconds. */
  stop(): Promise<void>;
}

const UDP_PAYLOAD_BYTES = { default: 1232, min: 512, max: 4096 } as const;
const UDP_QUEUE_BYTES = 4 * 1024 * 1024;
const TCP_LIMITS = {
  idleMs: 10_000,
  unreadBytesMax: 256 * 1024,
  connectionsMax: 1024,
  connectionsPerClientMax: 256,
} as const;

/**
 * Starts the authoritative server of the clusterset zone on UDP and TCP.
 * The error says which option or which listener failed and why.
 */
export async function startDnsServer(
  options: DnsServerOptions,
  deps: DnsServerDeps,
): Promise<Result<DnsServer, string>> {
  const config = parseZoneConfig(options);
  if (!config.ok) return config;
  const udpPayloadBytes = parsePayloadBytes(options.udpPayloadBytes ?? UDP_PAYLOAD_BYTES.default);
  if (!udpPayloadBytes.ok) return udpPayloadBytes;

  const { clock, log, meter } = deps;
  const stats = new QueryStats(clock, meter);
  const edns = parseEdns(options, clock);
  if (!edns.ok) return edns;
  const guard = parseGuard(options, clock, stats);
  if (!guard.ok) return guard;
  const responder = new Responder(
    {
      config: config.value,
      udpPayloadBytes: udpPayloadBytes.value,
      edns: edns.value,
      ...guard.value,
    },
    stats.answered,
  );
  const source = new ZoneSource(config.value.zone, deps, (zone, changed) => {
    responder.setZone(zone, changed);
    stats.zoneChanged(zone.serviceCount, zone.nameCount);
  });
  const listeners = await startListeners(
    {
      ...TCP_LIMITS,
      ...options.listen,
      reusePort: options.reusePort ?? false,
      udpEngine: options.udpEngine ?? "auto",
      queueBytes: UDP_QUEUE_BYTES,
    },
    { answer: answerWith(responder, stats), dropped: stats.dropped, clock, log },
  );
  if (!listeners.ok) return listeners;
  source.start();
  stats.start();
  const address: ListenAddress = { ...options.listen, port: listeners.value.port };
  log.info("dns server listens", { zone: config.value.zone, ...address });
  const stop = async (): Promise<void> => {
    source.stop();
    await listeners.value.stop();
    stats.stop();
  };
  let stopping: Promise<void> | undefined;
  return ok({ address, isReady: () => source.isReady, stop: () => (stopping ??= stop()) });
}

function parsePayloadBytes(bytes: number): Result<number, string> {
  const { min, max } = UDP_PAYLOAD_BYTES;
  if (Number.isInteger(bytes) && bytes >= min && bytes <= max) return ok(bytes);
  return err(`cannot parse udp payload size: must be ${min} to ${max} bytes: got ${bytes}`);
}

function parseEdns(
  options: Pick<DnsServerOptions, "cookieSecrets" | "nsid">,
  clock: Clock,
): Result<EdnsSettings, string> {
  const secrets = (options.cookieSecrets ?? []).map(parseCookieSecret);
  const wrong = secrets.find((secret) => !secret.ok);
  if (wrong !== undefined && !wrong.ok) return wrong;
  const [first = randomBytes(COOKIE_SECRET_BYTES), ...rest] = secrets.flatMap((secret) =>
    secret.ok ? [secret.value] : [],
  );
  const nsid = options.nsid === undefined ? undefined : parseNsid(options.nsid);
  if (nsid !== undefined && !nsid.ok) return nsid;
  return ok({
    cookies: new ServerCookies([first, ...rest]),
    ...(nsid === undefined ? {} : { nsid: nsid.value }),
    tcpIdleMs: TCP_LIMITS.idleMs,
    nowSeconds: () => Math.floor(clock.nowMs() / 1000),
  });
}

function parseGuard(
  options: Pick<DnsServerOptions, "allow" | "rateLimit" | "rateLimitExempt">,
  clock: Clock,
  stats: QueryStats,
): Result<Pick<ResponderOptions, "access" | "limitRate">, string> {
  const access = options.allow === undefined ? undefined : AccessList.parse("allow", options.allow);
  if (access !== undefined && !access.ok) return access;
  const exempt = AccessList.parse("rate limit exemption", options.rateLimitExempt ?? []);
  if (!exempt.ok) return exempt;
  const { rateLimit: perSecond } = options;
  if (perSecond !== undefined && !(Number.isInteger(perSecond) && perSecond > 0)) {
    return err(
      `cannot parse rate limit: must be a whole number of responses per second from 1: got ${perSecond}`,
    );
  }
  const limiter = perSecond === undefined ? undefined : new RateLimiter({ perSecond });
  const limitRate = (address: string): RateVerdict => {
    if (limiter === undefined || exempt.value.holds(address)) return "pass";
    const verdict = limiter.judge(address, clock.monotonicMs());
    if (verdict !== "pass") stats.rateLimited(verdict);
    return verdict;
  };
  return ok({
    ...(access === undefined ? {} : { access: access.value }),
    ...(limiter === undefined ? {} : { limitRate }),
  });
}

function answerWith(responder: Responder, stats: QueryStats): AnswerPacket {
  return (packet, length, transport, into, client) => {
    const startMs = stats.startTimer();
    const bytes = responder.respond(packet, length, transport, into, client);
    if (bytes > 0 && ((into[2] ?? 0) & TC_BYTE) !== 0) stats.truncated();
    if (startMs !== undefined) stats.stopTimer(startMs);
    return bytes;
  };
}

/** TC in the third byte of a header. */
const TC_BYTE = FLAG.TC >> 8;
