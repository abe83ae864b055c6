import { NETWORK_ROW_KEY, type RowKey } from "../../api/broker/row.ts";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { assertNever } from "../../api/invariant.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { SingleMessage } from "../wire/batch.ts";
import { NETWORK_CAPABILITY } from "../wire/decode-network.ts";
import { decodeRow } from "../wire/decode-row.ts";
import { parseRowKey, rowKeyOfMessage } from "../wire/parse-row-key.ts";
import type { Mirror } from "./mirror.ts";
import type { OwnRows } from "./own-rows.ts";
import type { Propagation } from "./propagation.ts";
import type { Subscription } from "./subscription.ts";

type Broker = SingleMessage;
type Changed = ReadonlySet<ServiceKey>;

interface Tables {
  readonly subscription: Subscription;
  readonly mirror: Mirror;
  readonly own: OwnRows;
  readonly log: Logger;
  readonly propagation?: Propagation | undefined;
}

/** Parses what the broker says and takes it into the tables. */
export class MessageIntake {
  readonly #self: ClusterId;
  readonly #tables: Tables;

  constructor(self: ClusterId, tables: Tables) {
    this.#self = self;
    this.#tables = tables;
  }

  /** Returns the services whose rows, or their fate, changed. Error: it makes no sense, so the stream cannot be trusted. */
  take(message: Broker): Result<Changed, string> {
    switch (message.$case) {
      case "welcome":
        this.#tables.subscription.welcomed(message.value.capabilities.includes(NETWORK_CAPABILITY));
        this.#tables.mirror.beginSession(message.value.storeEpoch);
        this.#tables.own.beginSession(
          message.value.sequence,
          message.value.capabilities.includes(NETWORK_CAPABILITY),
        );
        return NO_CHANGE;
      case "importsDenied":
        this.#tables.subscription.deny(message.value.namespaces);
        this.#tables.log.warn("imports denied by the hub's policy", {
          namespaces: message.value.namespaces.slice(0, LOGGED_MAX),
          count: message.value.namespaces.length,
        });
        return NO_CHANGE;
      case "synced":
        this.#tables.subscription.noteDelivered(message.value.generation);
        return ok(this.#tables.mirror.settle());
      case "stored":
        for (const { key, sequence } of this.#tables.own.underWay(message.value.sequence)) {
          this.#tables.propagation?.stored(this.#self, key, sequence);
        }
        return ok(this.#tables.own.stored(message.value.sequence));
      case "ownRowsEnd":
        return ok(this.#tables.own.listEnded(message.value.unchanged));
      case "ownRow":
        return this.#takeOwnRow(message);
      case "refused":
        return this.#takeRefused(message);
      case "ownerReset":
      case "rowPut":
      case "rowDelete":
      case "ownerComplete":
      case "ownerGone":
        return this.#takeForeign(message);
      case "presence":
      case "pong":
      case "goAway":
        // About the connection: the step machine keeps them to itself.
        return NO_CHANGE;
      default:
        return assertNever(message);
    }
  }

  #takeOwnRow({ value }: Extract<Broker, { $case: "ownRow" }>): Result<Changed, string> {
    const key = parseRowKey(value.key);
    if (!key.ok) return key;
    if (this.#tables.own.listed(key.value, value.sequence, value.digest)) return NO_CHANGE;
    return err("own rows at the broker must be within the limit of one cluster: got more");
  }

  #takeRefused({ value }: Extract<Broker, { $case: "refused" }>): Result<Changed, string> {
    const key = parseRowKey(value.key);
    // Not even the broker could read the key: our bug, which a new stream would only repeat.
    if (!key.ok) {
      this.#tables.log.error("own row refused without its key", { err: value.reason });
      return NO_CHANGE;
    }
    this.#tables.log.warn("own row refused by broker", { key: key.value, err: value.reason });
    return ok(this.#tables.own.refused(key.value, value));
  }

  #takeForeign(message: ForeignMessage): Result<Changed, string> {
    const owner = parseClusterId(ownerOf(message));
    if (!owner.ok) return owner;
    const cluster = owner.value;
    if (cluster === this.#self) return NO_CHANGE;
    switch (message.$case) {
      case "ownerReset":
        this.#tables.mirror.reset(cluster, message.value.namespaces);
        return NO_CHANGE;
      case "ownerComplete":
        return message.value.version === undefined
          ? err("OwnerComplete must hold a version: got none")
          : ok(this.#tables.mirror.complete(cluster, message.value.version));
      case "ownerGone":
        return ok(this.#tables.mirror.gone(cluster, message.value.incarnation));
      case "rowDelete": {
        const key = parseRowKey(message.value.key);
        if (key.ok) this.#arrived(cluster, message.value.sequence, key.value);
        return key.ok ? ok(this.#tables.mirror.delete(cluster, message.value, key.value)) : key;
      }
      case "rowPut":
        return this.#takeRow(cluster, message);
      default:
        return assertNever(message);
    }
  }

  #arrived(cluster: ClusterId, sequence: number, key: RowKey): void {
    if (key !== NETWORK_ROW_KEY) this.#tables.propagation?.received(cluster, key, sequence);
  }

  #takeRow(
    cluster: ClusterId,
    { value }: Extract<Broker, { $case: "rowPut" }>,
  ): Result<Changed, string> {
    if (value.row === undefined) return err("RowPut must hold a row: got none");
    const key = rowKeyOfMessage(value.row);
    if (!key.ok) return key;
    this.#arrived(cluster, value.sequence, key.value);
    const row = decodeRow(cluster, value.row);
    if (row.ok) return ok(this.#tables.mirror.put(cluster, value, key.value, row.value));
    // Another version's row: what we held of it is no longer true, and the rest of the stream is fine.
    this.#tables.log.debug("foreign row cannot be read", {
      cluster,
      key: key.value,
      err: row.error,
    });
    return ok(this.#tables.mirror.unreadable(cluster, value, key.value));
  }
}

type ForeignMessage = Extract<
  Broker,
  { $case: "ownerReset" | "rowPut" | "rowDelete" | "ownerComplete" | "ownerGone" }
>;

/** Namespaces named in one log line. */
const LOGGED_MAX = 20;

const NO_CHANGE: Result<Changed, string> = ok(new Set<ServiceKey>());

function ownerOf(message: ForeignMessage): string {
  return message.$case === "ownerComplete"
    ? (message.value.version?.clusterId ?? "")
    : message.value.clusterId;
}
