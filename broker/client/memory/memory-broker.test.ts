import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rowKey, type ServiceRow } from "../../../api/broker/row.ts";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { type ServiceKey, serviceKey } from "../../../api/service-key.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { testCluster } from "../../wire/row-arbitrary.ts";
import { anEndpointsRow, anExportRow } from "../../wire/test-rows.ts";
import type { MemberLink } from "../member-link.ts";
import { decodeSaved, encodeSaved } from "../saved/saved-codec.ts";
import type { SavedState } from "../saved/saved-state.ts";
import { MemoryBroker } from "./memory-broker.ts";

const SCHEMA = new Uint8Array([1]);
const CLUSTERS = ["a", "b", "c"].map(testCluster);
const NAMESPACES = ["n1", "n2"];
const NAMES = ["s1", "s2"];
const SERVICES = NAMESPACES.flatMap((namespace) =>
  NAMES.map((name) => serviceKey(namespace, name)),
);

type Op =
  | {
      readonly kind: "set";
      readonly member: number;
      readonly service: number;
      readonly revision: number;
    }
  | { readonly kind: "withdraw"; readonly member: number; readonly service: number }
  | { readonly kind: "namespaces"; readonly member: number; readonly mask: number }
  | {
      readonly kind:
        | "break"
        | "abandon"
        | "cut"
        | "heal"
        | "restart"
        | "complete"
        | "save"
        | "resume";
      readonly member: number;
    }
  | { readonly kind: "broker-stop" | "broker-start" | "store-lost" }
  | { readonly kind: "advance"; readonly ms: number };

const member = fc.nat(CLUSTERS.length - 1);
const service = fc.nat(SERVICES.length - 1);
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("set" as const),
      member,
      service,
      revision: fc.nat(9),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("withdraw" as const), member, service }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("namespaces" as const), member, mask: fc.nat(3) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "break",
        "abandon",
        "cut",
        "heal",
        "restart",
        "complete",
        "save",
        "resume",
      ),
      member,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("broker-stop", "broker-start", "store-lost") }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.oneof(fc.nat(40), fc.nat(6_000)),
    }),
  },
);

/** One cluster as its controllers see it, and what they want. */
class Member {
  readonly cluster: ClusterId;
  readonly #broker: MemoryBroker;
  readonly rows = new Map<ServiceKey, readonly ServiceRow[]>();
  namespaces: ReadonlySet<string> = new Set(NAMESPACES);
  link: MemberLink;
  /** However long ago. */
  saved: SavedState | undefined;
  #stop = new AbortController();
  /** `owner service` that must stay visible: seen here, still wanted, and never withdrawn since. */
  readonly seen = new Set<string>();

  constructor(cluster: ClusterId, broker: MemoryBroker) {
    this.cluster = cluster;
    this.#broker = broker;
    this.link = this.#start();
  }

  set(key: ServiceKey, rows: readonly ServiceRow[]): void {
    this.rows.set(key, rows);
    this.link.setOwnRows(key, rows);
  }

  /** A new process: it learns its own rows one by one, and knows nothing of the others but what an earlier one left. */
  restart(saved?: SavedState): void {
    this.stop();
    this.#stop = new AbortController();
    this.link = this.#start(saved);
    this.seen.clear();
  }

  /** As a file would keep it. */
  save(): void {
    const state = this.link.saved();
    if (state === undefined) return;
    const by = { clusterset: "memory", clusterId: this.cluster, incarnation: 1, schema: SCHEMA };
    const read = decodeSaved(Buffer.concat([...encodeSaved(state, by)]), by);
    expect(read).toEqual({ ok: true, value: state });
    this.saved = read.ok ? read.value : undefined;
  }

  /** Everything of this cluster has been looked at. */
  complete(): void {
    for (const [key, rows] of this.rows) this.link.setOwnRows(key, rows);
    this.link.markOwnComplete();
  }

  stop(): void {
    this.#stop.abort();
  }

  #start(saved?: SavedState): MemberLink {
    const link = this.#broker.link(this.cluster, 1, [], false, saved);
    expect([...link.foreignServices(), link.hasSynced()]).toEqual([false]);
    link.setNamespaces(this.namespaces);
    link.start(this.#stop.signal);
    return link;
  }
}

function rowsOf(cluster: ClusterId, key: ServiceKey, revision: number): readonly ServiceRow[] {
  const [namespace = "", name = ""] = key.split("/");
  const identity = { cluster, namespace, name };
  const slices = Array.from({ length: revision % 3 }, (_, at) =>
    anEndpointsRow({
      ...identity,
      slice: `${name}-${at}`,
      endpoints: [
        { addresses: [`10.${revision + 1}.0.1`], ready: true, serving: true, terminating: false },
      ],
    }),
  );
  return [anExportRow({ ...identity, createdAtMs: revision }), ...slices];
}

class World {
  readonly clock = new VirtualClock();
  readonly broker: MemoryBroker;
  readonly members: readonly Member[];
  /** `owner service` that was withdrawn once: its withdrawal may arrive long after it was set again. */
  readonly #withdrawn = new Set<string>();

  constructor(seed: number) {
    const random = seededRandom(seed);
    const latencyMs = (): number => random.next() * 20;
    this.broker = new MemoryBroker({ latencyMs }, { clock: this.clock, random });
    this.members = CLUSTERS.map((cluster) => new Member(cluster, this.broker));
  }

  async run(step: Op): Promise<void> {
    if (step.kind === "advance") {
      // In small steps, so that no moment escapes the check.
      for (let left = step.ms; left > 0; left -= 100) {
        await this.clock.advance(Math.min(100, left));
        this.checkNothingVanished();
      }
    } else if ("member" in step) {
      const one = this.members[step.member];
      if (one !== undefined) this.#runOnMember(step, one);
    } else if (step.kind === "broker-stop") this.broker.stop();
    else if (step.kind === "broker-start") this.broker.start();
    else this.broker.loseStore();
    this.checkNothingVanished();
  }

  #runOnMember(step: Extract<Op, { member: number }>, one: Member): void {
    if (step.kind === "set" || step.kind === "withdraw") {
      const key = SERVICES[step.service];
      if (key === undefined) return;
      const rows = step.kind === "set" ? rowsOf(one.cluster, key, step.revision) : [];
      one.set(key, rows);
      if (rows.length === 0) {
        this.#withdrawn.add(`${one.cluster} ${key}`);
        this.forget((entry) => entry === `${one.cluster} ${key}`);
      }
    } else if (step.kind === "namespaces") {
      one.namespaces = new Set(NAMESPACES.filter((_, at) => (step.mask & (1 << at)) !== 0));
      one.link.setNamespaces(one.namespaces);
      for (const entry of one.seen) {
        const [namespace = ""] = entry.slice(entry.indexOf(" ") + 1).split("/");
        if (!one.namespaces.has(namespace)) one.seen.delete(entry);
      }
    } else if (step.kind === "break") this.broker.breakStream(one.cluster);
    else if (step.kind === "abandon") this.broker.abandonStream(one.cluster, 500);
    else if (step.kind === "cut") this.broker.cut(one.cluster);
    else if (step.kind === "heal") this.broker.heal(one.cluster);
    else if (step.kind === "restart") one.restart();
    else if (step.kind === "save") one.save();
    else if (step.kind === "resume") one.restart(one.saved);
    else one.complete();
  }

  forget(isOver: (entry: string) => boolean): void {
    for (const one of this.members) {
      for (const entry of one.seen) if (isOver(entry)) one.seen.delete(entry);
    }
  }

  visible(one: Member): Set<string> {
    return new Set(
      [...one.link.foreignServices()].flatMap((key) =>
        one.link.foreignRows(key).map((row) => `${row.cluster} ${key}`),
      ),
    );
  }

  /** I4, I6, I7: what an owner has not withdrawn stays visible through resets, restarts and losses. */
  checkNothingVanished(): void {
    for (const one of this.members) {
      const visible = this.visible(one);
      for (const entry of one.seen) {
        if (!visible.has(entry)) throw new Error(`${one.cluster} lost sight of ${entry}`);
      }
      for (const entry of visible) {
        const [owner, key] = entry.split(" ");
        const wanted = this.members
          .find((other) => other.cluster === owner)
          ?.rows.get(SERVICES.find((known) => known === key) ?? serviceKey("", ""));
        if ((wanted?.length ?? 0) > 0 && !this.#withdrawn.has(entry)) one.seen.add(entry);
      }
    }
  }

  /** Faults stop: everybody is connected, and has said that it is complete. */
  async quiet(): Promise<void> {
    this.broker.start();
    for (const one of this.members) {
      this.broker.heal(one.cluster);
      one.complete();
    }
    await this.run({ kind: "advance", ms: 40_000 });
  }

  /** I1: each mirror holds exactly what the others want, in the namespaces it has. */
  checkConverged(): void {
    for (const one of this.members) {
      const want = this.members
        .filter((other) => other !== one)
        .flatMap((other) => [...other.rows.values()].flat())
        .filter((row) => one.namespaces.has(row.namespace));
      const got = [...one.link.foreignServices()].flatMap((key) => one.link.foreignRows(key));
      expect(byKey(got)).toEqual(byKey(want));
      expect(one.link.hasSynced()).toBe(true);
      for (const row of [...one.rows.values()].flat()) {
        expect(one.link.isStored(rowKey(row))).toBe(true);
      }
    }
  }

  stop(): void {
    for (const one of this.members) one.stop();
    this.broker.stop();
  }
}

function byKey(rows: readonly ServiceRow[]): Record<string, ServiceRow> {
  return Object.fromEntries(
    rows
      .map((row): [string, ServiceRow] => [`${row.cluster} ${rowKey(row)}`, row])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

describe("members and a broker in memory", () => {
  test("whatever happens in between, once quiet every mirror equals what the owners set, and nothing vanished meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(op, { maxLength: 60, size: "max" }),
        async (seed, ops) => {
          const world = new World(seed);
          try {
            for (const step of ops) await world.run(step);
            await world.quiet();
            world.checkConverged();
          } finally {
            world.stop();
          }
        },
      ),
      { numRuns: 80 },
    );
  });
});
