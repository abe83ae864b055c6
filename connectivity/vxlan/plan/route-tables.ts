import type { VxlanSettings } from "./settings.ts";

/** Slots below belong to gateways of the own cluster, kept by the node agent; those from here on to remote ones, kept by the gateway. */
export const REMOTE_SLOT_FIRST = 32;
const MARK_TABLES_AT = 10;

/** Routes of the node agent: to other nodes, and to peers through the gateways. */
export function nodeTable({ tableBase }: VxlanSettings): number {
  return tableBase;
}

/** Routes of a gateway: to peers, through their gateways. */
export function wanTable({ tableBase }: VxlanSettings): number {
  return tableBase + 1;
}

/** Of a gateway: where packets end that came from a node for a peer that it cannot reach. */
export function deadEndTable({ tableBase }: VxlanSettings): number {
  return tableBase + 2;
}

/** Routes of flows that came through the gateway of this slot, and go back the same way. */
export function markTable({ tableBase }: Pick<VxlanSettings, "tableBase">, slot: number): number {
  return tableBase + MARK_TABLES_AT + slot;
}

export function isNodeAgentTable(settings: VxlanSettings, table: number): boolean {
  const slot = table - markTable(settings, 0);
  return table === nodeTable(settings) || (slot > 0 && slot < REMOTE_SLOT_FIRST);
}

export function isGatewayTable(settings: VxlanSettings, table: number): boolean {
  const slot = table - markTable(settings, 0);
  return (
    table === wanTable(settings) ||
    table === deadEndTable(settings) ||
    (slot >= REMOTE_SLOT_FIRST && slot <= lastMarkedSlot(settings))
  );
}

/** Slots above it have no mark: their flows are spread anew at each hop, which TCP does not mind. */
export function lastMarkedSlot({ markBits }: Pick<VxlanSettings, "markBits">): number {
  return 2 ** markBits - 1;
}

export function markOf({ markShift }: Pick<VxlanSettings, "markShift">, slot: number): number {
  return (slot << markShift) >>> 0;
}

export function markMask(settings: Pick<VxlanSettings, "markShift" | "markBits">): number {
  return markOf(settings, lastMarkedSlot(settings));
}

/** In the order in which rules are asked. */
export function rulePriorities({ rulePriority }: Pick<VxlanSettings, "rulePriority">): {
  readonly marks: number;
  readonly wan: number;
  readonly deadEnd: number;
  readonly node: number;
} {
  return {
    marks: rulePriority,
    wan: rulePriority + 1,
    deadEnd: rulePriority + 2,
    node: rulePriority + 3,
  };
}
