import { err, ok, type Result } from "../../../../api/result.ts";
import type { SpaceError, SpaceItem } from "../space.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { fromGrpcError, isCompacted } from "./etcd-error.ts";
import type { EtcdKeys } from "./etcd-keys.ts";

export interface Listing {
  readonly items: readonly SpaceItem[];
  /** At which all of them were so. */
  readonly revision: number;
}

/** Items of a page: of the largest size they still fit into one answer. */
const PAGE = 64;

/** Reads all items whose names begin so, page by page at one revision. "compacted": etcd dropped it meanwhile. */
export async function listItems(
  client: EtcdClient,
  keys: EtcdKeys,
  namePrefix: string,
): Promise<Result<Listing, SpaceError | "compacted">> {
  const { key: first, rangeEnd } = keys.range(namePrefix);
  const items: SpaceItem[] = [];
  let key = first;
  // The first page is linearizable; the others are of its revision.
  let revision = 0;
  for (;;) {
    const answer = await client.range({ key, rangeEnd, limit: PAGE, revision });
    if (!answer.ok) {
      return err(isCompacted(answer.error) ? "compacted" : fromGrpcError(answer.error));
    }
    const { kvs, more, header } = answer.value.response;
    if (revision === 0) revision = header?.revision ?? 0;
    for (const found of kvs) items.push(keys.item(found));
    const last = kvs.at(-1);
    if (!more || last === undefined) return ok({ items, revision });
    key = Buffer.concat([last.key, Buffer.alloc(1)]);
  }
}
