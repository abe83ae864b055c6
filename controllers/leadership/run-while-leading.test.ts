import { expect, test } from "vitest";
import { LEASES, type Lease } from "../../api/kube/lease.ts";
import { err } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { LeaderElector } from "../../runtime/kube/leader/leader-elector.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { ApiServerCore } from "../../sandbox/apiserver/core/api-server-core.ts";
import { CorePump } from "../../sandbox/apiserver/core/core-pump.ts";
import { InMemoryKubeClient } from "../../sandbox/apiserver/in-memory-kube-client.ts";
import { runWhileLeading } from "./run-while-leading.ts";

/** A cluster and two replicas that note when their terms begin and end. */
function replicas() {
  const clock = new VirtualClock();
  const random = seededRandom(3);
  const core = ApiServerCore.create(
    { serviceCidrs: ["10.96.0.0/16"] },
    { random, nowMs: clock.nowMs() },
  );
  if (!core.ok) throw new Error(core.error);
  const pump = new CorePump({ settleDelayMs: 20 }, { core: core.value, clock });
  const client = new InMemoryKubeClient({}, { core: core.value, pump, clock });
  const story: string[] = [];
  const cut = new Set<string>();
  const start = (name: string, drainMs = 1_000) => {
    const stop = new AbortController();
    const lost = { kind: "unavailable", message: "no route" } as const;
    const through: Pick<KubeClient, "get" | "create" | "update"> = {
      get: async (...call) => (cut.has(name) ? err(lost) : client.get(...call)),
      create: async (...call) => (cut.has(name) ? err(lost) : client.create(...call)),
      update: async (...call) => (cut.has(name) ? err(lost) : client.update(...call)),
    };
    const elector = new LeaderElector(
      { namespace: "default", name: "isthmus-controllers", identity: name },
      { client: through, clock, random, log: silentLogger },
    );
    const term = (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        story.push(`${name} leads`);
        signal.addEventListener("abort", () => {
          story.push(`${name} drains`);
          clock.setTimer(drainMs, () => {
            story.push(`${name} ended`);
            resolve();
          });
        });
      });
    const done = runWhileLeading(elector, term, stop.signal);
    return { stop, done };
  };
  const holder = async (): Promise<string | undefined> => {
    const lease = await client.get<Lease>(
      { resource: LEASES, namespace: "default", name: "isthmus-controllers" },
      { signal: new AbortController().signal },
    );
    return lease.ok ? lease.value.spec?.holderIdentity : undefined;
  };
  return { clock, story, cut, start, holder };
}

test("one of two replicas leads; a graceful stop drains, gives the lease back, and the other follows at once", async () => {
  const { clock, story, start, holder } = replicas();
  const one = start("one");
  await clock.advance(100);
  const two = start("two");
  await clock.advance(30_000);
  expect(story).toEqual(["one leads"]);
  one.stop.abort();
  await clock.advance(500);
  // Still draining: the lease is not given back before the last write.
  expect(await holder()).toBe("one");
  await clock.advance(5_000);
  await one.done;
  expect(story).toEqual(["one leads", "one drains", "one ended", "two leads"]);
  two.stop.abort();
  await clock.advance(5_000);
  await two.done;
  expect(await holder()).toBe("");
});

test("a leader that cannot renew ends its term before another can begin, and stands again", async () => {
  const { clock, story, cut, start } = replicas();
  const one = start("one");
  await clock.advance(100);
  const two = start("two");
  await clock.advance(10_000);
  cut.add("one");
  await clock.advance(30_000);
  expect(story).toEqual(["one leads", "one drains", "one ended", "two leads"]);
  cut.delete("one");
  two.stop.abort();
  await clock.advance(30_000);
  await two.done;
  expect(story.slice(4)).toEqual(["two drains", "two ended", "one leads"]);
  one.stop.abort();
  await clock.advance(5_000);
  await one.done;
});

test("stopped before it was elected, it never leads", async () => {
  const { clock, story, start } = replicas();
  const one = start("one");
  await clock.advance(100);
  const two = start("two");
  await clock.advance(1_000);
  two.stop.abort();
  await clock.advance(5_000);
  await two.done;
  one.stop.abort();
  await clock.advance(60_000);
  await one.done;
  expect(story).toEqual(["one leads", "one drains", "one ended"]);
});
