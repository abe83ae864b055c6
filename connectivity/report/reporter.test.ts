import { expect, test } from "vitest";
import { parseClusterId } from "../../api/cluster-id.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { LOCAL_NETWORK } from "../../api/network/member-network.ts";
import type { PathReportSpec } from "../../api/network/path-report.ts";
import type { PathState } from "../../api/network/peer.ts";
import { err, ok } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { Reporter, type Said } from "./reporter.ts";

function said(state: PathState, rttMs: number): Said {
  const peer = parseClusterId("west");
  if (!peer.ok) throw new Error(peer.error);
  return {
    facts: { endpoints: ["192.0.2.1"], port: 4798 },
    paths: [{ peer: peer.value, backend: "vxlan", state, rttMs }],
  };
}

const NETWORK: KubeObject = {
  apiVersion: "isthmus.dev/v1alpha1",
  kind: "MemberNetwork",
  metadata: { name: LOCAL_NETWORK },
};

class World {
  readonly clock = new VirtualClock();
  readonly written: PathReportSpec[] = [];
  readonly #stop = new AbortController();
  isAway = false;
  isMember = true;
  attempts = 0;
  readonly reporter = new Reporter("n1", {
    clock: this.clock,
    random: seededRandom(1),
    log,
    networks: { get: (key) => (this.isMember && key === LOCAL_NETWORK ? NETWORK : undefined) },
    client: {
      apply: async <T extends KubeObject>(_: unknown, object: T) => {
        this.attempts += 1;
        if (this.isAway) return err({ kind: "unavailable", message: "away" } as const);
        this.written.push(Reflect.get(object, "spec") as PathReportSpec);
        return ok(object);
      },
    },
  });
  readonly #running = this.reporter.run(this.#stop.signal);

  async end(): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(20_000);
    await this.#running;
  }
}

test("a state that changes is written at once, figures each ten seconds", async () => {
  const world = new World();
  world.reporter.say(said("up", 1));
  await world.clock.advance(5_000);
  expect(world.written).toHaveLength(1);
  world.reporter.say(said("up", 2));
  await world.clock.advance(4_000);
  expect(world.written).toHaveLength(1);
  world.reporter.say(said("down", 2));
  await world.clock.advance(0);
  expect(world.written.map(({ paths }) => paths[0]?.state)).toEqual(["up", "down"]);
  world.reporter.say(said("down", 3));
  await world.clock.advance(10_000);
  expect(world.written[2]).toMatchObject({ role: "gateway", node: "n1", paths: [{ rttMs: 3 }] });
  await world.end();
});

test("while the API server is away it is tried again ever more rarely, and then the latest is written", async () => {
  const world = new World();
  world.isAway = true;
  world.reporter.say(said("up", 1));
  await world.clock.advance(60_000);
  expect(world.attempts).toBeGreaterThan(5);
  expect(world.attempts).toBeLessThan(30);
  world.reporter.say(said("down", 1));
  world.isAway = false;
  await world.clock.advance(11_000);
  expect(world.written.map(({ paths }) => paths[0]?.state)[0]).toBe("down");
  await world.end();
});

test("nothing is written while the cluster is no member, and at once when it is one again (CLN-04)", async () => {
  const world = new World();
  world.reporter.say(said("up", 1));
  await world.clock.advance(1_000);
  world.isMember = false;
  for (const state of ["down", "up", "down"] as const) {
    world.reporter.say(said(state, 1));
    await world.clock.advance(15_000);
  }
  expect(world.written).toHaveLength(1);
  world.isMember = true;
  world.reporter.say(said("down", 1));
  await world.clock.advance(0);
  expect(world.written.map(({ paths }) => paths[0]?.state)).toEqual(["up", "down"]);
  await world.end();
});

test("who was a member and is one again writes though nothing has changed: somebody removed the report", async () => {
  const world = new World();
  world.reporter.say(said("up", 1));
  await world.clock.advance(5_000);
  world.isMember = false;
  await world.clock.advance(10_000);
  world.isMember = true;
  world.reporter.say(said("up", 1));
  await world.clock.advance(0);
  expect(world.written).toHaveLength(2);
  await world.end();
});
