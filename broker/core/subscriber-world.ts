import { BrokerMessage } from "../../api/broker/broker.gen.ts";
import { NETWORK_ROW_KEY, type RowKey, rowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { encodeRowBytes } from "../wire/encode-row.ts";
import { namespaceOfRowKey } from "../wire/parse-row-key.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { aGateway, aNetworkRow, anExportRow } from "../wire/test-rows.ts";
import { BrokerTable } from "./broker-table.ts";
import { ModelMember } from "./model-member.ts";
import { encodeOutgoing, type Outgoing } from "./outgoing.ts";
import type { StoreRecord } from "./store-record.ts";
import { type NetworksWanted, Subscriber } from "./subscriber.ts";

function byKey(rows: Iterable<readonly [RowKey, number]>): Map<RowKey, number> {
  return new Map([...rows].sort(([x], [y]) => (x < y ? -1 : 1)));
}

export const OWNERS = ["a", "b", "self"].map(testCluster);
export const NAMESPACES = ["n1", "n2", "n3"];

/** A row as its owner means it. */
interface Shown {
  readonly createdAtMs: number;
  readonly audience: readonly ClusterId[] | undefined;
}

/** The version stands where the model reads it: in the port of a gateway. */
function networkBytes(cluster: ClusterId, version: number): Uint8Array {
  return encodeRowBytes(aNetworkRow({ cluster, gateways: [aGateway({ port: version })] }));
}

function isForMember(audience: readonly ClusterId[] | undefined): boolean {
  return audience === undefined || audience.includes(testCluster("self"));
}

/** For tests: a table, a member and the stream between them, and what the member ought to hold. */
export class SubscriberWorld {
  table = new BrokerTable(2);
  epoch = 1;
  memberEpoch = 0;
  readonly member = new ModelMember();
  /** What the model expects of each complete owner, kept apart from the table. */
  readonly truth = new Map<
    ClusterId,
    { incarnation: number; complete: boolean; rows: Map<RowKey, Shown> }
  >();
  readonly #everPut = new Set<string>();
  /** Keys of which some version was for the member too. */
  readonly everShown = new Set<string>();
  /** Who left, as the admin remembers it. */
  readonly left = new Map<ClusterId, number>();
  sequence = 0;
  incarnation = 1;
  generation = 0;
  subscriber: Subscriber | undefined;
  /** Network rows travel in the present stream. */
  hasNetworks = true;
  /** Namespaces that policy keeps from the member. */
  denied: ReadonlySet<string> = new Set();

  apply(record: StoreRecord): void {
    this.table.apply(record);
    const cluster = record.kind === "member" ? record.member.cluster : record.cluster;
    this.subscriber?.ownerChanged(cluster);
  }

  owner(cluster: ClusterId): { incarnation: number; complete: boolean; rows: Map<RowKey, Shown> } {
    const known = this.truth.get(cluster);
    if (known !== undefined) return known;
    const begun = {
      incarnation: this.incarnation++,
      complete: false,
      rows: new Map<RowKey, Shown>(),
    };
    this.truth.set(cluster, begun);
    return begun;
  }

  write(
    cluster: ClusterId,
    namespace: string,
    name: string,
    isPut: boolean,
    audience?: readonly ClusterId[],
  ): void {
    const owner = this.owner(cluster);
    const sequence = ++this.sequence;
    const row = anExportRow({
      cluster,
      namespace,
      name,
      createdAtMs: sequence,
      ...(audience === undefined ? {} : { audience }),
    });
    const base = { cluster, incarnation: owner.incarnation, sequence, key: rowKey(row) };
    if (isPut) {
      owner.rows.set(rowKey(row), { createdAtMs: sequence, audience });
      if (isForMember(audience)) this.everShown.add(`${cluster} ${rowKey(row)}`);
      this.apply({ kind: "row", ...base, bytes: encodeRowBytes(row) });
      this.#everPut.add(`${cluster} ${rowKey(row)}`);
    } else {
      // The broker writes no deletion of what is not there; one of a key that never was a row gives nothing away.
      const isHeld = owner.rows.delete(rowKey(row));
      const named = `${cluster} ${rowKey(row)}`;
      if (!isHeld && this.#everPut.has(named)) return;
      if (!isHeld) this.everShown.add(named);
      this.apply({ kind: "delete", ...base });
    }
  }

  writeNetwork(cluster: ClusterId, isPut: boolean): void {
    const owner = this.owner(cluster);
    const sequence = ++this.sequence;
    const key = NETWORK_ROW_KEY;
    const base = { cluster, incarnation: owner.incarnation, sequence, key };
    if (isPut) {
      owner.rows.set(key, { createdAtMs: sequence, audience: undefined });
      this.everShown.add(`${cluster} ${key}`);
      this.apply({ kind: "row", ...base, bytes: networkBytes(cluster, sequence) });
    } else if (owner.rows.delete(key)) this.apply({ kind: "delete", ...base });
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
    const networks = this.#networksWanted();
    const uncovered = [...member.namespaces].filter((namespace) => !member.covered.has(namespace));
    const { denied } = this;
    this.subscriber = new Subscriber(testCluster("self"), this.table, (name) => denied.has(name));
    this.subscriber.start(
      [...member.covered],
      [...member.known.values()],
      this.epoch === this.memberEpoch,
      networks,
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

  #networksWanted(): NetworksWanted {
    const { member, hasNetworks } = this;
    member.takesNetworks = hasNetworks;
    if (hasNetworks) return member.areNetworksCovered ? "known" : "unknown";
    // The versions that come now say nothing of network rows.
    member.areNetworksCovered = false;
    return "none";
  }

  /** The member moves to a broker that knows network rows, or to an earlier version that does not. */
  changeVersion(): void {
    this.hasNetworks = !this.hasNetworks;
    this.connect();
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
      this.hear(outgoing);
    }
  }

  hear(outgoing: Outgoing): void {
    // I2: nothing names a row that never was for the member, in whatever form.
    const { message } = BrokerMessage.decode(encodeOutgoing(outgoing));
    const named =
      message?.$case === "rowPut"
        ? `${message.value.clusterId} ${message.value.row?.content?.$case}/${message.value.row?.namespace}/${message.value.row?.name}`
        : message?.$case === "rowDelete"
          ? `${message.value.clusterId} ${message.value.key}`
          : undefined;
    if (named !== undefined && !this.everShown.has(named)) {
      throw new Error(`${message?.$case} names ${named}, which is not for the member`);
    }
    this.member.hear(outgoing);
  }

  /** The broker starts anew: what was not written down is forgotten. */
  restart(): void {
    this.disconnect();
    const table = new BrokerTable(2);
    for (const record of this.table.snapshot()) table.apply(record);
    this.table = table;
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
      for (const [key, { createdAtMs, audience }] of rows) {
        const [, namespace = "", name = ""] = key.split("/");
        const only = audience === undefined ? {} : { audience };
        const row = anExportRow({ cluster, namespace, name, createdAtMs, ...only });
        const sequence = ++this.sequence;
        const { incarnation } = owner;
        const isNetwork = key === NETWORK_ROW_KEY;
        const bytes = isNetwork ? networkBytes(cluster, createdAtMs) : encodeRowBytes(row);
        this.apply({ kind: "row", cluster, incarnation, sequence, key, bytes });
      }
      if (owner.complete) this.complete(cluster);
    }
  }

  expected(): Map<ClusterId, Map<RowKey, number>> {
    const expected = new Map<ClusterId, Map<RowKey, number>>();
    for (const [cluster, { complete, rows }] of this.truth) {
      if (!complete || cluster === testCluster("self")) continue;
      const shown = [...rows].filter(([key, { audience }]) => {
        if (key === NETWORK_ROW_KEY) return true;
        const namespace = namespaceOfRowKey(key);
        const isWanted = this.member.namespaces.has(namespace) && !this.denied.has(namespace);
        return isWanted && isForMember(audience);
      });
      const seen = shown.map(([key, { createdAtMs }]) => [key, createdAtMs] as const);
      if (seen.length > 0) expected.set(cluster, byKey(seen));
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
