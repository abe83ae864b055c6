import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createConnection, type Socket } from "node:net";
import type { Clock, Timer } from "../../../../../runtime/clock/clock.ts";
import { GapMeter } from "./gap-meter.ts";
import type { LoadOptions, LoadReport } from "./load-report.ts";

/** Far beyond what TCP takes to get over a fault (it asks again after 1, 3 and 7 s): whoever is not answered by then never is. */
const CONNECT_LIMIT_MS = 15_000;
const QUESTION_BYTES = 64;

interface Stream {
  readonly socket: Socket;
  readonly meter: GapMeter;
  isLost: boolean;
}

interface Flow {
  readonly socket: UdpSocket;
  readonly meter: GapMeter;
}

/** Far longer than anything that still works is without an answer, on the slowest machine. */
const SETTLE_MS = 20_000;
const LOOK_MS = 50;
/** Longer than a round trip on a path that works. */
const LAST_ANSWERS_MS = 500;

/** Drives one load at a time and measures what a user of the path would notice. */
export class LoadClient {
  readonly #clock: Clock;
  #running: RunningLoad | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves once every connection is open and has been answered. */
  async start(options: LoadOptions): Promise<void> {
    if (this.#running !== undefined) throw new Error("a load is under way already");
    this.#running = new RunningLoad(options, this.#clock);
    await this.#running.start();
  }

  /** Everybody is waited for until they have been answered once more; then answers that are still on their way, a moment. */
  end(): Promise<LoadReport> {
    const running = this.#running;
    if (running === undefined) throw new Error("no load is under way");
    this.#running = undefined;
    return running.end();
  }
}

class RunningLoad {
  readonly #options: LoadOptions;
  readonly #clock: Clock;
  /** No HTTP, so that the pod answers at once. */
  readonly #question: Buffer;
  /** BOUNDED: by `connections`. */
  readonly #streams: Stream[] = [];
  /** BOUNDED: by `flows`. */
  readonly #flows: Flow[] = [];
  #opens: GapMeter;
  #attempts = 0;
  #failed = 0;
  #sent = 0;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(options: LoadOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#question = Buffer.from("?".repeat(options.questionBytes ?? QUESTION_BYTES));
    this.#opens = new GapMeter(clock.monotonicMs());
  }

  async start(): Promise<void> {
    const { connections, flows } = this.#options;
    await Promise.all(Array.from({ length: connections }, () => this.#openStream()));
    await Promise.all(Array.from({ length: flows }, () => this.#openFlow()));
    this.#opens = new GapMeter(this.#clock.monotonicMs());
    if (this.#options.opens) void this.#keepOpening();
    this.#tick();
  }

  async end(): Promise<LoadReport> {
    const silent = await this.#settle();
    this.#timer?.cancel();
    const nowMs = this.#clock.monotonicMs();
    await this.#pause(LAST_ANSWERS_MS);
    this.#isOver = true;
    const longest = (meters: readonly GapMeter[]): number =>
      meters.reduce((max, meter) => Math.max(max, meter.longestMs(nowMs)), 0);
    const answers = (meters: readonly GapMeter[]): number =>
      meters.reduce((sum, meter) => sum + meter.count, 0);
    const living = this.#streams.filter(({ isLost }) => !isLost).map(({ meter }) => meter);
    const flows = this.#flows.map(({ meter }) => meter);
    const report: LoadReport = {
      silent,
      tcp: {
        connections: this.#streams.length,
        lost: this.#streams.length - living.length,
        answers: answers(this.#streams.map(({ meter }) => meter)),
        longestGapMs: longest(living),
      },
      udp: { sent: this.#sent, answers: answers(flows), longestGapMs: longest(flows) },
      opens: {
        attempts: this.#attempts,
        failed: this.#failed,
        longestGapMs: this.#options.opens ? this.#opens.longestMs(nowMs) : 0,
      },
    };
    for (const { socket } of this.#streams) socket.destroy();
    for (const { socket } of this.#flows) socket.close();
    return report;
  }

  /** @returns how many were not answered any more. */
  async #settle(): Promise<number> {
    const startMs = this.#clock.monotonicMs();
    const counts = new Map(this.#meters().map((meter) => [meter, meter.count]));
    for (;;) {
      const living = new Set(this.#meters());
      const silent = [...counts].filter(
        ([meter, count]) => living.has(meter) && meter.count === count,
      );
      const isLate = this.#clock.monotonicMs() - startMs > SETTLE_MS;
      if (silent.length === 0 || isLate) return silent.length;
      await this.#pause(LOOK_MS);
    }
  }

  /** Of all that can still be answered. */
  #meters(): readonly GapMeter[] {
    return [
      ...this.#streams.filter(({ isLost }) => !isLost).map(({ meter }) => meter),
      ...this.#flows.map(({ meter }) => meter),
      ...(this.#options.opens ? [this.#opens] : []),
    ];
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimer(ms, resolve));
  }

  #tick(): void {
    for (const { socket, isLost } of this.#streams) if (!isLost) socket.write(this.#question);
    for (const { socket } of this.#flows) {
      this.#sent++;
      socket.send(this.#question);
    }
    this.#timer = this.#clock.setTimer(this.#options.everyMs, () => this.#tick());
  }

  #openStream(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host, port, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => socket.write(this.#question));
      socket.once("data", () => {
        const stream: Stream = {
          socket,
          meter: new GapMeter(this.#clock.monotonicMs()),
          isLost: false,
        };
        this.#streams.push(stream);
        socket.off("error", reject);
        socket.on("data", () => stream.meter.success(this.#clock.monotonicMs()));
        const lost = (): void => {
          stream.isLost ||= !this.#isOver;
        };
        socket.on("error", lost);
        socket.on("close", lost);
        resolve();
      });
    });
  }

  #openFlow(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve) => {
      const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
      const meter = new GapMeter(this.#clock.monotonicMs());
      socket.on("message", () => meter.success(this.#clock.monotonicMs()));
      socket.on("error", () => undefined);
      socket.connect(port, host, () => {
        this.#flows.push({ socket, meter });
        resolve();
      });
    });
  }

  async #keepOpening(): Promise<void> {
    while (!this.#isOver) {
      this.#attempts++;
      const isAnswered = await this.#openOnce();
      if (this.#isOver) return;
      if (isAnswered) this.#opens.success(this.#clock.monotonicMs());
      else this.#failed++;
      await new Promise<void>((resolve) => {
        this.#clock.setTimer(this.#options.everyMs, resolve);
      });
    }
  }

  #openOnce(): Promise<boolean> {
    const { host, port } = this.#options;
    return new Promise((resolve) => {
      const socket = createConnection({ host, port, noDelay: true });
      const finish = (isAnswered: boolean): void => {
        socket.destroy();
        resolve(isAnswered);
      };
      socket.setTimeout(CONNECT_LIMIT_MS, () => finish(false));
      socket.on("error", () => finish(false));
      socket.once("connect", () => socket.write(this.#question));
      socket.once("data", () => finish(true));
    });
  }
}
