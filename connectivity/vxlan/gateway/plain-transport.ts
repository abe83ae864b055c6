import { ok, type Result } from "../../../api/result.ts";
import { outerMtu } from "../linux/outer-mtu.ts";
import type { RunCommand } from "../linux/run-command.ts";
import type { OwnNetwork, PeerNetwork } from "../plan/networks.ts";
import type { OuterTransport, Prepared } from "./outer-transport.ts";

export interface PlainTransportOptions {
  readonly node: string;
  /** At which gateways of peers reach this one; empty: its node's addresses. */
  readonly endpoints: readonly string[];
  readonly port: number;
}

/** Packets between gateways as they are, for networks between clusters that are trusted. */
export class PlainTransport implements OuterTransport {
  readonly #options: PlainTransportOptions;
  readonly #run: RunCommand;

  constructor(options: PlainTransportOptions, run: RunCommand) {
    this.#options = options;
    this.#run = run;
  }

  async prepare(
    network: OwnNetwork,
    _peers: readonly PeerNetwork[],
    signal: AbortSignal,
  ): Promise<Result<Prepared, string>> {
    const { node, endpoints, port } = this.#options;
    const local = network.nodes.find(({ name }) => name === node)?.internalIps ?? [];
    const mtu = await outerMtu(local, this.#run, signal);
    if (!mtu.ok) return mtu;
    return ok({
      outer: { local, mtu: mtu.value },
      facts: { endpoints: endpoints.length === 0 ? local : endpoints, port },
    });
  }

  isSettled(): boolean {
    return true;
  }

  async cleanup(): Promise<Result<void, string>> {
    return ok(undefined);
  }
}
