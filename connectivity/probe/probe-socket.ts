/** How probes leave and answers arrive: a port, so that a prober can be tried without a network. */
export interface ProbeSocket {
  /** `onFailed` is called when the machine could not send it. */
  send(packet: Uint8Array, to: ProbeDestination, onFailed: (failure: SendFailure) => void): void;
  /**
   * Sends one probe whose answer nobody waits for, in a way that hears when the address says that nobody listens at that
   * port; `onRefused` is called then.
   */
  knock(packet: Uint8Array, to: ProbeDestination, onRefused: () => void): void;
  /** Harmless when closed already. */
  close(): void;
  /** Packets are never cut in pieces on their way, so that their size measures the path. */
  readonly isWhole: boolean;
}

export interface ProbeDestination {
  readonly address: string;
  readonly port: number;
}

export interface SendFailure {
  /** Larger than the link takes. */
  readonly isTooLarge: boolean;
  readonly reason: string;
}

export type OpenProbeSocket = (onPacket: (packet: Uint8Array) => void) => ProbeSocket;
