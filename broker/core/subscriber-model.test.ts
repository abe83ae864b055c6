import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type RowKey, rowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { encodeRowBytes } from "../wire/encode-row.ts";
import { namespaceOfRowKey } from "../wire/parse-row-key.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { BrokerTable } from "./broker-table.ts";
import { ModelMember } from "./model-member.ts";
import type { StoreRecord } from "./store-record.ts";
import { Subscriber } from "./subscriber.ts";

/*
 * The law: whatever happens in whatever order (writes, completions, rejoins, leaves, subscriptions, partial
 * reads, disconnects, other policies, a lost store), a member that applies what it is sent ends with the table
 * filtered by its subscription and by policy. The member here is written from broker.proto alone.
 */

function byKey(rows: Iterable<readonly [RowKey, number]>): Map<RowKey, number> {
  return new Map([...rows].sort(([x], [y]) => (x < y ? -1 : 1)));
}

const OWNERS = ["a", "b", "self"].map(testCluster);
const NAMESPACES = ["n1", "n2", "n3"];

/** Table, member and the stream between them. */
class World {
  table = new BrokerTable(2);
  epoch = 1;
  memberEpoch = 0;
  readonly member = new ModelMember();
  /** What the model expects of each complete owner, kept apart from the table. */
  readonly truth = new Map<
    ClusterId,
    { incarnation: number; complete: boolean; rows: Map<RowKey, number> }
  >();
  /** Who left, as the admin remembers it. */
  readonly left = new Map<ClusterId, number>();
  sequence = 0;
  incarnation = 1;
  generation = 0;
  subscriber: Subscriber | undefined;
  /** Namespaces that policy keeps from the member. */
  denied: ReadonlySet<string> = new Set();

  apply(record: StoreRecord): void {
    this.table.apply(record);
    const cluster = record.kind === "member" ? record.member.cluster : record.cluster;
    this.subscriber?.ownerChanged(cluster);
  }

  owner(cluster: ClusterId): { incarnation: number; complete: boolean; rows: Map<RowKey, number> } {
    const known = this.truth.get(cluster);
    if (known !== undefined) return known;
    const begun = {
      incarnation: this.incarnation++,
      complete: false,
      rows: new Map<RowKey, number>(),
    };
    this.truth.set(cluster, begun);
    return begun;
  }

  write(cluster: ClusterId, namespace: string, name: string, isPut: boolean): void {
    const owner = this.owner(cluster);
    const sequence = ++this.sequence;
    const row = anExportRow({ cluster, namespace, name, createdAtMs: sequence });
    const base = { cluster, incarnation: owner.incarnation, sequence, key: rowKey(row) };
    if (isPut) {
      owner.rows.set(rowKey(row), sequence);
      this.apply({ kind: "row", ...base, bytes: encodeRowBytes(row) });
    } else {
      owner.rows.delete(rowKey(row));
      this.apply({ kind: "delete", ...base });
    }
  }

  complete(cluster: ClusterId): void {
    const owner = this.owner(cluster);
    owner.complete = true;
    this.apply({ kind: "complete", cluster, incarnation: owner.incarnation });
  }

  rejoin(cluster: ClusterId): void {
    this.truth.delete(cluster);
    const { incarnation } = this.owner(cluster);
    const member = { cluster, incarnation, joinedAtMs: 0, certificateSerial: "" };
    this.apply({ kind: "member", member });
  }

  leave(cluster: ClusterId): void {
    const { incarnation } = this.owner(cluster);
    this.truth.delete(cluster);
    this.left.set(cluster, incarnation);
    this.apply({ kind: "gone", cluster, incarnation });
  }

  connect(): void {
    this.disconnect();
    const { member } = this;
    // A copy: dropping and adding again would visit it for ever.
    for (const namespace of [...member.namespaces]) {
      if (!member.covered.has(namespace)) {
        member.drop(namespace);
        member.namespaces.add(namespace);
      }
    }
    const uncovered = [...member.namespaces].filter((namespace) => !member.covered.has(namespace));
    const { denied } = this;
    this.subscriber = new Subscriber(testCluster("self"), this.table, (name) => denied.has(name));
    this.subscriber.start(
      [...member.covered],
      [...member.known.values()],
      this.epoch === this.memberEpoch,
    );
    this.generation = 0;
    this.member.askedGeneration = 0;
    if (this.epoch !== this.memberEpoch) {
      // Welcome tells the new epoch: what the member holds stays, its versions mean nothing any more.
      this.memberEpoch = this.epoch;
      // Listed on, beyond what any owner has written: to be reset or told gone, never continued.
      for (const [cluster, known] of this.member.known) {
        this.member.known.set(cluster, { ...known, sequence: Number.MAX_SAFE_INTEGER });
      }
    }
    if (uncovered.length > 0) this.subscriber.subscribe(uncovered, [], this.#ask());
  }

  #ask(): number {
    this.generation += 1;
    this.member.askedGeneration = this.generation;
    return this.generation;
  }

  /** Another policy for the member ends its stream: it comes back under the new rules. */
  changePolicy(namespace: string): void {
    const denied = new Set(this.denied);
    if (!denied.delete(namespace)) denied.add(namespace);
    this.denied = denied;
    this.connect();
  }

  disconnect(): void {
    this.subscriber = undefined;
    this.member.disconnected();
  }

  subscribe(namespace: string, isAdd: boolean): void {
    if (isAdd) this.member.namespaces.add(namespace);
    else this.member.drop(namespace);
    this.subscriber?.subscribe(isAdd ? [namespace] : [], isAdd ? [] : [namespace], this.#ask());
  }

  read(count: number): void {
    for (let at = 0; at < count; at++) {
      const outgoing = this.subscriber?.pull();
      if (outgoing === undefined) return;
      this.member.hear(outgoing);
    }
  }

  /** The store is lost: the owners that have not left send everything again, later. */
  loseStore(): void {
    this.disconnect();
    this.table = new BrokerTable(2);
    this.epoch += 1;
  }

  refill(): void {
    // A lost store has forgotten who left as well: the admin says it again.
    for (const [cluster, incarnation] of this.left) {
      this.apply({ kind: "gone", cluster, incarnation });
    }
    for (const [cluster, owner] of this.truth) {
      const rows = [...owner.rows];
      for (const [key, createdAtMs] of rows) {
        const [, namespace = "", name = ""] = key.split("/");
        const row = anExportRow({ cluster, namespace, name, createdAtMs });
        const sequence = ++this.sequence;
        const { incarnation } = owner;
        const bytes = encodeRowBytes(row);
        this.apply({ kind: "row", cluster, incarnation, sequence, key, bytes });
      }
      if (owner.complete) this.complete(cluster);
    }
  }

  expected(): Map<ClusterId, Map<RowKey, number>> {
    const expected = new Map<ClusterId, Map<RowKey, number>>();
    for (const [cluster, { complete, rows }] of this.truth) {
      if (!complete || cluster === testCluster("self")) continue;
      const shown = [...rows].filter(([key]) => {
        const namespace = namespaceOfRowKey(key);
        return this.member.namespaces.has(namespace) && !this.denied.has(namespace);
      });
      if (shown.length > 0) expected.set(cluster, byKey(shown));
    }
    return expected;
  }

  shown(): Map<ClusterId, Map<RowKey, number>> {
    const shown = new Map<ClusterId, Map<RowKey, number>>();
    for (const [cluster, rows] of this.member.rows) {
      if (rows.size > 0) shown.set(cluster, byKey(rows));
    }
    return shown;
  }
}

const anyOwner = fc.constantFrom(...OWNERS);
const anyNamespace = fc.constantFrom(...NAMESPACES);
type Step = (world: World) => void;
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(anyOwner, anyNamespace, fc.constantFrom("x", "y"), fc.boolean()).map(
      ([owner, namespace, name, isPut]): Step =>
        (world) =>
          world.write(owner, namespace, name, isPut),
    ),
  },
  {
    weight: 8,
    arbitrary: fc.nat(6).map(
      (count): Step =>
        (world) =>
          world.read(count),
    ),
  },
  {
    weight: 4,
    arbitrary: anyOwner.map(
      (owner): Step =>
        (world) =>
          world.complete(owner),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(anyNamespace, fc.boolean()).map(
      ([namespace, isAdd]): Step =>
        (world) =>
          world.subscribe(namespace, isAdd),
    ),
  },
  { weight: 3, arbitrary: fc.constant<Step>((world) => world.connect()) },
  {
    weight: 2,
    arbitrary: anyNamespace.map(
      (namespace): Step =>
        (world) =>
          world.changePolicy(namespace),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.disconnect()) },
  {
    weight: 1,
    arbitrary: anyOwner.map(
      (owner): Step =>
        (world) =>
          world.rejoin(owner),
    ),
  },
  {
    weight: 1,
    arbitrary: anyOwner.map(
      (owner): Step =>
        (world) =>
          world.leave(owner),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>((world) => {
      world.loseStore();
      world.refill();
    }),
  },
);

test("a member that applies what it is sent ends with the table filtered by its subscription and by policy (I1, I2)", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 80, size: "max" }), (steps) => {
      const world = new World();
      world.connect();
      for (const step of steps) step(world);
      if (world.subscriber === undefined) world.connect();
      // What is still incomplete says nothing: its owner ends by confirming it.
      for (const cluster of world.truth.keys()) world.complete(cluster);
      world.read(Number.MAX_SAFE_INTEGER);
      expect(world.shown()).toEqual(world.expected());
      expect(world.member.syncedGeneration).toBe(world.generation);
      // And is sent nothing again when it comes back and nothing has changed.
      world.connect();
      const before = world.sequence;
      let rows = 0;
      for (
        let said = world.subscriber?.pull();
        said !== undefined;
        said = world.subscriber?.pull()
      ) {
        if (said.kind === "row" || said.message.$case === "rowDelete") rows += 1;
        world.member.hear(said);
      }
      expect([rows, world.sequence]).toEqual([0, before]);
    }),
    { numRuns: 1500 },
  );
});

test("a Subscribe in the middle of an owner's rows is answered before Synced says so", () => {
  const world = new World();
  world.write(testCluster("a"), "n1", "x", true);
  world.complete(testCluster("a"));
  world.connect();
  world.read(1);
  world.subscribe("n1", true);
  while (world.member.syncedGeneration !== 1) world.read(1);
  expect(world.shown()).toEqual(world.expected());
});

test("a deletion is told though its tombstone is forgotten while others are being told", () => {
  const world = new World();
  const a = testCluster("a");
  world.write(a, "n1", "x", true);
  world.complete(a);
  world.subscribe("n1", true);
  world.connect();
  world.read(Number.MAX_SAFE_INTEGER);
  world.write(a, "n1", "x", false);
  world.write(a, "n1", "y", false);
  // Begins to tell of both, y first: x was subscribed before.
  world.subscribe("n2", true);
  world.read(1);
  // The table keeps two tombstones: that of x goes.
  world.write(a, "n1", "z", false);
  world.read(Number.MAX_SAFE_INTEGER);
  expect(world.shown()).toEqual(new Map());
});

test("rows of a life that ended in the middle of being sent are not sent on (CLN-13)", () => {
  const world = new World();
  for (const name of ["x", "y"]) world.write(testCluster("a"), "n1", name, true);
  world.complete(testCluster("a"));
  world.subscribe("n1", true);
  world.connect();
  const said = (): string | undefined => {
    const outgoing = world.subscriber?.pull();
    return outgoing?.kind === "message" ? outgoing.message.$case : outgoing?.kind;
  };
  expect([said(), said()]).toEqual(["ownerReset", "row"]);
  world.leave(testCluster("a"));
  expect([said(), said(), said()]).toEqual(["ownerGone", "synced", undefined]);
});
