import type { Transport } from "../answer/client.ts";
import { RCODE } from "../wire/dns-numbers.ts";
import type { Exchange, ExchangeDeps, Upstream } from "./exchange.ts";
import { tcpExchange } from "./tcp-exchange.ts";
import { UdpExchange } from "./udp-exchange.ts";
import { UpstreamHealth } from "./upstream-health.ts";

export interface ForwarderOptions {
  /** By preference. */
  readonly upstreams: readonly Upstream[];
  /** Of each attempt. */
  readonly timeoutMs: number;
}

/** How a query that was sent on ended. */
export type ForwardResult = "answered" | "no-answer" | "overload";

export interface ForwarderDeps extends ExchangeDeps {
  readonly onResult: (result: ForwardResult, tookMs: number) => void;
}

/** Queries under way; more get SERVFAIL at once. */
const UNDER_WAY_MAX = 4096;
/** Attempts of one query, at one upstream or several: clients wait about five seconds. */
const ATTEMPTS = { min: 2, max: 3 } as const;

/** Sends queries about other zones on to resolvers; what is kept of their answers is CachingForwarder's. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #deps: ForwarderDeps;
  readonly #health: UpstreamHealth;
  readonly #udp: UdpExchange;
  readonly #exchanges: Readonly<Record<Transport, Exchange>>;
  #underWay = 0;

  constructor(options: ForwarderOptions, deps: ForwarderDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#health = new UpstreamHealth(options.upstreams.length);
    this.#udp = new UdpExchange(deps);
    this.#exchanges = { udp: this.#udp.exchange, tcp: tcpExchange(deps) };
  }

  /** The response, or undefined when nobody gave one in time. */
  readonly ask = async (
    query: Buffer,
    questionEnd: number,
    transport: Transport,
  ): Promise<Buffer | undefined> => {
    const { clock, onResult } = this.#deps;
    const startMs = clock.monotonicMs();
    if (this.#underWay >= UNDER_WAY_MAX) {
      onResult("overload", 0);
      return undefined;
    }
    this.#underWay++;
    const response = await this.#askInTurn(query, questionEnd, transport);
    this.#underWay--;
    onResult(response === undefined ? "no-answer" : "answered", clock.monotonicMs() - startMs);
    return response;
  };

  stop(): void {
    this.#udp.stop();
  }

  async #askInTurn(
    query: Buffer,
    questionEnd: number,
    transport: Transport,
  ): Promise<Buffer | undefined> {
    const { upstreams, timeoutMs } = this.#options;
    const { clock } = this.#deps;
    const order = this.#health.order(clock.monotonicMs());
    const attempts = Math.max(ATTEMPTS.min, Math.min(ATTEMPTS.max, upstreams.length));
    let unwilling: Buffer | undefined;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const index = order[attempt % order.length] ?? 0;
      const upstream = upstreams[index];
      if (upstream === undefined) break;
      const request = { query, questionEnd, upstream, timeoutMs };
      const response = await this.#exchanges[transport](request);
      if (response === undefined) {
        this.#health.failed(index, clock.monotonicMs());
        continue;
      }
      this.#health.answered(index);
      if (!isUnwilling(response)) return response;
      // Another one may do better; the last word is better than none.
      unwilling = response;
      if (upstreams.length === 1) break;
    }
    return unwilling;
  }
}

function isUnwilling(response: Buffer): boolean {
  const rcode = (response[3] ?? 0) & 0xf;
  return rcode === RCODE.SERVFAIL || rcode === RCODE.REFUSED || rcode === RCODE.NOTIMP;
}
