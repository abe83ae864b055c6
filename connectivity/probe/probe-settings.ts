/** When probes are sent, and what is made of their answers. Times in milliseconds. */
export interface ProbeSettings {
  /** Longest time between two probes of a target; the shortest is four fifths of it. */
  readonly intervalMs: number;
  /** Shortest time after which an unanswered probe counts as lost; the path's own round trip may ask for more. */
  readonly timeoutMs: number;
  /** So many lost in a row: down. */
  readonly downAfter: number;
  /** So many answered in a row: up. */
  readonly upAfter: number;
  /** How many of the latest probes the loss is told over. */
  readonly lossWindow: number;
  /** Undefined: the MTU is not measured. */
  readonly mtu: MtuSettings | undefined;
  /** Undefined: nobody is knocked at, and silence is silence. */
  readonly refusal: RefusalSettings | undefined;
}

/**
 * "Nobody listens at this port" (ICMP port unreachable, RFC 1122 section 3.2.2.1) comes from the machine that has the
 * address: packets go there and back, and it is the responder's process that is gone (docs/decisions/0011).
 */
export interface RefusalSettings {
  /** How long after one the silence of the responder is not held against the path: machines send few of them. */
  readonly goodForMs: number;
  /** How long at most, counted from the first: a process comes back, a firewall that refuses does not. */
  readonly atMostMs: number;
}

export interface MtuSettings {
  /** What every path of the family carries, bytes of an IP packet. */
  readonly leastBytes: number;
  /** The largest that is looked for, bytes of an IP packet. */
  readonly mostBytes: number;
  /** How often the measured MTU is tried again. */
  readonly verifyMs: number;
  /** How often a larger one is looked for. */
  readonly growMs: number;
}

/**
 * A path that dies at the worst moment, just after an answer, is down after three intervals and one timeout: 570 ms. One
 * that heals is up after one interval and five answers: 750 ms and a round trip.
 */
export const DEFAULT_PROBE_SETTINGS: ProbeSettings = {
  intervalMs: 150,
  timeoutMs: 120,
  downAfter: 3,
  upAfter: 5,
  lossWindow: 100,
  mtu: undefined,
  refusal: undefined,
};

/** Linux sends six at once, then one a second, for probes and knocks together (`icmp_ratelimit`). */
export const DEFAULT_REFUSAL_SETTINGS: RefusalSettings = { goodForMs: 6_000, atMostMs: 60_000 };

export const DEFAULT_MTU_SETTINGS: MtuSettings = {
  leastBytes: 1_280,
  mostBytes: 9_000,
  verifyMs: 10_000,
  growMs: 300_000,
};

/** Before the first answer nothing is known of the round trip. */
export const FIRST_TIMEOUT_MS = 1_000;
/** No path on earth takes longer. */
export const TIMEOUT_MS_MAX = 2_000;
