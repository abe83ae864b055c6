import { randomBytes } from "node:crypto";
import { networkInterfaces } from "node:os";
import type { ClusterId } from "../../api/cluster-id.ts";
import { ok, type Result } from "../../api/result.ts";
import type { ProberDeps } from "../../connectivity/probe/prober.ts";
import { UdpProbeSocket } from "../../connectivity/probe/udp-probe-socket.ts";
import { UdpResponder } from "../../connectivity/probe/udp-responder.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { formatListenAddress, type ListenAddress } from "../../runtime/net/listen-address.ts";
import type { Random } from "../../runtime/random/random.ts";

/** What probes are sent over, and answered: a port, so that paths can be tried without a network. */
export interface ProbeNetwork extends Pick<ProberDeps, "openSocket" | "drawNonce"> {
  /**
   * Answers the probes of others until the signal aborts.
   * @returns where, as peers dial it: at the address it listens on, or at those of this machine.
   */
  respond(
    cluster: ClusterId,
    listen: ListenAddress,
    signal: AbortSignal,
  ): Promise<Result<readonly string[], string>>;
}

export function udpProbes(deps: {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}): ProbeNetwork {
  return {
    openSocket: (onPacket) => new UdpProbeSocket(onPacket, deps),
    drawNonce: () => randomBytes(8).readBigUInt64BE(),
    async respond(cluster, listen, signal) {
      const responder = new UdpResponder({ cluster, listen }, deps);
      const started = await responder.start();
      if (!started.ok) return started;
      signal.addEventListener("abort", () => responder.stop(), { once: true });
      const port = started.value;
      const isAny = listen.host === undefined || listen.host === "::" || listen.host === "0.0.0.0";
      const hosts = isAny ? ownAddresses() : [listen.host];
      return ok(
        hosts.map((host) => formatListenAddress({ ...(host !== undefined && { host }), port })),
      );
    },
  };
}

/** In a pod: the pod's, one a family. */
function ownAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(
    ({ internal, address }) => !internal && !address.toLowerCase().startsWith("fe80:"),
  );
  return ["IPv4", "IPv6"].flatMap(
    (family) => outside.find((address) => address.family === family)?.address ?? [],
  );
}
