import type { BrokerMessage } from "../../api/broker/broker.gen.ts";
import type { RowKey } from "../../api/broker/row.ts";
import { ownListDigest } from "../wire/own-list-digest.ts";
import { digestOfBytes } from "../wire/row-digest.ts";
import type { OwnerRows } from "./owner-rows.ts";

type Told = Extract<
  NonNullable<BrokerMessage["message"]>,
  { readonly $case: "ownRow" | "ownRowsEnd" }
>;

/**
 * What a member is told of its own rows at the beginning of a stream, a row at a time: nothing but the end when it has named a
 * digest of them that is right (Hello.own_digest).
 */
export class OwnList {
  readonly #isKnown: boolean;
  /** BOUNDED: by LIMITS.rowsPerOwner. */
  readonly #keys: readonly RowKey[];
  #next = 0;

  /** @param digest as the member believes its rows to be; empty: it does not know */
  constructor(owner: Pick<OwnerRows, "rows"> | undefined, digest: Uint8Array) {
    const own = owner === undefined ? [] : [...owner.rows()];
    this.#isKnown =
      digest.length > 0 &&
      Buffer.compare(
        digest,
        ownListDigest(own.map(([key, { bytes }]) => [key, digestOfBytes(bytes)])),
      ) === 0;
    this.#keys = this.#isKnown ? [] : own.map(([key]) => key);
  }

  /** Once it has said `ownRowsEnd` there is no more. @param owner its rows as they are now: what has gone meanwhile is not told */
  next(owner: Pick<OwnerRows, "row"> | undefined): Told {
    while (this.#next < this.#keys.length) {
      const key = this.#keys[this.#next++];
      const row = key === undefined ? undefined : owner?.row(key);
      if (key === undefined || row === undefined) continue;
      const digest = digestOfBytes(row.bytes);
      return { $case: "ownRow", value: { key, sequence: row.sequence, digest } };
    }
    return { $case: "ownRowsEnd", value: { unchanged: this.#isKnown } };
  }
}
