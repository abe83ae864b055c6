import { randomBytes } from "node:crypto";
import { err, ok, type Result } from "../api/result.ts";
import type { Meter } from "../runtime/metrics/meter.ts";
import type { ListenAddress } from "../runtime/net/listen-address.ts";
import { Engine, type EngineDeps } from "./engine.ts";
import { COOKIE_SECRET_BYTES } from "./guard/server-cookies.ts";
import { QueryStats } from "./query-stats.ts";
import {
  type AnswerOptions,
  type AnswerSettings,
  type DnsServerOptions,
  parseAnswerOptions,
} from "./server-options.ts";
import type { AnswerPacket } from "./transport/answer-packet.ts";
import { type Listeners, startListeners } from "./transport/listeners.ts";
import { FLAG } from "./wire/dns-numbers.ts";

export interface DnsServerDeps extends EngineDeps {
  readonly meter: Meter;
}

export interface DnsServer {
  /** As asked for, with the port that was taken. */
  readonly address: ListenAddress;
  /** True once all three views have synced and the whole zone is built: answers are right from then on. */
  isReady(): boolean;
  /**
   * Answers by other options from the moment their zone is whole; until then by the old ones. The error says which option is
   * wrong, and nothing has changed.
   */
  reconfigure(options: AnswerOptions): Result<void, string>;
  /** Idempotent, ends within two seconds. */
  stop(): Promise<void>;
}

const UDP_QUEUE_BYTES = 4 * 1024 * 1024;
const TCP_UNREAD_BYTES_MAX = 256 * 1024;
const TCP_DEFAULTS = {
  idleMs: 10_000,
  connectionsMax: 1024,
  connectionsPerClientMax: 256,
} as const;

/**
 * Starts the authoritative server of the clusterset zone on UDP and TCP.
 * The error says which option or which listener failed and why.
 */
export async function startDnsServer(
  options: DnsServerOptions,
  deps: DnsServerDeps,
): Promise<Result<DnsServer, string>> {
  const settings = parseAnswerOptions(options);
  if (!settings.ok) return settings;
  const limits = {
    idleMs: options.tcpIdleMs ?? TCP_DEFAULTS.idleMs,
    connectionsMax: options.tcpConnectionsMax ?? TCP_DEFAULTS.connectionsMax,
    connectionsPerClientMax:
      options.tcpConnectionsPerClientMax ?? TCP_DEFAULTS.connectionsPerClientMax,
  };
  const wrong = Object.entries(limits).find(([, limit]) => !(Number.isInteger(limit) && limit > 0));
  if (wrong !== undefined) {
    return err(`cannot parse tcp ${wrong[0]}: must be a whole number from 1: got ${wrong[1]}`);
  }
  const { clock, log, meter } = deps;
  const stats = new QueryStats(clock, meter);
  const engines = new Engines(settings.value, deps, stats, limits.idleMs);
  let listeners: Listeners | undefined;
  const open = async (): Promise<Result<void, string>> => {
    const opened = await startListeners(
      {
        ...limits,
        ...options.listen,
        unreadBytesMax: TCP_UNREAD_BYTES_MAX,
        reusePort: options.reusePort ?? false,
        udpEngine: options.udpEngine ?? "auto",
        queueBytes: UDP_QUEUE_BYTES,
      },
      {
        answer: engines.answer,
        dropped: stats.dropped,
        connections: stats.tcpConnections,
        admitted: stats.admitted,
        clock,
        log,
      },
    );
    if (!opened.ok) return opened;
    listeners = opened.value;
    const { zone } = settings.value.config;
    log.info("dns server listens", { zone, ...options.listen, port: listeners.port });
    return ok(undefined);
  };
  let opening: Promise<void> | undefined;
  const { onOpenFailed, onZone } = options;
  if (onOpenFailed === undefined) {
    const opened = await open();
    if (!opened.ok) return opened;
  }
  engines.onReady = () => {
    onZone?.();
    if (onOpenFailed === undefined) return;
    opening ??= open().then((opened) => (opened.ok ? undefined : onOpenFailed(opened.error)));
  };
  engines.start();
  stats.start();
  const stop = async (): Promise<void> => {
    engines.stop();
    await opening;
    await listeners?.stop();
    stats.stop();
  };
  let stopping: Promise<void> | undefined;
  return ok({
    get address() {
      return { ...options.listen, port: listeners?.port ?? options.listen.port };
    },
    isReady: () => engines.isReady && listeners !== undefined,
    reconfigure: (changed) => {
      const parsed = parseAnswerOptions(changed);
      if (!parsed.ok) return parsed;
      if (stopping === undefined) engines.replace(parsed.value);
      return ok(undefined);
    },
    stop: () => (stopping ??= stop()),
  });
}

/** The engine that answers, and the one that is about to. */
class Engines {
  readonly #deps: EngineDeps;
  readonly #stats: QueryStats;
  readonly #tcpIdleMs: number;
  readonly #drawnSecret = randomBytes(COOKIE_SECRET_BYTES);
  #current: Engine;
  #next: Engine | undefined;
  /** Called whenever an engine has its first zone and answers by it. */
  onReady: () => void = () => undefined;

  constructor(settings: AnswerSettings, deps: EngineDeps, stats: QueryStats, tcpIdleMs: number) {
    this.#deps = deps;
    this.#stats = stats;
    this.#tcpIdleMs = tcpIdleMs;
    this.#current = this.#make(settings, () => this.onReady());
  }

  get isReady(): boolean {
    return this.#current.isReady;
  }

  start(): void {
    this.#current.start();
  }

  stop(): void {
    this.#next?.stop();
    this.#current.stop();
  }

  replace(settings: AnswerSettings): void {
    this.#next?.stop();
    const next = this.#make(settings, () => {
      this.#takeOver(next);
      this.onReady();
    });
    this.#next = next;
    // As long as nobody has a zone, the new settings are as good as the old ones.
    if (!this.#current.isReady) this.#takeOver(next);
    next.start();
  }

  // HOT
  readonly answer: AnswerPacket = (packet, length, transport, into, client) => {
    const stats = this.#stats;
    const startMs = stats.startTimer();
    const bytes = this.#current.responder.respond(packet, length, transport, into, client);
    if (bytes > 0 && ((into[2] ?? 0) & TC_BYTE) !== 0) stats.truncated();
    if (startMs !== undefined) stats.stopTimer(startMs);
    return bytes;
  };

  #make(settings: AnswerSettings, onReady: () => void): Engine {
    return new Engine(settings, this.#deps, {
      tcpIdleMs: this.#tcpIdleMs,
      drawnSecret: this.#drawnSecret,
      serialBefore: () => this.#current.serial,
      stats: this.#stats,
      onReady,
    });
  }

  #takeOver(next: Engine): void {
    if (next !== this.#next) return;
    this.#current.stop();
    this.#current = next;
    this.#next = undefined;
  }
}

/** TC in the third byte of a header. */
const TC_BYTE = FLAG.TC >> 8;
