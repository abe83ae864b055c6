import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Lease } from "../../../api/kube/lease.ts";
import { LEASES } from "../../../api/kube/lease.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import type { Result } from "../../../api/result.ts";
import { err, ok } from "../../../api/result.ts";
import type { Clock } from "../../clock/clock.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { silentLogger } from "../../log/silent-log.ts";
import { seededRandom } from "../../random/seeded-random.ts";
import type { KubeClient } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import { LeaderElector } from "./leader-elector.ts";

/** One Lease behind optimistic concurrency, as an API server keeps it. */
class LeaseServer {
  lease: KubeObject | undefined;
  #version = 0;

  /** A candidate's way to the server: refused while `broken()`; applied but unanswered while `deaf()`. */
  client(path: { broken?: () => boolean; deaf?: () => boolean } = {}) {
    const through = <T>(act: () => Result<T, KubeError>): Promise<Result<T, KubeError>> => {
      const error: KubeError = { kind: "unavailable", message: "connection refused" };
      if (path.broken?.() === true) return Promise.resolve(err(error));
      const result = act();
      return Promise.resolve(path.deaf?.() === true ? err(error) : result);
    };
    const write = (object: KubeObject): KubeObject => {
      const resourceVersion = String(++this.#version);
      this.lease = { ...object, metadata: { ...object.metadata, uid: "u", resourceVersion } };
      return this.lease;
    };
    const client: Pick<KubeClient, "get" | "create" | "update"> = {
      get: <T extends KubeObject>() =>
        through<T>(() =>
          this.lease === undefined
            ? err({ kind: "not-found", message: "no lease" })
            : ok(this.lease as T),
        ),
      create: <T extends KubeObject>(_: unknown, object: T) =>
        through<T>(() =>
          this.lease === undefined
            ? ok(write(object) as T)
            : err({ kind: "already-exists", message: "there is one" }),
        ),
      update: <T extends KubeObject>(_: unknown, object: T) =>
        through<T>(() =>
          this.lease?.metadata.resourceVersion === object.metadata.resourceVersion
            ? ok(write(object) as T)
            : err({ kind: "conflict", message: "changed meanwhile" }),
        ),
    };
    return client;
  }

  get holder(): string | undefined {
    return leaseOf(this)?.spec?.holderIdentity;
  }
}

function leaseOf(server: LeaseServer): Lease | undefined {
  return server.lease;
}

/** Same flow of time, another wall clock and another start: candidates must not compare clocks. */
function skewed(clock: VirtualClock, byMs: number): Clock {
  return {
    nowMs: () => clock.nowMs() + byMs,
    monotonicMs: () => clock.monotonicMs() + Math.abs(byMs),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  };
}

function aCandidate(identity: string, clock: Clock, client: ReturnType<LeaseServer["client"]>) {
  const stop = new AbortController();
  const elector = new LeaderElector(
    { namespace: "isthmus", name: "controller", identity },
    { client, clock, random: seededRandom(identity.length), log: silentLogger },
  );
  const told: boolean[] = [];
  elector.subscribe((leading) => told.push(leading));
  elector.start(stop.signal);
  return { elector, stop, told };
}

describe("LeaderElector", () => {
  test("the first creates the lease and leads; the second waits", async () => {
    const clock = new VirtualClock();
    const server = new LeaseServer();
    const one = aCandidate("one", clock, server.client());
    await clock.advance(10);
    const two = aCandidate("two", clock, server.client());
    await clock.advance(120_000);
    expect([one.elector.isLeader(), two.elector.isLeader()]).toEqual([true, false]);
    expect(one.told).toEqual([true]);
    const lease = leaseOf(server);
    expect(lease).toMatchObject({
      apiVersion: "coordination.k8s.io/v1",
      kind: LEASES.kind,
      spec: { holderIdentity: "one", leaseDurationSeconds: 15, leaseTransitions: 0 },
    });
    expect(lease?.spec?.acquireTime).toMatch(/^2026-01-01T00:00:00\.\d{6}Z$/);
    expect(lease?.spec?.renewTime).toMatch(/^2026-01-01T00:0[12]:\d\d\.\d{6}Z$/);
  });

  test("a stopped leader gives the lease back and the next leads within the retry period", async () => {
    const clock = new VirtualClock();
    const server = new LeaseServer();
    const one = aCandidate("one", clock, server.client());
    await clock.advance(10);
    const two = aCandidate("two", clock, server.client());
    await clock.advance(20_000);
    one.stop.abort();
    await clock.advance(1);
    await one.elector.stopped();
    expect(server.holder).toBe("");
    expect(one.told).toEqual([true, false]);
    await clock.advance(2_500);
    expect(two.elector.isLeader()).toBe(true);
    expect(leaseOf(server)?.spec?.leaseTransitions).toBe(1);
  });

  test("a leader that cannot renew stops leading before another may start", async () => {
    const clock = new VirtualClock();
    const server = new LeaseServer();
    let broken = false;
    const one = aCandidate("one", clock, server.client({ broken: () => broken }));
    await clock.advance(10);
    const two = aCandidate("two", clock, server.client());
    await clock.advance(30_000);
    broken = true;
    const lostAtMs: number[] = [];
    const wonAtMs: number[] = [];
    one.elector.subscribe(() => lostAtMs.push(clock.monotonicMs()));
    two.elector.subscribe(() => wonAtMs.push(clock.monotonicMs()));
    await clock.advance(9_000 - 2_400);
    expect(one.elector.isLeader()).toBe(true);
    await clock.advance(40_000);
    expect([one.elector.isLeader(), two.elector.isLeader()]).toEqual([false, true]);
    expect(lostAtMs).toHaveLength(1);
    // 15 s of lease less 10 s of renew deadline, less a retry period with jitter.
    expect((wonAtMs[0] ?? 0) - (lostAtMs[0] ?? 0)).toBeGreaterThan(2_000);
    broken = false;
    await clock.advance(30_000);
    expect([one.elector.isLeader(), two.elector.isLeader()]).toEqual([false, true]);
  });

  test("short failures cost no leadership", async () => {
    const clock = new VirtualClock();
    const server = new LeaseServer();
    let broken = false;
    const one = aCandidate("one", clock, server.client({ broken: () => broken }));
    await clock.advance(30_000);
    broken = true;
    await clock.advance(7_000);
    broken = false;
    await clock.advance(60_000);
    expect(one.told).toEqual([true]);
  });

  test("a write whose answer was lost leads to a conflict, a look, and goes on", async () => {
    const clock = new VirtualClock();
    const server = new LeaseServer();
    let deaf = false;
    const one = aCandidate("one", clock, server.client({ deaf: () => deaf }));
    await clock.advance(10_000);
    deaf = true;
    await clock.advance(3_000);
    deaf = false;
    await clock.advance(60_000);
    expect(one.told).toEqual([true]);
  });

  test("a deleted lease is created anew and nobody leads twice", async () => {
    const clock = new VirtualClock();
    const server = new LeaseServer();
    const one = aCandidate("one", clock, server.client());
    await clock.advance(10_000);
    server.lease = undefined;
    await clock.advance(10_000);
    expect(one.elector.isLeader()).toBe(true);
    expect(server.holder).toBe("one");
  });

  test("never two leaders: skewed clocks, outages, stops", async () => {
    const fault = fc.record({
      who: fc.nat(2),
      kind: fc.constantFrom("break", "deafen", "mend", "stop"),
      afterMs: fc.nat(20_000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { maxLength: 25 }),
        fc.array(fc.integer({ min: -3_600_000, max: 3_600_000 }), { minLength: 3, maxLength: 3 }),
        async (faults, skews) => {
          const clock = new VirtualClock();
          const server = new LeaseServer();
          const paths = skews.map(() => ({ broken: false, deaf: false }));
          const candidates = skews.map((skewMs, index) => {
            const path = paths[index];
            return aCandidate(
              "c".repeat(index + 1),
              skewed(clock, skewMs),
              server.client({
                broken: () => path?.broken === true,
                deaf: () => path?.deaf === true,
              }),
            );
          });
          const passing = async (ms: number): Promise<void> => {
            for (let left = ms; left > 0; left -= 500) {
              await clock.advance(Math.min(500, left));
              const leaders = candidates.filter(({ elector }) => elector.isLeader());
              expect(leaders.length).toBeLessThanOrEqual(1);
            }
          };
          for (const { who, kind, afterMs } of faults) {
            const path = paths[who];
            if (path === undefined) continue;
            if (kind === "stop" && who > 0) candidates[who]?.stop.abort();
            path.broken = kind === "break";
            path.deaf = kind === "deafen";
            await passing(afterMs);
          }
          for (const path of paths) Object.assign(path, { broken: false, deaf: false });
          await passing(40_000);
          expect(candidates.some(({ elector }) => elector.isLeader())).toBe(true);
          for (const { stop } of candidates) stop.abort();
          await clock.advance(5_000);
        },
      ),
      { numRuns: 60 },
    );
  });
});
