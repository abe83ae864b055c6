import type { Result } from "../../../api/result.ts";
import type { OwnNetwork, PeerNetwork } from "../plan/networks.ts";
import type { OuterTransport, Prepared } from "./outer-transport.ts";

/** Plain or encrypted, as the own network says. */
export class ChosenTransport implements OuterTransport {
  readonly #plain: OuterTransport;
  readonly #encrypted: OuterTransport;
  #current: OuterTransport;

  constructor(plain: OuterTransport, encrypted: OuterTransport) {
    this.#plain = plain;
    this.#encrypted = encrypted;
    this.#current = plain;
  }

  prepare(
    network: OwnNetwork,
    peers: readonly PeerNetwork[],
    signal: AbortSignal,
  ): Promise<Result<Prepared, string>> {
    this.#current = network.encryption === "wireguard" ? this.#encrypted : this.#plain;
    return this.#current.prepare(network, peers, signal);
  }

  isSettled(): boolean {
    return this.#current.isSettled();
  }

  /** Both: an earlier run may have chosen otherwise. */
  async cleanup(signal: AbortSignal): Promise<Result<void, string>> {
    const plain = await this.#plain.cleanup(signal);
    return plain.ok ? this.#encrypted.cleanup(signal) : plain;
  }
}
