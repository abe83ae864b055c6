import type { Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { TurnEnd } from "../bridge/turn-end.ts";
import type { OpenHeader } from "../frame/open-header.ts";
import { Places } from "../places.ts";
import type { TunnelStream } from "../stream/tunnel-stream.ts";
import type { StreamRecorder } from "../traffic/stream-record.ts";
import type { WantedListener } from "./import-book.ts";

/** BOUNDED: connections of one listener, or sessions. */
const CLIENTS_MAX = 16_384;

/** One port that is open for clients of one imported port. */
export interface ServiceListener {
  readonly wanted: WantedListener;
  /** Takes nobody new. TCP connections stay; UDP sessions, which have but the one socket, end. */
  close(): void;
}

export interface ListenerDeps {
  /** A code: no tunnel to that cluster takes this stream now. */
  readonly open: (
    peer: WantedListener["peer"],
    header: OpenHeader,
  ) => TunnelStream | "going-away" | "overload";
  /** Number of the imported port behind a listener; 0: not known. */
  readonly portNumberOf: (wanted: WantedListener) => number;
  /** Namespace of the pod with that address; empty: not known. */
  readonly namespaceOf: (address: string) => string;
  readonly udpIdleMs: number;
  readonly turnEnd: TurnEnd;
  readonly clock: Clock;
  readonly recorder: StreamRecorder;
  readonly log: Logger;
  /** Connections, or sessions, that one listener may have at once. @default CLIENTS_MAX */
  readonly clientsMax?: number;
}

export type StartListener = (
  wanted: WantedListener,
  at: { readonly host: string | undefined; readonly port: number },
  deps: ListenerDeps,
) => Promise<Result<ServiceListener, string>>;

/** Places for the clients of one listener. */
export function placesFor(
  { peer, namespace, name, port, protocol }: WantedListener,
  { clientsMax = CLIENTS_MAX, clock, log }: ListenerDeps,
): Places {
  const facts = { peer, service: `${namespace}/${name}`, port, protocol, max: clientsMax };
  return new Places(clientsMax, {
    clock,
    onFull: () => log.warn("too many clients of an imported port", facts),
  });
}
