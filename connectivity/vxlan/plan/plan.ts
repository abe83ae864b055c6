import type { KernelState, NftTable, Sysctl } from "./kernel-state.ts";
import type { PeerNetwork } from "./networks.ts";
import type { Slots } from "./slots.ts";

/** Everything that one process of ours wants in the kernel of its machine. */
export interface Plan {
  readonly kernel: KernelState;
  readonly tables: readonly NftTable[];
  /** A table of packets of network devices that all can do without; it comes last and goes first. */
  readonly shortcut?: NftTable;
  readonly sysctls: readonly Sysctl[];
  /** To be handed to the next plan, over restarts too. */
  readonly slots: PlanSlots;
}

/** With one more table that judges what passes, before the others: none is passed by. */
export function withJudge(plan: Plan, table: NftTable): Plan {
  const tables = [table, ...plan.tables];
  if (table.body === "") return { ...plan, tables };
  const { shortcut: _, ...rest } = plan;
  return { ...rest, tables };
}

/** Numbers that names have; packets on their way and the kernel know them. */
export interface PlanSlots {
  /** Gateways whose flows are marked: by node name in the own cluster, by `cluster/node` in others. */
  readonly gateways: Slots;
  /** Other nodes of the own cluster. */
  readonly nodes: Slots;
  readonly peers: Slots;
}

export const NO_SLOTS: PlanSlots = { gateways: new Map(), nodes: new Map(), peers: new Map() };

/** A peer, and what carries packets to it now. */
export interface PeerPaths extends PeerNetwork {
  /**
   * Names of the gateways in use, as in the slots: the own cluster's for a node, the peer's for a gateway. Empty: nobody
   * can reach it.
   */
  readonly through: readonly string[];
  /** Those of them and others that carry back what came through them; absent: those in use. */
  readonly back?: readonly string[];
  /** Largest IP packet on the way to it, bytes; absent: not measured. */
  readonly mtu?: number;
}
