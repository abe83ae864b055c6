import type { Plan } from "./plan.ts";
import { deadEndTable, wanTable } from "./route-tables.ts";
import type { VxlanSettings } from "./settings.ts";

/**
 * What is left of a gateway's plan when the node is none any more: it carries what still comes from peers, and what goes back the way it came, but sends
 * peers nothing by itself. They take packets from gateways that they know alone, and have heard of others by now: what its own pods and
 * late nodes have for peers goes to those others, as the node agent's routes say.
 */
export function leavingPlan(plan: Plan, settings: VxlanSettings): Plan {
  const { shortcut: _, kernel, ...rest } = plan;
  const groups = new Set(kernel.groups.map(({ id }) => id));
  const routes = kernel.routes.filter(({ table, target }) => {
    if (table === deadEndTable(settings)) return false;
    const isSpread = target.kind === "nexthop" && groups.has(target.id);
    return table !== wanTable(settings) || !isSpread;
  });
  return { ...rest, kernel: { ...kernel, routes } };
}
