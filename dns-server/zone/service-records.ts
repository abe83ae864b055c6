import type { ServiceKey } from "../../api/service-key.ts";

/**
 * Everything the zone knows about one imported service. Immutable: a change makes a new one.
 * Names are relative to the service: "" is the service itself, "_http._tcp" a port, "db-0.east" an endpoint.
 * A node without records is an empty non-terminal (DNS-43). Without any node the service is known and yet does not resolve.
 */
export interface ServiceRecords {
  readonly key: ServiceKey;
  readonly names: ReadonlyMap<string, NameNode>;
}

/** The records of one name; absent fields are record types the name does not have. */
export interface NameNode {
  /** IPv4 addresses, without duplicates (DNS-26). */
  readonly a?: readonly string[];
  /** IPv6 addresses in canonical form, without duplicates. */
  readonly aaaa?: readonly string[];
  /** Parts of the traffic of the addresses in `a` and `aaaa`, for services whose clusters have weights. */
  readonly aShares?: readonly number[];
  readonly aaaaShares?: readonly number[];
  readonly srv?: SrvSet;
  readonly txt?: string;
  readonly isApex?: true;
}

export interface SrvSet {
  /** Of every record that has none of its own: clients spread evenly. */
  readonly weight: number;
  readonly records: readonly SrvRecord[];
}

export interface SrvRecord {
  readonly port: number;
  /** Relative to the service, as the keys of `names`. */
  readonly target: string;
  readonly weight?: number;
}

/** True when both answer every question alike: then a change needs no new serial and drops no cached answer. */
export function isSameRecords(left: ServiceRecords, right: ServiceRecords): boolean {
  if (left.key !== right.key || left.names.size !== right.names.size) return false;
  for (const [name, node] of left.names) {
    const other = right.names.get(name);
    if (other === undefined || !isSameNode(node, other)) return false;
  }
  return true;
}

/**
 * `after` with every part that is as in `before` being that very part. Answers alike; but what stays is old to the garbage
 * collector already, and a change of one endpoint of a hundred leaves it one to move.
 */
export function shareRecords(
  before: ServiceRecords | undefined,
  after: ServiceRecords,
): ServiceRecords {
  if (before === undefined) return after;
  const keys = new Map([...before.names.keys()].map((name) => [name, name]));
  const names = new Map<string, NameNode>();
  for (const [name, node] of after.names) {
    names.set(keys.get(name) ?? name, shareNode(before.names.get(name), node));
  }
  return { key: before.key, names };
}

function shareNode(before: NameNode | undefined, after: NameNode): NameNode {
  if (before === undefined) return after;
  if (isSameNode(before, after)) return before;
  const { a, aaaa, srv } = after;
  return {
    ...after,
    ...(a !== undefined && { a: shareItems(before.a, a, Object.is) }),
    ...(aaaa !== undefined && { aaaa: shareItems(before.aaaa, aaaa, Object.is) }),
    ...(srv !== undefined && {
      srv: { ...srv, records: shareItems(before.srv?.records, srv.records, isSameSrvRecord) },
    }),
  };
}

/** Items that are alike at the same place are those of `before`: of strings too, which are alike in memory of their own. */
function shareItems<T>(
  before: readonly T[] | undefined,
  after: readonly T[],
  isSame: (left: T, right: T) => boolean,
): readonly T[] {
  return after.map((item, index) => {
    const known = before?.[index];
    return known !== undefined && isSame(known, item) ? known : item;
  });
}

function isSameNode(left: NameNode, right: NameNode): boolean {
  return (
    isSameList(left.a, right.a) &&
    isSameList(left.aaaa, right.aaaa) &&
    isSameList(left.aShares, right.aShares) &&
    isSameList(left.aaaaShares, right.aaaaShares) &&
    isSameSrv(left.srv, right.srv) &&
    left.txt === right.txt &&
    left.isApex === right.isApex
  );
}

function isSameSrv(left: SrvSet | undefined, right: SrvSet | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    left.weight === right.weight &&
    left.records.length === right.records.length &&
    left.records.every((record, index) => {
      const other = right.records[index];
      return other !== undefined && isSameSrvRecord(record, other);
    })
  );
}

function isSameSrvRecord(left: SrvRecord, right: SrvRecord): boolean {
  return left.port === right.port && left.target === right.target && left.weight === right.weight;
}

function isSameList<T extends string | number>(
  left: readonly T[] | undefined,
  right: readonly T[] | undefined,
): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.length === right.length && left.every((value, index) => value === right[index]);
}
