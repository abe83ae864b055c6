// HOT: the first function runs once per packet whose question is not known.

/** Where `zone` begins in the lower-case name of `length` bytes; -1 when the name is not under it. */
export function findZone(name: Uint8Array, length: number, zone: Uint8Array): number {
  const start = length - zone.length;
  let offset = 0;
  while (offset < start) offset += (name[offset] ?? 0) + 1;
  // Only the start of a label will do: "notclusterset.local" is another zone.
  if (offset !== start) return -1;
  for (let index = 0; index < zone.length; index++) {
    if (name[start + index] !== zone[index]) return -1;
  }
  return start;
}

/** Labels of the name before `end`; undefined when one holds a dot, which no name of ours does. */
export function labelsBefore(name: Buffer, end: number): readonly string[] | undefined {
  const labels: string[] = [];
  for (let offset = 0; offset < end; ) {
    const length = name[offset] ?? 0;
    const label = name.toString("latin1", offset + 1, offset + 1 + length);
    if (label.includes(".")) return undefined;
    labels.push(label);
    offset += length + 1;
  }
  return labels;
}

/** A dotted name as it is on the wire. */
export function toWireName(name: string): Buffer {
  const parts = name
    .split(".")
    .flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, "latin1")]);
  return Buffer.concat([...parts, Buffer.from([0])]);
}
