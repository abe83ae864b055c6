import type { ClusterId } from "../../../api/cluster-id.ts";
import type { DialSlot } from "./dial-slot.ts";

/** Keeps a tunnel to one peer through each of some neighbours. */
export class RelayedSlots {
  readonly #make: (via: ClusterId) => DialSlot;
  /** By neighbour. BOUNDED: by the ways that are wanted, and those that wait for them. */
  readonly #slots = new Map<ClusterId, DialSlot>();

  constructor(make: (via: ClusterId) => DialSlot) {
    this.#make = make;
  }

  /** From now on through these. What is wanted no more goes when something else is up, so that there is always a way. */
  set(wanted: readonly ClusterId[]): void {
    for (const via of wanted) {
      if (this.#slots.has(via)) continue;
      const slot = this.#make(via);
      this.#slots.set(via, slot);
      slot.start();
    }
    const isOneUp = wanted.some((via) => this.#slots.get(via)?.isUp === true);
    for (const [via, slot] of this.#slots) {
      if (wanted.includes(via) || (slot.isUp && !isOneUp)) continue;
      slot.stop();
      this.#slots.delete(via);
    }
  }

  renew(): void {
    for (const slot of this.#slots.values()) slot.renew();
  }

  stop(): void {
    for (const slot of this.#slots.values()) slot.stop();
    this.#slots.clear();
  }
}
