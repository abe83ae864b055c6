/** Another member's pod network and the loopback entry that carries packets into it. */
export interface PeerNetwork {
  readonly cidrs: readonly string[];
  /** `host:port` of the peer's fabric. */
  readonly fabric: string;
}
