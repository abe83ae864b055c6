import { expect, test } from "vitest";
import { LEASES, type Lease } from "../../api/kube/lease.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import {
  MEMBER_STATUS_LEASE,
  type MemberStatus,
  parseMemberStatus,
} from "../../api/mcs/member-status.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { ApiServerCore } from "../../sandbox/apiserver/core/api-server-core.ts";
import { CorePump } from "../../sandbox/apiserver/core/core-pump.ts";
import { InMemoryKubeClient } from "../../sandbox/apiserver/in-memory-kube-client.ts";
import { MemberStatusLease } from "./member-status-lease.ts";

const { signal: never } = new AbortController();
const NAMESPACE = "isthmus-system";
const REF = { resource: LEASES, namespace: NAMESPACE, name: MEMBER_STATUS_LEASE };

class World {
  readonly clock = new VirtualClock();
  readonly client: InMemoryKubeClient;
  writes = 0;
  status: MemberStatus = { state: "running", broker: { state: "connecting" } };
  readonly stop = new AbortController();
  readonly #lease: MemberStatusLease;
  #running: Promise<void> = Promise.resolve();

  constructor() {
    const { clock } = this;
    const made = ApiServerCore.create(
      { serviceCidrs: ["10.96.0.0/16"] },
      { random: seededRandom(1), nowMs: clock.nowMs() },
    );
    if (!made.ok) throw new Error("no API server");
    const core = made.value;
    const deps = { core, clock, pump: new CorePump({ settleDelayMs: 20 }, { core, clock }) };
    this.client = new InMemoryKubeClient(
      {},
      {
        ...deps,
        intercept: async ({ verb }) => {
          if (verb !== "get") this.writes += 1;
          return undefined;
        },
      },
    );
    this.#lease = new MemberStatusLease(
      { namespace: NAMESPACE, cluster: "east" },
      { client: this.client, clock, log: silentLogger },
    );
  }

  async namespace(): Promise<void> {
    const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
    await this.client.create(NAMESPACES, object, { signal: never });
    this.writes = 0;
  }

  start(isLeaving?: () => boolean): void {
    this.#running = this.#lease.run(() => this.status, this.stop.signal, isLeaving);
  }

  async lastWord(status: MemberStatus): Promise<void> {
    const said = this.#lease.lastWord(status);
    await this.clock.advance(1_000);
    await said;
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.clock.advance(3_000);
    await this.#running;
  }

  async found(): Promise<Lease | undefined> {
    const got = await this.client.get<Lease>(REF, { signal: never });
    return got.ok ? got.value : undefined;
  }

  async told(): Promise<MemberStatus | undefined> {
    const lease = await this.found();
    const parsed = lease === undefined ? undefined : parseMemberStatus(lease);
    return parsed?.ok === true ? parsed.value : undefined;
  }
}

test("what changes is told within two seconds, what does not only as often as the Lease must be renewed", async () => {
  const world = new World();
  await world.namespace();
  world.start();
  await world.clock.advance(2_000);
  expect(await world.told()).toEqual(world.status);
  world.status = {
    state: "running",
    problem: "certificate expired",
    broker: { state: "connected" },
  };
  await world.clock.advance(2_000);
  expect(await world.told()).toEqual(world.status);
  const before = world.writes;
  await world.clock.advance(60_000);
  expect(world.writes - before).toBeLessThanOrEqual(6 * 2);
  const age = world.clock.nowMs() - Date.parse((await world.found())?.spec?.renewTime ?? "");
  expect(age).toBeLessThanOrEqual(11_000);
  await world.end();
  expect(await world.told()).toEqual({ ...world.status, state: "stopped" });
});

test("a cluster that leaves has nothing written any more", async () => {
  const world = new World();
  await world.namespace();
  world.start(() => true);
  await world.clock.advance(2_000);
  const lease = await world.found();
  await world.end();
  expect(await world.found()).toEqual(lease);
});

test("a process that cannot even start says why where a Lease stands, and leaves nothing where none does", async () => {
  const world = new World();
  await world.namespace();
  await world.lastWord({ state: "stopped", problem: "no identity" });
  expect(await world.found()).toBeUndefined();
  world.start();
  await world.clock.advance(2_000);
  await world.end();
  await world.lastWord({ state: "stopped", problem: "certificate expired" });
  expect(await world.told()).toEqual({ state: "stopped", problem: "certificate expired" });
});

test("somebody else's Lease of that name is left alone (I3), and a missing namespace is waited for", async () => {
  const world = new World();
  world.start();
  await world.clock.advance(20_000);
  await world.namespace();
  const foreign = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { namespace: NAMESPACE, name: MEMBER_STATUS_LEASE },
    spec: { holderIdentity: "somebody" },
  };
  await world.client.create(LEASES, foreign, { signal: never });
  await world.clock.advance(60_000);
  expect((await world.found())?.spec).toEqual({ holderIdentity: "somebody" });
  await world.end();
});

test.each([
  { name: "none", annotations: {}, says: /is missing/ },
  { name: "no JSON", annotations: { "isthmus.dev/member-status": "x" }, says: /must be JSON/ },
  {
    name: "of another version",
    annotations: { "isthmus.dev/member-status": '{"state":"dreaming"}' },
    says: /state/,
  },
])("a status that is $name is told apart", ({ annotations, says }) => {
  const parsed = parseMemberStatus({ metadata: { name: MEMBER_STATUS_LEASE, annotations } });
  expect(parsed).toEqual({ ok: false, error: expect.stringMatching(says) });
});
