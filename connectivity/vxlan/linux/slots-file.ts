import { z } from "zod";
import type { PlanSlots } from "../plan/plan.ts";
import { NO_SLOTS } from "../plan/plan.ts";
import type { Files } from "./system-files.ts";

const NUMBERS = z.record(z.string(), z.int().min(0));
const SLOTS = z.object({ gateways: NUMBERS, nodes: NUMBERS, peers: NUMBERS });

/** A file that is not there, or not ours, is as good as none: flows are spread anew then. */
export async function readSlots(path: string, files: Files): Promise<PlanSlots> {
  const text = await files.read(path);
  if (text === undefined) return NO_SLOTS;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return NO_SLOTS;
  }
  const parsed = SLOTS.safeParse(json);
  if (!parsed.success) return NO_SLOTS;
  const { gateways, nodes, peers } = parsed.data;
  return { gateways: mapOf(gateways), nodes: mapOf(nodes), peers: mapOf(peers) };
}

export function slotsText({ gateways, nodes, peers }: PlanSlots): string {
  return JSON.stringify({
    gateways: Object.fromEntries(gateways),
    nodes: Object.fromEntries(nodes),
    peers: Object.fromEntries(peers),
  });
}

function mapOf(record: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  return new Map(Object.entries(record));
}
