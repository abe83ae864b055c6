import {
  DEFAULT_MTU_SETTINGS,
  DEFAULT_PROBE_SETTINGS,
  type ProbeSettings,
} from "../probe/probe-settings.ts";
import type { OpenProbeSocket } from "../probe/probe-socket.ts";
import { UdpProbeSocket, type UdpProbeSocketDeps } from "../probe/udp-probe-socket.ts";

/**
 * Probes inside the tunnel. The rules of `node-table.ts` drop those that were cut on the way, so what is answered was
 * whole. Paths that carry less than IPv6 asks for are found too: IPv4 does with less.
 */
export function tunnelProbes(deps: UdpProbeSocketDeps): {
  readonly settings: ProbeSettings;
  readonly openSocket: OpenProbeSocket;
} {
  return {
    settings: {
      ...DEFAULT_PROBE_SETTINGS,
      // Who sends a first packet into a dead way waits a second for TCP to try again: the sooner it is left, the fewer do.
      intervalMs: 100,
      timeoutMs: 80,
      // A path that carries less than it did, and does not say so, stops all large packets until that is seen: it is to take less
      // than a second.
      mtu: { ...DEFAULT_MTU_SETTINGS, leastBytes: 1_000, verifyMs: 200 },
    },
    openSocket: (onPacket) => {
      const socket = new UdpProbeSocket(onPacket, deps);
      return {
        isWhole: true,
        send: (packet, to, onFailed) => socket.send(packet, to, onFailed),
        // A gateway whose process is gone is to be left, whatever its node's kernel still does.
        knock: () => undefined,
        close: () => socket.close(),
      };
    },
  };
}
