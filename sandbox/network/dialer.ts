import type { Socket } from "node:net";
import type { Result } from "../../api/result.ts";

/** Opens connections inside a member's network. */
export interface Dialer {
  /** The socket is connected, paused, and allows half-close; the caller owns it. */
  dialTcp(destination: Destination, options: DialOptions): Promise<Result<Socket, DialError>>;
  openUdp(destination: Destination, options: UdpOptions): Promise<Result<UdpFlow, DialError>>;
}

export interface Destination {
  readonly ip: string;
  readonly port: number;
}

export interface DialOptions {
  /** Who dials, as the destination shall see it. */
  readonly clientIp: string;
  /** Ends an attempt under way; an open connection is not touched. */
  readonly signal: AbortSignal;
}

export interface UdpOptions extends DialOptions {
  readonly onDatagram: (payload: Uint8Array) => void;
}

/** One client's datagrams to one destination. */
export interface UdpFlow {
  /** Never fails: like UDP, it may lose. */
  send(payload: Uint8Array): void;
  /** True once closed from either side; a new flow must be opened. */
  readonly closed: boolean;
  /** Idempotent. */
  close(): void;
}

export interface DialError {
  readonly kind: "refused" | "host-unreachable" | "network-unreachable" | "timeout" | "failed";
  readonly message: string;
}
