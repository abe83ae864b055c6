import { BrokerMessage } from "../../api/broker/broker.gen.ts";
import { type Row, type RowKey, rowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { assertNever } from "../../api/invariant.ts";
import { decodeRow } from "../wire/decode-row.ts";
import { namespaceOfRowKey } from "../wire/parse-row-key.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { encodeOutgoing, type Outgoing } from "./outgoing.ts";
import type { KnownOwner } from "./subscriber.ts";

interface Reset {
  /** Undefined: all. */
  readonly namespaces: ReadonlySet<string> | undefined;
  readonly rows: Map<RowKey, number>;
}

/** For tests: a member as broker.proto describes it, sharing no code with the real one. */
export class ModelMember {
  readonly rows = new Map<ClusterId, Map<RowKey, number>>();
  readonly known = new Map<ClusterId, KnownOwner>();
  readonly namespaces = new Set<string>();
  /** Told of in this stream. */
  readonly denied = new Set<string>();
  /** Network rows travel in this stream. */
  takesNetworks = false;
  /** `known` holds for network rows too, which are sent whatever it wants. */
  areNetworksCovered = false;
  /** Namespaces for which `known` holds. */
  covered = new Set<string>();
  readonly #resets = new Map<ClusterId, Reset>();
  syncedGeneration = -1;
  askedGeneration = 0;

  disconnected(): void {
    this.#resets.clear();
    this.denied.clear();
    this.syncedGeneration = -1;
  }

  drop(namespace: string): void {
    this.namespaces.delete(namespace);
    this.covered.delete(namespace);
    this.denied.delete(namespace);
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
        const isWanted = row.value.kind === "network" || this.namespaces.has(row.value.namespace);
        if (isWanted) this.#target(cluster, key).set(key, createdAt(row.value));
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
      case "importsDenied":
        for (const namespace of message.value.namespaces) {
          this.denied.add(namespace);
          this.covered.delete(namespace);
        }
        return;
      case "synced":
        this.syncedGeneration = message.value.generation;
        this.areNetworksCovered = this.takesNetworks;
        // Of an earlier generation: what was asked for since is still on its way.
        if (this.syncedGeneration === this.askedGeneration) {
          this.covered = new Set([...this.namespaces].filter((name) => !this.denied.has(name)));
        }
        return;
      case undefined:
      case "presence":
      case "welcome":
      case "ownRow":
      case "ownRowsEnd":
      case "stored":
      case "refused":
      case "pong":
      case "goAway":
      case "batch":
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
      const fresh = [...reset.rows].filter(
        ([key]) => key === "network//" || this.namespaces.has(namespaceOfRowKey(key)),
      );
      this.rows.set(cluster, new Map([...kept, ...fresh]));
    }
    const { incarnation, sequence } = version;
    this.known.set(cluster, { cluster, incarnation, sequence });
  }
}

/** A network row has no age: the first number in it stands for its version. */
function createdAt(row: Row): number {
  if (row.kind === "network") return row.gateways[0]?.port ?? -1;
  return row.kind === "export" ? row.createdAtMs : -1;
}
