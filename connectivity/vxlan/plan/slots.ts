/** Small numbers that stand for names: in marks, table numbers and nexthop ids. */
export type Slots = ReadonlyMap<string, number>;

/**
 * Gives each name a number of its own from `first` on. A name keeps the number it has, since packets on their way carry
 * it; numbers of names that are gone are free again. Names beyond `last` get none.
 */
export function assignSlots(
  names: readonly string[],
  before: Slots,
  { first, last }: { readonly first: number; readonly last: number },
): Slots {
  const kept = names.flatMap((name) => {
    const slot = before.get(name);
    return slot !== undefined && slot >= first && slot <= last ? [[name, slot] as const] : [];
  });
  const slots = new Map<string, number>();
  const taken = new Set<number>();
  for (const [name, slot] of kept) {
    if (taken.has(slot)) continue;
    slots.set(name, slot);
    taken.add(slot);
  }
  let next = first;
  for (const name of [...names].sort()) {
    if (slots.has(name)) continue;
    while (taken.has(next)) next += 1;
    if (next > last) break;
    slots.set(name, next);
    taken.add(next);
  }
  return slots;
}
