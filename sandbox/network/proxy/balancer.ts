import { LRUCache } from "lru-cache";
import type { Destination } from "../dialer.ts";
import { endpointKey, type ForwardedPort } from "./forwarding-table.ts";

const MAX_PORTS = 20_000;
const MAX_SESSIONS = 20_000;

interface Session {
  readonly endpoint: string;
  readonly usedAtMs: number;
}

/** Picks one endpoint of a forwarded port: round robin, or the client's last one under ClientIP affinity. */
export class Balancer {
  /** BOUNDED: by the LRU; a forgotten port starts its round again. */
  readonly #turns = new LRUCache<string, number>({ max: MAX_PORTS });
  /** BOUNDED: by the LRU; a forgotten session is balanced anew. */
  readonly #sessions = new LRUCache<string, Session>({ max: MAX_SESSIONS });

  /** Undefined when nothing can answer. */
  pick(port: ForwardedPort, clientIp: string, nowMs: number): Destination | undefined {
    if (port.affinityTimeoutMs === undefined) return this.#next(port);
    const id = `${port.key} ${clientIp}`;
    const kept = this.#keptEndpoint(port, this.#sessions.get(id), nowMs);
    const chosen = kept ?? this.#next(port);
    // Each connection renews the session, as the `recent` match of kube-proxy's iptables rules does.
    if (chosen !== undefined) {
      this.#sessions.set(id, { endpoint: endpointKey(chosen), usedAtMs: nowMs });
    }
    return chosen;
  }

  #keptEndpoint(
    port: ForwardedPort,
    session: Session | undefined,
    nowMs: number,
  ): Destination | undefined {
    if (session === undefined || port.affinityTimeoutMs === undefined) return undefined;
    if (nowMs - session.usedAtMs >= port.affinityTimeoutMs) return undefined;
    return port.endpoints.find((endpoint) => endpointKey(endpoint) === session.endpoint);
  }

  #next(port: ForwardedPort): Destination | undefined {
    const turn = this.#turns.get(port.key) ?? 0;
    this.#turns.set(port.key, (turn + 1) % Number.MAX_SAFE_INTEGER);
    return port.endpoints[turn % port.endpoints.length];
  }
}
