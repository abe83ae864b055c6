import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import { UdpResponder } from "../../probe/udp-responder.ts";
import { currentNetwork, type NetworkViews } from "../views.ts";

export interface ResponderKeeperDeps {
  readonly views: Pick<NetworkViews, "networks" | "nodes">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Another process of ours may still hold the port; machines without IPv6 refuse the first address. */
const RETRY_MS = 500;
const ADDRESSES = ["::", "0.0.0.0"] as const;

/** Answers probes of nodes and of peers' gateways, from when it is known whose gateway this is. */
export class ResponderKeeper {
  readonly #port: number;
  readonly #deps: ResponderKeeperDeps;

  constructor({ port }: { readonly port: number }, deps: ResponderKeeperDeps) {
    this.#port = port;
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    let attempt = 0;
    while (!signal.aborted) {
      const responder = this.#make(ADDRESSES[attempt % 2] ?? "::");
      const started = await responder?.start();
      if (started?.ok === true) {
        signal.addEventListener("abort", () => responder?.stop(), { once: true });
        if (signal.aborted) responder?.stop();
        return;
      }
      if (started !== undefined) {
        attempt += 1;
        if (attempt % 2 === 0) log.warn("probes are not answered", { err: started.error });
      }
      await sleep(clock, RETRY_MS, signal);
    }
  }

  #make(host: string): UdpResponder | undefined {
    const { views, log } = this.#deps;
    const network = currentNetwork(views, () => undefined)?.network;
    if (network === undefined) return undefined;
    return new UdpResponder(
      { cluster: network.cluster, listen: { host, port: this.#port } },
      { log },
    );
  }
}
