import type { EndpointSlice } from "../api/kube/endpoint-slice.ts";
import type { Namespace } from "../api/kube/namespace.ts";
import type { ServiceImport } from "../api/mcs/service-import.ts";
import { err, type Result } from "../api/result.ts";
import type { Clock } from "../runtime/clock/clock.ts";
import type { ObjectView } from "../runtime/kube/object-view.ts";
import type { Logger } from "../runtime/log/log.ts";
import type { Meter } from "../runtime/metrics/meter.ts";

/** Where and what the server answers; every limit has a default. */
export interface DnsServerOptions {
  /** Port 0 takes a free port, the same one for UDP and TCP. */
  readonly listen: { readonly host: string; readonly port: number };
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
  /** Lets several processes share the port (SO_REUSEPORT). @default false */
  readonly reusePort?: boolean;
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
  readonly address: { readonly host: string; readonly port: number };
  /** True once all three views have synced and the whole zone is built: answers are right from then on. */
  isReady(): boolean;
  /** Idempotent, ends within two seconds. */
  stop(): Promise<void>;
}

/**
 * Starts the authoritative server of the clusterset zone on UDP and TCP.
 * The error says which option or which listener failed and why.
 */
export async function startDnsServer(
  options: DnsServerOptions,
  _deps: DnsServerDeps,
): Promise<Result<DnsServer, string>> {
  return err(`cannot start dns server on ${options.listen.host}: work in progress`);
}
