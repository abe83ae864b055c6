import type { Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { TurnEnd } from "../bridge/turn-end.ts";
import type { OpenHeader } from "../frame/open-header.ts";
import type { TunnelStream } from "../stream/tunnel-stream.ts";
import type { StreamRecorder } from "../traffic/stream-record.ts";
import type { WantedListener } from "./import-book.ts";

/** One port that is open for clients of one imported port. */
export interface ServiceListener {
  readonly wanted: WantedListener;
  /** Takes nobody new; who is there stays. */
  close(): void;
}

export interface ListenerDeps {
  /** Undefined: no tunnel to that cluster takes a stream now. */
  readonly open: (peer: WantedListener["peer"], header: OpenHeader) => TunnelStream | undefined;
  /** Number of the imported port behind a listener; 0: not known. */
  readonly portNumberOf: (wanted: WantedListener) => number;
  /** Namespace of the pod with that address; empty: not known. */
  readonly namespaceOf: (address: string) => string;
  readonly udpIdleMs: number;
  readonly turnEnd: TurnEnd;
  readonly clock: Clock;
  readonly recorder: StreamRecorder;
}

export type StartListener = (
  wanted: WantedListener,
  at: { readonly host: string | undefined; readonly port: number },
  deps: ListenerDeps,
) => Promise<Result<ServiceListener, string>>;
