import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BrokerMessage } from "../../api/broker/broker.gen.ts";
import { type Row, type RowKey, rowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { assertNever } from "../../api/invariant.ts";
import { decodeRow } from "../wire/decode-row.ts";
import { encodeRowBytes } from "../wire/encode-row.ts";
import { namespaceOfRowKey } from "../wire/parse-row-key.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { BrokerTable } from "./broker-table.ts";
import { encodeOutgoing, type Outgoing } from "./outgoing.ts";
import type { StoreRecord } from "./store-record.ts";
import { type KnownOwner, Subscriber } from "./subscriber.ts";

/*
 * The law: whatever happens in whatever order (writes, completions, rejoins, leaves, subscriptions, partial
 * reads, disconnects, a lost store), a member that applies what it is sent ends with the table filtered by
 * its subscription. The member here is written from broker.proto alone.
 */

interface Reset {
  /** Undefined: all. */
  readonly namespaces: ReadonlySet<string> | undefined;
  readonly rows: Map<RowKey, number>;
}

/** A member as broker.proto describes it. */
class ModelMember {
  readonly rows = new Map<ClusterId, Map<RowKey, number>>();
  readonly known = new Map<ClusterId, KnownOwner>();
  readonly namespaces = new Set<string>();
  /** Namespaces for which `known` holds. */
  covered = new Set<string>();
  readonly #resets = new Map<ClusterId, Reset>();
  syncedGeneration = -1;
  askedGeneration = 0;

  disconnected(): void {
    this.#resets.clear();
    this.syncedGeneration = -1;
  }

  drop(namespace: string): void {
    this.namespaces.delete(namespace);
    this.covered.delete(namespace);
    for (const rows of this.rows.values()) {
      for (const key of rows.keys()) if (namespaceOfRowKey(key) === namespace) rows.delete(key);
    }
  }

  hear(outgoing: Outgoing): void {
    // Through the wire and back, as in life.
    const { message } = BrokerMessage.decode(encodeOutgoing(outgoing));
    switch (message?.$case) {
      case "ownerReset": {
        const { clusterId, namespaces } = message.value;
        const only = namespaces.length === 0 ? undefined : new Set(namespaces);
        this.#resets.set(testCluster(clusterId), { namespaces: only, rows: new Map() });
        return;
      }
      case "rowPut": {
        const cluster = testCluster(message.value.clusterId);
        if (message.value.row === undefined) throw new Error("row missing");
        const row = decodeRow(cluster, message.value.row);
        if (!row.ok) throw new Error(row.error);
        const key = rowKey(row.value);
        if (this.namespaces.has(row.value.namespace))
          this.#target(cluster, key).set(key, createdAt(row.value));
        return;
      }
      case "rowDelete": {
        const key = message.value.key as RowKey;
        this.#target(testCluster(message.value.clusterId), key).delete(key);
        return;
      }
      case "ownerComplete":
        this.#complete(message.value.version);
        return;
      case "ownerGone": {
        const cluster = testCluster(message.value.clusterId);
        this.#resets.delete(cluster);
        this.rows.delete(cluster);
        this.known.delete(cluster);
        return;
      }
      case "synced":
        this.syncedGeneration = message.value.generation;
        // Of an earlier generation: what was asked for since is still on its way.
        if (this.syncedGeneration === this.askedGeneration) this.covered = new Set(this.namespaces);
        return;
      case undefined:
      case "welcome":
      case "ownRow":
      case "ownRowsEnd":
      case "stored":
      case "refused":
      case "pong":
        throw new Error(`a subscriber says nothing of the kind of ${message?.$case}`);
      default:
        assertNever(message);
    }
  }

  #target(cluster: ClusterId, key: RowKey): Map<RowKey, number> {
    const reset = this.#resets.get(cluster);
    if (reset !== undefined && (reset.namespaces?.has(namespaceOfRowKey(key)) ?? true)) {
      return reset.rows;
    }
    const rows = this.rows.get(cluster) ?? new Map<RowKey, number>();
    this.rows.set(cluster, rows);
    return rows;
  }

  #complete(
    version: { clusterId: string; incarnation: number; sequence: number } | undefined,
  ): void {
    if (version === undefined) throw new Error("version missing");
    const cluster = testCluster(version.clusterId);
    const reset = this.#resets.get(cluster);
    this.#resets.delete(cluster);
    if (reset !== undefined) {
      const old = this.rows.get(cluster) ?? new Map<RowKey, number>();
      const kept = [...old].filter(
        ([key]) => reset.namespaces !== undefined && !reset.namespaces.has(namespaceOfRowKey(key)),
      );
      const fresh = [...reset.rows].filter(([key]) => this.namespaces.has(namespaceOfRowKey(key)));
      this.rows.set(cluster, new Map([...kept, ...fresh]));
    }
    const { incarnation, sequence } = version;
    this.known.set(cluster, { cluster, incarnation, sequence });
  }
}

function createdAt(row: Row): number {
  return row.kind === "export" ? row.createdAtMs : -1;
}

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
    this.subscriber = new Subscriber(testCluster("self"), this.table);
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
      const shown = [...rows].filter(([key]) => this.member.namespaces.has(namespaceOfRowKey(key)));
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

test("a member that applies what it is sent ends with the table filtered by its subscription (I1)", () => {
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
