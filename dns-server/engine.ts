import { randomInt } from "node:crypto";
import type { ServiceKey } from "../api/service-key.ts";
import type { Clock } from "../runtime/clock/clock.ts";
import type { EdnsSettings } from "./answer/edns-options.ts";
import { Responder, type ResponderOptions } from "./answer/responder.ts";
import { CachingForwarder } from "./forward/caching-forwarder.ts";
import { Forwarder } from "./forward/forwarder.ts";
import { RateLimiter, type RateVerdict } from "./guard/rate-limiter.ts";
import { ServerCookies } from "./guard/server-cookies.ts";
import type { QueryStats } from "./query-stats.ts";
import type { AnswerSettings } from "./server-options.ts";
import { ZoneSource, type ZoneSourceDeps } from "./source/zone-source.ts";

export interface EngineDeps extends ZoneSourceDeps {
  /** See `ResponderOptions.hides`. */
  readonly hides?: (address: string, namespace: string) => boolean;
  /** Told of services about which answers are others from now on. @default nobody is */
  readonly onPublished?: (services: Iterable<ServiceKey>) => void;
}

export interface EngineContext {
  readonly tcpIdleMs: number;
  /** Signs cookies when no secret is configured; lives as long as the server. */
  readonly drawnSecret: Buffer;
  /** Serial of the zone that was served before this engine's first one. */
  readonly serialBefore: () => number | undefined;
  readonly stats: QueryStats;
  /** Called once, with the first whole zone. */
  readonly onReady: () => void;
}

/**
 * One set of settings at work: the zone built by them and the responder that serves it. Other settings make another
 * engine, which takes over once its own zone is whole.
 */
export class Engine {
  readonly responder: Responder;
  readonly #source: ZoneSource;
  readonly #forwarder: Forwarder | undefined;
  #isReady = false;

  constructor(settings: AnswerSettings, deps: EngineDeps, context: EngineContext) {
    const { stats, onReady } = context;
    const { forward } = settings;
    const { clock } = deps;
    this.#forwarder =
      forward === undefined
        ? undefined
        : new Forwarder(forward, {
            clock,
            drawId: () => randomInt(2 ** 16),
            onResult: stats.forwarded,
          });
    const { zone } = settings.config;
    this.#source = new ZoneSource(
      { zone, endpoints: settings.endpoints, serialBefore: context.serialBefore },
      deps,
      (snapshot, changed, rebuildMs) => {
        this.responder.setZone(snapshot, changed);
        stats.zoneChanged(snapshot, rebuildMs);
        deps.onPublished?.(changed);
        if (this.#isReady) return;
        this.#isReady = true;
        onReady();
      },
    );
    this.responder = new Responder(
      {
        config: settings.config,
        udpPayloadBytes: settings.udpPayloadBytes,
        edns: ednsSettings(settings, deps.clock, context),
        ahead: this.#source.ahead,
        ...guards(settings, deps.clock, stats),
        ...(deps.hides !== undefined && { hides: deps.hides }),
        answersReverse: settings.answersReverse,
        ...(forward === undefined || this.#forwarder === undefined
          ? {}
          : {
              forward: new CachingForwarder(forward, {
                clock,
                ask: this.#forwarder.ask,
                onLookup: stats.forwardLookup,
                onSize: stats.forwardCacheSize,
              }),
              forwardAccess: forward.access,
            }),
      },
      stats.answered,
    );
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get serial(): number | undefined {
    return this.#source.serial;
  }

  start(): void {
    this.#source.start();
  }

  stop(): void {
    this.#source.stop();
    this.#forwarder?.stop();
  }
}

function ednsSettings(
  { cookieSecrets, nsid }: AnswerSettings,
  clock: Clock,
  { drawnSecret, tcpIdleMs }: EngineContext,
): EdnsSettings {
  const [first = drawnSecret, ...rest] = cookieSecrets;
  return {
    cookies: new ServerCookies([first, ...rest]),
    ...(nsid === undefined ? {} : { nsid }),
    tcpIdleMs,
    nowSeconds: () => Math.floor(clock.nowMs() / 1000),
  };
}

function guards(
  { access, rateLimit }: AnswerSettings,
  clock: Clock,
  stats: QueryStats,
): Pick<ResponderOptions, "access" | "limitRate"> {
  const allowed = access === undefined ? {} : { access };
  if (rateLimit === undefined) return allowed;
  const { perSecond, exempt } = rateLimit;
  const limiter = new RateLimiter({ perSecond });
  const limitRate = (address: string): RateVerdict => {
    const verdict = limiter.judge(address, clock.monotonicMs());
    // Asked last: looking through a list of networks costs more than the limit, and most clients stay below that.
    if (verdict === "pass" || exempt.holds(address)) return "pass";
    stats.rateLimited(verdict);
    return verdict;
  };
  return { ...allowed, limitRate };
}
