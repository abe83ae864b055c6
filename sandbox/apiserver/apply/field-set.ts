import { isObject, type JsonObject, type JsonValue } from "../object/json.ts";

/**
 * A set of paths into an object, as a tree in the terms of FieldsV1: an element is `f:<field>`, `k:<keys of a map list's item>`,
 * `v:<value of a set's item>` or `i:<index>`; a node is a member of the set or only on the way to members.
 */
export interface FieldSet {
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const EMPTY_SET: FieldSet = { member: false, children: new Map() };
export const LEAF: FieldSet = { member: true, children: new Map() };

export function isEmpty(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

/** A node of these children without the empty ones. */
export function node(member: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  return { member, children: new Map([...children].filter(([, child]) => !isEmpty(child))) };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const other = children.get(element);
    children.set(element, other === undefined ? child : union(other, child));
  }
  return { member: a.member || b.member, children };
}

/** Members of `a` that are not members of `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  const children = [...a.children].map(
    ([element, child]) =>
      [element, difference(child, b.children.get(element) ?? EMPTY_SET)] as const,
  );
  return node(a.member && !b.member, children);
}

/** Members of both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children = [...a.children].map(
    ([element, child]) =>
      [element, intersection(child, b.children.get(element) ?? EMPTY_SET)] as const,
  );
  return node(a.member && b.member, children);
}

/** Paths whose first element passes. */
export function keepRoots(set: FieldSet, keep: (element: string) => boolean): FieldSet {
  return node(
    set.member,
    [...set.children].filter(([element]) => keep(element)),
  );
}

/** Every member as the elements that lead to it, in a stable order. */
export function members(set: FieldSet): readonly (readonly string[])[] {
  const below = sortedChildren(set).flatMap(([element, child]) =>
    members(child).map((path) => [element, ...path]),
  );
  return set.member ? [[], ...below] : below;
}

/** FieldsV1: `{}` is a member without members below, "." marks one that has some. */
export function encodeFieldSet(set: FieldSet): JsonObject {
  const encoded: Record<string, JsonValue> = {};
  if (set.member && set.children.size > 0) encoded["."] = {};
  for (const [element, child] of sortedChildren(set)) encoded[element] = encodeFieldSet(child);
  return encoded;
}

/** The root itself is never a member. What is not FieldsV1 is skipped. */
export function decodeFieldSet(json: JsonValue | undefined): FieldSet {
  if (!isObject(json)) return EMPTY_SET;
  return { ...decodeNode(json), member: false };
}

function decodeNode(json: JsonObject): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of Object.entries(json)) {
    if (/^[fkvi]:/.test(element) && isObject(child)) children.set(element, decodeNode(child));
  }
  return { member: Object.hasOwn(json, ".") || children.size === 0, children };
}

function sortedChildren(set: FieldSet): readonly (readonly [string, FieldSet])[] {
  return [...set.children].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
