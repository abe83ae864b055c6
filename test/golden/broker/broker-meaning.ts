import { BrokerMessage } from "../../../api/broker/broker.gen.ts";
import { type SingleMessage, unpackBatch } from "../../../broker/wire/batch.ts";
import { rowKeyOfMessage } from "../../../broker/wire/parse-row-key.ts";
import type { Ended } from "./recording.ts";

/** What became of one owner in a stream: of each key the last word, under the version that completed it. */
interface OwnerHeard {
  /** Namespaces that were replaced as a whole; `*`: all. */
  readonly resets: Set<string>;
  readonly keys: Map<string, unknown>;
  version: unknown;
}

/**
 * What a member knows after a stream, whatever the order and the number of messages that told it: two streams with the same
 * meaning leave every member the same. Texts for humans and times since an end are left out.
 */
export class BrokerMeaning {
  #welcome: unknown;
  readonly #ownRows = new Map<string, unknown>();
  #isOwnListWhole = false;
  readonly #owners = new Map<string, OwnerHeard>();
  readonly #gone = new Map<string, number>();
  readonly #presence = new Map<string, string>();
  readonly #denied = new Set<string>();
  readonly #refused = new Map<string, unknown>();
  #generation = -1;
  #stored = -1;
  #pong = 0;
  #goAway = 0;
  #ended: string | undefined;

  hear(bytes: Uint8Array): void {
    const { message } = BrokerMessage.decode(bytes);
    if (message?.$case !== "batch") {
      if (message !== undefined) this.#take(message);
      return;
    }
    const unpacked = unpackBatch(message.value);
    if (!unpacked.ok) throw new Error(unpacked.error);
    for (const single of unpacked.value) if (single !== undefined) this.#take(single);
  }

  /** Only the broker's own doing says something about the broker. */
  end({ by, kind }: Ended): void {
    if (by === "broker") this.#ended = kind;
  }

  get value(): unknown {
    return {
      welcome: this.#welcome,
      own: { rows: sorted(this.#ownRows), isWhole: this.#isOwnListWhole },
      owners: sorted(this.#owners).map(([name, { resets, keys, version }]) => ({
        name,
        resets: [...resets].sort(),
        keys: sorted(keys),
        version,
      })),
      gone: sorted(this.#gone),
      presence: sorted(this.#presence),
      denied: [...this.#denied].sort(),
      refused: sorted(this.#refused),
      generation: this.#generation,
      stored: this.#stored,
      pong: this.#pong,
      goAway: this.#goAway,
      ended: this.#ended,
    };
  }

  #take(message: SingleMessage): void {
    const first = this.#welcome === undefined;
    if (first !== (message.$case === "welcome")) {
      throw new Error(`Welcome must be the first message and no other: got ${message.$case}`);
    }
    switch (message.$case) {
      case "welcome":
        this.#welcome = message.value;
        return;
      case "ownRow": {
        const { key, sequence, digest } = message.value;
        this.#ownRows.set(key, { sequence, digest: Buffer.from(digest).toString("hex") });
        return;
      }
      case "ownRowsEnd":
        this.#isOwnListWhole = true;
        return;
      case "stored":
        this.#stored = Math.max(this.#stored, message.value.sequence);
        return;
      case "refused": {
        const { key, sequence, forRoom } = message.value;
        this.#refused.set(key, { sequence, forRoom });
        return;
      }
      case "synced":
        this.#generation = Math.max(this.#generation, message.value.generation);
        return;
      case "pong":
        this.#pong = message.value.nonce;
        return;
      case "goAway":
        this.#goAway = message.value.withinMs;
        return;
      case "importsDenied":
        for (const namespace of message.value.namespaces) this.#denied.add(namespace);
        return;
      case "presence": {
        const { whole, members } = message.value;
        if (whole) this.#presence.clear();
        for (const { clusterId, incarnation, state } of members) {
          this.#presence.set(clusterId, `${incarnation} ${state}`);
        }
        return;
      }
      case "ownerReset": {
        const { clusterId, namespaces } = message.value;
        const { resets } = this.#owner(clusterId);
        for (const namespace of namespaces.length === 0 ? ["*"] : namespaces) resets.add(namespace);
        return;
      }
      case "rowPut": {
        const { clusterId, incarnation, sequence, row } = message.value;
        const key = row === undefined ? undefined : rowKeyOfMessage(row);
        if (key?.ok !== true) throw new Error("RowPut must hold a row with a key");
        this.#owner(clusterId).keys.set(key.value, { incarnation, sequence, row });
        return;
      }
      case "rowDelete": {
        const { clusterId, incarnation, sequence, key } = message.value;
        this.#owner(clusterId).keys.set(key, { incarnation, sequence });
        return;
      }
      case "ownerComplete":
        this.#owner(message.value.version?.clusterId ?? "").version = message.value.version;
        return;
      case "ownerGone":
        this.#owners.delete(message.value.clusterId);
        this.#gone.set(message.value.clusterId, message.value.incarnation);
        return;
    }
  }

  #owner(name: string): OwnerHeard {
    const known = this.#owners.get(name);
    if (known !== undefined) return known;
    const owner: OwnerHeard = { resets: new Set(), keys: new Map(), version: undefined };
    this.#owners.set(name, owner);
    return owner;
  }
}

function sorted<T>(entries: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...entries].sort(([left], [right]) => (left < right ? -1 : 1));
}
