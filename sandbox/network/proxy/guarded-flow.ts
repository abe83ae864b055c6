import type { UdpFlow } from "../dialer.ts";

/** A flow that closes itself when its endpoint is no longer served. */
export class GuardedFlow implements UdpFlow {
  readonly #inner: UdpFlow;
  readonly #isServed: () => boolean;

  constructor(inner: UdpFlow, isServed: () => boolean) {
    this.#inner = inner;
    this.#isServed = isServed;
  }

  get closed(): boolean {
    if (!this.#inner.closed && !this.#isServed()) this.#inner.close();
    return this.#inner.closed;
  }

  send(payload: Uint8Array): void {
    if (!this.closed) this.#inner.send(payload);
  }

  close(): void {
    this.#inner.close();
  }
}
