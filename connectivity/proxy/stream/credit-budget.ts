import { FairShare } from "./fair-share.ts";

/** What a session asks of the budget: the part of one peer. */
export interface PeerCredit {
  /** Of one service, to be taken from at once. */
  holder(service: string): FairShare;
  /** Whether so many bytes may go to a window that is large enough already. */
  isRoomy(bytes: number): boolean;
}

/**
 * Credit that all tunnels of a process may have given: what bounds the memory that peers can make us hold. Peers share it, and
 * the services of each, so that one that takes all it can get leaves room for connections of the others.
 *
 * BOUNDED: by `limitBytes`; a stream that gets nothing keeps the window it has.
 */
export class CreditBudget {
  readonly #all: FairShare;

  constructor(limitBytes: number) {
    this.#all = new FairShare(limitBytes);
  }

  get usedBytes(): number {
    return this.#all.used;
  }

  of(peer: string): PeerCredit {
    return {
      holder: (service) => this.#all.holder(peer).holder(service),
      isRoomy: (bytes) => (this.#all.used + bytes) * 2 <= this.#all.limit,
    };
  }
}
