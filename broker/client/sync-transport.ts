import type { BrokerMessage, MemberMessage } from "../../api/broker/broker.gen.ts";

/** How a stream ended. rejected: coming back will not help before an admin acts. */
export type StreamEnd =
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "rejected"; readonly reason: string };

/** Called from the transport, never from within `open` or `send`, and not after `onClosed` or `close`. */
export interface StreamHandlers {
  onMessage(message: BrokerMessage): void;
  /** After a `send` that returned false: more can be taken now. */
  onWritable(): void;
  onClosed(end: StreamEnd): void;
}

export interface SyncStream {
  /** False: taken, but no more should be sent before `onWritable`. */
  send(message: MemberMessage): boolean;
  /** Harmless when closed. */
  close(): void;
}

/** A way to the broker: gRPC, or memory in tests and the simulation. */
export interface SyncTransport {
  /** Begins to connect; failing to is told through `onClosed`. */
  open(handlers: StreamHandlers): SyncStream;
  /** Frees what outlives a stream. */
  close(): void;
}
