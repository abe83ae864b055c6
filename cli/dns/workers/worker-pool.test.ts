import { expect, test } from "vitest";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { PrometheusMeter } from "../../../runtime/metrics/prometheus-meter.ts";
import type { WorkerEvents } from "./worker-child.ts";
import type { ToWorker } from "./worker-messages.ts";
import { WorkerPool } from "./worker-pool.ts";

/** A worker that does what a test says. */
class FakeWorker {
  readonly events: WorkerEvents;
  readonly heard: ToWorker[] = [];
  readonly meter = new PrometheusMeter();
  isConnected = true;
  isKilled = false;

  constructor(events: WorkerEvents) {
    this.events = events;
  }

  beat(isReady = true, text = "ok"): void {
    this.events.onMessage({ kind: "health", isReady, text });
  }

  count(queries: number): void {
    this.meter.counter({ name: "isthmus_test_queries_total", help: "Queries." }).add(queries);
    this.meter.gauge({ name: "isthmus_test_services", help: "Services." }).set(7);
  }

  async answerMetrics(): Promise<void> {
    this.events.onMessage({
      kind: "metrics",
      metrics: structuredClone(await this.meter.snapshot()),
    });
  }
}

class Bed {
  readonly clock = new VirtualClock();
  readonly started: FakeWorker[] = [];
  readonly stop = new AbortController();
  readonly pool: WorkerPool;
  readonly ended: Promise<boolean>;

  constructor(count: number) {
    this.pool = new WorkerPool(
      { count, cookieSecret: "secret", drainMs: 1_000 },
      {
        startWorker: (events) => {
          const worker = new FakeWorker(events);
          this.started.push(worker);
          return {
            send: (message) => void worker.heard.push(message),
            disconnect: () => {
              worker.isConnected = false;
            },
            kill: () => {
              worker.isKilled = true;
            },
          };
        },
        ownMetrics: () => Promise.resolve([]),
        clock: this.clock,
        random: { next: () => 0.5 },
        log: silentLogger,
      },
    );
    this.ended = this.pool.run(this.stop.signal);
  }

  worker(index: number): FakeWorker {
    const worker = this.started[index];
    if (worker === undefined) throw new Error(`no worker ${index}`);
    return worker;
  }

  /** The scrape's lines of our own metrics, once every worker has answered that is asked. */
  async scrape(...answering: number[]): Promise<readonly string[]> {
    const text = this.pool.metrics.text();
    for (const index of answering) await this.worker(index).answerMetrics();
    await this.clock.advance(500);
    return (await text).split("\n").filter((line) => line.startsWith("isthmus_"));
  }
}

test("is ready only when every worker is, and says which is not and why", () => {
  const bed = new Bed(2);
  expect(bed.pool.health()).toEqual({ ok: false, error: "worker 1: starting; worker 2: starting" });
  bed.worker(0).beat();
  bed.worker(1).beat(false, "building the zone");
  expect(bed.pool.health()).toEqual({ ok: false, error: "worker 2: building the zone" });
  bed.worker(1).beat();
  expect(bed.pool.health()).toEqual({ ok: true, value: "2 workers" });
});

test("every worker is told its number and the same secret", () => {
  const bed = new Bed(2);
  expect(bed.started.map(({ heard }) => heard)).toEqual([
    [{ kind: "start", worker: 1, cookieSecret: "secret" }],
    [{ kind: "start", worker: 2, cookieSecret: "secret" }],
  ]);
});

test("a dead worker is started again, later each time it dies before it is well", async () => {
  const bed = new Bed(1);
  bed.worker(0).beat();
  bed.worker(0).events.onExit("SIGKILL");
  expect(bed.pool.health()).toEqual({
    ok: false,
    error: "worker 1: ended (SIGKILL), starts again",
  });
  await bed.clock.advance(375);
  expect(bed.started).toHaveLength(2);
  expect(bed.pool.health()).toEqual({ ok: false, error: "worker 1: starting again" });
  bed.worker(1).events.onExit("code 1");
  await bed.clock.advance(375);
  expect(bed.started).toHaveLength(2);
  await bed.clock.advance(375);
  expect(bed.started).toHaveLength(3);
  bed.worker(2).beat();
  bed.worker(2).events.onExit("code 1");
  await bed.clock.advance(375);
  expect(bed.started).toHaveLength(4);
});

test("a silent worker is not ready after 5 seconds and ended after 30", async () => {
  const bed = new Bed(1);
  bed.worker(0).beat();
  await bed.clock.advance(5_500);
  expect(bed.pool.health()).toEqual({ ok: false, error: "worker 1: no sign of life for 6 s" });
  await bed.clock.advance(23_000);
  expect(bed.worker(0).isKilled).toBe(false);
  await bed.clock.advance(3_000);
  expect(bed.worker(0).isKilled).toBe(true);
});

test("metrics are sums; gauges the largest; the dead and the silent count as last heard", async () => {
  const bed = new Bed(2);
  bed.worker(0).count(3);
  bed.worker(1).count(4);
  expect(await bed.scrape(0, 1)).toEqual([
    "isthmus_test_queries_total 7",
    "isthmus_test_services 7",
  ]);
  bed.worker(0).count(10);
  bed.worker(1).count(10);
  expect(await bed.scrape(1)).toEqual(["isthmus_test_queries_total 17", "isthmus_test_services 7"]);
  bed.worker(1).events.onExit("SIGKILL");
  await bed.clock.advance(400);
  bed.worker(2).count(1);
  expect(await bed.scrape(0, 2)).toEqual([
    "isthmus_test_queries_total 28",
    "isthmus_test_services 7",
  ]);
});

test("stops by ending the channels, waits, and kills who does not end in time", async () => {
  const bed = new Bed(2);
  bed.stop.abort();
  expect(bed.pool.health()).toEqual({ ok: false, error: "stopping" });
  expect(bed.started.map(({ isConnected }) => isConnected)).toEqual([false, false]);
  bed.worker(0).events.onExit("code 0");
  await bed.clock.advance(5_900);
  expect(bed.worker(1).isKilled).toBe(false);
  await bed.clock.advance(200);
  expect(bed.worker(1).isKilled).toBe(true);
  bed.worker(1).events.onExit("SIGKILL");
  expect(await bed.ended).toBe(true);
  expect(bed.started).toHaveLength(2);
});

test("one that refuses ends all", async () => {
  const bed = new Bed(2);
  bed.worker(1).events.onMessage({ kind: "refused" });
  expect(bed.worker(0).isConnected).toBe(false);
  bed.worker(1).events.onExit("code 1");
  bed.worker(0).events.onExit("code 0");
  expect(await bed.ended).toBe(false);
});
