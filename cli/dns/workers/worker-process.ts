import { ok, type Result } from "../../../api/result.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { pinoLogger } from "../../../runtime/log/pino-log.ts";
import { PrometheusMeter } from "../../../runtime/metrics/prometheus-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { connectKube } from "../../cluster/connect-kube.ts";
import type { MemberProcess, MemberProcessSettings } from "../../process/member-process.ts";
import { Readiness } from "../../process/readiness.ts";
import { type FromWorker, HEALTH_EVERY_MS, type ToWorker } from "./worker-messages.ts";

/** A worker's side of the channel to its pool. */
export interface PoolChannel {
  send(message: FromWorker): void;
  onMessage(listener: (message: ToWorker) => void): void;
  onDisconnect(listener: () => void): void;
}

export interface WorkerStart {
  readonly worker: number;
  readonly cookieSecret: string;
  /** Aborts when the pool wants it to stop, or is gone. */
  readonly signal: AbortSignal;
  /** The pool passes on SIGHUP. */
  readonly onHangup: (listener: () => void) => () => void;
  readonly channel: PoolChannel;
}

/** Waits for the pool's first word. */
export function joinPool(channel: PoolChannel): Promise<WorkerStart> {
  const stop = new AbortController();
  /** BOUNDED: by the parts of the process that follow something. */
  const listeners = new Set<() => void>();
  return new Promise((resolve) => {
    channel.onDisconnect(() => stop.abort(new Error("stopped by its pool")));
    channel.onMessage((message) => {
      if (message.kind === "hangup") for (const listener of listeners) listener();
      if (message.kind !== "start") return;
      const { worker, cookieSecret } = message;
      const onHangup = (listener: () => void): (() => void) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      };
      resolve({ worker, cookieSecret, signal: stop.signal, onHangup, channel });
    });
  });
}

/** As startMemberProcess, with the pool in place of a health server: it hears what `/readyz` and `/metrics` would say. */
export function startWorkerProcess(
  name: string,
  settings: MemberProcessSettings,
  env: Readonly<Record<string, string | undefined>>,
  { worker, channel, signal }: WorkerStart,
): Result<MemberProcess, string> {
  const log = pinoLogger(name, settings.logLevel).child({ worker });
  const meter = new PrometheusMeter();
  const kube = connectKube(settings, env, meter);
  if (!kube.ok) return kube;
  const readiness = new Readiness();
  channel.onMessage((message) => {
    if (message.kind !== "metrics") return;
    void meter.snapshot().then((metrics) => channel.send({ kind: "metrics", metrics }));
  });
  const beat = (): void => {
    if (signal.aborted) return;
    const health = readiness.check();
    const text = health.ok ? health.value : health.error;
    channel.send({ kind: "health", isReady: health.ok, text });
    systemClock.setTimer(HEALTH_EVERY_MS, beat);
  };
  beat();
  return ok({
    deps: { client: kube.value.client, clock: systemClock, random: systemRandom, log, meter },
    readiness,
    stop: () => Promise.resolve(),
  });
}
