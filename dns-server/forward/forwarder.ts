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

/** How a query that was sent on ended, as it is counted. */
export type ForwardResult = "answered" | "no-answer" | "overload";

/** What upstream resolvers said. */
export type Asked =
  | { readonly kind: "answered"; readonly response: Buffer }
  /** All were silent, or would not answer; then with what the last of them said. */
  | { readonly kind: "failed"; readonly response: Buffer | undefined }
  /** Nobody was asked. */
  | { readonly kind: "overload" };

export type AskUpstreams = (
  query: Buffer,
  questionEnd: number,
  transport: Transport,
) => Promise<Asked>;

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

  readonly ask: AskUpstreams = async (query, questionEnd, transport) => {
    const { clock, onResult } = this.#deps;
    const startMs = clock.monotonicMs();
    if (this.#underWay >= UNDER_WAY_MAX) {
      onResult("overload", 0);
      return { kind: "overload" };
    }
    this.#underWay++;
    const asked = await this.#askInTurn(query, questionEnd, transport);
    this.#underWay--;
    const isSilence = asked.kind === "failed" && asked.response === undefined;
    onResult(isSilence ? "no-answer" : "answered", clock.monotonicMs() - startMs);
    return asked;
  };

  stop(): void {
    this.#udp.stop();
  }

  async #askInTurn(query: Buffer, questionEnd: number, transport: Transport): Promise<Asked> {
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
      if (!isUnwilling(response)) return { kind: "answered", response };
      // Another one may do better; the last word is better than none.
      unwilling = response;
      if (upstreams.length === 1) break;
    }
    return { kind: "failed", response: unwilling };
  }
}

function isUnwilling(response: Buffer): boolean {
  const rcode = (response[3] ?? 0) & 0xf;
  return rcode === RCODE.SERVFAIL || rcode === RCODE.REFUSED || rcode === RCODE.NOTIMP;
}
